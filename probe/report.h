/* SPDX-License-Identifier: Apache-2.0 */
/* The findings as a person reads them, and as the exporter's configuration. */
#ifndef PROBE_REPORT_H
#define PROBE_REPORT_H

#include "base/buf.h"
#include "contract/findings.h"

#include <stdbool.h>

#define REPORT_LIMIT ((size_t)1 << 20) /* bytes of a report; a usual one has 4 KiB */

struct report_style {
    bool colour;
    unsigned columns;        /* 0: lines are not wrapped */
    const char *requirement; /* "any" "measured" */
    bool is_dump;            /* the findings are of a machine that is not this one */
    bool holds;
    const char *power, *accounting; /* sources to hold the exporter to; NULL or "": it may choose */
};

void report_text(struct buf *to, const struct findings *f, const struct report_style *style);

/* The exporter's settings as YAML, with a comment that says where they come from. What was found
   does not bind it, as a name in its file would; only what @style holds it to does. */
void report_yaml(struct buf *to, const struct findings *f, const struct report_style *style);

/* True if @requirement ("any", "measured") is met: such a source, and CPU accounting. */
bool report_holds(const struct findings *f, const char *requirement);

#endif
