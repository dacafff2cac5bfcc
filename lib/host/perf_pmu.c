/* SPDX-License-Identifier: Apache-2.0 */
#include "host/perf_pmu.h"

#include "base/number.h"
#include "host/perf.h"
#include "host/span.h"

#include <errno.h>
#include <limits.h>

#define UJ_PER_J 1e6

static int explain_nothing(const struct cpu_facts *cpu, struct err *err)
{
    if (!cpu_is_intel(cpu) && !cpu_is_amd(cpu)) {
        return err_set(err, -ENOENT,
                       "there is no " PERF_POWER_PMU ": Linux counts energy as perf events on "
                       "processors of Intel, AMD and Hygon only");
    }
    if (cpu->hypervisor) {
        return err_set(err, -ENOENT,
                       "there is no " PERF_POWER_PMU
                       ": this is a virtual machine, and its hypervisor "
                       "hides the energy counters; no module or mount brings them, the "
                       "physical host does");
    }
    return err_set(err, -ENOENT,
                   "there is no " PERF_POWER_PMU ": load its driver (modprobe rapl, of "
                   "CONFIG_PERF_EVENTS_INTEL_RAPL; from Granite Rapids on intel_rapl_tpmi)");
}

static int senseless(const char *file, const char *text, struct err *err)
{
    return err_set(err, -ENODATA, PERF_POWER_PMU "/%s makes no sense: \"%s\"", file, text);
}

static int read_file(const struct rootfs *fs, const char *file, char *ret, size_t size,
                     struct err *err)
{
    char path[128];
    (void)snprintf(path, sizeof(path), PERF_POWER_PMU "/%s", file);
    ssize_t n = rootfs_read_text(fs, path, ret, size);
    if (n < 0)
        return err_set(err, -ENODATA, "cannot read %s: %s", path, strerror((int)-n));
    return 0;
}

static int read_type(const struct rootfs *fs, const struct cpu_facts *cpu, uint32_t *ret,
                     struct err *err)
{
    char text[32];
    uint64_t type = 0;
    if (!rootfs_exists(fs, PERF_POWER_PMU "/type"))
        return explain_nothing(cpu, err);
    int code = read_file(fs, "type", text, sizeof(text), err);
    if (code < 0)
        return code;
    if (number_parse_u64(text, 10, &type) < 0 || type > UINT32_MAX)
        return senseless("type", text, err);
    *ret = (uint32_t)type;
    return 0;
}

static const struct cpu_thread *thread_of(const struct cpu_facts *cpu, int processor)
{
    for (unsigned i = 0; i < cpu->threads; i++) {
        if (cpu->thread[i].processor == processor)
            return &cpu->thread[i];
    }
    return NULL;
}

