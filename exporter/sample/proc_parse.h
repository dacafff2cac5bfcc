/* SPDX-License-Identifier: Apache-2.0 */
/* Pure parsers of what /proc and /sys say of processors and processes. */
#ifndef SAMPLE_PROC_PARSE_H
#define SAMPLE_PROC_PARSE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stdint.h>

/* First line of /proc/stat, in ticks (USER_HZ) since boot, over all CPUs. */
struct proc_stat {
    uint64_t task_ticks; /* user + nice + system; guests are part of user and nice */
    uint64_t irq_ticks;  /* irq + softirq */
};
/* -EBADMSG if it does not begin with a "cpu" line of at least seven counters. */
MUST_USE int proc_stat_parse(const char *text, struct proc_stat *ret);

/* /proc/PID/stat. */
struct proc_pid_stat {
    uint32_t pid, ppid;
    char comm[16];
    bool kernel_thread;
    uint64_t run_ticks;   /* utime + stime of all threads, alive and dead */
    uint64_t start_ticks; /* since boot */
};
/* The name may hold blanks and parentheses: it ends at the last one. -EBADMSG. */
MUST_USE int proc_pid_stat_parse(const char *text, struct proc_pid_stat *ret);

/* How many CPUs a list as "0-3,8,10-11" (/sys/devices/system/cpu/online) names; -EBADMSG for
   another text, or for more than 65536. */
MUST_USE int cpu_list_count(const char *text, unsigned *ret);

#endif
