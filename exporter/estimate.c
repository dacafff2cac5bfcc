/* SPDX-License-Identifier: Apache-2.0 */
#include "estimate.h"

#include "base/json.h"
#include "base/opts.h"
#include "estimate_ask.h"
#include "power/watt.h"

#include <errno.h>
#include <math.h>

enum exit_code {
    EXIT_DONE = 0,
    EXIT_RUN = 1,
    EXIT_USAGE = 2
};

struct answer {
    struct watt_range watts, dram;
    bool has_dram, threads_unused;
    const char *scope, *tier;
    const char *note; /* NULL: none */
    char name[64], source[160], reason[768], formula[512], dram_formula[128];
};

static int find_power(const struct estimate_words *w, const struct estimate_question *q,
                      const struct model_file *file, struct cpu_power *ret, struct err *err)
{
    if (w->model) {
        int code = model_file_to_power(file, w->model, &q->cpu, ret, err);
        return code < 0 ? code : model_file_believe(file, w->model, &q->cpu, q->tdp_watts, err);
    }
    if (w->idle) {
        const struct power_ends ends = { "--idle-watts, --full-watts",
                                         q->cpu.sockets,
                                         q->cpu.threads,
                                         q->idle_watts,
                                         q->full_watts,
                                         cpu_is_intel(&q->cpu) };
        return cpu_power_from_ends(&ends, ret, err);
    }
    cpu_power_find(&q->cpu, q->tdp_watts, ret);
    return 0;
}

static void formula_of(const struct watt_model *m, double u, char *ret, size_t size)
{
    const struct cpu_power *p = &m->power;
    double at = watt_interpolate(p->curve, u);
    double watts = watt_package(m, u).watts;
    switch (p->tier) {
    case TIER_A:
    case TIER_B_CALIBRATED:
        (void)snprintf(ret, size, "P(%.4g) = sockets/%u x W(%.4g) = %u/%u x %.5g = %.5g W", u,
                       p->curve_sockets, u, m->sockets, p->curve_sockets, at, watts);
        break;
    case TIER_B:
        (void)snprintf(ret, size, "P(%.4g) = sockets x TDP x ratio(%.4g) = %u x %g x %.4g = %.5g W",
                       u, u, m->sockets, p->tdp_watts, at, watts);
        break;
    case TIER_E:
        (void)snprintf(ret, size,
                       "P(%.4g) = threads x TDP per thread x ratio(%.4g) = %u x %g x %.4g = %.5g W",
                       u, u, m->threads, p->tdp_watts_per_thread, at, watts);
        break;
    case TIER_SERVER:
        break; /* no model server is asked here */
    }
}

/* The machine's formula at the load that the VM sees, then the VM's share. */
static void vm_formula_of(const struct watt_model *m, double u, char *ret, size_t size)
{
    struct watt_model host = *m;
    host.is_vm = false;
    double all = m->threads;
    double host_u = (m->vcpus * u + (all - m->vcpus) * NEIGHBOURS_LOAD) / all;
    char rest[160] = "";
    char busy[160] = "";
    formula_of(&host, 0, rest, sizeof(rest));
    formula_of(&host, host_u, busy, sizeof(busy));
    (void)snprintf(ret, size,
                   "%s; %s; v/V x P(0) + v u/(V ub) x (P(ub) - P(0)), v = %u, V = %u, u = %.4g, ub "
                   "= (v u + (V - v) x %g)/V = %.4g: %.4g W",
                   rest, busy, m->vcpus, m->threads, u, NEIGHBOURS_LOAD, host_u,
                   watt_package(m, u).watts);
}

