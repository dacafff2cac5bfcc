/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processor's own registers say that one socket may draw: its thermal design power (TDP),
 * and the limits that its firmware holds it to, on client processors several times the TDP. Read
 * from the registers, or where they are not shown from the kernel's powercap class, which is open
 * to all users (Documentation/power/powercap/powercap.rst; constraint names and what max_power_uw
 * is: drivers/powercap/intel_rapl_common.c, pl_names and get_max_power).
 */
#ifndef HOST_POWER_LIMIT_H
#define HOST_POWER_LIMIT_H

#include "host/cpu.h"

struct power_limits {
    double tdp_watts;       /* 0: not told */
    double limit_watts;     /* the higher of PL1 and PL2 as they are now; 0: not told; HUGE_VAL:
                               none is held. Boards that set no limit say 4095 W and the like */
    const char *tdp_source; /* "MSR 0x614", "powercap", "table of CPUs" (by name); "" not told */
};

/* Of a virtual machine only its name is believed: its registers are no real processor's. Limits
   change while the machine runs (battery or mains, thermald), so who needs them reads them. */
void power_limits_read(const struct rootfs *fs, const struct cpu_facts *cpu,
                       struct power_limits *ret);

/* -- pure: how many watts are believed (docs/decisions/0009-believable-watts.md) -- */

/* Of a socket's package: @kind_watts (cpu_power_ceiling_watts(), 2 x TDP), or a quarter more than
   @limit_watts, whichever is more; of a limit at most 4 x @kind_watts and at most 500 W count. */
double power_limit_package_ceiling(double kind_watts, double limit_watts);

/* Of memory of @memory_gb (10^9 bytes; 0 unknown) beside packages that may draw @package_watts:
   half of that, unless there is a lot of it. */
double power_limit_dram_ceiling(double package_watts, double memory_gb);

/* Of the whole machine, where all packages together may draw @package_watts: twice that, 500 W at
   the least. A meter of the board's supply (@is_board_meter) knows of graphics cards and disks
   that the processors' limits say nothing of: 50 kW. */
double power_limit_machine_ceiling(double package_watts, bool is_board_meter);

#endif
