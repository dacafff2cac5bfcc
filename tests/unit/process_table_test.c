/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and the books of run time that are kept in it. */
#include "sample/account.h"
#include "sample/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define CAME    UINT64_C(1000) /* boot time of the first refresh in these tests */
#define SECOND  UINT64_C(1000000000)
#define OLD     UINT64_C(10) /* start of a process that was there before us */
#define YOUNG   UINT64_C(1500)
#define NOBODYS 77

static void identity_is_pid_and_start(void **state)
{
    (void)state;
    struct process_table *t = process_table_new(10);
    struct tracked *first = process_table_add(t, 7, 100);
    struct tracked *second = process_table_add(t, 7, 200);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(process_table_find(t, 7, 100), first);
    assert_ptr_equal(process_table_find(t, 7, 200), second);
    assert_null(process_table_find(t, 8, 100));
    assert_string_equal(first->process.exe, "");
    process_table_free(t);
    process_table_free(NULL);
}

static void holds_no_more_than_its_limit_and_takes_again_what_was_freed(void **state)
{
    (void)state;
    struct process_table *t = process_table_new(3);
    for (uint32_t pid = 1; pid <= 3; pid++)
        assert_non_null(process_table_add(t, pid, 1));
    assert_null(process_table_add(t, 4, 1));
    assert_int_equal(process_table_count(t), 3);
    process_table_remove(t, process_table_find(t, 1, 1));
    assert_non_null(process_table_add(t, 4, 1));
    assert_null(process_table_find(t, 1, 1));
    process_table_free(t);
}

static void thousands_come_and_go(void **state)
{
    (void)state;
    enum {
        MANY = 5000
    };
    struct process_table *t = process_table_new(MANY);
    for (uint32_t pid = 1; pid <= MANY; pid++)
        assert_non_null(process_table_add(t, pid, pid * SECOND));
    for (size_t i = process_table_count(t); i-- > 0;) {
        struct tracked *p = process_table_at(t, i);
        if (p->process.pid % 3 == 0)
            process_table_remove(t, p);
    }
    for (uint32_t pid = 1; pid <= MANY; pid++)
        assert_int_equal(process_table_find(t, pid, pid * SECOND) != NULL, pid % 3 != 0);
    size_t n = 0;
    struct process **list = process_table_list(t, &n);
    assert_int_equal(n, MANY - MANY / 3);
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(process_table_find(t, list[i]->pid, list[i]->start_ns), list[i]);
    process_table_free(t);
}

static void a_list_outlives_the_removal_of_what_it_names(void **state)
{
    (void)state;
    struct process_table *t = process_table_new(2);
    (void)process_table_add(t, 1, 1);
    struct tracked *kept = process_table_add(t, 2, 1);
    size_t n = 0;
    struct process **list = process_table_list(t, &n);
    process_table_remove(t, process_table_find(t, 1, 1));
    assert_int_equal(n, 2);
    assert_ptr_equal(list[1], kept);
    process_table_free(t);
}

/* -- the books -- */

enum step_kind {
    BEGIN, /* a refresh; now */
    ALIVE, /* a thread: pid, start, run, dead, tid (0: the leader) */
    END,   /* of the list; now */
    ENDED, /* a last record: pid, start, run */
    SELF,  /* run */
};

struct step {
    enum step_kind kind;
    uint32_t pid;
    uint64_t start_or_now, run, dead;
    uint32_t tid;
};

struct expected {
    uint32_t pid;
    uint64_t start, run, pending;
    enum process_state state;
};

struct scene {
    const char *why;
    size_t limit;
    bool by_proc;
    struct step step[24]; /* ends at a BEGIN at 0 */
    struct expected process[4];
    uint64_t run, untracked;
};

