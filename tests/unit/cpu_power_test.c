/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu_power.h"

#include <math.h>
#include <power_tables.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

static struct cpu_facts cpu_named(const char *vendor, const char *model_name)
{
    struct cpu_facts cpu = {
        .family = -1, .model = -1, .stepping = -1, .sockets = 1, .threads = 2
    };
    (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", vendor);
    (void)snprintf(cpu.model_name, sizeof(cpu.model_name), "%s", model_name);
    return cpu;
}

/* Intel as /proc/cpuinfo writes it; figures from the CSV files. */
static void tier_a_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *model_name, *name;
        double at_rest, at_full, tdp_watts;
        unsigned threads;
    } rows[] = {
        { "c5.metal", "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", "Platinum 8275CL", 58.7,
          617.4, 240, 96 },
        { "i3.metal", "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "E5-2686 v4", 35.0, 272.3, 145,
          72 },
        { "m5zn.metal", "Intel(R) Xeon(R) Platinum 8252C CPU @ 3.80GHz", "Platinum 8252C", 57.4,
          512.7, 240, 48 },
        { "m7i.metal-24xl, one socket, doubled", "Intel(R) Xeon(R) Platinum 8488C",
          "Platinum 8488C", 2 * 79.3, 2 * 390.2, 385, 192 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = cpu_named("GenuineIntel", rows[i].model_name);
        struct cpu_power p;
        cpu_power_find(&cpu, 999, &p); /* a TDP does not beat a measurement */
        if (p.tier != TIER_A || strcmp(p.name, rows[i].name) != 0 ||
            p.table_threads != rows[i].threads)
            fail_msg("%s: %s", rows[i].why, p.reason);
        assert_close(p.curve[0], rows[i].at_rest, rows[i].why);
        assert_close(p.curve[10], rows[i].at_full, rows[i].why);
        assert_close(p.tdp_watts, rows[i].tdp_watts, rows[i].why);
        assert_close(p.bound_low, 0.82, rows[i].why);
        assert_close(p.bound_high, 1.43, rows[i].why);
        assert_close(p.tdp_watts_per_thread, 0, rows[i].why);
    }
}

static void a_measured_table_wins_over_keplers(void **state)
{
    (void)state;
    struct cpu_facts cpu = cpu_named("GenuineIntel", "Intel(R) Xeon(R) Platinum 8259CL CPU");
    struct cpu_power p;
    cpu_power_find(&cpu, 0, &p);
    assert_non_null(strstr(p.reason, "cpu_package_watts.csv"));
    assert_non_null(strstr(p.source, "turbostressreports"));
    cpu = cpu_named("GenuineIntel", "Intel(R) Xeon(R) Platinum 8488C");
    cpu_power_find(&cpu, 0, &p);
    assert_non_null(strstr(p.reason, "kepler_ec2_2024_curves.csv (of one socket, doubled)"));
    assert_non_null(strstr(p.source, "kepler-model-db"));
}

static void tier_b_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor, *model_name;
        double given_tdp_watts;
        const char *name;
        double tdp_watts, low, high;
        unsigned threads;
    } rows[] = {
        { "TDP by name", "AuthenticAMD", "AMD EPYC 7R32", 0, "TDP 280 W", 280, 0.5, 2, 192 },
        { "a given TDP is newer than the table", "AuthenticAMD", "AMD EPYC 7R32", 300, "TDP 300 W",
          300, 0.5, 2, 192 },
        { "Intel has tighter bounds", "GenuineIntel",
          "Intel(R) Xeon(R) Platinum 8352V CPU @ 2.1GHz", 0, "TDP 195 W", 195, 0.80, 1.37, 144 },
        { "an unknown CPU of known TDP", "GenuineIntel", "Intel(R) Xeon(R) 9999", 225.5,
          "TDP 225.5 W", 225.5, 0.80, 1.37, 96 },
        { "8252CL is not the 8252C that was measured", "GenuineIntel",
          "Intel(R) Xeon(R) Platinum 8252CL", 100, "TDP 100 W", 100, 0.80, 1.37, 96 },
        { "arm64 with a flag", "ARM", "Neoverse-N1", 250, "TDP 250 W", 250, 0.5, 2, 96 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = cpu_named(rows[i].vendor, rows[i].model_name);
        struct cpu_power p;
        cpu_power_find(&cpu, rows[i].given_tdp_watts, &p);
        if (p.tier != TIER_B || strcmp(p.name, rows[i].name) != 0 ||
            p.table_threads != rows[i].threads)
            fail_msg("%s: %s, %u threads", rows[i].why, p.reason, p.table_threads);
        assert_close(p.tdp_watts, rows[i].tdp_watts, rows[i].why);
        assert_close(p.bound_low, rows[i].low, rows[i].why);
        assert_close(p.bound_high, rows[i].high, rows[i].why);
        assert_close(p.curve[0], 0.1198, rows[i].why);
        assert_close(p.curve[10], 1.0376, rows[i].why);
    }
}

