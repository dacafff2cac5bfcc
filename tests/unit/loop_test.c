/* SPDX-License-Identifier: Apache-2.0 */
#include "loop.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_refresh_after_a_late_one_waits_for_the_next(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint64_t late_ms; /* the last refresh, after its time */
        uint64_t period_ms;
        bool is_due; /* at the next ring of the timer */
    } rows[] = {
        { "in time", 0, 5000, true },
        { "a little late", 20, 5000, true },
        { "three quarters late", 3750, 5000, true },
        { "all but 4 ms late", 4996, 5000, false },
        { "the refresh at 500 ms is just before the first of 510 ms", 500, 510, false },
        { "the refresh at 500 ms and the first of a second", 500, 1000, true },
        { "the longest period", 44000, 60000, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t last_ns = 1000 * NS_PER_SEC + rows[i].late_ms * NS_PER_MS;
        uint64_t rings_ns = 1000 * NS_PER_SEC + rows[i].period_ms * NS_PER_MS;
        if (loop_is_due(rings_ns, last_ns, rows[i].period_ms * NS_PER_MS) != rows[i].is_due)
            fail_msg("%s", rows[i].why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refresh_after_a_late_one_waits_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
