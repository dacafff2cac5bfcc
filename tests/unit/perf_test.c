/* SPDX-License-Identifier: Apache-2.0 */
#include "host/perf.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>

static void first_cpu_of_a_mask(void **state)
{
    static const struct {
        const char *mask;
        int cpu;
    } rows[] = { { "0", 0 },     { "0,24", 0 },          { "3-5", 3 },
                 { "12,0", 12 }, { "7\n", 7 },           { "", -1 },
                 { "\n", -1 },   { ",3", -1 },           { "x", -1 },
                 { "-1", -1 },   { "0x3", -1 },          { " 3", -1 },
                 { "3 ", -1 },   { "9999999", 9999999 }, { "99999999", -1 } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got = perf_cpumask_first(rows[i].mask);
        if (got != rows[i].cpu)
            fail_msg("\"%s\": got %d", rows[i].mask, got);
    }
}

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

#define PMU   "/sys/bus/event_source/devices/power"
#define SCALE "2.3283064365386962890625e-10\n" /* 2^-32 J, as the kernel writes it (rapl.c) */

struct file {
    const char *path, *text;
};

/* What Linux shows of a Cascade Lake server with two sockets. */
static const struct file cascade_lake[] = {
    { PMU "/type", "22\n" },
    { PMU "/cpumask", "0,24\n" },
    { PMU "/format/event", "config:0-7\n" },
    { PMU "/events/energy-pkg", "event=0x02\n" },
    { PMU "/events/energy-pkg.scale", SCALE },
    { PMU "/events/energy-pkg.unit", "Joules\n" },
    { PMU "/events/energy-ram", "event=0x03\n" },
    { PMU "/events/energy-ram.scale", SCALE },
    { PMU "/events/energy-ram.unit", "Joules\n" },
};

static void put_all(const struct tree *t)
{
    for (size_t i = 0; i < ARRAY_LEN(cascade_lake); i++)
        tree_put(t, cascade_lake[i].path, cascade_lake[i].text);
}

static void events_of_the_power_pmu(void **state)
{
    (void)state;
    struct perf_energy got;
    AUTO_TREE t;
    tree_make(&t);
    put_all(&t);
    assert_int_equal(perf_energy_list(&t.fs, &got), 0);
    assert_int_equal(got.type, 22);
    assert_string_equal(got.cpumask, "0,24");
    assert_int_equal(got.n, 2);
    assert_string_equal(got.event[0].name, "energy-pkg");
    assert_int_equal(got.event[0].config, 2);
    assert_true(fabs(got.event[0].joules_per_count - ldexp(1, -32)) < 1e-24);
    assert_string_equal(got.event[1].name, "energy-ram");
    assert_int_equal(got.event[1].config, 3);
}

static void refuses_a_pmu_that_makes_no_sense(void **state)
{
    static const struct {
        const char *why;
        struct file changed; /* NULL text: the file is removed */
        int code;
    } rows[] = {
        { "no PMU", { PMU "/type", NULL }, -ENOENT },
        { "a type that is no number", { PMU "/type", "power\n" }, -EBADMSG },
        { "a type past 32 bits", { PMU "/type", "4294967296\n" }, -EBADMSG },
        { "no cpumask", { PMU "/cpumask", NULL }, -EBADMSG },
        { "no CPU in it", { PMU "/cpumask", "\n" }, -EBADMSG },
        { "no scale", { PMU "/events/energy-pkg.scale", NULL }, -EBADMSG },
        { "a scale of 0", { PMU "/events/energy-pkg.scale", "0\n" }, -EBADMSG },
        { "a negative scale", { PMU "/events/energy-pkg.scale", "-1e-9\n" }, -EBADMSG },
        { "a scale that is no number", { PMU "/events/energy-pkg.scale", "nan\n" }, -EBADMSG },
        { "a scale above a joule", { PMU "/events/energy-pkg.scale", "1e3\n" }, -EBADMSG },
        { "no unit", { PMU "/events/energy-ram.unit", NULL }, -EBADMSG },
        { "another unit", { PMU "/events/energy-ram.unit", "Watts\n" }, -EBADMSG },
        { "an event of other terms", { PMU "/events/energy-ram", "umask=0x1\n" }, -EBADMSG },
        { "an event of a name longer than any",
          { PMU "/events/energy-of-the-whole-machine-room", "event=0x09\n" },
          -EBADMSG },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct perf_energy got = { .type = 77 };
        AUTO_TREE t;
        tree_make(&t);
        put_all(&t);
        if (rows[i].changed.text)
            tree_put(&t, rows[i].changed.path, rows[i].changed.text);
        else
            tree_drop(&t, rows[i].changed.path);
        int code = perf_energy_list(&t.fs, &got);
        if (code != rows[i].code || got.type != 77)
            fail_msg("%s: got %d", rows[i].why, code);
    }
}

