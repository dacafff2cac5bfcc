/* SPDX-License-Identifier: Apache-2.0 */
#include "estimate_ask.h"

#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SOCKETS_MAX 64
#define THREADS_MAX 65536
#define WATTS_MAX   100000
#define GB_MAX      1000000

struct limits {
    double low, high;
};

/* -EINVAL unless @text, where given, is a number within @limits. */
static int parse_number(const char *option, const char *text, struct limits limits, double *ret,
                        struct err *err)
{
    double value = 0;
    if (!text)
        return 0;
    if (number_parse_double(text, &value) < 0 || value < limits.low || value > limits.high) {
        return err_set(err, -EINVAL, "--%s: a number from %g to %g is wanted, not \"%s\"", option,
                       limits.low, limits.high, text);
    }
    *ret = value;
    return 0;
}

static int parse_count(const char *option, const char *text, unsigned most, unsigned *ret,
                       struct err *err)
{
    uint64_t value = 0;
    if (!text)
        return 0;
    if (number_parse_u64(text, 10, &value) < 0 || value < 1 || value > most) {
        return err_set(err, -EINVAL, "--%s: a whole number from 1 to %u is wanted, not \"%s\"",
                       option, most, text);
    }
    *ret = (unsigned)value;
    return 0;
}

/* "0.5" or "50%". */
static int parse_load(const char *text, double *ret, struct err *err)
{
    char digits[32] = "";
    size_t n = text ? strlen(text) : 0;
    double value = (double)NAN;
    bool percent = n > 1 && text[n - 1] == '%';
    if (!text) {
        return err_set(err, -EINVAL,
                       "--load is missing: the load of the machine, 0 .. 1 or as "
                       "\"50%%\"");
    }
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)(percent ? n - 1 : n), text);
    if (n >= sizeof(digits) || number_parse_double(digits, &value) < 0)
        return err_set(err, -EINVAL, "--load: 0 .. 1 is wanted, or 0%% .. 100%%, not \"%s\"", text);
    if (percent)
        value /= 100;
    if (!(value >= 0 && value <= 1)) {
        return err_set(err, -EINVAL,
                       "--load: %s is no load: it goes from 0 (at rest) to 1 (all "
                       "CPUs busy), or from 0%% to 100%%",
                       text);
    }
    *ret = value;
    return 0;
}

static int parse_scope(const char *text, bool *ret_wall, struct err *err)
{
    *ret_wall = text && strcmp(text, "wall") == 0;
    if (text && !*ret_wall && strcmp(text, "package") != 0)
        return err_set(err, -EINVAL, "--scope: package or wall is wanted, not \"%s\"", text);
    return 0;
}

static int parse_figures(const struct estimate_words *w, struct estimate_question *q,
                         struct err *err)
{
    const struct {
        const char *option, *text;
        struct limits limits;
        double *ret;
    } numbers[] = {
        { "tdp", w->tdp, { 1, WATTS_MAX }, &q->tdp_watts },
        { "memory-gb", w->memory, { 0, GB_MAX }, &q->memory_gb },
        { "idle-watts", w->idle, { 0.001, WATTS_MAX }, &q->idle_watts },
        { "full-watts", w->full, { 0.001, WATTS_MAX }, &q->full_watts },
    };
    const struct {
        const char *option, *text;
        unsigned most, *ret;
    } counts[] = {
        { "sockets", w->sockets, SOCKETS_MAX, &q->cpu.sockets },
        { "threads", w->threads, THREADS_MAX, &q->cpu.threads },
        { "vcpus", w->vcpus, THREADS_MAX, &q->vcpus },
    };
    int rc = parse_load(w->load, &q->load, err);
    if (rc == 0)
        rc = parse_scope(w->scope, &q->is_wall, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(numbers); i++) {
        rc = parse_number(numbers[i].option, numbers[i].text, numbers[i].limits, numbers[i].ret,
                          err);
    }
    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(counts); i++)
        rc = parse_count(counts[i].option, counts[i].text, counts[i].most, counts[i].ret, err);
    return rc;
}

/* What the fields of CPUID leaf 1 can hold: Intel's manual, volume 2A, CPUID, "Version Information"
   (the base family is 4 bits, to which 8 of the extended one are added). */
#define FAMILY_MAX   (15 + 255)
#define MODEL_MAX    255
#define STEPPING_MAX 15

#define CPUID_FORM                                                                                \
 "--cpuid: VENDOR:FAMILY:MODEL or VENDOR:FAMILY:MODEL:STEPPING is wanted, as /proc/cpuinfo says " \
 "them (\"GenuineIntel:6:85:7\")"

static bool has_cpuid_row(const char *vendor)
{
    static const char *const vendors[] = { "GenuineIntel", "AuthenticAMD", "HygonGenuine" };
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        if (strcmp(vendors[i], vendor) == 0)
            return true;
    }
    return false;
}