static void answer_package(const struct estimate_question *q, const struct cpu_power *p,
                           struct answer *a)
{
    struct watt_model m = { .power = *p,
                            .sockets = q->cpu.sockets,
                            .threads = q->cpu.threads,
                            .is_vm = q->vcpus > 0,
                            .vcpus = q->vcpus,
                            .memory_gb = q->memory_gb };
    a->scope = "package";
    a->tier = power_tier_name(p->tier);
    a->watts = watt_package(&m, q->load);
    if (m.is_vm) {
        vm_formula_of(&m, q->load, a->formula, sizeof(a->formula));
    } else {
        formula_of(&m, q->load, a->formula, sizeof(a->formula));
    }
    (void)snprintf(a->name, sizeof(a->name), "%s", p->name);
    (void)snprintf(a->source, sizeof(a->source), "%s", p->source);
    (void)snprintf(a->reason, sizeof(a->reason), "%s", p->reason);
    if (m.is_vm) {
        size_t n = strlen(a->reason);
        (void)snprintf(
            a->reason + n, sizeof(a->reason) - n,
            "; share of a VM of %u of %u threads, whose neighbours' load is taken to be %g",
            m.vcpus, m.threads, NEIGHBOURS_LOAD);
    }
    if (m.is_vm && q->typical > 0) {
        size_t n = strlen(a->reason);
        (void)snprintf(a->reason + n, sizeof(a->reason) - n,
                       " (--threads was not given: %u socket%s of the typical %u threads)",
                       q->cpu.sockets, q->cpu.sockets == 1 ? "" : "s", q->typical);
    }
    if (p->tier == TIER_E && q->is_cpuid_open) {
        size_t n = strlen(a->reason);
        (void)snprintf(
            a->reason + n, sizeof(a->reason) - n,
            "; the exporter sees what CPUID says, and may take a narrower row than this: "
            "--cpuid tells it here");
    }
    if (p->tier == TIER_E && !cpu_power_is_server(&q->cpu))
        a->note = CPU_POWER_NO_SERVER;
    a->has_dram = q->memory_gb > 0;
    a->dram = watt_dram(&m, q->load);
    (void)snprintf(a->dram_formula, sizeof(a->dram_formula), "GB x W/GB(%.4g) = %g x %.4g = %.4g W",
                   q->load, q->memory_gb, watt_interpolate(p->dram_watts_per_gb, q->load),
                   a->dram.watts);
}

/* SPECpower's systems are tuned for their result, and its load is no stress test: what the packages
   alone are estimated at, a machine may well draw. */
static void raise_to_packages(const struct estimate_question *q, struct answer *a)
{
    struct watt_model m = { .sockets = q->cpu.sockets, .threads = q->cpu.threads };
    cpu_power_find(&q->cpu, 0, &m.power);
    struct watt_range package = watt_package(&m, q->load);
    if (m.power.tier == TIER_E || package.high <= a->watts.high)
        return;
    a->watts.high = package.high;
    size_t n = strlen(a->reason);
    (void)snprintf(a->reason + n, sizeof(a->reason) - n,
                   "; the high one is that of the packages alone (tier %s: %.4g W, up to %.4g W), "
                   "since SPECpower's systems are tuned",
                   power_tier_name(m.power.tier), package.watts, package.high);
}

static int answer_wall(const struct estimate_question *q, struct answer *a, struct err *err)
{
    struct wall_power w;
    int rc = cpu_power_wall(&q->cpu, &w, err);
    if (rc < 0)
        return rc;
    a->threads_unused = !w.is_per_thread;
    a->scope = "wall";
    a->tier = "SPECpower";
    a->watts = watt_wall(&w, q->load);
    (void)snprintf(a->name, sizeof(a->name), "%s", w.name);
    (void)snprintf(a->source, sizeof(a->source), "%s", w.source);
    (void)snprintf(a->reason, sizeof(a->reason), "%s", w.reason);
    (void)snprintf(a->formula, sizeof(a->formula),
                   "idle + (full - idle) x shape(%.4g) = %.5g + (%.5g - %.5g) x %.4g = %.5g W",
                   q->load, w.idle_watts, w.full_watts, w.idle_watts,
                   watt_interpolate(cpu_power_shape, q->load), a->watts.watts);
    raise_to_packages(q, a);
    return 0;
}

static void print_text(const struct answer *a)
{
    (void)printf("watts    %.4g W, between %.4g and %.4g W\n", a->watts.watts, a->watts.low,
                 a->watts.high);
    (void)printf("tier     %s: %s\nscope    %s\n", a->tier, a->name, a->scope);
    (void)printf("formula  %s\nsource   %s\nreason   %s\n", a->formula, a->source, a->reason);
    if (a->has_dram) {
        (void)printf("dram     %.4g W, between %.4g and %.4g W: %s\n", a->dram.watts, a->dram.low,
                     a->dram.high, a->dram_formula);
    }
    if (a->note)
        (void)printf("note     %s\n", a->note);
}

