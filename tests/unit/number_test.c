/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define UNTOUCHED 12345

static void unsigned_numbers(void **state)
{
    static const struct {
        const char *why, *text;
        int base, code;
        uint64_t value;
    } rows[] = {
        { "zero", "0", 10, 0, 0 },
        { "zeros in front", "007", 10, 0, 7 },
        { "the largest", "18446744073709551615", 10, 0, UINT64_MAX },
        { "one more", "18446744073709551616", 10, -ERANGE, 0 },
        { "nothing", "", 10, -EINVAL, 0 },
        { "a minus", "-1", 10, -EINVAL, 0 },
        { "a plus", "+1", 10, -EINVAL, 0 },
        { "a blank before", " 1", 10, -EINVAL, 0 },
        { "a blank behind", "1 ", 10, -EINVAL, 0 },
        { "a line end", "1\n", 10, -EINVAL, 0 },
        { "letters", "abc", 10, -EINVAL, 0 },
        { "hex is not decimal", "0x10", 10, -EINVAL, 0 },
        { "a point", "1.0", 10, -EINVAL, 0 },
        { "hex without 0x", "ff", 16, 0, 255 },
        { "hex with 0x", "0xC0010299", 16, 0, 0xC0010299 },
        { "0x alone", "0x", 16, -EINVAL, 0 },
        { "0x twice", "0x0x1", 16, -EINVAL, 0 },
        { "hex past 64 bits", "10000000000000000", 16, -ERANGE, 0 },
        { "a minus behind 0x", "0x-1", 16, -EINVAL, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t got = UNTOUCHED;
        int code = number_parse_u64(rows[i].text, rows[i].base, &got);
        if (code != rows[i].code || got != (code == 0 ? rows[i].value : UNTOUCHED))
            fail_msg("%s: code %d, value %llu", rows[i].why, code, (unsigned long long)got);
    }
}

static void signed_numbers(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
        int64_t value;
    } rows[] = {
        { "minus one: all of them", "-1", 0, -1 },
        { "the smallest", "-9223372036854775808", 0, INT64_MIN },
        { "one less", "-9223372036854775809", -ERANGE, 0 },
        { "the largest", "9223372036854775807", 0, INT64_MAX },
        { "one more", "9223372036854775808", -ERANGE, 0 },
        { "nothing", "", -EINVAL, 0 },
        { "a minus alone", "-", -EINVAL, 0 },
        { "two", "--1", -EINVAL, 0 },
        { "a plus", "+1", -EINVAL, 0 },
        { "a blank", "- 1", -EINVAL, 0 },
        { "words behind", "1 second", -EINVAL, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t got = UNTOUCHED;
        int code = number_parse_i64(rows[i].text, &got);
        if (code != rows[i].code || got != (code == 0 ? rows[i].value : UNTOUCHED))
            fail_msg("%s: code %d, value %lld", rows[i].why, code, (long long)got);
    }
}

static void real_numbers(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
        double value;
    } rows[] = {
        { "a half", "0.5", 0, 0.5 },
        { "no zero before the point", ".5", 0, 0.5 },
        { "negative", "-2.5", 0, -2.5 },
        { "perf's scale files", "2.3283064365386962890625e-10", 0, 0x1p-32 },
        { "a capital exponent", "1E3", 0, 1000 },
        { "a number that is not", "nan", -EINVAL, 0 },
        { "infinity by name", "inf", -EINVAL, 0 },
        { "infinity by size", "1e999", -EINVAL, 0 },
        { "hex", "0x1p3", -EINVAL, 0 },
        { "nothing", "", -EINVAL, 0 },
        { "a sign alone", "-", -EINVAL, 0 },
        { "a point alone", ".", -EINVAL, 0 },
        { "an exponent of nothing", "1e", -EINVAL, 0 },
        { "a blank before", " 1", -EINVAL, 0 },
        { "a unit behind", "280W", -EINVAL, 0 },
        { "a comma is no point", "0,5", -EINVAL, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double got = UNTOUCHED;
        int code = number_parse_double(rows[i].text, &got);
        if (code != rows[i].code || got != (code == 0 ? rows[i].value : UNTOUCHED))
            fail_msg("%s: code %d, value %g", rows[i].why, code, got);
    }
}

static void durations(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
        uint64_t ns;
    } rows[] = {
        { "Kepler's default", "5s", 0, 5000000000 },
        { "zero needs no unit", "0", 0, 0 },
        { "but may have one", "0s", 0, 0 },
        { "several units", "1m30s", 0, 90000000000 },
        { "in any order", "30s1m", 0, 90000000000 },
        { "ms is not m", "500ms", 0, 500000000 },
        { "m is not ms", "2m", 0, 120000000000 },
        { "parts of an hour", "1.5h", 0, 5400000000000 },
        { "a tenth is exact", "0.1s", 0, 100000000 },
        { "no zero before the point", ".5s", 0, 500000000 },
        { "microseconds", "3us", 0, 3000 },
        { "with the micro sign", "3\xc2\xb5s", 0, 3000 },
        { "with the Greek letter", "3\xce\xbcs", 0, 3000 },
        { "nanoseconds", "7ns", 0, 7 },
        { "a number without a unit", "5", -EINVAL, 0 },
        { "a unit without a number", "s", -EINVAL, 0 },
        { "nothing", "", -EINVAL, 0 },
        { "negative", "-5s", -EINVAL, 0 },
        { "a blank", "5 s", -EINVAL, 0 },
        { "a blank behind", "5s ", -EINVAL, 0 },
        { "days are no unit of Go's", "1d", -EINVAL, 0 },
        { "an exponent", "1e3s", -EINVAL, 0 },
        { "hex", "0x5s", -EINVAL, 0 },
        { "two points", "1.5.5s", -EINVAL, 0 },
        { "a point alone", ".s", -EINVAL, 0 },
        { "a second number without a unit", "1m30", -EINVAL, 0 },
        { "290 years", "2540400h", 0, UINT64_C(9145440000000000000) },
        { "293 years", "2566680h", -ERANGE, 0 },
        { "a number that overflows", "99999999999999999999999h", -ERANGE, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t got = UNTOUCHED;
        int code = number_parse_duration_ns(rows[i].text, &got);
        if (code != rows[i].code || got != (code == 0 ? rows[i].ns : UNTOUCHED))
            fail_msg("%s: code %d, %llu ns", rows[i].why, code, (unsigned long long)got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unsigned_numbers),
        cmocka_unit_test(signed_numbers),
        cmocka_unit_test(real_numbers),
        cmocka_unit_test(durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
