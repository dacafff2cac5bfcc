/* SPDX-License-Identifier: Apache-2.0 */
/* Wall watts of SPECpower results (data/power/specpower_by_*.csv): the only figures here that hold
   fans, disks and the power supply's loss, and so never part of a zone. */
#include "base/compiler.h"
#include "host/cpu_name.h"
#include "host/cpu_power.h"

#include <errno.h>
#include <math.h>
#include <power_tables.h> /* made by scripts/gen-power-tables.sh */

/* Where fewer systems than this are known of a processor, theirs are no bounds: it is then taken to
   spread as the others do, p10 of lowest over median and p90 of highest over median among the rows
   that have enough (tests/unit/cpu_wall_test.c computes them from the table). */
#define ENOUGH_SYSTEMS 3
static const double few_idle_low = 0.68, few_idle_high = 1.57;
static const double few_full_low = 0.81, few_full_high = 1.25;

/* -- by model name -- */

/* "E5-2660 v2" and "E5-2660v2" are one; so are marks that only one side writes. */
static void compact(const char *name, char *ret, size_t size)
{
    char words[CPU_NAME_SIZE];
    cpu_name_normalise(name, words, sizeof(words));
    size_t n = 0;
    for (const char *at = words; *at && n + 1 < size; at++) {
        if ((unsigned char)*at > ' ' && (unsigned char)*at < 0x7f)
            ret[n++] = *at;
    }
    ret[n] = '\0';
}

static unsigned apart(unsigned a, unsigned b)
{
    return a > b ? a - b : b - a;
}

/* The row of the nearest number of sockets, of those the one with the most systems. */
static const struct power_wall_row *wall_row(const struct cpu_facts *cpu)
{
    const struct power_wall_row *best = NULL;
    char wanted[CPU_NAME_SIZE];
    char have[CPU_NAME_SIZE];
    compact(cpu->model_name, wanted, sizeof(wanted));
    for (size_t i = 0; i < ARRAY_LEN(power_wall_rows); i++) {
        const struct power_wall_row *row = &power_wall_rows[i];
        compact(row->name, have, sizeof(have));
        if (wanted[0] == '\0' || strcmp(wanted, have) != 0)
            continue;
        unsigned far = apart(row->chips, cpu->sockets);
        unsigned least = best ? apart(best->chips, cpu->sockets) : far;
        if (!best || far < least || (far == least && row->systems > best->systems))
            best = row;
    }
    return best;
}

static void set_by_name(const struct power_wall_row *row, unsigned sockets, struct wall_power *w)
{
    double scale = (double)sockets / row->chips;
    w->idle_watts = scale * row->idle;
    w->full_watts = scale * row->full;
    w->idle_low = scale * row->idle_low;
    w->idle_high = scale * row->idle_high;
    w->full_low = scale * row->full_low;
    w->full_high = scale * row->full_high;
    bool few = row->systems < ENOUGH_SYSTEMS || row->chips != sockets;
    if (few) {
        w->idle_low = fmin(w->idle_low, few_idle_low * w->idle_watts);
        w->idle_high = fmax(w->idle_high, few_idle_high * w->idle_watts);
        w->full_low = fmin(w->full_low, few_full_low * w->full_watts);
        w->full_high = fmax(w->full_high, few_full_high * w->full_watts);
    }
    char proportion[48] = "";
    if (row->chips != sockets) {
        (void)snprintf(proportion, sizeof(proportion), ", in proportion to %u socket%s", sockets,
                       sockets == 1 ? "" : "s");
    }
    (void)snprintf(w->name, sizeof(w->name), "%s x %u", row->name, row->chips);
    (void)snprintf(w->source, sizeof(w->source), "%s", row->source);
    (void)snprintf(w->reason, sizeof(w->reason),
                   "wall watts of %u SPECpower system%s with %u x \"%s\"%s; bounds are %s",
                   row->systems, row->systems == 1 ? "" : "s", row->chips, row->name, proportion,
                   few ? "the spread of processors with several systems" : "their extremes");
}

/* -- by family -- */

/* By CPUID (family, model and stepping of Linux' arch/x86/include/asm/intel-family.h and
   arch/x86/kernel/cpu/amd.c). Cooper Lake (85, 10-11) is Cascade Lake's core and process again;
   Comet Lake (165) is Coffee Lake's. Bergamo and Siena (25, 160) are Genoa's generation. */
static const struct {
    struct cpu_kind kind;
    const char *name;
} families_by_cpuid[] = {
    { { "GenuineIntel", 6, 45, -1, -1 }, "intel-sandybridge" },
    { { "GenuineIntel", 6, 62, -1, -1 }, "intel-ivybridge" },
    { { "GenuineIntel", 6, 63, -1, -1 }, "intel-haswell" },
    { { "GenuineIntel", 6, 79, -1, -1 }, "intel-broadwell" },
    { { "GenuineIntel", 6, 86, -1, -1 }, "intel-broadwell" },
    { { "GenuineIntel", 6, 85, 0, 4 }, "intel-skylake" },
    { { "GenuineIntel", 6, 85, 5, 11 }, "intel-cascadelake" },
    { { "GenuineIntel", 6, 106, -1, -1 }, "intel-icelake" },
    { { "GenuineIntel", 6, 108, -1, -1 }, "intel-icelake" },
    { { "GenuineIntel", 6, 143, -1, -1 }, "intel-sapphirerapids" },
    { { "GenuineIntel", 6, 207, -1, -1 }, "intel-emeraldrapids" },
    { { "GenuineIntel", 6, 173, -1, -1 }, "intel-graniterapids" },
    { { "GenuineIntel", 6, 174, -1, -1 }, "intel-graniterapids" },
    { { "GenuineIntel", 6, 158, 10, 13 }, "intel-coffeelake" },
    { { "GenuineIntel", 6, 165, -1, -1 }, "intel-coffeelake" },
    { { "AuthenticAMD", 23, 1, -1, -1 }, "amd-epyc-gen1" },
    { { "AuthenticAMD", 23, 49, -1, -1 }, "amd-epyc-gen2" },
    { { "AuthenticAMD", 25, 1, -1, -1 }, "amd-epyc-gen3" },
    { { "AuthenticAMD", 25, 17, -1, -1 }, "amd-epyc-gen4" },
    { { "AuthenticAMD", 25, 160, -1, -1 }, "amd-epyc-gen4" },
    { { "AuthenticAMD", 26, 2, -1, -1 }, "amd-epyc-gen5" },
    { { "AuthenticAMD", 26, 17, -1, -1 }, "amd-epyc-gen5" },
    { { "ARM", -1, 0xd0c, -1, -1 }, "amd-neoverse-n1" }, /* so called in the table */
};

