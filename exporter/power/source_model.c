/* SPDX-License-Identifier: Apache-2.0 */
/* The estimates: watts of one zone from the load (watt.c), added up to joules. They need nothing of
   the machine that could be hidden, so that one of them can always be opened; none ever gives a bad
   reading. */
#include "power/source.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "power/model_server.h"

#include <errno.h>
#include <math.h>

/* The tables tell of machines with two sockets; a VM's host is taken for one, or for as many of
   them as the VM has threads for. */
#define TABLE_SOCKETS 2

/* True watts over those of the models that kepler-model-server hands out for a machine, over all
   loads: package against cpu_package_watts.csv, memory against dram_watts_per_gb.csv
   (docs/decisions/0007-bounds-of-estimates.md; tests/unit/source_model_test.c computes them). */
#define SERVER_LOW       0.37
#define SERVER_HIGH      1.59
#define SERVER_DRAM_LOW  0.28
#define SERVER_DRAM_HIGH 1.58

struct power_source {
    enum energy_zone zone;
    struct watt_model model;
    struct model_server *server; /* borrowed; NULL: the figures are of a table */
    struct weights weights;      /* of the server, now */
    char name[96];               /* "E:any server CPU" */
    unsigned cpus_at_start;      /* of this machine, and as many as the model is of now */
    unsigned cpus;
    bool started;
    uint64_t asleep_ns; /* at the last reading */
    struct power_reading last;
};

/* Of a VM, its share of a host. */
static void set_cpus(struct watt_model *model, unsigned cpus)
{
    if (!model->is_vm) {
        model->threads = cpus;
        return;
    }
    unsigned step = model->power.table_threads;
    model->vcpus = cpus;
    model->sockets = TABLE_SOCKETS;
    model->threads = step;
    while (step > 0 && model->threads < cpus) { /* its host has more of them */
        model->sockets += TABLE_SOCKETS;
        model->threads += step;
    }
}

static struct watt_range zone_watts(const struct power_source *s, double u)
{
    return s->zone == ZONE_PACKAGE ? watt_package(&s->model, u) : watt_dram(&s->model, u);
}

static int zone_check(const struct power_machine *m, enum energy_zone zone, bool is_server,
                      struct err *err)
{
    if (zone != ZONE_PACKAGE && zone != ZONE_DRAM) {
        return err_set(err, -ENOENT,
                       "no model tells the watts of zone %s: package and dram are estimated",
                       energy_zone_name(zone));
    }
    if (zone == ZONE_DRAM && !is_server && !(m->memory_gb > 0)) {
        return err_set(err, -ENOENT,
                       "the size of the memory is not known, so its watts are not either: "
                       "/proc/meminfo must be readable");
    }
    return 0;
}

/* What follows from the model as it is now: the label, P(0) and the widest bounds. */
static void source_describe(struct power_source *s)
{
    struct power_reading *r = &s->last;
    const struct cpu_power *p = &s->model.power;
    (void)snprintf(s->name, sizeof(s->name), "%s:%s", power_tier_name(p->tier), p->name);
    (void)snprintf(r->path, sizeof(r->path), "model:%s", s->name);
    r->idle_watts = zone_watts(s, 0).watts;
    if (s->zone == ZONE_PACKAGE) {
        cpu_power_bounds(p, s->model.is_vm, &r->widest_low, &r->widest_high);
        return;
    }
    r->widest_low = p->dram_low;
    r->widest_high = p->dram_high;
}

static struct power_source *source_new(const struct power_machine *m, enum energy_zone zone,
                                       bool is_share)
{
    struct power_source *s = mem_new(1, sizeof(*s));
    s->zone = zone;
    s->model = power_machine_model(m);
    s->model.is_vm = is_share;
    s->cpus = s->cpus_at_start = m->cpu.threads;
    set_cpus(&s->model, s->cpus);
    return s;
}

/* CPUs that were plugged in, or taken away: utilisation is of as many as there are now. */
static void follow_cpus(struct power_source *s, double ratio)
{
    long cpus = ratio > 0 ? lround(s->cpus_at_start * ratio) : (long)s->cpus_at_start;
    if (cpus < 1 || cpus == (long)s->cpus)
        return;
    s->cpus = (unsigned)cpus;
    set_cpus(&s->model, s->cpus);
    source_describe(s);
}

