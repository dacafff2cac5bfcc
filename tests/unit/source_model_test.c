/* SPDX-License-Identifier: Apache-2.0 */
#include "host/msr.h"
#include "power/model_file.h"
#include "power/model_server.h"
#include "power_dump.h"

#include <errno.h>

static struct dump d;

/* -- a model server that says what the test says -- */

static struct {
    struct weights weights;
    const char *name; /* NULL: it has not answered */
    bool has_news;
} reply;

/* Stands in for the one of exporter/power/model_server.c, whose thread and socket have tests of
   their own (model_server_test.c); a pointer to it is all that a machine holds. */
int model_server_get(struct model_server *s, enum energy_zone zone, struct server_model *ret,
                     struct err *err)
{
    (void)s;
    (void)zone;
    if (!reply.name)
        return err_set(err, -EAGAIN, "no answer yet");
    ret->weights = reply.weights;
    (void)snprintf(ret->name, sizeof(ret->name), "%s", reply.name);
    return 0;
}

bool model_server_has_news(struct model_server *s)
{
    (void)s;
    bool had = reply.has_news;
    reply.has_news = false;
    return had;
}

static struct model_server *server_that_is_asked(void)
{
    static char nothing;
    return (struct model_server *)(void *)&nothing;
}

/* Recorded from kepler-model-server (tests/data/model-server). */
#define LINEAR(b, w, scale)                                               \
 {                                                                        \
  .kind = WEIGHTS_LINEAR, .bias = (b), .weight = (w), .scale_ms = (scale) \
 }
static const struct weights c5_sgd = LINEAR(155.54638273829107, 288.6105905018805, 95918);
static const struct weights c5_sgd_dram = LINEAR(31.210701408547102, 0.5075127994182677, 95918);
static const struct weights c5_exponential = {
    .kind = WEIGHTS_EXPONENTIAL,
    .curve = { 1800828.6572112294, 0.00017356410721908495, -1800685.0481741317 },
    .scale_ms = 95877.00000000001
};
static const struct weights r5_sgd = LINEAR(144.6046619225182, 305.10039679153925, 95924);
static const struct weights i3_logarithmic = { .kind = WEIGHTS_LOGARITHMIC,
                                               .curve = { 52.51018993185623, 46.60573934771109,
                                                          22.07181593220226 },
                                               .scale_ms = 71901.33333333333 };
static const struct weights i3_logarithmic_dram = { .kind = WEIGHTS_LOGARITHMIC,
                                                    .curve = { 12.820999999999914, 1.0,
                                                               23.73917774828313 },
                                                    .scale_ms = 71901.33333333333 };

static int setup(void **state)
{
    (void)state;
    memset(&reply, 0, sizeof(reply));
    dump_make(&d);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dump_done(&d);
    return 0;
}

