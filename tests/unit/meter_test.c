/* SPDX-License-Identifier: Apache-2.0 */
#include "host/msr.h"
#include "power/chain.h"
#include "power/meter.h"
#include "power_dump.h"

#include <math.h>

#define PKG       "intel-rapl:0"
#define DRAM      "intel-rapl:0:0"
#define PKG_FILE  "/sys/class/powercap/" PKG "/energy_uj"
#define MAX_UJ    UINT64_C(262143328850)
#define ESU_14    0xA0E03 /* energy unit 2^-14 J */
#define MSR_PER_J 16384
#define STEP_S    5
#define SOCKET_P0 29.35 /* half of the two sockets' 58.7 W */
#define LOW_LOAD  0.05

/* One socket of c5.metal's processor, so that one file is its package. */
static struct dump d;
static struct meter *meter;
static double second;
static uint64_t asleep_ns;
static uint64_t package_uj, dram_uj, msr_counts;

static int setup(void **state)
{
    (void)state;
    dump_make(&d);
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    meter = NULL;
    second = 0;
    asleep_ns = 0;
    package_uj = 1000000;
    dram_uj = 5000;
    msr_counts = 777;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    meter_close(meter);
    dump_done(&d);
    return 0;
}

static void powercap_make(void)
{
    dump_zone(&d, PKG, "package-0", MAX_UJ);
    dump_zone(&d, DRAM, "dram", MAX_UJ);
    dump_energy(&d, PKG, package_uj);
    dump_energy(&d, DRAM, dram_uj);
}

static void powercap_remove(void)
{
    tree_drop(&d.tree, "/sys/class/powercap");
}

/* Without a DRAM register. */
static void msr_make(void)
{
    dump_msr(&d, 0, MSR_INTEL_POWER_UNIT, ESU_14);
    dump_msr(&d, 0, MSR_INTEL_PKG_ENERGY, msr_counts);
}

static void open_with(const char *preferred, bool strict)
{
    struct err err = { 0 };
    dump_read_machine(&d);
    if (meter_open(&d.machine, preferred, strict, &meter, &err) < 0)
        fail_msg("%s", err.text);
}

static struct meter_reading read_at(double usage_ratio)
{
    struct meter_reading r = { 0 };
    struct power_now now = at_second(second, usage_ratio);
    now.asleep_ns = asleep_ns;
    meter_read(meter, &now, &r);
    return r;
}

/* STEP_S later, in which the package used @watts and DRAM a tenth of it. */
static struct meter_reading step(double watts, double usage_ratio)
{
    second += STEP_S;
    package_uj += (uint64_t)(watts * STEP_S * 1e6);
    dram_uj += (uint64_t)(watts * STEP_S * 1e5);
    msr_counts += (uint64_t)(watts * STEP_S * MSR_PER_J);
    if (rootfs_exists(&d.tree.fs, PKG_FILE)) {
        dump_energy(&d, PKG, package_uj);
        dump_energy(&d, DRAM, dram_uj);
    }
    if (rootfs_exists(&d.tree.fs, "/dev/cpu/0/msr/0x606"))
        dump_msr(&d, 0, MSR_INTEL_PKG_ENERGY, msr_counts);
    return read_at(usage_ratio);
}

/* The same, but the package's file holds no number. */
static struct meter_reading bad_step(double watts, double usage_ratio)
{
    second += STEP_S;
    package_uj += (uint64_t)(watts * STEP_S * 1e6);
    tree_printf(&d.tree, PKG_FILE, "bad");
    return read_at(usage_ratio);
}

static void first_reading_names_the_source(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    struct meter_reading r = read_at(0.5);
    assert_false(r.fresh);
    assert_true(r.elapsed_ns == 0);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    assert_string_equal(r.zone[ZONE_PACKAGE].quality, "measured");
    assert_string_equal(r.zone[ZONE_PACKAGE].model, "");
    assert_true(r.zone[ZONE_PACKAGE].present && r.zone[ZONE_DRAM].present);
    assert_false(r.zone[ZONE_CORE].present);
    assert_string_equal(r.zone[ZONE_PACKAGE].path, "/sys/class/powercap/" PKG);
    assert_near(r.zone[ZONE_PACKAGE].joules, 0, 0, "nothing yet");
    assert_has(r.event, "power comes from powercap (measured: package, dram)");
    r = step(100, 0.5);
    assert_string_equal(r.event, "");
}

