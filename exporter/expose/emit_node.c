/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/emit.h"
#include "expose/listing.h"
#include "expose/text.h"

#include <math.h>

#define LABELS_LIMIT ((size_t)16 << 10) /* bytes of one line's labels */

enum lines {
    WITH_PATH = 1,
    NOW = 2 /* only zones that the meter has now: watts. Joules stay when their zone is no more */
};

/* node_name, path (WITH_PATH), zone; for every zone that the meter has or once had. */
static void zone_lines(struct buf *to, const struct metric *m, const struct snapshot *s,
                       const double value[ZONE_COUNT], unsigned lines)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    for (int z = 0; z < ZONE_COUNT; z++) {
        bool is_now = s->meter->zone[z].present;
        if (!is_now && (lines & NOW || !s->attribution->present[z]))
            continue;
        buf_clear(&labels);
        text_label(&labels, "node_name", s->node_name);
        if (lines & WITH_PATH) {
            buf_char(&labels, ',');
            text_label(&labels, "path", s->meter->zone[z].path);
        }
        buf_char(&labels, ',');
        text_label(&labels, "zone", energy_zone_name((enum energy_zone)z));
        text_line(to, m->name, buf_text(&labels), value[z]);
    }
}

void emit_node_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, s->attribution->node_joules, WITH_PATH);
}

void emit_node_active_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, s->attribution->active_joules, WITH_PATH);
}

void emit_node_idle_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, s->attribution->idle_joules, WITH_PATH);
}

/* The sum of its parts, so that what is shown adds up. */
void emit_node_watts(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    double watts[ZONE_COUNT];
    if (!s->has_watts)
        return;
    for (int z = 0; z < ZONE_COUNT; z++)
        watts[z] = s->attribution->active_watts[z] + s->attribution->idle_watts[z];
    zone_lines(to, m, s, watts, WITH_PATH | NOW);
}

void emit_node_active_watts(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->has_watts)
        zone_lines(to, m, s, s->attribution->active_watts, WITH_PATH | NOW);
}

void emit_node_idle_watts(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->has_watts)
        zone_lines(to, m, s, s->attribution->idle_watts, WITH_PATH | NOW);
}

void emit_unattributed_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, s->attribution->unattributed_joules, 0);
}

void emit_unattributed_watts(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->has_watts)
        zone_lines(to, m, s, s->attribution->unattributed_watts, NOW);
}

void emit_ended_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, s->attribution->ended_joules, 0);
}

void emit_unlisted_joules(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    zone_lines(to, m, s, s->listing->unlisted_joules, 0);
}

/* -- one value a node -- */

static void node_line(struct buf *to, const struct metric *m, const struct snapshot *s,
                      double value)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    text_label(&labels, "node_name", s->node_name);
    text_line(to, m->name, buf_text(&labels), value);
}

void emit_usage_ratio(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->has_watts)
        node_line(to, m, s, s->sample->usage_ratio);
}

void emit_conservation_error(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->has_watts)
        node_line(to, m, s, s->conservation_error_ratio);
}

void emit_coverage(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (s->sample->coverage_ratio < 0 || !s->sample->coverage_reference)
        return;
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    text_label(&labels, "node_name", s->node_name);
    buf_char(&labels, ',');
    text_label(&labels, "reference", s->sample->coverage_reference);
    text_line(to, m->name, buf_text(&labels), s->sample->coverage_ratio);
}

/* -- what the machine and its meter are -- */

void emit_cpu_info(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    for (unsigned i = 0; i < s->cpu->threads; i++) {
        const struct cpu_thread *t = &s->cpu->thread[i];
        buf_clear(&labels);
        buf_printf(&labels, "core_id=\"%d\",", t->core);
        text_label(&labels, "model_name", s->cpu->model_name);
        buf_printf(&labels, ",physical_id=\"%d\",processor=\"%d\",", t->socket, t->processor);
        text_label(&labels, "vendor_id", s->cpu->vendor);
        text_line(to, m->name, buf_text(&labels), 1);
    }
}

/* What part of the machine a zone's watts are of. */
static const char *scope_of(enum energy_zone z)
{
    static const char *const words[ZONE_COUNT] = {
        [ZONE_PACKAGE] = "package", [ZONE_DRAM] = "memory",   [ZONE_CORE] = "package",
        [ZONE_UNCORE] = "package",  [ZONE_PSYS] = "platform",
    };
    return words[z];
}

void emit_power_meter(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    for (int z = 0; z < ZONE_COUNT; z++) {
        const struct meter_zone *zone = &s->meter->zone[z];
        if (!zone->present)
            continue;
        const char *const pair[][2] = {
            { "model", zone->model },     { "node_name", s->node_name },
            { "quality", zone->quality }, { "scope", scope_of((enum energy_zone)z) },
            { "source", zone->source },   { "zone", energy_zone_name((enum energy_zone)z) },
        };
        buf_clear(&labels);
        for (size_t i = 0; i < ARRAY_LEN(pair); i++) {
            if (i)
                buf_char(&labels, ',');
            text_label(&labels, pair[i][0], pair[i][1]);
        }
        text_line(to, m->name, buf_text(&labels), 1);
    }
}

static void bound_line(struct buf *to, const struct metric *m, const struct snapshot *s,
                       enum energy_zone z, bool high)
{
    AUTO_BUF labels;
    buf_init(&labels, LABELS_LIMIT);
    buf_printf(&labels, "bound=\"%s\",", high ? "high" : "low");
    text_label(&labels, "node_name", s->node_name);
    buf_char(&labels, ',');
    text_label(&labels, "zone", energy_zone_name(z));
    text_line(to, m->name, buf_text(&labels),
              high ? s->meter->zone[z].high_watts : s->meter->zone[z].low_watts);
}

void emit_watts_bound(struct buf *to, const struct metric *m, const struct snapshot *s)
{
    if (!s->has_watts)
        return;
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (!s->meter->zone[z].present)
            continue;
        bound_line(to, m, s, (enum energy_zone)z, false);
        bound_line(to, m, s, (enum energy_zone)z, true);
    }
}
