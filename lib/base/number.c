/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>

int number_parse_u64(const char *text, int base, uint64_t *ret)
{
    if (!isxdigit((unsigned char)text[0]))
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, base);
    if (errno == ERANGE)
        return -ERANGE;
    if (end == text || *end != '\0')
        return -EINVAL;
    *ret = value;
    return 0;
}

int number_parse_i64(const char *text, int64_t *ret)
{
    if (!isdigit((unsigned char)text[text[0] == '-']))
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno == ERANGE)
        return -ERANGE;
    if (*end != '\0')
        return -EINVAL;
    *ret = value;
    return 0;
}

int number_parse_double(const char *text, double *ret)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789+-.eE")] != '\0') /* no hex, no blanks */
        return -EINVAL;
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value))
        return -EINVAL;
    *ret = value;
    return 0;
}

static double unit_ns(const char **at)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = { { "ns", 1 },   { "us", 1e3 }, { "\xc2\xb5s", 1e3 }, { "\xce\xbcs", 1e3 },
                  { "ms", 1e6 }, { "s", 1e9 },  { "m", 60e9 },        { "h", 3600e9 } };
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].name);
        if (strncmp(*at, units[i].name, n) == 0) {
            *at += n;
            return units[i].ns;
        }
    }
    return 0;
}

int number_parse_duration_ns(const char *text, uint64_t *ret_ns)
{
    if (strcmp(text, "0") == 0) {
        *ret_ns = 0;
        return 0;
    }
    double total = 0;
    const char *at = text;
    do {
        if (!isdigit((unsigned char)*at) && *at != '.')
            return -EINVAL;
        char *end = NULL;
        double value = strtod(at, &end);
        if (end == at || (size_t)(end - at) != strspn(at, "0123456789.")) /* no exponent, no hex */
            return -EINVAL;
        at = end;
        double ns = unit_ns(&at);
        if (ns <= 0)
            return -EINVAL;
        total += value * ns;
    } while (*at != '\0');
    if (!(total >= 0 && total < 9.2e18)) /* Go's time.Duration ends at 2^63 ns, 292 years */
        return -ERANGE;
    *ret_ns = (uint64_t)llround(total);
    return 0;
}