/* Figures to a tenth of a milliwatt: what is beyond that is rounding. */
static double rounded(double watts)
{
    return round(watts * 1e4) / 1e4;
}

static void put_range(struct json *to, const struct watt_range *r)
{
    struct json *bounds = json_new_object();
    json_put_number(to, "watts", rounded(r->watts));
    json_put_number(bounds, "low", rounded(r->low));
    json_put_number(bounds, "high", rounded(r->high));
    json_put(to, "bounds", bounds);
}

static void put_count(struct json *to, const char *name, unsigned value)
{
    if (value > 0)
        json_put_number(to, name, value);
}

static void put_figure(struct json *to, const char *name, double value)
{
    if (value > 0)
        json_put_number(to, name, value);
}

/* What the figure was made from: as given, or from the calibration or the tables. */
static struct json *inputs_of(const struct estimate_words *w, const struct estimate_question *q)
{
    struct json *inputs = json_new_object();
    json_put_text(inputs, "cpu_model", q->cpu.model_name);
    if (w->cpuid)
        json_put_text(inputs, "cpuid", w->cpuid);
    put_count(inputs, "sockets", q->cpu.sockets);
    put_count(inputs, "threads", q->has_threads ? q->cpu.threads : 0);
    put_count(inputs, "vcpus", q->vcpus);
    json_put_number(inputs, "load", q->load);
    put_figure(inputs, "tdp_watts", q->tdp_watts);
    put_figure(inputs, "memory_gb", q->memory_gb);
    put_figure(inputs, "idle_watts", q->idle_watts);
    put_figure(inputs, "full_watts", q->full_watts);
    if (w->model)
        json_put_text(inputs, "model_file", w->model);
    return inputs;
}

static void print_json(const struct estimate_words *w, const struct estimate_question *q,
                       const struct answer *a)
{
    AUTO_JSON root = json_new_object();
    put_range(root, &a->watts);
    json_put_text(root, "tier", a->tier);
    json_put_text(root, "scope", a->scope);
    json_put_text(root, "reason", a->reason);
    json_put_text(root, "name", a->name);
    json_put_text(root, "source", a->source);
    json_put_text(root, "formula", a->formula);
    if (a->note)
        json_put_text(root, "note", a->note);
    json_put(root, "inputs", inputs_of(w, q));
    if (a->has_dram) {
        struct json *dram = json_new_object();
        put_range(dram, &a->dram);
        json_put_text(dram, "formula", a->dram_formula);
        json_put(root, "dram", dram);
    }
    char *text = json_print(root, true);
    (void)fputs(text, stdout);
    free(text);
}

/* -- the verb -- */

static int complain(int code, const struct err *err)
{
    (void)fprintf(stderr, "kepler-exporter estimate: %s\n", err->text);
    if (code == EXIT_USAGE)
        (void)fputs("Try: kepler-exporter estimate --help\n", stderr);
    return code;
}

static void tell_unused(const char *option, const char *why)
{
    (void)fprintf(stderr, "kepler-exporter estimate: %s is not used: %s\n", option, why);
}

static void tell_unused_of_package(const struct estimate_words *w, const struct cpu_power *p)
{
    if (w->tdp && p->tier == TIER_A)
        tell_unused("--tdp", "this CPU was measured (tier A)");
    if (w->tdp && p->tier == TIER_B_CALIBRATED)
        tell_unused("--tdp", "what the machine draws is known (tier B')");
    if (w->threads && !w->vcpus && p->tier != TIER_E) {
        tell_unused("--threads", "only a VM's share (--vcpus) and CPUs of unknown TDP (tier E) "
                                 "count them");
    }
}

static void tell_unused_cpuid(const struct estimate_words *w, const struct cpu_power *p)
{
    if (w->cpuid && p->tier == TIER_A)
        tell_unused("--cpuid", "this CPU was measured (tier A)");
}

static bool was_given(char **argv, int n, const char *option, size_t len)
{
    for (int i = 1; i < n; i++) {
        if (strncmp(argv[i], option, len) == 0 && (argv[i][len] == '\0' || argv[i][len] == '='))
            return true;
    }
    return false;
}

static int check_repeats(int argc, char **argv, struct err *err)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        size_t len = strcspn(argv[i], "=");
        if (strncmp(argv[i], "--", 2) == 0 && was_given(argv, i, argv[i], len)) {
            return err_set(err, -EINVAL, "%.*s is given twice: which one is meant?", (int)len,
                           argv[i]);
        }
    }
    return 0;
}

