/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sources of one zone: the best that there is, read and checked; when it stops answering, the
 * next one, which has stood by since the first bad reading; when a better one answers again, that
 * one.
 */
#ifndef POWER_CHAIN_H
#define POWER_CHAIN_H

#include "base/compiler.h"
#include "base/err.h"
#include "power/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAIN_STRIKES 3 /* bad readings in a row before the next source is taken */

struct chain;

/* Which rows of power_sources may be used: ranks @first .. @last. The chain opens with, and comes
   back to, those named @only, with @measured_only a measured one; any below may stand in when it
   stops answering, and while one that is named has not answered yet (-EAGAIN). */
struct chain_range {
    size_t first, last;
    const char *only; /* NULL: whatever their name; borrowed */
    bool measured_only;
    size_t
        begin; /* without @only: the row to begin with, or below it; better ones are looked for */
};

/* Opens the best source of @zone. -errno of the last one tried if none can be. */
MUST_USE int chain_open(const struct power_machine *m, enum energy_zone zone,
                        struct chain_range range, struct chain **ret, struct err *err);
void chain_close(struct chain *c);

const struct power_source_ops *chain_source(const struct chain *c); /* in use */
const char *chain_why(const struct chain *c); /* no better one could be opened; "" there is none */

struct chain_reading {
    bool fresh;                  /* there is a good reading; else what is of an interval is 0 */
    uint64_t elapsed_ns;         /* of the interval that the joules are of */
    double joules;               /* used in it */
    double usage_ratio;          /* of it */
    double low, high;            /* of the joules, by the source that they are of */
    double idle_watts;           /* as that source tells, < 0: it does not */
    struct power_reading source; /* the last good one of the source in use; borrowed values */
    const struct power_source_ops *ops; /* the source in use */
    const char *model;                  /* its model name; borrowed */
    bool rejected;                      /* this reading was bad, of a source not lost before */
    bool changed;                       /* from now on another source is in use */
    bool lost; /* CHAIN_STRIKES bad readings, and no other source: the zone has no watts now */
    char event[400]; /* what happened, for the log; "" nothing */
};

/* Bit N: row N of power_sources says is_ready(). For all chains at once: it may say it only once.
 */
unsigned chain_ready_ranks(const struct power_machine *m);

/* Its source is found dead in another zone: what it says here is not believed either. */
void chain_distrust(struct chain *c);

/* Never fails for good. @now must be later than at the last call. @ready: rows that are worth a try
   now, where they are better than the one in use. */
void chain_read(struct chain *c, const struct power_now *now, unsigned ready,
                struct chain_reading *ret);

#endif
