/* SPDX-License-Identifier: Apache-2.0 */
#include "host/energy.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

static void zones_have_keplers_names(void **state)
{
    (void)state;
    static const char *const names[] = { "package", "dram", "core", "uncore", "psys" };
    assert_int_equal(ARRAY_LEN(names), ZONE_COUNT);
    for (int i = 0; i < ZONE_COUNT; i++)
        assert_string_equal(energy_zone_name((enum energy_zone)i), names[i]);
    assert_string_equal(energy_zone_name(ZONE_COUNT), "unknown");
}

static void drivers_are_best_first_and_whole(void **state)
{
    (void)state;
    static const char *const names[] = { "powercap", "perf", "msr", "hwmon" };
    assert_int_equal(energy_drivers_count, ARRAY_LEN(names));
    for (size_t i = 0; i < energy_drivers_count; i++) {
        assert_string_equal(energy_drivers[i]->name, names[i]);
        assert_non_null(energy_drivers[i]->list);
        assert_non_null(energy_drivers[i]->read);
    }
}

static void done_closes_what_is_open(void **state)
{
    (void)state;
    struct energy_set set = { .n = 3 };
    int open_fd[] = { dup(0), -1, dup(0) };
    for (size_t i = 0; i < ARRAY_LEN(open_fd); i++)
        set.counter[i].fd = open_fd[i];
    assert_true(fcntl(open_fd[0], F_GETFD) >= 0 && fcntl(open_fd[2], F_GETFD) >= 0);
    energy_set_done(&set);
    assert_int_equal(fcntl(open_fd[0], F_GETFD), -1);
    assert_int_equal(fcntl(open_fd[2], F_GETFD), -1);
    assert_int_equal(set.n, 0);
    energy_set_done(&set); /* nothing is left to close */
    assert_int_equal(set.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_have_keplers_names),
        cmocka_unit_test(drivers_are_best_first_and_whole),
        cmocka_unit_test(done_closes_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
