/* SPDX-License-Identifier: Apache-2.0 */
/* Energy, by doing: every counter is read twice, has to advance, and to mean a believable power. */
#include "base/clock.h"
#include "check/check.h"
#include "host/power_limit.h"

#include <errno.h>
#include <inttypes.h>

/* RAPL counters are renewed about every millisecond; in 250 ms an idle socket uses some joules. A
   slower counter (a busy BMC behind it) gets up to a second. */
#define WAIT_FIRST_NS (250 * NS_PER_MS)
#define WAIT_STEP_NS  (250 * NS_PER_MS)
#define WAIT_MOST_NS  (1000 * NS_PER_MS)

/* Joules between two readings; negative for a counter that went back without a wrap. */
static double joules_between(const struct energy_counter *c, const struct energy_pair *pair)
{
    double counts = 0;
    if (pair->second >= pair->first) {
        counts = (double)(pair->second - pair->first);
    } else if (c->modulus) {
        counts = (double)(pair->second + (c->modulus - pair->first));
    } else {
        counts = -(double)(pair->first - pair->second);
    }
    return counts * c->uj_per_count / 1e6;
}

/* Of a sensor that tells power, the mean of its two readings. */
static double watts_of(const struct energy_counter *c, const struct energy_pair *pair,
                       uint64_t elapsed_ns)
{
    if (c->is_power)
        return ((double)pair->first + (double)pair->second) / 2e6;
    return elapsed_ns > 0 ? joules_between(c, pair) * 1e9 / (double)elapsed_ns : 0;
}

/* A sensor of power may say the same twice; one that says 0 is no meter. */
static bool stands_still(const struct energy_counter *c, const struct energy_pair *pair)
{
    if (c->is_power)
        return pair->first == 0 || pair->second == 0;
    return pair->first == pair->second;
}

/* psys is told by the master package alone; the others' counters of it rest, or say 0. */
static bool is_still(const struct energy_trial *t, size_t i)
{
    bool rests = stands_still(&t->set.counter[i], &t->pair[i]);
    for (size_t k = 0; k < t->set.n && rests && t->set.counter[i].zone == ZONE_PSYS; k++) {
        rests = t->set.counter[k].zone != ZONE_PSYS ||
                stands_still(&t->set.counter[k], &t->pair[k]);
    }
    return rests;
}

static void say_still(const struct energy_counter *c, const struct energy_pair *pair, double ms,
                      char why[240])
{
    if (c->is_power) {
        (void)snprintf(why, 240, "%s (socket %d) says 0 W: no processor that runs uses none",
                       c->label, c->socket);
    } else {
        (void)snprintf(why, 240,
                       "%s (socket %d) stays at %" PRIu64 " for %.0f ms: a counter that never "
                       "advances is no meter",
                       c->label, c->socket, pair->first, ms);
    }
}

static double machine_most(const struct energy_trial *t, const struct energy_limits *limits)
{
    bool is_board_meter = t->driver == &energy_hwmon;
    return is_board_meter ? power_limit_machine_ceiling(0, true) : limits->machine_watts;
}

/* What is wrong with one counter, into @why; false if nothing is. */
static bool find_fault(const struct energy_trial *t, size_t i, const struct energy_limits *limits,
                       double *ret_watts, char why[240])
{
    const struct energy_counter *c = &t->set.counter[i];
    const struct energy_pair *pair = &t->pair[i];
    const int code = pair->first_code ? pair->first_code : pair->second_code;
    const bool is_machine = c->zone == ZONE_PSYS;
    const double most = is_machine ? machine_most(t, limits) : limits->socket_watts;

    *ret_watts = watts_of(c, pair, t->elapsed_ns);
    if (code < 0) {
        (void)snprintf(why, 240, "%s cannot be read: %s", c->label, strerror(-code));
    } else if (is_still(t, i)) {
        say_still(c, pair, (double)t->elapsed_ns / 1e6, why);
    } else if (*ret_watts < 0 || *ret_watts > most) {
        (void)snprintf(why, 240,
                       "%s (socket %d) would mean %.0f W, which is not between 0 and %.0f W (%s)",
                       c->label, c->socket, *ret_watts, most,
                       is_machine ? "the most that is believed of a machine like this"
                                  : "2 x TDP, or what its turbo limit allows");
    } else {
        return false;
    }
    return true;
}

static void say_no_package(const struct energy_trial *t, const char *first_fault,
                           struct energy_verdict *v)
{
    for (size_t z = 0; z < ZONE_COUNT; z++)
        v->is_elsewhere |= v->zone_ok[z];
    if (first_fault[0]) {
        memcpy(v->why, first_fault, sizeof(v->why));
    } else {
        (void)snprintf(v->why, sizeof(v->why), "no package zone among %zu counters", t->set.n);
    }
}

static void blame_package(const struct energy_pair *pair, bool is_above, const char why[240],
                          struct energy_verdict *v)
{
    memcpy(v->why, why, sizeof(v->why));
    v->is_too_much = is_above && pair->first_code == 0 && pair->second_code == 0;
}

