/* SPDX-License-Identifier: Apache-2.0 */
#include "host/msr.h"
#include "power_dump.h"

#define PKG0       "intel-rapl:0"
#define PKG1       "intel-rapl:1"
#define DRAM0      "intel-rapl:0:0"
#define DRAM1      "intel-rapl:1:0"
#define PKG0_FILE  "/sys/class/powercap/" PKG0 "/energy_uj"
#define PKG1_FILE  "/sys/class/powercap/" PKG1 "/energy_uj"
#define MAX_UJ     UINT64_C(262143328850)
#define ESU_14     0xA0E03 /* energy unit 2^-14 J, power unit 2^-3 W */
#define UJ_PER_PKG (1e6 / 16384)

static struct dump d;
static uint64_t asleep_ns;

static int setup(void **state)
{
    (void)state;
    dump_make(&d);
    asleep_ns = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dump_done(&d);
    return 0;
}

static void powercap_make(void)
{
    dump_zone(&d, PKG0, "package-0", MAX_UJ);
    dump_zone(&d, PKG1, "package-1", MAX_UJ);
    dump_zone(&d, DRAM0, "dram", UINT64_C(65712999613));
    dump_zone(&d, DRAM1, "dram", UINT64_C(65712999613));
    dump_energy(&d, PKG0, 1000000);
    dump_energy(&d, PKG1, 2000000);
    dump_energy(&d, DRAM0, 300);
    dump_energy(&d, DRAM1, 400);
    dump_read_machine(&d);
}

/* One socket, so that one file is its package. */
static void powercap_make_one(void)
{
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    dump_zone(&d, PKG0, "package-0", MAX_UJ);
    dump_energy(&d, PKG0, 1000000);
    dump_read_machine(&d);
}

static void msr_make(int sockets)
{
    dump_cpuinfo(&d, sockets, XEON_8275CL, "");
    for (int cpu = 0; cpu < sockets; cpu++) {
        dump_msr(&d, cpu, MSR_INTEL_POWER_UNIT, ESU_14);
        dump_msr(&d, cpu, MSR_INTEL_PKG_INFO, 1920);
        dump_msr(&d, cpu, MSR_INTEL_PKG_ENERGY, 5000);
        dump_msr(&d, cpu, MSR_INTEL_DRAM_ENERGY, 7000);
    }
    dump_read_machine(&d);
}

