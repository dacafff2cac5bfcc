/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "sample/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

static double add(struct coverage *c, double second, double run, double reference)
{
    const struct coverage_point now = {
        .taken_ns = (uint64_t)(second * 1e9) + 1,
        .run_ns = (uint64_t)(run * 1e9),
        .reference_ns = (uint64_t)(reference * 1e9),
    };
    return coverage_add(c, &now);
}

static void nothing_is_known_before_two_seconds(void **state)
{
    (void)state;
    struct coverage c = { 0 };
    assert_near(add(&c, 0, 0, 100), -1, 1e-6, "the first second");
    assert_near(add(&c, 1, 1, 101), -1, 1e-6, "one second of window");
    assert_near(add(&c, 2, 1.5, 102), 0.75, 1e-6, "two seconds of window");
}

static void only_the_last_minute_counts(void **state)
{
    (void)state;
    struct coverage c = { 0 };
    double run = 0;
    double reference = 50;
    for (int second = 0; second <= 300; second++) {
        run += second <= 100 ? 0.5 : 1; /* half was missed until second 100 */
        reference += 1;
        double got = add(&c, second, run, reference);
        if (second >= 2 && second <= 100)
            assert_near(got, 0.5, 1e-6, "while half is missed");
        if (second >= 160)
            assert_near(got, 1, 1e-6, "a minute after the last miss");
    }
}

static void short_intervals_do_not_shorten_the_window(void **state)
{
    (void)state;
    struct coverage c = { 0 };
    double got = -1;
    for (int tenth = 0; tenth <= 900; tenth++) {
        double second = tenth / 10.0;
        got = add(&c, second, second < 40 ? 0 : second - 40, second);
    }
    /* of the last 60 s, second 30 to 90, the first ten saw nothing */
    assert_near(got, 50.0 / 60.0, 0.02, "fifty seconds of sixty");
}

static void long_intervals_still_have_a_window(void **state)
{
    (void)state;
    struct coverage c = { 0 };
    (void)add(&c, 0, 0, 0);
    assert_near(add(&c, 600, 300, 600), 0.5, 1e-6, "a window of ten minutes");
    assert_near(add(&c, 1200, 900, 1200), 1, 1e-6, "the ten minutes after");
}

static void a_counter_that_stands_still_or_goes_back_tells_nothing(void **state)
{
    (void)state;
    struct coverage c = { 0 };
    (void)add(&c, 0, 0, 10);
    assert_near(add(&c, 5, 1, 10), -1, 1e-6, "stands still");
    assert_near(add(&c, 10, 1, 9), -1, 1e-6, "goes back");
}

static void this_host_has_a_counter_that_advances(void **state)
{
    (void)state;
    struct rootfs fs = ROOTFS_NONE;
    struct reference ref;
    struct err err = { 0 };
    assert_int_equal(rootfs_open(&fs, &(struct rootfs_paths){ 0 }, &err), 0);
    assert_int_equal(reference_init(&ref, &fs, &err), 0);
    uint64_t before = 0;
    uint64_t after = 0;
    assert_int_equal(reference_read(&ref, &before), 0);
    uint64_t deadline = clock_monotonic_ns() + 5 * NS_PER_SEC;
    do {
        assert_int_equal(reference_read(&ref, &after), 0);
    } while (after == before && clock_monotonic_ns() < deadline);
    assert_true(after > before);

    uint64_t task_ns = 0;
    uint64_t irq_ns = 0;
    assert_int_equal(reference_stat_read(&ref, &task_ns, &irq_ns), 0);
    assert_true(task_ns > 0);
    if (!ref.irq_is_separate)
        assert_int_equal(reference_irq_ns(&ref), 0);
    rootfs_close(&fs);
}

static void a_root_without_proc_is_a_clear_error(void **state)
{
    (void)state;
    struct rootfs fs = ROOTFS_NONE;
    struct reference ref;
    struct err err = { 0 };
    const struct rootfs_paths empty = { .root = "/var/empty", .procfs = NULL };
    const struct rootfs_paths other = { .root = "/usr/share" };
    if (rootfs_open(&fs, &empty, &err) < 0)
        assert_int_equal(rootfs_open(&fs, &other, &err), 0);
    assert_true(reference_init(&ref, &fs, &err) < 0);
    assert_true(err.text[0] != '\0');
    rootfs_close(&fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_two_seconds),
        cmocka_unit_test(only_the_last_minute_counts),
        cmocka_unit_test(short_intervals_do_not_shorten_the_window),
        cmocka_unit_test(long_intervals_still_have_a_window),
        cmocka_unit_test(a_counter_that_stands_still_or_goes_back_tells_nothing),
        cmocka_unit_test(this_host_has_a_counter_that_advances),
        cmocka_unit_test(a_root_without_proc_is_a_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
