/* SPDX-License-Identifier: Apache-2.0 */
/* Text to numbers, strictly: the whole text is the number, or it is -EINVAL (-ERANGE past 64 bits).
   Nothing is written on failure. */
#ifndef BASE_NUMBER_H
#define BASE_NUMBER_H

#include "base/compiler.h"

#include <stdint.h>

/* @base 10, or 16 with or without "0x". No sign, no blanks. */
MUST_USE int number_parse_u64(const char *text, int base, uint64_t *ret);
MUST_USE int number_parse_i64(const char *text, int64_t *ret);

/* Finite only. Always "." as the decimal point: no program here calls setlocale. */
MUST_USE int number_parse_double(const char *text, double *ret);

/* Go's duration: "5s", "1m30s", "500ms", "1.5h", "0". Units ns us ms s m h. Never negative. */
MUST_USE int number_parse_duration_ns(const char *text, uint64_t *ret_ns);

#endif
