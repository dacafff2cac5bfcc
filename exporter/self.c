/* SPDX-License-Identifier: Apache-2.0 */
#include "self.h"

#include "base/clock.h"

#include <sys/resource.h>
#include <unistd.h>

#define STAT_LIMIT  ((size_t)1 << 20) /* /proc/stat of thousands of CPUs */
#define START_FIELD 22                /* proc(5), /proc/PID/stat: starttime */

uint64_t self_parse_start_ticks(const char *stat)
{
    const char *at = strrchr(stat, ')');
    if (!at)
        return 0;
    for (int field = 2; field < START_FIELD; field++) {
        at = strchr(at, ' ');
        if (!at)
            return 0;
        at++;
    }
    return strtoull(at, NULL, 10);
}

/* Boot time of /proc/stat, seconds of the Unix epoch; 0 if it does not say. */
static double boot_seconds(const struct rootfs *own)
{
    AUTO_BUF text;
    buf_init(&text, STAT_LIMIT);
    if (rootfs_read_all(own, "/proc/stat", &text) < 0)
        return 0;
    const char *line = strstr(buf_text(&text), "\nbtime ");
    return line ? strtod(line + strlen("\nbtime "), NULL) : 0;
}

static double start_seconds(const struct rootfs *own)
{
    char text[1024];
    if (rootfs_read_text(own, "/proc/self/stat", text, sizeof(text)) < 0)
        return -1;
    uint64_t ticks = self_parse_start_ticks(text);
    double boot = boot_seconds(own);
    return ticks && boot > 0 ? boot + (double)ticks / (double)sysconf(_SC_CLK_TCK) : -1;
}

static void read_memory(const struct rootfs *own, struct self_usage *ret)
{
    char text[256];
    if (rootfs_read_text(own, "/proc/self/statm", text, sizeof(text)) < 0)
        return;
    char *end = NULL;
    double page = (double)sysconf(_SC_PAGESIZE);
    ret->virtual_bytes = (double)strtoull(text, &end, 10) * page;
    ret->resident_bytes = (double)strtoull(end, NULL, 10) * page;
}

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

void self_read(const struct rootfs *own, struct self_usage *ret)
{
    double start = ret->start_time_seconds; /* it does not change; the clock may be set meanwhile */
    struct rusage used;
    *ret = (struct self_usage){ -1, -1, -1, -1, -1 };
    ret->start_time_seconds = start > 0 ? start : start_seconds(own);
    if (getrusage(RUSAGE_SELF, &used) == 0)
        ret->cpu_seconds = seconds_of(used.ru_utime) + seconds_of(used.ru_stime);
    read_memory(own, ret);
    AUTO_NAMES fds = { 0 };
    if (rootfs_list(own, "/proc/self/fd", &fds) == 0)
        ret->open_fds = (double)fds.n - 1; /* the one that lists is gone again */
}