static struct power_source *open_zone(const struct power_source_ops *ops, enum energy_zone zone)
{
    struct power_source *s = NULL;
    struct err err = { 0 };
    if (ops->open(&d.machine, zone, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static struct power_source *open_ok(const struct power_source_ops *ops)
{
    return open_zone(ops, ZONE_PACKAGE);
}

static struct power_reading read_ok(struct power_source *s, double second)
{
    struct power_reading r = { 0 };
    struct power_now now = at_second(second, 0.5);
    now.asleep_ns = asleep_ns;
    struct err err = { 0 };
    int code = power_source_powercap.read(s, &now, &r, &err);
    if (code < 0)
        fail_msg("at %g s: %d %s", second, code, err.text);
    assert_true(r.taken_ns == now.taken_ns);
    return r;
}

static void read_fails(struct power_source *s, double second, int want, const char *saying)
{
    struct power_reading r = { 0 };
    struct power_now now = at_second(second, 0.5);
    now.asleep_ns = asleep_ns;
    struct err err = { 0 };
    assert_int_equal(power_source_powercap.read(s, &now, &r, &err), want);
    assert_has(err.text, saying);
    assert_true(r.taken_ns == 0);
}

static void sockets_are_summed_and_zones_are_not(void **state)
{
    (void)state;
    powercap_make();
    struct power_source *s = open_ok(&power_source_powercap);
    struct power_source *dram = open_zone(&power_source_powercap, ZONE_DRAM);
    struct power_reading r = read_ok(s, 0);
    assert_near(r.joules, 0, 0, "counting begins at the first reading");
    assert_string_equal(r.path, "/sys/class/powercap/" PKG0);
    assert_true(r.idle_watts < 0);
    assert_near(r.low, 1, 0, "measured");
    assert_near(r.high, 1, 0, "measured");
    assert_near(r.widest_high, 1, 0, "measured");
    r = read_ok(dram, 0);
    assert_string_equal(r.path, "/sys/class/powercap/" DRAM0);

    dump_energy(&d, PKG0, 1000000 + 1111500000);
    dump_energy(&d, PKG1, 2000000 + 1111500000);
    dump_energy(&d, DRAM0, 300 + 40000000);
    dump_energy(&d, DRAM1, 400 + 44384000);
    assert_near(read_ok(s, 5).joules, 2223, 1e-6, "444.6 W for 5 s");
    assert_near(read_ok(dram, 5).joules, 84.384, 1e-6, "dram");
    power_source_powercap.close(s);
    power_source_powercap.close(dram);
}

static void a_zone_that_is_not_there(void **state)
{
    (void)state;
    powercap_make();
    struct power_source *s = NULL;
    struct err err = { 0 };
    assert_int_equal(power_source_powercap.open(&d.machine, ZONE_UNCORE, &s, &err), -ENOENT);
    assert_null(s);
    assert_has(err.text, "powercap has no uncore zone");
}

static void wraps_after_its_largest_value(void **state)
{
    (void)state;
    powercap_make_one();
    dump_energy(&d, PKG0, MAX_UJ - 999999);
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 2000000);
    struct power_reading r = read_ok(s, 5);
    assert_near(r.joules, 3.0, 1e-9, "1 J up to 0, and 2 J from there");
    power_source_powercap.close(s);
}

static void a_step_back_is_no_wrap(void **state)
{
    (void)state;
    powercap_make_one();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 100000000);
    (void)read_ok(s, 5);
    dump_energy(&d, PKG0, 90000000); /* as a wrap: 262 kJ in 5 s */
    read_fails(s, 10, -ERANGE, PKG0_FILE " went from 100000000 to 90000000");
    dump_energy(&d, PKG0, 95000000);
    struct power_reading r = read_ok(s, 15);
    assert_near(r.joules, 99 + 5, 1e-9, "counts anew from where it went back to");
    power_source_powercap.close(s);
}

static void more_than_the_ceiling_is_refused(void **state)
{
    (void)state;
    powercap_make_one();
    assert_near(d.machine.ceiling_watts, 480, 1e-9, "2 x 240 W");
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 1000000 + 2390000000);
    struct power_reading r = read_ok(s, 5);
    assert_near(r.joules, 2390, 1e-6, "478 W can be");
    dump_energy(&d, PKG0, 1000000 + 2390000000 + 2410000000);
    read_fails(s, 10, -ERANGE, "480 W");
    power_source_powercap.close(s);
}

/* A laptop's processor (28 W) is plugged in while it is watched: its limit goes from 30 W to 64 W.
 */
static void what_the_limits_allow_now_is_believed(void **state)
{
    (void)state;
    powercap_make_one();
    dump_msr(&d, 0, MSR_INTEL_POWER_UNIT, 0xa0e03);
    dump_msr(&d, 0, MSR_INTEL_PKG_INFO, 28 * 8);
    dump_msr(&d, 0, MSR_INTEL_PKG_LIMIT, (uint64_t)(0x8000 | 30 * 8) << 32);
    dump_read_machine(&d);
    assert_near(d.machine.ceiling_watts, 56, 1e-9, "by its kind");
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 1000000 + 310000000);
    read_fails(s, 5, -ERANGE, "at most 56 W");
    dump_msr(&d, 0, MSR_INTEL_PKG_LIMIT, (uint64_t)(0x8000 | 64 * 8) << 32);
    dump_energy(&d, PKG0, 1000000 + 620000000);
    assert_near(read_ok(s, 10).joules, 310, 1e-6, "62 W");
    dump_energy(&d, PKG0, 1000000 + 620000000 + 410000000);
    read_fails(s, 15, -ERANGE, "at most 80 W");
    power_source_powercap.close(s);
}

