/* SPDX-License-Identifier: Apache-2.0 */
#include "power/meter.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "power/chain.h"
#include "power/meter_event.h"

#include <errno.h>
#include <math.h>

/* The lowest watts seen below this load count as P(0), of so much time in a row: what a busy
   machine puts between the clock and the counter would be a tenth of a shorter one, and the lowest
   of all stays for good. */
#define FLOOR_LOAD    0.10
#define FLOOR_SPAN_NS NS_PER_SEC

struct zone {
    struct chain *chain;          /* NULL: there is none */
    struct chain_reading reading; /* the last one */
    bool announced;               /* its source was named in an event */
    unsigned still;               /* good readings in a row that told no energy */
    bool has_watts;               /* since it was there, or there again */
    double floor_watts;           /* lowest seen at low load; HUGE_VAL: none yet */
    double rest_joules;           /* of the rest that goes on, up to FLOOR_SPAN_NS */
    uint64_t rest_ns;
    double table_idle_watts; /* by the CPU's own curve; HUGE_VAL: it has none */

    /* Used, and not told yet, as the leading zone had no good reading. */
    double joules, busy_ns;
    uint64_t elapsed_ns;
    bool has_slept; /* the machine, in what is not told: its watts are not those of a rest */
};

struct meter {
    const struct power_machine *machine;
    struct chain_range range;
    struct zone zone[ZONE_COUNT];
    uint64_t read_ns;   /* of the last reading; 0 none */
    uint64_t asleep_ns; /* at it */
    bool has_watts;     /* there was a fresh reading */
    struct meter_reading out;
    char opening[METER_EVENT_SIZE]; /* why no better source: told with the first reading */
};

/* -- idle -- */

static bool has_own_curve(const struct cpu_power *power)
{
    return power->tier == TIER_A || power->tier == TIER_B_CALIBRATED;
}

/* Watts per GB of this machine's memory were measured: not those of the generic curve. */
static bool has_own_dram(const struct cpu_power *power)
{
    return power->tier == TIER_B_CALIBRATED &&
           power->dram_watts_per_gb[0] != cpu_power_dram_watts_per_gb[0];
}

/* P(0) by the CPU's own curve; HUGE_VAL: it has none. */
static double table_idle_watts(const struct power_machine *m, enum energy_zone zone)
{
    const struct watt_model model = power_machine_model(m);
    if (zone == ZONE_PACKAGE && has_own_curve(&m->power))
        return watt_package(&model, 0).watts;
    if (zone == ZONE_DRAM && has_own_dram(&m->power))
        return watt_dram(&model, 0).watts;
    return HUGE_VAL;
}

static const double *idle_curve(const struct power_machine *m, enum energy_zone zone)
{
    return zone == ZONE_DRAM ? cpu_power_dram_watts_per_gb : m->power.curve;
}

/* What was used since the last booking belongs to a rest that goes on, or ends it. */
static void learn_floor(struct zone *zone, double watts, double usage)
{
    bool is_rest = usage < FLOOR_LOAD && watts > 0 && !zone->has_slept;
    if (!is_rest || zone->rest_ns == 0)
        zone->rest_joules = 0;
    zone->rest_joules += zone->joules;
    zone->rest_ns = is_rest ? zone->rest_ns + zone->elapsed_ns : 0;
    double rest_watts = 0;
    if (zone->rest_ns < FLOOR_SPAN_NS ||
        watt_from_joules(zone->rest_joules, zone->rest_ns, &rest_watts) < 0)
        return;
    zone->floor_watts = fmin(zone->floor_watts, rest_watts);
    zone->rest_ns = 0;
}

/* P(0) as far as it is known: what the source says; the CPU's table or the lowest seen, whichever
   is less; else a guess by the shape of the curve. Never more than the watts themselves. */
static double idle_watts(struct meter *m, enum energy_zone z, double watts)
{
    struct zone *zone = &m->zone[z];
    double usage = zone->busy_ns / (double)zone->elapsed_ns;
    if (zone->reading.idle_watts >= 0) {
        zone->rest_ns = 0; /* a rest before it does not go on after it */
        return fmin(zone->reading.idle_watts, watts);
    }

    learn_floor(zone, watts, usage);
    double known = fmin(zone->floor_watts, zone->table_idle_watts);
    if (known < HUGE_VAL)
        return fmin(known, watts);
    return watt_idle_guess(idle_curve(m->machine, z), watts, usage);
}

/* -- the reading -- */

