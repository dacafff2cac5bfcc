/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Energy counters and power sensors as a power source: one implementation over the drivers of
 * host/energy.h, one row each. What a count is worth is said in each counter.
 */
#include "power/source.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "host/power_limit.h"

#include <errno.h>
#include <math.h>

#define JOULES_PER_UJ 1e-6
#define WATTS_PER_UW  1e-6

struct tally {
    uint64_t base;  /* count up to which the joules include it; microwatts of the last reading */
    unsigned still; /* readings in a row at which it had not moved */
};

struct power_source {
    const struct power_machine *machine;
    const struct energy_driver *driver;
    enum energy_zone zone;
    struct energy_set set; /* counters of that zone only */
    bool started;          /* the bases are set */
    uint64_t asleep_ns;    /* when they were */
    struct tally tally[ENERGY_COUNTERS_MAX];
    struct power_reading last; /* the last good one, or since when counting began anew */
};

/* Where the packages may draw @package_watts. */
static double zone_ceiling(const struct power_source *s, double package_watts)
{
    const struct power_machine *m = s->machine;
    if (s->zone == ZONE_PSYS)
        return power_limit_machine_ceiling(package_watts, s->driver == &energy_hwmon);
    if (s->zone == ZONE_DRAM)
        return power_limit_dram_ceiling(m->ceiling_watts, m->memory_gb);
    return package_watts;
}

/* The packages' limits are read only where their kind alone does not explain the watts. */
static double ceiling_for(const struct power_source *s, double watts)
{
    double usual = zone_ceiling(s, s->machine->ceiling_watts);
    if (watt_check(watts, usual) == 0)
        return usual;
    return zone_ceiling(s, power_machine_package_ceiling(s->machine));
}

/* "/sys/class/powercap/intel-rapl:0/energy_uj", "/dev/cpu/0/msr register 0x611" */
static void counter_describe(const struct power_source *s, const struct energy_counter *c,
                             char *ret, size_t size)
{
    if (s->driver == &energy_msr) {
        (void)snprintf(ret, size, "%s register 0x%x", c->path, (unsigned)c->reg);
    } else {
        (void)snprintf(ret, size, "%s%s", c->path,
                       s->driver == &energy_powercap ? "/energy_uj" : "");
    }
}

/* -- opening -- */

/* Those of other zones are closed. */
static void keep_zone(struct energy_set *set, enum energy_zone zone)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++) {
        if (set->counter[i].zone == zone) {
            set->counter[kept++] = set->counter[i];
        } else {
            close_fd(&set->counter[i].fd);
        }
    }
    set->n = kept;
}

static int counter_open(const struct energy_driver *driver, const struct power_machine *m,
                        enum energy_zone zone, struct power_source **ret, struct err *err)
{
    struct power_source *s = mem_new(1, sizeof(*s));
    int code = driver->list(m->fs, &m->cpu, &s->set, err);
    if (code == 0) {
        keep_zone(&s->set, zone);
        if (s->set.n == 0) {
            code = err_set(err, -ENOENT, "%s has no %s zone on this machine", driver->name,
                           energy_zone_name(zone));
        }
    }
    if (code < 0) {
        free(s);
        return code;
    }
    s->machine = m;
    s->driver = driver;
    s->zone = zone;
    s->last.low = s->last.high = s->last.widest_low = s->last.widest_high = 1;
    s->last.idle_watts = -1;
    /* Sockets are summed; the first one gives the label. */
    (void)snprintf(s->last.path, sizeof(s->last.path), "%s", s->set.counter[0].label);
    *ret = s;
    return 0;
}

static int powercap_open(const struct power_machine *m, enum energy_zone zone,
                         struct power_source **ret, struct err *err)
{
    return counter_open(&energy_powercap, m, zone, ret, err);
}

static int perf_open(const struct power_machine *m, enum energy_zone zone,
                     struct power_source **ret, struct err *err)
{
    return counter_open(&energy_perf, m, zone, ret, err);
}

static int msr_open(const struct power_machine *m, enum energy_zone zone, struct power_source **ret,
                    struct err *err)
{
    return counter_open(&energy_msr, m, zone, ret, err);
}

static int hwmon_open(const struct power_machine *m, enum energy_zone zone,
                      struct power_source **ret, struct err *err)
{
    return counter_open(&energy_hwmon, m, zone, ret, err);
}

static void counter_close(struct power_source *s)
{
    energy_set_done(&s->set);
    free(s);
}

/* -- reading -- */

