/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#define SECOND_REFRESH_NS (500 * NS_PER_MS) /* watts are there within a second of the start */
#define PERIOD_MAX_NS     (60 * NS_PER_SEC) /* an MSR wraps in 234 s at 280 W */
#define FAILURES_MAX      3                 /* in a row; then health says so */

static void ending_signals(sigset_t *ret)
{
    (void)sigemptyset(ret);
    (void)sigaddset(ret, SIGTERM);
    (void)sigaddset(ret, SIGINT);
}

void loop_block_signals(void)
{
    sigset_t set;
    ending_signals(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a scraper or a pager that went away is no reason to end */
}

/* Of a period, what has to lie between two refreshes: the one after a late one may be only
   milliseconds away, in which a counter that moves once a millisecond tells any watts. */
#define GAP_LEAST_PART 4

struct loop {
    struct pipeline *pipeline;
    struct http_server *server;
    uint64_t period_ns;
    uint64_t refreshed_ns; /* when the last refresh began */
    unsigned failures;     /* in a row */
};

bool loop_is_due(uint64_t now_ns, uint64_t refreshed_ns, uint64_t period_ns)
{
    return now_ns - refreshed_ns >= period_ns / GAP_LEAST_PART;
}

static void refresh(struct loop *l)
{
    struct err err = { 0 };
    l->refreshed_ns = clock_monotonic_ns();
    if (pipeline_refresh(l->pipeline, &err) == 0) {
        if (l->failures >= FAILURES_MAX && l->server)
            http_set_health(l->server, true, "");
        l->failures = 0;
        return;
    }
    l->failures++;
    log_error("refresh failed (%u in a row), the last snapshot stays: %s", l->failures, err.text);
    if (l->failures == FAILURES_MAX && l->server)
        http_set_health(l->server, false, err.text);
}

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){
        .tv_sec = (time_t)(ns / NS_PER_SEC),
        .tv_nsec = (long)(ns % NS_PER_SEC),
    };
}

/* At @first_ns (CLOCK_MONOTONIC), then each @period_ns. */
static int arm(int fd, uint64_t first_ns, uint64_t period_ns)
{
    const struct itimerspec when = {
        .it_value = to_timespec(first_ns),
        .it_interval = to_timespec(period_ns),
    };
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL) < 0 ? -errno : 0;
}

static int timer_open(uint64_t first_ns, uint64_t period_ns, int *ret_fd)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    *ret_fd = fd; /* the caller's from here on, armed or not */
    return arm(fd, first_ns, period_ns);
}

/* True once for each time it rang; times that were slept over count as one. */
static bool has_rung(const struct pollfd *p)
{
    uint64_t rings;
    return (p->revents & POLLIN) && read(p->fd, &rings, sizeof(rings)) == (ssize_t)sizeof(rings);
}

enum {
    SIGNALS,
    EARLY,
    GRID,
    DRAIN,
    WAITS
};

static void close_waits(struct pollfd (*wait)[WAITS])
{
    for (int i = 0; i < WAITS; i++)
        close_fd(&(*wait)[i].fd);
}

static int open_waits(struct pollfd wait[WAITS], uint64_t start_ns, uint64_t period_ns)
{
    sigset_t set;
    ending_signals(&set);
    wait[SIGNALS].fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    int rc = wait[SIGNALS].fd < 0 ? -errno : 0;
    if (rc == 0 && period_ns > SECOND_REFRESH_NS)
        rc = timer_open(start_ns + SECOND_REFRESH_NS, 0, &wait[EARLY].fd);
    if (rc == 0)
        rc = timer_open(start_ns + period_ns, period_ns, &wait[GRID].fd);
    if (rc == 0 && period_ns > NS_PER_SEC)
        rc = timer_open(start_ns + NS_PER_SEC, NS_PER_SEC, &wait[DRAIN].fd);
    return rc;
}

/* What has come due. */
static void on_time(struct loop *l, struct pollfd wait[WAITS])
{
    bool is_early = has_rung(&wait[EARLY]);
    bool is_due = has_rung(&wait[GRID]) &&
                  loop_is_due(clock_monotonic_ns(), l->refreshed_ns, l->period_ns);
    if (is_early || is_due)
        refresh(l);
    if (has_rung(&wait[DRAIN]))
        pipeline_drain(l->pipeline);
    if (l->server)
        http_expire(l->server, clock_monotonic_ns());
}

int loop_run(struct pipeline *pipeline, struct http_server *server, uint64_t interval_ns,
             struct err *err)
{
    uint64_t period_ns = interval_ns < PERIOD_MAX_NS ? interval_ns : PERIOD_MAX_NS;
    struct loop loop = { .pipeline = pipeline, .server = server, .period_ns = period_ns };
    CLEANUP(close_waits) struct pollfd wait[WAITS];
    for (int i = 0; i < WAITS; i++)
        wait[i] = (struct pollfd){ .fd = -1, .events = POLLIN }; /* -1: poll passes it over */
    int rc = open_waits(wait, clock_monotonic_ns(), period_ns);
    if (rc < 0)
        return err_set(err, rc, "no timer or signal can be waited for: %s", strerror(-rc));
    if (period_ns < interval_ns) {
        log_info(
            "refreshes come each 60 s: energy counters wrap, so a longer interval is not safe");
    }
    refresh(&loop);
    for (;;) {
        if (poll(wait, WAITS, -1) < 0 && errno != EINTR)
            return err_set(err, -errno, "poll: %s", strerror(errno));
        if (wait[SIGNALS].revents)
            return 0;
        on_time(&loop, wait);
    }
}
