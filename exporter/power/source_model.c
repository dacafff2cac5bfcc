/* SPDX-License-Identifier: Apache-2.0 */
/* The estimate: watts from the load (watt.c), added up to joules. Needs nothing of the machine that
   could be hidden, so it can always be opened and never gives a bad reading. */
#include "power/source.h"

#include "base/alloc.h"
#include "base/clock.h"

/* The tables tell of machines with two sockets; a VM's host is taken for one. */
#define TABLE_SOCKETS 2

struct power_source {
    struct watt_model model;
    char name[80]; /* "E:any server CPU" */
    bool started;
    struct power_reading last;
};

static struct watt_model model_of(const struct power_machine *m)
{
    struct watt_model model = {
        .power = m->power,
        .sockets = m->cpu.sockets,
        .threads = m->cpu.threads,
        .memory_gb = m->memory_gb,
    };
    if (m->cpu.hypervisor) {
        model.is_vm = true;
        model.sockets = TABLE_SOCKETS;
        model.threads = m->power.table_threads;
        model.vcpus = m->cpu.threads;
    }
    return model;
}

/* With the bounds of memory; the package's are set after. */
static void zone_start(struct power_zone *zone, const char *name, struct watt_range at_rest)
{
    zone->present = true;
    zone->widest_low = DRAM_BOUND_LOW;
    zone->widest_high = DRAM_BOUND_HIGH;
    zone->idle_watts = at_rest.watts;
    (void)snprintf(zone->path, sizeof(zone->path), "model:%s", name);
}

static int model_open(const struct power_machine *m, struct power_source **ret, struct err *err)
{
    (void)err;
    struct power_source *s = mem_new(1, sizeof(*s));
    s->model = model_of(m);
    (void)snprintf(s->name, sizeof(s->name), "%s:%s", power_tier_name(m->power.tier),
                   m->power.name);
    zone_start(&s->last.zone[ZONE_PACKAGE], s->name, watt_package(&s->model, 0));
    cpu_power_bounds(&s->model.power, s->model.is_vm, &s->last.zone[ZONE_PACKAGE].widest_low,
                     &s->last.zone[ZONE_PACKAGE].widest_high);
    if (s->model.memory_gb > 0)
        zone_start(&s->last.zone[ZONE_DRAM], s->name, watt_dram(&s->model, 0));
    *ret = s;
    return 0;
}

static void zone_advance(struct power_zone *zone, struct watt_range r, double seconds)
{
    zone->joules += r.watts * seconds;
    zone->low = r.watts > 0 ? r.low / r.watts : 1;
    zone->high = r.watts > 0 ? r.high / r.watts : 1;
}

static int model_read(struct power_source *s, const struct power_now *now,
                      struct power_reading *ret, struct err *err)
{
    (void)err;
    double seconds = 0;
    if (s->started && now->taken_ns > s->last.taken_ns)
        seconds = (double)(now->taken_ns - s->last.taken_ns) / (double)NS_PER_SEC;
    s->started = true;
    s->last.taken_ns = now->taken_ns;
    zone_advance(&s->last.zone[ZONE_PACKAGE], watt_package(&s->model, now->usage_ratio), seconds);
    if (s->last.zone[ZONE_DRAM].present)
        zone_advance(&s->last.zone[ZONE_DRAM], watt_dram(&s->model, now->usage_ratio), seconds);
    *ret = s->last;
    return 0;
}

static void model_close(struct power_source *s)
{
    free(s);
}

static const char *model_label(const struct power_source *s)
{
    return s->name;
}

const struct power_source_ops power_source_model = {
    .name = "model",
    .quality = "estimated",
    .open = model_open,
    .read = model_read,
    .close = model_close,
    .model_name = model_label,
};
