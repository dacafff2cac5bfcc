/* SPDX-License-Identifier: Apache-2.0 */
/* A number that is taken is finite and prints as one that is taken again. */
#include "base/number.h"

#include "fuzz.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void whole(const char *text)
{
    char again[32];
    uint64_t value = 0;
    uint64_t value_again = 0;
    int64_t with_sign = 0;
    if (number_parse_u64(text, 10, &value) == 0) {
        (void)snprintf(again, sizeof(again), "%" PRIu64, value);
        fuzz_want(number_parse_u64(again, 10, &value_again) == 0 && value_again == value);
    }
    if (number_parse_u64(text, 16, &value) == 0) {
        (void)snprintf(again, sizeof(again), "0x%" PRIx64, value);
        fuzz_want(number_parse_u64(again, 16, &value_again) == 0 && value_again == value);
    }
    if (number_parse_i64(text, &with_sign) == 0)
        fuzz_want(text[strspn(text, "-0123456789")] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    double real = 0;
    uint64_t ns = 0;
    whole(text);
    if (number_parse_double(text, &real) == 0)
        fuzz_want(isfinite(real));
    if (number_parse_duration_ns(text, &ns) == 0)
        fuzz_want(ns <= INT64_MAX);
    return 0;
}
