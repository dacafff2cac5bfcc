/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a processor's power without a sensor: rows of the tables in data/power, embedded
 * at build. Only looked up here; watts are computed in exporter/power/watt.c.
 */
#ifndef HOST_CPU_POWER_H
#define HOST_CPU_POWER_H

#include "base/compiler.h"
#include "base/err.h"
#include "host/cpu.h"

#include <stdbool.h>
#include <stddef.h>

#define POWER_CURVE_POINTS 11 /* load 0, 10, .. 100 % */

/* Best first. */
enum power_tier {
    TIER_A,            /* this CPU model was measured: a row of data/power */
    TIER_B_CALIBRATED, /* "B'": its idle and full power are known, of a calibration */
    TIER_B,            /* its TDP is known */
    TIER_SERVER,       /* "S": a model that a model server handed out */
    TIER_E,            /* only its CPUID is: TDP per thread of its kind */
};
const char *power_tier_name(enum power_tier tier); /* "A" "B'" "B" "S" "E" */

struct cpu_power {
    enum power_tier tier;
    char name[64];    /* table row: "Platinum 8275CL", "TDP 240 W", "any server CPU" */
    char source[160]; /* where the figure comes from */
    double
        curve[POWER_CURVE_POINTS]; /* A, B': package watts of curve_sockets; B, E: ratio to TDP */
    unsigned curve_sockets;        /* A: 2; B': of the machine that was calibrated */
    double tdp_watts;              /* per socket (A: of the table; E: 0) */
    double tdp_watts_per_thread;   /* E; 0 else */
    unsigned table_threads; /* V: hardware threads of the two-socket machine that the row is of */
    double bound_low, bound_high; /* true watts lie between these times the estimate */
    double dram_watts_per_gb[POWER_CURVE_POINTS]; /* of the generic curve, or of a calibration */
    double dram_low, dram_high;                   /* its bounds, as ratios */
    char reason[400];                             /* one sentence: why this tier, which row */
};

/* More to say at the end of its reason; what does not fit is cut. */
PRINTF_LIKE(2, 3)
void cpu_power_add_reason(struct cpu_power *p, const char *format, ...);

/* Best tier first. @tdp_watts per socket as the caller knows it (power_limit.h, a flag), 0:
   unknown. Never fails on x86 or arm64: the last row holds for any server CPU. */
void cpu_power_find(const struct cpu_facts *cpu, double tdp_watts, struct cpu_power *ret);

/* By its name, or a row of CPUID's table. What is not, tier E's figures may be far from. */
bool cpu_power_is_server(const struct cpu_facts *cpu);
#define CPU_POWER_NO_SERVER \
 "not recognisable as a server CPU: the bounds are those of servers and may not hold"

/* What a calibration says at the least: package watts of @sockets sockets at load 0 and 100 %. */
struct power_ends {
    const char *name; /* whose they are: "rack 7" */
    unsigned sockets, threads;
    double idle_watts, full_watts; /* 0 < idle < full */
    bool is_shape_known;           /* the curve between them is of Intel's, or measured, too */
};
/* Tier B': idle + (full - idle) x shape; where that shape is not known to hold, with bounds as wide
   as tier B's of such processors. -EINVAL for ends that make no sense. */
#define CPU_POWER_SHAPE_OF_OTHERS \
 "the shape is that of Intel's processors, and no other's is known: hence wide bounds"
MUST_USE int cpu_power_from_ends(const struct power_ends *ends, struct cpu_power *ret,
                                 struct err *err);

/* Load of the other tenants of a VM's host, which it cannot see: a guess, and its far ends. */
#define NEIGHBOURS_LOAD      0.4
#define NEIGHBOURS_LOAD_LOW  0.1
#define NEIGHBOURS_LOAD_HIGH 0.9

/* Loads of the neighbours among which the extremes of a VM's share at load @u are, if it has @part
   (0 .. 1) of the host's threads; the guess is the first. Returns how many. */
#define NEIGHBOURS_TRIED (3 + POWER_CURVE_POINTS)
size_t cpu_power_neighbours(double part, double u, double ret[NEIGHBOURS_TRIED]);

/* Within what the watts lie at any load, as ratios to the estimate: the row's own bounds; of a VM
   wider by what its neighbours may do at most, over all loads and sizes of it. Some milliseconds.
 */
void cpu_power_bounds(const struct cpu_power *p, bool is_vm, double *ret_low, double *ret_high);

/* Generic curves: DRAM watts per GB at load 0, 10, .. 100 % (bounds +-50 %); package watts as a
   ratio to TDP; and their shape, 0 at rest to 1 at full load. */
extern const double cpu_power_dram_watts_per_gb[POWER_CURVE_POINTS];
extern const double cpu_power_ratio[POWER_CURVE_POINTS];
extern const double cpu_power_shape[POWER_CURVE_POINTS];
#define DRAM_BOUND_LOW  0.5
#define DRAM_BOUND_HIGH 1.5

/* TDP by model name (data/power/cpu_tdp.csv), watts per socket; 0 if it is not in the table. */
double cpu_power_tdp_by_name(const char *model_name);

/* Of the same row: hardware threads of a socket (0 unknown), and the processor's code name
   ("Cascade Lake", "" unknown). */
unsigned cpu_power_threads_by_name(const char *model_name);
const char *cpu_power_code_name(const char *model_name);

/* Most watts per socket that are believable of its kind: 2 x TDP, or 2 x the p90 of its kind. Never
   0. (What its own limits allow besides: power_limit.h.) */
double cpu_power_ceiling_watts(const struct cpu_facts *cpu, double tdp_watts);

/* Wall watts of a whole machine with this processor, of SPECpower results: never mixed into a zone,
   for `estimate --scope wall` only. */
struct wall_power {
    char name[64], source[160], reason[256];
    double idle_watts, full_watts;                   /* of the machine asked for */
    bool is_per_thread;                              /* by family: times the threads */
    double idle_low, idle_high, full_low, full_high; /* bounds, watts */
};
/* By model name and sockets (of another number of sockets: in proportion), else by the processor's
   family per thread; -ENOENT with the reason. */
MUST_USE int cpu_power_wall(const struct cpu_facts *cpu, struct wall_power *ret, struct err *err);

#endif