static void joules_watts_and_idle(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(222.3, 0.5);
    const struct meter_zone *package = &r.zone[ZONE_PACKAGE], *dram = &r.zone[ZONE_DRAM];
    assert_true(r.fresh);
    assert_true(r.elapsed_ns == STEP_S * NS_PER_SEC);
    assert_near(package->delta_joules, 222.3 * STEP_S, 1e-5, "of the interval");
    assert_near(package->watts, 222.3, 1e-6, "J / s");
    assert_near(package->low_watts, package->watts, 0, "measured");
    assert_near(package->high_watts, package->watts, 0, "measured");
    assert_near(package->idle_watts, SOCKET_P0, 1e-9, "P(0) of the CPU's table, one socket");
    assert_near(package->delta_idle_joules, SOCKET_P0 * STEP_S, 1e-9, "its part");
    assert_near(dram->watts, 22.23, 1e-6, "dram");
    assert_near(dram->idle_watts, 22.23 * 0.0457 / 0.0879, 1e-6, "guessed by DRAM's own curve");
    assert_near(package->low_ratio, 1, 0, "measured");
    assert_near(package->high_ratio, 1, 0, "measured");

    r = step(100, 0.2);
    assert_near(package->joules, 322.3 * STEP_S, 1e-5, "added up");
    assert_near(package->idle_joules, 2 * SOCKET_P0 * STEP_S, 1e-6, "added up");
    r = step(20, 0.2);
    assert_near(package->idle_watts, 20, 1e-6, "idle is never more than there is");
}

static void a_late_tick_and_a_suspend(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    second += 2.5; /* the energy of it is in the step's too */
    package_uj += 250000000;
    struct meter_reading r = step(100, 0.3);
    assert_near(r.zone[ZONE_PACKAGE].watts, 100, 1e-6, "7.5 s at 100 W");
    assert_true(r.elapsed_ns == 7500 * NS_PER_MS);
    second += 86400; /* suspended: the clock goes on, hardly any energy does */
    r = step(100, 0.3);
    assert_true(r.fresh);
    assert_near(r.zone[ZONE_PACKAGE].watts, 500.0 / 86405, 1e-9, "no spike");
}

/* Asleep for a day, then STEP_S awake at @watts. */
static struct meter_reading sleep_and_step(double watts, double usage_ratio)
{
    struct meter_reading r = { 0 };
    second += 86400;
    asleep_ns += 86400 * NS_PER_SEC;
    r = step(watts, usage_ratio);
    return r;
}

static void a_suspend_is_no_rest_to_learn_from(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, "Intel(R) Xeon(R) Nameless 1", "");
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    (void)step(40, LOW_LOAD);
    struct meter_reading r = sleep_and_step(40, LOW_LOAD);
    assert_near(r.zone[ZONE_PACKAGE].watts, 200.0 / 86405, 1e-9, "over all the time");
    r = step(100, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 40, 1e-6, "P(0) is that of the machine awake");
}

static void an_estimate_rests_while_the_machine_does(void **state)
{
    (void)state;
    asleep_ns = 3600 * NS_PER_SEC; /* and before the start */
    open_with("auto", false);
    (void)read_at(0.5);
    (void)step(0, 0.5);
    struct meter_reading r = sleep_and_step(0, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].joules, 2 * 222.3 * STEP_S, 1e-6, "of the time awake");
    assert_near(r.zone[ZONE_DRAM].joules, 2 * 192 * 0.0879 * STEP_S, 1e-6, "dram's, too");
    assert_true(r.elapsed_ns == (86400 + STEP_S) * NS_PER_SEC);
}

static void the_same_instant_again(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(100, 0.3);
    dump_energy(&d, PKG, package_uj += 7000000);
    r = read_at(0.3);
    assert_false(r.fresh);
    assert_near(r.zone[ZONE_PACKAGE].watts, 100, 1e-6, "the last one");
    assert_near(r.zone[ZONE_PACKAGE].delta_joules, 0, 0, "nothing new");
    assert_true(r.rejected == 0);
    r = step(100, 0.3);
    assert_near(r.zone[ZONE_PACKAGE].delta_joules, 507, 1e-6, "and nothing lost");
}

static void one_bad_reading(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    (void)step(100, 0.3);
    struct meter_reading r = bad_step(140, 0.4);
    assert_false(r.fresh);
    assert_near(r.zone[ZONE_PACKAGE].delta_joules, 0, 0, "nothing to share out");
    assert_near(r.zone[ZONE_PACKAGE].watts, 100, 1e-6, "the last ones");
    assert_true(r.rejected == 1);
    assert_true(read_at(0.4).rejected == 1); /* the same instant is no other reading */
    assert_has(r.event, "powercap: bad reading, 1 in a row");
    assert_has(r.event, PKG_FILE " says \"bad\"");
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    r = step(180, 0.5);
    assert_true(r.fresh);
    assert_true(r.elapsed_ns == 2 * STEP_S * NS_PER_SEC);
    assert_near(r.zone[ZONE_PACKAGE].delta_joules, 320 * STEP_S, 1e-5, "of both intervals");
    assert_near(r.zone[ZONE_PACKAGE].watts, 160, 1e-6, "over both");
    assert_string_equal(r.event, "");
    assert_true(r.changes == 0);
}