static void the_sockets_together_are_held_to_the_ceiling(void **state)
{
    (void)state;
    powercap_make();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 1000000 + 2500000000);
    dump_energy(&d, PKG1, 2000000 + 2500000000);
    read_fails(s, 5, -ERANGE, PKG1_FILE);
    power_source_powercap.close(s);
}

static void dram_is_held_to_less_and_psys_to_more(void **state)
{
    (void)state;
    powercap_make();
    dump_zone(&d, "intel-rapl:2", "psys", MAX_UJ);
    dump_energy(&d, "intel-rapl:2", 0);
    struct power_source *psys = open_zone(&power_source_powercap, ZONE_PSYS);
    struct power_source *dram = open_zone(&power_source_powercap, ZONE_DRAM);
    (void)read_ok(psys, 0);
    (void)read_ok(dram, 0);
    dump_energy(&d, "intel-rapl:2", 9500000000);
    assert_near(read_ok(psys, 5).joules, 9500, 1e-6, "1900 W of the whole platform");
    dump_energy(&d, DRAM0, 300 + 2450000000);
    read_fails(dram, 5, -ERANGE, "480 W");
    power_source_powercap.close(psys);
    power_source_powercap.close(dram);
}

/* Eight graphics cards, of which the processors' TDP knows nothing. */
static void a_board_meter_may_say_more(void **state)
{
    (void)state;
    dump_hwmon(&d, "power_meter", "", 6200000000);
    dump_read_machine(&d);
    struct power_source *s = open_zone(&power_source_hwmon, ZONE_PSYS);
    (void)read_ok(s, 0);
    assert_near(read_ok(s, 5).joules, 31000, 1e-6, "6200 W");
    dump_hwmon(&d, "power_meter", "", 50001000000);
    read_fails(s, 10, -EBADMSG, "more than 5e+04 W");
    power_source_hwmon.close(s);
}

/* 15 W, and a graphics card beside it. */
static void a_laptops_platform_may_draw_more(void **state)
{
    (void)state;
    powercap_make_one();
    dump_msr(&d, 0, MSR_INTEL_POWER_UNIT, 0xa0e03);
    dump_msr(&d, 0, MSR_INTEL_PKG_INFO, 15 * 8);
    dump_read_machine(&d);
    dump_zone(&d, "intel-rapl:2", "psys", MAX_UJ);
    dump_energy(&d, "intel-rapl:2", 0);
    struct power_source *s = open_zone(&power_source_powercap, ZONE_PSYS);
    (void)read_ok(s, 0);
    dump_energy(&d, "intel-rapl:2", 900000000);
    assert_near(read_ok(s, 5).joules, 900, 1e-6, "180 W");
    power_source_powercap.close(s);
}

static void a_lot_of_memory_may_draw_more(void **state)
{
    (void)state;
    tree_printf(&d.tree, "/proc/meminfo", "MemTotal:       4000000000 kB\n"); /* 4096 GB: 983 W */
    powercap_make();
    struct power_source *s = open_zone(&power_source_powercap, ZONE_DRAM);
    (void)read_ok(s, 0);
    dump_energy(&d, DRAM0, 300 + UINT64_C(4900000000));
    assert_near(read_ok(s, 5).joules, 4900, 1e-6, "980 W");
    dump_energy(&d, DRAM0, 300 + UINT64_C(9850000000));
    read_fails(s, 10, -ERANGE, "983 W");
    power_source_powercap.close(s);
}