/* One reading, not booked yet. */
struct advance {
    uint64_t value[ENERGY_COUNTERS_MAX]; /* as read: counts, or microwatts */
    bool moved[ENERGY_COUNTERS_MAX];
    double joules;
    uint64_t elapsed_ns; /* since the last good reading */
    uint64_t awake_ns;   /* of it */
};

static bool is_of_files(const struct power_source *s)
{
    return s->driver == &energy_powercap || s->driver == &energy_hwmon;
}

/* @what is the file whose text its driver did not take. */
static int say_no_energy(const struct power_source *s, const struct energy_counter *c,
                         const char *what, struct err *err)
{
    char text[40] = "";
    uint64_t number = 0;
    if (!is_of_files(s) || rootfs_read_text(s->machine->fs, what, text, sizeof(text)) < 0)
        return err_set(err, -EBADMSG, "cannot read %s: %s", what, strerror(EBADMSG));
    if (number_parse_u64(text, 10, &number) == 0 && c->modulus > 0 && number >= c->modulus) {
        return err_set(err, -EBADMSG, "%s says \"%s\", and it counts to %llu at most", what, text,
                       (unsigned long long)c->modulus - 1);
    }
    return err_set(err, -EBADMSG, "%s says \"%s\", which is no energy", what, text);
}

static int values_read(const struct power_source *s, struct advance *a, struct err *err)
{
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        char what[200];
        int code = s->driver->read(s->machine->fs, c, &a->value[i]);
        if (code == 0)
            continue;
        counter_describe(s, c, what, sizeof(what));
        if (code == -ERANGE || code == -EBADMSG) /* ERANGE: below 0; of a source it is a jump */
            return say_no_energy(s, c, what, err);
        return err_set(err, code, "cannot read %s: %s", what, strerror(-code));
    }
    return 0;
}

/* What sensors say of this moment, all sockets. -EBADMSG: no such zone draws that. */
static int power_check(const struct power_source *s, const struct advance *a, struct err *err)
{
    double watts = 0;
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        if (!c->is_power)
            continue;
        watts += (double)a->value[i] * WATTS_PER_UW;
        double ceiling = ceiling_for(s, watts);
        if (watt_check(watts, ceiling) == 0)
            continue;
        char what[200];
        counter_describe(s, c, what, sizeof(what));
        return err_set(err, -EBADMSG,
                       "%s says %llu uW, which with the sensors before it makes %.4g W, and no "
                       "%s zone of this machine draws more than %.4g W (or more than is known of "
                       "this CPU: --power.tdp-watts)",
                       what, (unsigned long long)a->value[i], watts, energy_zone_name(s->zone),
                       ceiling);
    }
    return 0;
}

/* What lies before these counts is given up: the next reading is of the time from now. */
static void start_over(struct power_source *s, const struct advance *a, const struct power_now *now)
{
    for (size_t i = 0; i < s->set.n; i++)
        s->tally[i] = (struct tally){ .base = a->value[i] };
    s->last.taken_ns = now->taken_ns;
    s->asleep_ns = now->asleep_ns;
    s->started = true;
}

/* One of its rails may be off, but not all of them. */
static bool socket_draws(const struct power_source *s, const struct advance *a, int socket)
{
    for (size_t i = 0; i < s->set.n; i++) {
        const struct energy_counter *c = &s->set.counter[i];
        if (c->is_power && c->socket == socket && a->value[i] > 0)
            return true;
    }
    return false;
}

/* -ERANGE: it went back without a wrap. */
static int joules_of(const struct power_source *s, size_t i, struct advance *a, double *ret)
{
    const struct energy_counter *c = &s->set.counter[i];
    uint64_t base = s->tally[i].base;
    uint64_t counts = 0;
    if (c->is_power) {
        a->moved[i] = socket_draws(s, a, c->socket);
        *ret = watt_joules_of_power((double)base * WATTS_PER_UW, (double)a->value[i] * WATTS_PER_UW,
                                    a->awake_ns);
        return 0;
    }
    int code = watt_counts_between(base, a->value[i], c->modulus, &counts);
    if (code < 0)
        return code;
    a->moved[i] = counts > 0;
    *ret = (double)counts * c->uj_per_count * JOULES_PER_UJ;
    return 0;
}

/* -ERANGE: a counter went back without a wrap, or by more than its zone can have used. (A slight
   step back of a counter that wraps looks like nearly a whole turn.) */
