/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu_power.h"

#include <errno.h>
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
        double low;
    } rows[] = {
        { "c5.metal", "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", "Platinum 8275CL", 58.7,
          617.4, 240, 96, 0.82 },
        { "i3.metal", "Intel(R) Xeon(R) CPU E5-2686 v4 @ 2.30GHz", "E5-2686 v4", 35.0, 272.3, 145,
          72, 0.82 },
        { "m5zn.metal", "Intel(R) Xeon(R) Platinum 8252C CPU @ 3.80GHz", "Platinum 8252C", 57.4,
          512.7, 240, 48, 0.82 },
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
        assert_close(p.bound_low, rows[i].low, rows[i].why);
        assert_int_equal(p.curve_sockets, 2);
        assert_close(p.dram_low, 0.5, rows[i].why);
        assert_close(p.dram_high, 1.5, rows[i].why);
        assert_close(p.dram_watts_per_gb[5], 0.0879, rows[i].why);
        assert_close(p.bound_high, 1.43, rows[i].why);
        assert_close(p.tdp_watts_per_thread, 0, rows[i].why);
    }
}

/* docs/decisions/0007-bounds-of-estimates.md: B is nearer than Kepler's curves. */
static void keplers_curves_are_not_used(void **state)
{
    (void)state;
    struct cpu_facts cpu = cpu_named("GenuineIntel", "Intel(R) Xeon(R) Platinum 8259CL CPU");
    struct cpu_power p;
    cpu_power_find(&cpu, 0, &p);
    assert_non_null(strstr(p.reason, "cpu_package_watts.csv"));
    assert_non_null(strstr(p.source, "turbostressreports"));
    cpu = cpu_named("GenuineIntel", "Intel(R) Xeon(R) Platinum 8488C");
    cpu_power_find(&cpu, 0, &p);
    assert_int_equal(p.tier, TIER_B);
    assert_close(p.tdp_watts, 385, "of cpu_tdp.csv");
    assert_int_equal(p.table_threads, 192);
}

