/* SPDX-License-Identifier: Apache-2.0 */
/* Which processes get a series in one snapshot, and with which labels: made once a rendering, used
   by every process family. No two entries have the same labels. */
#ifndef EXPOSE_LISTING_H
#define EXPOSE_LISTING_H

#include "base/buf.h"
#include "expose/snapshot.h"

#include <stddef.h>

#define LISTING_LABELS_LIMIT ((size_t)64 << 20) /* bytes of all label texts */

struct listed {
    const struct process *p; /* the newest of its pid */
    double joules[ZONE_COUNT], watts[ZONE_COUNT];
    uint64_t run_ns;
    size_t labels_at, labels_len; /* in listing.labels */
};

struct listing {
    struct listed *item; /* owned, ascending by pid */
    size_t n;
    struct buf labels;
    double unlisted_joules[ZONE_COUNT]; /* of processes left out: --process.top, or no level */
};

void listing_make(struct listing *ret, const struct snapshot *s);
void listing_done(struct listing *l);

/* Adds comm="..",container_id="..",exe="..",node_name="..",pid="..". */
void listing_add_labels(struct buf *to, const struct listing *l, const struct listed *item);

#endif
