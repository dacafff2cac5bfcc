/* SPDX-License-Identifier: Apache-2.0 */
#include "host/msr.h"
#include "power_dump.h"

static struct dump d;

static int setup(void **state)
{
    (void)state;
    dump_make(&d);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dump_done(&d);
    return 0;
}

static struct power_source *open_ok(void)
{
    struct power_source *s = NULL;
    struct err err = { 0 };
    if (power_source_model.open(&d.machine, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static struct power_reading read_ok(struct power_source *s, double second, double usage_ratio)
{
    struct power_reading r = { 0 };
    struct power_now now = at_second(second, usage_ratio);
    assert_int_equal(power_source_model.read(s, &now, &r, NULL), 0);
    assert_true(r.taken_ns == now.taken_ns);
    return r;
}

static void c5_metal(void **state)
{
    (void)state;
    dump_read_machine(&d);
    struct power_source *s = open_ok();
    assert_string_equal(power_source_model.quality, "estimated");
    assert_string_equal(power_source_model.model_name(s), "A:Platinum 8275CL");

    struct power_reading r = read_ok(s, 0, 0.9);
    const struct power_zone *package = &r.zone[ZONE_PACKAGE], *dram = &r.zone[ZONE_DRAM];
    assert_true(package->present && dram->present);
    assert_false(r.zone[ZONE_CORE].present || r.zone[ZONE_UNCORE].present);
    assert_near(package->joules, 0, 0, "no interval yet");
    assert_string_equal(package->path, "model:A:Platinum 8275CL");
    assert_near(package->idle_watts, 58.7, 1e-9, "P(0)");
    assert_near(dram->idle_watts, 192 * 0.0457, 1e-9, "dram at rest");

    r = read_ok(s, 5, 0.5);
    assert_near(package->joules, 2223, 1e-6, "444.6 W for 5 s");
    assert_near(dram->joules, 84.384, 1e-6, "16.8768 W for 5 s");
    assert_near(package->low, 0.82, 1e-9, "bounds of tier A");
    assert_near(package->high, 1.43, 1e-9, "bounds of tier A");
    assert_near(dram->low, 0.5, 1e-9, "bounds of DRAM");
    assert_near(dram->high, 1.5, 1e-9, "bounds of DRAM");

    r = read_ok(s, 12.5, 0);
    assert_near(package->joules, 2223 + 58.7 * 7.5, 1e-6, "a late tick at rest");
    power_source_model.close(s);
}

static void time_that_does_not_pass(void **state)
{
    (void)state;
    dump_read_machine(&d);
    struct power_source *s = open_ok();
    (void)read_ok(s, 0, 0.5);
    struct power_reading r = read_ok(s, 0, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].joules, 0, 0, "no time, no energy");
    power_source_model.close(s);
}

static void a_vm_of_a_measured_cpu(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "hypervisor");
    dump_read_machine(&d);
    struct power_source *s = open_ok();
    struct power_reading r = read_ok(s, 0, 0);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 58.7 / 96, 1e-9, "one thread of the host's 96");
    r = read_ok(s, 10, 0);
    assert_near(r.zone[ZONE_PACKAGE].joules, 587.0 / 96, 1e-9, "its part of the host at rest");
    r = read_ok(s, 20, 1);
    /* ub = (1 + 95 x 0.4) / 96 = 0.40625, P(ub) = 378.225 */
    assert_near(r.zone[ZONE_PACKAGE].joules,
                587.0 / 96 + 10 * (58.7 / 96 + (378.225 - 58.7) / (96 * 0.40625)), 1e-6,
                "and of what its load adds");
    assert_true(r.zone[ZONE_PACKAGE].low < 0.82 && r.zone[ZONE_PACKAGE].high > 1.43);
    power_source_model.close(s);
}

