/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu_name.h"
#include "host/cpu_power.h"

#include <errno.h>
#include <math.h>
#include <power_tables.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

static struct cpu_facts machine(const char *model_name, unsigned sockets, unsigned threads)
{
    struct cpu_facts cpu = {
        .family = -1, .model = -1, .stepping = -1, .sockets = sockets, .threads = threads
    };
    (void)snprintf(cpu.model_name, sizeof(cpu.model_name), "%s", model_name);
    return cpu;
}

static void by_model_name(void **state)
{
    static const struct {
        const char *why, *model_name;
        unsigned sockets;
        double idle, idle_low, idle_high, full, full_low, full_high;
        const char *saying;
    } rows[] = {
        { "eleven systems: their extremes", "AMD EPYC 7742 64-Core Processor", 2, 92.9, 82.3, 133,
          400, 391, 492, "11 SPECpower systems" },
        { "one socket of it has a row too", "AMD EPYC 7742 64-Core Processor", 1, 64.2, 51.4, 99.5,
          241.5, 206, 255, "10 SPECpower systems" },
        { "marks and frequency do not matter", "Intel(R) Xeon(R) Gold 5218 CPU @ 2.30GHz", 2, 114,
          0.68 * 114, 1.57 * 114, 367, 0.81 * 367, 1.25 * 367, "1 SPECpower system with" },
        { "blanks before a version do not either", "Intel(R) Xeon(R) CPU E3-1265L V2 @ 2.50GHz", 1,
          18.9, 15.7, 19.1, 56.2, 55.3, 59.5, "3 SPECpower systems" },
        { "two systems are too few", "AMD EPYC 7501 32-Core Processor", 2, 100.7, 0.68 * 100.7,
          1.57 * 100.7, 305, 0.81 * 305, 1.25 * 305, "spread of processors with several" },
        { "other sockets: in proportion to the nearest row", "AMD EPYC 7742 64-Core Processor", 3,
          1.5 * 92.9, 0.68 * 1.5 * 92.9, 1.57 * 1.5 * 92.9, 600, 0.81 * 600, 1.25 * 600,
          "in proportion to 3 sockets" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = machine(rows[i].model_name, rows[i].sockets, 64);
        struct wall_power w;
        struct err err = { 0 };
        if (cpu_power_wall(&cpu, &w, &err) < 0 || !strstr(w.reason, rows[i].saying))
            fail_msg("%s: %s %s", rows[i].why, err.text, w.reason);
        assert_close(w.idle_watts, rows[i].idle, rows[i].why);
        assert_close(w.idle_low, rows[i].idle_low, rows[i].why);
        assert_close(w.idle_high, rows[i].idle_high, rows[i].why);
        assert_close(w.full_watts, rows[i].full, rows[i].why);
        assert_close(w.full_low, rows[i].full_low, rows[i].why);
        assert_close(w.full_high, rows[i].full_high, rows[i].why);
        assert_non_null(strstr(w.source, "SPECpower"));
    }
}

static void by_family(void **state)
{
    static const struct {
        const char *why, *vendor, *model_name;
        int family, model, stepping;
        const char *name; /* NULL: none is known */
    } rows[] = {
        { "c5.metal by its code name", "", "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", -1, -1,
          -1, "intel-cascadelake" },
        { "Cascade Lake by stepping", "GenuineIntel", "x", 6, 85, 7, "intel-cascadelake" },
        { "Skylake by stepping", "GenuineIntel", "x", 6, 85, 4, "intel-skylake" },
        { "Cooper Lake is Cascade Lake's core", "GenuineIntel", "x", 6, 85, 11,
          "intel-cascadelake" },
        { "an unknown stepping of them", "GenuineIntel", "x", 6, 85, -1, NULL },
        { "Turin", "AuthenticAMD", "x", 26, 2, 1, "amd-epyc-gen5" },
        { "Bergamo, any stepping", "AuthenticAMD", "x", 25, 160, 2, "amd-epyc-gen4" },
        { "Graviton2's core", "ARM", "x", -1, 0xd0c, -1, "amd-neoverse-n1" },
        { "Milan's numbers from another vendor", "HygonGenuine", "x", 25, 1, 1, NULL },
        { "a workstation's chip has no family of servers", "", "Intel Xeon W-2123", -1, -1, -1,
          NULL },
        { "nothing known", "", "", -1, -1, -1, NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = machine(rows[i].model_name, 2, 96);
        struct wall_power w = { .idle_watts = 7 };
        struct err err = { 0 };
        (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", rows[i].vendor);
        cpu.family = rows[i].family;
        cpu.model = rows[i].model;
        cpu.stepping = rows[i].stepping;
        int code = cpu_power_wall(&cpu, &w, &err);
        if (!rows[i].name) {
            if (code != -ENOENT || !strstr(err.text, "SPECpower"))
                fail_msg("%s: %d %s", rows[i].why, code, w.name);
            assert_close(w.idle_watts, 7, "nothing is written");
        } else if (code < 0 || strcmp(w.name, rows[i].name) != 0) {
            fail_msg("%s: %s %s", rows[i].why, w.name, err.text);
        }
    }
}

static void a_familys_watts_are_per_thread(void **state)
{
    struct cpu_facts cpu = machine("Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 2, 96);
    struct wall_power w;
    (void)state;
    assert_int_equal(cpu_power_wall(&cpu, &w, NULL), 0);
    assert_close(w.idle_watts, 96 * 0.602, "idle");
    assert_close(w.idle_low, 96 * 0.431, "p10");
    assert_close(w.idle_high, 96 * 1.147, "p90");
    assert_close(w.full_watts, 96 * 4.039, "full");
    assert_close(w.full_low, 96 * 3.174, "p10");
    assert_close(w.full_high, 96 * 4.47, "p90");
}

static void a_machine_without_processors(void **state)
{
    struct cpu_facts cpu = machine("AMD EPYC 7742", 0, 64);
    struct wall_power w;
    struct err err = { 0 };
    (void)state;
    assert_int_equal(cpu_power_wall(&cpu, &w, &err), -EINVAL);
    assert_non_null(strstr(err.text, "0 sockets"));
}

static void each_row_finds_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(power_wall_rows); i++) {
        const struct power_wall_row *row = &power_wall_rows[i];
        struct cpu_facts cpu = machine(row->name, row->chips, 2);
        struct wall_power w;
        struct err err = { 0 };
        if (cpu_power_wall(&cpu, &w, &err) < 0)
            fail_msg("%s: %s", row->name, err.text);
        if (!(w.idle_low <= w.idle_watts && w.idle_watts <= w.idle_high &&
              w.full_low <= w.full_watts && w.full_watts <= w.full_high &&
              w.idle_watts < w.full_watts))
            fail_msg("%s x %u: %s", row->name, row->chips, w.reason);
        assert_true(strlen(w.reason) < sizeof(w.reason) - 1);
    }
}

/* -- how far a CPU's systems spread, where there are enough of them -- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(double *value, size_t n, double part)
{
    qsort(value, n, sizeof(*value), by_value);
    size_t at = (size_t)(part * (double)n);
    return value[at < n ? at : n - 1];
}

static void few_systems_spread_as_the_others_do(void **state)
{
    enum {
        N = ARRAY_LEN(power_wall_rows)
    };
    static double idle_low[N], idle_high[N], full_low[N], full_high[N];
    size_t n = 0;
    (void)state;
    for (size_t i = 0; i < N; i++) {
        const struct power_wall_row *row = &power_wall_rows[i];
        if (row->systems < 3)
            continue;
        idle_low[n] = row->idle_low / row->idle;
        idle_high[n] = row->idle_high / row->idle;
        full_low[n] = row->full_low / row->full;
        full_high[n++] = row->full_high / row->full;
    }
    assert_true(n > 100);
    assert_near(percentile(idle_low, n, 0.1), 0.68, 0.005, "idle, p10");
    assert_near(percentile(idle_high, n, 0.9), 1.57, 0.005, "idle, p90");
    assert_near(percentile(full_low, n, 0.1), 0.81, 0.005, "full, p10");
    assert_near(percentile(full_high, n, 0.9), 1.25, 0.005, "full, p90");
}

static void names_in_one_form(void **state)
{
    static const struct {
        const char *name, *same;
    } rows[] = {
        { "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", "intel xeon platinum 8275cl" },
        { "AMD EPYC 9354 32-Core Processor                ", "amd epyc 9354" },
        { "Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz", "intel xeon e5-2670" },
        { "", "" },
        { "(", "(" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char got[CPU_NAME_SIZE];
        cpu_name_normalise(rows[i].name, got, sizeof(got));
        assert_string_equal(got, rows[i].same);
    }
    char small[6];
    cpu_name_normalise("Intel Xeon", small, sizeof(small));
    assert_true(strlen(small) < sizeof(small));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_model_name),
        cmocka_unit_test(by_family),
        cmocka_unit_test(a_familys_watts_are_per_thread),
        cmocka_unit_test(a_machine_without_processors),
        cmocka_unit_test(each_row_finds_itself),
        cmocka_unit_test(few_systems_spread_as_the_others_do),
        cmocka_unit_test(names_in_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