static void a_failed_reading_keeps_its_energy_for_the_next(void **state)
{
    static const struct {
        const char *why;
        const char *text; /* of the second socket's energy_uj; NULL: no file */
        int code;
        const char *saying;
    } rows[] = {
        { "a file that is gone", NULL, -ENOENT, "cannot read " PKG1_FILE },
        { "an empty file", "", -EBADMSG, PKG1_FILE },
        { "no number", "12x4", -EBADMSG, PKG1_FILE " says \"12x4\"" },
        { "a negative number", "-5", -EBADMSG, "\"-5\"" },
        { "more than it can count to", "262143328851", -EBADMSG,
          PKG1_FILE " says \"262143328851\", and it counts to 262143328850 at most" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        powercap_make();
        struct power_source *s = open_ok(&power_source_powercap);
        (void)read_ok(s, 0);
        dump_energy(&d, PKG0, 1000000 + 500000000);
        if (rows[i].text)
            tree_printf(&d.tree, PKG1_FILE, "%s", rows[i].text);
        else
            tree_drop(&d.tree, PKG1_FILE);
        read_fails(s, 5, rows[i].code, rows[i].saying);
        dump_energy(&d, PKG0, 1000000 + 1000000000);
        dump_energy(&d, PKG1, 2000000 + 800000000);
        struct power_reading r = read_ok(s, 10);
        assert_near(r.joules, 1800, 1e-6, rows[i].why);
        power_source_powercap.close(s);
        power_machine_done(&d.machine);
    }
}

/* 3600 J are 720 W over the last 5 s, but 360 W over the 10 s since the last good reading. */
static void the_ceiling_holds_for_the_time_since_the_last_good_reading(void **state)
{
    (void)state;
    powercap_make_one();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    tree_printf(&d.tree, PKG0_FILE, "gone");
    read_fails(s, 5, -EBADMSG, "gone");
    dump_energy(&d, PKG0, 1000000 + 3600000000);
    struct power_reading r = read_ok(s, 10);
    assert_near(r.joules, 3600, 1e-6, "of both intervals");
    power_source_powercap.close(s);
}

static void a_week_of_suspend_is_no_spike(void **state)
{
    (void)state;
    powercap_make_one();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 1000000 + 60000000);
    struct power_reading r = read_ok(s, 604800);
    assert_near(r.joules, 60, 1e-6, "energy and time both went on");
    power_source_powercap.close(s);
}

/* Its energy went on, if little; or the suspend began it anew, which looks like a wrap of 262 kJ in
   a day: 3 W. */
static void a_counter_that_a_suspend_set_back_has_not_wrapped(void **state)
{
    (void)state;
    powercap_make_one();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    asleep_ns = 86400 * NS_PER_SEC;
    dump_energy(&d, PKG0, 1000000 + 9000000000);
    assert_near(read_ok(s, 86405).joules, 9000, 1e-6, "went on");
    asleep_ns *= 2;
    dump_energy(&d, PKG0, 7000000);
    read_fails(s, 2 * 86405, -ERANGE, "set back");
    dump_energy(&d, PKG0, 107000000);
    assert_near(read_ok(s, 2 * 86405 + 1).joules, 9100, 1e-6, "from there on");
    power_source_powercap.close(s);
}

static void two_readings_at_once(void **state)
{
    (void)state;
    powercap_make_one();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    dump_energy(&d, PKG0, 2000000);
    read_fails(s, 0, -EAGAIN, "no time has passed");
    struct power_reading r = read_ok(s, 1);
    assert_near(r.joules, 1, 1e-9, "nothing is lost by it");
    power_source_powercap.close(s);
}

/* -- a package that does not move -- */

