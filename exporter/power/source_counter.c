/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Energy counters as a power source: one implementation over the drivers of host/energy.h, one row
 * each. Counts are added up, and turned into joules by what each counter says a count is worth.
 */
#include "power/source.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>

#define JOULES_PER_UJ 1e-6

/* A processor's package draws watts even at rest, so a counter of it that does not move for this
   many readings in a row counts nothing. */
#define STILL_READINGS 3

/* Most watts of a zone that are believable, as a part of the package's ceiling (2 x TDP): psys has
   the package, the memory and the board in it. DRAM is held to less, unless there is a lot of it:
   twice the most of data/power/dram_watts_per_gb.csv. */
#define PSYS_CEILING_RATIO        2.0
#define DRAM_CEILING_RATIO        0.5
#define DRAM_CEILING_WATTS_PER_GB 0.24

struct tally {
    uint64_t base;  /* count up to which `joules` of its zone includes it */
    unsigned still; /* readings in a row at which it had not moved */
};

struct power_source {
    const struct power_machine *machine;
    const struct energy_driver *driver;
    struct energy_set set;
    enum energy_zone leader; /* the zone that must move: package, where there is one */
    bool started;            /* the bases are set */
    struct tally tally[ENERGY_COUNTERS_MAX];
    struct power_reading last; /* the last good one, or since when counting began anew */
};

static double zone_ceiling_watts(const struct power_machine *m, enum energy_zone zone)
{
    double ceiling = m->ceiling_watts;
    if (zone == ZONE_PSYS)
        return ceiling * PSYS_CEILING_RATIO;
    if (zone == ZONE_DRAM)
        return fmax(ceiling * DRAM_CEILING_RATIO, m->memory_gb * DRAM_CEILING_WATTS_PER_GB);
    return ceiling;
}

/* "/sys/class/powercap/intel-rapl:0/energy_uj", "/dev/cpu/0/msr register 0x611" */
static void counter_describe(const struct energy_counter *c, char *ret, size_t size)
{
    if (c->reg != 0) {
        (void)snprintf(ret, size, "%s register 0x%x", c->path, (unsigned)c->reg);
    } else {
        (void)snprintf(ret, size, "%s/energy_uj", c->path);
    }
}

static void zones_start(struct power_source *s)
{
    s->leader = ZONE_COUNT;
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        struct power_zone *zone = &s->last.zone[c->zone];
        if (c->zone < s->leader)
            s->leader = c->zone;
        if (zone->present)
            continue; /* sockets are summed; the first one gives the label */
        zone->present = true;
        zone->low = zone->high = zone->widest_low = zone->widest_high = 1;
        zone->idle_watts = -1;
        (void)snprintf(zone->path, sizeof(zone->path), "%s", c->label);
    }
}

static int counter_open(const struct energy_driver *driver, const struct power_machine *m,
                        struct power_source **ret, struct err *err)
{
    struct power_source *s = mem_new(1, sizeof(*s));
    int code = driver->list(m->fs, &m->cpu, &s->set, err);
    if (code == 0 && s->set.n == 0)
        code = err_set(err, -ENODATA, "%s lists no energy counter on this machine", driver->name);
    if (code < 0) {
        free(s);
        return code;
    }
    s->machine = m;
    s->driver = driver;
    zones_start(s);
    *ret = s;
    return 0;
}

static int powercap_open(const struct power_machine *m, struct power_source **ret, struct err *err)
{
    return counter_open(&energy_powercap, m, ret, err);
}

static int msr_open(const struct power_machine *m, struct power_source **ret, struct err *err)
{
    return counter_open(&energy_msr, m, ret, err);
}

static int counters_read(const struct power_source *s, uint64_t counts[ENERGY_COUNTERS_MAX],
                         struct err *err)
{
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        char what[200], value[40] = "";
        int code = s->driver->read(s->machine->fs, c, &counts[i]);
        if (code == 0)
            continue;
        counter_describe(c, what, sizeof(what));
        if (code == -EBADMSG && c->reg == 0 &&
            rootfs_read_text(s->machine->fs, what, value, sizeof(value)) >= 0)
            return err_set(err, code, "%s says \"%s\", which is no energy", what, value);
        return err_set(err, code, "cannot read %s: %s", what, strerror(-code));
    }
    return 0;
}