static void bad_readings_apart_are_no_reason_to_leave(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    for (int i = 0; i < 6; i++) {
        (void)bad_step(100, 0.3);
        (void)bad_step(100, 0.3);
        assert_true(step(100, 0.3).fresh);
    }
    struct meter_reading r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    assert_true(r.rejected == 12 && r.changes == 0);
    assert_near(r.zone[ZONE_PACKAGE].joules, 19 * 100 * STEP_S, 1e-4, "nothing lost");
    for (int i = 0; i < CHAIN_STRIKES; i++)
        r = bad_step(100, 0.5);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    assert_true(r.elapsed_ns == 2 * STEP_S * NS_PER_SEC); /* of this time only */
    assert_near(r.zone[ZONE_PACKAGE].delta_joules, 222.3 * 2 * STEP_S, 1e-6, "of this time only");
}

static void a_step_back_costs_its_interval_only(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    (void)step(100, 0.3);
    package_uj -= 600000000; /* step adds 500 J: 100 J less than before */
    struct meter_reading r = step(100, 0.3);
    assert_false(r.fresh);
    assert_has(r.event, "set back");
    r = step(100, 0.3);
    assert_true(r.fresh);
    assert_true(r.elapsed_ns == STEP_S * NS_PER_SEC);
    assert_near(r.zone[ZONE_PACKAGE].watts, 100, 1e-6, "no spike and no gap");
    assert_near(r.zone[ZONE_PACKAGE].joules, 2 * 100 * STEP_S, 1e-5, "without the lost interval");
}

static void degrades_to_the_model_and_comes_back(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    (void)step(100, 0.3);
    (void)bad_step(100, 0.5);
    (void)bad_step(100, 0.5);
    struct meter_reading r = bad_step(100, 0.5);
    const struct meter_zone *package = &r.zone[ZONE_PACKAGE];
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    assert_string_equal(r.zone[ZONE_PACKAGE].quality, "estimated");
    assert_string_equal(r.zone[ZONE_PACKAGE].model, "A:Platinum 8275CL");
    assert_string_equal(package->path, "model:A:Platinum 8275CL");
    assert_has(r.event, "powercap stopped answering");
    assert_has(r.event, "model A:Platinum 8275CL (estimated, true value within x0.82 .. x1.43)");
    assert_has(r.event, "\"bad\"");
    assert_true(r.fresh && r.changes == 1 && r.rejected == 3);
    assert_true(r.elapsed_ns == 2 * STEP_S * NS_PER_SEC);
    assert_near(package->watts, 222.3, 1e-6, "estimated since the first bad reading");
    assert_near(package->joules, 500 + 2223, 1e-5, "goes on from where it was");
    assert_near(package->low_watts, 222.3 * 0.82, 1e-6, "with bounds");
    assert_near(package->high_watts, 222.3 * 1.43, 1e-6, "with bounds");
    assert_near(package->idle_watts, SOCKET_P0, 1e-9, "the model's P(0)");
    assert_near(package->low_ratio, 0.82, 1e-9, "of the package");

    double left = package->joules;
    for (int i = 0; i < 60 / STEP_S - 1; i++) {
        r = step(100, 0.5); /* it answers again, but it is not asked yet */
        assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    }
    r = step(100, 0.5); /* asked: where it stands */
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    r = step(100, 0.5); /* it counts */
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    assert_string_equal(r.zone[ZONE_PACKAGE].model, "");
    assert_has(r.event, "powercap (measured) answers again");
    assert_true(r.fresh && r.changes == 2);
    assert_near(package->joules, left + 222.3 * 5 * (60 / STEP_S + 1), 1e-5,
                "the model's up to the change");
    left = package->joules;
    r = step(80, 0.5);
    assert_near(package->watts, 80, 1e-6, "measured again");
    assert_near(package->joules, left + 400, 1e-5, "no interval twice, none left out");
    assert_near(package->low_watts, 80, 1e-6, "no bounds any more");
}

