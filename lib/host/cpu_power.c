/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu_power.h"

#include "base/compiler.h"
#include "host/cpu_name.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <power_tables.h> /* made by scripts/gen-power-tables.sh */
#include <stdarg.h>

/* How far the truth was from the estimate where both are known (data/power/README.md, "Bounds";
   docs/decisions/0007-bounds-of-estimates.md). B and B': the error of each CPU model left out of
   the median in turn gives s = sqrt(sum over the n models of (mean over its points of the squared
   log error) / (n - 1)), and exp(+-t(0.95, n - 1) x s x sqrt(1 + 1/n)) the half widths; the bounds
   are the union of that and the range of those errors (tests/unit/accuracy_test.c computes them
   from the table). */
struct bounds {
    double low, high;
};
static const struct bounds tier_a_bounds = { 0.82, 1.43 };
static const struct bounds tier_b_calibrated = { 0.90, 1.19 };
static const struct bounds tier_b_intel = { 0.74, 1.37 };
static const struct bounds tier_b_other = { 0.5, 2.0 }; /* the curve's evidence is Intel only */

const double cpu_power_ratio[POWER_CURVE_POINTS] = POWER_GENERIC_RATIO;
const double cpu_power_shape[POWER_CURVE_POINTS] = POWER_GENERIC_SHAPE;
const double cpu_power_dram_watts_per_gb[POWER_CURVE_POINTS] = POWER_DRAM_WATTS_PER_GB;

const char *power_tier_name(enum power_tier tier)
{
    static const char *const names[] = { [TIER_A] = "A",
                                         [TIER_B_CALIBRATED] = "B'",
                                         [TIER_B] = "B",
                                         [TIER_SERVER] = "S",
                                         [TIER_E] = "E" };
    return (unsigned)tier < ARRAY_LEN(names) ? names[tier] : "?";
}

static const struct power_tdp_row *tdp_row(const char *model_name)
{
    char wanted[CPU_NAME_SIZE];
    char have[CPU_NAME_SIZE];
    cpu_name_normalise(model_name, wanted, sizeof(wanted));
    for (size_t i = 0; i < ARRAY_LEN(power_tdp_rows); i++) {
        cpu_name_normalise(power_tdp_rows[i].name, have, sizeof(have));
        if (wanted[0] != '\0' && strcmp(wanted, have) == 0)
            return &power_tdp_rows[i];
    }
    return NULL;
}

double cpu_power_tdp_by_name(const char *model_name)
{
    const struct power_tdp_row *row = tdp_row(model_name);
    return row ? row->tdp_watts : 0;
}

unsigned cpu_power_threads_by_name(const char *model_name)
{
    const struct power_tdp_row *row = tdp_row(model_name);
    return row ? row->threads : 0;
}

const char *cpu_power_code_name(const char *model_name)
{
    const struct power_tdp_row *row = tdp_row(model_name);
    return row ? row->code_name : "";
}

/* Part of the name, but not of a longer model number: "Platinum 8252C" is not "Platinum 8252CL". */
static bool names_model(const char *model_name, const char *part)
{
    const char *at = strcasestr(model_name, part);
    return at && !isalnum((unsigned char)at[strlen(part)]);
}

static const struct power_package_row *package_row(const struct power_package_row *rows, size_t n,
                                                   const char *model_name)
{
    for (size_t i = 0; i < n; i++) {
        if (names_model(model_name, rows[i].cpu))
            return &rows[i];
    }
    return NULL;
}

static const struct power_cpuid_row *cpuid_row(const struct cpu_facts *cpu)
{
    size_t last = ARRAY_LEN(power_cpuid_rows) - 1;
    for (size_t i = 0; i < last; i++) {
        const struct power_cpuid_row *row = &power_cpuid_rows[i];
        const struct cpu_kind kind = { row->vendor, row->family, row->model, row->stepping_low,
                                       row->stepping_high };
        if (cpu_is_of_kind(cpu, &kind))
            return row;
    }
    return &power_cpuid_rows[last];
}

/* -- tiers -- */

#define TABLE_SOCKETS 2 /* of the machines that the tables tell of */