/* What lies before these counts is given up: the next reading is of the time from now. */
static void start_over(struct power_source *s, const uint64_t counts[ENERGY_COUNTERS_MAX],
                       uint64_t taken_ns)
{
    for (size_t i = 0; i < s->set.n; i++)
        s->tally[i] = (struct tally){ .base = counts[i] };
    s->last.taken_ns = taken_ns;
    s->started = true;
}

struct advance {
    uint64_t counts[ENERGY_COUNTERS_MAX]; /* by counter */
    double joules[ZONE_COUNT];
    uint64_t elapsed_ns; /* since the last good reading */
};

/* -ERANGE: a counter went back without a wrap, or by more than its zone can have used. (A slight
   step back of a counter that wraps looks like nearly a whole turn.) */
static int advance_check(const struct power_source *s, const uint64_t now[ENERGY_COUNTERS_MAX],
                         struct advance *ret, struct err *err)
{
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        double watts = 0;
        int code = watt_counts_between(s->tally[i].base, now[i], c->modulus, &ret->counts[i]);
        if (code == 0) {
            ret->joules[c->zone] += (double)ret->counts[i] * c->uj_per_count * JOULES_PER_UJ;
            code = watt_from_joules(ret->joules[c->zone], ret->elapsed_ns, &watts);
        }
        if (code == -EAGAIN)
            return err_set(err, code, "no time has passed since the last reading");
        if (code == 0 && watt_check(watts, zone_ceiling_watts(s->machine, c->zone)) == 0)
            continue;
        char what[200];
        counter_describe(c, what, sizeof(what));
        return err_set(err, -ERANGE,
                       "%s went from %llu to %llu in %.3g s, which no zone of at most %.4g W can: "
                       "it was set back (or draws more than is known of this CPU: "
                       "--power.tdp-watts), and the energy of this interval is lost",
                       what, (unsigned long long)s->tally[i].base, (unsigned long long)now[i],
                       (double)ret->elapsed_ns / (double)NS_PER_SEC,
                       zone_ceiling_watts(s->machine, c->zone));
    }
    return 0;
}

/* Books how long each counter of the leading zone has stood still. -ENODATA once one has for too
   long. */
static int still_check(struct power_source *s, const struct advance *a, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        struct tally *t = &s->tally[i];
        if (a->counts[i] > 0 || c->zone != s->leader) {
            t->still = 0;
        } else if (++t->still >= STILL_READINGS && code == 0) {
            char what[200];
            counter_describe(c, what, sizeof(what));
            code = err_set(err, -ENODATA,
                           "%s stands still at %llu for %u readings, and a processor draws power "
                           "even at rest",
                           what, (unsigned long long)t->base, t->still);
        }
    }
    return code;
}

static int counter_read(struct power_source *s, const struct power_now *now,
                        struct power_reading *ret, struct err *err)
{
    uint64_t counts[ENERGY_COUNTERS_MAX] = { 0 };
    struct advance a = { .elapsed_ns = 0 };
    int code = counters_read(s, counts, err);
    if (code < 0)
        return code; /* the bases stay, so that the next good reading has this interval in it */
    if (!s->started) {
        start_over(s, counts, now->taken_ns);
        *ret = s->last;
        return 0;
    }
    if (now->taken_ns > s->last.taken_ns)
        a.elapsed_ns = now->taken_ns - s->last.taken_ns;
    code = advance_check(s, counts, &a, err);
    if (code == -ERANGE)
        start_over(s, counts, now->taken_ns);
    if (code == 0)
        code = still_check(s, &a, err);
    if (code < 0)
        return code;

    for (size_t i = 0; i < s->set.n; i++)
        s->tally[i].base = counts[i];
    for (size_t z = 0; z < ZONE_COUNT; z++)
        s->last.zone[z].joules += a.joules[z];
    s->last.taken_ns = now->taken_ns;
    *ret = s->last;
    return 0;
}

static void counter_close(struct power_source *s)
{
    free(s);
}

static const char *no_model(const struct power_source *s)
{
    (void)s;
    return "";
}

const struct power_source_ops power_source_powercap = {
    .name = "powercap",
    .quality = "measured",
    .open = powercap_open,
    .read = counter_read,
    .close = counter_close,
    .model_name = no_model,
};

const struct power_source_ops power_source_msr = {
    .name = "msr",
    .quality = "measured",
    .open = msr_open,
    .read = counter_read,
    .close = counter_close,
    .model_name = no_model,
};
