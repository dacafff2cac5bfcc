/* SPDX-License-Identifier: Apache-2.0 */
#include "power/meter_event.h"

#include <stdarg.h>

/* "package, dram" */
#define ZONES_SIZE 64

void meter_say(char event[METER_EVENT_SIZE], const char *format, ...)
{
    char text[METER_EVENT_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t len = strlen(event);
    if (text[0])
        (void)snprintf(event + len, METER_EVENT_SIZE - len, "%s%s", len > 0 ? "; " : "", text);
}

static void add_zone(char zones[ZONES_SIZE], enum energy_zone zone)
{
    size_t len = strlen(zones);
    (void)snprintf(zones + len, ZONES_SIZE - len, "%s%s", len > 0 ? ", " : "",
                   energy_zone_name(zone));
}

typedef bool same_fn(const struct chain_reading *a, const struct chain_reading *b);

/* The zones that are as news[i]; false if an earlier one has named it. */
static bool group(const struct meter_news *news, size_t n, size_t i, same_fn *is_same,
                  char ret[ZONES_SIZE])
{
    ret[0] = '\0';
    for (size_t k = 0; k < n; k++) {
        if (k != i && !is_same(news[k].reading, news[i].reading))
            continue;
        if (k < i)
            return false;
        add_zone(ret, news[k].zone);
    }
    return true;
}

static bool has_same_source(const struct chain_reading *a, const struct chain_reading *b)
{
    return a->ops == b->ops && strcmp(a->model, b->model) == 0 &&
           a->source.widest_low == b->source.widest_low &&
           a->source.widest_high == b->source.widest_high;
}

static bool has_same_event(const struct chain_reading *a, const struct chain_reading *b)
{
    return strcmp(a->event, b->event) == 0;
}

void meter_announce(const struct meter_news *news, size_t n, char event[METER_EVENT_SIZE])
{
    char text[METER_EVENT_SIZE] = "";
    for (size_t i = 0; i < n; i++) {
        const struct chain_reading *r = news[i].reading;
        char zones[ZONES_SIZE], bounds[64] = "";
        size_t len = strlen(text);
        if (!group(news, n, i, has_same_source, zones))
            continue;
        if (r->source.widest_high > r->source.widest_low) {
            (void)snprintf(bounds, sizeof(bounds), ", true value within x%.2f .. x%.2f",
                           r->source.widest_low, r->source.widest_high);
        }
        (void)snprintf(text + len, sizeof(text) - len, "%s%s%s%s (%s: %s%s)", len > 0 ? ", " : "",
                       r->ops->name, r->model[0] ? " " : "", r->model, r->ops->quality, zones,
                       bounds);
    }
    if (text[0])
        meter_say(event, "power comes from %s", text);
}

/* "the same with dram (model)": where its power comes from now. */
static void tell_shortened(const struct meter_news *news, char text[METER_EVENT_SIZE])
{
    size_t len = strlen(text);
    (void)snprintf(text + len, METER_EVENT_SIZE - len, "%s%s (%s)",
                   len > 0 ? ", " : "the same with ", energy_zone_name(news->zone),
                   news->reading->ops->name);
}

void meter_tell(const struct meter_news *news, size_t n, char event[METER_EVENT_SIZE])
{
    char shortened[METER_EVENT_SIZE] = "";
    bool is_bad = n > 0 && news[0].reading->rejected && news[0].reading->event[0];
    for (size_t i = 0; i < n; i++) {
        const struct chain_reading *r = news[i].reading;
        char zones[ZONES_SIZE];
        if (!r->event[0])
            continue;
        if (i > 0 && is_bad && r->rejected) {
            tell_shortened(&news[i], shortened);
        } else if (group(news, n, i, has_same_event, zones)) {
            meter_say(event, "%s: %s", zones, r->event);
        }
    }
    meter_say(event, "%s", shortened);
}