static void set_generic_dram(struct cpu_power *p)
{
    memcpy(p->dram_watts_per_gb, cpu_power_dram_watts_per_gb, sizeof(p->dram_watts_per_gb));
    p->dram_low = DRAM_BOUND_LOW;
    p->dram_high = DRAM_BOUND_HIGH;
}

static void set_bounds(struct cpu_power *p, struct bounds b)
{
    p->bound_low = b.low;
    p->bound_high = b.high;
}

static struct bounds tier_b_bounds(const struct cpu_facts *cpu)
{
    return cpu_is_intel(cpu) ? tier_b_intel : tier_b_other;
}

static bool find_measured(const struct cpu_facts *cpu, struct cpu_power *p)
{
    const struct power_package_row *row =
        package_row(power_package_rows, ARRAY_LEN(power_package_rows), cpu->model_name);
    if (!row)
        return false;
    p->tier = TIER_A;
    p->curve_sockets = TABLE_SOCKETS;
    (void)snprintf(p->name, sizeof(p->name), "%s", row->cpu);
    (void)snprintf(p->source, sizeof(p->source), "%s", row->source);
    memcpy(p->curve, row->watts, sizeof(p->curve));
    p->tdp_watts = row->tdp_watts;
    p->table_threads = row->threads;
    set_bounds(p, tier_a_bounds);
    (void)snprintf(p->reason, sizeof(p->reason),
                   "tier A: packages with this CPU (%s) were measured, row of "
                   "cpu_package_watts.csv",
                   row->cpu);
    return true;
}

static bool find_by_tdp(const struct cpu_facts *cpu, double tdp_watts, struct cpu_power *p)
{
    const struct power_tdp_row *row = tdp_row(cpu->model_name);
    bool given = isfinite(tdp_watts) && tdp_watts > 0;
    if (!given && !row)
        return false;
    /* The exporter and the probe look a TDP up themselves where nothing else tells it. */
    if (row && tdp_watts == row->tdp_watts)
        given = false;
    p->tier = TIER_B;
    p->tdp_watts = given || !row ? tdp_watts : row->tdp_watts;
    memcpy(p->curve, cpu_power_ratio, sizeof(p->curve));
    p->table_threads = 2 * (row ? row->threads : cpuid_row(cpu)->threads);
    set_bounds(p, tier_b_bounds(cpu));
    (void)snprintf(p->name, sizeof(p->name), "TDP %g W", p->tdp_watts);
    (void)snprintf(p->source, sizeof(p->source), "%s; generic_curves.csv",
                   given || !row ? "TDP told by the processor or a flag" : row->source);
    (void)snprintf(p->reason, sizeof(p->reason),
                   "tier B: the TDP is %g W a socket (%s), times the generic curve; the CPU model "
                   "\"%s\" is in no table of measured packages",
                   p->tdp_watts, given ? "read or given" : "row of cpu_tdp.csv", cpu->model_name);
    return true;
}

/* -- servers, for which tier E's figures are -- */

/* Also what hypervisors call a processor that they do not name: it may well be a server's. */
static bool is_server_name(const char *model_name)
{
    static const char *const parts[] = { "Xeon",
                                         "EPYC",
                                         "Opteron",
                                         "Graviton",
                                         "Neoverse",
                                         "Altra",
                                         "ThunderX",
                                         "Kunpeng",
                                         "POWER",
                                         "Hygon C86",
                                         "Virtual CPU",
                                         "KVM processor",
                                         "Intel Core Processor (" };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (strcasestr(model_name, parts[i]))
            return true;
    }
    return false;
}

bool cpu_power_is_server(const struct cpu_facts *cpu)
{
    return is_server_name(cpu->model_name) || cpuid_row(cpu)->vendor[0] != '\0';
}

void cpu_power_add_reason(struct cpu_power *p, const char *format, ...)
{
    size_t n = strlen(p->reason);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(p->reason + n, sizeof(p->reason) - n, format, args);
    va_end(args);
}