static void each_zone_goes_to_its_own_next_best(void **state)
{
    (void)state;
    powercap_make();
    msr_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(100, 0.3);
    const struct meter_zone *dram = &r.zone[ZONE_DRAM];
    assert_near(dram->joules, 50, 1e-5, "dram by powercap");
    powercap_remove();
    for (int i = 0; i < CHAIN_STRIKES; i++)
        r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "msr");
    assert_string_equal(r.zone[ZONE_PACKAGE].path, "msr:0x611");
    assert_near(r.zone[ZONE_PACKAGE].delta_joules, 1000, 1e-3, "of the two that it stood by");
    assert_true(dram->present);
    assert_string_equal(dram->source, "model"); /* there is no DRAM register */
    assert_string_equal(dram->quality, "estimated");
    assert_string_equal(meter_quality(&r), "measured and estimated");
    assert_has(r.event, "package: powercap stopped answering, so power comes from msr (measured)");
    assert_has(r.event, "the same with dram (model)");
    assert_true(r.rejected == 2 * CHAIN_STRIKES && r.changes == 2);
    double left = dram->joules;
    powercap_make();
    for (int i = 0; i < 60 / STEP_S + 1; i++)
        r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    assert_string_equal(dram->source, "powercap");
    assert_string_equal(meter_quality(&r), "measured");
    assert_true(dram->joules > left);
    left = dram->joules;
    r = step(100, 0.3);
    assert_near(dram->joules, left + 50, 1e-5, "goes on from where it was");
    assert_near(dram->watts, 10, 1e-6, "dram by powercap");
}

/* -- zones apart -- */

/* Only DRAM's file is bad; the package does not give way. */
static void a_bad_dram_leaves_the_package_alone(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(100, 0.5);
    const struct meter_zone *package = &r.zone[ZONE_PACKAGE], *dram = &r.zone[ZONE_DRAM];
    for (int i = 1; i <= CHAIN_STRIKES; i++) {
        second += STEP_S;
        dump_energy(&d, PKG, package_uj += 500000000);
        tree_printf(&d.tree, "/sys/class/powercap/" DRAM "/energy_uj", "bad");
        r = read_at(0.5);
        assert_true(r.fresh);
        assert_string_equal(package->source, "powercap");
        assert_near(package->watts, 100, 1e-6, "measured all the time");
        assert_has(r.event, "dram: powercap");
        if (i < CHAIN_STRIKES) {
            assert_near(dram->watts, 10, 1e-6, "the last ones");
            assert_near(dram->delta_joules, 0, 0, "nothing to share out");
        }
    }
    assert_has(r.event, "dram: powercap stopped answering, so power comes from model A:Platinum "
                        "8275CL (estimated, true value within x0.50 .. x1.50)");
    assert_string_equal(dram->source, "model");
    assert_string_equal(dram->quality, "estimated");
    assert_string_equal(dram->path, "model:A:Platinum 8275CL");
    assert_near(dram->watts, 192 * 0.0879, 1e-6, "192 GB at half load");
    assert_near(dram->delta_joules, 2 * STEP_S * 192 * 0.0879, 1e-6, "since the first bad one");
    assert_near(dram->low_ratio, 0.5, 1e-9, "with its bounds");
    assert_near(package->high_ratio, 1, 0, "the package's are none");
    assert_true(r.rejected == 3 && r.changes == 1);
    assert_string_equal(meter_quality(&r), "measured and estimated");
    for (int i = 0; i < 60 / STEP_S + 2; i++)
        r = step(100, 0.5);
    assert_string_equal(dram->source, "powercap");
    assert_near(dram->watts, 10, 1e-6, "measured again");
}

/* Attribution shares out when the package is fresh; until then DRAM's joules wait. */
static void what_waits_for_the_package_is_not_lost(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(100, 0.3);
    const struct meter_zone *dram = &r.zone[ZONE_DRAM];
    dump_energy(&d, DRAM, dram_uj += 60000000); /* 12 W */
    r = bad_step(100, 0.3);
    assert_false(r.fresh);
    assert_near(dram->delta_joules, 0, 0, "not yet");
    assert_near(dram->joules, 50, 1e-5, "not yet");
    assert_near(dram->watts, 10, 1e-6, "the last ones");
    r = step(140, 0.3);
    assert_true(r.fresh);
    assert_near(dram->delta_joules, 60 + 70, 1e-5, "of both");
    assert_near(dram->joules, 180, 1e-5, "of both");
    assert_near(dram->watts, 13, 1e-6, "over both");
    assert_near(r.zone[ZONE_PACKAGE].watts, 120, 1e-6, "over both");
}

