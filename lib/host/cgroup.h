/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: which hierarchies are mounted, and what a path says of a container. */
#ifndef HOST_CGROUP_H
#define HOST_CGROUP_H

#include "base/compiler.h"
#include "base/rootfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cgroup_version {
    CGROUP_NONE,
    CGROUP_V1,
    CGROUP_V2,
    CGROUP_HYBRID
};
const char *cgroup_version_name(enum cgroup_version v); /* "none" "v1" "v2" "hybrid" */

/* From the folders below /sys/fs/cgroup (a dump's, or the host's mounted elsewhere), and from
   /proc/self/mountinfo if they say nothing. */
enum cgroup_version cgroup_version_read(const struct rootfs *fs);
enum cgroup_version cgroup_version_parse(const char *mountinfo); /* pure */

/* CPU time of all that ran, from the root group. -ENOENT where there is no such counter: none is
   mounted, or what is mounted is not the root but a container's own group. */
struct cgroup_cpu_counter {
    const char *name; /* "cpuacct": exact nanoseconds; "cpu.stat": root, from the ticks */
    char path[128];
    uint64_t ns_per_count;
};
MUST_USE int cgroup_root_counter_find(const struct rootfs *fs, struct cgroup_cpu_counter *ret);
MUST_USE int cgroup_root_counter_read(const struct rootfs *fs, const struct cgroup_cpu_counter *c,
                                      uint64_t *ret_ns);
/* Pure: usage_usec of the text of a cpu.stat; -EBADMSG without a believable one. */
MUST_USE int cgroup_cpu_stat_parse(const char *text, uint64_t *ret_usec);

struct cgroup_container {
    char id[65];      /* 64 hex digits */
    char runtime[16]; /* "docker" "containerd" "crio" "podman" "kubepods" (unknown runtime) */
    char pod_uid[40]; /* "" outside Kubernetes; dashes as the API writes them */
};
/* Pure: scans all lines of a /proc/PID/cgroup (both drivers, v1, v2, hybrid). Of containers inside
   containers, the id is the innermost, the pod the outermost. False, and all fields "": no
   container. */
bool cgroup_container_parse(const char *cgroup_text, struct cgroup_container *ret);

#endif
