/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer. It states its limit when it is made; at the limit it stops taking bytes
   and remembers that it did, so that a writer checks once, at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* owned; always NUL-terminated when len > 0; NULL while empty */
    size_t len;
    size_t room;
    size_t limit; /* most bytes it will hold */
    bool full;    /* something was refused */
};

void buf_init(struct buf *b, size_t limit);
void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* empties, keeps the memory */

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
PRINTF_LIKE(2, 3) void buf_printf(struct buf *b, const char *format, ...);

/* The text, "" while empty. Owned by the buffer. */
const char *buf_text(const struct buf *b);

/* Hands the memory over: the caller frees it; the buffer is empty after. Never NULL. */
char *buf_take(struct buf *b);

#define AUTO_BUF CLEANUP(buf_done) struct buf

#endif
