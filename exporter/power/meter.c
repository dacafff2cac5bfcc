/* SPDX-License-Identifier: Apache-2.0 */
#include "power/meter.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>

/* How often a source better than the one in use is tried again. */
#define RETRY_NS (60 * NS_PER_SEC)

/* The lowest watts seen below this load count as P(0); shorter intervals tell too little, as
   counters advance about once a millisecond. */
#define FLOOR_LOAD        0.10
#define FLOOR_INTERVAL_NS (200 * NS_PER_MS)

#define EVENT_SIZE        sizeof(((struct meter_reading *)NULL)->event)
#define DESCRIPTION_SIZE  200 /* a source with its model, quality and bounds */

/* A source that is open; ops NULL: there is none. */
struct slot {
    const struct power_source_ops *ops;
    struct power_source *source;
    size_t rank;                 /* in power_sources */
    bool started;                /* the two below are readings */
    struct power_reading booked; /* up to here its joules are in the meter's */
    struct power_reading latest; /* the last good one */
    double busy_ns;              /* usage x time since `booked` */
    uint64_t tried_ns;           /* of the last attempt to read it */
};

struct meter {
    const struct power_machine *machine;
    size_t first;         /* rank of the best source that is wanted */
    struct slot current;  /* always open */
    struct slot other;    /* a better one on trial, or a stand-by while the current one is bad */
    unsigned strikes;     /* bad readings of the current one in a row */
    uint64_t read_ns;     /* of the last reading; 0 none */
    uint64_t searched_ns; /* when better sources were last tried */
    double floor_watts[ZONE_COUNT]; /* lowest seen at low load; HUGE_VAL: none yet */
    struct meter_reading out;
    bool announced;           /* the source was named in an event */
    char opening[EVENT_SIZE]; /* why no better one: told with the first reading */
};

/* -- one open source -- */

static int slot_open(struct slot *slot, const struct power_machine *machine, size_t rank,
                     struct err *err)
{
    struct slot s = { .ops = power_sources[rank], .rank = rank };
    int code = s.ops->open(machine, &s.source, err);
    if (code < 0)
        return code;
    *slot = s;
    return 0;
}

static void slot_close(struct slot *slot)
{
    if (slot->ops)
        slot->ops->close(slot->source);
    *slot = (struct slot){ 0 };
}

static void slot_book(struct slot *s)
{
    s->booked = s->latest;
    s->busy_ns = 0;
}

/* 0: there are new joules; -EAGAIN: they are counted from now on; else a bad reading. */
static int slot_read(struct slot *s, const struct power_now *now, struct err *err)
{
    struct power_reading reading;
    if (s->started && now->taken_ns > s->tried_ns)
        s->busy_ns += now->usage_ratio * (double)(now->taken_ns - s->tried_ns);
    s->tried_ns = now->taken_ns;

    int code = s->ops->read(s->source, now, &reading, err);
    if (code == -ERANGE && s->started) {
        s->latest.taken_ns = now->taken_ns; /* the source begins anew from here */
        slot_book(s);
    }
    if (code < 0)
        return code;
    s->latest = reading;
    if (s->started)
        return 0;
    s->started = true;
    slot_book(s);
    return -EAGAIN;
}

/* Its first zone (package, where there is one) has used energy since it was booked. */
static bool slot_advanced(const struct slot *s)
{
    for (size_t z = 0; s->started && z < ZONE_COUNT; z++) {
        if (s->latest.zone[z].present)
            return s->latest.zone[z].joules > s->booked.zone[z].joules;
    }
    return false;
}

/* -- what is said -- */

