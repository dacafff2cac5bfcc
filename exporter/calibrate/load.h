/* SPDX-License-Identifier: Apache-2.0 */
/* A load of a known size: one thread pinned to each CPU that this process may use. */
#ifndef CALIBRATE_LOAD_H
#define CALIBRATE_LOAD_H

#include "base/compiler.h"
#include "base/err.h"

#include <stddef.h>

struct load;

/* Starts the threads, at rest. Signals that are to reach another thread are blocked before. */
MUST_USE int load_open(struct load **ret, struct err *err);

/* Ends the load at once (within a period) and waits for its threads. NULL is fine. */
void load_close(struct load *l);

/* Share of the time that each thread works from now on, 0 .. 1; at 0 they sleep without waking. */
void load_set(struct load *l, double ratio);

size_t load_threads(const struct load *l);

/* How many CPUs this process may use. */
MUST_USE int load_cpus_allowed(size_t *ret, struct err *err);

#endif
