/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a calibration: which loads, how long, when a thread is busy, what the readings
   of a step come to. Pure. */
#ifndef CALIBRATE_PLAN_H
#define CALIBRATE_PLAN_H

#include "power/model_file.h"

#include <stddef.h>
#include <stdint.h>

struct plan {
    double load[MODEL_POINTS_MAX]; /* ascending, 0 .. 1 */
    size_t steps;
    uint64_t settle_ns, dwell_ns; /* of each step */
    uint64_t reading_ns;          /* between two readings of the sensor */
};

#define READING_MIN_NS                                                     \
 UINT64_C(200000000) /* a shorter interval measures the sensor's own ticks \
                      */
#define READING_MAX_NS UINT64_C(1000000000)
#define DWELL_READINGS 20 /* wanted of a step, where it is long enough */

/* 0, step, 2 x step, .. and 100 % always. @step_percent 1 .. 100. */
void plan_make(unsigned step_percent, uint64_t settle_ns, uint64_t dwell_ns, struct plan *ret);
uint64_t plan_total_ns(const struct plan *p);

/* When the sensor is read next in a step that began at @begin_ns: whole intervals after that, and
   at least half of one after @now_ns. What comes later than it should is not made up for by a short
   interval, whose watts would be those of the delay. */
uint64_t plan_next_reading_ns(const struct plan *p, uint64_t begin_ns, uint64_t now_ns);

/* "1 min 50 s", "8 s", "2 h 5 min" into @ret; rounded up. */
void plan_say_time(uint64_t ns, char *ret, size_t size);

/* "kepler-model-Intel-Xeon-Platinum-8275CL.json": letters and digits of the name up to its clock
   rate, without (R), (TM), "CPU" and "Processor". */
void plan_file_name(const char *cpu_model, char *ret, size_t size);

/* -- duty cycle -- */

#define DUTY_PERIOD_NS UINT64_C(10000000) /* long against a wake-up, short against a reading */

struct duty_window {
    uint64_t busy_until_ns; /* <= the time asked about: rest now */
    uint64_t next_ns;       /* begin of the next period */
};
/* For thread @nth of @threads at @now_ns: each is busy for @load of its period, and their periods
   begin one after the other, so that the sum of all is as even as it can be. */
struct duty_window duty_at(uint64_t now_ns, size_t nth, size_t threads, double load);

/* -- readings of one step -- */

struct spread {
    size_t n;
    double seconds, joules;
    double mean, squares; /* weighted by time: the running mean, sum of squared distances from it */
};
void spread_add(struct spread *s, double joules, uint64_t elapsed_ns);
double spread_watts(const struct spread *s);  /* 0 without readings */
double spread_stddev(const struct spread *s); /* of the readings; 0 with fewer than two */

/* -- result -- */

/* Fills the residuals: by how much of it the points lie off idle + (full - idle) x generic shape.
 */
void plan_residuals(struct model_file *m);

#endif