static void a_zone_that_nothing_else_has_is_gone_until_it_answers(void **state)
{
    static const char core_file[] = "/sys/class/powercap/intel-rapl:0:1/energy_uj";
    (void)state;
    powercap_make();
    dump_zone(&d, "intel-rapl:0:1", "core", MAX_UJ);
    dump_energy(&d, "intel-rapl:0:1", 0);
    open_with("auto", false);
    struct meter_reading r = read_at(0);
    const struct meter_zone *core = &r.zone[ZONE_CORE];
    assert_has(r.event, "power comes from powercap (measured: package, dram, core)");
    dump_energy(&d, "intel-rapl:0:1", 40000000);
    r = step(100, 0.3);
    assert_near(core->watts, 8, 1e-6, "40 J in 5 s");
    tree_printf(&d.tree, core_file, "bad");
    for (int i = 0; i < CHAIN_STRIKES; i++)
        r = step(100, 0.3);
    assert_false(core->present);
    assert_near(core->watts, 0, 0, "no stale watts");
    assert_near(core->joules, 40, 1e-6, "its joules stay");
    assert_string_equal(core->path, "/sys/class/powercap/intel-rapl:0:1");
    assert_has(r.event, "core: powercap stopped answering and nothing can stand in");
    assert_true(r.fresh);
    dump_energy(&d, "intel-rapl:0:1", 140000000);
    r = step(100, 0.3);
    assert_true(core->present);
    assert_near(core->watts, 100.0 / 20, 1e-6, "over all of that time: no spike");
    assert_near(core->joules, 140, 1e-6, "nothing lost");
    assert_has(r.event, "core: powercap (measured) answers again");
}

static void zones_that_are_not_measured_beside_a_measured_package_are_absent(void **state)
{
    (void)state;
    msr_make(); /* no DRAM register */
    open_with("auto", false);
    struct meter_reading r = read_at(0);
    assert_has(r.event, "power comes from msr (measured: package); powercap cannot be used: ");
    r = step(100, 0.3);
    assert_false(r.zone[ZONE_DRAM].present);
    powercap_make(); /* a better source, which has it */
    for (int i = 0; i < 60 / STEP_S + 2; i++)
        r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    r = step(100, 0.3);
    r = step(100, 0.3);
    assert_true(r.zone[ZONE_DRAM].present);
    assert_string_equal(r.zone[ZONE_DRAM].source, "powercap");
    assert_near(r.zone[ZONE_DRAM].watts, 10, 1e-6, "measured");
}

/* An ACPI power meter is of the whole machine: it says nothing of the package. */
static void platform_measured_and_package_estimated(void **state)
{
    (void)state;
    dump_hwmon(&d, "power_meter", "", 300000000);
    open_with("auto", false);
    struct meter_reading r = read_at(0.5);
    const struct meter_zone *package = &r.zone[ZONE_PACKAGE], *psys = &r.zone[ZONE_PSYS];
    assert_has(r.event, "hwmon (measured: psys)");
    second += STEP_S;
    r = read_at(0.5);
    assert_true(r.fresh);
    assert_string_equal(package->source, "model");
    assert_near(package->watts, 222.3, 1e-6, "estimated");
    assert_string_equal(psys->source, "hwmon");
    assert_near(psys->watts, 300, 1e-6, "measured");
    assert_near(psys->high_watts, 300, 1e-6, "measured");
    assert_true(r.zone[ZONE_DRAM].present); /* estimated, as the package is */
    assert_string_equal(meter_quality(&r), "measured and estimated");
}

/* A board that does not tell the processor what it draws: psys is never 0 W, it is not there. */
static void a_platform_that_stands_still_is_absent(void **state)
{
    (void)state;
    powercap_make();
    dump_zone(&d, "intel-rapl:1", "psys", MAX_UJ);
    dump_energy(&d, "intel-rapl:1", 7);
    open_with("auto", false);
    (void)read_at(0.5);
    for (int i = 0; i < 2 * STILL_READINGS; i++) {
        struct meter_reading r = step(100, 0.5);
        assert_true(r.fresh && r.zone[ZONE_PACKAGE].present && r.zone[ZONE_DRAM].present);
        assert_false(r.zone[ZONE_PSYS].present);
    }
    dump_energy(&d, "intel-rapl:1", 300000007);
    for (int i = 0; i < 60 / STEP_S + 1; i++) {
        dump_energy(&d, "intel-rapl:1", 300000007 + 1000000000 * (uint64_t)(i + 1));
        struct meter_reading r = step(100, 0.5);
        const struct meter_zone *psys = &r.zone[ZONE_PSYS];
        assert_true(!psys->present || psys->watts > 0);
        if (i == 60 / STEP_S)
            assert_true(psys->present);
    }
}

static void strictly_a_source_without_a_package(void **state)
{
    (void)state;
    dump_hwmon(&d, "power_meter", "", 300000000);
    open_with("hwmon", true);
    (void)read_at(0.5);
    second += STEP_S;
    struct meter_reading r = read_at(0.5);
    assert_true(r.fresh); /* psys leads */
    assert_true(r.elapsed_ns == STEP_S * NS_PER_SEC);
    assert_false(r.zone[ZONE_PACKAGE].present);
    assert_near(r.zone[ZONE_PSYS].watts, 300, 1e-6, "measured");
    assert_string_equal(meter_quality(&r), "measured");
}

