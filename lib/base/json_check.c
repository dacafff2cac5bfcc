/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_check.h"

#include "base/utf8.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#define NUMBER_BYTES 63 /* cJSON cuts longer ones */

struct scan {
    const char *text;
    size_t len, at;
    size_t depth;      /* of the lists and maps that are open at `at` */
    const char *wrong; /* what is wrong at `at`, NULL while nothing is */
};

int json_error_at(const char *text, size_t at, const char *what, struct err *err)
{
    unsigned line = 1;
    unsigned column = 1;
    for (size_t i = 0; i < at; i++) {
        bool newline = text[i] == '\n';
        line += newline;
        column = newline ? 1 : column + (((unsigned char)text[i] & 0xc0) != 0x80);
    }
    return err_set(err, -EBADMSG, "line %u, column %u: %s", line, column, what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

size_t json_blanks(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && is_blank(text[n]))
        n++;
    return n;
}

static char peek(const struct scan *s)
{
    return (char)(s->at < s->len ? s->text[s->at] : 0);
}

static size_t digits(struct scan *s)
{
    size_t from = s->at;
    while (isdigit((unsigned char)peek(s)))
        s->at++;
    return s->at - from;
}

/* RFC 8259 section 6: an integer, then a fraction and an exponent if they begin. */
static bool take_integer(struct scan *s)
{
    s->at += peek(s) == '-';
    if (peek(s) != '0')
        return digits(s) > 0;
    s->at++;
    return true;
}

static bool take_fraction(struct scan *s)
{
    if (peek(s) != '.')
        return true;
    s->at++;
    return digits(s) > 0;
}

static bool take_exponent(struct scan *s)
{
    if (peek(s) != 'e' && peek(s) != 'E')
        return true;
    s->at++;
    s->at += peek(s) == '+' || peek(s) == '-';
    return digits(s) > 0;
}

static bool is_number(struct scan *s)
{
    return take_integer(s) && take_fraction(s) && take_exponent(s) &&
           !isalnum((unsigned char)peek(s)) && peek(s) != '.';
}

static void check_number(struct scan *s)
{
    char copy[NUMBER_BYTES + 1];
    size_t from = s->at;
    bool good = is_number(s);
    size_t n = s->at - from;
    if (!good) {
        s->wrong = "this is no number as JSON writes it";
    } else if (n > NUMBER_BYTES) {
        s->wrong = "a number of more than 63 characters";
    } else {
        memcpy(copy, s->text + from, n);
        copy[n] = '\0';
        if (!isfinite(strtod(copy, NULL)))
            s->wrong = "a number past the range of double precision";
    }
}

/* At a backslash; cJSON checks the escape itself. */
static void check_escape(struct scan *s)
{
    if (s->len - s->at >= 6 && memcmp(s->text + s->at, "\\u0000", 6) == 0)
        s->wrong = "\\u0000 in a string, where no text of this program can hold it";
    s->at += s->len - s->at >= 2 ? 2 : 1;
}

static void check_string(struct scan *s)
{
    size_t from = s->at++;
    while (s->at < s->len && !s->wrong) {
        char c = s->text[s->at];
        size_t n = utf8_sequence(s->text + s->at, s->len - s->at);
        if (c == '"') {
            s->at++;
            return;
        }
        if ((unsigned char)c < 0x20) {
            s->wrong = "a control character (a line's end?) in a string";
        } else if (n == 0) {
            s->wrong = "a byte that is no UTF-8";
        } else if (c == '\\') {
            check_escape(s);
        } else {
            s->at += n;
        }
    }
    if (!s->wrong) {
        s->at = from;
        s->wrong = "this string is never closed";
    }
}

static void check_next(struct scan *s)
{
    char c = s->text[s->at];
    if (c == '"') {
        check_string(s);
    } else if (c == '-' || isdigit((unsigned char)c)) {
        check_number(s);
    } else if (is_blank(c) || isalpha((unsigned char)c) || (c && strchr("{}[]:,", c))) {
        s->at++;
    } else {
        s->wrong = "a character that begins nothing in JSON";
    }
}

/* At what may open or close a list or map; that they match is the grammar's. */
static void check_depth(struct scan *s, size_t limit)
{
    char c = s->text[s->at];
    if (c == '{' || c == '[') {
        s->depth++;
    } else if ((c == '}' || c == ']') && s->depth > 0) {
        s->depth--;
    }
    if (s->depth > limit)
        s->wrong = "lists and maps are nested too deeply";
}

int json_check(const char *text, size_t len, size_t depth_limit, struct err *err)
{
    struct scan s = { .text = text, .len = len };
    if (json_blanks(text, len) == len)
        return json_error_at(text, len, "there is nothing here", err);
    while (s.at < len && !s.wrong) {
        check_depth(&s, depth_limit);
        if (!s.wrong)
            check_next(&s);
    }
    if (!s.wrong && s.depth > 0)
        s.wrong = "the text ends inside a list or map (was it cut?)";
    return s.wrong ? json_error_at(text, s.at, s.wrong, err) : 0;
}