static void stands_still(void **state)
{
    (void)state;
    powercap_make();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, -5);
    uint64_t uj = 1000000 + 10000000;
    dump_energy(&d, PKG0, uj);
    dump_energy(&d, PKG1, 2000000 + 10000000);
    assert_near(read_ok(s, 0).joules, 20, 1e-6, "both moved");
    for (int i = 1; i < STILL_READINGS; i++) { /* the other socket goes on */
        dump_energy(&d, PKG0, uj += 50000000);
        read_fails(s, 5 * i, -EAGAIN, PKG1_FILE " stands still at 12000000");
    }
    dump_energy(&d, PKG0, uj += 50000000);
    read_fails(s, 50, -ENODATA, PKG1_FILE " stands still at 12000000 for 10 readings");
    dump_energy(&d, PKG0, uj += 50000000);
    read_fails(s, 55, -ENODATA, "even at rest");
    dump_energy(&d, PKG0, uj += 50000000);
    dump_energy(&d, PKG1, 12000000 + 90000000);
    struct power_reading r = read_ok(s, 60);
    assert_near(r.joules, 20 + 12 * 50 + 90, 1e-6, "moves again, with all that was held back");
    read_fails(s, 65, -EAGAIN, "for 1 readings");
    power_source_powercap.close(s);
}

/* A BMC renews its counter once a second; it is read every 100 ms. */
static void a_slow_counter_is_never_0_and_never_a_spike(void **state)
{
    (void)state;
    powercap_make();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    double joules = 0, at = 0;
    unsigned fresh = 0;
    for (int i = 1; i <= 200; i++) {
        struct power_reading r = { 0 };
        struct power_now now = at_second(i / 10.0 + 0.05, 0.5);
        struct err err = { 0 };
        dump_energy(&d, PKG0, 1000000 + (uint64_t)(i / 10) * 60000000);
        dump_energy(&d, PKG1, 2000000 + (uint64_t)(i / 10) * 60000000);
        int code = power_source_powercap.read(s, &now, &r, &err);
        if (code == -EAGAIN)
            continue;
        if (code < 0)
            fail_msg("reading %d: %d %s", i, code, err.text);
        if (fresh++ > 0)
            assert_near((r.joules - joules) / (i / 10.0 - at), 120, 1e-6, "over the real time");
        joules = r.joules;
        at = i / 10.0;
    }
    assert_int_equal(fresh, 20);
    power_source_powercap.close(s);
}

/* A graphics processor that nobody uses, or DRAM of an empty socket, may well be at rest. */
static void only_the_package_has_to_move(void **state)
{
    (void)state;
    powercap_make();
    struct power_source *s = open_zone(&power_source_powercap, ZONE_DRAM);
    for (int i = 0; i < 3 * STILL_READINGS; i++)
        assert_near(read_ok(s, i).joules, 0, 0, "dram at rest");
    power_source_powercap.close(s);
}

/* So that a machine whose counters are none has watts soon; a slow controller is given its time. */
static void one_that_has_never_moved_is_told_soon(void **state)
{
    (void)state;
    powercap_make_one();
    struct power_source *s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    for (int i = 1; i <= 20; i++) /* each 100 ms */
        read_fails(s, i * 0.1, i < STILL_READINGS ? -EAGAIN : -ENODATA, "stands still");
    power_source_powercap.close(s);
    s = open_ok(&power_source_powercap);
    (void)read_ok(s, 0);
    read_fails(s, 0.5, -EAGAIN, "for 1 readings");
    read_fails(s, 5, -EAGAIN, "for 2 readings");
    read_fails(s, 10, -ENODATA, "for 3 readings");
    power_source_powercap.close(s);
}

/* Boards that do not tell the processor what they draw leave psys where it is. */
static void a_platform_has_to_move_too(void **state)
{
    (void)state;
    powercap_make_one();
    dump_zone(&d, "intel-rapl:1", "psys", MAX_UJ);
    dump_energy(&d, "intel-rapl:1", 0);
    struct power_source *s = open_zone(&power_source_powercap, ZONE_PSYS);
    (void)read_ok(s, 0);
    for (int i = 1; i < STILL_START_READINGS; i++)
        read_fails(s, i, -EAGAIN, "a machine draws power even at rest");
    read_fails(s, STILL_START_READINGS, -ENODATA, "stands still at 0 for 3 readings");
    power_source_powercap.close(s);
}

/* -- sensors that tell watts -- */

