/* SPDX-License-Identifier: Apache-2.0 */
/* An independent count of all CPU time, and how much of it the accounting has found. */
#ifndef SAMPLE_REFERENCE_H
#define SAMPLE_REFERENCE_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "host/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reference {
    const struct rootfs *fs;           /* borrowed */
    struct cgroup_cpu_counter counter; /* of the root group; name NULL: there is none */
    const char *name;                  /* "cpuacct" "cpu.stat" "stat" */
    bool is_exact;                     /* in step with the tasks' own run time: "cpuacct" */
    bool has_irq;                      /* irq and softirq are part of it, whatever the kernel */
    bool irq_is_separate; /* CONFIG_IRQ_TIME_ACCOUNTING: irq time is no task's run time */
    uint64_t ns_per_tick;
};
/* The best there is: cpuacct, else the root cpu.stat, else busy ticks of /proc/stat. */
MUST_USE int reference_init(struct reference *ref, const struct rootfs *fs, struct err *err);

/* CPU nanoseconds since boot. */
MUST_USE int reference_read(const struct reference *ref, uint64_t *ret_ns);

/* irq + softirq since boot where they are no task's, else 0. */
uint64_t reference_irq_ns(const struct reference *ref);

/* First line of /proc/stat, in nanoseconds. */
MUST_USE int reference_stat_read(const struct reference *ref, uint64_t *ret_task_ns,
                                 uint64_t *ret_irq_ns);

#define COVERAGE_WINDOW_NS UINT64_C(60000000000)
#define COVERAGE_FIRST_NS  UINT64_C(2000000000) /* a shorter window says nothing */
#define COVERAGE_STEP_NS   UINT64_C(1000000000)
#define COVERAGE_POINTS    62 /* one a step over the window, its two ends */

struct coverage_point {
    uint64_t taken_ns, run_ns, reference_ns; /* both counted from any start */
};

/* The last minute. Pure. */
struct coverage {
    struct coverage_point point[COVERAGE_POINTS];
    size_t first, n; /* a ring */
};
/* (run now - run then) / (reference now - reference then), then being a minute ago or the first
   call; -1 while that is not known. */
double coverage_add(struct coverage *c, const struct coverage_point *now);

#endif
