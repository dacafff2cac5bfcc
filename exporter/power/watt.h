/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a watt is computed. Pure arithmetic: no file, no clock, no log. The rest of exporter/power
 * reads counters; this file is the only one that turns readings into joules and watts
 * (docs/how-a-watt-is-computed.md shows every formula with figures).
 */
#ifndef POWER_WATT_H
#define POWER_WATT_H

#include "base/compiler.h"
#include "host/cpu_power.h"
#include "power/weights.h"

#include <stdbool.h>
#include <stdint.h>

/* Counts from @before to @now of a counter that runs 0 .. modulus-1 and begins again: one wrap at
   most can hide between two readings; the sampler's period is kept below it. modulus 0: it never
   wraps, and a smaller @now is -ERANGE. A reading at or above the modulus is -ERANGE. */
MUST_USE int watt_counts_between(uint64_t before, uint64_t now, uint64_t modulus, uint64_t *ret);

/* W = J / s. -EAGAIN if no time passed. */
MUST_USE int watt_from_joules(double joules, uint64_t elapsed_ns, double *ret_watts);

/* 0 if 0 <= @watts <= @ceiling, else -ERANGE: what a counter cannot have meant. */
MUST_USE int watt_check(double watts, double ceiling_watts);

/* Piecewise linear through POWER_CURVE_POINTS points at load 0, 10, .. 100 %; @u is clamped to
   0 .. 1. */
double watt_interpolate(const double curve[POWER_CURVE_POINTS], double u);

struct watt_range {
    double watts, low, high; /* low <= watts <= high */
};

/* What an estimate is made from. */
struct watt_model {
    struct cpu_power power;    /* of the processor, host/cpu_power.h */
    unsigned sockets, threads; /* of the whole machine; of the table's one for a VM */
    bool is_vm;
    unsigned vcpus;                               /* v, where is_vm */
    double memory_gb;                             /* 10^9 bytes; 0: no DRAM zone */
    const struct weights *weights, *dram_weights; /* TIER_SERVER: of the whole machine; borrowed */
};

/* Package watts of the machine at utilisation @u (0 .. 1) by its tier's formula, with bounds:
   A, B'  sockets/curve_sockets * interp(W, u)    B  sockets * TDP * interp(ratio, u)
   E      threads * TDP/thread * interp(ratio, u)
   S      weights at u * threads * 1000 ms of CPU time per second
   of a VM its share of the whole: v/V*P(0) + v*u*(P(ub)-P(0))/(V*ub), ub = (v*u + (V-v)*un)/V,
   un = 0.4 for the neighbours, bounds from the extremes over un = 0.1 .. 0.9. */
struct watt_range watt_package(const struct watt_model *m, double u);

/* DRAM watts: GB * interp(W/GB, u), bounds as the model's row says; of a model server its weights.
 */
struct watt_range watt_dram(const struct watt_model *m, double u);

/* Wall watts of a whole machine: idle + (full - idle) * interp(shape, u), and its bounds. */
struct watt_range watt_wall(const struct wall_power *wall, double u);

/* Joules of a sensor that tells watts: the mean of two readings over the time between them. */
double watt_joules_of_power(double watts_before, double watts_now, uint64_t elapsed_ns);

/* Idle part of @joules used in @elapsed_ns where the machine at rest draws @idle_watts: never more
   than there is. */
double watt_idle_joules(double joules, double idle_watts, uint64_t elapsed_ns);

/* Watts at rest guessed from @watts at load @u, before a floor was seen: watts * ratio(0)/ratio(u)
   of the generic curve. */
double watt_idle_guess(const double ratio[POWER_CURVE_POINTS], double watts, double u);

#endif