/* Joins what is said with what is there already; what does not fit is cut. */
PRINTF_LIKE(2, 3) static void say(char event[EVENT_SIZE], const char *format, ...)
{
    char text[EVENT_SIZE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    size_t len = strlen(event);
    (void)snprintf(event + len, EVENT_SIZE - len, "%s%s", len > 0 ? "; " : "", text);
}

/* "msr (measured)", "model E:any server CPU (estimated, true value within x0.36 .. x3.51)" */
static void slot_describe(const struct slot *s, char *ret, size_t size)
{
    const char *model = s->ops->model_name(s->source);
    const struct power_zone *zone = &s->latest.zone[ZONE_PACKAGE];
    char bounds[64] = "";
    if (zone->present && zone->widest_high > zone->widest_low) {
        (void)snprintf(bounds, sizeof(bounds), ", true value within x%.2f .. x%.2f",
                       zone->widest_low, zone->widest_high);
    }
    (void)snprintf(ret, size, "%s%s%s (%s%s)", s->ops->name, *model ? " " : "", model,
                   s->ops->quality, bounds);
}

/* Once, with the first reading, which tells the bounds. */
static void announce(struct meter *m)
{
    char name[DESCRIPTION_SIZE];
    if (m->announced)
        return;
    m->announced = true;
    slot_describe(&m->current, name, sizeof(name));
    say(m->out.event, "power comes from %s", name);
    if (m->opening[0])
        say(m->out.event, "%s", m->opening);
}

/* -- idle -- */

static double table_idle_watts(const struct power_machine *m, enum energy_zone zone)
{
    struct watt_model model = { .power = m->power, .sockets = m->cpu.sockets };
    if (zone != ZONE_PACKAGE || m->power.tier != TIER_A)
        return HUGE_VAL;
    return watt_package(&model, 0).watts;
}

/* P(0) as far as it is known: what the source says; the CPU's table or the lowest seen, whichever
   is less; else a guess by the shape of the curve. Never more than the watts themselves. */
static double idle_watts(struct meter *m, enum energy_zone zone, double usage, uint64_t elapsed_ns)
{
    double told = m->current.latest.zone[zone].idle_watts;
    double watts = m->out.zone[zone].watts;
    double *floor = &m->floor_watts[zone];
    if (told >= 0)
        return fmin(told, watts);

    if (usage < FLOOR_LOAD && watts > 0 && elapsed_ns >= FLOOR_INTERVAL_NS)
        *floor = fmin(*floor, watts);
    double known = fmin(*floor, table_idle_watts(m->machine, zone));
    if (known < HUGE_VAL)
        return fmin(known, watts);
    const double *curve = zone == ZONE_DRAM ? cpu_power_dram_watts_per_gb : m->machine->power.curve;
    return watt_idle_guess(curve, watts, usage);
}

/* -- the reading -- */

static void show_source(struct meter *m)
{
    const struct slot *s = &m->current;
    m->out.source = s->ops->name;
    m->out.quality = s->ops->quality;
    m->out.model = s->ops->model_name(s->source);
    for (size_t z = 0; z < ZONE_COUNT && s->started; z++) {
        struct meter_zone *out = &m->out.zone[z];
        const struct power_zone *in = &s->latest.zone[z];
        out->present = in->present;
        if (in->present) /* else the one its joules are of stays */
            (void)snprintf(out->path, sizeof(out->path), "%s", in->path);
        out->low_ratio = in->widest_low;
        out->high_ratio = in->widest_high;
        if (!in->present) /* its joules stay, for a source that has it */
            out->watts = out->idle_watts = out->low_watts = out->high_watts = 0;
    }
}

static void book_zone(struct meter *m, enum energy_zone z, double usage)
{
    const struct power_zone *now = &m->current.latest.zone[z];
    struct meter_zone *out = &m->out.zone[z];
    double joules = fmax(0, now->joules - m->current.booked.zone[z].joules);
    if (!now->present || watt_from_joules(joules, m->out.elapsed_ns, &out->watts) < 0)
        return;
    out->low_watts = out->watts * now->low;
    out->high_watts = out->watts * now->high;
    out->idle_watts = idle_watts(m, z, usage, m->out.elapsed_ns);
    out->delta_joules = joules;
    out->delta_idle_joules = watt_idle_joules(joules, out->idle_watts, m->out.elapsed_ns);
    out->joules += out->delta_joules;
    out->idle_joules += out->delta_idle_joules;
}

/* All that the current source has counted since it was last booked becomes the reading. */
static void book(struct meter *m)
{
    struct slot *s = &m->current;
    if (s->latest.taken_ns <= s->booked.taken_ns)
        return;
    m->out.fresh = true;
    m->out.elapsed_ns = s->latest.taken_ns - s->booked.taken_ns;
    for (unsigned z = 0; z < ZONE_COUNT; z++)
        book_zone(m, (enum energy_zone)z, s->busy_ns / (double)m->out.elapsed_ns);
    slot_book(s);
}

static void adopt_other(struct meter *m)
{
    slot_close(&m->current);
    m->current = m->other;
    m->other = (struct slot){ 0 };
    m->strikes = 0;
    m->out.changes++;
    m->searched_ns = m->read_ns;
}

/* Opens the first source of ranks @from .. @to - 1 that gives a first reading. */
static void open_other(struct meter *m, size_t from, size_t to, const struct power_now *now)
{
    struct err unused;
    for (size_t rank = from; rank < to && !m->other.ops; rank++) {
        if (slot_open(&m->other, m->machine, rank, &unused) < 0)
            continue;
        if (slot_read(&m->other, now, &unused) != -EAGAIN)
            slot_close(&m->other);
    }
}

static void on_good(struct meter *m, const struct power_now *now)
{
    char name[DESCRIPTION_SIZE];
    m->strikes = 0;
    if (!m->other.ops) {
        if (m->current.rank > m->first && now->taken_ns - m->searched_ns >= RETRY_NS) {
            m->searched_ns = now->taken_ns;
            open_other(m, m->first, m->current.rank, now);
        }
    } else if (m->other.rank > m->current.rank) {
        slot_close(&m->other); /* no longer needed to stand by */
    } else if (slot_advanced(&m->other)) {
        slot_describe(&m->other, name, sizeof(name));
        say(m->out.event, "%s answers again: power comes from it from now on, no longer from %s",
            name, m->current.ops->name);
        slot_book(&m->other); /* the current one has just told of the same time */
        adopt_other(m);
    }
}

static void on_bad(struct meter *m, const struct power_now *now, const struct err *err)
{
    char name[DESCRIPTION_SIZE];
    m->strikes++;
    m->out.rejected++;
    if (m->other.ops && m->other.rank < m->current.rank && !slot_advanced(&m->other))
        slot_close(&m->other); /* nothing to stand by with */
    /* From the first bad reading on the next source counts along, so that the time until it is
       trusted alone is not lost. */
    if (!m->other.ops)
        open_other(m, m->current.rank + 1, power_sources_count, now);
    bool better = m->other.ops && m->other.rank < m->current.rank;
    if (!m->other.ops || (m->strikes < METER_STRIKES && !better)) {
        say(m->out.event, "%s: bad reading, %u in a row (the next source is taken after %d): %s",
            m->current.ops->name, m->strikes, METER_STRIKES, err->text);
        return;
    }
    slot_describe(&m->other, name, sizeof(name));
    say(m->out.event, "%s stopped answering, so power comes from %s from now on: %s",
        m->current.ops->name, name, err->text);
    adopt_other(m);
    book(m);
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
    struct err err = { 0 };
    forget_interval(meter);
    if (now->taken_ns > meter->read_ns) {
        meter->read_ns = now->taken_ns;
        if (meter->searched_ns == 0)
            meter->searched_ns = now->taken_ns;
        if (meter->other.ops && slot_read(&meter->other, now, &err) < 0)
            slot_close(&meter->other);
        int code = slot_read(&meter->current, now, &err);
        announce(meter);
        if (code == 0)
            book(meter);
        if (code == 0 || code == -EAGAIN) {
            on_good(meter, now);
        } else {
            on_bad(meter, now, &err);
        }
        show_source(meter);
    }
    *ret = meter->out;
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
        (void)snprintf(known + len, sizeof(known) - len, ", %s", power_sources[i]->name);
    }
    return err_set(err, -EINVAL, "there is no power source \"%s\": power.source is one of %s",
                   preferred, known);
}

