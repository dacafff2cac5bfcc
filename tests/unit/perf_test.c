/* SPDX-License-Identifier: Apache-2.0 */
#include "host/perf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>

static void config_of_an_event(void **state)
{
    static const struct {
        const char *text;
        int code;
        uint64_t config;
    } rows[] = {
        { "event=0x02", 0, 2 },         { "event=0x02\n", 0, 2 },
        { "event=0xff", 0, 255 },       { "event=0x100", -EBADMSG, 77 },
        { "event=", -EBADMSG, 77 },     { "event=0x02,umask=0x1", -EBADMSG, 77 },
        { "umask=0x02", -EBADMSG, 77 }, { "", -EBADMSG, 77 },
        { "event=-1", -EBADMSG, 77 },   { "event=0x00000000000000000000000000001", -EBADMSG, 77 },
        { "0x02", -EBADMSG, 77 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t config = 77;
        int code = perf_event_config_parse(rows[i].text, &config);
        if (code != rows[i].code || config != rows[i].config)
            fail_msg("\"%s\": got %d, %ju", rows[i].text, code, (uintmax_t)config);
    }
}

static void counters_have_names(void **state)
{
    (void)state;
    assert_string_equal(perf_counter_name(PERF_CYCLES), "cycles");
    assert_string_equal(perf_counter_name(PERF_INSTRUCTIONS), "instructions");
    assert_string_equal(perf_counter_name(PERF_LLC_MISSES), "llc");
}

/* Opens the same event for itself: what the kernel says to that is what the probe must say. */
static void tries_the_counters_of_this_machine(void **state)
{
    static const uint64_t config[] = { [PERF_CYCLES] = PERF_COUNT_HW_CPU_CYCLES,
                                       [PERF_INSTRUCTIONS] = PERF_COUNT_HW_INSTRUCTIONS,
                                       [PERF_LLC_MISSES] = PERF_COUNT_HW_CACHE_MISSES };
    (void)state;
    for (size_t i = 0; i < PERF_COUNTERS; i++) {
        struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
                                        .size = sizeof(attr),
                                        .config = config[i],
                                        .exclude_kernel = 1,
                                        .exclude_hv = 1 };
        AUTO_FD fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
        int opened = fd < 0 ? -errno : 0;
        int code = perf_counter_try((enum perf_counter)i);
        bool agrees = opened == 0        ? code == 0 || code == -ENODATA
                      : opened == -EPERM ? code == -EACCES
                      : opened == -ENODEV || opened == -EOPNOTSUPP || opened == -ENXIO
                          ? code == -ENOENT
                          : code == opened;
        if (!agrees)
            fail_msg("%s: opening gives %d, trying %d", perf_counter_name((enum perf_counter)i),
                     opened, code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(config_of_an_event),
        cmocka_unit_test(counters_have_names),
        cmocka_unit_test(tries_the_counters_of_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