static struct power_source *open_ok(const struct power_source_ops *ops, enum energy_zone zone)
{
    struct power_source *s = NULL;
    struct err err = { 0 };
    if (ops->open(&d.machine, zone, &s, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static struct power_reading read_ok(const struct power_source_ops *ops, struct power_source *s,
                                    double second, double usage_ratio)
{
    struct power_reading r = { 0 };
    struct power_now now = at_second(second, usage_ratio);
    assert_int_equal(ops->read(s, &now, &r, NULL), 0);
    assert_true(r.taken_ns == now.taken_ns);
    return r;
}

/* -- tables -- */

static void c5_metal(void **state)
{
    (void)state;
    const struct power_source_ops *ops = &power_source_model;
    dump_read_machine(&d);
    struct power_source *package = open_ok(ops, ZONE_PACKAGE), *dram = open_ok(ops, ZONE_DRAM);
    assert_string_equal(ops->name, "model");
    assert_string_equal(ops->quality, "estimated");
    assert_string_equal(ops->model_name(package), "A:Platinum 8275CL");

    struct power_reading p = read_ok(ops, package, 0, 0.9), m = read_ok(ops, dram, 0, 0.9);
    assert_near(p.joules, 0, 0, "no interval yet");
    assert_string_equal(p.path, "model:A:Platinum 8275CL");
    assert_near(p.idle_watts, 58.7, 1e-9, "P(0)");
    assert_near(m.idle_watts, 192 * 0.0457, 1e-9, "dram at rest");

    p = read_ok(ops, package, 5, 0.5);
    m = read_ok(ops, dram, 5, 0.5);
    assert_near(p.joules, 2223, 1e-6, "444.6 W for 5 s");
    assert_near(m.joules, 84.384, 1e-6, "16.8768 W for 5 s");
    assert_near(p.low, 0.82, 1e-9, "bounds of tier A");
    assert_near(p.high, 1.43, 1e-9, "bounds of tier A");
    assert_near(p.widest_low, 0.82, 1e-9, "the same at any load");
    assert_near(p.widest_high, 1.43, 1e-9, "the same at any load");
    assert_near(m.low, 0.5, 1e-9, "bounds of DRAM");
    assert_near(m.widest_high, 1.5, 1e-9, "bounds of DRAM");

    p = read_ok(ops, package, 12.5, 0);
    assert_near(p.joules, 2223 + 58.7 * 7.5, 1e-6, "a late tick at rest");
    ops->close(package);
    ops->close(dram);
}

static void time_that_does_not_pass(void **state)
{
    (void)state;
    dump_read_machine(&d);
    struct power_source *s = open_ok(&power_source_model, ZONE_PACKAGE);
    (void)read_ok(&power_source_model, s, 5, 0.5);
    struct power_reading r = read_ok(&power_source_model, s, 5, 0.5);
    assert_near(r.joules, 0, 0, "no time, no energy");
    r = read_ok(&power_source_model, s, 4, 0.5);
    assert_near(r.joules, 0, 0, "a clock that went back adds nothing");
    power_source_model.close(s);
}

static void a_vm_of_a_measured_cpu(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "hypervisor");
    dump_read_machine(&d);
    struct power_source *s = open_ok(&power_source_model, ZONE_PACKAGE);
    struct power_reading r = read_ok(&power_source_model, s, 0, 0);
    assert_near(r.idle_watts, 58.7 / 96, 1e-9, "one thread of the host's 96");
    r = read_ok(&power_source_model, s, 10, 0);
    assert_near(r.joules, 587.0 / 96, 1e-9, "its part of the host at rest");
    r = read_ok(&power_source_model, s, 20, 1);
    /* ub = (1 + 95 x 0.4) / 96 = 0.40625, P(ub) = 378.225 */
    assert_near(r.joules, 587.0 / 96 + 10 * (58.7 / 96 + (378.225 - 58.7) / (96 * 0.40625)), 1e-6,
                "and of what its load adds");
    assert_true(r.low < 0.82 && r.high > 1.43);
    assert_true(r.widest_low <= r.low && r.widest_high >= r.high);
    power_source_model.close(s);
}

/* Two vCPUs become eight while one of them is busy all the time: the share grows, and the load is
   of all of them. */
static void cpus_that_are_plugged_in(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "hypervisor");
    dump_read_machine(&d);
    d.machine.cpu.threads = 2;
    struct power_source *s = open_ok(&power_source_model, ZONE_PACKAGE);
    (void)read_ok(&power_source_model, s, 0, 0.5);
    struct power_reading r = read_ok(&power_source_model, s, 1, 0.5);
    const double before = r.joules;
    struct power_now now = at_second(2, 0.125);
    now.cpus_ratio = 4;
    assert_int_equal(power_source_model.read(s, &now, &r, NULL), 0);
    assert_near(r.idle_watts, 58.7 * 8 / 96, 1e-9, "eight threads of the host's 96");
    assert_true(r.joules - before > before);
    power_source_model.close(s);
}

/* 448 threads do not fit into two sockets of 48: the share is of a host that has them. */
static void a_vm_of_more_than_two_sockets(void **state)
{
    (void)state;
    dump_cpuinfo(&d, 1, XEON_8275CL, "hypervisor");
    dump_read_machine(&d);
    d.machine.cpu.threads = 448;
    struct power_source *s = open_ok(&power_source_model, ZONE_PACKAGE);
    struct power_reading r = read_ok(&power_source_model, s, 0, 0);
    assert_near(r.idle_watts, 58.7 * 448 / 96, 1e-9, "448 of 480 threads at rest");
    power_source_model.close(s);
    d.machine.cpu.threads = 192;
    s = open_ok(&power_source_model, ZONE_PACKAGE);
    (void)read_ok(&power_source_model, s, 0, 1);
    r = read_ok(&power_source_model, s, 1, 1);
    assert_near(r.joules, 2 * 617.4, 1e-6, "all of four sockets at full load");
    power_source_model.close(s);
}

static void a_cpu_that_nobody_knows(void **state)
{
    (void)state;
    const struct power_source_ops *ops = &power_source_model_e;
    struct power_source *s = NULL;
    struct err err = { 0 };
    tree_printf(&d.tree, "/proc/cpuinfo",
                "processor : 0\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 207\n"
                "model name : Some Server CPU\nstepping : 2\nphysical id : 0\nsiblings : 2\n"
                "core id : 0\ncpu cores : 1\nflags : fpu\n\n"
                "processor : 1\nvendor_id : GenuineIntel\ncpu family : 6\nmodel : 207\n"
                "model name : Some Server CPU\nstepping : 2\nphysical id : 0\nsiblings : 2\n"
                "core id : 0\ncpu cores : 1\nflags : fpu\n\n");
    tree_drop(&d.tree, "/proc/meminfo");
    dump_read_machine(&d);

    assert_int_equal(power_source_model.open(&d.machine, ZONE_PACKAGE, &s, &err), -ENOENT);
    assert_has(err.text, "Some Server CPU");
    assert_has(err.text, "--power.tdp-watts"); /* what would be better */
    assert_has(err.text, "kepler-exporter calibrate");
    assert_has(err.text, "--model");
    assert_int_equal(ops->open(&d.machine, ZONE_DRAM, &s, &err), -ENOENT);
    assert_has(err.text, "/proc/meminfo");
    assert_null(s);

    s = open_ok(ops, ZONE_PACKAGE);
    (void)read_ok(ops, s, 0, 0);
    struct power_reading r = read_ok(ops, s, 10, 0.5);
    assert_string_equal(ops->name, "model");
    assert_string_equal(r.path, "model:E:any server CPU");
    assert_near(r.joules, 10 * 2 * 3.85 * 0.7234, 1e-9, "two threads of it");
    assert_near(r.low, 0.74 * 2.81 / 3.85, 1e-9, "p10 times tier B");
    assert_near(r.high, 1.37 * 6.75 / 3.85, 1e-9, "p90 times tier B");
    ops->close(s);
}

static void zones_that_no_model_tells(void **state)
{
    static const enum energy_zone zones[] = { ZONE_CORE, ZONE_UNCORE, ZONE_PSYS };
    (void)state;
    dump_read_machine(&d);
    d.machine.server = server_that_is_asked();
    reply.name = "any";
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        struct power_source *s = NULL;
        struct err err = { 0 };
        assert_int_equal(power_source_model.open(&d.machine, zones[i], &s, &err), -ENOENT);
        assert_has(err.text, energy_zone_name(zones[i]));
        assert_int_equal(power_source_server.open(&d.machine, zones[i], &s, &err), -ENOENT);
        assert_has(err.text, energy_zone_name(zones[i]));
        assert_null(s);
    }
}

