/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include "base/compiler.h"

#include <stdbool.h>

size_t utf8_sequence(const char *text, size_t len)
{
    /* Unicode 15, table 3-7: the first byte decides the range of the second */
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        size_t bytes;
    } rows[] = {
        { 0x00, 0x7f, 0, 0, 1 },       { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
        { 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
        { 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
    };
    const unsigned char *b = (const unsigned char *)text;
    for (size_t i = 0; len > 0 && i < ARRAY_LEN(rows); i++) {
        if (b[0] < rows[i].first_low || b[0] > rows[i].first_high)
            continue;
        size_t n = rows[i].bytes;
        if (n == 1)
            return 1;
        bool whole = n <= len && b[1] >= rows[i].second_low && b[1] <= rows[i].second_high;
        for (size_t j = 2; whole && j < n; j++)
            whole = (b[j] & 0xc0) == 0x80;
        return whole ? n : 0;
    }
    return 0;
}