/* 0 where there is but one, or the kernel is too old to say. */
static int die_of(const struct rootfs *fs, int processor)
{
    char path[96];
    uint64_t die = 0;
    (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/die_id", processor);
    return rootfs_read_u64(fs, path, &die) == 0 && die <= INT_MAX ? (int)die : 0;
}

/* While a cpumask is read. */
struct mask {
    const struct rootfs *fs;
    const struct cpu_facts *cpu;
    struct perf_pmu *pmu;
    bool is_of_sockets; /* a counter is a socket's, however many of its CPUs are named */
};

static bool has_die(const struct perf_pmu *pmu, int socket, int die)
{
    for (size_t i = 0; i < pmu->cpus; i++) {
        if (pmu->cpu[i].socket == socket && pmu->cpu[i].die == die)
            return true;
    }
    return false;
}

static bool add_cpu(struct mask *mask, int processor)
{
    struct perf_pmu *pmu = mask->pmu;
    const struct cpu_thread *thread = thread_of(mask->cpu, processor);
    if (!thread)
        return false;
    int die = die_of(mask->fs, processor);
    if (has_die(pmu, thread->socket, die)) {
        mask->is_of_sockets = true;
        return true;
    }
    if (pmu->cpus == ARRAY_LEN(pmu->cpu))
        return false;
    pmu->cpu[pmu->cpus].processor = processor;
    pmu->cpu[pmu->cpus].socket = thread->socket;
    pmu->cpu[pmu->cpus].die = die;
    pmu->cpus++;
    return true;
}

/* The first CPU of each socket; the others tell the same counter again. */
static void keep_one_a_socket(struct perf_pmu *pmu)
{
    size_t kept = 0;
    for (size_t i = 0; i < pmu->cpus; i++) {
        bool again = false;
        for (size_t k = 0; k < kept && !again; k++)
            again = pmu->cpu[k].socket == pmu->cpu[i].socket;
        if (!again)
            pmu->cpu[kept++] = pmu->cpu[i];
    }
    pmu->cpus = kept;
}

static unsigned sockets_of(const struct perf_pmu *pmu)
{
    struct perf_pmu reduced = *pmu;
    keep_one_a_socket(&reduced);
    return (unsigned)reduced.cpus;
}

static bool parse_cpu(struct span digits, int *ret)
{
    char text[8];
    uint64_t number = 0;
    if (!span_copy(digits, text, sizeof(text)) || number_parse_u64(text, 10, &number) < 0)
        return false;
    *ret = (int)number;
    return true;
}

/* "7" or "0-3". */
static bool add_range(struct mask *mask, struct span range)
{
    int first = 0;
    int last = 0;
    struct span from;
    bool has_end = memchr(range.at, '-', range.len) != NULL;
    if (!span_cut(&range, "-", &from) || !parse_cpu(from, &first))
        return false;
    last = first;
    if (has_end && !parse_cpu(range, &last))
        return false;
    for (int i = first; i <= last; i++) {
        if (!add_cpu(mask, i))
            return false;
    }
    return first <= last;
}

/*
 * One CPU a counter, but not everywhere: Intel's counters are of dies, and a die that is named
 * twice shows the mask of Linux 7.0 for newer processors, all CPUs of each package (commit
 * 525e0064f3d8 of intel_rapl_common.c, which brings their PMU). AMD counts a socket; Linux 6.9
 * names a CPU of each of its dies (mended by commit 8d72eba1cf8c). A socket without a CPU would
 * make the sum too small without a sign: better no sum.
 */
static int read_cpumask(struct mask *mask, struct err *err)
{
    char text[4096]; /* all CPUs of each package, where their numbers take turns */
    const struct cpu_facts *cpu = mask->cpu;
    int code = read_file(mask->fs, "cpumask", text, sizeof(text), err);
    if (code < 0)
        return code;
    struct span rest = span_of(text);
    struct span range;
    while (span_cut(&rest, ",", &range)) {
        if (!add_range(mask, range)) {
            return err_set(err, -ENODATA,
                           PERF_POWER_PMU "/cpumask makes no sense: \"%s\" for the %u CPUs of "
                                          "/proc/cpuinfo",
                           text, cpu->threads);
        }
    }
    if (mask->is_of_sockets || cpu_is_amd(cpu))
        keep_one_a_socket(mask->pmu);
    unsigned sockets = sockets_of(mask->pmu);
    if (sockets < cpu->sockets) {
        return err_set(err, -ENODATA,
                       PERF_POWER_PMU
                       "/cpumask (\"%s\") has a CPU of %u of %u sockets: the sum would "
                       "be too small; look for RAPL errors in dmesg",
                       text, sockets, cpu->sockets);
    }
    return 0;
}

int perf_pmu_read(const struct rootfs *fs, const struct cpu_facts *cpu, struct perf_pmu *ret,
                  struct err *err)
{
    struct perf_pmu pmu = { 0 };
    struct mask mask = { .fs = fs, .cpu = cpu, .pmu = &pmu };
    int code = read_type(fs, cpu, &pmu.type, err);
    if (code == 0)
        code = read_cpumask(&mask, err);
    if (code == 0)
        *ret = pmu;
    return code;
}

static int read_event_file(const struct rootfs *fs, const char *name, const char *suffix,
                           char ret[64], struct err *err)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "events/%s%s", name, suffix);
    return read_file(fs, file, ret, 64, err);
}

int perf_pmu_event_read(const struct rootfs *fs, const char *name, struct perf_pmu_event *ret,
                        struct err *err)
{
    char config[64];
    char scale[64];
    char unit[64];
    double joules = 0;
    struct perf_pmu_event event = { 0 };
    int code = read_event_file(fs, name, "", config, err);
    if (code == 0)
        code = read_event_file(fs, name, ".scale", scale, err);
    if (code == 0)
        code = read_event_file(fs, name, ".unit", unit, err);
    if (code < 0)
        return code;
    if (perf_event_config_parse(config, &event.config) < 0 || strcmp(unit, "Joules") != 0 ||
        number_parse_double(scale, &joules) < 0 || !(joules > 0 && joules <= 1)) {
        return err_set(err, -ENODATA,
                       PERF_POWER_PMU "/events/%s makes no sense: \"%s\" in steps of \"%s\" \"%s\"",
                       name, config, scale, unit);
    }
    event.uj_per_count = joules * UJ_PER_J;
    *ret = event;
    return 0;
}
