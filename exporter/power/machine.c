/* SPDX-License-Identifier: Apache-2.0 */
#include "power/source.h"

#include "base/clock.h"
#include "host/kernel.h"
#include "host/power_limit.h"
#include "power/model_file.h"

#include <errno.h>
#include <math.h>

#define BYTES_PER_GB 1e9

/* What a calibration says of this CPU is worth more than the tables. */
static int model_file_use(const struct power_options *options, struct power_machine *m,
                          struct err *err)
{
    struct model_file file;
    const char *path = options->model_file;
    int code = model_file_read(path, &file, err);
    if (code == 0)
        code = model_file_to_power(&file, path, &m->cpu, &m->power, err);
    return code < 0 ? code : model_file_believe(&file, path, &m->cpu, options->tdp_watts, err);
}

static int machine_fill(const struct power_options *options, struct power_machine *m,
                        struct err *err)
{
    struct kernel_facts kernel = { 0 };
    kernel_read(m->fs, &kernel);
    m->memory_gb = (double)kernel.memory_bytes / BYTES_PER_GB;
    struct power_limits limits;
    power_limits_read(m->fs, &m->cpu, &limits);
    m->tdp_watts = options->tdp_watts > 0 ? options->tdp_watts : limits.tdp_watts;
    m->ceiling_watts = cpu_power_ceiling_watts(&m->cpu, m->tdp_watts) * m->cpu.sockets;
    cpu_power_find(&m->cpu, m->tdp_watts, &m->power);
    return options->model_file ? model_file_use(options, m, err) : 0;
}

int power_machine_read(const struct rootfs *fs, const struct power_options *options,
                       struct power_machine *ret, struct err *err)
{
    if (!isfinite(options->tdp_watts) || options->tdp_watts < 0) {
        return err_set(err, -EINVAL,
                       "a TDP of %g W makes no sense: give the watts of one socket, or 0 to have "
                       "it looked up",
                       options->tdp_watts);
    }

    struct power_machine m = { .fs = fs };
    int code = cpu_read(fs, &m.cpu, err);
    if (code < 0) {
        err_prefix(err, "cannot tell what the machine draws");
        return code;
    }
    code = machine_fill(options, &m, err);
    if (code < 0) {
        power_machine_done(&m);
        return code;
    }
    *ret = m;
    return 0;
}

double power_machine_package_ceiling(const struct power_machine *m)
{
    struct power_limits limits;
    power_limits_read(m->fs, &m->cpu, &limits);
    double socket = power_limit_package_ceiling(m->ceiling_watts / m->cpu.sockets,
                                                limits.limit_watts);
    return socket * m->cpu.sockets;
}

void power_machine_done(struct power_machine *m)
{
    cpu_done(&m->cpu);
    *m = (struct power_machine){ 0 };
}

struct watt_model power_machine_model(const struct power_machine *m)
{
    return (struct watt_model){
        .power = m->power,
        .sockets = m->cpu.sockets,
        .threads = m->cpu.threads,
        .memory_gb = m->memory_gb,
    };
}

/* Boot time between two looks at the clock that rests in a suspend: where something came between
   them (another program, the hypervisor) once more, as a suspend is told from that by the
   difference of the clocks. */
#define CLOCKS_APART_NS (NS_PER_MS / 10)
#define CLOCKS_TRIES    10

struct power_now power_now_read(double usage_ratio, double cpus_ratio)
{
    struct power_now now = { .usage_ratio = usage_ratio, .cpus_ratio = cpus_ratio };
    uint64_t apart_ns = UINT64_MAX;
    for (int i = 0; i < CLOCKS_TRIES && apart_ns > CLOCKS_APART_NS; i++) {
        uint64_t before_ns = clock_monotonic_ns();
        now.taken_ns = clock_boottime_ns();
        uint64_t after_ns = clock_monotonic_ns();
        apart_ns = after_ns - before_ns;
        now.asleep_ns = now.taken_ns > after_ns ? now.taken_ns - after_ns : 0;
    }
    return now;
}
