/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/calibrate.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "calibrate/bench.h"
#include "calibrate/limit.h"
#include "calibrate/load.h"
#include "calibrate/options.h"
#include "calibrate/output.h"
#include "calibrate/plan.h"
#include "calibrate/progress.h"
#include "calibrate/say.h"
#include "host/kernel.h"
#include "power/model_file.h"

#include <errno.h>
#include <math.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_RUN = 1,
    EXIT_USAGE = 2,
    EXIT_INTERRUPTED = 130 /* as a shell says of who was ended by SIGINT */
};

/* Real load of the 0 % step beyond which a person should know what it does to the bounds. */
#define BUSY_AT_REST 0.02

struct calibration {
    struct calibrate_options options;
    struct plan plan;
    struct bench bench;
    struct progress progress;
    struct load *load;
    struct model_file model;
    char *output; /* owned */
    size_t cpus_allowed;
};

static void calibration_done(struct calibration *c)
{
    load_close(c->load);
    bench_close(&c->bench);
    free(c->output);
}

/* -- what is said -- */

static int complain(int exit_code, const char *text)
{
    say(stderr, "kepler-exporter calibrate: %s\n", text);
    return exit_code;
}

static const char *cpu_name(const struct calibration *c)
{
    const char *name = c->bench.power.cpu.model_name;
    return name[0] ? name : "a CPU without a name";
}

static void say_no_sensor(const struct calibration *c)
{
    say(stderr,
        "kepler-exporter calibrate: this machine (%s) has no power sensor that can be read, so "
        "there is nothing to calibrate by.\nWhat was tried:\n%s"
        "What would be needed: %s a sensor of the processor (the powercap, perf or msr counters "
        "of Intel and AMD, or a hwmon power meter) whose kernel module is loaded, and this "
        "command run as root. `kepler-probe` names the module and the command for this machine.\n"
        "Until then the exporter estimates: `kepler-exporter estimate` says with which formula "
        "and bounds. A model file that was calibrated on another machine with this CPU is used "
        "by --model FILE.\n",
        cpu_name(c), c->bench.tried,
        c->bench.power.cpu.hypervisor
            ? "bare metal, for this is a virtual machine (on EC2 a *.metal type), with"
            : "on this bare-metal machine");
}

static void say_plan(const struct calibration *c)
{
    const struct plan *p = &c->plan;
    char total[32];
    plan_say_time(plan_total_ns(p), total, sizeof(total));
    (void)printf("machine  %s, %u socket%s, %u threads\n"
                 "sensor   %s\n"
                 "load     %zu CPUs, %zu steps: ",
                 cpu_name(c), c->bench.power.cpu.sockets,
                 c->bench.power.cpu.sockets == 1 ? "" : "s", c->bench.power.cpu.threads,
                 c->bench.source ? c->bench.source : "none", c->cpus_allowed, p->steps);
    for (size_t i = 0; i < p->steps; i++)
        (void)printf("%s%.0f", i ? " " : "", 100 * p->load[i]);
    (void)printf(" %%\ntime     %s: each step %g s to settle, %g s measured\n"
                 "output   %s\n",
                 total, (double)p->settle_ns / (double)NS_PER_SEC,
                 (double)p->dwell_ns / (double)NS_PER_SEC, c->output);
}

static void say_point(struct calibration *c, const struct model_point *p)
{
    char dram[64] = "";
    if (p->dram_watts >= 0)
        (void)snprintf(dram, sizeof(dram), ", dram %.2f W", p->dram_watts);
    progress_say(&c->progress, "load %3.0f %%: real %5.1f %%, package %.2f W (+- %.2f)%s",
                 100 * p->load, 100 * p->usage_ratio, p->package_watts, p->package_stddev, dram);
    if (p->load == 0 && p->usage_ratio > BUSY_AT_REST && !c->bench.machine.foreign) {
        progress_say(&c->progress,
                     "warning: the machine is not idle: %.1f %% of its CPU time is used by "
                     "others; what it draws at rest is told by a shape then, with wider bounds, "
                     "and above %.0f %% nothing is written; stop them and calibrate again",
                     100 * p->usage_ratio, 100 * MODEL_USAGE_FIRST_MAX);
    }
}