static int advance_check(const struct power_source *s, struct advance *a, struct err *err)
{
    for (size_t i = 0; i < s->set.n; i++) {
        double joules = 0, watts = 0;
        int code = joules_of(s, i, a, &joules);
        if (code == 0) {
            /* What looks like a wrap over a suspend may be a reset: it is given the time awake. */
            bool went_back = !s->set.counter[i].is_power && a->value[i] < s->tally[i].base;
            a->joules += joules;
            code = watt_from_joules(a->joules, went_back ? a->awake_ns : a->elapsed_ns, &watts);
        }
        if (code == -EAGAIN)
            return err_set(err, code, "no time has passed since the last reading");
        double ceiling = ceiling_for(s, watts);
        if (code == 0 && watt_check(watts, ceiling) == 0)
            continue;
        char what[200];
        counter_describe(s, &s->set.counter[i], what, sizeof(what));
        return err_set(err, -ERANGE,
                       "%s went from %llu to %llu in %.3g s, which no zone of at most %.4g W can: "
                       "it was set back (or draws more than is known of this CPU: "
                       "--power.tdp-watts), and the energy of this interval is lost",
                       what, (unsigned long long)s->tally[i].base, (unsigned long long)a->value[i],
                       (double)a->elapsed_ns / (double)NS_PER_SEC, ceiling);
    }
    return 0;
}

/* A platform whose board tells the processor nothing has a psys counter all the same, that stays
   where it is. */
static bool rests_never(enum energy_zone zone)
{
    return zone == ZONE_PACKAGE || zone == ZONE_PSYS;
}

/* psys is told by the master package alone: one of its counters speaks for all of them. */
static bool has_moved(const struct power_source *s, const struct advance *a, size_t i)
{
    bool moved = a->moved[i];
    for (size_t k = 0; k < s->set.n && s->zone == ZONE_PSYS; k++)
        moved |= a->moved[k];
    return moved;
}

/* One that has never moved since it was opened, as the registers of many a VM, is told apart sooner
   from a slow one, so that there are watts soon after the start. */
static bool is_dead(const struct power_source *s, const struct advance *a, unsigned still)
{
    bool at_start = s->last.joules <= 0 && a->elapsed_ns >= STILL_START_NS;
    return still >= (at_start ? STILL_START_READINGS : STILL_READINGS);
}

/* Books how long each counter of a package has stood still; every socket's has to move. -EAGAIN
   while one has not, -ENODATA once one has not for too long. */
static int still_check(struct power_source *s, const struct advance *a, struct err *err)
{
    int code = 0;
    for (size_t i = 0; i < s->set.n && rests_never(s->zone); i++) {
        struct tally *t = &s->tally[i];
        char what[200];
        if (has_moved(s, a, i)) {
            t->still = 0;
            continue;
        }
        t->still++;
        if (code == -ENODATA)
            continue;
        counter_describe(s, &s->set.counter[i], what, sizeof(what));
        code = err_set(err, is_dead(s, a, t->still) ? -ENODATA : -EAGAIN,
                       "%s stands still at %llu for %u readings, and %s draws power even "
                       "at rest",
                       what, (unsigned long long)a->value[i], t->still,
                       s->zone == ZONE_PACKAGE ? "a processor" : "a machine");
    }
    return code;
}

static void book(struct power_source *s, const struct advance *a, const struct power_now *now)
{
    for (size_t i = 0; i < s->set.n; i++)
        s->tally[i].base = a->value[i];
    s->last.joules += a->joules;
    s->last.taken_ns = now->taken_ns;
    s->asleep_ns = now->asleep_ns;
}

/* Where it fails the bases stay, so that the next good reading has this interval in it. */
static int counter_read(struct power_source *s, const struct power_now *now,
                        struct power_reading *ret, struct err *err)
{
    struct advance a = { .elapsed_ns = 0 };
    int code = values_read(s, &a, err);
    if (code == 0)
        code = power_check(s, &a, err);
    if (code < 0)
        return code;
    if (!s->started) {
        start_over(s, &a, now);
        *ret = s->last;
        return 0;
    }
    if (now->taken_ns > s->last.taken_ns)
        a.elapsed_ns = now->taken_ns - s->last.taken_ns;
    a.awake_ns = power_awake_ns(now, s->last.taken_ns, s->asleep_ns);
    code = advance_check(s, &a, err);
    if (code == -ERANGE)
        start_over(s, &a, now);
    if (code == 0)
        code = still_check(s, &a, err);
    if (code < 0)
        return code;
    book(s, &a, now);
    *ret = s->last;
    return 0;
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

const struct power_source_ops power_source_perf = {
    .name = "perf",
    .quality = "measured",
    .open = perf_open,
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

const struct power_source_ops power_source_hwmon = {
    .name = "hwmon",
    .quality = "measured",
    .open = hwmon_open,
    .read = counter_read,
    .close = counter_close,
    .model_name = no_model,
};
