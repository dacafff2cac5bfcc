/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of metrics: name, type, help, labels and who fills it in. The text format and
   docs/metrics.md are both made from it. */
#ifndef EXPOSE_METRICS_H
#define EXPOSE_METRICS_H

#include "base/buf.h"
#include "expose/snapshot.h"

#include <stddef.h>

#define METRICS_TEXT_LIMIT ((size_t)256 << 20) /* bytes of one rendered snapshot */

enum metric_type {
    METRIC_COUNTER,
    METRIC_GAUGE
};

struct metric {
    const char *name; /* whole, with _total where it is a counter */
    enum metric_type type;
    unsigned level;     /* enum metrics_level; 0: always */
    bool names_source;  /* HELP ends with the source and, if estimated, its bounds */
    const char *help;   /* a sentence without a final stop */
    const char *labels; /* "node_name, path, zone": for the documentation */
    void (*emit)(struct buf *to, const struct metric *m, const struct snapshot *s);
};

extern const struct metric metrics_table[];
extern const size_t metrics_count;

/* Prometheus text format 0.0.4. */
void metrics_render_text(struct buf *to, const struct snapshot *s);

/* docs/metrics.md. */
void metrics_render_markdown(struct buf *to);

#endif