static const struct scene scenes[] = {
    { "what it ran before we came is not ours, what it runs after is",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 500, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 1, OLD, 530, 0, 0 },
        { END, 0, 2, 0, 0, 0 } },
      { { 1, OLD, 530, 30, PROCESS_RUNNING } },
      30,
      0 },
    { "a process that began after we came is ours as a whole",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 1, YOUNG, 40, 0, 0 },
        { END, 0, 2, 0, 0, 0 } },
      { { 1, YOUNG, 40, 40, PROCESS_RUNNING } },
      40,
      0 },
    { "a last record of one that was never listed counts as a whole",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 }, { END, 0, 1, 0, 0, 0 }, { ENDED, 3, YOUNG, 20, 0, 0 } },
      { { 3, YOUNG, 20, 20, PROCESS_ENDED } },
      20,
      0 },
    { "a last record of one that was there before us and never listed counts nothing",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 }, { END, 0, 1, 0, 0, 0 }, { ENDED, 3, OLD, 20, 0, 0 } },
      { { 0 } },
      0,
      0 },
    { "a record before the first refresh counts nothing",
      9,
      false,
      { { ENDED, 3, OLD, 20, 0, 0 } },
      { { 0 } },
      0,
      0 },
    { "it ends after it was listed, in the same refresh: the last record adds the rest",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { ENDED, 1, OLD, 107, 0, 0 } },
      { { 1, OLD, 107, 7, PROCESS_ENDED } },
      7,
      0 },
    { "no longer listed, its last record still under way: left",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { END, 0, 2, 0, 0, 0 } },
      { { 1, OLD, 100, 0, PROCESS_LEFT } },
      0,
      0 },
    { "its record comes a refresh later",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { END, 0, 2, 0, 0, 0 },
        { ENDED, 1, OLD, 109, 0, 0 },
        { BEGIN, 0, 3000, 0, 0, 0 },
        { END, 0, 3, 0, 0, 0 } },
      { { 1, OLD, 109, 9, PROCESS_ENDED } },
      9,
      0 },
    { "its record never comes: it has ended with what was seen",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { END, 0, 1 * SECOND, 0, 0, 0 },
        { BEGIN, 0, 3000, 0, 0, 0 },
        { END, 0, 6 * SECOND, 0, 0, 0 },
        { BEGIN, 0, 4000, 0, 0, 0 },
        { END, 0, 11 * SECOND, 0, 0, 0 },
        { BEGIN, 0, 5000, 0, 0, 0 },
        { END, 0, 16 * SECOND, 0, 0, 0 } },
      { { 1, OLD, 100, 0, PROCESS_ENDED } },
      0,
      0 },
    { "short refreshes do not shorten the wait",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { END, 0, 2, 0, 0, 0 },
        { BEGIN, 0, 3000, 0, 0, 0 },
        { END, 0, 3, 0, 0, 0 },
        { BEGIN, 0, 4000, 0, 0, 0 },
        { END, 0, 4, 0, 0, 0 },
        { BEGIN, 0, 5000, 0, 0, 0 },
        { END, 0, 5, 0, 0, 0 },
        { BEGIN, 0, 6000, 0, 0, 0 },
        { END, 0, 6, 0, 0, 0 } },
      { { 1, OLD, 100, 0, PROCESS_LEFT } },
      0,
      0 },
    { "threads, alive and dead, are one sum",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 5, YOUNG, 10, 100, 5 },
        { ALIVE, 6, YOUNG, 1, 0, 6 },
        { ALIVE, 5, YOUNG, 20, 100, 9 },
        { END, 0, 2, 0, 0, 0 } },
      { { 5, YOUNG, 130, 130, PROCESS_RUNNING }, { 6, YOUNG, 1, 1, PROCESS_RUNNING } },
      131,
      0 },
    { "a thread that ends between its own record and its leader's is not counted twice",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 5, YOUNG, 30, 0, 4 },
        { ALIVE, 5, YOUNG, 10, 30, 5 },
        { END, 0, 2, 0, 0, 0 } },
      { { 5, YOUNG, 40, 40, PROCESS_RUNNING } },
      40,
      0 },
    { "a thread missing for one refresh lowers nothing, and is caught up",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 5, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 5, OLD, 70, 0, 0 },
        { END, 0, 2, 0, 0, 0 },
        { BEGIN, 0, 3000, 0, 0, 0 },
        { ALIVE, 5, OLD, 90, 40, 0 },
        { END, 0, 3, 0, 0, 0 } },
      { { 5, OLD, 130, 30, PROCESS_RUNNING } },
      30,
      0 },
    { "a pid taken again is another process",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 5, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 5, YOUNG, 3, 0, 0 },
        { END, 0, 2, 0, 0, 0 },
        { ENDED, 5, OLD, 104, 0, 0 } },
      { { 5, OLD, 104, 4, PROCESS_ENDED }, { 5, YOUNG, 3, 3, PROCESS_RUNNING } },
      7,
      0 },
    { "our own run time is read later than the list",
      9,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, NOBODYS, OLD, 50, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { SELF, 0, 0, 58, 0, 0 } },
      { { NOBODYS, OLD, 58, 8, PROCESS_RUNNING } },
      8,
      0 },
    { "by /proc a process that has vanished has ended",
      9,
      true,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { END, 0, 2, 0, 0, 0 } },
      { { 1, OLD, 100, 0, PROCESS_ENDED } },
      0,
      0 },
    { "past the bound time is nobody's: of the old what they run, of the young all",
      1,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { ALIVE, 2, OLD, 900, 50, 0 },
        { END, 0, 1, 0, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 1, OLD, 101, 0, 0 },
        { ALIVE, 2, OLD, 910, 50, 0 },
        { ALIVE, 3, YOUNG, 5, 0, 0 },
        { END, 0, 2, 0, 0, 0 } },
      { { 1, OLD, 101, 1, PROCESS_RUNNING } },
      1,
      15 },
    { "past the bound the ended count too, once",
      1,
      false,
      { { BEGIN, 0, CAME, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { ALIVE, 2, OLD, 900, 0, 0 },
        { END, 0, 1, 0, 0, 0 },
        { ENDED, 2, OLD, 903, 0, 0 },
        { ENDED, 4, YOUNG, 6, 0, 0 },
        { BEGIN, 0, 2000, 0, 0, 0 },
        { ALIVE, 1, OLD, 100, 0, 0 },
        { END, 0, 2, 0, 0, 0 } },
      { { 1, OLD, 100, 0, PROCESS_RUNNING } },
      0,
      9 },
};

