/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/load.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "calibrate/plan.h"
#include "calibrate/work.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define CPUS_MAX 65536
#define PARTS    1000000U /* of a whole load: atomics hold no double */

struct worker {
    struct load *load;
    size_t nth;
    int cpu;
    pthread_t thread;
    uint64_t result; /* what the work came to, so that it cannot be left out */
};

struct load {
    pthread_mutex_t lock; /* for the sleep at load 0 only */
    pthread_cond_t changed;
    atomic_uint parts; /* of PARTS */
    atomic_bool ended;
    size_t threads, started;
    struct worker *worker; /* owned, threads of them */
};

/* -- CPUs -- */

static void free_cpus(cpu_set_t **set)
{
    CPU_FREE(*set);
}
#define AUTO_CPUS CLEANUP(free_cpus) cpu_set_t *

/* This process's set, as long as the kernel's own; the caller frees. */
static int cpus_read(cpu_set_t **ret, size_t *ret_size, struct err *err)
{
    for (size_t room = 1024; room <= CPUS_MAX; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        size_t size = CPU_ALLOC_SIZE(room);
        if (set && sched_getaffinity(0, size, set) == 0) {
            *ret = set;
            *ret_size = size;
            return 0;
        }
        CPU_FREE(set);
    }
    return err_set(err, -errno, "cannot tell on which CPUs this process may run: %s",
                   strerror(errno));
}

int load_cpus_allowed(size_t *ret, struct err *err)
{
    AUTO_CPUS set = NULL;
    size_t size = 0;
    int code = cpus_read(&set, &size, err);
    if (code == 0)
        *ret = (size_t)CPU_COUNT_S(size, set);
    return code;
}

static int pin(const struct worker *w)
{
    size_t room = (size_t)w->cpu + 1;
    AUTO_CPUS set = CPU_ALLOC(room);
    size_t size = CPU_ALLOC_SIZE(room);
    if (!set)
        return -ENOMEM;
    CPU_ZERO_S(size, set);
    CPU_SET_S((size_t)w->cpu, size, set);
    return sched_setaffinity(0, size, set) < 0 ? -errno : 0;
}

/* -- one thread -- */

/* Until there is something to do. */
static void sleep_at_rest(struct load *l)
{
    (void)pthread_mutex_lock(&l->lock);
    while (atomic_load(&l->parts) == 0 && !atomic_load(&l->ended))
        (void)pthread_cond_wait(&l->changed, &l->lock);
    (void)pthread_mutex_unlock(&l->lock);
}

static void sleep_until(uint64_t ns)
{
    const struct timespec at = {
        .tv_sec = (time_t)(ns / NS_PER_SEC),
        .tv_nsec = (long)(ns % NS_PER_SEC),
    };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {
    }
}

/* One look at the clock, and what it says to do. */
static void work_or_sleep(struct worker *w, struct work *work, unsigned parts)
{
    uint64_t now_ns = clock_monotonic_ns();
    struct duty_window duty = duty_at(now_ns, w->nth, w->load->threads, (double)parts / PARTS);
    if (now_ns < duty.busy_until_ns) {
        w->result = work_some(work);
    } else {
        sleep_until(duty.next_ns);
    }
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct load *l = w->load;
    struct work work;
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    (void)pin(w); /* the CPU may have gone offline since; the load that is measured tells */
    work_init(&work, w->nth);
    while (!atomic_load(&l->ended)) {
        unsigned parts = atomic_load(&l->parts);
        if (parts == 0) {
            sleep_at_rest(l);
        } else {
            work_or_sleep(w, &work, parts);
        }
    }
    work_done(&work);
    return NULL;
}

/* -- all threads -- */

static int start(struct load *l, int cpu, struct err *err)
{
    struct worker *w = &l->worker[l->started];
    *w = (struct worker){ .load = l, .nth = l->started, .cpu = cpu };
    int code = pthread_create(&w->thread, NULL, run, w);
    if (code != 0) {
        return err_set(err, -code, "cannot start load thread %zu of %zu: %s", l->started + 1,
                       l->threads, strerror(code));
    }
    l->started++;
    return 0;
}

int load_open(struct load **ret, struct err *err)
{
    AUTO_CPUS set = NULL;
    size_t size = 0;
    int code = cpus_read(&set, &size, err);
    if (code < 0)
        return code;

    struct load *l = mem_new(1, sizeof(*l));
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->changed, NULL);
    l->threads = (size_t)CPU_COUNT_S(size, set);
    l->worker = mem_new(l->threads, sizeof(*l->worker));
    for (int cpu = 0; l->started < l->threads && code == 0; cpu++) {
        if (CPU_ISSET_S((size_t)cpu, size, set))
            code = start(l, cpu, err);
    }
    if (code < 0) {
        load_close(l);
        return code;
    }
    *ret = l;
    return 0;
}

void load_close(struct load *l)
{
    if (!l)
        return;
    (void)pthread_mutex_lock(&l->lock);
    atomic_store(&l->ended, true);
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->lock);
    for (size_t i = 0; i < l->started; i++)
        (void)pthread_join(l->worker[i].thread, NULL);
    (void)pthread_cond_destroy(&l->changed);
    (void)pthread_mutex_destroy(&l->lock);
    free(l->worker);
    free(l);
}

void load_set(struct load *l, double ratio)
{
    (void)pthread_mutex_lock(&l->lock);
    atomic_store(&l->parts, (unsigned)(ratio * PARTS + 0.5));
    (void)pthread_cond_broadcast(&l->changed);
    (void)pthread_mutex_unlock(&l->lock);
}

size_t load_threads(const struct load *l)
{
    return l->threads;
}
