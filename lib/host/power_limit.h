/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processor's own registers say that one socket may draw: its thermal design power (TDP),
 * and for some seconds its turbo limit (PL2), on client processors several times the TDP. Read from
 * the registers, or where they are not shown from the kernel's powercap class, which is open to all
 * users (Documentation/power/powercap/powercap.rst; constraint names and what max_power_uw is:
 * drivers/powercap/intel_rapl_common.c, pl_names and get_max_power).
 */
#ifndef HOST_POWER_LIMIT_H
#define HOST_POWER_LIMIT_H

#include "host/cpu.h"

struct power_limits {
    double tdp_watts;       /* 0: not told */
    double turbo_watts;     /* PL2; 0: not told. Boards that set no limit say 4095 W and the like */
    const char *tdp_source; /* "MSR 0x614", "powercap"; "" not told */
};

/* Of a virtual machine nothing is told: its registers are no real processor's. */
void power_limits_read(const struct rootfs *fs, const struct cpu_facts *cpu,
                       struct power_limits *ret);

#endif
