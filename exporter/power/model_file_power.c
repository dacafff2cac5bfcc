/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration put to use: tier B'. Pure. */
#include "power/model_file.h"

#include "host/power_limit.h"
#include "power/watt.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define NAME_SIZE 128

static void describe(const char *vendor, const char *cpu_model, const int id[2], char *ret,
                     size_t size)
{
    if (cpu_model[0]) {
        (void)snprintf(ret, size, "%s", cpu_model);
    } else {
        (void)snprintf(ret, size, "%s family %d model %d", vendor, id[0], id[1]);
    }
}

/* @ret_name: at least NAME_SIZE bytes. */
static int check_cpu(const struct model_file *m, const char *path, const struct cpu_facts *cpu,
                     char *ret_name, struct err *err)
{
    char here[NAME_SIZE];
    describe(m->vendor, m->cpu_model, (const int[2]){ m->family, m->model }, ret_name, NAME_SIZE);
    describe(cpu->vendor, cpu->model_name, (const int[2]){ cpu->family, cpu->model }, here,
             sizeof(here));
    if (strcmp(ret_name, here) == 0)
        return 0;
    return err_set(err, -EINVAL,
                   "the calibration %s is of another CPU (%s; here: %s): calibrate this machine, "
                   "or leave --model out to have the embedded tables",
                   path, ret_name, here);
}

/* -- what no machine of this CPU can draw -- */

/* Of a socket. What the firmware of the calibrated machine allowed is not in the file. */
static double socket_ceiling_watts(const struct cpu_facts *cpu, double tdp_watts)
{
    return power_limit_package_ceiling(cpu_power_ceiling_watts(cpu, tdp_watts), HUGE_VAL);
}

/* Memory beside packages of that ceiling: as a counter's is believed; and of a GB twenty times the
   most of data/power/dram_watts_per_gb.csv, as modules of 2 GB draw no less than those of 32. */
#define DRAM_GB_AT_MOST 2.4

static double dram_ceiling_watts(const struct model_file *m, double package_watts)
{
    double watts = power_limit_dram_ceiling(package_watts, m->memory_gb);
    return m->memory_gb > 0 ? fmin(watts, m->memory_gb * DRAM_GB_AT_MOST) : watts;
}

static int refuse_watts(const char *path, double load, const char *zone, const double watts[2],
                        struct err *err)
{
    return err_set(err, -EINVAL,
                   "the calibration %s says that the %s drew %.4g W at load %g, where its "
                   "processors and memory can draw %.4g W at most: calibrate again, or leave "
                   "--model out to have the embedded tables",
                   path, zone, watts[0], load, watts[1]);
}

int model_file_believe(const struct model_file *m, const char *path, const struct cpu_facts *cpu,
                       double tdp_watts, struct err *err)
{
    struct cpu_facts calibrated = *cpu;
    calibrated.sockets = m->sockets;
    calibrated.threads = m->threads;
    double package = socket_ceiling_watts(&calibrated, tdp_watts) * m->sockets;
    double dram = dram_ceiling_watts(m, package);
    for (size_t i = 0; i < m->points; i++) {
        const struct model_point *p = &m->point[i];
        if (p->package_watts > package) {
            return refuse_watts(path, p->load, "package",
                                (const double[]){ p->package_watts, package }, err);
        }
        if (p->dram_watts > dram) {
            return refuse_watts(path, p->load, "memory", (const double[]){ p->dram_watts, dram },
                                err);
        }
    }
    return 0;
}

/* -- the curve -- */

/* Watts over how far a generic curve has risen at the load (0 at rest, 1 at full load), in which
   they are nearly linear: between two points, and beyond the first and the last, they follow it. */
struct curve {
    double rise[MODEL_POINTS_MAX + 2], watts[MODEL_POINTS_MAX + 2];
    size_t n;
};

#define RISE_SAME 1e-6

/* In order of the load; those at the same load are joined, none lies below the one before. */
static void curve_add(struct curve *c, double rise, double watts)
{
    double floor_watts = c->n ? c->watts[c->n - 1] : watts;
    watts = watts > floor_watts ? watts : floor_watts;
    if (c->n && rise <= c->rise[c->n - 1] + RISE_SAME) {
        c->watts[c->n - 1] = (c->watts[c->n - 1] + watts) / 2;
        return;
    }
    c->rise[c->n] = rise;
    c->watts[c->n++] = watts;
}

/* Of processors that were measured, rest is no less than this part of the watts at 10 %
   (cpu_package_watts.csv: 0.336). */
#define REST_RATIO (1.0 / 3)

/* The curve between a first and a last point continued to rest and full load. */
struct ends {
    double idle, full;
};
static struct ends ends_beyond(const double rise[2], const double watts[2])
{
    double slope = fmax(0, (watts[1] - watts[0]) / (rise[1] - rise[0]));
    return (struct ends){
        .idle = fmax(watts[0] - slope * rise[0], watts[0] * REST_RATIO),
        .full = watts[1] + slope * (1 - rise[1]),
    };
}

static double rise_at(const double generic[POWER_CURVE_POINTS], double u)
{
    double rest = generic[0];
    return (watt_interpolate(generic, u) - rest) / (generic[POWER_CURVE_POINTS - 1] - rest);
}

static double curve_at(const struct curve *c, double rise)
{
    size_t i = 1;
    while (i + 1 < c->n && c->rise[i] < rise)
        i++;
    double part = (rise - c->rise[i - 1]) / (c->rise[i] - c->rise[i - 1]);
    return c->watts[i - 1] + part * (c->watts[i] - c->watts[i - 1]);
}