static void find_by_cpuid(const struct cpu_facts *cpu, struct cpu_power *p)
{
    const struct power_cpuid_row *row = cpuid_row(cpu);
    struct bounds b = tier_b_bounds(cpu);
    p->tier = TIER_E;
    p->tdp_watts_per_thread = row->median;
    p->table_threads = 2 * row->threads;
    memcpy(p->curve, cpu_power_ratio, sizeof(p->curve));
    set_bounds(p,
               (struct bounds){ row->p10 / row->median * b.low, row->p90 / row->median * b.high });
    (void)snprintf(p->name, sizeof(p->name), "%s", row->name);
    (void)snprintf(p->source, sizeof(p->source), "%s; generic_curves.csv", row->source);
    (void)snprintf(p->reason, sizeof(p->reason),
                   "tier E: the CPU model \"%s\" is in no table and its TDP is not known; figure "
                   "of %s%s (%u models)",
                   cpu->model_name, row->name, row->vendor[0] ? " CPUs, by CPUID" : "",
                   row->models);
    if (!cpu_power_is_server(cpu))
        cpu_power_add_reason(p, "; " CPU_POWER_NO_SERVER);
}

void cpu_power_find(const struct cpu_facts *cpu, double tdp_watts, struct cpu_power *ret)
{
    struct cpu_power p = { 0 };
    set_generic_dram(&p);
    if (!find_measured(cpu, &p) && !find_by_tdp(cpu, tdp_watts, &p))
        find_by_cpuid(cpu, &p);
    if (cpu->hypervisor) {
        unsigned hosts = p.table_threads ? (cpu->threads + p.table_threads - 1) / p.table_threads
                                         : 0;
        cpu_power_add_reason(&p, "; share of a host taken for %u threads",
                             (hosts ? hosts : 1) * p.table_threads);
    }
    *ret = p;
}

int cpu_power_from_ends(const struct power_ends *ends, struct cpu_power *ret, struct err *err)
{
    const double idle = ends->idle_watts;
    const double full = ends->full_watts;
    if (ends->sockets == 0 || ends->threads == 0) {
        return err_set(err, -EINVAL,
                       "%s: the idle and full watts are of a machine of %u sockets and "
                       "%u threads, which is none",
                       ends->name, ends->sockets, ends->threads);
    }
    if (!isfinite(idle) || !isfinite(full) || idle <= 0 || full <= idle) {
        return err_set(err, -EINVAL,
                       "%s: idle %g W and full %g W make no sense: idle must be above 0, and full "
                       "above idle",
                       ends->name, idle, full);
    }
    struct cpu_power p = { .tier = TIER_B_CALIBRATED, .curve_sockets = ends->sockets };
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        p.curve[i] = idle + (full - idle) * cpu_power_shape[i];
    p.table_threads = ends->threads * TABLE_SOCKETS / ends->sockets;
    set_bounds(&p, ends->is_shape_known ? tier_b_calibrated : tier_b_other);
    set_generic_dram(&p);
    (void)snprintf(p.name, sizeof(p.name), "%s", ends->name);
    (void)snprintf(p.source, sizeof(p.source), "%s; generic_curves.csv", ends->name);
    (void)snprintf(p.reason, sizeof(p.reason),
                   "tier B': idle %g W and full %g W of %u socket%s are known (%s), between them "
                   "the generic shape",
                   idle, full, ends->sockets, ends->sockets == 1 ? "" : "s", ends->name);
    if (!ends->is_shape_known)
        cpu_power_add_reason(&p, "; " CPU_POWER_SHAPE_OF_OTHERS);
    *ret = p;
    return 0;
}

double cpu_power_ceiling_watts(const struct cpu_facts *cpu, double tdp_watts)
{
    if (isfinite(tdp_watts) && tdp_watts > 0)
        return 2 * tdp_watts;
    double by_name = cpu_power_tdp_by_name(cpu->model_name);
    if (by_name > 0)
        return 2 * by_name;
    /* A VM sees few of its socket's threads, and hyper-threading may be off: at least a typical
       socket's. */
    const struct power_cpuid_row *row = cpuid_row(cpu);
    unsigned own = cpu->sockets ? cpu->threads / cpu->sockets : cpu->threads;
    return 2 * row->p90 * (own > row->threads ? own : row->threads);
}
