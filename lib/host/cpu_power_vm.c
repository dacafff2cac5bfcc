/* SPDX-License-Identifier: Apache-2.0 */
/* How far a VM's neighbours can move its share of the host (the share's formula is in
   exporter/power/watt.h). */
#include "host/cpu_power.h"

#include <math.h>

#define STEPS (POWER_CURVE_POINTS - 1)

/* Between two points of the curve, P(x) = a + b x, so that (P(x) - P(0)) / x goes one way only: the
   extremes of the share are at the ends of the neighbours' range, or where the host's load is at a
   point of the curve. */
size_t cpu_power_neighbours(double part, double u, double ret[NEIGHBOURS_TRIED])
{
    size_t n = 0;
    ret[n++] = NEIGHBOURS_LOAD;
    ret[n++] = NEIGHBOURS_LOAD_LOW;
    ret[n++] = NEIGHBOURS_LOAD_HIGH;
    for (int k = 0; part < 1 && k <= STEPS; k++) {
        double un = ((double)k / STEPS - part * u) / (1 - part);
        if (un > NEIGHBOURS_LOAD_LOW && un < NEIGHBOURS_LOAD_HIGH)
            ret[n++] = un;
    }
    return n;
}

static double curve_at(const double *curve, double x)
{
    int left = (int)(x * STEPS);
    if (left >= STEPS)
        return curve[STEPS];
    return curve[left] + (x * STEPS - left) * (curve[left + 1] - curve[left]);
}

/* Of a VM with @part of the host's threads, as a part of what those would have of the curve. */
static double share(const double *curve, double part, double u, double neighbours)
{
    double host_u = part * u + (1 - part) * neighbours;
    double rise = host_u > 0 ? (curve_at(curve, host_u) - curve[0]) / host_u : 0;
    return curve[0] + u * rise;
}

struct extremes {
    double low, high;
};

static void try_load(const double *curve, double part, double u, struct extremes *widest)
{
    double neighbours[NEIGHBOURS_TRIED];
    size_t n = cpu_power_neighbours(part, u, neighbours);
    double guess = share(curve, part, u, NEIGHBOURS_LOAD);
    for (size_t i = 1; guess > 0 && i < n; i++) {
        double ratio = share(curve, part, u, neighbours[i]) / guess;
        widest->low = fmin(widest->low, ratio);
        widest->high = fmax(widest->high, ratio);
    }
}

/* Where the host's load is at a point of the curve, the ratio has a corner. */
static void try_corners(const double *curve, double part, struct extremes *widest)
{
    static const double ends[] = { NEIGHBOURS_LOAD_LOW, NEIGHBOURS_LOAD, NEIGHBOURS_LOAD_HIGH };
    for (int k = 0; part > 0 && k <= STEPS; k++) {
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
            double u = ((double)k / STEPS - (1 - part) * ends[i]) / part;
            if (u > 0 && u < 1)
                try_load(curve, part, u, widest);
        }
    }
}

/* Parts of which two corners meet are all multiples of 1/180 (of 1/5, 1/3, 1/6 and 1/9). */
#define PARTS 180
#define LOADS 50

void cpu_power_bounds(const struct cpu_power *p, bool is_vm, double *ret_low, double *ret_high)
{
    struct extremes widest = { 1, 1 };
    for (int i = 0; is_vm && i <= PARTS; i++) {
        double part = (double)i / PARTS;
        for (int k = 0; k <= LOADS; k++)
            try_load(p->curve, part, (double)k / LOADS, &widest);
        try_corners(p->curve, part, &widest);
    }
    *ret_low = p->bound_low * widest.low;
    *ret_high = p->bound_high * widest.high;
}