static void a_pmu_without_energy_events_is_none_we_know(void **state)
{
    (void)state;
    struct perf_energy got;
    AUTO_TREE t;
    tree_make(&t);
    assert_int_equal(perf_energy_list(&t.fs, &got), -ENOENT); /* an empty dump */
    tree_put(&t, PMU "/type", "22\n");
    tree_put(&t, PMU "/cpumask", "0\n");
    assert_int_equal(perf_energy_list(&t.fs, &got), -EBADMSG);
    tree_put(&t, PMU "/events/power-pkg", "event=0x1\n");
    assert_int_equal(perf_energy_list(&t.fs, &got), -EBADMSG);
}

static void more_events_than_room_are_left_out(void **state)
{
    (void)state;
    struct perf_energy got;
    AUTO_TREE t;
    tree_make(&t);
    put_all(&t);
    for (int i = 0; i < 12; i++) {
        AUTO_STR event = mem_printf(PMU "/events/energy-x%d", i);
        AUTO_STR scale = mem_printf("%s.scale", event);
        AUTO_STR unit = mem_printf("%s.unit", event);
        tree_put(&t, event, "event=0x07\n");
        tree_put(&t, scale, SCALE);
        tree_put(&t, unit, "Joules\n");
    }
    assert_int_equal(perf_energy_list(&t.fs, &got), 0);
    assert_int_equal(got.n, ARRAY_LEN(got.event));
    assert_string_equal(got.event[0].name, "energy-pkg");
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

/* The software clock of a CPU counts nanoseconds like any PMU of the whole CPU: a meter of exactly
   one "joule" a second. */
static void measures_over_a_nap(void **state)
{
    static const struct perf_energy clock_pmu = { .type = PERF_TYPE_SOFTWARE };
    static const struct perf_energy_event one_watt = { .name = "energy-clock",
                                                       .config = PERF_COUNT_SW_CPU_CLOCK,
                                                       .joules_per_count = 1e-9 };
    (void)state;
    double joules = -1;
    int code = perf_energy_try(&clock_pmu, &one_watt, 0, 50, &joules);
    if (code == -EACCES || code == -EPERM || code == -ENOSYS)
        skip(); /* not root, and perf_event_paranoid is above 0 */
    assert_int_equal(code, 0);
    assert_true(joules >= 0.050);
    assert_true(joules < 5); /* naps are longer on a busy machine */

    double untouched = -1;
    assert_int_equal(perf_energy_try(&clock_pmu, &one_watt, 1 << 20, 0, &untouched), -EINVAL);
    static const struct perf_energy no_pmu = { .type = 0x7fffffff };
    assert_int_equal(perf_energy_try(&no_pmu, &one_watt, 0, 0, &untouched), -ENOENT);
    assert_true(untouched == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_cpu_of_a_mask),
        cmocka_unit_test(config_of_an_event),
        cmocka_unit_test(events_of_the_power_pmu),
        cmocka_unit_test(refuses_a_pmu_that_makes_no_sense),
        cmocka_unit_test(a_pmu_without_energy_events_is_none_we_know),
        cmocka_unit_test(more_events_than_room_are_left_out),
        cmocka_unit_test(counters_have_names),
        cmocka_unit_test(tries_the_counters_of_this_machine),
        cmocka_unit_test(measures_over_a_nap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
