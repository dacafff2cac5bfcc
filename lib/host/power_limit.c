/* SPDX-License-Identifier: Apache-2.0 */
#include "host/power_limit.h"

#include "host/msr.h"
#include "host/powercap.h"

static void read_registers(const struct rootfs *fs, const struct cpu_facts *cpu,
                           struct power_limits *l)
{
    double watts = 0;
    if (msr_read_tdp_watts(fs, cpu, &watts) == 0) {
        l->tdp_watts = watts;
        l->tdp_source = "MSR 0x614";
    }
    if (msr_read_turbo_watts(fs, cpu, &watts) == 0)
        l->turbo_watts = watts;
}

static void read_powercap(const struct rootfs *fs, struct power_limits *l)
{
    struct powercap_limits told;
    powercap_read_limits(fs, &told);
    if (l->tdp_watts <= 0 && told.long_max_watts > 0) {
        l->tdp_watts = told.long_max_watts;
        l->tdp_source = "powercap";
    }
    if (l->turbo_watts <= 0)
        l->turbo_watts = told.short_watts;
}

void power_limits_read(const struct rootfs *fs, const struct cpu_facts *cpu,
                       struct power_limits *ret)
{
    *ret = (struct power_limits){ .tdp_source = "" };
    if (cpu->hypervisor)
        return;
    read_registers(fs, cpu, ret);
    read_powercap(fs, ret);
}
