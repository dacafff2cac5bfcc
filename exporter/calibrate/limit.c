/* SPDX-License-Identifier: Apache-2.0 */
/* Documentation/admin-guide/cgroup-v2.rst ("cpu.max"), Documentation/scheduler/sched-bwc.rst
   (cpu.cfs_quota_us), cgroups(7) (/proc/PID/cgroup). */
#include "calibrate/limit.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "host/span.h"

#include <math.h>
#include <string.h>

#define CGROUP_TEXT_LIMIT 65536
#define NUMBERS_SIZE      64

double limit_parse(const char *cpu_max)
{
    char text[NUMBERS_SIZE];
    uint64_t quota_us = 0;
    uint64_t period_us = 0;
    if (strlen(cpu_max) >= sizeof(text))
        return HUGE_VAL;
    memcpy(text, cpu_max, strlen(cpu_max) + 1);
    char *blank = strchr(text, ' ');
    if (!blank)
        return HUGE_VAL;
    *blank = '\0';
    if (number_parse_u64(text, 10, &quota_us) < 0 ||
        number_parse_u64(blank + 1, 10, &period_us) < 0 || period_us == 0)
        return HUGE_VAL;
    return (double)quota_us / (double)period_us;
}

static ssize_t read_numbers(const struct rootfs *fs, const char *folder, const char *file,
                            char ret[NUMBERS_SIZE])
{
    AUTO_STR path = mem_printf("%s/%s", folder, file);
    return rootfs_read_text(fs, path, ret, NUMBERS_SIZE);
}

/* Of one group, in either version's files. */
static double group_limit(const struct rootfs *fs, const char *folder)
{
    char text[NUMBERS_SIZE];
    char period[NUMBERS_SIZE];
    if (read_numbers(fs, folder, "cpu.max", text) >= 0)
        return limit_parse(text);
    if (read_numbers(fs, folder, "cpu.cfs_quota_us", text) < 0 ||
        read_numbers(fs, folder, "cpu.cfs_period_us", period) < 0)
        return HUGE_VAL;
    AUTO_STR both = mem_printf("%s %s", text, period);
    return limit_parse(both);
}

/* Of a group and all above it. In a container whose mount does not show the path, the last of them
   is the container's own. */
static double path_limit(const struct rootfs *fs, const char *mount, struct span group)
{
    AUTO_STR folder = mem_printf("%s%.*s", mount, (int)group.len, group.at);
    double least = HUGE_VAL;
    for (;;) {
        least = fmin(least, group_limit(fs, folder));
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + strlen(mount))
            return least;
        *slash = '\0';
    }
}

/* A line of /proc/self/cgroup: "0::/user.slice", "4:cpu,cpuacct:/docker/abc". */
static double line_limit(const struct rootfs *fs, struct span line)
{
    struct span id;
    struct span controllers;
    struct span name;
    if (!span_cut(&line, ":", &id) || !span_cut(&line, ":", &controllers))
        return HUGE_VAL;
    if (controllers.len == 0)
        return path_limit(fs, "/sys/fs/cgroup", line);
    while (span_cut(&controllers, ",", &name)) {
        if (span_is(name, "cpu"))
            return path_limit(fs, "/sys/fs/cgroup/cpu", line);
    }
    return HUGE_VAL;
}

double limit_cpus(const struct rootfs *fs)
{
    AUTO_BUF text;
    double least = HUGE_VAL;
    buf_init(&text, CGROUP_TEXT_LIMIT);
    if (rootfs_read_all(fs, "/proc/self/cgroup", &text) < 0)
        return least;
    struct span rest = span_of(buf_text(&text));
    struct span line;
    while (span_cut(&rest, "\n", &line))
        least = fmin(least, line_limit(fs, line));
    return least;
}
