/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who used it: shares out each zone's active joules by run time. Pure: no file, no clock. For every
 * zone, over all time: idle + unattributed + ended + sum over processes = node, exactly as
 * exported.
 */
#ifndef ATTRIBUTE_ATTRIBUTE_H
#define ATTRIBUTE_ATTRIBUTE_H

#include "base/compiler.h"
#include "power/meter.h"
#include "sample/sampler.h"

#include <stdbool.h>
#include <stdint.h>

struct attribution {
    /* configuration */
    bool idle_by_ratio;      /* Kepler's rule: active = P x usage (attribution.idle: ratio) */
    int64_t max_terminated;  /* series of ended processes; < 0 all, 0 none */
    double threshold_joules; /* an ended process needs at least this much of the package zone */

    /* totals since start, by zone */
    bool present[ZONE_COUNT]; /* a reading had it, once at least */
    double node_joules[ZONE_COUNT], idle_joules[ZONE_COUNT], active_joules[ZONE_COUNT];
    double unattributed_joules[ZONE_COUNT];
    double ended_joules[ZONE_COUNT]; /* of ended processes that have no series (any more) */
    double unattributed_watts[ZONE_COUNT], active_watts[ZONE_COUNT], idle_watts[ZONE_COUNT];

    /* of refreshes without a good power reading, not yet shared out */
    uint64_t deferred_elapsed_ns, deferred_irq_ns, deferred_lost_ns;
    double deferred_busy_ns; /* usage ratio x elapsed */
};

void attribution_init(struct attribution *a, int64_t max_terminated, double threshold_joules,
                      bool idle_by_ratio);

/* One refresh: moves each process's pending_ns into joules and watts. Where the meter's reading is
   not fresh nothing is shared out and the run time stays pending; a zone that has no joules this
   time though the reading is fresh keeps its last watts. */
void attribution_apply(struct attribution *a, struct sample *sample,
                       const struct meter_reading *meter);

/* Decides which ended processes keep a series: the top max_terminated by package joules (of the
   first zone there is, where there is no package) at or over the threshold. Those that do not, and,
   when @shown (a scrape has read them), all that had one, are moved to ended_joules; @forget is
   called for each. One whose pid was taken again is moved too, since both would have the same
   labels; one whose run time still waits for a power reading stays. sample->process, which must
   be the caller's own copy of the sampler's list, is shortened before anything is forgotten. */
typedef void attribution_forget_fn(struct process *p, void *arg);
void attribution_retire(struct attribution *a, struct sample *sample, bool shown,
                        attribution_forget_fn *forget, void *arg);

/* |node - (idle + unattributed + ended + processes)| / node, largest over the zones present. */
double attribution_error_ratio(const struct attribution *a, const struct sample *sample);

#endif