static int tell_wall(const struct estimate_words *w, const struct estimate_question *q,
                     struct answer *a, struct err *err)
{
    int rc = answer_wall(q, a, err);
    if (rc == 0 && a->threads_unused && w->threads)
        tell_unused("--threads", "the SPECpower result is found by CPU model and sockets");
    return rc;
}

static int tell_package(const struct estimate_words *w, const struct estimate_question *q,
                        const struct model_file *file, struct answer *a, struct err *err)
{
    struct cpu_power power;
    int rc = find_power(w, q, file, &power, err);
    if (rc < 0)
        return rc;
    answer_package(q, &power, a);
    tell_unused_of_package(w, &power);
    tell_unused_cpuid(w, &power);
    return 0;
}

static int answer(const struct estimate_words *w)
{
    struct err err = { 0 };
    struct estimate_question q = { 0 };
    struct model_file file = { 0 };
    struct answer a = { 0 };
    int rc = estimate_ask(w, &file, &q, &err);
    if (rc < 0)
        return complain(rc == -EINVAL ? EXIT_USAGE : EXIT_RUN, &err);
    rc = q.is_wall ? tell_wall(w, &q, &a, &err) : tell_package(w, &q, &file, &a, &err);
    if (rc < 0)
        return complain(rc == -EINVAL && !w->model ? EXIT_USAGE : EXIT_RUN, &err);
    if (w->json) {
        print_json(w, &q, &a);
    } else {
        print_text(&a);
    }
    if (fflush(stdout) == 0)
        return EXIT_DONE;
    (void)err_set(&err, -errno, "cannot write to standard output: %s", strerror(errno));
    return complain(EXIT_RUN, &err);
}

int estimate_main(int argc, char **argv)
{
    struct estimate_words w = { 0 };
    const struct opt table[] = {
        { "cpu-model", OPT_TEXT, &w.cpu_model, "NAME", "\"model name\" of /proc/cpuinfo" },
        { "cpuid", OPT_TEXT, &w.cpuid, "V:F:M[:S]",
          "vendor, family, model, stepping there: GenuineIntel:6:85:7" },
        { "sockets", OPT_TEXT, &w.sockets, "N", "processors of the whole machine" },
        { "threads", OPT_TEXT, &w.threads, "N",
          "its hardware threads, where the formula asks for them" },
        { "load", OPT_TEXT, &w.load, "U", "load of it (of the VM): 0.5 or 50%" },
        { "tdp", OPT_TEXT, &w.tdp, "WATTS", "TDP of a socket (of the table)" },
        { "memory-gb", OPT_TEXT, &w.memory, "GB", "memory, of 10^9 bytes: its watts too" },
        { "vcpus", OPT_TEXT, &w.vcpus, "N", "the share of a VM with so many of its threads" },
        { "idle-watts", OPT_TEXT, &w.idle, "WATTS", "known package watts of the machine at rest" },
        { "full-watts", OPT_TEXT, &w.full, "WATTS", "and at full load" },
        { "model", OPT_TEXT, &w.model, "FILE", "power curve that calibrate wrote" },
        { "scope", OPT_TEXT, &w.scope, "SCOPE", "package, or wall: the whole machine's socket" },
        { "json", OPT_SWITCH, &w.json, NULL, "as JSON" },
        { "help", OPT_SWITCH, &w.help, NULL, "this list" },
    };
    struct err err = { 0 };
    int first = argc;
    if (opts_parse(table, ARRAY_LEN(table), argc, argv, &first, &err) < 0 ||
        check_repeats(argc, argv, &err) < 0)
        return complain(EXIT_USAGE, &err);
    if (w.help) {
        (void)puts(
            "Usage: kepler-exporter estimate --cpu-model NAME --sockets N --load U [OPTION]...\n"
            "The watts of any machine, estimated from what is said of it, with their bounds.");
        opts_help(stdout, table, ARRAY_LEN(table));
        return EXIT_DONE;
    }
    if (first < argc) {
        (void)err_set(&err, -EINVAL, "\"%s\" is no option; nothing else is taken", argv[first]);
        return complain(EXIT_USAGE, &err);
    }
    return answer(&w);
}