/* What leads has nothing that could stand in: another zone leads, and no figure is left standing.
 */
static void the_leader_is_lost(void **state)
{
    static const char core_file[] = "/sys/class/hwmon/hwmon1/power1_input";
    (void)state;
    dump_hwmon(&d, "power_meter", "", 300000000);
    tree_printf(&d.tree, "/sys/class/hwmon/hwmon1/name", "scmi_sensors\n");
    tree_printf(&d.tree, "/sys/class/hwmon/hwmon1/power1_label", "cores\n");
    tree_printf(&d.tree, core_file, "50000000\n");
    open_with("hwmon", true);
    (void)read_at(0.5);
    second += STEP_S;
    struct meter_reading r = read_at(0.5);
    assert_near(r.zone[ZONE_CORE].watts, 50, 1e-6, "core leads");
    tree_drop(&d.tree, core_file);
    for (int i = 0; i < CHAIN_STRIKES; i++) {
        assert_true(r.zone[ZONE_CORE].present);
        second += STEP_S;
        r = read_at(0.5);
        assert_false(r.fresh);
    }
    assert_false(r.zone[ZONE_CORE].present);
    assert_near(r.zone[ZONE_CORE].watts, 0, 0, "none");
    second += STEP_S;
    r = read_at(0.5);
    assert_true(r.fresh); /* psys leads */
    assert_near(r.zone[ZONE_PSYS].delta_joules, 4 * STEP_S * 300, 1e-6, "what has waited, too");
    assert_near(r.zone[ZONE_PSYS].watts, 300, 1e-6, "over that time");
    tree_printf(&d.tree, core_file, "50000000\n");
    second += STEP_S;
    r = read_at(0.5);
    assert_false(r.zone[ZONE_CORE].present); /* no watts yet: 0 W would be wrong */
    second += STEP_S;
    r = read_at(0.5);
    assert_true(r.fresh && r.zone[ZONE_CORE].present);
    assert_near(r.zone[ZONE_CORE].watts, 50, 1e-6, "again");
    assert_near(r.zone[ZONE_CORE].joules, 7 * STEP_S * 50, 1e-6, "nothing lost");
}

static void strictly_named_it_gives_way_all_the_same(void **state)
{
    (void)state;
    powercap_make();
    msr_make();
    open_with("powercap", true);
    (void)read_at(0);
    (void)step(100, 0.3);
    struct meter_reading r = { 0 };
    for (int i = 0; i < CHAIN_STRIKES; i++)
        r = bad_step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "msr");
    assert_has(r.event, "powercap stopped answering");
}

/* A counter that is renewed once a second, read every 100 ms. */
static void a_slow_counter(void **state)
{
    unsigned fresh = 0;
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    for (int i = 1; i <= 300; i++) {
        second = i / 10.0 + 0.05;
        dump_energy(&d, PKG, 1000000 + (uint64_t)(i / 10) * 150000000);
        struct meter_reading r = read_at(0.3);
        const struct meter_zone *package = &r.zone[ZONE_PACKAGE];
        assert_string_equal(package->source, "powercap");
        assert_true(r.rejected == 0);
        fresh += r.fresh;
        if (fresh > 1)
            assert_near(package->watts, 150, 1e-6, "never 0 and never a spike");
    }
    assert_int_equal(fresh, 30);
}

/* -- giving way and coming back -- */

static void a_better_source_that_counts_nothing_is_not_taken(void **state)
{
    (void)state;
    open_with("auto", false);
    struct meter_reading r = read_at(0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    powercap_make();
    for (int i = 0; i < 40; i++) {
        second += STEP_S; /* its file stays as it is */
        r = read_at(i % 2 ? 0.3 : 0.01);
        assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
        assert_true(r.fresh);
    }
    for (int i = 0; i < 60 / STEP_S + 2; i++)
        r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    assert_true(r.changes == 2); /* package and dram */
}

/* On msr, since powercap was gone; powercap is back and was asked for the first time just now. */
static void come_to_the_trial(void)
{
    struct meter_reading r = { 0 };
    powercap_make();
    msr_make();
    open_with("auto", false);
    (void)read_at(0);
    powercap_remove();
    for (int i = 0; i < CHAIN_STRIKES; i++)
        r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "msr");
    powercap_make();
    for (int i = 0; i < 60 / STEP_S; i++)
        r = step(100, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "msr");
}

