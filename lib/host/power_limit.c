/* SPDX-License-Identifier: Apache-2.0 */
#include "host/power_limit.h"

#include "host/cpu_power.h"
#include "host/msr.h"
#include "host/powercap.h"

#include <math.h>

static void read_registers(const struct rootfs *fs, const struct cpu_facts *cpu,
                           struct power_limits *l)
{
    double watts = 0;
    if (msr_read_tdp_watts(fs, cpu, &watts) == 0) {
        l->tdp_watts = watts;
        l->tdp_source = "MSR 0x614";
    }
    if (msr_read_limit_watts(fs, cpu, &watts) == 0)
        l->limit_watts = watts;
}

static void read_powercap(const struct rootfs *fs, struct power_limits *l)
{
    struct powercap_limits told;
    powercap_read_limits(fs, &told);
    if (l->tdp_watts <= 0 && told.long_max_watts > 0) {
        l->tdp_watts = told.long_max_watts;
        l->tdp_source = "powercap";
    }
    if (l->limit_watts <= 0)
        l->limit_watts = fmax(told.long_watts, told.short_watts);
}

void power_limits_read(const struct rootfs *fs, const struct cpu_facts *cpu,
                       struct power_limits *ret)
{
    *ret = (struct power_limits){ .tdp_source = "" };
    if (!cpu->hypervisor) {
        read_registers(fs, cpu, ret);
        read_powercap(fs, ret);
    }
    if (ret->tdp_watts > 0)
        return;
    ret->tdp_watts = cpu_power_tdp_by_name(cpu->model_name);
    ret->tdp_source = ret->tdp_watts > 0 ? "table of CPUs" : "";
}

/* PL2 is held over a window of milliseconds, not at each moment. A limit counts up to 4 x kind (8 x
   TDP: a 35 W desktop processor on a board without limits draws about 200 W, 6 x) and up to 500 W,
   above which 2 x TDP of any larger processor lies: so a step back of a counter (262 kJ, 4369 W
   even over 60 s) is found on a machine of 8 sockets, too. */
#define LIMIT_MARGIN     1.25
#define LIMIT_MOST_KIND  4.0
#define LIMIT_MOST_WATTS 500.0

double power_limit_package_ceiling(double kind_watts, double limit_watts)
{
    double most = fmin(kind_watts * LIMIT_MOST_KIND, LIMIT_MOST_WATTS);
    double allowed = limit_watts > 0 ? fmin(limit_watts * LIMIT_MARGIN, most) : 0;
    return fmax(kind_watts, allowed);
}

#define DRAM_RATIO        0.5
#define DRAM_WATTS_PER_GB 0.24 /* twice the most of data/power/dram_watts_per_gb.csv */

double power_limit_dram_ceiling(double package_watts, double memory_gb)
{
    return fmax(package_watts * DRAM_RATIO, memory_gb * DRAM_WATTS_PER_GB);
}

/* psys has the memory, the board and, of a laptop, its screen and graphics in it. */
#define MACHINE_RATIO       2.0
#define MACHINE_LEAST_WATTS 500.0
#define BOARD_METER_WATTS   50e3

double power_limit_machine_ceiling(double package_watts, bool is_board_meter)
{
    if (is_board_meter)
        return BOARD_METER_WATTS;
    return fmax(package_watts * MACHINE_RATIO, MACHINE_LEAST_WATTS);
}
