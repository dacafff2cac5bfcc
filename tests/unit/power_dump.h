/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with energy counters in a folder of its own, whose files a test moves on: two sockets
   of c5.metal's processor with powercap zones, MSRs, or both. */
#ifndef TESTS_POWER_DUMP_H
#define TESTS_POWER_DUMP_H

#include "base/clock.h"
#include "power/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"
#include "tree.h"

#define XEON_8275CL "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz"

struct dump {
    struct tree tree;
    struct power_machine machine;
    struct power_options options; /* for dump_read_machine() */
};

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static inline void dump_done(struct dump *d)
{
    power_machine_done(&d->machine);
    tree_remove(&d->tree);
}

/* One thread a socket is enough: nothing here is per thread. */
static inline void dump_cpuinfo(const struct dump *d, int sockets, const char *model_name,
                                const char *flags)
{
    char text[2000] = "";
    for (int i = 0; i < sockets; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len,
                       "processor\t: %d\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
                       "model\t\t: 85\nmodel name\t: %s\nstepping\t: 7\nphysical id\t: %d\n"
                       "siblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\nflags\t\t: fpu %s\n\n",
                       i, model_name, i, flags);
    }
    tree_printf(&d->tree, "/proc/cpuinfo", "%s", text);
}

/* A two-socket c5.metal with 192 GB and no counter. */
static inline void dump_make(struct dump *d)
{
    *d = (struct dump){ 0 };
    tree_make(&d->tree);
    dump_cpuinfo(d, 2, XEON_8275CL, "");
    tree_printf(&d->tree, "/proc/meminfo", "MemTotal:       187500000 kB\n");
    tree_printf(&d->tree, "/proc/sys/kernel/osrelease", "6.8.0-1021-aws\n");
}

static inline void dump_read_machine(struct dump *d)
{
    struct err err = { 0 };
    power_machine_done(&d->machine);
    if (power_machine_read(&d->tree.fs, &d->options, &d->machine, &err) < 0)
        fail_msg("%s", err.text);
}

/* @entry as in /sys/class/powercap: "intel-rapl:0", "intel-rapl:0:0". */
static inline void dump_zone(const struct dump *d, const char *entry, const char *name,
                             uint64_t max_uj)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/sys/class/powercap/%s/name", entry);
    tree_printf(&d->tree, path, "%s\n", name);
    (void)snprintf(path, sizeof(path), "/sys/class/powercap/%s/max_energy_range_uj", entry);
    tree_printf(&d->tree, path, "%llu\n", (unsigned long long)max_uj);
}

static inline void dump_energy(const struct dump *d, const char *entry, uint64_t uj)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/sys/class/powercap/%s/energy_uj", entry);
    tree_printf(&d->tree, path, "%llu\n", (unsigned long long)uj);
}

static inline void dump_msr(const struct dump *d, int cpu, uint32_t reg, uint64_t value)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/dev/cpu/%d/msr/0x%x", cpu, (unsigned)reg);
    tree_printf(&d->tree, path, "0x%llx\n", (unsigned long long)value);
}

/* A sensor of microwatts; @chip is its `name`. */
static inline void dump_hwmon(const struct dump *d, const char *chip, const char *label,
                              uint64_t microwatts)
{
    tree_printf(&d->tree, "/sys/class/hwmon/hwmon0/name", "%s\n", chip);
    tree_printf(&d->tree, "/sys/class/hwmon/hwmon0/power1_label", "%s\n", label);
    tree_printf(&d->tree, "/sys/class/hwmon/hwmon0/power1_input", "%llu\n",
                (unsigned long long)microwatts);
}

static inline struct power_now at_second(double second, double usage_ratio)
{
    return (struct power_now){ .taken_ns = (uint64_t)((1000 + second) * (double)NS_PER_SEC),
                               .usage_ratio = usage_ratio };
}

#endif