static void warn_before(const struct calibration *c)
{
    const struct bench *b = &c->bench;
    if (b->power.cpu.hypervisor) {
        (void)complain(0, "warning: this is a virtual machine; what its sensor tells holds for no "
                          "other machine, as its share of the host is not known");
    }
    if (b->accounting_why[0]) {
        say(stderr,
            "kepler-exporter calibrate: warning: the real load is told by /proc, as "
            "eBPF cannot be used: %s\n",
            b->accounting_why);
    }
}

/* -- the run -- */

/* A file for people too: no digits that were not measured. */
static double to_places(double value, int places)
{
    double unit = pow(10, places);
    return round(value * unit) / unit;
}

static struct model_point rounded(struct model_point p)
{
    p.usage_ratio = to_places(p.usage_ratio, 5);
    p.seconds = to_places(p.seconds, 3);
    p.package_watts = to_places(p.package_watts, 3);
    p.package_stddev = to_places(p.package_stddev, 3);
    p.dram_watts = to_places(p.dram_watts, 3);
    p.dram_stddev = to_places(p.dram_stddev, 3);
    return p;
}

static int run_step(struct calibration *c, double load, struct err *err)
{
    char what[32];
    struct model_point point = { 0 };
    (void)snprintf(what, sizeof(what), "load %.0f %%", 100 * load);
    load_set(c->load, load);
    int code = bench_wait(&c->bench, clock_monotonic_ns() + c->plan.settle_ns, what);
    if (code == 0)
        code = bench_measure(&c->bench, &c->plan, what, &point, err);
    if (code < 0)
        return code;
    point.load = load;
    point = rounded(point);
    say_point(c, &point);
    if (c->bench.machine.foreign)
        point.usage_ratio = load; /* this machine's says nothing of the watts that a dump plays */
    c->model.point[c->model.points++] = point;
    return 0;
}

static int run_steps(struct calibration *c, struct err *err)
{
    int code = 0;
    progress_init(&c->progress, stderr, plan_total_ns(&c->plan));
    for (size_t i = 0; i < c->plan.steps && code == 0; i++)
        code = run_step(c, c->plan.load[i], err);
    load_close(c->load); /* whatever comes: the machine rests again */
    c->load = NULL;
    progress_clear(&c->progress);
    return code;
}

/* Memory that was not measured at each point, or by readings that scatter by more than their mean
   (a counter that is renewed once a second), is left to the generic curve: the package's points are
   worth writing all the same. */
static void judge_dram(struct model_file *m)
{
    bool some = false;
    bool all = true;
    for (size_t i = 0; i < m->points; i++) {
        const struct model_point *p = &m->point[i];
        some = some || p->dram_watts >= 0;
        all = all && p->dram_watts >= 0 && p->dram_stddev <= p->dram_watts;
    }
    if (all || !some)
        return;
    for (size_t i = 0; i < m->points; i++)
        m->point[i].dram_watts = m->point[i].dram_stddev = -1;
    (void)complain(0, "warning: the memory's sensor told too little (readings that are missing, or "
                      "scatter by more than their mean), so the file is of the package alone; a "
                      "longer --dwell may help");
}

static void fill_model(struct calibration *c)
{
    const struct cpu_facts *cpu = &c->bench.power.cpu;
    struct kernel_facts kernel = { 0 };
    struct model_file *m = &c->model;
    kernel_read(&c->bench.machine, &kernel);
    (void)snprintf(m->vendor, sizeof(m->vendor), "%s", cpu->vendor);
    (void)snprintf(m->cpu_model, sizeof(m->cpu_model), "%s", cpu->model_name);
    m->family = cpu->family;
    m->model = cpu->model;
    m->stepping = cpu->stepping;
    m->sockets = cpu->sockets;
    m->cores = cpu->cores;
    m->threads = cpu->threads;
    m->memory_gb = to_places(c->bench.power.memory_gb, 3);
    judge_dram(m);
    (void)snprintf(m->kernel, sizeof(m->kernel), "%s", kernel.release);
    (void)snprintf(m->source, sizeof(m->source), "%s", c->bench.source);
    (void)snprintf(m->version, sizeof(m->version), "%s", KEPLER_VERSION);
    clock_utc_text(m->date, sizeof(m->date));
    plan_residuals(m);
    m->residual_mean_ratio = to_places(m->residual_mean_ratio, 5);
    m->residual_max_ratio = to_places(m->residual_max_ratio, 5);
}

