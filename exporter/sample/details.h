/* SPDX-License-Identifier: Apache-2.0 */
/* What a process is called beside its name: executable and container, read from /proc/PID once it
   is seen, and again where it may have changed. */
#ifndef SAMPLE_DETAILS_H
#define SAMPLE_DETAILS_H

#include "base/rootfs.h"
#include "sample/table.h"

#include <stdint.h>

#define DETAILS_CACHE 256 /* containers; what falls on the same place is forgotten */

struct details {
    const struct rootfs *fs; /* borrowed */
    struct {
        uint64_t cgroup_id;
        struct cgroup_container container;
    } known[DETAILS_CACHE]; /* by cgroup id, for who has ended before it could be asked */
};

/* Reads what is due for each process in @table. One that cannot be read (it has gone, it is
   another's, /proc is mounted with hidepid) keeps what is known of it. */
void details_refresh(struct details *d, struct process_table *table);

#endif
