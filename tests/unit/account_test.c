/* SPDX-License-Identifier: Apache-2.0 */
/* The books of run time, on records written by hand. */
#include "sample/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define SECOND UINT64_C(1000000000)
#define CAME   (100 * SECOND) /* boot time of the first refresh; clocks are kept equal */

struct books {
    struct account a;
    uint64_t now;
};

static void open_books(struct books *b, size_t limit)
{
    *b = (struct books){ .now = CAME };
    b->a.table = process_table_new(limit);
    b->a.awaits_records = true;
}

static int begin(void **state)
{
    static struct books b;
    open_books(&b, 100);
    *state = &b;
    return 0;
}

static int end(void **state)
{
    struct books *b = *state;
    process_table_free(b->a.table);
    return 0;
}

/* One refresh, @seconds after the last, that lists these threads. */
static void list(struct books *b, uint64_t seconds, const struct task_record *record, size_t n)
{
    b->now += seconds * SECOND;
    account_begin(&b->a, b->now);
    for (size_t i = 0; i < n; i++)
        account_alive(&record[i], &b->a);
    account_end(&b->a, b->now);
}

static void list_none(struct books *b, uint64_t seconds)
{
    list(b, seconds, NULL, 0);
}

static struct task_record thread_of(uint32_t tgid, uint32_t tid, uint64_t start, uint64_t run,
                                    uint64_t dead)
{
    return (struct task_record){
        .tgid = tgid, .pid = tid, .start_ns = start, .run_ns = run, .dead_ns = dead, .comm = "test"
    };
}

static void tell(struct books *b, uint32_t pid, uint64_t start, uint64_t run, uint32_t flags)
{
    struct task_record r = thread_of(pid, pid, start, run, 0);
    r.flags = flags;
    account_ended(&r, &b->a);
}

static const struct process *find(const struct books *b, uint32_t pid, uint64_t start)
{
    struct tracked *t = process_table_find(b->a.table, pid, start);
    return t ? &t->process : NULL;
}

static void what_was_there_before_us_owes_nothing_for_its_past(void **state)
{
    struct books *b = *state;
    struct task_record r = thread_of(7, 7, CAME - SECOND, 5000, 0);
    list(b, 0, &r, 1);
    assert_int_equal(find(b, 7, CAME - SECOND)->pending_ns, 0);
    r.run_ns = 5800;
    list(b, 5, &r, 1);
    assert_int_equal(find(b, 7, CAME - SECOND)->pending_ns, 800);
    assert_int_equal(b->a.run_ns, 800);
}

static void threads_alive_and_dead_are_one_process(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + SECOND;
    list_none(b, 0);
    /* a later record's dead_ns may contain a thread that had a record of its own: not added */
    const struct task_record two[] = { thread_of(8, 8, start, 100, 30),
                                       thread_of(8, 9, start, 50, 80) };
    list(b, 5, two, 2);
    assert_int_equal(find(b, 8, start)->run_ns, 180);
    tell(b, 8, start, 185, 0);
    assert_int_equal(find(b, 8, start)->run_ns, 185);
    assert_int_equal(b->a.run_ns, 185);
}

static void run_time_never_falls(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + 1;
    list_none(b, 0);
    struct task_record r = thread_of(8, 8, start, 100, 0);
    list(b, 5, &r, 1);
    r.run_ns = 90; /* a thread ended between two records */
    list(b, 5, &r, 1);
    assert_int_equal(find(b, 8, start)->run_ns, 100);
    assert_int_equal(b->a.run_ns, 100);
}

static void an_end_is_final_once_its_record_has_come(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + 1;
    list_none(b, 0);
    struct task_record r = thread_of(8, 8, start, 100, 0);
    list(b, 5, &r, 1);
    list_none(b, 5);
    assert_int_equal(find(b, 8, start)->state, PROCESS_LEFT);
    tell(b, 8, start, 140, 0);
    assert_int_equal(find(b, 8, start)->state, PROCESS_ENDED);
    assert_int_equal(b->a.run_ns, 140);
}

static void a_record_that_never_comes_is_waited_for_so_long(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + 1;
    list_none(b, 0);
    struct task_record r = thread_of(8, 8, start, 100, 0);
    list(b, 5, &r, 1);
    for (uint64_t waited = 0; waited < ACCOUNT_LEFT_NS; waited += SECOND) {
        list_none(b, 1);
        assert_int_equal(find(b, 8, start)->state, PROCESS_LEFT);
    }
    list_none(b, 1);
    assert_int_equal(find(b, 8, start)->state, PROCESS_ENDED);
}

static void one_shorter_than_an_interval_counts_whole_and_once(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + SECOND;
    list_none(b, 0);
    tell(b, 9, start, 190, TASKS_EXITING); /* without its last slice */
    assert_int_equal(find(b, 9, start)->state, PROCESS_LEFT);
    assert_int_equal(b->a.run_ns, 190);
    tell(b, 9, start, 200, 0);
    assert_int_equal(find(b, 9, start)->state, PROCESS_ENDED);
    assert_int_equal(b->a.run_ns, 200);
    list_none(b, 5);
    assert_int_equal(b->a.run_ns, 200);
}