static int say_failure(int code, const struct err *err)
{
    if (code == -EINTR) {
        return complain(EXIT_INTERRUPTED,
                        "interrupted: the load has ended and nothing was written");
    }
    return complain(EXIT_RUN, err->text[0] ? err->text : strerror(-code));
}

/* What is piped on is the file and nothing else. */
static void say_done(const struct calibration *c)
{
    const struct model_file *m = &c->model;
    FILE *to = output_is(c->output, stdout) ? stderr : stdout;
    say(to,
        "%s: %zu points from %.4g W to %.4g W by %s; the generic shape is off by %.1f %% "
        "in the mean, %.1f %% at most\n",
        c->output, m->points, m->point[0].package_watts, m->point[m->points - 1].package_watts,
        c->bench.source, 100 * m->residual_mean_ratio, 100 * m->residual_max_ratio);
    (void)fprintf(to, "use it on machines with this CPU: kepler-exporter --model %s\n",
                  to == stdout ? c->output : "FILE");
}

static int measure_and_write(struct calibration *c)
{
    struct err err = { 0 };
    int code = bench_start(&c->bench, &err);
    if (code == 0)
        code = load_open(&c->load, &err);
    if (code < 0)
        return say_failure(code, &err);
    warn_before(c);
    code = run_steps(c, &err);
    if (code < 0)
        return say_failure(code, &err);
    fill_model(c);
    code = output_write(c->output, stdout, &c->model, &err);
    if (code < 0)
        return say_failure(code, &err);
    say_done(c);
    return EXIT_DONE;
}

/* -- before it -- */

/* The load of a dump is this machine's, whatever that is. */
static int check_reach(const struct calibration *c, struct err *err)
{
    const struct bench *b = &c->bench;
    double threads = b->power.cpu.threads;
    double least = MODEL_USAGE_LAST_MIN * threads;
    if (b->machine.foreign)
        return 0;
    if ((double)c->cpus_allowed < least) {
        return err_set(err, -EPERM,
                       "only %zu of %.0f CPUs may be used by this process, which loads no machine "
                       "fully: run it where it is not confined (taskset, cpuset)",
                       c->cpus_allowed, threads);
    }
    double limit = limit_cpus(&b->live);
    if (limit < least) {
        return err_set(err, -EPERM,
                       "the control group of this process allows the time of %.4g CPUs of %.0f, "
                       "which loads no machine fully: run it where there is no CPU limit",
                       limit, threads);
    }
    return 0;
}

static void name_output(struct calibration *c)
{
    char name[128];
    plan_file_name(c->bench.power.cpu.model_name, name, sizeof(name));
    c->output = mem_strdup(c->options.output ? c->options.output : name);
}

static int run(struct calibration *c)
{
    struct err err = { 0 };
    const struct calibrate_options *o = &c->options;
    plan_make(o->step_percent, o->settle_ns, o->dwell_ns, &c->plan);
    c->bench.progress = &c->progress;
    int code = bench_open(&c->bench, o, &err);
    if (code == 0)
        code = load_cpus_allowed(&c->cpus_allowed, &err);
    if (code < 0)
        return complain(code == -EINVAL ? EXIT_USAGE : EXIT_RUN, err.text);
    name_output(c);
    if (c->bench.machine.foreign) {
        (void)complain(0, "a test: the sensor is of the dump, the load of this machine; its points "
                          "count at the load that was wanted");
    }
    if (!c->bench.source)
        say_no_sensor(c);
    if (o->dry_run)
        say_plan(c);
    if (!c->bench.source)
        return EXIT_RUN;
    code = check_reach(c, &err);
    if (code == 0)
        code = output_check(c->output, stdout, o->force, &err);
    if (code < 0)
        return complain(code == -EEXIST ? EXIT_USAGE : EXIT_RUN, err.text);
    return o->dry_run ? EXIT_DONE : measure_and_write(c);
}

int calibrate_main(int argc, char **argv)
{
    CLEANUP(calibration_done) struct calibration c = { .bench = BENCH_NONE };
    struct err err = { 0 };
    if (calibrate_options_read(argc, argv, &c.options, &err) < 0)
        return complain(EXIT_USAGE, err.text);
    if (c.options.help) {
        calibrate_options_help(stdout);
        return EXIT_DONE;
    }
    return run(&c);
}