/* perf counts psys on each package, and only the master's moves. */
static void one_package_tells_the_platform(void **state)
{
    (void)state;
    powercap_make();
    dump_zone(&d, "intel-rapl:2", "psys", MAX_UJ);
    dump_energy(&d, "intel-rapl:2", 1000000);
    dump_zone(&d, "intel-rapl:3", "psys-1", MAX_UJ);
    dump_energy(&d, "intel-rapl:3", 9);
    struct power_source *s = open_zone(&power_source_powercap, ZONE_PSYS);
    (void)read_ok(s, 0);
    for (int i = 1; i <= 2 * STILL_READINGS; i++) {
        dump_energy(&d, "intel-rapl:2", 1000000 + (uint64_t)i * 100000000);
        assert_near(read_ok(s, i).joules, i * 100.0, 1e-6, "100 W, of the master alone");
    }
    power_source_powercap.close(s);
}

static void a_power_sensor_is_integrated(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    dump_hwmon(&d, "scmi_sensors", "package", 40000000);
    dump_read_machine(&d);
    struct power_source *s = open_ok(&power_source_hwmon);
    assert_near(read_ok(s, 0).joules, 0, 0, "the first one only starts");
    dump_hwmon(&d, "scmi_sensors", "package", 60000000);
    assert_near(read_ok(s, 5).joules, 250, 1e-9, "the mean of 40 and 60 W for 5 s");
    assert_near(read_ok(s, 6).joules, 310, 1e-9, "60 W for 1 s: steady is not still");
    dump_hwmon(&d, "scmi_sensors", "package", 20000000);
    assert_near(read_ok(s, 16).joules, 710, 1e-9, "a late tick");
    asleep_ns = 3600 * NS_PER_SEC;
    assert_near(read_ok(s, 3618).joules, 750, 1e-9, "20 W for the 2 s awake");
    power_source_hwmon.close(s);
}

static void what_a_power_sensor_cannot_mean(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        int code;
        const char *saying;
    } rows[] = {
        { "more than the machine can draw", "481000000", -EBADMSG, "481 W" },
        { "0 W of a processor", "0", -EAGAIN, "stands still at 0" },
        { "no number", "busy", -EBADMSG, "says \"busy\"" },
        { "a negative number", "-5", -EBADMSG, "power1_input" },
    };
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        dump_hwmon(&d, "scmi_sensors", "package", 40000000);
        dump_read_machine(&d);
        struct power_source *s = open_ok(&power_source_hwmon);
        (void)read_ok(s, 0);
        tree_printf(&d.tree, "/sys/class/hwmon/hwmon0/power1_input", "%s\n", rows[i].text);
        read_fails(s, 5, rows[i].code, rows[i].saying);
        dump_hwmon(&d, "scmi_sensors", "package", 60000000);
        assert_near(read_ok(s, 10).joules, 500, 1e-9, rows[i].why); /* over both intervals */
        power_source_hwmon.close(s);
    }
}

static void a_sensor_at_0_is_bad_in_the_end(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    dump_hwmon(&d, "scmi_sensors", "package", 0);
    dump_read_machine(&d);
    struct power_source *s = open_ok(&power_source_hwmon);
    (void)read_ok(s, 0);
    for (int i = 1; i < STILL_START_READINGS; i++)
        read_fails(s, i, -EAGAIN, "stands still");
    read_fails(s, STILL_START_READINGS, -ENODATA, "stands still at 0 for 3 readings");
    power_source_hwmon.close(s);
}

static void a_rail_may_be_off(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    dump_hwmon(&d, "xgene", "CPU power", 40000000);
    tree_printf(&d.tree, "/sys/class/hwmon/hwmon0/power2_label", "IO power\n");
    tree_printf(&d.tree, "/sys/class/hwmon/hwmon0/power2_input", "0\n");
    dump_read_machine(&d);
    struct power_source *s = open_ok(&power_source_hwmon);
    (void)read_ok(s, 0);
    assert_near(read_ok(s, 5).joules, 200, 1e-9, "the other rail draws");
    power_source_hwmon.close(s);
}

