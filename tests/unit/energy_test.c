/* SPDX-License-Identifier: Apache-2.0 */
#include "host/energy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
    static const char *const names[] = { "powercap", "msr" };
    assert_int_equal(energy_drivers_count, ARRAY_LEN(names));
    for (size_t i = 0; i < energy_drivers_count; i++) {
        assert_string_equal(energy_drivers[i]->name, names[i]);
        assert_non_null(energy_drivers[i]->list);
        assert_non_null(energy_drivers[i]->read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_have_keplers_names),
        cmocka_unit_test(drivers_are_best_first_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