static void tier_e_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor;
        int family, model, stepping;
        const char *name;
        double per_thread, low, high;
        unsigned threads;
    } rows[] = {
        { "Skylake by stepping", "GenuineIntel", 6, 85, 4, "Skylake", 4.27, 3.54 / 4.27 * 0.80,
          10.00 / 4.27 * 1.37, 80 },
        { "Cascade Lake by stepping", "GenuineIntel", 6, 85, 7, "Cascade Lake", 3.91,
          3.44 / 3.91 * 0.80, 10.00 / 3.91 * 1.37, 104 },
        { "Cooper Lake by stepping", "GenuineIntel", 6, 85, 11, "Cooper Lake-SP", 4.46,
          3.44 / 4.46 * 0.80, 5.69 / 4.46 * 1.37, 96 },
        { "a stepping between the rows", "GenuineIntel", 6, 85, 9, "any server CPU", 3.85,
          2.81 / 3.85 * 0.80, 6.75 / 3.85 * 1.37, 96 },
        { "an unknown stepping", "GenuineIntel", 6, 85, -1, "any server CPU", 3.85,
          2.81 / 3.85 * 0.80, 6.75 / 3.85 * 1.37, 96 },
        { "Milan, any stepping, AMD's bounds", "AuthenticAMD", 25, 1, 1, "Milan", 4.09,
          2.14 / 4.09 * 0.5, 7.50 / 4.09 * 2, 120 },
        { "another vendor with Milan's numbers", "HygonGenuine", 25, 1, 1, "any server CPU", 3.85,
          2.81 / 3.85 * 0.5, 6.75 / 3.85 * 2, 96 },
        { "a newer one", "AuthenticAMD", 26, 2, 1, "any server CPU", 3.85, 2.81 / 3.85 * 0.5,
          6.75 / 3.85 * 2, 96 },
        { "arm64", "ARM", -1, 0xd0c, -1, "any server CPU", 3.85, 2.81 / 3.85 * 0.5, 6.75 / 3.85 * 2,
          96 },
        { "nothing known at all", "", -1, -1, -1, "any server CPU", 3.85, 2.81 / 3.85 * 0.5,
          6.75 / 3.85 * 2, 96 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = cpu_named(rows[i].vendor, "AMD EPYC");
        cpu.family = rows[i].family;
        cpu.model = rows[i].model;
        cpu.stepping = rows[i].stepping;
        struct cpu_power p;
        cpu_power_find(&cpu, 0, &p);
        if (p.tier != TIER_E || strcmp(p.name, rows[i].name) != 0 ||
            p.table_threads != rows[i].threads)
            fail_msg("%s: %s", rows[i].why, p.reason);
        assert_close(p.tdp_watts_per_thread, rows[i].per_thread, rows[i].why);
        assert_close(p.tdp_watts, 0, rows[i].why);
        assert_close(p.bound_low, rows[i].low, rows[i].why);
        assert_close(p.bound_high, rows[i].high, rows[i].why);
        assert_close(p.curve[10], 1.0376, rows[i].why);
    }
}

static void reasons_name_row_and_tier(void **state)
{
    (void)state;
    struct cpu_facts cpu = cpu_named("AuthenticAMD", "AMD EPYC");
    struct cpu_power p;
    cpu_power_find(&cpu, 0, &p);
    assert_string_equal(p.reason, "tier E: the CPU model \"AMD EPYC\" is in no table and its TDP "
                                  "is not known; figure of any server CPU (229 models)");
    cpu.family = 25;
    cpu.model = 17;
    cpu_power_find(&cpu, 0, &p);
    assert_non_null(strstr(p.reason, "figure of Genoa CPUs, by CPUID (29 models)"));
    cpu_power_find(&cpu, 200, &p);
    assert_non_null(strstr(p.reason, "tier B: the TDP is 200 W a socket (read or given)"));
}

static void a_tdp_that_is_none_is_unknown(void **state)
{
    (void)state;
    static const double none[] = { 0, -5, (double)NAN, (double)INFINITY };
    struct cpu_facts cpu = cpu_named("AuthenticAMD", "AMD EPYC");
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct cpu_power p;
        cpu_power_find(&cpu, none[i], &p);
        assert_int_equal(p.tier, TIER_E);
        assert_true(isfinite(cpu_power_ceiling_watts(&cpu, none[i])));
        assert_true(cpu_power_ceiling_watts(&cpu, none[i]) > 0);
    }
}

