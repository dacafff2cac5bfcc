/* SPDX-License-Identifier: Apache-2.0 */
#include "power/watt.h"

#include "base/clock.h"
#include "host/cpu.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

static void counts_between(void **state)
{
    static const struct {
        const char *why;
        uint64_t before, now, modulus;
        int code;
        uint64_t counts;
    } rows[] = {
        { "a counter that goes on", 100, 175, 1000, 0, 75 },
        { "a counter that stands still", 100, 100, 1000, 0, 0 },
        { "wraps once at its modulus", 990, 10, 1000, 0, 20 },
        { "from the last count to the first", 999, 0, 1000, 0, 1 },
        { "a 32-bit register wraps", UINT32_MAX, 4, UINT64_C(1) << 32, 0, 5 },
        { "powercap's largest value is a value", 0, 262143328850, 262143328851, 0, 262143328850 },
        { "no modulus, and it goes on", 5, UINT64_MAX, 0, 0, UINT64_MAX - 5 },
        { "no modulus, and it goes back", 5, 4, 0, -ERANGE, 0 },
        { "now is past the modulus", 5, 1000, 1000, -ERANGE, 0 },
        { "before is past the modulus", 1000, 5, 1000, -ERANGE, 0 },
        { "the largest modulus there is", UINT64_MAX - 1, 0, UINT64_MAX, 0, 1 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t got = 0;
        int code = watt_counts_between(rows[i].before, rows[i].now, rows[i].modulus, &got);
        if (code != rows[i].code || got != rows[i].counts)
            fail_msg("%s: got %d, %llu", rows[i].why, code, (unsigned long long)got);
    }
}

static void failure_writes_nothing(void **state)
{
    (void)state;
    uint64_t counts = 77;
    assert_int_equal(watt_counts_between(2, 1, 0, &counts), -ERANGE);
    assert_int_equal(counts, 77);
    double watts = 7.5;
    assert_int_equal(watt_from_joules(1, 0, &watts), -EAGAIN);
    assert_near(watts, 7.5, 0, "what was there stays");
}

static void watts_from_joules(void **state)
{
    static const struct {
        const char *why;
        double joules;
        uint64_t elapsed_ns;
        double watts;
    } rows[] = {
        { "1 J in 1 s is 1 W", 1, NS_PER_SEC, 1 },
        { "2223 J in 5 s is c5.metal at half load", 2223, 5 * NS_PER_SEC, 444.6 },
        { "a late tick is the same watts", 2223 * 1.5, 15 * NS_PER_SEC / 2, 444.6 },
        { "a nanosecond is time", 1e-9, 1, 1 },
        { "a week of suspend", 604800, 604800 * NS_PER_SEC, 1 },
        { "nothing used", 0, NS_PER_SEC, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        double got = -1;
        assert_int_equal(watt_from_joules(rows[i].joules, rows[i].elapsed_ns, &got), 0);
        assert_near(got, rows[i].watts, 1e-9, rows[i].why);
    }
}

static void believable_watts(void **state)
{
    static const struct {
        const char *why;
        double watts;
        int code;
    } rows[] = {
        { "nothing", 0, 0 },
        { "something", 444.6, 0 },
        { "the ceiling itself", 960, 0 },
        { "above it", 960.001, -ERANGE },
        { "below nothing", -0.001, -ERANGE },
        { "no number", (double)NAN, -ERANGE },
        { "no end", (double)INFINITY, -ERANGE },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (watt_check(rows[i].watts, 960) != rows[i].code)
            fail_msg("%s", rows[i].why);
    }
}

/* data/power/cpu_package_watts.csv, Platinum 8275CL, and generic_curves.csv, ratio_to_tdp_median.
 */
#define C5_METAL                                                             \
 {                                                                           \
  58.7, 174.9, 241.7, 299.4, 373.8, 444.6, 521.3, 563.2, 590.9, 606.4, 617.4 \
 }
#define GENERIC                                                                          \
 {                                                                                       \
  0.1207, 0.3178, 0.4292, 0.5291, 0.6346, 0.7234, 0.8056, 0.8809, 0.9492, 1.0075, 1.0362 \
 }

static void interpolation(void **state)
{
    static const struct {
        const char *why;
        double u, watts;
    } rows[] = {
        { "at rest", 0, 58.7 },
        { "a point of the table", 0.5, 444.6 },
        { "full", 1, 617.4 },
        { "halfway between two points", 0.05, 116.8 },
        { "near the end", 0.95, 611.9 },
        { "more than full is full", 1.7, 617.4 },
        { "less than none", -1, 58.7 },
        { "no number is no load", (double)NAN, 58.7 },
        { "no end", (double)INFINITY, 617.4 },
    };
    static const double curve[POWER_CURVE_POINTS] = C5_METAL;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_near(watt_interpolate(curve, rows[i].u), rows[i].watts, 1e-9, rows[i].why);
}

static struct watt_model tier_a(unsigned sockets)
{
    return (struct watt_model){
        .power = { .tier = TIER_A,
                   .curve = C5_METAL,
                   .curve_sockets = 2,
                   .dram_watts_per_gb = { 0.0457, 0.0758, 0.0802, 0.0812, 0.0841, 0.0879, 0.0914,
                                          0.0937, 0.0959, 0.0977, 0.0993 },
                   .dram_low = 0.5,
                   .dram_high = 1.5,
                   .tdp_watts = 240,
                   .table_threads = 96,
                   .bound_low = 0.82,
                   .bound_high = 1.43 },
        .sockets = sockets,
        .threads = 48 * sockets,
    };
}

static struct watt_model tier_b(void)
{
    return (struct watt_model){
        .power = { .tier = TIER_B,
                   .curve = GENERIC,
                   .tdp_watts = 200,
                   .table_threads = 64,
                   .bound_low = 0.74,
                   .bound_high = 1.37 },
        .sockets = 2,
        .threads = 64,
    };
}

/* Calibrated on one socket of 32 threads: 60 W at rest, 600 W at full load. */
static struct watt_model tier_b_calibrated(unsigned sockets)
{
    struct watt_model m = { .sockets = sockets, .threads = 32 * sockets };
    assert_int_equal(
        cpu_power_from_ends(&(struct power_ends){ "test", 1, 32, 60, 600, true }, &m.power, NULL),
        0);
    return m;
}

/* Recorded from kepler-model-server for node type 2, c5.metal (SGDRegressorTrainer). */
static const struct weights c5_sgd = {
    .kind = WEIGHTS_LINEAR,
    .bias = 155.54638273829107,
    .weight = 288.6105905018805,
    .scale_ms = 95918,
};
static const struct weights c5_sgd_dram = {
    .kind = WEIGHTS_LINEAR,
    .bias = 31.210701408547102,
    .weight = 0.5075127994182677,
    .scale_ms = 95918,
};

static struct watt_model tier_server(void)
{
    return (struct watt_model){
        .power = { .tier = TIER_SERVER,
                   .table_threads = 96,
                   .bound_low = 0.37,
                   .bound_high = 1.6,
                   .dram_low = 0.28,
                   .dram_high = 1.57 },
        .sockets = 2,
        .threads = 96,
        .weights = &c5_sgd,
        .dram_weights = &c5_sgd_dram,
    };
}

static struct watt_model tier_e(unsigned threads)
{
    return (struct watt_model){
        .power = { .tier = TIER_E,
                   .curve = GENERIC,
                   .tdp_watts_per_thread = 3.85,
                   .table_threads = 96,
                   .bound_low = 0.74 * 2.81 / 3.85,
                   .bound_high = 1.37 * 6.75 / 3.85 },
        .sockets = 1,
        .threads = threads,
    };
}

/* As source_model.c fills it: the threads are the table's. */
static struct watt_model as_vm(struct watt_model m, unsigned vcpus)
{
    m.is_vm = true;
    m.sockets = 2;
    m.threads = m.power.table_threads;
    m.vcpus = vcpus;
    return m;
}

static void package_by_tier(void **state)
{
    const struct {
        const char *why;
        struct watt_model model;
        double u, watts, low, high;
    } rows[] = {
        { "A: c5.metal at half load", tier_a(2), 0.5, 444.6, 364.572, 635.778 },
        { "A: one socket is half the table's machine", tier_a(1), 0.5, 222.3, 182.286, 317.889 },
        { "A: four sockets are twice it", tier_a(4), 0, 117.4, 96.268, 167.882 },
        { "B: two sockets of 200 W at half load", tier_b(), 0.5, 289.36, 214.1264, 396.4232 },
        { "B: at rest", tier_b(), 0, 48.28, 35.7272, 66.1436 },
        { "B': half load of one socket, by the shape", tier_b_calibrated(1), 0.5, 427.362, 384.6258,
          508.56078 },
        { "B': at rest", tier_b_calibrated(1), 0, 60, 54, 71.4 },
        { "B': four sockets draw four times it", tier_b_calibrated(4), 1, 2400, 2160, 2856 },
        { "S: at rest the bias", tier_server(), 0, 155.546383, 57.552162, 248.874212 },
        { "S: full load is 96,000 ms of CPU time a second", tier_server(), 1, 444.403706,
          164.429371, 711.045929 },
        { "E: four threads of any server CPU", tier_e(4), 0.5, 11.14036, 6.0169518, 26.758566 },
        { "E: full", tier_e(4), 1, 15.95748, 8.6186971, 38.329038 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct watt_range got = watt_package(&rows[i].model, rows[i].u);
        assert_near(got.watts, rows[i].watts, 1e-6, rows[i].why);
        assert_near(got.low, rows[i].low, 1e-3, rows[i].why);
        assert_near(got.high, rows[i].high, 1e-3, rows[i].why);
    }
}

static void vm_share(void **state)
{
    const struct {
        const char *why;
        struct watt_model model;
        double u, watts, low, high;
    } rows[] = {
        { "2 of 96 threads at half load", as_vm(tier_e(2), 2), 0.5, 5.8677631, 2.5586881,
          19.8495453 },
        { "at rest only its part of P(0)", as_vm(tier_e(2), 2), 0, 0.92939, 0.5019672, 2.2323465 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct watt_range got = watt_package(&rows[i].model, rows[i].u);
        assert_near(got.watts, rows[i].watts, 1e-4, rows[i].why);
        assert_near(got.low, rows[i].low, 1e-3, rows[i].why);
        assert_near(got.high, rows[i].high, 1e-3, rows[i].why);
    }
}

static void vm_of_all_threads_is_bare_metal(void **state)
{
    const struct watt_model models[] = { tier_a(2), tier_b(), tier_b_calibrated(2), tier_server(),
                                         tier_e(96) };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        struct watt_model vm = as_vm(models[i], models[i].power.table_threads);
        for (int pct = 0; pct <= 100; pct += 5) {
            struct watt_range metal = watt_package(&models[i], pct / 100.0);
            struct watt_range share = watt_package(&vm, pct / 100.0);
            assert_near(share.watts, metal.watts, 1e-9, "v = V");
            assert_near(share.low, metal.low, 1e-9, "v = V, low");
            assert_near(share.high, metal.high, 1e-9, "v = V, high");
            metal = watt_dram(&models[i], pct / 100.0);
            share = watt_dram(&vm, pct / 100.0);
            assert_near(share.watts, metal.watts, 1e-9, "v = V, dram");
            assert_near(share.low, metal.low, 1e-9, "v = V, dram, low");
            assert_near(share.high, metal.high, 1e-9, "v = V, dram, high");
        }
    }
}

static void vm_parts_make_the_whole(void **state)
{
    /* 48 VMs of 2 threads, all at the load that each assumes of its neighbours */
    struct watt_model host = tier_a(2);
    struct watt_model vm = as_vm(host, 2);
    (void)state;
    assert_near(48 * watt_package(&vm, 0.4).watts, watt_package(&host, 0.4).watts, 1e-9,
                "shares add up");
}

/* Of a curve that rises ever faster, quiet neighbours leave the smaller share. */
static void vm_bounds_of_a_convex_curve(void **state)
{
    struct watt_model vm = as_vm(tier_a(2), 2);
    (void)state;
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        vm.power.curve[i] = (double)(i * i); /* P(u) = 100 u^2 at the points */
    vm.power.bound_low = vm.power.bound_high = 1;
    /* at un = 0.1 and u = 0.1: ub = 0.1, 2/96 x P(0.1); at un = 0.9: ub = 0.88333 */
    struct watt_range r = watt_package(&vm, 0.1);
    assert_near(r.low, 2.0 / 96, 1e-9, "quiet neighbours");
    assert_near(r.high, 2 * 0.1 / 96 * (64 + 17 * 0.8333333333) / 0.8833333333, 1e-6,
                "busy neighbours");
}

static void vm_with_more_threads_than_the_table(void **state)
{
    struct watt_model all = as_vm(tier_e(2), 96), more = as_vm(tier_e(2), 500);
    struct watt_model none = as_vm(tier_e(2), 2);
    none.threads = 0;
    (void)state;
    assert_near(watt_package(&more, 0.7).watts, watt_package(&all, 0.7).watts, 0, "v is at most V");
    assert_near(watt_package(&none, 0.7).watts, 0, 0, "no threads, no share, no division by 0");
}

/* What holds for every model at every load. */
static void order_and_monotony(void **state)
{
    const struct watt_model models[] = { tier_a(1),
                                         tier_a(2),
                                         tier_b(),
                                         tier_e(4),
                                         as_vm(tier_a(2), 1),
                                         as_vm(tier_a(2), 8),
                                         as_vm(tier_a(2), 95),
                                         as_vm(tier_b(), 4),
                                         tier_b_calibrated(2),
                                         as_vm(tier_b_calibrated(2), 3),
                                         tier_server(),
                                         as_vm(tier_server(), 4),
                                         as_vm(tier_e(2), 2) };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        double before = 0;
        for (int permille = 0; permille <= 1000; permille++) {
            struct watt_range r = watt_package(&models[i], permille / 1000.0);
            if (!(r.low >= 0 && r.low <= r.watts && r.watts <= r.high))
                fail_msg("model %zu at %d permille: %f <= %f <= %f", i, permille, r.low, r.watts,
                         r.high);
            if (r.watts < before - 1e-9)
                fail_msg("model %zu falls at %d permille", i, permille);
            before = r.watts;
        }
    }
}

static void dram(void **state)
{
    struct watt_model m = tier_a(2);
    m.memory_gb = 192;
    (void)state;
    struct watt_range r = watt_dram(&m, 0.5);
    assert_near(r.watts, 16.8768, 1e-9, "192 GB at half load");
    assert_near(r.low, 8.4384, 1e-9, "half of it");
    assert_near(r.high, 25.3152, 1e-9, "half more");
    m.memory_gb = 0;
    assert_near(watt_dram(&m, 0.5).watts, 0, 0, "no memory known");
}

/* A server's DRAM model is of the host, so a VM has its share; a table's is of the VM's own GB. */
static void dram_of_a_server(void **state)
{
    struct watt_model m = tier_server();
    struct watt_model vm = as_vm(m, 24);
    (void)state;
    struct watt_range r = watt_dram(&m, 0);
    assert_near(r.watts, 31.210701, 1e-6, "the bias");
    assert_near(r.low, 31.210701 * 0.28, 1e-5, "low");
    assert_near(r.high, 31.210701 * 1.57, 1e-5, "high");
    assert_near(watt_dram(&vm, 0).watts, 31.210701 / 4, 1e-6, "24 of 96 threads");
}

static void a_server_without_weights_claims_nothing(void **state)
{
    struct watt_model m = tier_server();
    (void)state;
    m.weights = NULL;
    assert_near(watt_package(&m, 0.5).watts, 0, 0, "no model, no watts");
    m = tier_a(2);
    m.power.curve_sockets = 0;
    assert_near(watt_package(&m, 0.5).watts, 0, 0, "a curve of no sockets");
}

static void wall(void **state)
{
    const struct wall_power w = { .idle_watts = 50,
                                  .full_watts = 450,
                                  .idle_low = 40,
                                  .idle_high = 70,
                                  .full_low = 400,
                                  .full_high = 600 };
    static const struct {
        const char *why;
        double u, watts, low, high;
    } rows[] = {
        { "at rest", 0, 50, 40, 70 },
        { "full", 1, 450, 400, 600 },
        { "half load by the shape 0.6803", 0.5, 322.12, 284.908, 430.559 },
        { "more than full", 3, 450, 400, 600 },
        { "no number", (double)NAN, 50, 40, 70 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct watt_range r = watt_wall(&w, rows[i].u);
        assert_near(r.watts, rows[i].watts, 1e-9, rows[i].why);
        assert_near(r.low, rows[i].low, 1e-9, rows[i].why);
        assert_near(r.high, rows[i].high, 1e-9, rows[i].why);
    }
}

static void joules_of_a_power_sensor(void **state)
{
    static const struct {
        const char *why;
        double before, now;
        uint64_t elapsed_ns;
        double joules;
    } rows[] = {
        { "steady", 100, 100, 5 * NS_PER_SEC, 500 },
        { "rising: the mean of both ends", 100, 200, 2 * NS_PER_SEC, 300 },
        { "falling", 200, 100, 2 * NS_PER_SEC, 300 },
        { "no time", 100, 200, 0, 0 },
        { "nothing drawn", 0, 0, NS_PER_SEC, 0 },
        { "half a second", 30, 50, NS_PER_SEC / 2, 20 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_near(watt_joules_of_power(rows[i].before, rows[i].now, rows[i].elapsed_ns),
                    rows[i].joules, 1e-9, rows[i].why);
}

static void idle_part(void **state)
{
    static const struct {
        const char *why;
        double joules, idle_watts;
        uint64_t elapsed_ns;
        double idle;
    } rows[] = {
        { "58.7 W for 5 s of 2223 J", 2223, 58.7, 5 * NS_PER_SEC, 293.5 },
        { "never more than there is", 100, 58.7, 5 * NS_PER_SEC, 100 },
        { "nothing used, nothing idle", 0, 58.7, 5 * NS_PER_SEC, 0 },
        { "no idle power", 100, 0, 5 * NS_PER_SEC, 0 },
        { "an idle power that is not known", 100, -1, 5 * NS_PER_SEC, 0 },
        { "an idle power that is no number", 100, (double)NAN, 5 * NS_PER_SEC, 0 },
        { "no time", 100, 58.7, 0, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_near(watt_idle_joules(rows[i].joules, rows[i].idle_watts, rows[i].elapsed_ns),
                    rows[i].idle, 1e-9, rows[i].why);
}

static void idle_guess(void **state)
{
    static const double ratio[POWER_CURVE_POINTS] = GENERIC;
    static const double nothing[POWER_CURVE_POINTS] = { 0 };
    (void)state;
    assert_near(watt_idle_guess(ratio, 72.34, 0.5), 12.07, 1e-9, "ratio(0) / ratio(0.5)");
    assert_near(watt_idle_guess(ratio, 50, 0), 50, 1e-9, "at rest all of it is idle");
    assert_near(watt_idle_guess(ratio, 0, 0.5), 0, 0, "nothing drawn");
    assert_near(watt_idle_guess(ratio, -5, 0.5), 0, 0, "never negative");
    assert_near(watt_idle_guess(nothing, 50, 0.5), 0, 0, "a curve that says nothing");
}

/* The worked examples of docs/how-a-watt-is-computed.md, from the tables themselves. */
static void documented_c5_metal(void **state)
{
    struct cpu_facts cpu = { .vendor = "GenuineIntel",
                             .family = 6,
                             .model = 85,
                             .stepping = 7,
                             .model_name = "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz",
                             .sockets = 2,
                             .cores = 48,
                             .threads = 96 };
    struct watt_model m = { .sockets = 2, .threads = 96, .memory_gb = 192 };
    (void)state;
    cpu_power_find(&cpu, 0, &m.power);
    assert_string_equal(power_tier_name(m.power.tier), "A");
    struct watt_range r = watt_package(&m, 0.5);
    assert_near(r.watts, 444.6, 1e-6, "package");
    assert_near(r.low, 364.572, 1e-6, "package, low");
    assert_near(r.high, 635.778, 1e-6, "package, high");
    assert_near(watt_package(&m, 0).watts, 58.7, 1e-6, "package at rest");
    assert_near(watt_dram(&m, 0.5).watts, 16.8768, 1e-6, "dram");
}

static void documented_vm(void **state)
{
    struct cpu_facts cpu = { .vendor = "GenuineIntel",
                             .family = 6,
                             .model = 207,
                             .stepping = 2,
                             .model_name = "Intel(R) Xeon(R) Processor",
                             .hypervisor = true,
                             .sockets = 1,
                             .cores = 1,
                             .threads = 2 };
    struct cpu_power power;
    (void)state;
    cpu_power_find(&cpu, 0, &power);
    assert_string_equal(power_tier_name(power.tier), "E");
    struct watt_model m = {
        .power = power, .sockets = 2, .threads = power.table_threads, .is_vm = true, .vcpus = 2
    };
    assert_int_equal(power.table_threads, 96);
    struct watt_range r = watt_package(&m, 0.5);
    assert_near(r.watts, 5.8678, 5e-5, "package");
    assert_near(r.low, 2.5587, 5e-4, "package, low");
    assert_near(r.high, 19.8495, 5e-4, "package, high");
    assert_near(watt_package(&m, 0).watts, 0.9294, 5e-5, "package at rest");
}

static double at_usage(const double u[3], const double watts[3], double at)
{
    if (at <= u[0])
        return watts[0];
    if (at >= u[2])
        return watts[2];
    size_t i = at > u[1] ? 2 : 1;
    return watts[i - 1] + (at - u[i - 1]) / (u[i] - u[i - 1]) * (watts[i] - watts[i - 1]);
}

/* A calibration of three points, as model_file_power.c samples it: flat beyond the first and the
   last. */
static struct watt_model calibrated_small(void)
{
    static const double u[] = { 0.01, 0.5, 0.99 };
    static const double watts[] = { 20, 60, 90 };
    struct watt_model m = { .sockets = 1, .threads = 2 };
    assert_int_equal(
        cpu_power_from_ends(&(struct power_ends){ "test", 1, 2, 20, 90, true }, &m.power, NULL), 0);
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        m.power.curve[i] = at_usage(u, watts, (double)i / 10);
    return m;
}

static struct watt_model with_curve(const double curve[POWER_CURVE_POINTS])
{
    struct watt_model m = tier_a(2);
    memcpy(m.power.curve, curve, sizeof(m.power.curve));
    return m;
}

/* Neither concave nor convex, a step, convex, flat. */
static const double odd_curves[][POWER_CURVE_POINTS] = {
    { 20, 20, 20, 80, 82, 84, 86, 140, 142, 144, 200 },
    { 10, 10, 10, 10, 10, 90, 90, 90, 90, 90, 90 },
    { 10, 11, 14, 19, 26, 35, 46, 59, 74, 91, 110 },
    { 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50 },
};

/* Shares of @m at load @u for every load of the neighbours are within the bounds told for it. */
static void assert_neighbours_inside(const struct watt_model *m, double u)
{
    struct watt_range r = watt_package(m, u);
    double part = (double)m->vcpus / m->threads;
    double at_rest = watt_interpolate(m->power.curve, 0);
    double per_curve = 0; /* watts of the model per watt of its curve */
    struct watt_range idle = watt_package(m, 0);
    if (at_rest > 0)
        per_curve = idle.watts / at_rest;
    for (double un = NEIGHBOURS_LOAD_LOW; un <= NEIGHBOURS_LOAD_HIGH; un += 0.005) {
        double host_u = part * u + (1 - part) * un;
        double rise = (watt_interpolate(m->power.curve, host_u) - at_rest) / host_u;
        double share = per_curve * (at_rest + u * rise);
        if (share * m->power.bound_low < r.low * (1 - 1e-9) ||
            share * m->power.bound_high > r.high * (1 + 1e-9))
            fail_msg("v/V %g, load %g, neighbours %g: %g is not within %g .. %g", part, u, un,
                     share, r.low, r.high);
    }
}

/* The probe tells bounds before any load is known, a summary the widest of all intervals: no load
   and no size of the VM may leave them, and some load comes near them. */
static void assert_widest_is_widest(const struct watt_model *machine, bool is_smooth,
                                    const char *why)
{
    double low = 0, high = 0, least = 1e9, most = 0;
    struct watt_model m = *machine;
    cpu_power_bounds(&m.power, true, &low, &high);
    m.is_vm = true;
    m.sockets = 2;
    m.threads = m.power.table_threads;
    for (m.vcpus = 1; m.vcpus <= m.threads; m.vcpus += m.vcpus < 8 ? 1 : 5) {
        for (int permille = 0; permille <= 1000; permille += 7) {
            struct watt_range r = watt_package(&m, permille / 1000.0);
            least = fmin(least, r.low / r.watts);
            most = fmax(most, r.high / r.watts);
            if (permille % 21 == 0)
                assert_neighbours_inside(&m, permille / 1000.0);
        }
    }
    if (least < low * 0.9995 || most > high * 1.0005)
        fail_msg("%s: %g .. %g, but %g .. %g were told", why, least, most, low, high);
    if (is_smooth && (least > low * 1.1 || most < high * 0.9))
        fail_msg("%s: only %g .. %g of the %g .. %g told", why, least, most, low, high);
    cpu_power_bounds(&m.power, false, &low, &high);
    assert_near(high, m.power.bound_high, 0, "without neighbours they are the row's own");
    assert_near(low, m.power.bound_low, 0, "without neighbours they are the row's own");
}

static void bounds_told_in_advance_hold_at_any_load(void **state)
{
    static const char *const measured[] = { "Platinum 8275CL", "Platinum 8252C", "Platinum 8259CL",
                                            "E5-2686 v4" };
    const struct watt_model models[] = { tier_b(), tier_b_calibrated(1), tier_e(2) };
    const struct watt_model small = calibrated_small();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(models); i++)
        assert_widest_is_widest(&models[i], true, power_tier_name(models[i].power.tier));
    assert_widest_is_widest(&small, false, "two threads a socket");
    for (size_t i = 0; i < ARRAY_LEN(measured); i++) {
        struct cpu_facts cpu = { .vendor = "GenuineIntel" };
        struct watt_model m = { .sockets = 2 };
        (void)snprintf(cpu.model_name, sizeof(cpu.model_name), "%s", measured[i]);
        cpu_power_find(&cpu, 0, &m.power);
        assert_int_equal(m.power.tier, TIER_A);
        assert_widest_is_widest(&m, true, measured[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(odd_curves); i++) {
        struct watt_model m = with_curve(odd_curves[i]);
        assert_widest_is_widest(&m, false, "a curve that is not concave");
    }
}

/* Of what load adds, Kepler's rule (active = watts x usage) sees less than half. */
static void documented_idle(void **state)
{
    struct watt_model m = tier_a(2);
    (void)state;
    double watts = watt_package(&m, 0.4).watts;
    double active = watts - watt_idle_joules(watts, watt_package(&m, 0).watts, NS_PER_SEC);
    assert_near(watts, 373.8, 1e-9, "at 40 %");
    assert_near(active, 315.1, 1e-9, "active");
    assert_near(watts * 0.4, 149.52, 1e-9, "by Kepler's rule");
    assert_near(1 - watts * 0.4 / active, 0.525, 5e-4, "too little");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_between),
        cmocka_unit_test(failure_writes_nothing),
        cmocka_unit_test(watts_from_joules),
        cmocka_unit_test(believable_watts),
        cmocka_unit_test(interpolation),
        cmocka_unit_test(package_by_tier),
        cmocka_unit_test(vm_share),
        cmocka_unit_test(vm_of_all_threads_is_bare_metal),
        cmocka_unit_test(vm_parts_make_the_whole),
        cmocka_unit_test(vm_bounds_of_a_convex_curve),
        cmocka_unit_test(vm_with_more_threads_than_the_table),
        cmocka_unit_test(order_and_monotony),
        cmocka_unit_test(dram),
        cmocka_unit_test(dram_of_a_server),
        cmocka_unit_test(a_server_without_weights_claims_nothing),
        cmocka_unit_test(wall),
        cmocka_unit_test(joules_of_a_power_sensor),
        cmocka_unit_test(idle_part),
        cmocka_unit_test(idle_guess),
        cmocka_unit_test(documented_c5_metal),
        cmocka_unit_test(documented_vm),
        cmocka_unit_test(bounds_told_in_advance_hold_at_any_load),
        cmocka_unit_test(documented_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