/* -- perf -- */

static void perf_put(int cpu, uint64_t package_count)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/.probe/perf/energy-pkg.%d", cpu);
    tree_printf(&d.tree, path, "%llu\n", (unsigned long long)package_count);
}

static void perf_counts_in_its_own_unit(void **state)
{
    (void)state;
    tree_printf(&d.tree, "/sys/bus/event_source/devices/power/type", "9\n");
    tree_printf(&d.tree, "/sys/bus/event_source/devices/power/cpumask", "0-1\n");
    tree_printf(&d.tree, "/sys/bus/event_source/devices/power/events/energy-pkg", "event=0x02\n");
    tree_printf(&d.tree, "/sys/bus/event_source/devices/power/events/energy-pkg.scale",
                "2.3283064365386962890625e-10\n");
    tree_printf(&d.tree, "/sys/bus/event_source/devices/power/events/energy-pkg.unit", "Joules\n");
    perf_put(0, 1);
    perf_put(1, 5);
    dump_read_machine(&d);
    struct power_source *s = open_ok(&power_source_perf);
    assert_string_equal(read_ok(s, 0).path, "perf:energy-pkg");
    perf_put(0, 1 + (UINT64_C(100) << 32));
    perf_put(1, 5 + (UINT64_C(200) << 32));
    assert_near(read_ok(s, 1).joules, 300, 1e-6, "2^-32 J a count, both sockets");
    power_source_perf.close(s);
}

/* -- registers -- */

static void msr_units(void **state)
{
    (void)state;
    msr_make(2);
    struct power_source *s = open_ok(&power_source_msr);
    struct power_source *dram = open_zone(&power_source_msr, ZONE_DRAM);
    assert_string_equal(read_ok(s, 0).path, "msr:0x611");
    assert_string_equal(read_ok(dram, 0).path, "msr:0x619");
    for (int cpu = 0; cpu < 2; cpu++) {
        dump_msr(&d, cpu, MSR_INTEL_PKG_ENERGY, 5000 + 16384 * 1000);
        dump_msr(&d, cpu, MSR_INTEL_DRAM_ENERGY, 7000 + 65536 * 40);
    }
    assert_near(read_ok(s, 5).joules, 2000, 1e-9, "1000 J a socket in units of 61.04 uJ");
    double dram_uj = msr_dram_unit_uj(&d.machine.cpu, UJ_PER_PKG);
    assert_true(dram_uj > 15.2 && dram_uj < 15.4);
    double joules = read_ok(dram, 5).joules;
    assert_near(joules, 2 * 65536 * 40 * dram_uj / 1e6, 1e-9,
                "some 40 J a socket in units of 15.3 uJ");
    assert_true(joules > 79 && joules < 81);
    power_source_msr.close(s);
    power_source_msr.close(dram);
}

static void msr_wraps_at_32_bits(void **state)
{
    (void)state;
    msr_make(1);
    dump_msr(&d, 0, MSR_INTEL_PKG_ENERGY, UINT32_MAX - 16383);
    struct power_source *s = open_ok(&power_source_msr);
    (void)read_ok(s, 0);
    dump_msr(&d, 0, MSR_INTEL_PKG_ENERGY, 3 * 16384);
    struct power_reading r = read_ok(s, 5);
    assert_near(r.joules, 4, 1e-9, "1 J up to 0, and 3 J from there");
    power_source_msr.close(s);
}

static void msr_slightly_back(void **state)
{
    (void)state;
    msr_make(2);
    struct power_source *s = open_ok(&power_source_msr);
    (void)read_ok(s, 0);
    dump_msr(&d, 1, MSR_INTEL_PKG_ENERGY, 4999);
    read_fails(s, 5, -ERANGE, "/dev/cpu/1/msr register 0x611 went from 5000 to 4999");
    power_source_msr.close(s);
}