/* @usage: of the points, ascending. */
static struct ends curve_sample(const double *usage, const double *watts, size_t n,
                                const double generic[POWER_CURVE_POINTS],
                                double ret[POWER_CURVE_POINTS])
{
    struct curve c = { .n = 0 };
    const double rise[] = { rise_at(generic, usage[0]), rise_at(generic, usage[n - 1]) };
    struct ends ends = ends_beyond(rise, (const double[]){ watts[0], watts[n - 1] });
    if (usage[0] > 0)
        curve_add(&c, 0, ends.idle);
    for (size_t i = 0; i < n; i++)
        curve_add(&c, rise_at(generic, usage[i]), watts[i]);
    if (usage[n - 1] < 1)
        curve_add(&c, 1, ends.full);
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        ret[i] = curve_at(&c, rise_at(generic, (double)i / (POWER_CURVE_POINTS - 1)));
    return ends;
}

/* What a file comes to. */
struct curves {
    double package[POWER_CURVE_POINTS], dram[POWER_CURVE_POINTS];
    struct ends ends; /* of the package */
    double first_usage, widest_gap;
};

static void curves_make(const struct model_file *m, struct curves *ret)
{
    struct model_point point[MODEL_POINTS_MAX] = { { 0 } };
    double usage[MODEL_POINTS_MAX] = { 0 };
    double package[MODEL_POINTS_MAX] = { 0 };
    double dram[MODEL_POINTS_MAX] = { 0 };
    model_file_by_usage(m, point);
    ret->widest_gap = 0;
    for (size_t i = 0; i < m->points; i++) {
        usage[i] = point[i].usage_ratio;
        package[i] = point[i].package_watts;
        dram[i] = point[i].dram_watts;
        if (i > 0)
            ret->widest_gap = fmax(ret->widest_gap, usage[i] - usage[i - 1]);
    }
    ret->first_usage = usage[0];
    ret->ends = curve_sample(usage, package, m->points, cpu_power_shape, ret->package);
    (void)curve_sample(usage, dram, m->points, cpu_power_dram_watts_per_gb, ret->dram);
}

/* -- its bounds -- */

/* Between points that lie no further apart, any shape will do: the default step, and half of one
   for loads that came out uneven. */
#define GAP_OF_ANY_SHAPE 0.15

/* Beyond this usage of the first point, what is told of rest adds to the error: the bounds grow by
   so much per usage. By the rule of decision 0007, on the processors left out, with the first point
   at 3 .. 10 % (tests/unit/accuracy_test.c). */
#define REST_USAGE     0.02
#define LOW_PER_USAGE  4.6
#define HIGH_PER_USAGE 6.3

static bool leans_on_shape(const struct curves *c)
{
    return c->widest_gap > GAP_OF_ANY_SHAPE || c->first_usage > REST_USAGE;
}

static void set_bounds(const struct curves *c, struct cpu_power *p)
{
    double beyond = fmax(0, c->first_usage - REST_USAGE);
    p->bound_low -= LOW_PER_USAGE * beyond;
    p->bound_high += HIGH_PER_USAGE * beyond;
}

static void set_curves(const struct model_file *m, const struct curves *c, struct cpu_power *p)
{
    memcpy(p->curve, c->package, sizeof(p->curve));
    /* Memory of another machine is other modules: its bounds stay the generic ones. */
    for (size_t i = 0; i < POWER_CURVE_POINTS && m->point[0].dram_watts > 0 && m->memory_gb > 0;
         i++)
        p->dram_watts_per_gb[i] = c->dram[i] / m->memory_gb;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void set_texts(const struct model_file *m, const char *path, const char *name,
                      struct cpu_power *p)
{
    (void)snprintf(p->name, sizeof(p->name), "%.*s", (int)sizeof(p->name) - 1, name);
    (void)snprintf(p->source, sizeof(p->source),
                   "calibration %.40s of %.20s by %.20s, kernel %.40s", base_name(path), m->date,
                   m->source, m->kernel);
    (void)snprintf(
        p->reason, sizeof(p->reason),
        "tier B': calibrated on this CPU model (%zu points by %s on %s, %u sockets, %.100s)",
        m->points, m->source, m->date, m->sockets, base_name(path));
}

int model_file_to_power(const struct model_file *file, const char *path,
                        const struct cpu_facts *cpu, struct cpu_power *ret, struct err *err)
{
    char name[NAME_SIZE];
    struct cpu_power p = { 0 };
    struct curves curves;
    int code = check_cpu(file, path, cpu, name, err);
    if (code < 0)
        return code;
    curves_make(file, &curves);
    const bool is_shape_known = cpu_is_intel(cpu) || !leans_on_shape(&curves);
    const struct power_ends ends = {
        name, file->sockets, file->threads, curves.ends.idle, curves.ends.full, is_shape_known
    };
    code = cpu_power_from_ends(&ends, &p, err);
    if (code < 0)
        return code;
    set_curves(file, &curves, &p);
    if (is_shape_known)
        set_bounds(&curves, &p);
    set_texts(file, path, name, &p);
    if (!is_shape_known)
        cpu_power_add_reason(&p, "; " CPU_POWER_SHAPE_OF_OTHERS);
    if (cpu->hypervisor) {
        cpu_power_add_reason(
            &p,
            "; share of a host taken for %u threads, two sockets of the calibrated "
            "machine's: wrong if that was a VM, too",
            p.table_threads);
    }
    *ret = p;
    return 0;
}
