/* SPDX-License-Identifier: Apache-2.0 */
#include "stdout.h"

#include "base/buf.h"
#include "expose/origin.h"

#include <poll.h>

#define TOP          10
#define ORIGIN_LIMIT ((size_t)4 << 10) /* bytes: all zones, each with its own source */

/* The @n that draw most of @zone, most first; insertion keeps it one pass over all. */
static size_t find_top(const struct sample *sample, enum energy_zone zone,
                       const struct process *ret[TOP])
{
    size_t n = 0;
    for (size_t i = 0; i < sample->processes; i++) {
        const struct process *p = sample->process[i];
        if (p->watts[zone] <= 0)
            continue;
        size_t at = n < TOP ? n++ : TOP;
        while (at > 0 && ret[at - 1]->watts[zone] < p->watts[zone]) {
            if (at < TOP)
                ret[at] = ret[at - 1];
            at--;
        }
        if (at < TOP)
            ret[at] = p;
    }
    return n;
}

static enum energy_zone first_zone(const struct meter_reading *m)
{
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (m->zone[z].present)
            return (enum energy_zone)z;
    }
    return ZONE_PACKAGE;
}

static void print_zones(FILE *to, const struct snapshot *s)
{
    for (int z = 0; z < ZONE_COUNT; z++) {
        const struct meter_zone *m = &s->meter->zone[z];
        if (!m->present)
            continue;
        (void)fprintf(to, "%-8s %9.3f W  active %9.3f W  idle %9.3f W  %12.3f J",
                      energy_zone_name((enum energy_zone)z),
                      s->attribution->active_watts[z] + s->attribution->idle_watts[z],
                      s->attribution->active_watts[z], s->attribution->idle_watts[z],
                      s->attribution->node_joules[z]);
        if (m->low_watts < m->high_watts)
            (void)fprintf(to, "  (true: %.1f .. %.1f W)", m->low_watts, m->high_watts);
        (void)fputc('\n', to);
    }
}

/* A name may hold control characters that would move a terminal's cursor. */
static void print_comm(FILE *to, const struct process *p)
{
    for (size_t i = 0; i < sizeof(p->comm) && p->comm[i]; i++) {
        unsigned char c = (unsigned char)p->comm[i];
        (void)fputc(c < 0x20 || c >= 0x7f ? '?' : c, to);
    }
    (void)fputc('\n', to);
}

bool stdout_is_ready(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    return poll(&p, 1, 0) > 0;
}

void stdout_print(FILE *to, const struct snapshot *s)
{
    const struct process *top[TOP] = { NULL };
    enum energy_zone zone = first_zone(s->meter);
    AUTO_BUF origin;
    buf_init(&origin, ORIGIN_LIMIT);
    origin_text(&origin, s->meter);
    (void)fprintf(to, "%s: %s; usage %.1f %%, %zu processes by %s\n", s->node_name,
                  origin.len > 0 ? buf_text(&origin) : "no power source answers",
                  100 * s->sample->usage_ratio, s->sample->processes,
                  accounting_name(s->accounting));
    if (!s->has_watts) {
        (void)fputs("watts come with the next sample\n", to);
    } else {
        print_zones(to, s);
        size_t n = find_top(s->sample, zone, top);
        (void)fprintf(to, "%8s %12s %14s  %s\n", "pid", "watts", "joules", "comm");
        for (size_t i = 0; i < n; i++) {
            (void)fprintf(to, "%8u %12.4f %14.4f  ", top[i]->pid, top[i]->watts[zone],
                          top[i]->joules[zone]);
            print_comm(to, top[i]);
        }
    }
    (void)fputc('\n', to);
    (void)fflush(to);
}