/* A row of the chain that has nothing to say does not say it. */
static void what_is_not_asked_for_gives_no_reason(void **state)
{
    (void)state;
    struct power_source *s = NULL;
    struct err err = { .text = "old" };
    dump_read_machine(&d); /* of tier A, without a server */
    assert_int_equal(power_source_server.open(&d.machine, ZONE_PACKAGE, &s, &err), -ENOENT);
    assert_string_equal(err.text, "");
    assert_false(power_source_server.is_ready(&d.machine));
    (void)err_set(&err, -EIO, "old");
    assert_int_equal(power_source_model_e.open(&d.machine, ZONE_PACKAGE, &s, &err), -ENOENT);
    assert_string_equal(err.text, "");
    assert_null(s);
}

/* -- a model server -- */

static void a_server_that_has_not_answered(void **state)
{
    (void)state;
    struct power_source *s = NULL;
    struct err err = { 0 };
    dump_read_machine(&d);
    d.machine.server = server_that_is_asked();
    assert_int_equal(power_source_server.open(&d.machine, ZONE_PACKAGE, &s, &err), -EAGAIN);
    assert_has(err.text, "no answer yet");
    assert_null(s);
    assert_false(power_source_server.is_ready(&d.machine));
    reply.has_news = true;
    assert_true(power_source_server.is_ready(&d.machine));
}

