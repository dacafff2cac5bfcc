/* SPDX-License-Identifier: Apache-2.0 */
/* The instruments of a calibration: the machine's sensor, its CPU time, a clock, and the signals
   that end it. */
#ifndef CALIBRATE_BENCH_H
#define CALIBRATE_BENCH_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "calibrate/options.h"
#include "calibrate/plan.h"
#include "calibrate/progress.h"
#include "power/meter.h"
#include "sample/sampler.h"

#include <stdbool.h>
#include <stddef.h>

#define BENCH_TRIED_SIZE 3000

struct bench {
    struct rootfs machine; /* facts and energy counters */
    struct rootfs live;    /* tasks of the running kernel */
    struct power_machine power;
    const char *source;           /* the sensor; NULL: there is none */
    char tried[BENCH_TRIED_SIZE]; /* a line for each that cannot be used, with its reason */
    struct meter *meter;
    struct sampler *sampler;
    const char *accounting_why; /* why run time is not exact; "" it is; borrowed */
    struct meter_reading reading;
    int signal_fd;
    struct progress *progress; /* borrowed */
};

#define BENCH_NONE                                             \
 (struct bench)                                                \
 {                                                             \
  .machine = ROOTFS_NONE, .live = ROOTFS_NONE, .signal_fd = -1 \
 }

/* Opens the machine and looks for the best measured source of a package that the options allow.
   Without one it is 0 too, and bench.source is NULL. -EINVAL: they name none that there is. */
MUST_USE int bench_open(struct bench *b, const struct calibrate_options *o, struct err *err);

/* The sensor, the accounting of run time, and from here on SIGINT, SIGTERM and SIGHUP are caught,
   unless they are ignored: before any thread is started. */
MUST_USE int bench_start(struct bench *b, struct err *err);
void bench_close(struct bench *b);

/* Waits until @at_ns (CLOCK_MONOTONIC), with @what in the progress bar. -EINTR: a signal asked to
   end. */
MUST_USE int bench_wait(struct bench *b, uint64_t at_ns, const char *what);

/* Measures for the plan's dwell, the load being what it is: fills all of @ret but the load. -EINTR,
   -ENODATA (the sensor does not answer, or nothing that can be true: the sentence says what). */
MUST_USE int bench_measure(struct bench *b, const struct plan *plan, const char *what,
                           struct model_point *ret, struct err *err);

#endif