/* One field of --cpuid, up to the next ":". */
static int take_number(char **rest, const char *name, unsigned most, int *ret, struct err *err)
{
    uint64_t value = 0;
    char *text = strsep(rest, ":");
    if (!text || number_parse_u64(text, 10, &value) < 0 || value > most) {
        return err_set(err, -EINVAL, "%s; its %s is a decimal number from 0 to %u, not \"%s\"",
                       CPUID_FORM, name, most, text ? text : "");
    }
    *ret = (int)value;
    return 0;
}

/* A row of some steppings is found by none. */
static int check_stepping(const struct estimate_question *q, const char *text, struct err *err)
{
    const struct cpu_facts *cpu = &q->cpu;
    struct cpu_power without;
    cpu_power_find(cpu, q->tdp_watts, &without);
    for (int stepping = 0; cpu->stepping < 0 && stepping <= STEPPING_MAX; stepping++) {
        struct cpu_facts one = *cpu;
        struct cpu_power with;
        one.stepping = stepping;
        cpu_power_find(&one, q->tdp_watts, &with);
        if (strcmp(with.name, without.name) != 0) {
            return err_set(err, -EINVAL,
                           "--cpuid: of %s the stepping tells which processor it is: add it, as in "
                           "%s:%d (%s)",
                           text, text, stepping, with.name);
        }
    }
    return 0;
}

static int parse_cpuid(const char *text, struct cpu_facts *cpu, struct err *err)
{
    char words[64] = "";
    char *rest = words;
    if (!text)
        return 0;
    (void)snprintf(words, sizeof(words), "%s", text);
    const char *vendor = strsep(&rest, ":");
    if (strlen(text) >= sizeof(words) || !vendor || !has_cpuid_row(vendor)) {
        return err_set(err, -EINVAL,
                       "%s; its vendor is GenuineIntel, AuthenticAMD or HygonGenuine (of others "
                       "CPUID tells nothing here: leave it out), not \"%s\"",
                       CPUID_FORM, vendor ? vendor : "");
    }
    (void)snprintf(cpu->vendor, sizeof(cpu->vendor), "%s", vendor);
    int rc = take_number(&rest, "family", FAMILY_MAX, &cpu->family, err);
    if (rc == 0)
        rc = take_number(&rest, "model", MODEL_MAX, &cpu->model, err);
    if (rc == 0 && rest)
        rc = take_number(&rest, "stepping", STEPPING_MAX, &cpu->stepping, err);
    if (rc == 0 && rest)
        return err_set(err, -EINVAL, "%s; \":%s\" is too much", CPUID_FORM, rest);
    return rc;
}

/* What CPUID would say, told from the name; "" where it does not tell. */
static const char *vendor_of(const char *model_name)
{
    static const struct {
        const char *part, *vendor;
    } vendors[] = {
        { "Intel", "GenuineIntel" }, { "Xeon", "GenuineIntel" }, { "Platinum", "GenuineIntel" },
        { "AMD", "AuthenticAMD" },   { "EPYC", "AuthenticAMD" }, { "Hygon", "HygonGenuine" },
        { "Neoverse", "ARM" },       { "Graviton", "ARM" },      { "Ampere", "ARM" },
        { "E5-2", "GenuineIntel" },
    };
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        if (strcasestr(model_name, vendors[i].part))
            return vendors[i].vendor;
    }
    return "";
}

