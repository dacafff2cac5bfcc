/* SPDX-License-Identifier: Apache-2.0 */
/* Which source is opened, and what is said of the others. */
#include "host/msr.h"
#include "power/meter.h"
#include "power_dump.h"

#define PKG    "intel-rapl:0"
#define MAX_UJ UINT64_C(262143328850)
#define ESU_14 0xA0E03 /* energy unit 2^-14 J */

static void what_auto_says_when_nothing_measures(void **state)
{
    (void)state;
    struct dump own;
    struct meter *m = NULL;
    struct meter_reading r = { 0 };
    struct power_now now = at_second(0, 0.3);
    dump_make(&own);
    dump_read_machine(&own);
    assert_int_equal(meter_open(&own.machine, "auto", false, &m, NULL), 0);
    meter_read(m, &now, &r);
    assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    assert_has(
        r.event,
        "power comes from model A:Platinum 8275CL (estimated: package, true value within x0.82 .. "
        "x1.43), model A:Platinum 8275CL (estimated: dram, true value within x0.50 .. x1.50)");
    assert_has(r.event, "powercap cannot be used: ");
    assert_has(r.event, "perf cannot be used: ");
    assert_has(r.event, "msr cannot be used: ");
    assert_has(r.event, "hwmon cannot be used: ");
    assert_null(strstr(r.event, "model cannot be used"));        /* the row of tier E */
    assert_null(strstr(r.event, "model-server cannot be used")); /* nobody asked for one */
    const char *first = strstr(r.event, "powercap cannot");
    assert_null(strstr(first + 1, "powercap cannot")); /* once, not for each zone */
    meter_close(m);
    dump_done(&own);
}

static void preferred_sources(void **state)
{
    static const struct {
        const char *why;
        const char *preferred;
        bool strict, has_powercap, has_msr;
        const char *source; /* NULL: an error */
        const char *saying; /* event or error */
    } rows[] = {
        { "the best there is", "auto", true, true, true, "powercap",
          "powercap (measured: package)" },
        { "no name is auto", NULL, false, true, true, "powercap", "powercap (measured: package)" },
        { "a worse one by name", "msr", true, true, true, "msr", "msr (measured: package)" },
        { "an estimate by name", "model", true, true, true, "model",
          "(estimated: package, true value within x0.82 .. x1.43)" },
        { "strict, and it is not there", "msr", true, true, false, NULL, "msr cannot be used" },
        { "from the findings, and it is gone", "msr", false, true, false, "model",
          "msr cannot be used" },
        { "a name that nobody has", "rapl", true, true, true, NULL,
          "no power source \"rapl\": power.source is one of auto, powercap, perf, msr, hwmon, model, "
          "model-server" },
        { "such a name in the findings", "rapl", false, true, true, "powercap",
          "no power source \"rapl\"" },
        { "strict, and nobody configured one", "model-server", true, true, true, NULL,
          "no power reading: " },
        { "auto, strictly, with no counter", "auto", true, false, false, "model", "estimated" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct dump own;
        struct err err = { 0 };
        struct meter *m = NULL;
        struct meter_reading r = { 0 };
        struct power_now now = at_second(0, 0.5);
        dump_make(&own);
        dump_cpuinfo(&own, 1, XEON_8275CL, "");
        if (rows[i].has_powercap) {
            dump_zone(&own, PKG, "package-0", MAX_UJ);
            dump_energy(&own, PKG, 1);
        }
        if (rows[i].has_msr) {
            dump_msr(&own, 0, MSR_INTEL_POWER_UNIT, ESU_14);
            dump_msr(&own, 0, MSR_INTEL_PKG_ENERGY, 1);
        }
        dump_read_machine(&own);
        int code = meter_open(&own.machine, rows[i].preferred, rows[i].strict, &m, &err);
        if ((code == 0) != (rows[i].source != NULL))
            fail_msg("%s: %d %s", rows[i].why, code, err.text);
        if (code == 0) {
            meter_read(m, &now, &r);
            assert_string_equal(r.zone[ZONE_PACKAGE].source, rows[i].source);
        }
        assert_has(code == 0 ? r.event : err.text, rows[i].saying);
        meter_close(m);
        dump_done(&own);
    }
}

/* A better source would be tried after a minute. */
static void a_preferred_source_is_not_left_for_a_better_one(void **state)
{
    (void)state;
    struct dump own;
    struct meter *m = NULL;
    dump_make(&own);
    dump_cpuinfo(&own, 1, XEON_8275CL, "");
    dump_zone(&own, PKG, "package-0", MAX_UJ);
    dump_energy(&own, PKG, 0);
    dump_read_machine(&own);
    assert_int_equal(meter_open(&own.machine, "model", true, &m, NULL), 0);
    for (unsigned i = 0; i < 30; i++) {
        struct meter_reading r = { 0 };
        struct power_now now = at_second(i * 5, 0.5);
        dump_energy(&own, PKG, (uint64_t)i * 500000000);
        meter_read(m, &now, &r);
        assert_string_equal(r.zone[ZONE_PACKAGE].source, "model");
    }
    meter_close(m);
    dump_done(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_auto_says_when_nothing_measures),
        cmocka_unit_test(preferred_sources),
        cmocka_unit_test(a_preferred_source_is_not_left_for_a_better_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
