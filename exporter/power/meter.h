/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's power meter: the best source there is, read once a refresh, checked, with its idle
 * part; when a source stops answering, the next one, loudly.
 */
#ifndef POWER_METER_H
#define POWER_METER_H

#include "base/compiler.h"
#include "base/err.h"
#include "power/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define METER_STRIKES 3 /* bad readings in a row before the next source is taken */

struct meter_zone {
    bool present;
    char path[128];
    double joules, idle_joules;   /* since the meter was opened, over all sources; active = rest */
    double watts, idle_watts;     /* of the last interval */
    double low_watts, high_watts; /* bounds of watts; both equal to it where measured */
    double low_ratio, high_ratio; /* widest bounds at any load: of the joules, too */
    double delta_joules, delta_idle_joules; /* of the last interval */
};

struct meter_reading {
    bool fresh; /* false: no good reading this time; deltas are 0, watts are the last ones */
    uint64_t elapsed_ns; /* of the interval that the deltas are of */
    struct meter_zone zone[ZONE_COUNT];
    const char *source, *quality, *model; /* of the source in use; borrowed */
    uint64_t rejected;                    /* bad readings since open */
    uint64_t changes;                     /* source changes since open */
    char event[600]; /* what happened at this reading, for the log; "" nothing */
};

struct meter;

/* @preferred: "auto" or a source's name; if that one cannot be opened it is an error when @strict,
   else the chain goes on below it and reading.event says so. */
MUST_USE int meter_open(const struct power_machine *m, const char *preferred, bool strict,
                        struct meter **ret, struct err *err);
void meter_close(struct meter *meter);

/* Never fails for good: a bad reading is counted and explained in the event. */
void meter_read(struct meter *meter, const struct power_now *now, struct meter_reading *ret);

#endif
