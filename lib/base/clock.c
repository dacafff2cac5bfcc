/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

static uint64_t now_ns(clockid_t id)
{
    struct timespec ts = { 0 };
    (void)clock_gettime(id, &ts); /* cannot fail for these ids */
    return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_monotonic_ns(void)
{
    return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_boottime_ns(void)
{
    return now_ns(CLOCK_BOOTTIME);
}

void clock_utc_text(char *ret, unsigned long size)
{
    struct tm tm;
    time_t now = time(NULL);
    ret[0] = '\0';
    if (gmtime_r(&now, &tm))
        (void)strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
