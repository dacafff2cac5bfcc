/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's "power" PMU as sysfs tells it: Linux arch/x86/events/rapl.c, for newer processors
 * (Granite Rapids, Panther Lake) drivers/powercap/intel_rapl_common.c.
 */
#ifndef HOST_PERF_PMU_H
#define HOST_PERF_PMU_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "host/cpu.h"
#include "host/energy.h"

#include <stddef.h>
#include <stdint.h>

#define PERF_POWER_PMU "/sys/bus/event_source/devices/power"

struct perf_pmu {
    uint32_t type; /* perf_event_attr.type */
    struct {
        int processor, socket, die;
    } cpu[ENERGY_COUNTERS_MAX]; /* one for each counter there is, of every socket */
    size_t cpus;
};

/* -ENOENT: no such PMU; -ENODATA: a file of it makes no sense, or a socket is missing. */
MUST_USE int perf_pmu_read(const struct rootfs *fs, const struct cpu_facts *cpu,
                           struct perf_pmu *ret, struct err *err);

struct perf_pmu_event {
    uint64_t config; /* perf_event_attr.config */
    double uj_per_count;
};

/* @name: "energy-pkg"; -ENODATA: there is none, or in no unit known. */
MUST_USE int perf_pmu_event_read(const struct rootfs *fs, const char *name,
                                 struct perf_pmu_event *ret, struct err *err);

#endif
