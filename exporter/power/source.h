/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power sources, best first. An open source is of one zone of one machine: it says how many joules
 * the zone has used since it was opened. Measured ones count; estimated ones add up watts that they
 * compute from the load.
 */
#ifndef POWER_SOURCE_H
#define POWER_SOURCE_H

#include "base/clock.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "host/cpu.h"
#include "host/cpu_power.h"
#include "host/energy.h"
#include "power/watt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct model_server; /* power/model_server.h */

/* What a person or the findings say of the machine; zeroed: nothing. */
struct power_options {
    double tdp_watts;       /* per socket; 0: looked up */
    const char *model_file; /* of a calibration; NULL: none */
};

/* The machine, for every source: filled once at start (power_machine_read). */
struct power_machine {
    const struct rootfs *fs;
    struct cpu_facts cpu;
    double tdp_watts;     /* per socket; 0 unknown */
    double memory_gb;     /* 10^9 bytes */
    double ceiling_watts; /* most that its package zone can draw: cpu_power_ceiling_watts() x
                             sockets */
    struct cpu_power power;
    struct model_server *server; /* NULL: none is configured; borrowed */
};
/* A model file that is of another CPU model, or makes no sense, is an error. */
MUST_USE int power_machine_read(const struct rootfs *fs, const struct power_options *options,
                                struct power_machine *ret, struct err *err);
void power_machine_done(struct power_machine *m);

/* Most watts of all packages that are believed, by the limits that they are held to now: at least
   ceiling_watts. Reads the host. */
double power_machine_package_ceiling(const struct power_machine *m);

/* What an estimate of the whole machine is made from; of a VM as if it were one. */
struct watt_model power_machine_model(const struct power_machine *m);

struct power_now {
    uint64_t taken_ns;  /* CLOCK_BOOTTIME of this reading: counters go on over a suspend */
    double usage_ratio; /* u of the time awake since the last reading: exact run time over CPUs x
                           elapsed */
    uint64_t asleep_ns; /* suspended since boot: what is estimated or integrated rests then */
    double cpus_ratio;  /* CPUs that usage_ratio is of, over those at the start; 0: as many */
};
struct power_now power_now_read(double usage_ratio, double cpus_ratio); /* machine.c: the clocks */

struct power_reading {
    uint64_t taken_ns;
    double joules;    /* since the source was opened; never decreases */
    double low, high; /* bounds: ratios to the joules and watts of the last interval */
    double widest_low, widest_high; /* the same at any load: known from the start, never narrower */
    double idle_watts;              /* P(0) where the source knows it (a model); < 0: it does not */
    char path[128]; /* `path` label: powercap folder, "msr:0x611", "model:E:any server CPU" */
};

struct power_source; /* one that is open */

struct power_source_ops {
    const char *name; /* value of the `source` label: "powercap" "perf" "msr" "hwmon" "model" ... */
    const char *quality; /* "measured" "estimated" */
    /* -errno and the reason, with what to do, if it cannot be used here or has no such zone; an
       empty reason where it is merely not asked for (no model server is configured). */
    int (*open)(const struct power_machine *m, enum energy_zone zone, struct power_source **ret,
                struct err *err);
    /* -EAGAIN: nothing new yet (a counter that has not moved, at most STILL_READINGS times): its
       energy comes with the next good one. -errno: this reading is no good (the error names the
       file and the value); the joules of the interval are then part of the next good one, unless
       the counter jumped (-ERANGE). */
    int (*read)(struct power_source *s, const struct power_now *now, struct power_reading *ret,
                struct err *err);
    void (*close)(struct power_source *s);
    const char *(*model_name)(const struct power_source *s); /* `model` label; "" if measured */
    /* NULL, or: it may be worth trying to open it now, before the next regular attempt. */
    bool (*is_ready)(const struct power_machine *m);
};

/* A counter of a package or of psys that has not moved for this many readings in a row counts
   nothing: a processor draws power even at rest. Other zones may rest for as long as they like. */
#define STILL_READINGS 10
/* Before it has moved for the first time: so many, over so long. */
#define STILL_START_READINGS 3
#define STILL_START_NS       (3 * NS_PER_SEC)

/* A suspend takes longer; two clocks that are read one after the other may differ by some of it. */
#define SLEPT_LEAST_NS (20 * NS_PER_MS)

/* Suspended since a reading at @asleep_ns. */
static inline uint64_t power_slept_ns(const struct power_now *now, uint64_t asleep_ns)
{
    uint64_t slept_ns = now->asleep_ns > asleep_ns ? now->asleep_ns - asleep_ns : 0;
    return slept_ns >= SLEPT_LEAST_NS ? slept_ns : 0;
}

/* Of the time since a reading at @taken_ns and @asleep_ns, what the machine was awake for. */
static inline uint64_t power_awake_ns(const struct power_now *now, uint64_t taken_ns,
                                      uint64_t asleep_ns)
{
    uint64_t elapsed_ns = now->taken_ns > taken_ns ? now->taken_ns - taken_ns : 0;
    uint64_t slept_ns = power_slept_ns(now, asleep_ns);
    return elapsed_ns > slept_ns ? elapsed_ns - slept_ns : 0;
}

extern const struct power_source_ops power_source_powercap; /* source_counter.c */
extern const struct power_source_ops power_source_perf;     /* source_counter.c */
extern const struct power_source_ops power_source_msr;      /* source_counter.c */
extern const struct power_source_ops power_source_hwmon;    /* source_counter.c */
extern const struct power_source_ops power_source_model;    /* source_model.c: any tier but E */
extern const struct power_source_ops power_source_server;   /* source_model.c: "model-server" */
extern const struct power_source_ops power_source_model_e;  /* source_model.c: "model", tier E */

/* Best first, by stated error; two rows are named "model". */
extern const struct power_source_ops *const power_sources[];
extern const size_t power_sources_count;
const struct power_source_ops *power_source_find(const char *name); /* NULL: no such source */

static inline bool power_source_is_measured(const struct power_source_ops *ops)
{
    return strcmp(ops->quality, "measured") == 0;
}

#endif