static void play(struct account *a, const struct step *s)
{
    struct task_record record = {
        .tgid = s->pid,
        .pid = s->tid ? s->tid : s->pid,
        .start_ns = s->start_or_now,
        .run_ns = s->run,
        .dead_ns = s->dead,
        .comm = "worker",
    };
    switch (s->kind) {
    case BEGIN:
        account_begin(a, s->start_or_now);
        break;
    case ALIVE:
        account_alive(&record, a);
        break;
    case END:
        account_end(a, s->start_or_now);
        break;
    case ENDED:
        account_ended(&record, a);
        break;
    case SELF:
        account_self(a, s->run);
        break;
    }
}

static void check(const struct scene *scene, const struct account *a)
{
    size_t n = 0;
    for (; n < 4 && scene->process[n].pid; n++) {
        const struct expected *want = &scene->process[n];
        const struct tracked *t = process_table_find(a->table, want->pid, want->start);
        if (!t)
            fail_msg("%s: process %u is missing", scene->why, want->pid);
        const struct process *p = &t->process;
        if (p->run_ns != want->run || p->pending_ns != want->pending || p->state != want->state)
            fail_msg("%s: process %u has run %llu, pending %llu, state %d", scene->why, want->pid,
                     (unsigned long long)p->run_ns, (unsigned long long)p->pending_ns,
                     (int)p->state);
        assert_string_equal(p->comm, "worker");
    }
    if (process_table_count(a->table) != n || a->run_ns != scene->run ||
        a->untracked_ns != scene->untracked)
        fail_msg("%s: %zu processes, run %llu, untracked %llu", scene->why,
                 process_table_count(a->table), (unsigned long long)a->run_ns,
                 (unsigned long long)a->untracked_ns);
}

static void every_nanosecond_is_booked_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        const struct scene *scene = &scenes[i];
        struct account a = { .table = process_table_new(scene->limit),
                             .awaits_records = !scene->by_proc,
                             .self_pid = NOBODYS };
        for (const struct step *s = scene->step; s->kind != BEGIN || s->start_or_now; s++)
            play(&a, s);
        check(scene, &a);
        process_table_free(a.table);
    }
}

static void room_that_opens_admits_without_counting_twice(void **state)
{
    (void)state;
    struct account a = { .table = process_table_new(1), .awaits_records = true };
    const struct step first[] = {
        { BEGIN, 0, CAME, 0, 0, 0 }, { ALIVE, 1, OLD, 100, 0, 0 }, { ALIVE, 2, OLD, 900, 0, 0 },
        { END, 0, 1, 0, 0, 0 },      { ENDED, 1, OLD, 100, 0, 0 },
    };
    const struct step second[] = {
        { BEGIN, 0, 2000, 0, 0, 0 }, { ALIVE, 2, OLD, 910, 0, 0 }, { END, 0, 2, 0, 0, 0 },
        { BEGIN, 0, 3000, 0, 0, 0 }, { ALIVE, 2, OLD, 950, 0, 0 }, { END, 0, 3, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        play(&a, &first[i]);
    process_table_remove(a.table, process_table_find(a.table, 1, OLD));
    for (size_t i = 0; i < sizeof(second) / sizeof(second[0]); i++)
        play(&a, &second[i]);

    const struct tracked *t = process_table_find(a.table, 2, OLD);
    assert_non_null(t);
    assert_int_equal(t->process.run_ns, 950);
    assert_int_equal(t->process.pending_ns, 40);
    assert_int_equal(a.untracked_ns, 10);
    process_table_free(a.table);
}

static void a_new_name_makes_its_executable_stale(void **state)
{
    (void)state;
    struct account a = { .table = process_table_new(1), .awaits_records = true };
    struct task_record r = { .tgid = 1, .pid = 1, .start_ns = OLD, .flags = TASKS_KTHREAD };
    memcpy(r.comm, "sh", 3);
    account_begin(&a, CAME);
    account_alive(&r, &a);
    account_end(&a, 1);
    struct tracked *t = process_table_find(a.table, 1, OLD);
    assert_true(t->exe_is_stale && t->process.kernel_thread);
    t->exe_is_stale = false;
    account_begin(&a, CAME + 1);
    account_alive(&r, &a);
    account_end(&a, 2);
    assert_false(t->exe_is_stale);
    memset(r.comm, 'x', sizeof(r.comm)); /* not terminated: cut, never read past its end */
    account_begin(&a, CAME + 2);
    account_alive(&r, &a);
    account_end(&a, 3);
    assert_true(t->exe_is_stale);
    assert_int_equal(strlen(t->process.comm), sizeof(r.comm) - 1);
    process_table_free(a.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identity_is_pid_and_start),
        cmocka_unit_test(holds_no_more_than_its_limit_and_takes_again_what_was_freed),
        cmocka_unit_test(thousands_come_and_go),
        cmocka_unit_test(a_list_outlives_the_removal_of_what_it_names),
        cmocka_unit_test(every_nanosecond_is_booked_once),
        cmocka_unit_test(room_that_opens_admits_without_counting_twice),
        cmocka_unit_test(a_new_name_makes_its_executable_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
