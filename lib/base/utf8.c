/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/compiler.h"

/* Unicode 15, table 3-7: the first byte decides the range of the second */
struct form {
    unsigned char first_low, first_high, second_low, second_high;
    size_t bytes;
};

static const struct form *form_find(unsigned char first)
{
    static const struct form rows[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (first >= rows[i].first_low && first <= rows[i].first_high)
            return &rows[i];
    }
    return NULL;
}

size_t utf8_sequence(const char *text, size_t len)
{
    const unsigned char *b = (const unsigned char *)text;
    const struct form *form = len > 0 ? form_find(b[0]) : NULL;
    if (!form || form->bytes > len)
        return 0;
    if (form->bytes > 1 && (b[1] < form->second_low || b[1] > form->second_high))
        return 0;
    for (size_t i = 2; i < form->bytes; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    }
    return form->bytes;
}
