/* SPDX-License-Identifier: Apache-2.0 */
/* The real thing: eBPF in the running kernel, against what the kernel tells a parent of its
   children. Where bpf(2) is refused the tests are skipped, and say why. */
#include "base/clock.h"
#include "bpf/tasks_reader.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "child.h"

#define RECORD_WAIT_NS (2 * NS_PER_SEC)

/* What is known of one process: its last record, its threads, or the sum over many that ended. */
struct seen {
    pid_t pid; /* 0: children of @parent instead */
    pid_t parent;
    unsigned records;
    uint64_t run_ns;
    struct task_record last;
};

static void note(const struct task_record *record, void *arg)
{
    struct seen *s = arg;
    if (record->flags & TASKS_EXITING)
        return;
    if (s->pid ? record->tgid != (__u32)s->pid : record->ppid != (__u32)s->parent)
        return;
    if (s->records == 0)
        s->run_ns += record->dead_ns;
    s->records++;
    s->run_ns += record->run_ns;
    s->last = *record;
}

static struct tasks_reader *open_or_skip(void)
{
    struct tasks_reader *r = NULL;
    struct err err = { 0 };
    int code = tasks_reader_open(&r, &err);
    if (code < 0) {
        print_message("skipped: %s\n", err.text);
        assert_true(err.text[0] != '\0');
        skip();
    }
    return r;
}

/* True once @n records of what @s looks for have come. */
static bool come_ended(struct tasks_reader *r, struct seen *s, unsigned n)
{
    uint64_t deadline = clock_monotonic_ns() + RECORD_WAIT_NS;
    while (s->records < n && clock_monotonic_ns() < deadline) {
        __u64 lost = 0;
        __u64 lost_ns = 0;
        assert_int_equal(tasks_reader_ended(r, note, s, &lost, &lost_ns), 0);
        assert_int_equal(lost, 0);
        (void)usleep(1000);
    }
    return s->records == n;
}

/* Some kernels let sched_process_free pass for some 8 ms once in half a minute (seen by a program
   that does nothing but count): one child that falls into it says nothing about ours. That records
   do come is for the test with many children to say, which fails if they do not. */
static void await_ended(struct tasks_reader *r, struct seen *s, unsigned n)
{
    if (come_ended(r, s, n))
        return;
    print_message("skipped: this kernel did not fire sched_process_free for a child that ended\n");
    tasks_reader_close(r);
    skip();
}

static void all_acts_work_or_one_says_why(void **state)
{
    (void)state;
    struct bpf_acts acts;
    bpf_acts_try(&acts);
    bool all = acts.syscall && acts.btf && acts.iter_task && acts.process_free && acts.ringbuf;
    print_message("acts: %s\n", all ? "all" : acts.error);
    assert_true(all == (acts.error[0] == '\0'));

    struct tasks_reader *r = NULL;
    struct err err = { 0 };
    bool opens = tasks_reader_open(&r, &err) == 0;
    tasks_reader_close(r);
    assert_true(opens == (acts.iter_task && acts.process_free));
}

static void this_very_process_is_listed_with_its_run_time(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    struct seen self = { .pid = getpid() };
    burn_ms(50);
    struct timespec before;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before); /* books the running slice, too */
    assert_int_equal(tasks_reader_alive(r, note, &self), 0);
    uint64_t want = (uint64_t)before.tv_sec * NS_PER_SEC + (uint64_t)before.tv_nsec;

    assert_int_equal(self.records, 1);
    assert_int_equal(self.last.ppid, getppid());
    assert_int_equal(self.last.flags, 0);
    assert_true(self.last.start_ns < clock_boottime_ns());
    assert_true(self.run_ns >= want && self.run_ns < want + 50 * NS_PER_MS);
    char comm[TASKS_COMM_LEN + 1] = "";
    (void)prctl(PR_GET_NAME, comm);
    assert_string_equal(self.last.comm, comm);
    tasks_reader_close(r);
}

static void note_kernel_thread(const struct task_record *record, void *arg)
{
    bool *kthreadd = arg;
    if (record->tgid == 2)
        *kthreadd = record->flags == TASKS_KTHREAD && strcmp(record->comm, "kthreadd") == 0;
}

static void kernel_threads_are_marked(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    bool marked = false;
    assert_int_equal(tasks_reader_alive(r, note_kernel_thread, &marked), 0);
    assert_true(marked);
    tasks_reader_close(r);
}

static void a_child_that_burned_300_ms_is_within_1_percent_of_rusage(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    pid_t pid = spawn_burning(300);
    uint64_t want = reap(pid, 0);
    struct seen child = { .pid = pid };
    await_ended(r, &child, 1);
    assert_ratio(child.run_ns, want, 0.99, 1.01);
    assert_int_equal(child.last.pid, pid);
    assert_int_equal(child.last.dead_ns, 0);
    tasks_reader_close(r);
}

static uint64_t end_two_hundred_of_2_ms(void)
{
    uint64_t used = 0;
    for (unsigned i = 0; i < 200; i++) {
        used += reap(spawn_burning(2), 0);
    }
    return used;
}

/* All of them, in one of a few rounds at least: see await_ended(). */
static void two_hundred_children_of_2_ms_are_all_told_of(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    struct seen children = { 0 };
    uint64_t want = 0;
    bool all = false;
    for (int round = 0; round < 4 && !all; round++) {
        children = (struct seen){ .parent = getpid() };
        want = end_two_hundred_of_2_ms();
        all = come_ended(r, &children, 200);
    }
    assert_int_equal(children.records, 200);
    assert_ratio(children.run_ns, want, 0.995, 1.005);
    tasks_reader_close(r);
}