static void a_server_that_answers(void **state)
{
    (void)state;
    const struct power_source_ops *ops = &power_source_server;
    dump_read_machine(&d);
    d.machine.cpu.threads = 96;
    d.machine.memory_gb = 0; /* the server's memory model needs none */
    d.machine.server = server_that_is_asked();
    reply.weights = c5_sgd;
    reply.name = "SGDRegressorTrainer_2";
    struct power_source *s = open_ok(ops, ZONE_PACKAGE);
    assert_string_equal(ops->name, "model-server");
    assert_string_equal(ops->quality, "estimated");
    assert_string_equal(ops->model_name(s), "S:SGDRegressorTrainer_2");
    struct power_reading r = read_ok(ops, s, 0, 0);
    assert_near(r.idle_watts, 155.54638, 1e-4, "P(0) is the bias");
    assert_near(r.widest_low, 0.37, 1e-9, "known before any load");
    assert_near(r.widest_high, 1.59, 1e-9, "known before any load");
    r = read_ok(ops, s, 10, 1);
    assert_near(r.joules, 4444.03706, 1e-4, "full load is 96,000 ms of CPU time a second");
    assert_near(r.low, 0.37, 1e-9, "low");
    assert_near(r.high, 1.59, 1e-9, "high");
    assert_string_equal(r.path, "model:S:SGDRegressorTrainer_2");
    ops->close(s);

    reply.weights = c5_sgd_dram;
    s = open_ok(ops, ZONE_DRAM);
    (void)read_ok(ops, s, 0, 0);
    r = read_ok(ops, s, 10, 0);
    assert_near(r.joules, 312.107014, 1e-5, "memory by the server's own model");
    assert_near(r.low, 0.28, 1e-9, "low");
    assert_near(r.widest_high, 1.58, 1e-9, "high");
    ops->close(s);
}

static void newer_weights_are_taken_and_energy_goes_on(void **state)
{
    (void)state;
    const struct power_source_ops *ops = &power_source_server;
    dump_read_machine(&d);
    d.machine.cpu.threads = 96;
    d.machine.server = server_that_is_asked();
    reply.weights = c5_sgd;
    reply.name = "SGDRegressorTrainer_2";
    struct power_source *s = open_ok(ops, ZONE_PACKAGE);
    (void)read_ok(ops, s, 0, 0);
    reply.weights = r5_sgd;
    reply.name = "SGDRegressorTrainer_3";
    struct power_reading r = read_ok(ops, s, 1, 0);
    assert_near(r.joules, 155.54638, 1e-4, "the interval that was computed with the old ones");
    r = read_ok(ops, s, 2, 0);
    assert_near(r.joules, 155.54638 + 144.60466, 1e-4, "the next one");
    assert_string_equal(r.path, "model:S:SGDRegressorTrainer_3");
    reply.name = NULL; /* it is gone */
    r = read_ok(ops, s, 3, 0);
    assert_near(r.joules, 155.54638 + 2 * 144.60466, 1e-4, "the last model goes on");
    ops->close(s);
}

/* 0.37 .. 1.59 and 0.28 .. 1.58 are the range of true watts over those of the recorded models that
   are usable, each for its own machine. */
