/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/bench.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#define FRESH_MIN  2                 /* readings that a step needs to have a deviation */
#define WAIT_SLICE (250 * NS_PER_MS) /* so that the bar moves */

/* -- opening -- */

static int open_roots(struct bench *b, const struct rootfs_paths *paths, struct err *err)
{
    const struct rootfs_paths live = { NULL, paths->procfs, paths->sysfs, NULL };
    const struct rootfs_paths own = { NULL, NULL, NULL, NULL };
    int code = rootfs_open(&b->machine, paths, err);
    return code < 0 ? code : rootfs_open(&b->live, paths->root ? &own : &live, err);
}

static void add_tried(struct bench *b, const char *name, const char *why)
{
    size_t used = strlen(b->tried);
    (void)snprintf(b->tried + used, sizeof(b->tried) - used, "  %-9s %s\n", name, why);
}

/* Can it be opened, for a package? */
static bool try_source(struct bench *b, const struct power_source_ops *ops)
{
    struct err err = { 0 };
    struct power_source *source = NULL;
    if (ops->open(&b->power, ZONE_PACKAGE, &source, &err) < 0) {
        add_tried(b, ops->name, err.text);
        return false;
    }
    ops->close(source);
    return true;
}

static int check_name(const char *name, struct err *err)
{
    char known[100] = "auto";
    for (size_t i = 0; i < power_sources_count; i++) {
        size_t used = strlen(known);
        if (strcmp(name, "auto") == 0)
            return 0;
        if (!power_source_is_measured(power_sources[i]))
            continue;
        if (strcmp(name, power_sources[i]->name) == 0)
            return 0;
        (void)snprintf(known + used, sizeof(known) - used, ", %s", power_sources[i]->name);
    }
    return err_set(err, -EINVAL,
                   "--power.source is \"%s\", which is no sensor to calibrate by: one of %s", name,
                   known);
}

int bench_open(struct bench *b, const struct calibrate_options *o, struct err *err)
{
    const struct power_options options = { .tdp_watts = o->tdp_watts };
    int code = check_name(o->source, err);
    if (code == 0)
        code = open_roots(b, &o->paths, err);
    if (code == 0)
        code = power_machine_read(&b->machine, &options, &b->power, err);
    if (code < 0)
        return code;
    bool is_any = strcmp(o->source, "auto") == 0;
    for (size_t i = 0; i < power_sources_count && !b->source; i++) {
        const struct power_source_ops *ops = power_sources[i];
        bool is_wanted = is_any || strcmp(o->source, ops->name) == 0;
        if (power_source_is_measured(ops) && is_wanted && try_source(b, ops))
            b->source = ops->name;
    }
    return 0;
}

/* Not those that whoever started this had it ignore, as nohup and a script's `cmd &` do: a signalfd
   would take them all the same. */
