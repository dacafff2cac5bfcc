/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that /proc shows and the task iterator does not, on a dump that the test moves on. */
#include "base/clock.h"
#include "sample/hidden.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

#define TICK_NS UINT64_C(10000000)
#define CAME_NS (UINT64_C(500) * TICK_NS)

struct scene {
    struct tree tree;
    struct reference ref;
    struct hidden hidden;
    struct account account;
    uint64_t boottime_ns;
};

static int begin(void **state)
{
    struct scene *s = mem_new(1, sizeof(*s));
    tree_make(&s->tree);
    s->ref = (struct reference){ .fs = &s->tree.fs, .ns_per_tick = TICK_NS };
    s->hidden.ref = &s->ref;
    s->account.table = process_table_new(100);
    s->account.awaits_records = true;
    s->boottime_ns = CAME_NS;
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct scene *s = *state;
    process_table_free(s->account.table);
    tree_remove(&s->tree);
    free(s);
    return 0;
}

static void put_process(const struct scene *s, unsigned pid, const char *comm, unsigned start_ticks)
{
    AUTO_STR path = mem_printf("/proc/%u/stat", pid);
    AUTO_STR text = mem_printf("%u (%s) S 0 0 0 0 -1 4194560 1 1 0 0 7 8 0 0 20 0 1 0 %u 0 0\n",
                               pid, comm, start_ticks);
    tree_put(&s->tree, path, text);
}

static void put_thread(const struct scene *s, unsigned pid, unsigned tid, unsigned long long run_ns)
{
    AUTO_STR path = mem_printf("/proc/%u/task/%u/schedstat", pid, tid);
    AUTO_STR text = mem_printf("%llu 43003965 1110\n", run_ns);
    tree_put(&s->tree, path, text);
}

/* One refresh, in which the iterator lists pid 2 and nothing else. */
static void refresh(struct scene *s, uint64_t seconds)
{
    const struct task_record listed = { .tgid = 2, .pid = 2, .start_ns = 12345, .run_ns = 1000 };
    s->boottime_ns += seconds * NS_PER_SEC;
    account_begin(&s->account, s->boottime_ns);
    account_alive(&listed, &s->account);
    hidden_alive(&s->hidden, &s->account);
    account_end(&s->account, s->boottime_ns);
}

static const struct process *find(const struct scene *s, unsigned pid, unsigned start_ticks)
{
    struct tracked *t = process_table_find(s->account.table, pid, start_ticks * TICK_NS);
    return t ? &t->process : NULL;
}

static void its_threads_are_summed_from_where_we_came(void **state)
{
    struct scene *s = *state;
    put_process(s, 1, "init", 5);
    put_thread(s, 1, 1, 4000);
    put_thread(s, 1, 75, 6000);
    put_process(s, 2, "kthreadd", 5); /* listed: not taken twice */
    put_thread(s, 2, 2, 99999);
    refresh(s, 0);
    assert_int_equal(s->hidden.n, 1);
    const struct process *init = find(s, 1, 5);
    assert_non_null(init);
    assert_string_equal(init->comm, "init");
    assert_int_equal(init->run_ns, 10000);
    assert_int_equal(init->pending_ns, 0);

    put_thread(s, 1, 75, 6500);
    refresh(s, 1);
    assert_int_equal(init->run_ns, 10500);
    assert_int_equal(init->pending_ns, 500);
    assert_null(find(s, 2, 5));
}

static void a_thread_that_has_gone_keeps_what_it_ran(void **state)
{
    struct scene *s = *state;
    put_process(s, 1, "init", 5);
    put_thread(s, 1, 1, 4000);
    put_thread(s, 1, 75, 6000);
    refresh(s, 0);
    tree_drop(&s->tree, "/proc/1/task/75");
    refresh(s, 1);
    put_thread(s, 1, 1, 4100);
    refresh(s, 1);
    assert_int_equal(find(s, 1, 5)->run_ns, 10100);
}

static void one_that_began_after_us_is_left_to_its_last_record(void **state)
{
    struct scene *s = *state;
    put_process(s, 7, "young", 500);
    put_thread(s, 7, 7, 4000);
    refresh(s, 0);
    refresh(s, 120);
    assert_int_equal(s->hidden.n, 0);
}

static void it_is_looked_for_once_a_minute(void **state)
{
    struct scene *s = *state;
    refresh(s, 0);
    put_process(s, 9, "late", 5);
    put_thread(s, 9, 9, 4000);
    refresh(s, 30);
    assert_int_equal(s->hidden.n, 0);
    refresh(s, 30);
    assert_int_equal(s->hidden.n, 1);
}

static void gone_or_taken_by_another_it_is_dropped(void **state)
{
    struct scene *s = *state;
    put_process(s, 1, "init", 5);
    put_thread(s, 1, 1, 4000);
    put_process(s, 8, "other", 6);
    refresh(s, 0);
    assert_int_equal(s->hidden.n, 2);
    put_process(s, 1, "next", 300);
    tree_drop(&s->tree, "/proc/8");
    refresh(s, 1);
    assert_int_equal(s->hidden.n, 0);
    assert_int_equal(find(s, 1, 5)->state, PROCESS_LEFT);
}

static void more_than_are_kept_are_left_out(void **state)
{
    struct scene *s = *state;
    for (unsigned pid = 100; pid < 100 + HIDDEN_MAX + 5; pid++)
        put_process(s, pid, "many", 5);
    refresh(s, 0);
    assert_int_equal(s->hidden.n, HIDDEN_MAX);
}

static void schedstat_of_every_shape(void **state)
{
    static const struct {
        const char *why, *text;
        uint64_t ns;
    } rows[] = {
        { "run time, wait time, slices", "4882986149 27087412582 5026\n", 4882986149 },
        { "one number", "7", 7 },
        { "never ran", "0 0 0\n", 0 },
        { "nothing", "", 0 },
        { "text", "abc 1 2\n", 0 },
        { "more than 64 bits", "99999999999999999999 1 2\n", 0 },
        { "longer than any number", "111111111111111111111111111111 1 2\n", 0 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (hidden_schedstat_parse(rows[i].text) != rows[i].ns)
            fail_msg("%s", rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(its_threads_are_summed_from_where_we_came, begin, end),
        cmocka_unit_test_setup_teardown(a_thread_that_has_gone_keeps_what_it_ran, begin, end),
        cmocka_unit_test_setup_teardown(one_that_began_after_us_is_left_to_its_last_record, begin,
                                        end),
        cmocka_unit_test_setup_teardown(it_is_looked_for_once_a_minute, begin, end),
        cmocka_unit_test_setup_teardown(gone_or_taken_by_another_it_is_dropped, begin, end),
        cmocka_unit_test_setup_teardown(more_than_are_kept_are_left_out, begin, end),
        cmocka_unit_test(schedstat_of_every_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
