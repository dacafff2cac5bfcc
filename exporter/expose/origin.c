/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/origin.h"

#include <string.h>

#define ORIGIN_LIMIT ((size_t)1 << 10) /* bytes of one zone's: a name, a model, its bounds */

/* "E:any server CPU" is "tier E any server CPU"; a measured zone has no model. */
static void add_model(struct buf *to, const char *model)
{
    const char *colon = strchr(model, ':');
    if (colon)
        buf_printf(to, ", tier %.*s %s", (int)(colon - model), model, colon + 1);
}

static void add_zone(struct buf *to, const struct meter_zone *zone)
{
    buf_printf(to, "source %s", zone->source);
    add_model(to, zone->model);
    buf_printf(to, ", %s", zone->quality);
    if (zone->high_ratio > zone->low_ratio)
        buf_printf(to, ", true value within x%.2f .. x%.2f", zone->low_ratio, zone->high_ratio);
}

struct origins {
    struct buf text[ZONE_COUNT];
    bool present[ZONE_COUNT];
};

/* The zones that say the same as @z, or NULL if an earlier one has named it. */
static const char *zones_like(const struct origins *o, int z, struct buf *ret)
{
    buf_clear(ret);
    for (int k = 0; k < ZONE_COUNT; k++) {
        if (!o->present[k] || strcmp(buf_text(&o->text[k]), buf_text(&o->text[z])) != 0)
            continue;
        if (k < z)
            return NULL;
        buf_printf(ret, "%s%s", ret->len > 0 ? ", " : "", energy_zone_name((enum energy_zone)k));
    }
    return buf_text(ret);
}

static bool are_all_alike(const struct origins *o)
{
    const char *first = NULL;
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (!o->present[z])
            continue;
        if (first && strcmp(first, buf_text(&o->text[z])) != 0)
            return false;
        first = buf_text(&o->text[z]);
    }
    return true;
}

static void add_all(struct buf *to, const struct origins *o)
{
    bool alike = are_all_alike(o);
    const char *before = "";
    AUTO_BUF zones;
    buf_init(&zones, ORIGIN_LIMIT);
    for (int z = 0; z < ZONE_COUNT; z++) {
        const char *names = o->present[z] ? zones_like(o, z, &zones) : NULL;
        if (!names)
            continue;
        buf_str(to, before);
        if (!alike)
            buf_printf(to, "%s: ", names);
        buf_str(to, buf_text(&o->text[z]));
        before = "; ";
    }
}

void origin_text(struct buf *to, const struct meter_reading *r)
{
    struct origins o;
    for (int z = 0; z < ZONE_COUNT; z++) {
        buf_init(&o.text[z], ORIGIN_LIMIT);
        o.present[z] = r->zone[z].present;
        if (o.present[z])
            add_zone(&o.text[z], &r->zone[z]);
    }
    add_all(to, &o);
    for (int z = 0; z < ZONE_COUNT; z++)
        buf_done(&o.text[z]);
}
