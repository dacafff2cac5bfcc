/* SPDX-License-Identifier: Apache-2.0 */
/* Documentation/admin-guide/cgroup-v2.rst ("cpu.max"), Documentation/scheduler/sched-bwc.rst
   (cpu.cfs_quota_us), cgroups(7) (/proc/PID/cgroup). */
#include "calibrate/limit.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/number.h"

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
static double path_limit(const struct rootfs *fs, const char *mount, const char *group, size_t len)
{
    AUTO_STR folder = mem_printf("%s%.*s", mount, (int)len, group);
    double least = HUGE_VAL;
    for (;;) {
        least = fmin(least, group_limit(fs, folder));
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + strlen(mount))
            return least;
        *slash = '\0';
    }
}

static bool is_listed(const char *list, size_t len, const char *name)
{
    for (size_t at = 0; at <= len;) {
        size_t word = strcspn(list + at, ",:");
        if (word == strlen(name) && strncmp(list + at, name, word) == 0)
            return true;
        at += word + 1;
    }
    return false;
}

/* A line of /proc/self/cgroup: "0::/user.slice", "4:cpu,cpuacct:/docker/abc". */
static double line_limit(const struct rootfs *fs, const char *line, size_t len)
{
    const char *controllers = memchr(line, ':', len);
    const char *group = NULL;
    if (controllers)
        group = memchr(controllers + 1, ':', len - (size_t)(controllers + 1 - line));
    if (!group)
        return HUGE_VAL;
    size_t group_len = len - (size_t)(group + 1 - line);
    size_t listed = (size_t)(group - controllers) - 1;
    if (listed == 0)
        return path_limit(fs, "/sys/fs/cgroup", group + 1, group_len);
    if (is_listed(controllers + 1, listed, "cpu"))
        return path_limit(fs, "/sys/fs/cgroup/cpu", group + 1, group_len);
    return HUGE_VAL;
}

double limit_cpus(const struct rootfs *fs)
{
    AUTO_BUF text;
    double least = HUGE_VAL;
    buf_init(&text, CGROUP_TEXT_LIMIT);
    if (rootfs_read_all(fs, "/proc/self/cgroup", &text) < 0)
        return least;
    const char *line = buf_text(&text);
    while (*line) {
        size_t len = strcspn(line, "\n");
        least = fmin(least, line_limit(fs, line, len));
        line += len + (line[len] == '\n');
    }
    return least;
}