static void *burn_thread(void *arg)
{
    burn_ms(*(const unsigned *)arg);
    return NULL;
}

static void burn_in_threads(unsigned threads, unsigned ms)
{
    pthread_t thread[8];
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_create(&thread[i], NULL, burn_thread, &ms);
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(thread[i], NULL);
}

static void threads_that_are_gone_still_count(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    pid_t pid = fork();
    if (pid == 0) {
        burn_in_threads(4, 40);
        (void)raise(SIGSTOP); /* alive, with its threads gone */
        burn_in_threads(4, 40);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));

    struct seen stopped = { .pid = pid };
    assert_int_equal(tasks_reader_alive(r, note, &stopped), 0);
    assert_int_equal(stopped.records, 1);
    assert_true(stopped.last.dead_ns >= 158 * NS_PER_MS && stopped.last.run_ns < stopped.run_ns);

    (void)kill(pid, SIGCONT);
    uint64_t want = reap(pid, 0);
    struct seen child = { .pid = pid };
    await_ended(r, &child, 1);
    assert_ratio(child.run_ns, want, 0.99, 1.01);
    tasks_reader_close(r);
}

static void *exec_thread(void *arg)
{
    (void)arg;
    burn_ms(30);
    (void)execl("/bin/sh", "sh", "-c", "kill -STOP $$", (char *)NULL);
    _exit(9);
}

static void exec_by_another_thread_keeps_identity_and_time(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    int go[2];
    assert_int_equal(pipe(go), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char byte;
        if (read(go[0], &byte, 1) != 1)
            _exit(1);
        burn_ms(30);
        pthread_t thread;
        (void)pthread_create(&thread, NULL, exec_thread, NULL);
        (void)pthread_join(thread, NULL); /* never: the exec ends this thread */
        _exit(8);
    }
    struct seen before = { .pid = pid };
    assert_int_equal(tasks_reader_alive(r, note, &before), 0);
    assert_int_equal(write(go[1], "x", 1), 1);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));

    struct seen after = { .pid = pid };
    assert_int_equal(tasks_reader_alive(r, note, &after), 0);
    assert_int_equal(after.records, 1);
    assert_int_equal(after.last.pid, pid);
    assert_int_equal(after.last.start_ns, before.last.start_ns);
    assert_string_equal(after.last.comm, "sh");
    assert_true(after.run_ns >= 60 * NS_PER_MS);

    (void)kill(pid, SIGCONT);
    uint64_t want = reap(pid, 0);
    struct seen ended = { .pid = pid };
    await_ended(r, &ended, 1);
    assert_int_equal(ended.last.start_ns, before.last.start_ns);
    assert_ratio(ended.run_ns, want, 0.99, 1.01);
    (void)close(go[0]);
    (void)close(go[1]);
    tasks_reader_close(r);
}

static void a_zombie_is_listed_until_it_is_reaped(void **state)
{
    (void)state;
    struct tasks_reader *r = open_or_skip();
    pid_t pid = spawn_zombie(20);
    struct seen zombie = { .pid = pid };
    assert_int_equal(tasks_reader_alive(r, note, &zombie), 0);
    assert_int_equal(zombie.records, 1);
    assert_true(zombie.run_ns >= 20 * NS_PER_MS);

    uint64_t want = reap(pid, 0);
    struct seen ended = { .pid = pid };
    await_ended(r, &ended, 1);
    assert_ratio(ended.run_ns, want, 0.97, 1.03);
    assert_true(ended.run_ns >= zombie.run_ns);
    struct seen gone = { .pid = pid };
    assert_int_equal(tasks_reader_alive(r, note, &gone), 0);
    assert_int_equal(gone.records, 0);
    tasks_reader_close(r);
}

static void a_part_alone_tells_only_its_own(void **state)
{
    (void)state;
    tasks_reader_close(open_or_skip());
    struct tasks_reader *r = NULL;
    assert_int_equal(tasks_reader_open_parts(TASKS_PART_ENDED, &r, NULL), 0);
    struct seen self = { .pid = getpid() };
    assert_int_equal(tasks_reader_alive(r, note, &self), 0);
    assert_int_equal(self.records, 0);
    tasks_reader_close(r);
    tasks_reader_close(NULL);
}

/* Runs in a child of its own: capabilities that are gone do not come back. */
static void a_refusal_names_what_is_needed(void **state)
{
    (void)state;
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct tasks_reader *r = NULL;
        struct err err = { 0 };
        (void)!setgid(65534);
        (void)!setuid(65534);
        int code = tasks_reader_open(&r, &err);
        (void)!write(out[1], err.text, strlen(err.text));
        _exit(code == -EPERM || code == -EACCES ? 0 : 1);
    }
    (void)close(out[1]);
    char text[600] = "";
    ssize_t n = read(out[0], text, sizeof(text) - 1);
    (void)close(out[0]);
    (void)reap(pid, 0);
    assert_true(n > 0);
    print_message("%s\n", text);
    assert_non_null(strstr(text, "CAP_BPF and CAP_PERFMON"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_acts_work_or_one_says_why),
        cmocka_unit_test(this_very_process_is_listed_with_its_run_time),
        cmocka_unit_test(kernel_threads_are_marked),
        cmocka_unit_test(a_child_that_burned_300_ms_is_within_1_percent_of_rusage),
        cmocka_unit_test(two_hundred_children_of_2_ms_are_all_told_of),
        cmocka_unit_test(threads_that_are_gone_still_count),
        cmocka_unit_test(exec_by_another_thread_keeps_identity_and_time),
        cmocka_unit_test(a_zombie_is_listed_until_it_is_reaped),
        cmocka_unit_test(a_part_alone_tells_only_its_own),
        cmocka_unit_test(a_refusal_names_what_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