/* Opens the best source of @first and below that can be; says why those before it cannot. */
static int open_first(struct meter *m, size_t last, struct err *err)
{
    char reasons[EVENT_SIZE] = "";
    int code = -ENODEV;
    for (size_t rank = m->first; rank <= last && !m->current.ops; rank++) {
        code = slot_open(&m->current, m->machine, rank, err);
        if (code < 0)
            say(reasons, "%s cannot be used: %.200s", power_sources[rank]->name, err->text);
    }
    if (!m->current.ops)
        return err_set(err, code, "%s", reasons);
    if (reasons[0])
        say(m->opening, "%s", reasons);
    return 0;
}

int meter_open(const struct power_machine *m, const char *preferred, bool strict,
               struct meter **ret, struct err *err)
{
    struct err why = { 0 };
    struct meter *meter = mem_new(1, sizeof(*meter));
    meter->machine = m;
    for (size_t z = 0; z < ZONE_COUNT; z++)
        meter->floor_watts[z] = HUGE_VAL;

    int code = rank_find(preferred ? preferred : "auto", &meter->first, &why);
    if (code < 0 && !strict) {
        say(meter->opening, "%s", why.text);
        code = 0;
    }
    bool only_it = strict && preferred && strcmp(preferred, "auto") != 0;
    if (code == 0)
        code = open_first(meter, only_it ? meter->first : power_sources_count - 1, &why);
    if (code < 0) {
        meter_close(meter);
        return err_set(err, code, "no power reading: %s", why.text);
    }
    show_source(meter);
    *ret = meter;
    return 0;
}

void meter_close(struct meter *meter)
{
    if (!meter)
        return;
    slot_close(&meter->current);
    slot_close(&meter->other);
    free(meter);
}