static void the_better_one_on_trial_steps_in_at_once(void **state)
{
    (void)state;
    come_to_the_trial();
    tree_drop(&d.tree, "/dev/cpu/0/msr/0x611");
    tree_drop(&d.tree, "/dev/cpu/0/msr/0x606");
    struct meter_reading r = step(140, 0.3);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "powercap");
    assert_true(r.fresh && r.changes == 4); /* of package and dram */
    assert_near(r.zone[ZONE_PACKAGE].watts, 140, 1e-6, "what it has counted since it was asked");
}

static void one_on_trial_that_stands_still_does_not_step_in(void **state)
{
    struct meter_reading r = { 0 };
    (void)state;
    come_to_the_trial();
    tree_drop(&d.tree, "/dev/cpu/0/msr/0x611");
    for (int i = 0; i < CHAIN_STRIKES; i++) {
        second += STEP_S;
        r = read_at(0.01);
    }
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    assert_true(r.fresh);
}

/* Those of a VM's share depend on its load; what is said of all joules must hold for each. */
static void bounds_of_joules_are_the_widest_of_their_source(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "hypervisor");
    open_with("model", true);
    step(0, 0);
    struct meter_reading r = { 0 };
    const struct meter_zone *package = &r.zone[ZONE_PACKAGE];
    double low = HUGE_VAL;
    double high = 0;
    double narrowest = HUGE_VAL;
    for (int i = 0; i <= 10; i++) {
        r = step(0, i / 10.0);
        low = fmin(low, package->low_watts / package->watts);
        high = fmax(high, package->high_watts / package->watts);
        narrowest = fmin(narrowest, package->high_watts / package->watts);
    }
    assert_true(high > narrowest * 1.01); /* else this tells nothing */
    assert_true(package->low_ratio <= low + 1e-12 && package->high_ratio >= high - 1e-12);
    assert_true(package->high_ratio > package->high_watts / package->watts ||
                package->low_ratio < package->low_watts / package->watts);
}

static void counters_of_a_vm_that_stand_still(void **state)
{
    (void)state;
    msr_make();
    open_with("auto", false);
    struct meter_reading r = read_at(0.9);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "msr");
    for (int i = 0; i < STILL_START_READINGS - 1 + CHAIN_STRIKES; i++) {
        second += STEP_S;
        r = read_at(0.9);
    }
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    assert_has(r.event, "stands still");
    assert_near(r.zone[ZONE_PACKAGE].watts, 606.4 / 2, 1e-6, "an estimate instead of 0 W");
}

/* -- idle -- */

static void the_lowest_seen_lowers_the_tables_idle(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(25, LOW_LOAD);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 25, 1e-6, "less than the table's 29.35 W");
    r = step(200, 0.6);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 25, 1e-6, "remembered under load");
    r = step(28, LOW_LOAD);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 25, 1e-6, "it goes down only");
    r = step(24, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 24, 1e-6, "never above the watts");
    r = step(200, 0.6);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 25, 1e-6, "what was seen under load is no floor");
}

static void idle_of_a_cpu_in_no_table(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, "Some Server CPU", "");
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    struct meter_reading r = step(74.77, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 74.77 * cpu_power_ratio[0] / cpu_power_ratio[5],
                1e-6, "guessed by the generic curve");
    r = step(30, LOW_LOAD);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 30, 1e-6, "seen: better than a guess");
    r = step(74.77, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 30, 1e-6, "and kept");
}

/* Of a calibration of this machine: package and DRAM at rest. */
static void idle_as_it_was_calibrated(void **state)
{
    struct err err = { 0 };
    (void)state;
    powercap_make();
    dump_read_machine(&d);
    struct power_machine *m = &d.machine;
    double memory_gb = m->memory_gb;
    if (cpu_power_from_ends(&(struct power_ends){ "a calibration", 1, 2, 40, 240, true }, &m->power,
                            &err) < 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < POWER_CURVE_POINTS; i++)
        m->power.dram_watts_per_gb[i] = (3 + i) / memory_gb;
    if (meter_open(m, "powercap", true, &meter, &err) < 0)
        fail_msg("%s", err.text);
    (void)read_at(0);
    struct meter_reading r = step(200, 0.6);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 40, 1e-9, "of its curve");
    assert_near(r.zone[ZONE_DRAM].idle_watts, 3, 1e-9, "DRAM's own");
}

static void too_short_to_learn_from(void **state)
{
    (void)state;
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    second += 0.05;
    dump_energy(&d, PKG, package_uj += 500000);
    struct meter_reading r = read_at(0.01);
    assert_near(r.zone[ZONE_PACKAGE].watts, 10, 1e-6, "10 W for 50 ms");
    r = step(100, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, SOCKET_P0, 1e-6, "the table's");
}

