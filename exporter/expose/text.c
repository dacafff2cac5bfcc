/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/text.h"

#include "base/utf8.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define EXACT_INTEGERS 9007199254740992.0 /* 2^53: doubles below it hold every integer */

static void escape(struct buf *to, const char *value, bool quotes)
{
    const char *plain = value; /* what needs no change is added in one piece */
    const char *s = value;
    const char *end = value + strlen(value);
    while (s < end) {
        const char *instead = NULL;
        size_t n = utf8_sequence(s, (size_t)(end - s));
        if (n == 0) {
            instead = UTF8_REPLACEMENT;
            n = 1;
        } else if (*s == '\\') {
            instead = "\\\\";
        } else if (*s == '\n') {
            instead = "\\n";
        } else if (*s == '"' && quotes) {
            instead = "\\\"";
        }
        if (instead) {
            buf_add(to, plain, (size_t)(s - plain));
            buf_str(to, instead);
            plain = s + n;
        }
        s += n;
    }
    buf_add(to, plain, (size_t)(s - plain));
}

void text_label(struct buf *to, const char *name, const char *value)
{
    buf_str(to, name);
    buf_str(to, "=\"");
    escape(to, value, true);
    buf_char(to, '"');
}

void text_help(struct buf *to, const char *help)
{
    escape(to, help, false);
}

#define NANO_DIGITS 9
#define NANO        1000000000U
#define NANO_LIMIT  9e9 /* beyond it a double does not tell a nano-unit anyway */

#define DIGITS_ROOM 24 /* of 2^64 with sign and point */

/* Puts the digits of @value, @least at least, before @end; returns where they begin. */
static char *put_digits(char *end, uint64_t value, int least)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (--least > 0 || value);
    return end;
}

static void add_integer(struct buf *to, double value)
{
    char digits[DIGITS_ROOM];
    char *end = digits + sizeof(digits);
    char *at = put_digits(end, (uint64_t)fabs(value), 1);
    if (value < 0)
        *--at = '-';
    buf_add(to, at, (size_t)(end - at));
}

void text_nano(struct buf *to, double value)
{
    char digits[DIGITS_ROOM];
    char *end = digits + sizeof(digits);
    if (!(fabs(value) < NANO_LIMIT)) {
        text_number(to, value);
        return;
    }
    uint64_t whole = (uint64_t)fabs(value);
    uint64_t fraction = (uint64_t)((fabs(value) - (double)whole) * NANO + 0.5);
    whole += fraction / NANO;
    fraction %= NANO;
    bool is_negative = value < 0 && (whole || fraction);
    int decimals = NANO_DIGITS;
    for (; fraction && fraction % 10 == 0; decimals--)
        fraction /= 10;
    char *at = end;
    if (fraction) {
        at = put_digits(end, fraction, decimals);
        *--at = '.';
    }
    at = put_digits(at, whole, 1);
    if (is_negative)
        *--at = '-';
    buf_add(to, at, (size_t)(end - at));
}

void text_number(struct buf *to, double value)
{
    if (isnan(value)) {
        buf_str(to, "NaN");
    } else if (isinf(value)) {
        buf_str(to, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) < EXACT_INTEGERS && value == trunc(value)) {
        add_integer(to, value);
    } else {
        char text[40];
        int n = 0;
        for (int digits = 15; digits <= 17; digits++) {
            n = snprintf(text, sizeof(text), "%.*g", digits, value);
            if (strtod(text, NULL) == value)
                break;
        }
        buf_add(to, text, (size_t)n);
    }
}

void text_line(struct buf *to, const char *name, const char *labels, double value)
{
    buf_str(to, name);
    if (labels[0]) {
        buf_char(to, '{');
        buf_str(to, labels);
        buf_char(to, '}');
    }
    buf_char(to, ' ');
    text_number(to, value);
    buf_char(to, '\n');
}
