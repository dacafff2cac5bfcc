/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power sources, best first. A source says how many joules each zone has used since it was opened;
 * measured ones count, an estimated one adds up watts that it computes from the load.
 */
#ifndef POWER_SOURCE_H
#define POWER_SOURCE_H

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

/* The machine, for every source: filled once at start (power_machine_read). */
struct power_machine {
    const struct rootfs *fs;
    struct cpu_facts cpu;
    double tdp_watts;     /* per socket; 0 unknown */
    double memory_gb;     /* 10^9 bytes */
    double ceiling_watts; /* most that its package zone can draw: 2 x TDP x sockets */
    struct cpu_power power;
};
MUST_USE int power_machine_read(const struct rootfs *fs, double tdp_override_watts,
                                struct power_machine *ret, struct err *err);
void power_machine_done(struct power_machine *m);

struct power_now {
    uint64_t taken_ns; /* CLOCK_BOOTTIME of this reading: energy goes on over a suspend */
    double
        usage_ratio; /* u of the time since the last reading: exact run time over CPUs x elapsed */
};

struct power_zone {
    bool present;
    double joules;    /* since the source was opened; never decreases */
    double low, high; /* bounds: ratios to the joules and watts of this zone's last interval */
    double widest_low, widest_high; /* the same at any load: known from the start, never narrower */
    double idle_watts;              /* P(0) where the source knows it (a model); < 0: it does not */
    char path[128]; /* `path` label: powercap folder, "msr:0x611", "model:E:any server CPU" */
};

struct power_reading {
    uint64_t taken_ns;
    struct power_zone zone[ZONE_COUNT];
};

struct power_source; /* one that is open */

struct power_source_ops {
    const char *name;    /* value of the `source` label: "powercap" "msr" "model" */
    const char *quality; /* "measured" "estimated" */
    /* -errno and the reason, with what to do, if it cannot be used here. */
    int (*open)(const struct power_machine *m, struct power_source **ret, struct err *err);
    /* -errno: this reading is no good (the error names the file and the value); the joules of the
       interval are then part of the next good one, unless the counter jumped (-ERANGE). */
    int (*read)(struct power_source *s, const struct power_now *now, struct power_reading *ret,
                struct err *err);
    void (*close)(struct power_source *s);
    const char *(*model_name)(const struct power_source *s); /* `model` label; "" if measured */
};

extern const struct power_source_ops power_source_powercap; /* source_counter.c */
extern const struct power_source_ops power_source_msr;      /* source_counter.c */
extern const struct power_source_ops power_source_model;    /* source_model.c */

extern const struct power_source_ops *const power_sources[]; /* best first */
extern const size_t power_sources_count;
const struct power_source_ops *power_source_find(const char *name); /* NULL: no such source */

#endif
