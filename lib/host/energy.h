/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Energy counters, whoever offers them: powercap files, perf events, model-specific registers,
 * hwmon sensors. A driver lists the counters of a machine and reads one; what a difference of
 * counts means in joules is said in the counter, and computed in exporter/power/watt.c.
 */
#ifndef HOST_ENERGY_H
#define HOST_ENERGY_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "host/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order they are exported. Never summed across: psys contains package and dram, core is
   inside package. */
enum energy_zone {
    ZONE_PACKAGE,
    ZONE_DRAM,
    ZONE_CORE,
    ZONE_UNCORE,
    ZONE_PSYS,
    ZONE_COUNT
};
const char *energy_zone_name(enum energy_zone zone); /* "package" ... */

#define ENERGY_COUNTERS_MAX 64 /* 8 sockets of 5 zones, and room */

struct energy_counter {
    enum energy_zone zone;
    int socket;
    char path[128];      /* "/sys/class/powercap/intel-rapl:0", "/dev/cpu/0/msr", a hwmon file */
    char label[128];     /* the `path` label of its metrics: powercap's folder, "msr:0x611" */
    uint32_t reg;        /* msr: its number; hwmon: M of the currM that the volts of path go with;
                            else 0 */
    uint64_t modulus;    /* it counts 0 .. modulus-1, then begins again; 0: it never wraps */
    double uj_per_count; /* microjoules */
    bool is_power;       /* read() gives the microwatts of this moment (hwmon), not a count */
    int fd;              /* perf: the open event, owned by the set; -1: none is kept open */
};

struct energy_set {
    struct energy_counter counter[ENERGY_COUNTERS_MAX];
    size_t n;
};
void energy_set_done(struct energy_set *set); /* closes what list() opened; n is 0 then */

struct energy_driver {
    const char *name; /* "powercap" "perf" "msr" "hwmon": value of the `source` label */

    /* Finds what this machine has; on success the caller calls energy_set_done(). -ENOENT: nothing
       there; -EACCES: there, but not for us; -ENODATA: answers, but no unit or no zone makes sense;
       -ENOTSUP: a dump does not hold what only the running kernel can be asked (perf). @err says it
       for a person, with the remedy. */
    int (*list)(const struct rootfs *fs, const struct cpu_facts *cpu, struct energy_set *ret,
                struct err *err);

    /* Raw count, below the modulus (microwatts where is_power). -errno; -EBADMSG for a truncated or
     * unreadable one. */
    int (*read)(const struct rootfs *fs, const struct energy_counter *counter, uint64_t *ret);
};

extern const struct energy_driver energy_powercap; /* powercap.c */
extern const struct energy_driver energy_perf;     /* perf_energy.c */
extern const struct energy_driver energy_msr;      /* msr.c */
extern const struct energy_driver energy_hwmon;    /* hwmon.c */

/* Best first. */
extern const struct energy_driver *const energy_drivers[];
extern const size_t energy_drivers_count;

#endif
