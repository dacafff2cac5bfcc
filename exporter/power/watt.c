/* SPDX-License-Identifier: Apache-2.0 */
#include "power/watt.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>

#define MS_PER_SEC 1000.0

int watt_counts_between(uint64_t before, uint64_t now, uint64_t modulus, uint64_t *ret)
{
    if (modulus > 0 && (before >= modulus || now >= modulus))
        return -ERANGE;
    if (now < before && modulus == 0)
        return -ERANGE;
    *ret = now >= before ? now - before : modulus - before + now;
    return 0;
}

int watt_from_joules(double joules, uint64_t elapsed_ns, double *ret_watts)
{
    if (elapsed_ns == 0)
        return -EAGAIN;
    *ret_watts = joules * (double)NS_PER_SEC / (double)elapsed_ns;
    return 0;
}

int watt_check(double watts, double ceiling_watts)
{
    /* written so that what is not a number fails too */
    return watts >= 0 && watts <= ceiling_watts ? 0 : -ERANGE;
}

/* A load that is not a number counts as none. */
static double clamp_ratio(double u)
{
    if (!(u > 0))
        return 0;
    return u < 1 ? u : 1;
}

double watt_interpolate(const double curve[POWER_CURVE_POINTS], double u)
{
    double at = clamp_ratio(u) * (POWER_CURVE_POINTS - 1);
    unsigned left = (unsigned)at;
    if (left >= POWER_CURVE_POINTS - 1)
        return curve[POWER_CURVE_POINTS - 1];
    return curve[left] + (at - left) * (curve[left + 1] - curve[left]);
}

/* P(u) of a whole machine: what its curve's figures are multiplied by depends on the tier. */
static double machine_watts(const struct watt_model *m, double u)
{
    const struct cpu_power *p = &m->power;
    double scale = 0;
    switch (p->tier) {
    case TIER_A:
    case TIER_B_CALIBRATED:
        scale = p->curve_sockets > 0 ? (double)m->sockets / p->curve_sockets : 0;
        break;
    case TIER_B:
        scale = m->sockets * p->tdp_watts;
        break;
    case TIER_SERVER:
        return m->weights ? weights_watts(m->weights, u * m->threads * MS_PER_SEC) : 0;
    case TIER_E:
        scale = m->threads * p->tdp_watts_per_thread;
        break;
    }
    return scale * watt_interpolate(p->curve, u);
}

static double machine_dram_watts(const struct watt_model *m, double u)
{
    if (m->dram_weights)
        return weights_watts(m->dram_weights, u * m->threads * MS_PER_SEC);
    return m->memory_gb * watt_interpolate(m->power.dram_watts_per_gb, u);
}

typedef double zone_watts(const struct watt_model *m, double u);

/* Part of a VM in the watts of the host below it, whose other threads run at @neighbours: its
   threads' part of P(0), and of what load adds its part of the run time. */
static double vm_watts(const struct watt_model *m, zone_watts *host, double u, double neighbours)
{
    double all = m->threads;
    double own = m->vcpus < m->threads ? m->vcpus : all;
    if (all <= 0)
        return 0;

    double idle = host(m, 0);
    double host_u = (own * u + (all - own) * neighbours) / all;
    double rise = host_u > 0 ? (host(m, host_u) - idle) / host_u : 0;
    return own / all * (idle + u * rise);
}

static struct watt_range with_bounds(double watts, double low, double high)
{
    struct watt_range r = { .watts = fmax(watts, 0) };
    r.low = fmax(0, fmin(low, r.watts));
    r.high = fmax(high, r.watts);
    return r;
}

static struct watt_range vm_range(const struct watt_model *m, zone_watts *host, double u,
                                  double low, double high)
{
    double tried[NEIGHBOURS_TRIED];
    double part = m->vcpus < m->threads ? (double)m->vcpus / m->threads : 1;
    size_t n = cpu_power_neighbours(part, u, tried);
    double watts = vm_watts(m, host, u, NEIGHBOURS_LOAD);
    double least = watts;
    double most = watts;
    for (size_t i = 1; i < n; i++) {
        double share = vm_watts(m, host, u, tried[i]);
        least = fmin(least, share);
        most = fmax(most, share);
    }
    return with_bounds(watts, least * low, most * high);
}

struct watt_range watt_package(const struct watt_model *m, double u)
{
    const struct cpu_power *p = &m->power;
    u = clamp_ratio(u);
    if (m->is_vm)
        return vm_range(m, machine_watts, u, p->bound_low, p->bound_high);
    double watts = machine_watts(m, u);
    return with_bounds(watts, watts * p->bound_low, watts * p->bound_high);
}

struct watt_range watt_dram(const struct watt_model *m, double u)
{
    const struct cpu_power *p = &m->power;
    u = clamp_ratio(u);
    /* A table's watts per GB are multiplied by the VM's own memory; a server's are of the host. */
    if (m->is_vm && m->dram_weights)
        return vm_range(m, machine_dram_watts, u, p->dram_low, p->dram_high);
    double watts = machine_dram_watts(m, u);
    return with_bounds(watts, watts * p->dram_low, watts * p->dram_high);
}

struct watt_range watt_wall(const struct wall_power *wall, double u)
{
    double at = watt_interpolate(cpu_power_shape, u);
    return with_bounds(wall->idle_watts + (wall->full_watts - wall->idle_watts) * at,
                       wall->idle_low + (wall->full_low - wall->idle_low) * at,
                       wall->idle_high + (wall->full_high - wall->idle_high) * at);
}

double watt_joules_of_power(double watts_before, double watts_now, uint64_t elapsed_ns)
{
    return (watts_before + watts_now) / 2 * (double)elapsed_ns / (double)NS_PER_SEC;
}

double watt_idle_joules(double joules, double idle_watts, uint64_t elapsed_ns)
{
    if (!(joules > 0) || !(idle_watts > 0))
        return 0;
    return fmin(joules, idle_watts * (double)elapsed_ns / (double)NS_PER_SEC);
}

double watt_idle_guess(const double ratio[POWER_CURVE_POINTS], double watts, double u)
{
    double at_load = watt_interpolate(ratio, u);
    if (!(at_load > 0) || !(watts > 0))
        return 0;
    return fmin(watts, watts * watt_interpolate(ratio, 0) / at_load);
}