static void msr_unreadable(void **state)
{
    (void)state;
    msr_make(2);
    struct power_source *s = open_ok(&power_source_msr);
    (void)read_ok(s, 0);
    tree_drop(&d.tree, "/dev/cpu/1/msr/0x611");
    read_fails(s, 5, -ENOENT, "/dev/cpu/1/msr register 0x611");
    dump_msr(&d, 0, MSR_INTEL_PKG_ENERGY, 5000 + 16384);
    dump_msr(&d, 1, MSR_INTEL_PKG_ENERGY, 5000 + 16384);
    struct power_reading r = read_ok(s, 10);
    assert_near(r.joules, 2, 1e-9, "back again");
    power_source_msr.close(s);
}

static void nothing_to_open(void **state)
{
    const struct power_source_ops *const measured[] = {
        &power_source_powercap,
        &power_source_perf,
        &power_source_msr,
        &power_source_hwmon,
    };
    (void)state;
    dump_read_machine(&d);
    for (size_t i = 0; i < ARRAY_LEN(measured); i++) {
        struct power_source *s = NULL;
        struct err err = { 0 };
        assert_true(measured[i]->open(&d.machine, ZONE_PACKAGE, &s, &err) < 0);
        assert_null(s);
        assert_true(strlen(err.text) > 0);
        assert_string_equal(measured[i]->quality, "measured");
    }
}

static void names(void **state)
{
    (void)state;
    assert_ptr_equal(power_source_find("powercap"), &power_source_powercap);
    assert_ptr_equal(power_source_find("perf"), &power_source_perf);
    assert_ptr_equal(power_source_find("msr"), &power_source_msr);
    assert_ptr_equal(power_source_find("hwmon"), &power_source_hwmon);
    assert_ptr_equal(power_source_find("model-server"), &power_source_server);
    assert_ptr_equal(power_source_find("model"), &power_source_model);
    assert_null(power_source_find("MSR"));
    assert_null(power_source_find(""));
    assert_string_equal(power_source_msr.model_name(NULL), "");
    assert_ptr_equal(power_sources[power_sources_count - 1], &power_source_model_e);
    assert_string_equal(power_source_model.name, power_source_model_e.name);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(sockets_are_summed_and_zones_are_not),
        ROW(a_zone_that_is_not_there),
        ROW(wraps_after_its_largest_value),
        ROW(a_step_back_is_no_wrap),
        ROW(more_than_the_ceiling_is_refused),
        ROW(what_the_limits_allow_now_is_believed),
        ROW(the_sockets_together_are_held_to_the_ceiling),
        ROW(dram_is_held_to_less_and_psys_to_more),
        ROW(a_board_meter_may_say_more),
        ROW(a_laptops_platform_may_draw_more),
        ROW(a_lot_of_memory_may_draw_more),
        ROW(a_failed_reading_keeps_its_energy_for_the_next),
        ROW(the_ceiling_holds_for_the_time_since_the_last_good_reading),
        ROW(a_week_of_suspend_is_no_spike),
        ROW(a_counter_that_a_suspend_set_back_has_not_wrapped),
        ROW(two_readings_at_once),
        ROW(stands_still),
        ROW(a_slow_counter_is_never_0_and_never_a_spike),
        ROW(only_the_package_has_to_move),
        ROW(one_that_has_never_moved_is_told_soon),
        ROW(a_platform_has_to_move_too),
        ROW(one_package_tells_the_platform),
        ROW(a_power_sensor_is_integrated),
        ROW(what_a_power_sensor_cannot_mean),
        ROW(a_sensor_at_0_is_bad_in_the_end),
        ROW(a_rail_may_be_off),
        ROW(perf_counts_in_its_own_unit),
        ROW(msr_units),
        ROW(msr_wraps_at_32_bits),
        ROW(msr_slightly_back),
        ROW(msr_unreadable),
        ROW(nothing_to_open),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