/* By the code name of cpu_tdp.csv, whole. Left out: workstation and embedded parts (Skylake-W, Ice
   Lake-W, Snowy Owl) and Xeon Phi, since the table's families are of servers. */
static const struct {
    const char *code_name, *name;
} families_by_code_name[] = {
    { "Sandy Bridge", "intel-sandybridge" },
    { "Ivy Bridge", "intel-ivybridge" },
    { "Haswell", "intel-haswell" },
    { "Broadwell", "intel-broadwell" },
    { "Skylake", "intel-skylake" },
    { "Skylake-SP", "intel-skylake" },
    { "Cascade Lake", "intel-cascadelake" },
    { "Cascade Lake-SP", "intel-cascadelake" },
    { "Cascade Lake-AP", "intel-cascadelake" },
    { "Cooper Lake-SP", "intel-cascadelake" },
    { "Ice Lake", "intel-icelake" },
    { "Ice Lake-SP", "intel-icelake" },
    { "Sapphire Rapids", "intel-sapphirerapids" },
    { "Sapphire Rapids HBM", "intel-sapphirerapids" },
    { "Granite Rapids", "intel-graniterapids" },
    { "Coffee Lake", "intel-coffeelake" },
    { "Coffee Lake-S", "intel-coffeelake" },
    { "Comet Lake", "intel-coffeelake" },
    { "Naples", "amd-epyc-gen1" },
    { "Rome", "amd-epyc-gen2" },
    { "Milan", "amd-epyc-gen3" },
    { "Milan-X", "amd-epyc-gen3" },
    { "Genoa", "amd-epyc-gen4" },
    { "Quicksilver", "amd-neoverse-n1" },
    { "Mystique", "amd-neoverse-n1" },
};

static const char *family_by_cpuid(const struct cpu_facts *cpu)
{
    for (size_t i = 0; i < ARRAY_LEN(families_by_cpuid); i++) {
        if (cpu_is_of_kind(cpu, &families_by_cpuid[i].kind))
            return families_by_cpuid[i].name;
    }
    return NULL;
}

static const char *family_by_code_name(const char *code_name)
{
    for (size_t i = 0; i < ARRAY_LEN(families_by_code_name); i++) {
        if (strcmp(families_by_code_name[i].code_name, code_name) == 0)
            return families_by_code_name[i].name;
    }
    return NULL;
}

static const struct power_wall_family_row *family_row(const struct cpu_facts *cpu)
{
    const char *name = family_by_cpuid(cpu);
    if (!name)
        name = family_by_code_name(cpu_power_code_name(cpu->model_name));
    for (size_t i = 0; name && i < ARRAY_LEN(power_wall_family_rows); i++) {
        if (strcmp(power_wall_family_rows[i].family, name) == 0)
            return &power_wall_family_rows[i];
    }
    return NULL;
}

static void set_by_family(const struct power_wall_family_row *row, unsigned threads,
                          struct wall_power *w)
{
    w->is_per_thread = true;
    w->idle_watts = threads * row->idle;
    w->full_watts = threads * row->full;
    w->idle_low = threads * row->idle_low;
    w->idle_high = threads * row->idle_high;
    w->full_low = threads * row->full_low;
    w->full_high = threads * row->full_high;
    (void)snprintf(w->name, sizeof(w->name), "%s", row->family);
    (void)snprintf(w->source, sizeof(w->source), "%s", row->source);
    (void)snprintf(w->reason, sizeof(w->reason),
                   "wall watts per hardware thread of %u SPECpower system%s of family %s, times %u "
                   "threads; bounds are their p10 and p90",
                   row->systems, row->systems == 1 ? "" : "s", row->family, threads);
}

int cpu_power_wall(const struct cpu_facts *cpu, struct wall_power *ret, struct err *err)
{
    struct wall_power w = { 0 };
    if (cpu->sockets == 0 || cpu->threads == 0) {
        return err_set(err, -EINVAL,
                       "wall watts of %u sockets and %u threads: there is no such "
                       "machine",
                       cpu->sockets, cpu->threads);
    }
    const struct power_wall_row *row = wall_row(cpu);
    const struct power_wall_family_row *family = row ? NULL : family_row(cpu);
    if (!row && !family) {
        return err_set(err, -ENOENT,
                       "no SPECpower result is known of the CPU \"%s\", nor what family it is of: "
                       "its wall watts cannot be told (scope package can be)",
                       cpu->model_name);
    }
    if (row) {
        set_by_name(row, cpu->sockets, &w);
    } else {
        set_by_family(family, cpu->threads, &w);
    }
    *ret = w;
    return 0;
}