static void servers_by_name_or_cpuid(void **state)
{
    static const struct {
        const char *vendor, *model_name;
        int family, model;
        bool is_server;
    } rows[] = {
        { "GenuineIntel", "Intel(R) Atom(TM) CPU N270   @ 1.60GHz", 6, 28, false },
        { "GenuineIntel", "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", 6, 140, false },
        { "ARM", "Cortex-A72", -1, 0xd08, false },
        { "Apple", "Apple M2", -1, -1, false },
        { "", "banana", -1, -1, false },
        { "", "", -1, -1, false },
        { "AuthenticAMD", "AMD EPYC", 26, 2, true },
        { "GenuineIntel", "Intel Xeon Processor (Cascadelake)", 6, 85, true },
        { "GenuineIntel", "QEMU Virtual CPU version 2.5+", 15, 107, true },
        { "GenuineIntel", "Intel Core Processor (Broadwell)", 6, 61, true },
        { "ARM", "Neoverse-N1", -1, 0xd0c, true },
        { "", "POWER9, altivec supported", -1, -1, true },
        { "AuthenticAMD", "Eng Sample", 25, 17, true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = cpu_named(rows[i].vendor, rows[i].model_name);
        struct cpu_power p;
        cpu.family = rows[i].family;
        cpu.model = rows[i].model;
        cpu_power_find(&cpu, 0, &p);
        bool is_said = strstr(p.reason, "not recognisable as a server CPU") != NULL;
        if (p.tier != TIER_E || cpu_power_is_server(&cpu) != rows[i].is_server ||
            is_said == rows[i].is_server)
            fail_msg("%s: %s", rows[i].model_name, p.reason);
    }
}

static void a_vms_reason_names_its_host(void **state)
{
    static const struct {
        const char *model_name;
        unsigned vcpus;
        const char *saying;
    } rows[] = {
        { "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 4,
          "; share of a host taken for 96 threads" },
        { "AMD EPYC 7R32", 4, "; share of a host taken for 192 threads" },
        { "AMD EPYC", 4, "; share of a host taken for 96 threads" },
        { "AMD EPYC", 97, "; share of a host taken for 192 threads" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = cpu_named("AuthenticAMD", rows[i].model_name);
        struct cpu_power p;
        cpu.threads = rows[i].vcpus;
        cpu_power_find(&cpu, 0, &p);
        assert_null(strstr(p.reason, "share of a host"));
        cpu.hypervisor = true;
        cpu_power_find(&cpu, 0, &p);
        if (!strstr(p.reason, rows[i].saying))
            fail_msg("%s: %s", rows[i].model_name, p.reason);
    }
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
          "Intel(R) Xeon(R) Platinum 8352V CPU @ 2.1GHz", 0, "TDP 195 W", 195, 0.74, 1.37, 144 },
        { "an unknown CPU of known TDP", "GenuineIntel", "Intel(R) Xeon(R) 9999", 225.5,
          "TDP 225.5 W", 225.5, 0.74, 1.37, 96 },
        { "8252CL is not the 8252C that was measured", "GenuineIntel",
          "Intel(R) Xeon(R) Platinum 8252CL", 100, "TDP 100 W", 100, 0.74, 1.37, 96 },
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
        assert_close(p.curve[0], 0.1207, rows[i].why);
        assert_close(p.curve[10], 1.0362, rows[i].why);
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
        { "Skylake by stepping", "GenuineIntel", 6, 85, 4, "Skylake", 4.27, 3.54 / 4.27 * 0.74,
          10.00 / 4.27 * 1.37, 80 },
        { "Cascade Lake by stepping", "GenuineIntel", 6, 85, 7, "Cascade Lake", 3.91,
          3.44 / 3.91 * 0.74, 10.00 / 3.91 * 1.37, 104 },
        { "Cooper Lake by stepping", "GenuineIntel", 6, 85, 11, "Cooper Lake-SP", 4.46,
          3.44 / 4.46 * 0.74, 5.69 / 4.46 * 1.37, 96 },
        { "a stepping between the rows", "GenuineIntel", 6, 85, 9, "any server CPU", 3.85,
          2.81 / 3.85 * 0.74, 6.75 / 3.85 * 1.37, 96 },
        { "an unknown stepping", "GenuineIntel", 6, 85, -1, "any server CPU", 3.85,
          2.81 / 3.85 * 0.74, 6.75 / 3.85 * 1.37, 96 },
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
        assert_close(p.curve[10], 1.0362, rows[i].why);
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
    cpu = cpu_named("AuthenticAMD", "AMD EPYC 7R32"); /* looked up by the caller */
    cpu_power_find(&cpu, cpu_power_tdp_by_name(cpu.model_name), &p);
    assert_non_null(strstr(p.reason, "tier B: the TDP is 280 W a socket (row of cpu_tdp.csv)"));
    assert_non_null(strstr(p.source, "boaviztapi"));
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

static void code_names_and_threads(void **state)
{
    static const struct {
        const char *model_name, *code_name;
        unsigned threads;
    } rows[] = {
        { "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", "Cascade Lake", 48 },
        { "AMD EPYC 7R32", "Rome", 96 },
        { "AMD EPYC 7V13 64-Core Processor", "", 128 }, /* the table does not say */
        { "AMD EPYC", "", 0 },
        { "", "", 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_string_equal(cpu_power_code_name(rows[i].model_name), rows[i].code_name);
        assert_int_equal(cpu_power_threads_by_name(rows[i].model_name), rows[i].threads);
    }
}

/* -- tier B' -- */

static void between_two_ends(void **state)
{
    (void)state;
    struct cpu_power p = { 0 };
    struct err err = { 0 };
    assert_int_equal(
        cpu_power_from_ends(&(struct power_ends){ "rack 7", 2, 64, 60, 600, true }, &p, &err), 0);
    assert_int_equal(p.tier, TIER_B_CALIBRATED);
    assert_int_equal(p.curve_sockets, 2);
    assert_int_equal(p.table_threads, 64);
    assert_close(p.curve[0], 60, "idle is exact");
    assert_close(p.curve[10], 600, "full is exact");
    assert_close(p.curve[5], 60 + 540 * 0.6803, "half load by the median shape");
    assert_close(p.bound_low, 0.90, "low");
    assert_close(p.bound_high, 1.19, "high");
    assert_close(p.dram_watts_per_gb[10], 0.0993, "the generic DRAM curve");
    assert_close(p.dram_low, 0.5, "and its bounds");
    assert_close(p.dram_high, 1.5, "and its bounds");
    assert_string_equal(p.name, "rack 7");
    assert_string_equal(p.reason, "tier B': idle 60 W and full 600 W of 2 sockets are known (rack "
                                  "7), between them the generic shape");
    assert_int_equal(
        cpu_power_from_ends(&(struct power_ends){ "one", 1, 32, 60, 600, true }, &p, &err), 0);
    assert_int_equal(p.table_threads, 64); /* two sockets of it */
    assert_int_equal(p.curve_sockets, 1);

    assert_int_equal(
        cpu_power_from_ends(&(struct power_ends){ "an EPYC", 1, 32, 60, 600, false }, &p, &err), 0);
    assert_close(p.bound_low, 0.5, "another maker's shape");
    assert_close(p.bound_high, 2, "another maker's shape");
    assert_non_null(strstr(p.reason, "(an EPYC), between them the generic shape; the shape is that "
                                     "of Intel's processors"));
}

static void ends_that_make_no_sense(void **state)
{
    static const struct {
        const char *why;
        unsigned sockets, threads;
        double idle_watts, full_watts;
        const char *saying;
    } rows[] = {
        { "nothing drawn at rest", 2, 64, 0, 600, "idle 0 W" },
        { "less than nothing", 2, 64, -1, 600, "idle -1 W" },
        { "flat", 2, 64, 600, 600, "full above idle" },
        { "falling", 2, 64, 600, 60, "full above idle" },
        { "no number", 2, 64, (double)NAN, 600, "nan" },
        { "no end", 2, 64, 60, (double)INFINITY, "inf" },
        { "no sockets", 0, 64, 60, 600, "0 sockets" },
        { "no threads", 2, 0, 60, 600, "0 threads" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_power p = { .tdp_watts = 7 };
        struct err err = { 0 };
        int code = cpu_power_from_ends(&(struct power_ends){ "rack 7", rows[i].sockets,
                                                             rows[i].threads, rows[i].idle_watts,
                                                             rows[i].full_watts, true },
                                       &p, &err);
        if (code != -EINVAL || !strstr(err.text, rows[i].saying) || !strstr(err.text, "rack 7"))
            fail_msg("%s: %d, %s", rows[i].why, code, err.text);
        assert_close(p.tdp_watts, 7, "nothing is written");
    }
}

/* -- the generic curves are those of the six CPU models, and nothing else -- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_of_table(size_t point, bool is_shape)
{
    enum {
        N = ARRAY_LEN(power_package_rows)
    };
    double value[N];
    for (size_t i = 0; i < N; i++) {
        const double *w = power_package_rows[i].watts;
        value[i] = is_shape ? (w[point] - w[0]) / (w[10] - w[0])
                            : w[point] / (2 * power_package_rows[i].tdp_watts);
    }
    qsort(value, N, sizeof(value[0]), by_value);
    return (value[(N - 1) / 2] + value[N / 2]) / 2;
}

static void generic_curves_are_the_medians(void **state)
{
    (void)state;
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++) {
        assert_near(cpu_power_ratio[i], median_of_table(i, false), 0.5e-4 + 1e-9, "ratio to TDP");
        assert_near(cpu_power_shape[i], median_of_table(i, true), 0.5e-4 + 1e-9, "shape");
    }
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
    cpu.hypervisor = true;
    static const double tdps[] = { 0, 1234.567 };
    for (size_t i = 0; i < ARRAY_LEN(tdps); i++) {
        struct cpu_power p;
        cpu_power_find(&cpu, tdps[i], &p);
        assert_true(strlen(p.reason) < sizeof(p.reason) - 1);
        assert_non_null(strstr(p.reason, "xxx\""));
        assert_non_null(strstr(p.reason, "96 threads"));
    }
}

static void tier_names(void **state)
{
    (void)state;
    assert_string_equal(power_tier_name(TIER_A), "A");
    assert_string_equal(power_tier_name(TIER_B_CALIBRATED), "B'");
    assert_string_equal(power_tier_name(TIER_B), "B");
    assert_string_equal(power_tier_name(TIER_SERVER), "S");
    assert_string_equal(power_tier_name(TIER_E), "E");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tier_a_rows),
        cmocka_unit_test(keplers_curves_are_not_used),
        cmocka_unit_test(servers_by_name_or_cpuid),
        cmocka_unit_test(a_vms_reason_names_its_host),
        cmocka_unit_test(tier_b_rows),
        cmocka_unit_test(tier_e_rows),
        cmocka_unit_test(reasons_name_row_and_tier),
        cmocka_unit_test(a_tdp_that_is_none_is_unknown),
        cmocka_unit_test(tdp_by_name_rows),
        cmocka_unit_test(each_tdp_row_is_found),
        cmocka_unit_test(code_names_and_threads),
        cmocka_unit_test(between_two_ends),
        cmocka_unit_test(ends_that_make_no_sense),
        cmocka_unit_test(generic_curves_are_the_medians),
        cmocka_unit_test(ceiling_rows),
        cmocka_unit_test(each_row_fits),
        cmocka_unit_test(a_reason_is_never_cut),
        cmocka_unit_test(tier_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