/* All that the zone has used and not told becomes its part of the reading. */
static void book(struct meter *m, enum energy_zone z)
{
    struct zone *zone = &m->zone[z];
    struct meter_zone *out = &m->out.zone[z];
    if (watt_from_joules(zone->joules, zone->elapsed_ns, &out->watts) < 0)
        return;
    out->low_watts = out->watts * zone->reading.low;
    out->high_watts = out->watts * zone->reading.high;
    out->idle_watts = idle_watts(m, z, out->watts);
    out->delta_joules = zone->joules;
    out->delta_idle_joules = watt_idle_joules(zone->joules, out->idle_watts, zone->elapsed_ns);
    out->joules += out->delta_joules;
    out->idle_joules += out->delta_idle_joules;
    zone->joules = zone->busy_ns = 0;
    zone->elapsed_ns = 0;
    zone->has_slept = false;
    zone->has_watts = true;
}

/* What its source is now. Joules of a zone that has none stay, with the path that they are of. One
   that comes later, or again, is there once it has watts: 0 W would be none of its. */
static void show(const struct meter *m, struct zone *zone, struct meter_zone *out)
{
    const struct chain_reading *r = &zone->reading;
    bool answers = r->source.taken_ns > 0 && !r->lost;
    zone->has_watts = zone->has_watts && answers;
    out->present = answers && (zone->has_watts || !m->has_watts);
    out->source = r->ops->name;
    out->quality = r->ops->quality;
    out->model = r->model;
    if (!out->present)
        out->watts = out->idle_watts = out->low_watts = out->high_watts = 0;
    if (!answers)
        return;
    (void)snprintf(out->path, sizeof(out->path), "%s", r->source.path);
    out->low_ratio = r->source.widest_low;
    out->high_ratio = r->source.widest_high;
}

static void read_zone(struct meter *m, enum energy_zone z, const struct power_now *now,
                      unsigned ready)
{
    struct zone *zone = &m->zone[z];
    struct chain_reading r;
    chain_read(zone->chain, now, ready, &r);
    if (m->read_ns > 0 && power_slept_ns(now, m->asleep_ns) > 0)
        zone->has_slept = true;
    m->out.rejected += r.rejected;
    m->out.changes += r.changed;
    if (r.fresh) {
        zone->still = r.joules > 0 ? 0 : zone->still + 1;
        zone->joules += r.joules;
        zone->elapsed_ns += r.elapsed_ns;
        zone->busy_ns += r.usage_ratio * (double)r.elapsed_ns;
    } else { /* what is pending is still of the source before */
        r.low = zone->reading.low;
        r.high = zone->reading.high;
        r.idle_watts = zone->reading.idle_watts;
    }
    zone->reading = r;
}

/* The zone whose good readings are the meter's: package, or the first that has watts. */
static size_t leader_of(const struct meter *m)
{
    size_t first = ZONE_COUNT;
    for (size_t z = ZONE_COUNT; z-- > 0;) {
        if (m->zone[z].chain && (first == ZONE_COUNT || !m->zone[z].reading.lost))
            first = z;
    }
    return first;
}

static int open_zone(struct meter *m, enum energy_zone z, bool measured_only, struct err *err)
{
    struct chain_range range = m->range;
    range.measured_only = measured_only;
    return chain_open(m->machine, z, range, &m->zone[z].chain, err);
}

static void tell(struct meter *m)
{
    struct meter_news fresh[ZONE_COUNT];
    struct meter_news all[ZONE_COUNT];
    size_t n_fresh = 0;
    size_t n = 0;
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        struct zone *zone = &m->zone[z];
        if (!zone->chain)
            continue;
        all[n] = (struct meter_news){ (enum energy_zone)z, &zone->reading };
        if (!zone->announced)
            fresh[n_fresh++] = all[n];
        zone->announced = true;
        n++;
    }
    meter_announce(fresh, n_fresh, m->out.event);
    meter_say(m->out.event, "%s", m->opening);
    m->opening[0] = '\0';
    meter_tell(all, n, m->out.event);
}

/* Zones that only a better source has; what cannot be opened is simply not there. */
static void open_absent(struct meter *m)
{
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        if (!m->zone[z].chain)
            (void)open_zone(m, (enum energy_zone)z, true, NULL);
    }
}

/* The leading zone has just left @was: another zone of it that tells no energy is as dead. */
static void distrust_still(struct meter *m, const struct power_source_ops *was)
{
    for (size_t z = 0; power_source_is_measured(was) && z < ZONE_COUNT; z++) {
        const struct zone *zone = &m->zone[z];
        if (zone->chain && chain_source(zone->chain) == was && zone->still >= STILL_READINGS)
            chain_distrust(zone->chain);
    }
}

