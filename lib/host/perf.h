/* SPDX-License-Identifier: Apache-2.0 */
/* Performance counters, by opening them. */
#ifndef HOST_PERF_H
#define HOST_PERF_H

#include "base/compiler.h"

#include <stdint.h>
#include <sys/types.h>

struct perf_event_attr; /* linux/perf_event.h */

/* An fd the caller closes, or -errno; sets @attr's size. @pid and @cpu as perf_event_open(2). */
MUST_USE int perf_event_open(struct perf_event_attr *attr, pid_t pid, int cpu);
/* -ENODATA: the counter is in error state. */
MUST_USE int perf_event_read(int fd, uint64_t *ret);

enum perf_counter {
    PERF_CYCLES,
    PERF_INSTRUCTIONS,
    PERF_LLC_MISSES,
    PERF_COUNTERS
};
const char *perf_counter_name(enum perf_counter c); /* "cycles" "instructions" "llc" */

/* Opens one on the running kernel, lets it count this very thread for a moment and wants more than
   0. 0, -ENOENT (the PMU has none), -EACCES (perf_event_paranoid), -ENODATA (opens, stays 0), or
   what else perf_event_open says (-ENOSYS: a kernel without it; -EMFILE). */
MUST_USE int perf_counter_try(enum perf_counter c);

/* Pure: "event=0x02" as an attr.config (the PMU's format is config:0-7); -EBADMSG for other terms.
 */
MUST_USE int perf_event_config_parse(const char *text, uint64_t *ret);

#endif
