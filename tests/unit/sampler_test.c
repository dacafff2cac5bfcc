/* SPDX-License-Identifier: Apache-2.0 */
/* The sampler on the running kernel, against what wait4() tells of children. By eBPF where that is
   permitted, else those tests are skipped and say why; by /proc always. */
#include "base/clock.h"
#include "sample/sampler.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "child.h"

#define RECORD_WAIT_NS (2 * NS_PER_SEC)

static struct rootfs host; /* opened before the first test */

static int open_host(void **state)
{
    (void)state;
    return rootfs_open(&host, &(struct rootfs_paths){ 0 }, NULL);
}

static int close_host(void **state)
{
    (void)state;
    rootfs_close(&host);
    return 0;
}

static struct sampler *open_sampler(bool ebpf, size_t max_processes)
{
    const struct sampler_config config = { .host = &host,
                                           .ebpf_wanted = ebpf,
                                           .max_processes = max_processes };
    struct sampler *s = NULL;
    const char *why = NULL;
    struct err err = { 0 };
    assert_int_equal(sampler_open(&config, &s, &why, &err), 0);
    if (ebpf && sampler_accounting(s) != ACCOUNTING_EBPF) {
        print_message("skipped: %s\n", why);
        assert_true(why[0] != '\0');
        sampler_close(s);
        skip();
    }
    return s;
}

static struct sample refresh(struct sampler *s)
{
    struct sample sample;
    struct err err = { 0 };
    if (sampler_read(s, &sample, &err) < 0)
        fail_msg("%s", err.text);
    return sample;
}

static struct process *find_pid(const struct sample *sample, pid_t pid)
{
    for (size_t i = 0; i < sample->processes; i++) {
        if (sample->process[i]->pid == (uint32_t)pid)
            return sample->process[i];
    }
    return NULL;
}

/* The same, where it must be there. */
static struct process *known(const struct sample *sample, pid_t pid)
{
    struct process *p = find_pid(sample, pid);
    if (!p) {
        fail_msg("process %d is not in the sample", (int)pid);
        abort();
    }
    return p;
}

/* Refreshes until @pid has ended: its process of the last sample, or NULL. */
static struct process *come_end(struct sampler *s, pid_t pid, struct sample *sample)
{
    uint64_t deadline = clock_monotonic_ns() + RECORD_WAIT_NS;
    for (;;) {
        *sample = refresh(s);
        struct process *p = find_pid(sample, pid);
        if (p && p->state == PROCESS_ENDED)
            return p;
        if (clock_monotonic_ns() > deadline)
            return NULL;
        (void)usleep(5000);
    }
}

/* As in bpf_test.c: a kernel that once in a while does not tell of an end says nothing about us;
   the test with many children fails if ends are never told. */
static struct process *await_end(struct sampler *s, pid_t pid, struct sample *sample)
{
    struct process *p = come_end(s, pid, sample);
    if (p)
        return p;
    print_message("skipped: this kernel did not fire sched_process_free for a child that ended\n");
    sampler_close(s);
    skip();
    abort(); /* skip() does not return, which the compiler does not know */
}

static void a_child_of_300_ms_is_within_1_percent_of_its_rusage(void **state)
{
    (void)state;
    struct sampler *s = open_sampler(true, 0);
    (void)refresh(s);
    pid_t pid = spawn_burning(300);
    uint64_t want = reap(pid, 0);
    struct sample sample;
    struct process *p = await_end(s, pid, &sample);
    assert_ratio(p->run_ns, want, 0.99, 1.01);
    assert_int_equal(p->pending_ns, p->run_ns);
    sampler_forget(s, p);
    sample = refresh(s);
    assert_null(find_pid(&sample, pid));
    sampler_close(s);
}

enum {
    MANY = 200,
    ROUNDS = 4
};

/* Ends MANY children between two refreshes; how many of them were seen, and for how long. */
static unsigned end_many(struct sampler *s, uint64_t *ret_want, uint64_t *ret_got)
{
    pid_t pid[MANY];
    uint64_t want = 0;
    for (unsigned i = 0; i < MANY; i++) {
        pid[i] = spawn_burning(2);
        want += reap(pid[i], 0);
        if (i % 50 == 0)
            sampler_drain(s);
    }
    uint64_t got = 0;
    unsigned seen = 0;
    struct sample sample;
    for (unsigned i = 0; i < MANY && seen == i; i++) {
        const struct process *p = come_end(s, pid[i], &sample);
        seen += p != NULL;
        got += p ? p->pending_ns : 0;
    }
    assert_int_equal(sample.lost_exits, 0);
    *ret_want = want;
    *ret_got = got;
    return seen;
}

