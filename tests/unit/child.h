/* SPDX-License-Identifier: Apache-2.0 */
/* Children that use a known amount of CPU, and what the kernel says they used. Include after
   cmocka.h. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include "base/clock.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of the thread that calls it. */
static inline uint64_t thread_cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static inline void burn_ms(unsigned ms)
{
    uint64_t end = thread_cpu_ns() + ms * NS_PER_MS;
    while (thread_cpu_ns() < end)
        continue;
}

static inline pid_t spawn_burning(unsigned ms)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        burn_ms(ms);
        _exit(0);
    }
    return pid;
}

/* It has burned and waits for reap(). */
static inline pid_t spawn_zombie(unsigned ms)
{
    siginfo_t info;
    pid_t pid = spawn_burning(ms);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    return pid;
}

/* Exact run time: rusage's user + system is scaled to it (cputime_adjust). @status as of wait(2):
   0, or the signal that ended it. */
static inline uint64_t reap(pid_t pid, int status)
{
    struct rusage use;
    int got = -1;
    assert_int_equal(wait4(pid, &got, 0, &use), pid);
    assert_int_equal(got, status);
    return (uint64_t)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * NS_PER_SEC +
           (uint64_t)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000;
}

static inline void assert_ratio(uint64_t got, uint64_t want, double low, double high)
{
    double ratio = (double)got / (double)want;
    if (!(ratio >= low && ratio <= high))
        fail_msg("%llu ns of %llu ns: %.4f is not in %.4f .. %.4f", (unsigned long long)got,
                 (unsigned long long)want, ratio, low, high);
}

#endif