static void tdp_by_name_rows(void **state)
{
    (void)state;
    static const struct {
        const char *model_name;
        double watts;
    } rows[] = {
        { "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 240 },
        { "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", 145 },
        { "Intel(R) Xeon(R) CPU E5-2666 v3 @ 2.90GHz", 135 }, /* the table writes V3 */
        { "Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", 115 },
        { "Intel(R) Xeon(R) CPU E5-2670 v2 @ 2.50GHz", 115 },
        { "Intel(R) Xeon(R) Platinum 8480+", 350 },
        { "Intel(R) Xeon(R) Platinum 8480", 0 },
        { "Intel(R) Xeon(R) Platinum 8173M CPU @ 2.00GHz", 165 }, /* table: "Scalable" */
        { "Intel(R) Xeon Phi(TM) CPU 7295 @ 1.50GHz", 320 },
        { "Intel(R) Xeon(R) CPU Max 9480", 350 },
        { "AMD EPYC 7R32", 280 },
        { "AMD EPYC 9354 32-Core Processor", 280 },
        { "AMD EPYC 9354 32-Core Processor                ", 280 },
        { "AMD EPYC 3251 8-Core Processor", 55 }, /* table: "Embedded" */
        { "AMD EPYC", 0 },
        { "AMD EPYC-Rome Processor", 0 },
        { "Intel Xeon Processor (Skylake, IBRS)", 0 },
        { "Neoverse-N1", 0 },
        { "(", 0 },
        { "@", 0 },
        { "", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_close(cpu_power_tdp_by_name(rows[i].model_name), rows[i].watts, rows[i].model_name);
}

/* Every name of the table finds itself, and what shares its words has its TDP too. */
static void each_tdp_row_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(power_tdp_rows); i++)
        assert_close(cpu_power_tdp_by_name(power_tdp_rows[i].name), power_tdp_rows[i].tdp_watts,
                     power_tdp_rows[i].name);
}

static void ceiling_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor, *model_name;
        double tdp_watts;
        unsigned sockets, threads;
        double watts;
    } rows[] = {
        { "twice the TDP", "GenuineIntel", "x", 240, 2, 96, 480 },
        { "twice the TDP by name", "AuthenticAMD", "AMD EPYC 7R32", 0, 1, 96, 560 },
        { "a measured CPU has its TDP by name", "GenuineIntel", "Intel(R) Xeon(R) Platinum 8275CL",
          0, 2, 96, 480 },
        { "a guest's threads are not all", "AuthenticAMD", "AMD EPYC", 0, 1, 2, 2 * 6.75 * 48 },
        { "a socket of 384 threads", "AuthenticAMD", "AMD EPYC", 0, 2, 768, 2 * 6.75 * 384 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = cpu_named(rows[i].vendor, rows[i].model_name);
        cpu.sockets = rows[i].sockets;
        cpu.threads = rows[i].threads;
        assert_close(cpu_power_ceiling_watts(&cpu, rows[i].tdp_watts), rows[i].watts, rows[i].why);
    }
}

/* What the generator let in must fit the struct and make sense: whole texts, curves that rise. */
static void each_row_fits(void **state)
{
    (void)state;
    struct cpu_power p;
    for (size_t i = 0; i < ARRAY_LEN(power_package_rows); i++) {
        struct cpu_facts cpu = cpu_named("GenuineIntel", power_package_rows[i].cpu);
        cpu_power_find(&cpu, 0, &p);
        assert_int_equal(p.tier, TIER_A);
        assert_string_equal(p.source, power_package_rows[i].source);
        assert_close(p.tdp_watts, power_package_rows[i].tdp_watts, p.name);
        for (size_t k = 1; k < POWER_CURVE_POINTS; k++)
            assert_true(p.curve[k] >= p.curve[k - 1]);
    }
    for (size_t i = 0; i < ARRAY_LEN(power_kepler_rows); i++)
        assert_true(strlen(power_kepler_rows[i].source) < sizeof(p.source));
    for (size_t k = 1; k < POWER_CURVE_POINTS; k++)
        assert_true(cpu_power_dram_watts_per_gb[k] >= cpu_power_dram_watts_per_gb[k - 1]);
    assert_close(cpu_power_dram_watts_per_gb[0], 0.0457, "DRAM at rest");
    assert_close(cpu_power_dram_watts_per_gb[10], 0.0993, "DRAM at full load");
}

static void a_reason_is_never_cut(void **state)
{
    (void)state;
    struct cpu_facts cpu = cpu_named("GenuineIntel", "");
    memset(cpu.model_name, 'x', sizeof(cpu.model_name) - 1);
    static const double tdps[] = { 0, 1234.567 };
    for (size_t i = 0; i < ARRAY_LEN(tdps); i++) {
        struct cpu_power p;
        cpu_power_find(&cpu, tdps[i], &p);
        assert_true(strlen(p.reason) < sizeof(p.reason) - 1);
        assert_non_null(strstr(p.reason, "xxx\""));
    }
}

static void tier_names(void **state)
{
    (void)state;
    assert_string_equal(power_tier_name(TIER_A), "A");
    assert_string_equal(power_tier_name(TIER_B), "B");
    assert_string_equal(power_tier_name(TIER_E), "E");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tier_a_rows),
        cmocka_unit_test(a_measured_table_wins_over_keplers),
        cmocka_unit_test(tier_b_rows),
        cmocka_unit_test(tier_e_rows),
        cmocka_unit_test(reasons_name_row_and_tier),
        cmocka_unit_test(a_tdp_that_is_none_is_unknown),
        cmocka_unit_test(tdp_by_name_rows),
        cmocka_unit_test(each_tdp_row_is_found),
        cmocka_unit_test(ceiling_rows),
        cmocka_unit_test(each_row_fits),
        cmocka_unit_test(a_reason_is_never_cut),
        cmocka_unit_test(tier_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