static int table_open(const struct power_machine *m, enum energy_zone zone,
                      struct power_source **ret, struct err *err)
{
    int code = zone_check(m, zone, false, err);
    if (code < 0)
        return code;
    struct power_source *s = source_new(m, zone, m->cpu.hypervisor);
    source_describe(s);
    *ret = s;
    return 0;
}

static int model_open(const struct power_machine *m, enum energy_zone zone,
                      struct power_source **ret, struct err *err)
{
    if (m->power.tier == TIER_E) {
        return err_set(
            err, -ENOENT,
            "the CPU \"%s\" is in no table and its TDP is not known: give the TDP "
            "of a socket (--power.tdp-watts) or a model file that `kepler-exporter calibrate` "
            "wrote on a machine of this CPU (--model)",
            m->cpu.model_name);
    }
    return table_open(m, zone, ret, err);
}

static int not_asked_for(struct err *err)
{
    if (err)
        *err = (struct err){ .code = -ENOENT };
    return -ENOENT;
}

static int model_e_open(const struct power_machine *m, enum energy_zone zone,
                        struct power_source **ret, struct err *err)
{
    return m->power.tier == TIER_E ? table_open(m, zone, ret, err) : not_asked_for(err);
}

static int model_read(struct power_source *s, const struct power_now *now,
                      struct power_reading *ret, struct err *err)
{
    (void)err;
    double seconds = 0;
    if (s->started) {
        uint64_t awake_ns = power_awake_ns(now, s->last.taken_ns, s->asleep_ns);
        seconds = (double)awake_ns / (double)NS_PER_SEC;
    }
    s->started = true;
    s->asleep_ns = now->asleep_ns;
    s->last.taken_ns = now->taken_ns;
    follow_cpus(s, now->cpus_ratio);
    struct watt_range r = zone_watts(s, now->usage_ratio);
    s->last.joules += r.watts * seconds;
    s->last.low = r.watts > 0 ? r.low / r.watts : 1;
    s->last.high = r.watts > 0 ? r.high / r.watts : 1;
    *ret = s->last;
    return 0;
}

/* -- a model server -- */

/* A new model takes effect with the next interval. */
static int server_update(struct power_source *s, struct err *err)
{
    struct server_model model = { .name = "" };
    int code = model_server_get(s->server, s->zone, &model, err);
    if (code < 0)
        return code;
    struct cpu_power *p = &s->model.power;
    s->weights = model.weights;
    p->tier = TIER_SERVER;
    p->bound_low = SERVER_LOW;
    p->bound_high = SERVER_HIGH;
    p->dram_low = SERVER_DRAM_LOW;
    p->dram_high = SERVER_DRAM_HIGH;
    (void)snprintf(p->name, sizeof(p->name), "%s", model.name);
    s->model.weights = s->zone == ZONE_PACKAGE ? &s->weights : NULL;
    s->model.dram_weights = s->zone == ZONE_DRAM ? &s->weights : NULL;
    source_describe(s);
    return 0;
}

static void model_close(struct power_source *s)
{
    free(s);
}

static int server_open(const struct power_machine *m, enum energy_zone zone,
                       struct power_source **ret, struct err *err)
{
    if (!m->server)
        return not_asked_for(err);
    int code = zone_check(m, zone, true, err);
    if (code < 0)
        return code;
    /* Only models of a machine of this size are handed out: no share of a host's. */
    struct power_source *s = source_new(m, zone, false);
    s->server = m->server;
    code = server_update(s, err);
    if (code < 0) {
        model_close(s);
        return code;
    }
    *ret = s;
    return 0;
}

static int server_read(struct power_source *s, const struct power_now *now,
                       struct power_reading *ret, struct err *err)
{
    int code = model_read(s, now, ret, err);
    /* A server that is gone takes nothing back: its last model goes on. */
    (void)!server_update(s, NULL);
    return code;
}

static bool server_is_ready(const struct power_machine *m)
{
    return m->server && model_server_has_news(m->server);
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

const struct power_source_ops power_source_server = {
    .name = "model-server",
    .quality = "estimated",
    .open = server_open,
    .read = server_read,
    .close = model_close,
    .model_name = model_label,
    .is_ready = server_is_ready,
};

const struct power_source_ops power_source_model_e = {
    .name = "model",
    .quality = "estimated",
    .open = model_e_open,
    .read = model_read,
    .close = model_close,
    .model_name = model_label,
};
