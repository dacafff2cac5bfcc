/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cgroup.h"

#include "base/number.h"
#include "host/span.h"

#include <errno.h>

#define MOUNTINFO_LIMIT (1U << 20) /* a node with some thousand mounts */
#define CPU_STAT_LIMIT  4096
#define NS_PER_USEC     1000U

const char *cgroup_version_name(enum cgroup_version v)
{
    static const char *const names[] = {
        [CGROUP_NONE] = "none", [CGROUP_V1] = "v1", [CGROUP_V2] = "v2", [CGROUP_HYBRID] = "hybrid"
    };
    return names[v];
}

static enum cgroup_version version_of(bool v1, bool v2)
{
    if (v1 && v2)
        return CGROUP_HYBRID;
    if (v1)
        return CGROUP_V1;
    return v2 ? CGROUP_V2 : CGROUP_NONE;
}

/* "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw": the type comes after the lone dash, which
   optional fields may precede (proc(5)). */
static struct span mount_type(struct span line)
{
    struct span field = { line.at, 0 };
    while (span_cut(&line, " ", &field)) {
        if (span_is(field, "-"))
            break;
    }
    if (!span_cut(&line, " ", &field))
        field.len = 0;
    return field;
}

enum cgroup_version cgroup_version_parse(const char *mountinfo)
{
    bool v1 = false;
    bool v2 = false;
    struct span rest = span_of(mountinfo);
    struct span line;
    while (span_cut(&rest, "\n", &line)) {
        struct span type = mount_type(line);
        v1 = v1 || span_is(type, "cgroup");
        v2 = v2 || span_is(type, "cgroup2");
    }
    return version_of(v1, v2);
}

static enum cgroup_version version_from_folders(const struct rootfs *fs)
{
    static const char *const v1_folders[] = { "/sys/fs/cgroup/cpuacct",
                                              "/sys/fs/cgroup/cpu,cpuacct",
                                              "/sys/fs/cgroup/cpuacct,cpu", "/sys/fs/cgroup/cpu",
                                              "/sys/fs/cgroup/memory" };
    /* the root of v2 has this file and no folder of those names can be told from a group's */
    if (rootfs_exists(fs, "/sys/fs/cgroup/cgroup.controllers"))
        return CGROUP_V2;
    bool v1 = false;
    for (size_t i = 0; i < ARRAY_LEN(v1_folders) && !v1; i++)
        v1 = rootfs_exists(fs, v1_folders[i]);
    return version_of(v1, rootfs_exists(fs, "/sys/fs/cgroup/unified"));
}

enum cgroup_version cgroup_version_read(const struct rootfs *fs)
{
    enum cgroup_version version = version_from_folders(fs);
    if (version != CGROUP_NONE)
        return version;

    AUTO_BUF text;
    buf_init(&text, MOUNTINFO_LIMIT);
    if (rootfs_read_all(fs, "/proc/self/mountinfo", &text) < 0)
        return CGROUP_NONE;
    return cgroup_version_parse(buf_text(&text));
}

int cgroup_cpu_stat_parse(const char *text, uint64_t *ret_usec)
{
    struct span rest = span_of(text);
    struct span line;
    while (span_cut(&rest, "\n", &line)) {
        char number[24];
        uint64_t usec = 0;
        if (!span_drop_prefix(&line, "usage_usec "))
            continue;
        if (!span_copy(line, number, sizeof(number)) || number_parse_u64(number, 10, &usec) < 0 ||
            usec > UINT64_MAX / NS_PER_USEC)
            return -EBADMSG;
        *ret_usec = usec;
        return 0;
    }
    return -EBADMSG;
}

static int read_cpu_stat(const struct rootfs *fs, const char *path, uint64_t *ret_usec)
{
    char text[CPU_STAT_LIMIT];
    ssize_t n = rootfs_read_text(fs, path, text, sizeof(text));
    if (n < 0)
        return (int)n;
    return cgroup_cpu_stat_parse(text, ret_usec);
}

int cgroup_root_counter_read(const struct rootfs *fs, const struct cgroup_cpu_counter *c,
                             uint64_t *ret_ns)
{
    uint64_t count = 0;
    int code = c->ns_per_count == 1 ? rootfs_read_u64(fs, c->path, &count)
                                    : read_cpu_stat(fs, c->path, &count);
    if (code < 0)
        return code;
    *ret_ns = count * c->ns_per_count;
    return 0;
}

/* Exact ones first. In a container of its own cgroup namespace the same paths lead to its own
   group: v1 has release_agent in the root group only, v2 cgroup.events in all others (Linux
   kernel/cgroup/cgroup-v1.c and cgroup.c, CFTYPE_ONLY_ON_ROOT and CFTYPE_NOT_ON_ROOT). */
static const struct counter_row {
    const char *name, *path;
    uint64_t ns_per_count;
    const char *root_has, *root_lacks;
} counter_rows[] = {
    { "cpuacct", "/sys/fs/cgroup/cpuacct/cpuacct.usage", 1, "/sys/fs/cgroup/cpuacct/release_agent",
      NULL },
    { "cpuacct", "/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage", 1,
      "/sys/fs/cgroup/cpu,cpuacct/release_agent", NULL },
    { "cpuacct", "/sys/fs/cgroup/cpuacct,cpu/cpuacct.usage", 1,
      "/sys/fs/cgroup/cpuacct,cpu/release_agent", NULL },
    { "cpu.stat", "/sys/fs/cgroup/cpu.stat", NS_PER_USEC, NULL, "/sys/fs/cgroup/cgroup.events" },
    { "cpu.stat", "/sys/fs/cgroup/unified/cpu.stat", NS_PER_USEC, NULL,
      "/sys/fs/cgroup/unified/cgroup.events" },
};

static bool is_root(const struct rootfs *fs, const struct counter_row *row)
{
    if (row->root_lacks && rootfs_exists(fs, row->root_lacks))
        return false;
    /* a dump holds what was recorded of a machine's root, not every file beside it */
    return fs->foreign || !row->root_has || rootfs_exists(fs, row->root_has);
}

int cgroup_root_counter_find(const struct rootfs *fs, struct cgroup_cpu_counter *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(counter_rows); i++) {
        const struct counter_row *row = &counter_rows[i];
        struct cgroup_cpu_counter c = { .name = row->name, .ns_per_count = row->ns_per_count };
        uint64_t now_ns = 0;
        (void)span_copy(span_of(row->path), c.path, sizeof(c.path));
        if (is_root(fs, row) && cgroup_root_counter_read(fs, &c, &now_ns) == 0) {
            *ret = c;
            return 0;
        }
    }
    return -ENOENT;
}