/* Pairs that say the same thing twice or nothing at all. */
static int check_pairs(const struct estimate_words *w, struct err *err)
{
    const struct {
        bool wrong;
        const char *why;
    } rules[] = {
        { !w->cpu_model && !w->model,
          "--cpu-model is missing: the processor, as /proc/cpuinfo's \"model name\" says it" },
        { !w->sockets && !w->model, "--sockets is missing: how many processors the machine has" },
        { (w->idle != NULL) != (w->full != NULL),
          "--idle-watts and --full-watts go together: both ends of the curve are needed" },
        { w->model && w->cpuid,
          "--model and --cpuid both say which processor it is: the calibration is of its own" },
        { w->model && w->idle, "--model and --idle-watts both say what the machine draws: one of "
                               "them is enough" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        if (rules[i].wrong)
            return err_set(err, -EINVAL, "%s", rules[i].why);
    }
    return 0;
}

/* SPECpower's figures are of whole machines as they were sold. */
static int check_wall(const struct estimate_words *w, const struct estimate_question *q,
                      struct err *err)
{
    const struct {
        const char *text, *option;
    } others[] = {
        { w->vcpus, "vcpus" },     { w->memory, "memory-gb" }, { w->tdp, "tdp" },
        { w->idle, "idle-watts" }, { w->model, "model" },
    };
    for (size_t i = 0; q->is_wall && i < ARRAY_LEN(others); i++) {
        if (others[i].text) {
            return err_set(err, -EINVAL,
                           "--%s says nothing of wall watts, which are of a whole "
                           "machine with its memory: leave it out, or use --scope "
                           "package",
                           others[i].option);
        }
    }
    return 0;
}

/* Of a socket; 0: no table knows the CPU. */
static unsigned table_threads(const struct cpu_facts *cpu)
{
    struct cpu_power p;
    cpu_power_find(cpu, 0, &p);
    return p.tier == TIER_A ? p.table_threads / p.curve_sockets
                            : cpu_power_threads_by_name(cpu->model_name);
}

/* Only tier E and wall watts by family are per thread; a VM's share has its host's. */
static bool needs_threads(const struct estimate_question *q, bool has_curve)
{
    struct cpu_facts cpu = q->cpu;
    struct wall_power wall;
    struct cpu_power p;
    if (q->vcpus > 0)
        return true;
    if (q->is_wall) {
        cpu.threads = cpu.sockets;
        return cpu_power_wall(&cpu, &wall, NULL) == 0 && wall.is_per_thread;
    }
    cpu_power_find(&cpu, q->tdp_watts, &p);
    return !has_curve && p.tier == TIER_E;
}

/* A VM's host that nobody tells of has sockets of the typical size of its kind. */
static void take_typical(struct estimate_question *q)
{
    struct cpu_power p;
    cpu_power_find(&q->cpu, q->tdp_watts, &p);
    q->typical = p.table_threads / 2;
    q->cpu.threads = q->typical * q->cpu.sockets;
}

static int fill_threads(const struct estimate_words *w, const struct model_file *file,
                        struct estimate_question *q, struct err *err)
{
    struct cpu_facts *cpu = &q->cpu;
    if (cpu->threads == 0 && file->sockets > 0)
        cpu->threads = file->threads * cpu->sockets / file->sockets;
    if (cpu->threads == 0)
        cpu->threads = table_threads(cpu) * cpu->sockets;
    if (cpu->threads == 0 && q->vcpus > 0)
        take_typical(q);
    q->has_threads = cpu->threads > 0;
    if (!q->has_threads && needs_threads(q, w->model || w->idle)) {
        return err_set(err, -EINVAL,
                       "--threads is missing, and no table knows how many the CPU "
                       "\"%s\" has: hardware threads of the whole machine",
                       cpu->model_name);
    }
    if (!q->has_threads)
        cpu->threads = cpu->sockets;
    return 0;
}

/* Sizes that were not given, from the calibration or the table. */
static int fill_machine(const struct estimate_words *w, const struct model_file *file,
                        struct estimate_question *q, struct err *err)
{
    struct cpu_facts *cpu = &q->cpu;
    if (cpu->sockets == 0)
        cpu->sockets = file->sockets;
    int rc = fill_threads(w, file, q, err);
    if (rc < 0)
        return rc;
    cpu->cores = cpu->threads;
    if (cpu->threads < cpu->sockets) {
        return err_set(err, -EINVAL,
                       "--threads: %u are fewer than %u sockets; threads are of the "
                       "whole machine",
                       cpu->threads, cpu->sockets);
    }
    if (q->vcpus > cpu->threads) {
        return err_set(err, -EINVAL, "--vcpus: %u are more than the machine's %u threads%s",
                       q->vcpus, cpu->threads,
                       q->typical ? " (of a typical one: give its own by --threads)" : "");
    }
    return 0;
}

static int fill_processor(const struct estimate_words *w, const struct model_file *file,
                          struct estimate_question *q, struct err *err)
{
    struct cpu_facts *cpu = &q->cpu;
    const char *name = w->cpu_model ? w->cpu_model : file->cpu_model;
    cpu->family = w->model ? file->family : -1;
    cpu->model = w->model ? file->model : -1;
    cpu->stepping = w->model ? file->stepping : -1;
    (void)snprintf(cpu->model_name, sizeof(cpu->model_name), "%s", name);
    (void)snprintf(cpu->vendor, sizeof(cpu->vendor), "%s",
                   w->model ? file->vendor : vendor_of(name));
    q->is_cpuid_open = !w->model && !w->cpuid && strcmp(cpu->vendor, "ARM") != 0;
    int rc = parse_cpuid(w->cpuid, cpu, err);
    bool is_row_asked = w->cpuid && !w->idle && !q->is_wall;
    return rc == 0 && is_row_asked ? check_stepping(q, w->cpuid, err) : rc;
}

int estimate_ask(const struct estimate_words *w, struct model_file *file,
                 struct estimate_question *q, struct err *err)
{
    int rc = check_pairs(w, err);
    if (rc == 0)
        rc = parse_figures(w, q, err);
    if (rc == 0)
        rc = check_wall(w, q, err);
    if (rc < 0)
        return rc;
    if (w->model && model_file_read(w->model, file, err) < 0)
        return -EIO;
    rc = fill_processor(w, file, q, err);
    return rc < 0 ? rc : fill_machine(w, file, q, err);
}
