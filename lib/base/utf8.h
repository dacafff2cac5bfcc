/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes of the UTF-8 sequence that @text (of @len bytes) begins with: 1 .. 4, or 0 if it begins
   with none: overlong, cut, a surrogate, past U+10FFFF (Unicode 15, table 3-7). */
size_t utf8_sequence(const char *text, size_t len);

#define UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD stands for a byte that is no UTF-8 */

#endif