/* Two intervals of 0.5 s of 40 W, between which 5 W x 0.5 s were told too late: their mean is P(0),
   not the lower one; and a rest that a load interrupts begins anew. */
static void what_was_told_too_late_is_no_floor(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, "Some Server CPU", "");
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    static const struct {
        double watts, usage;
    } half_seconds[] = { { 35, LOW_LOAD }, { 45, LOW_LOAD }, { 20, LOW_LOAD },
                         { 90, 0.5 },      { 20, LOW_LOAD }, { 90, 0.5 } };
    struct meter_reading r = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(half_seconds); i++) {
        second += 0.5;
        package_uj += (uint64_t)(half_seconds[i].watts * 0.5 * 1e6);
        dump_energy(&d, PKG, package_uj);
        r = read_at(half_seconds[i].usage);
    }
    assert_near(r.zone[ZONE_PACKAGE].watts, 90, 1e-6, "the last half second");
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 40, 1e-6, "of a whole second");
}

/* Half a second of rest, then a model for a while, then again half a second: neither is a whole
 * one. */
static void a_rest_does_not_go_on_after_another_source(void **state)
{
    (void)state;
    struct meter_reading r = { 0 };
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    (void)step(200, 0.9);
    for (int half = 0; half < 2; half++) {
        second += 0.6;
        package_uj += 12000000; /* 20 W */
        dump_energy(&d, PKG, package_uj);
        r = read_at(LOW_LOAD);
        for (int i = 0; i < 4 && half == 0; i++)
            r = bad_step(200, 0.9);
        while (half == 0 && strcmp(r.zone[ZONE_PACKAGE].source, "powercap") != 0)
            r = step(200, 0.9);
    }
    r = step(200, 0.9);
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, SOCKET_P0, 1e-6, "the table's");
}

/* The two clocks of a suspend are read one after the other: what came between is no suspend. */
static void clocks_that_differ_by_some_milliseconds(void **state)
{
    (void)state;
    open_with("auto", false);
    (void)read_at(0.5);
    asleep_ns += 15 * NS_PER_MS;
    struct meter_reading r = step(0, 0.5);
    assert_near(r.zone[ZONE_PACKAGE].joules, 222.3 * STEP_S, 1e-6, "no time was slept");
}

/* A refresh that failed under load makes the long interval no quiet one. */
static void load_of_a_long_interval(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, "Some Server CPU", "");
    powercap_make();
    open_with("auto", false);
    (void)read_at(0);
    (void)bad_step(200, 0.98);
    struct meter_reading r = step(40, 0.02);
    assert_near(r.zone[ZONE_PACKAGE].watts, 120, 1e-6, "over both");
    assert_near(r.zone[ZONE_PACKAGE].idle_watts, 120 * cpu_power_ratio[0] / cpu_power_ratio[5],
                1e-6, "at u = 0.5");
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(first_reading_names_the_source),
        ROW(joules_watts_and_idle),
        ROW(a_late_tick_and_a_suspend),
        ROW(a_suspend_is_no_rest_to_learn_from),
        ROW(an_estimate_rests_while_the_machine_does),
        ROW(the_same_instant_again),
        ROW(one_bad_reading),
        ROW(bad_readings_apart_are_no_reason_to_leave),
        ROW(a_step_back_costs_its_interval_only),
        ROW(degrades_to_the_model_and_comes_back),
        ROW(each_zone_goes_to_its_own_next_best),
        ROW(a_bad_dram_leaves_the_package_alone),
        ROW(what_waits_for_the_package_is_not_lost),
        ROW(a_zone_that_nothing_else_has_is_gone_until_it_answers),
        ROW(zones_that_are_not_measured_beside_a_measured_package_are_absent),
        ROW(platform_measured_and_package_estimated),
        ROW(a_platform_that_stands_still_is_absent),
        ROW(strictly_a_source_without_a_package),
        ROW(the_leader_is_lost),
        ROW(strictly_named_it_gives_way_all_the_same),
        ROW(a_slow_counter),
        ROW(a_better_source_that_counts_nothing_is_not_taken),
        ROW(the_better_one_on_trial_steps_in_at_once),
        ROW(one_on_trial_that_stands_still_does_not_step_in),
        ROW(counters_of_a_vm_that_stand_still),
        ROW(bounds_of_joules_are_the_widest_of_their_source),
        ROW(the_lowest_seen_lowers_the_tables_idle),
        ROW(idle_of_a_cpu_in_no_table),
        ROW(idle_as_it_was_calibrated),
        ROW(too_short_to_learn_from),
        ROW(what_was_told_too_late_is_no_floor),
        ROW(a_rest_does_not_go_on_after_another_source),
        ROW(clocks_that_differ_by_some_milliseconds),
        ROW(load_of_a_long_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
