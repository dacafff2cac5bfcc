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

static void add_type(struct buf *to, const struct process *p)
{
    buf_str(to, ",type=\"");
    buf_str(to, type_of(p));
    buf_str(to, "\",vm_id=\"\"");
}

/* What a process's lines have in common, put together once: up to its value's zone. */
static void zone_head(struct buf *to, const struct metric *m, const struct snapshot *s,
                      const struct listed *item)
{
    buf_clear(to);
    buf_str(to, m->name);
    buf_char(to, '{');
    listing_add_labels(to, s->listing, item);
    buf_str(to, ",state=\"");
    buf_str(to, state_of(item->p));
    buf_char(to, '"');
    add_type(to, item->p);
    buf_str(to, ",zone=\"");
}

static void zone_lines(struct buf *to, const struct metric *m, const struct snapshot *s, bool watts)
{
    AUTO_BUF head;
    buf_init(&head, LISTING_LABELS_LIMIT);
    for (size_t i = 0; i < s->listing->n; i++) {
        const struct listed *item = &s->listing->item[i];
        zone_head(&head, m, s, item);
        for (int z = 0; z < ZONE_COUNT; z++) {
            bool is_now = s->meter->zone[z].present;
            if (!is_now && (watts || !s->attribution->present[z]))
                continue;
            buf_add(to, head.data, head.len);
            buf_str(to, energy_zone_name((enum energy_zone)z));
            buf_add(to, "\"} ", 3);
            text_nano(to, watts ? item->watts[z] : item->joules[z]);
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
        listing_add_labels(to, s->listing, item);
        add_type(to, item->p);
        buf_add(to, "} ", 2);
        text_nano(to, (double)item->run_ns / 1e9);
        buf_char(to, '\n');
    }
}
