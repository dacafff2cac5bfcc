/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/emit.h"
#include "expose/listing.h"
#include "expose/text.h"

static const char *type_of(const struct process *p)
{
    return p->container.id[0] ? "container" : "regular";
}

/* Its last record is under way, so it has not ended for a reader yet: PROCESS_LEFT is running. */
static const char *state_of(const struct process *p)
{
    return p->state == PROCESS_ENDED ? "terminated" : "running";
}

static void zone_lines(struct buf *to, const struct metric *m, const struct snapshot *s, bool watts)
{
    for (size_t i = 0; i < s->listing->n; i++) {
        const struct listed *item = &s->listing->item[i];
        const char *labels = listing_labels(s->listing, item);
        for (int z = 0; z < ZONE_COUNT; z++) {
            if (!s->meter->zone[z].present && !s->attribution->present[z])
                continue;
            buf_str(to, m->name);
            buf_char(to, '{');
            buf_str(to, labels);
            buf_str(to, ",state=\"");
            buf_str(to, state_of(item->p));
            buf_str(to, "\",type=\"");
            buf_str(to, type_of(item->p));
            buf_str(to, "\",vm_id=\"\",zone=\"");
            buf_str(to, energy_zone_name((enum energy_zone)z));
            buf_str(to, "\"} ");
            text_number(to, watts ? item->watts[z] : item->joules[z]);
            buf_char(to, '\n');
        }
    }
}

void emit_process_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, false);
}

void emit_process_watts(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->has_watts)
        zone_lines(to, m, s, true);
}

void emit_process_seconds(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    for (size_t i = 0; i < s->listing->n; i++) {
        const struct listed *item = &s->listing->item[i];
        buf_str(to, m->name);
        buf_char(to, '{');
        buf_str(to, listing_labels(s->listing, item));
        buf_str(to, ",type=\"");
        buf_str(to, type_of(item->p));
        buf_str(to, "\",vm_id=\"\"} ");
        text_number(to, (double)item->run_ns / 1e9);
        buf_char(to, '\n');
    }
}
