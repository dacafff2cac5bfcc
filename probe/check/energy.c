/* SPDX-License-Identifier: Apache-2.0 */
/* Energy, by doing: every counter is read twice, has to advance, and to mean a believable power. */
#include "base/clock.h"
#include "check/check.h"

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

/* What is wrong with one counter, into @why; false if nothing is. */
static bool find_fault(const struct energy_trial *t, size_t i, double ceiling_watts,
                       double *ret_watts, char why[240])
{
    const struct energy_counter *c = &t->set.counter[i];
    const struct energy_pair *pair = &t->pair[i];
    const int code = pair->first_code ? pair->first_code : pair->second_code;
    const double seconds = (double)t->elapsed_ns / 1e9;
    const double joules = joules_between(c, pair);

    *ret_watts = seconds > 0 ? joules / seconds : 0;
    if (code < 0) {
        (void)snprintf(why, 240, "%s cannot be read: %s", c->label, strerror(-code));
    } else if (pair->first == pair->second) {
        (void)snprintf(why, 240,
                       "%s (socket %d) stays at %" PRIu64 " for %.0f ms: a counter that never "
                       "advances is no meter",
                       c->label, c->socket, pair->first, seconds * 1e3);
    } else if (*ret_watts < 0 || *ret_watts > ceiling_watts) {
        (void)snprintf(why, 240,
                       "%s (socket %d) would mean %.0f W, which is not between 0 and %.0f W "
                       "(2 x TDP)",
                       c->label, c->socket, *ret_watts, ceiling_watts);
    } else {
        return false;
    }
    return true;
}

void energy_judge(const struct energy_trial *t, double ceiling_watts, struct energy_verdict *ret)
{
    struct energy_verdict v = { 0 };
    bool seen[ZONE_COUNT] = { false };
    bool faulty[ZONE_COUNT] = { false };

    for (size_t i = 0; i < t->set.n; i++) {
        enum energy_zone zone = t->set.counter[i].zone;
        char why[240];
        double watts = 0;
        seen[zone] = true;
        if (find_fault(t, i, ceiling_watts, &watts, why)) {
            faulty[zone] = true;
            if (zone == ZONE_PACKAGE && v.why[0] == '\0')
                memcpy(v.why, why, sizeof(v.why));
        }
        v.watts[zone] += watts;
    }
    for (size_t z = 0; z < ZONE_COUNT; z++) {
        v.zone_ok[z] = seen[z] && !faulty[z];
        v.watts[z] = v.zone_ok[z] ? v.watts[z] : 0;
    }
    v.usable = v.zone_ok[ZONE_PACKAGE];
    if (!seen[ZONE_PACKAGE])
        (void)snprintf(v.why, sizeof(v.why), "no package zone among %zu counters", t->set.n);
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
        for (size_t i = 0; i < p->trial[d].set.n; i++) {
            if (p->trial[d].pair[i].first == p->trial[d].pair[i].second)
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
        energy_judge(&p->trial[d], p->ceiling_watts, &p->verdict[d]);
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

bool energy_is_measured(const struct probe *p)
{
    for (size_t d = 0; d < p->trials; d++) {
        if (p->verdict[d].usable)
            return true;
    }
    return false;
}
