/* SPDX-License-Identifier: Apache-2.0 */
/* A calibration put to use: tier B'. Pure. */
#include "power/model_file.h"

#include <errno.h>
#include <string.h>

#define NAME_SIZE  128
#define USAGE_SAME 1e-6

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

struct curve {
    double u[MODEL_POINTS_MAX], watts[MODEL_POINTS_MAX];
    size_t n;
};

/* Points in order of usage, those at the same usage joined, none below the one before. */
static void curve_add(struct curve *c, double u, double watts)
{
    double floor_watts = c->n ? c->watts[c->n - 1] : watts;
    watts = watts > floor_watts ? watts : floor_watts;
    if (c->n && u <= c->u[c->n - 1] + USAGE_SAME) {
        c->watts[c->n - 1] = (c->watts[c->n - 1] + watts) / 2;
        return;
    }
    c->u[c->n] = u;
    c->watts[c->n++] = watts;
}

/* Flat beyond the first and the last point: nothing was measured there. */
static double curve_at(const struct curve *c, double u)
{
    size_t i = 1;
    if (u <= c->u[0])
        return c->watts[0];
    if (u >= c->u[c->n - 1])
        return c->watts[c->n - 1];
    while (c->u[i] < u)
        i++;
    double part = (u - c->u[i - 1]) / (c->u[i] - c->u[i - 1]);
    return c->watts[i - 1] + part * (c->watts[i] - c->watts[i - 1]);
}

static void curve_sample(const struct curve *c, double divisor, double ret[POWER_CURVE_POINTS])
{
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        ret[i] = curve_at(c, (double)i / (POWER_CURVE_POINTS - 1)) / divisor;
}

static void fill_curves(const struct model_file *m, struct cpu_power *p)
{
    struct curve package = { .n = 0 };
    struct curve dram = { .n = 0 };
    for (size_t i = 0; i < m->points; i++) {
        curve_add(&package, m->point[i].usage_ratio, m->point[i].package_watts);
        curve_add(&dram, m->point[i].usage_ratio, m->point[i].dram_watts);
    }
    /* With the two ends only, the shape between them is the generic one. */
    if (m->points > 2)
        curve_sample(&package, 1, p->curve);
    if (m->point[0].dram_watts > 0 && m->memory_gb > 0) {
        curve_sample(&dram, m->memory_gb, p->dram_watts_per_gb);
        p->dram_low = p->bound_low;
        p->dram_high = p->bound_high;
    }
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int model_file_to_power(const struct model_file *file, const char *path,
                        const struct cpu_facts *cpu, struct cpu_power *ret, struct err *err)
{
    char name[NAME_SIZE];
    struct cpu_power p = { 0 };
    int code = check_cpu(file, path, cpu, name, err);
    if (code == 0) {
        const struct power_ends ends = { name, file->sockets, file->threads,
                                         file->point[0].package_watts,
                                         file->point[file->points - 1].package_watts };
        code = cpu_power_from_ends(&ends, &p, err);
    }
    if (code < 0)
        return code;
    p.tier = TIER_B_CALIBRATED;
    p.curve_sockets = file->sockets;
    p.table_threads = 2 * file->threads / file->sockets;
    fill_curves(file, &p);
    (void)snprintf(p.name, sizeof(p.name), "%.*s", (int)sizeof(p.name) - 1, name);
    (void)snprintf(p.source, sizeof(p.source), "calibration %.40s of %.20s by %.20s, kernel %.40s",
                   base_name(path), file->date, file->source, file->kernel);
    (void)snprintf(
        p.reason, sizeof(p.reason),
        "tier B': calibrated on this CPU model (%zu points by %s on %s, %u sockets, %.100s)",
        file->points, file->source, file->date, file->sockets, base_name(path));
    size_t n = strlen(p.reason);
    if (cpu->hypervisor) {
        (void)snprintf(p.reason + n, sizeof(p.reason) - n,
                       "; share of a host taken for %u threads, two sockets of the calibrated "
                       "machine's: wrong if that was a VM, too",
                       p.table_threads);
    }
    *ret = p;
    return 0;
}