static void bounds_of_a_server_are_those_recorded(void **state)
{
    static const struct {
        const char *cpu;
        unsigned threads;
        double memory_gb;
        const struct weights *package, *dram;
    } rows[] = {
        { "Platinum 8275CL", 96, 192, &c5_sgd, &c5_sgd_dram },
        { "Platinum 8275CL", 96, 0, &c5_exponential, NULL }, /* its memory model falls: refused */
        { "Platinum 8259CL", 96, 0, &r5_sgd, NULL },
        { "E5-2686 v4", 72, 512, &i3_logarithmic, &i3_logarithmic_dram },
    };
    double low = 1, high = 1, dram_low = 1, dram_high = 1;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = { .vendor = "GenuineIntel",
                                 .sockets = 2,
                                 .threads = rows[i].threads };
        struct watt_model truth = { .sockets = 2,
                                    .threads = rows[i].threads,
                                    .memory_gb = rows[i].memory_gb };
        (void)snprintf(cpu.model_name, sizeof(cpu.model_name), "%s", rows[i].cpu);
        cpu_power_find(&cpu, 0, &truth.power);
        assert_int_equal(truth.power.tier, TIER_A);
        struct watt_model server = truth;
        server.power.tier = TIER_SERVER;
        server.weights = rows[i].package;
        server.dram_weights = rows[i].dram;
        for (int tenth = 0; tenth <= 10; tenth++) {
            double ratio = watt_package(&truth, tenth / 10.0).watts /
                           watt_package(&server, tenth / 10.0).watts;
            low = fmin(low, ratio);
            high = fmax(high, ratio);
            if (!rows[i].dram)
                continue;
            ratio = watt_dram(&truth, tenth / 10.0).watts / watt_dram(&server, tenth / 10.0).watts;
            dram_low = fmin(dram_low, ratio);
            dram_high = fmax(dram_high, ratio);
        }
    }
    print_message("true watts over a server's: package %.3f .. %.3f, dram %.3f .. %.3f\n", low,
                  high, dram_low, dram_high);
    assert_near(low, 0.37, 0.01, "package, low");
    assert_near(high, 1.59, 0.01, "package, high");
    assert_near(dram_low, 0.28, 0.01, "dram, low");
    assert_near(dram_high, 1.58, 0.01, "dram, high");
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
        struct power_options options = { .tdp_watts = rows[i].override_watts };
        dump_cpuinfo(&d, 2, rows[i].model_name, rows[i].flags);
        assert_int_equal(power_machine_read(&d.tree.fs, &options, &m, NULL), 0);
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
        struct power_options options = { .tdp_watts = rows[i].tdp_watts };
        assert_int_equal(power_machine_read(&d.tree.fs, &options, &m, &err), -EINVAL);
        assert_has(err.text, rows[i].saying);
    }
    tree_drop(&d.tree, "/proc/cpuinfo");
    assert_int_equal(power_machine_read(&d.tree.fs, &(struct power_options){ 0 }, &m, &err),
                     -ENOENT);
    assert_has(err.text, "/proc/cpuinfo");
    assert_null(m.fs);
}

/* What the calibrated machine was, its file does not say. */
static void a_calibration_in_a_vm_names_its_host(void **state)
{
    const struct model_file file = {
        .vendor = "GenuineIntel",
        .cpu_model = "Intel(R) Xeon(R) Processor",
        .family = 6,
        .model = 207,
        .sockets = 1,
        .threads = 2,
        .point = { { .load = 0, .usage_ratio = 0.01, .package_watts = 20, .dram_watts = -1 },
                   { .load = 1, .usage_ratio = 0.99, .package_watts = 90, .dram_watts = -1 } },
        .points = 2,
    };
    struct cpu_facts cpu = { .vendor = "GenuineIntel",
                             .model_name = "Intel(R) Xeon(R) Processor",
                             .family = 6,
                             .model = 207,
                             .sockets = 1,
                             .threads = 2 };
    struct cpu_power p;
    (void)state;
    assert_int_equal(model_file_to_power(&file, "m.json", &cpu, &p, NULL), 0);
    assert_null(strstr(p.reason, "share of a host"));
    cpu.hypervisor = true;
    assert_int_equal(model_file_to_power(&file, "m.json", &cpu, &p, NULL), 0);
    assert_int_equal(p.table_threads, 4);
    assert_non_null(strstr(p.reason, "share of a host taken for 4 threads"));
    assert_non_null(strstr(p.reason, "wrong if that was a VM, too"));
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_calibration_in_a_vm_names_its_host),
        ROW(c5_metal),
        ROW(time_that_does_not_pass),
        ROW(a_vm_of_a_measured_cpu),
        ROW(cpus_that_are_plugged_in),
        ROW(a_vm_of_more_than_two_sockets),
        ROW(a_cpu_that_nobody_knows),
        ROW(zones_that_no_model_tells),
        ROW(what_is_not_asked_for_gives_no_reason),
        ROW(a_server_that_has_not_answered),
        ROW(a_server_that_answers),
        ROW(newer_weights_are_taken_and_energy_goes_on),
        ROW(bounds_of_a_server_are_those_recorded),
        ROW(machine_facts),
        ROW(where_the_tdp_comes_from),
        ROW(machine_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