static void add_unless_ignored(sigset_t *set, int sign)
{
    struct sigaction action;
    if (sigaction(sign, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
        (void)sigaddset(set, sign);
}

static int catch_signals(struct bench *b, struct err *err)
{
    sigset_t set;
    (void)sigemptyset(&set);
    add_unless_ignored(&set, SIGINT);
    add_unless_ignored(&set, SIGTERM);
    add_unless_ignored(&set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    b->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (b->signal_fd < 0)
        return err_set(err, -errno, "cannot wait for signals: %s", strerror(errno));
    return 0;
}

static void read_meter(struct bench *b, double usage_ratio)
{
    const struct power_now now = power_now_read(usage_ratio, 1);
    meter_read(b->meter, &now, &b->reading);
}

int bench_start(struct bench *b, struct err *err)
{
    const struct sampler_config config = { .host = &b->live, .ebpf_wanted = true };
    int code = catch_signals(b, err);
    if (code == 0)
        code = meter_open(&b->power, b->source, true, &b->meter, err);
    if (code == 0)
        code = sampler_open(&config, &b->sampler, &b->accounting_why, err);
    if (code == 0)
        read_meter(b, 0); /* counters are counted from here */
    return code;
}

void bench_close(struct bench *b)
{
    if (b->sampler)
        sampler_close(b->sampler);
    if (b->meter)
        meter_close(b->meter);
    power_machine_done(&b->power);
    rootfs_close(&b->live);
    rootfs_close(&b->machine);
    close_fd(&b->signal_fd);
    *b = BENCH_NONE;
}

/* -- waiting -- */

int bench_wait(struct bench *b, uint64_t at_ns, const char *what)
{
    struct pollfd poll_fd = { .fd = b->signal_fd, .events = POLLIN };
    for (;;) {
        uint64_t now_ns = clock_monotonic_ns();
        progress_show(b->progress, now_ns, what);
        uint64_t left_ns = at_ns > now_ns ? at_ns - now_ns : 0;
        uint64_t slice_ns = left_ns < WAIT_SLICE ? left_ns : WAIT_SLICE;
        const struct timespec slice = { .tv_nsec = (long)slice_ns };
        int n = ppoll(&poll_fd, 1, &slice, NULL);
        if (n > 0)
            return -EINTR;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (left_ns == 0)
            return 0;
    }
}

/* -- one step -- */

struct dwell {
    bool is_begun; /* there was a fresh reading: what the next ones count is of this step */
    struct spread package, dram;
    struct sample sample;
    char event[sizeof(((struct meter_reading *)NULL)->event)]; /* the last */
};

/* After some bad readings in a row, of this step or the one before, an estimate. */
static bool is_stood_in_for(const struct bench *b, enum energy_zone zone)
{
    const char *source = b->reading.zone[zone].source;
    return source && strcmp(source, b->source) != 0;
}

/* -ENODATA once the sensor is given up. Other zones may fail as they like. */
static int note_trouble(struct bench *b, struct dwell *d, struct err *err)
{
    if (b->reading.event[0])
        memcpy(d->event, b->reading.event, sizeof(d->event));
    if (!is_stood_in_for(b, ZONE_PACKAGE) && !is_stood_in_for(b, ZONE_DRAM))
        return 0;
    return err_set(err, -ENODATA, "the sensor %s failed: %.480s", b->source,
                   d->event[0] ? d->event : "its readings make no sense");
}

static void count(const struct meter_reading *r, struct dwell *d)
{
    if (!r->fresh)
        return;
    if (d->is_begun) {
        spread_add(&d->package, r->zone[ZONE_PACKAGE].delta_joules, r->elapsed_ns);
        spread_add(&d->dram, r->zone[ZONE_DRAM].delta_joules, r->elapsed_ns);
    }
    d->is_begun = true;
}

static int take_reading(struct bench *b, struct dwell *d, struct err *err)
{
    sampler_drain(b->sampler);
    read_meter(b, d->sample.usage_ratio);
    count(&b->reading, d);
    return note_trouble(b, d, err);
}

static void fill_point(const struct dwell *d, struct model_point *ret)
{
    *ret = (struct model_point){
        .usage_ratio = d->sample.usage_ratio,
        .seconds = d->package.seconds,
        .package_watts = spread_watts(&d->package),
        .package_stddev = spread_stddev(&d->package),
        .dram_watts = -1,
        .dram_stddev = -1,
    };
    if (d->dram.joules > 0) {
        ret->dram_watts = spread_watts(&d->dram);
        ret->dram_stddev = spread_stddev(&d->dram);
    }
}

/* Until the dwell is over. */
static int take_readings(struct bench *b, const struct plan *plan, const char *what,
                         struct dwell *d, struct err *err)
{
    uint64_t begin_ns = clock_monotonic_ns();
    uint64_t end_ns = begin_ns + plan->dwell_ns;
    for (;;) {
        uint64_t at_ns = plan_next_reading_ns(plan, begin_ns, clock_monotonic_ns());
        if (at_ns > end_ns)
            return 0;
        int code = bench_wait(b, at_ns, what);
        if (code == 0)
            code = take_reading(b, d, err);
        if (code < 0)
            return code;
    }
}

int bench_measure(struct bench *b, const struct plan *plan, const char *what,
                  struct model_point *ret, struct err *err)
{
    struct dwell d = { .is_begun = false };
    int code = take_reading(b, &d, err);
    if (code == 0)
        code = sampler_read(b->sampler, &d.sample, err);
    if (code == 0)
        code = take_readings(b, plan, what, &d, err);
    if (code == 0)
        code = sampler_read(b->sampler, &d.sample, err);
    if (code < 0)
        return code;
    if (d.package.n < FRESH_MIN) {
        return err_set(err, -ENODATA,
                       "the sensor %s gave %zu usable readings in this step, where %d are the "
                       "least: its counter stands still, or is read too late%s%.400s",
                       b->source, d.package.n, FRESH_MIN, b->reading.event[0] ? ": " : "",
                       b->reading.event);
    }
    fill_point(&d, ret);
    return 0;
}