void energy_judge(const struct energy_trial *t, const struct energy_limits *limits,
                  struct energy_verdict *ret)
{
    struct energy_verdict v = { .is_power = t->set.n > 0 };
    bool seen[ZONE_COUNT] = { false };
    bool faulty[ZONE_COUNT] = { false };
    char fault[240] = "";

    for (size_t i = 0; i < t->set.n; i++) {
        enum energy_zone zone = t->set.counter[i].zone;
        char why[240];
        double watts = 0;
        seen[zone] = true;
        v.is_power &= t->set.counter[i].is_power;
        if (find_fault(t, i, limits, &watts, why)) {
            faulty[zone] = true;
            if (fault[0] == '\0')
                memcpy(fault, why, sizeof(fault));
            if (zone == ZONE_PACKAGE && v.why[0] == '\0')
                blame_package(&t->pair[i], watts > limits->socket_watts, why, &v);
        }
        v.watts[zone] += watts;
    }
    for (size_t z = 0; z < ZONE_COUNT; z++) {
        v.zone_ok[z] = seen[z] && !faulty[z];
        v.watts[z] = v.zone_ok[z] ? v.watts[z] : 0;
    }
    v.usable = v.zone_ok[ZONE_PACKAGE];
    if (!seen[ZONE_PACKAGE])
        say_no_package(t, fault, &v);
    *ret = v;
}

void energy_start(struct probe *p)
{
    for (size_t d = 0; d < energy_drivers_count && p->trials < PROBE_DRIVERS_MAX; d++) {
        struct energy_trial *t = &p->trial[p->trials++];
        t->driver = energy_drivers[d];
        t->code = t->driver->list(&p->fs, &p->cpu, &t->set, &t->err);
        if (t->code < 0)
            t->set.n = 0;
        t->first_ns = clock_monotonic_ns();
        for (size_t i = 0; i < t->set.n; i++)
            t->pair[i].first_code = t->driver->read(&p->fs, &t->set.counter[i], &t->pair[i].first);
    }
}

/* A dump's second reading; a file that is not in the overlay has not changed. */
static int read_later(const struct probe *p, const struct energy_trial *t, size_t i, uint64_t *ret)
{
    int code = t->driver->read(&p->later, &t->set.counter[i], ret);
    return code == -ENOENT ? t->driver->read(&p->fs, &t->set.counter[i], ret) : code;
}

static void read_second(struct probe *p, struct energy_trial *t)
{
    bool is_later = p->later.root_fd >= 0;
    t->elapsed_ns = is_later ? p->later_elapsed_ns : clock_monotonic_ns() - t->first_ns;
    for (size_t i = 0; i < t->set.n; i++) {
        t->pair[i].second_code = is_later ? read_later(p, t, i, &t->pair[i].second)
                                          : t->driver->read(&p->fs, &t->set.counter[i],
                                                            &t->pair[i].second);
    }
}

static bool all_advance(const struct probe *p)
{
    for (size_t d = 0; d < p->trials; d++) {
        const struct energy_trial *t = &p->trial[d];
        for (size_t i = 0; i < t->set.n; i++) {
            if (is_still(t, i))
                return false;
        }
    }
    return true;
}

static void wait_until(uint64_t when_ns)
{
    struct timespec at = { .tv_sec = (time_t)(when_ns / NS_PER_SEC),
                           .tv_nsec = (long)(when_ns % NS_PER_SEC) };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        ;
}

void energy_finish(struct probe *p)
{
    uint64_t begin_ns = 0;
    for (size_t d = 0; d < p->trials; d++) {
        if (p->trial[d].set.n > 0)
            begin_ns = p->trial[d].first_ns;
    }
    if (begin_ns == 0)
        return; /* nothing to wait for */

    for (uint64_t ns = WAIT_FIRST_NS; ns <= WAIT_MOST_NS; ns += WAIT_STEP_NS) {
        if (p->later.root_fd < 0)
            wait_until(begin_ns + ns);
        for (size_t d = 0; d < p->trials; d++)
            read_second(p, &p->trial[d]);
        if (p->later.root_fd >= 0 || all_advance(p))
            break;
    }
    for (size_t d = 0; d < p->trials; d++)
        energy_judge(&p->trial[d], &p->limits, &p->verdict[d]);
}

const struct energy_verdict *energy_verdict_of(const struct probe *p, const char *driver)
{
    for (size_t d = 0; d < p->trials; d++) {
        if (strcmp(p->trial[d].driver->name, driver) == 0)
            return &p->verdict[d];
    }
    return NULL;
}

bool energy_is_spare(const struct probe *p, const char *driver)
{
    for (size_t d = 0; d < p->trials; d++) {
        if (strcmp(p->trial[d].driver->name, driver) == 0)
            return false;
        if (p->verdict[d].usable)
            return true;
    }
    return false;
}

const char *energy_best(const struct probe *p)
{
    for (size_t d = 0; d < p->trials; d++) {
        if (p->verdict[d].usable)
            return p->trial[d].driver->name;
    }
    return NULL;
}

void energy_done(struct probe *p)
{
    for (size_t d = 0; d < p->trials; d++)
        energy_set_done(&p->trial[d].set);
}