static void a_cpu_that_nobody_knows(void **state)
{
    (void)state;
    tree_printf(&d.tree, "/proc/cpuinfo",
                "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 207\n"
                "model name : Some Server CPU\nstepping : 2\nphysical id : 0\nsiblings : 2\n"
                "core id : 0\ncpu cores : 1\nflags : fpu\n\n"
                "processor : 1\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 207\n"
                "model name : Some Server CPU\nstepping : 2\nphysical id : 0\nsiblings : 2\n"
                "core id : 0\ncpu cores : 1\nflags : fpu\n\n");
    tree_drop(&d.tree, "/proc/meminfo");
    dump_read_machine(&d);
    struct power_source *s = open_ok();
    (void)read_ok(s, 0, 0);
    struct power_reading r = read_ok(s, 10, 0.5);
    assert_string_equal(r.zone[ZONE_PACKAGE].path, "model:E:any server CPU");
    assert_near(r.zone[ZONE_PACKAGE].joules, 10 * 2 * 3.85 * 0.7477, 1e-9, "two threads of it");
    assert_near(r.zone[ZONE_PACKAGE].low, 0.8 * 2.81 / 3.85, 1e-9, "p10 times tier B");
    assert_near(r.zone[ZONE_PACKAGE].high, 1.37 * 6.75 / 3.85, 1e-9, "p90 times tier B");
    assert_false(r.zone[ZONE_DRAM].present);
    power_source_model.close(s);
}

/* -- power_machine_read -- */

static void machine_facts(void **state)
{
    (void)state;
    dump_read_machine(&d);
    assert_int_equal(d.machine.cpu.sockets, 2);
    assert_near(d.machine.memory_gb, 192, 1e-9, "187500000 KiB");
    assert_near(d.machine.tdp_watts, 240, 0, "by its name");
    assert_near(d.machine.ceiling_watts, 960, 0, "2 x 240 W x 2 sockets");
    assert_string_equal(power_tier_name(d.machine.power.tier), "A");
}

static void where_the_tdp_comes_from(void **state)
{
    static const struct {
        const char *why;
        const char *model_name, *flags;
        double override_watts;
        double tdp_watts;
    } rows[] = {
        { "the register, before the name", XEON_8275CL, "", 0, 200 },
        { "what a person says, before both", XEON_8275CL, "", 123, 123 },
        { "a VM's register is not believed", XEON_8275CL, "hypervisor", 0, 240 },
        { "a name without a row", "Some Server CPU", "", 0, 200 },
        { "a VM with a name without a row", "Some Server CPU", "hypervisor", 0, 0 },
        { "a VM whose owner knows it", "Some Server CPU", "hypervisor", 150, 150 },
    };
    (void)state;
    for (int cpu = 0; cpu < 2; cpu++) {
        dump_msr(&d, cpu, MSR_INTEL_POWER_UNIT, 0xA0E03);
        dump_msr(&d, cpu, MSR_INTEL_PKG_INFO, 1600); /* eighths of a watt */
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct power_machine m = { 0 };
        dump_cpuinfo(&d, 2, rows[i].model_name, rows[i].flags);
        assert_int_equal(power_machine_read(&d.tree.fs, rows[i].override_watts, &m, NULL), 0);
        assert_near(m.tdp_watts, rows[i].tdp_watts, 1e-9, rows[i].why);
        assert_true(m.ceiling_watts > 0);
        power_machine_done(&m);
        assert_null(m.cpu.thread);
    }
}

static void machine_that_cannot_be_read(void **state)
{
    static const struct {
        double tdp_watts;
        const char *saying;
    } rows[] = { { -1, "TDP of -1 W" }, { (double)NAN, "nan" }, { (double)INFINITY, "inf" } };
    struct power_machine m = { 0 };
    struct err err = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(power_machine_read(&d.tree.fs, rows[i].tdp_watts, &m, &err), -EINVAL);
        assert_has(err.text, rows[i].saying);
    }
    tree_drop(&d.tree, "/proc/cpuinfo");
    assert_int_equal(power_machine_read(&d.tree.fs, 0, &m, &err), -ENOENT);
    assert_has(err.text, "/proc/cpuinfo");
    assert_null(m.fs);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(c5_metal),
        ROW(time_that_does_not_pass),
        ROW(a_vm_of_a_measured_cpu),
        ROW(a_cpu_that_nobody_knows),
        ROW(machine_facts),
        ROW(where_the_tdp_comes_from),
        ROW(machine_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
