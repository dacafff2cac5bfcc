/* SPDX-License-Identifier: Apache-2.0 */
#include "power/source.h"

#include "host/kernel.h"
#include "host/msr.h"

#include <errno.h>
#include <math.h>

#define BYTES_PER_GB 1e9

/* Watts per socket, 0 unknown: what the person says, what the processor says, what its name says.
   A VM's registers tell of no real processor, if they answer at all. */
static double tdp_read(const struct rootfs *fs, const struct cpu_facts *cpu, double override_watts)
{
    double watts = 0;
    if (override_watts > 0)
        return override_watts;
    if (!cpu->hypervisor && msr_read_tdp_watts(fs, cpu, &watts) == 0 && watts > 0)
        return watts;
    return cpu_power_tdp_by_name(cpu->model_name);
}

int power_machine_read(const struct rootfs *fs, double tdp_override_watts,
                       struct power_machine *ret, struct err *err)
{
    if (!isfinite(tdp_override_watts) || tdp_override_watts < 0) {
        return err_set(err, -EINVAL,
                       "a TDP of %g W makes no sense: give the watts of one socket, or 0 to have "
                       "it looked up",
                       tdp_override_watts);
    }

    struct power_machine m = { .fs = fs };
    int code = cpu_read(fs, &m.cpu, err);
    if (code < 0) {
        err_prefix(err, "cannot tell what the machine draws");
        return code;
    }
    struct kernel_facts kernel = { 0 };
    kernel_read(fs, &kernel);
    m.memory_gb = (double)kernel.memory_bytes / BYTES_PER_GB;
    m.tdp_watts = tdp_read(fs, &m.cpu, tdp_override_watts);
    m.ceiling_watts = cpu_power_ceiling_watts(&m.cpu, m.tdp_watts) * m.cpu.sockets;
    cpu_power_find(&m.cpu, m.tdp_watts, &m.power);
    *ret = m;
    return 0;
}

void power_machine_done(struct power_machine *m)
{
    cpu_done(&m->cpu);
    *m = (struct power_machine){ 0 };
}
