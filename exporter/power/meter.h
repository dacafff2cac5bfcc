/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's power meter: a chain of sources a zone (power/chain.h), read once a refresh, with
 * the idle part of each. The zones that a machine shows are those that are measured, and where the
 * package is not measured those that are estimated too; a zone that was shown goes on being shown,
 * from the next best source, when its own fails.
 */
#ifndef POWER_METER_H
#define POWER_METER_H

#include "base/compiler.h"
#include "base/err.h"
#include "power/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct meter_zone {
    bool present;
    char path[128];
    const char *source, *quality,
        *model;                   /* of the source in use; borrowed, never NULL if present */
    double joules, idle_joules;   /* since the meter was opened, over all sources; active = rest */
    double watts, idle_watts;     /* of the last interval */
    double low_watts, high_watts; /* bounds of watts; both equal to it where measured */
    double low_ratio, high_ratio; /* widest bounds at any load: of the joules, too */
    double delta_joules, delta_idle_joules; /* since the last fresh reading */
};

struct meter_reading {
    bool fresh; /* false: no good reading of the leading zone (package, where there is one) this
                   time; deltas are 0, watts are the last ones */
    uint64_t elapsed_ns; /* of the interval that the leading zone's delta is of */
    struct meter_zone zone[ZONE_COUNT];
    uint64_t rejected; /* bad readings since open, all zones */
    uint64_t changes;  /* source changes since open, all zones */
    char event[1400];  /* what happened at this reading, for the log; "" nothing */
};

struct meter;

/* @preferred: "auto" or a source's name; if no zone of that one can be opened it is an error when
   @strict. Else it is where the chain begins: what is below it may serve instead, and what is above
   it is tried again now and then, as always. */
MUST_USE int meter_open(const struct power_machine *m, const char *preferred, bool strict,
                        struct meter **ret, struct err *err);
void meter_close(struct meter *meter);

/* Never fails for good: a bad reading is counted and explained in the event. */
void meter_read(struct meter *meter, const struct power_now *now, struct meter_reading *ret);

/* "measured", "estimated", "measured and estimated" over the zones present; "" none. */
const char *meter_quality(const struct meter_reading *r);

#endif
