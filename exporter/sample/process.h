/* SPDX-License-Identifier: Apache-2.0 */
/* A process as the exporter knows it, from the refresh that first saw it to the scrape that last
   showed it. */
#ifndef SAMPLE_PROCESS_H
#define SAMPLE_PROCESS_H

#include "host/cgroup.h"
#include "host/energy.h"

#include <stdbool.h>
#include <stdint.h>

enum process_state {
    PROCESS_RUNNING,
    PROCESS_LEFT,  /* no longer listed; its last record is still under way (freed after RCU) */
    PROCESS_ENDED, /* its run time is final */
};

struct process {
    /* identity */
    uint32_t pid;
    uint64_t start_ns; /* CLOCK_BOOTTIME */

    enum process_state state;
    bool kernel_thread;
    char comm[16];
    char *exe; /* owned; "" if it cannot be known (a kernel thread, another's, too short a life) */
    struct cgroup_container container; /* id "" outside a container */

    uint64_t run_ns;     /* exact, of all its threads, alive and dead; never decreases */
    uint64_t pending_ns; /* of it, not yet attributed */

    /* written by attribute/ */
    double joules[ZONE_COUNT], watts[ZONE_COUNT];
    bool has_ended_series; /* it ended, and stays until a scrape has read that */
};

#endif