static void read_all(struct meter *m, const struct power_now *now)
{
    size_t before = leader_of(m);
    const struct power_source_ops *was = chain_source(m->zone[before].chain);
    unsigned ready = chain_ready_ranks(m->machine);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        if (m->zone[z].chain)
            read_zone(m, (enum energy_zone)z, now, ready);
    }
    size_t leader = leader_of(m);
    const struct zone *first = &m->zone[leader];
    if (leader == before && first->elapsed_ns > 0) {
        m->out.fresh = true;
        m->out.elapsed_ns = first->elapsed_ns;
        m->has_watts = true;
        for (unsigned z = 0; z < ZONE_COUNT; z++)
            book(m, (enum energy_zone)z);
    }
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        if (m->zone[z].chain)
            show(m, &m->zone[z], &m->out.zone[z]);
    }
    tell(m);
    if (m->zone[before].reading.changed)
        distrust_still(m, was);
    if (first->reading.changed && power_source_is_measured(first->reading.ops))
        open_absent(m);
}

static void forget_interval(struct meter *m)
{
    m->out.fresh = false;
    m->out.elapsed_ns = 0;
    m->out.event[0] = '\0';
    for (size_t z = 0; z < ZONE_COUNT; z++)
        m->out.zone[z].delta_joules = m->out.zone[z].delta_idle_joules = 0;
}

void meter_read(struct meter *meter, const struct power_now *now, struct meter_reading *ret)
{
    forget_interval(meter);
    if (now->taken_ns > meter->read_ns) {
        read_all(meter, now);
        meter->read_ns = now->taken_ns;
        meter->asleep_ns = now->asleep_ns;
    }
    *ret = meter->out;
}

const char *meter_quality(const struct meter_reading *r)
{
    bool measured = false, estimated = false;
    for (size_t z = 0; z < ZONE_COUNT; z++) {
        if (!r->zone[z].present)
            continue;
        bool is = strcmp(r->zone[z].quality, "measured") == 0;
        measured = measured || is;
        estimated = estimated || !is;
    }
    if (measured && estimated)
        return "measured and estimated";
    return measured ? "measured" : estimated ? "estimated" : "";
}

/* -- opening -- */

/* Rank of the best source that is wanted: 0 for "auto". -EINVAL for a name that no source has. */
static int rank_find(const char *preferred, size_t *ret, struct err *err)
{
    char known[200] = "auto";
    *ret = 0;
    if (strcmp(preferred, "auto") == 0)
        return 0;
    for (size_t i = 0; i < power_sources_count; i++) {
        size_t len = strlen(known);
        if (strcmp(power_sources[i]->name, preferred) == 0) {
            *ret = i;
            return 0;
        }
        if (power_source_find(power_sources[i]->name) == power_sources[i])
            (void)snprintf(known + len, sizeof(known) - len, ", %s", power_sources[i]->name);
    }
    return err_set(err, -EINVAL, "there is no power source \"%s\": power.source is one of %s",
                   preferred, known);
}

/* The package, where there is one, leads; the others are shown if they are measured, or if what
   leads is estimated anyway. The error is the package's. */
static int open_zones(struct meter *m, struct err *err)
{
    const struct chain *leader = NULL;
    int code = open_zone(m, ZONE_PACKAGE, false, err);
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        bool measured_only = leader && power_source_is_measured(chain_source(leader));
        if (z != ZONE_PACKAGE)
            (void)open_zone(m, (enum energy_zone)z, measured_only, NULL);
        if (!leader)
            leader = m->zone[z].chain;
    }
    if (!leader)
        return code;
    meter_say(m->opening, "%s", chain_why(leader));
    return 0;
}

int meter_open(const struct power_machine *m, const char *preferred, bool strict,
               struct meter **ret, struct err *err)
{
    struct err why = { 0 };
    struct meter *meter = mem_new(1, sizeof(*meter));
    meter->machine = m;
    meter->range.last = power_sources_count - 1;
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        meter->zone[z].floor_watts = HUGE_VAL;
        meter->zone[z].table_idle_watts = table_idle_watts(m, (enum energy_zone)z);
    }

    const char *name = preferred ? preferred : "auto";
    size_t rank = 0;
    int code = rank_find(name, &rank, &why);
    if (code < 0 && !strict) {
        meter_say(meter->opening, "%s", why.text);
        code = 0;
    }
    if (strict && strcmp(name, "auto") != 0) {
        meter->range.only = power_sources[rank]->name;
        meter->range.first = rank;
    } else {
        meter->range.begin = rank;
    }
    if (code == 0)
        code = open_zones(meter, &why);
    if (code < 0) {
        meter_close(meter);
        return err_set(err, code, "no power reading: %s", why.text);
    }
    *ret = meter;
    return 0;
}

void meter_close(struct meter *meter)
{
    if (!meter)
        return;
    for (size_t z = 0; z < ZONE_COUNT; z++)
        chain_close(meter->zone[z].chain);
    free(meter);
}
