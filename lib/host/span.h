/* SPDX-License-Identifier: Apache-2.0 */
/* A stretch of somebody's text, so that the parsers of this folder copy nothing. Pure. */
#ifndef HOST_SPAN_H
#define HOST_SPAN_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *at; /* borrowed; no NUL of its own */
    size_t len;
};

static inline struct span span_of(const char *text)
{
    return (struct span){ text, strlen(text) };
}

/* Takes what lies before the next of @separators from @rest ("a,,b" gives "a", "", "b"); false once
   @rest is empty, so that a separator at the end makes no last empty piece. */
static inline bool span_cut(struct span *rest, const char *separators, struct span *ret)
{
    if (rest->len == 0)
        return false;
    size_t n = 0;
    while (n < rest->len && (rest->at[n] == '\0' || !strchr(separators, rest->at[n])))
        n++;
    *ret = (struct span){ rest->at, n };
    size_t gone = n + (n < rest->len);
    rest->at += gone;
    rest->len -= gone;
    return true;
}

static inline bool span_is(struct span s, const char *text)
{
    return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

/* Drops @prefix (or @suffix) if it is there; says whether it was. */
static inline bool span_drop_prefix(struct span *s, const char *prefix)
{
    size_t n = strlen(prefix);
    if (n > s->len || memcmp(s->at, prefix, n) != 0)
        return false;
    s->at += n;
    s->len -= n;
    return true;
}

static inline bool span_drop_suffix(struct span *s, const char *suffix)
{
    size_t n = strlen(suffix);
    if (n > s->len || memcmp(s->at + s->len - n, suffix, n) != 0)
        return false;
    s->len -= n;
    return true;
}

static inline struct span span_trim(struct span s)
{
    while (s.len > 0 && strchr(" \t\r\n", s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && strchr(" \t\r\n", s.at[s.len - 1]))
        s.len--;
    return s;
}

/* NUL-terminated copy; false, and "" in @ret, if it does not fit whole. */
static inline bool span_copy(struct span s, char *ret, size_t size)
{
    bool fits = s.len < size;
    size_t n = fits ? s.len : 0;
    memcpy(ret, s.at, n);
    ret[n] = '\0';
    return fits;
}

#endif