static void two_hundred_of_2_ms_between_two_refreshes_are_all_seen(void **state)
{
    (void)state;
    uint64_t want = 0;
    uint64_t got = 0;
    unsigned seen = 0;
    struct sampler *s = open_sampler(true, 0);
    (void)refresh(s);
    for (int round = 0; round < ROUNDS && seen < MANY; round++)
        seen = end_many(s, &want, &got);
    assert_int_equal(seen, MANY);
    assert_ratio(got, want, 0.995, 1.005);
    sampler_close(s);
}

static void a_process_that_was_there_before_owes_nothing_for_its_past(void **state)
{
    (void)state;
    struct sampler *s = open_sampler(true, 0);
    burn_ms(60);
    struct sample sample = refresh(s);
    const struct process *self = known(&sample, getpid());
    assert_int_equal(sample.elapsed_ns, 0);
    assert_true(self->run_ns >= 60 * NS_PER_MS && self->pending_ns < 30 * NS_PER_MS);

    uint64_t before = self->run_ns;
    burn_ms(80);
    sample = refresh(s);
    self = known(&sample, getpid());
    assert_true(self->run_ns - before >= 80 * NS_PER_MS);
    assert_true(sample.elapsed_ns >= 80 * NS_PER_MS && sample.run_ns >= 80 * NS_PER_MS);
    assert_true(sample.cpus >= 1 && sample.usage_ratio > 0 && sample.usage_ratio <= 1);
    sampler_close(s);
}

static void a_process_has_name_and_executable_and_follows_an_exec(void **state)
{
    (void)state;
    struct sampler *s = open_sampler(true, 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_NAME, "before-exec");
        (void)raise(SIGSTOP);
        (void)execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
        _exit(9);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    struct sample sample = refresh(s);
    const struct process *p = known(&sample, pid);
    assert_string_equal(p->comm, "before-exec");
    assert_non_null(strstr(p->exe, "sampler_test"));

    (void)kill(pid, SIGCONT);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    sample = refresh(s);
    p = known(&sample, pid);
    assert_string_equal(p->comm, "sh");
    assert_null(strstr(p->exe, "sampler_test"));
    assert_int_equal(p->exe[0], '/');
    (void)kill(pid, SIGKILL);
    (void)reap(pid, SIGKILL);
    sampler_close(s);
}

static void a_zombie_runs_until_it_is_reaped(void **state)
{
    (void)state;
    struct sampler *s = open_sampler(true, 0);
    (void)refresh(s);
    pid_t pid = spawn_zombie(20);
    struct sample sample = refresh(s);
    const struct process *p = known(&sample, pid);
    assert_int_equal(p->state, PROCESS_RUNNING);
    assert_true(p->run_ns >= 20 * NS_PER_MS);
    uint64_t want = reap(pid, 0);
    p = await_end(s, pid, &sample);
    assert_ratio(p->run_ns, want, 0.97, 1.03);
    sampler_close(s);
}

static void past_the_bound_run_time_is_nobodys(void **state)
{
    (void)state;
    struct sampler *s = open_sampler(true, 1);
    (void)refresh(s);
    uint64_t want = reap(spawn_burning(100), 0);
    uint64_t lost = 0;
    uint64_t deadline = clock_monotonic_ns() + RECORD_WAIT_NS;
    struct sample sample;
    do {
        sample = refresh(s);
        lost += sample.lost_ns;
    } while (lost < want && clock_monotonic_ns() < deadline);
    assert_int_equal(sample.processes, 1);
    assert_true(lost >= want);
    sampler_close(s);
}

static void by_proc_a_child_is_seen_in_ticks_and_ends_when_it_vanishes(void **state)
{
    (void)state;
    struct sampler *s = open_sampler(false, 0);
    assert_string_equal(accounting_name(sampler_accounting(s)), "proc");
    (void)refresh(s);
    pid_t pid = spawn_zombie(200);
    struct sample sample = refresh(s);
    const struct process *p = known(&sample, pid);
    assert_ratio(p->run_ns, 200 * NS_PER_MS, 0.85, 1.15);
    assert_true(sample.usage_ratio > 0 && sample.usage_ratio <= 1);
    (void)reap(pid, 0);
    p = await_end(s, pid, &sample);
    assert_true(p->run_ns >= 170 * NS_PER_MS);
    sampler_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_of_300_ms_is_within_1_percent_of_its_rusage),
        cmocka_unit_test(two_hundred_of_2_ms_between_two_refreshes_are_all_seen),
        cmocka_unit_test(a_process_that_was_there_before_owes_nothing_for_its_past),
        cmocka_unit_test(a_process_has_name_and_executable_and_follows_an_exec),
        cmocka_unit_test(a_zombie_runs_until_it_is_reaped),
        cmocka_unit_test(past_the_bound_run_time_is_nobodys),
        cmocka_unit_test(by_proc_a_child_is_seen_in_ticks_and_ends_when_it_vanishes),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
