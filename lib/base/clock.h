/* SPDX-License-Identifier: Apache-2.0 */
/* The only place that asks what time it is; pure code is handed the answer. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_MS  UINT64_C(1000000)

uint64_t clock_monotonic_ns(void); /* does not count suspend: what ran and what is waited for */
uint64_t clock_boottime_ns(void);  /* counts suspend: the clock of a task's start time */

/* "2026-11-22T19:40:00Z" into @ret (at least 21 bytes), UTC. */
void clock_utc_text(char *ret, unsigned long size);

#endif