static void its_first_word_stands_if_the_last_never_comes(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + SECOND;
    list_none(b, 0);
    tell(b, 9, start, 190, TASKS_EXITING);
    for (int i = 0; i < 20; i++)
        list_none(b, 1);
    assert_int_equal(find(b, 9, start)->state, PROCESS_ENDED);
    assert_int_equal(find(b, 9, start)->pending_ns, 190);
}

static void a_first_word_after_the_last_changes_nothing(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + SECOND;
    list_none(b, 0);
    tell(b, 9, start, 200, 0);
    tell(b, 9, start, 190, TASKS_EXITING);
    assert_int_equal(find(b, 9, start)->state, PROCESS_ENDED);
    assert_int_equal(b->a.run_ns, 200);
}

static void a_leader_that_leaves_its_threads_goes_on(void **state)
{
    struct books *b = *state;
    uint64_t start = CAME + SECOND;
    list_none(b, 0);
    tell(b, 9, start, 100, TASKS_EXITING);
    const struct task_record both[] = { thread_of(9, 9, start, 100, 0),
                                        thread_of(9, 10, start, 60, 0) };
    list(b, 5, both, 2);
    assert_int_equal(find(b, 9, start)->state, PROCESS_RUNNING);
    assert_int_equal(b->a.run_ns, 160);
}

static void what_ended_before_we_came_is_not_ours(void **state)
{
    struct books *b = *state;
    list_none(b, 0);
    tell(b, 9, CAME - SECOND, 190, TASKS_EXITING);
    tell(b, 9, CAME - SECOND, 200, 0);
    assert_null(find(b, 9, CAME - SECOND));
    assert_int_equal(b->a.run_ns, 0);
}

static void a_pid_used_again_is_another_process(void **state)
{
    struct books *b = *state;
    list_none(b, 0);
    tell(b, 9, CAME + 1, 200, 0);
    tell(b, 9, CAME + 2, 300, 0);
    assert_int_equal(find(b, 9, CAME + 1)->run_ns, 200);
    assert_int_equal(find(b, 9, CAME + 2)->run_ns, 300);
    assert_int_equal(b->a.run_ns, 500);
}

static void a_new_name_asks_for_the_executable_again(void **state)
{
    struct books *b = *state;
    struct task_record r = thread_of(7, 7, CAME - 1, 1, 0);
    list(b, 0, &r, 1);
    struct tracked *t = process_table_find(b->a.table, 7, CAME - 1);
    t->exe_is_stale = false;
    memcpy(r.comm, "other", 6);
    list(b, 5, &r, 1);
    assert_true(t->exe_is_stale);
    assert_string_equal(t->process.comm, "other");
}

static void past_the_limit_time_is_counted_and_nobodys(void **state)
{
    (void)state;
    struct books b;
    open_books(&b, 1);
    struct task_record three[] = { thread_of(1, 1, 5, 100, 0), thread_of(2, 2, 6, 100, 10),
                                   thread_of(3, 3, 7, 100, 0) };
    list(&b, 0, three, 3);
    assert_int_equal(b.a.untracked_ns, 0);
    three[1].run_ns += 40;
    three[2].run_ns += 2;
    list(&b, 5, three, 3);
    assert_int_equal(b.a.untracked_ns, 42);
    tell(&b, 4, b.now + 1, 1000, TASKS_EXITING); /* no place: its last record says it */
    tell(&b, 4, b.now + 1, 1001, 0);
    list(&b, 5, three, 3);
    assert_int_equal(b.a.untracked_ns, 1043);
    assert_int_equal(b.a.run_ns, 0);
    process_table_free(b.a.table);
}

#define BOOKS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOOKS_TEST(what_was_there_before_us_owes_nothing_for_its_past),
        BOOKS_TEST(threads_alive_and_dead_are_one_process),
        BOOKS_TEST(run_time_never_falls),
        BOOKS_TEST(an_end_is_final_once_its_record_has_come),
        BOOKS_TEST(a_record_that_never_comes_is_waited_for_so_long),
        BOOKS_TEST(one_shorter_than_an_interval_counts_whole_and_once),
        BOOKS_TEST(its_first_word_stands_if_the_last_never_comes),
        BOOKS_TEST(a_first_word_after_the_last_changes_nothing),
        BOOKS_TEST(a_leader_that_leaves_its_threads_goes_on),
        BOOKS_TEST(what_ended_before_we_came_is_not_ours),
        BOOKS_TEST(a_pid_used_again_is_another_process),
        BOOKS_TEST(a_new_name_asks_for_the_executable_again),
        cmocka_unit_test(past_the_limit_time_is_counted_and_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
