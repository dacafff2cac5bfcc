/* SPDX-License-Identifier: Apache-2.0 */
#include "attribute/attribute.h"

#include <math.h>
#include <string.h>

void attribution_init(struct attribution *a, int64_t max_terminated, double threshold_joules,
                      bool idle_by_ratio)
{
    *a = (struct attribution){
        .idle_by_ratio = idle_by_ratio,
        .max_terminated = max_terminated,
        .threshold_joules = threshold_joules,
    };
}

/* What one refresh shares out. */
struct share {
    double total_ns; /* of all that ran: processes, irq, lost */
    double nobody_ns;
    double usage_ratio;
    double process_joules_per_ns[ZONE_COUNT];
    double watts_per_joule[ZONE_COUNT]; /* 1 / seconds of the zone's own interval; < 0: it has no
                                           news, so that its last watts stay */
};

static void defer(struct attribution *a, const struct sample *sample)
{
    a->deferred_elapsed_ns += sample->elapsed_ns;
    a->deferred_irq_ns += sample->irq_ns;
    a->deferred_lost_ns += sample->lost_ns;
    a->deferred_busy_ns += sample->usage_ratio * (double)sample->elapsed_ns;
}

/* What was deferred until now, this refresh included, becomes the base of the shares. */
static void take_deferred(struct attribution *a, const struct sample *sample, struct share *ret)
{
    ret->nobody_ns = (double)a->deferred_irq_ns + (double)a->deferred_lost_ns;
    ret->total_ns = ret->nobody_ns;
    for (size_t i = 0; i < sample->processes; i++)
        ret->total_ns += (double)sample->process[i]->pending_ns;
    ret->usage_ratio = a->deferred_elapsed_ns ? a->deferred_busy_ns / (double)a->deferred_elapsed_ns
                                              : 0;
    ret->usage_ratio = fmin(fmax(ret->usage_ratio, 0), 1);
    a->deferred_elapsed_ns = a->deferred_irq_ns = a->deferred_lost_ns = 0;
    a->deferred_busy_ns = 0;
}

/* The meter's own watts are right: a zone's interval may be longer than the leading zone's. */
static double watts_per_joule(const struct meter_zone *m)
{
    if (m->delta_joules > 0)
        return m->watts / m->delta_joules;
    return m->watts > 0 ? -1 : 0;
}

/* Splits a zone's joules into idle and active, and active into what processes get a nanosecond and
   what is nobody's. Where nothing ran, all that is active is nobody's. */
static void split_zone(struct attribution *a, const struct meter_zone *m, enum energy_zone z,
                       struct share *share)
{
    double joules = m->delta_joules;
    double active = a->idle_by_ratio ? joules * share->usage_ratio : joules - m->delta_idle_joules;
    active = fmin(fmax(active, 0), joules);
    double idle = joules - active;
    double nobody = share->total_ns > 0 ? active * (share->nobody_ns / share->total_ns) : active;

    a->present[z] = true;
    a->node_joules[z] += joules;
    a->idle_joules[z] += idle;
    a->active_joules[z] += active;
    a->unattributed_joules[z] += nobody;
    double per_joule = watts_per_joule(m);
    if (per_joule >= 0) {
        a->idle_watts[z] = idle * per_joule;
        a->active_watts[z] = active * per_joule;
        a->unattributed_watts[z] = nobody * per_joule;
    }
    share->watts_per_joule[z] = per_joule;
    share->process_joules_per_ns[z] = share->total_ns > 0 ? active / share->total_ns : 0;
}

static void clear_zone(struct attribution *a, enum energy_zone z)
{
    a->idle_watts[z] = a->active_watts[z] = a->unattributed_watts[z] = 0;
}

static void pay(struct process *p, const struct share *share)
{
    for (int z = 0; z < ZONE_COUNT; z++) {
        double joules = share->process_joules_per_ns[z] * (double)p->pending_ns;
        p->joules[z] += joules;
        if (share->watts_per_joule[z] >= 0)
            p->watts[z] = joules * share->watts_per_joule[z];
    }
    p->pending_ns = 0;
}

void attribution_apply(struct attribution *a, struct sample *sample,
                       const struct meter_reading *meter)
{
    defer(a, sample);
    if (!meter->fresh)
        return;
    struct share share = { .total_ns = 0 };
    take_deferred(a, sample, &share);
    for (int z = 0; z < ZONE_COUNT; z++) {
        const struct meter_zone *m = &meter->zone[z];
        if (m->present || m->delta_joules > 0) /* what it used until it was lost */
            split_zone(a, m, (enum energy_zone)z, &share);
        if (!m->present)
            clear_zone(a, (enum energy_zone)z);
    }
    for (size_t i = 0; i < sample->processes; i++)
        pay(sample->process[i], &share);
}

double attribution_error_ratio(const struct attribution *a, const struct sample *sample)
{
    double worst = 0;
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (a->node_joules[z] <= 0)
            continue;
        double sum = a->idle_joules[z] + a->unattributed_joules[z] + a->ended_joules[z];
        for (size_t i = 0; i < sample->processes; i++)
            sum += sample->process[i]->joules[z];
        worst = fmax(worst, fabs(a->node_joules[z] - sum) / a->node_joules[z]);
    }
    return worst;
}
