/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's "power" PMU: Linux arch/x86/events/rapl.c, for newer processors (Granite Rapids,
 * Panther Lake) drivers/powercap/intel_rapl_common.c. Its counts have 64 bits in units of
 * 2^-32 J whatever the registers' own unit is (the fixed ones of DRAM and psys too), the kernel
 * adds up what the registers wrap, and its cpumask names one CPU for each counter there is.
 */
#include "base/cleanup.h"
#include "base/number.h"
#include "host/energy.h"
#include "host/perf.h"
#include "host/span.h"

#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>

#define POWER_PMU "/sys/bus/event_source/devices/power"
#define PARANOID  "/proc/sys/kernel/perf_event_paranoid"
#define DUMP      "/.probe/perf" /* EVENT.CPU: the counts of a machine that is not this one */
#define UJ_PER_J  1e6

struct event_row {
    const char *name;
    enum energy_zone zone;
};

/* In the order of enum energy_zone. */
static const struct event_row event_rows[] = {
    { "energy-pkg", ZONE_PACKAGE }, { "energy-ram", ZONE_DRAM },  { "energy-cores", ZONE_CORE },
    { "energy-gpu", ZONE_UNCORE },  { "energy-psys", ZONE_PSYS },
};

struct pmu {
    const struct rootfs *fs;
    uint32_t type; /* perf_event_attr.type */
    struct {
        int processor, socket, die;
    } cpu[ENERGY_COUNTERS_MAX]; /* one for each counter there is */
    size_t cpus;
    bool is_of_sockets; /* a counter is a socket's, however many of its CPUs the mask names */
};

struct event {
    const struct event_row *row;
    uint64_t config; /* perf_event_attr.config */
    double uj_per_count;
};

/* -- what sysfs says -- */

static int explain_nothing(const struct cpu_facts *cpu, struct err *err)
{
    if (!cpu_is_intel(cpu) && !cpu_is_amd(cpu)) {
        return err_set(err, -ENOENT,
                       "there is no " POWER_PMU ": Linux counts energy as perf events on "
                       "processors of Intel, AMD and Hygon only");
    }
    if (cpu->hypervisor) {
        return err_set(err, -ENOENT,
                       "there is no " POWER_PMU ": this is a virtual machine, and its hypervisor "
                       "hides the energy counters; no module brings them, the physical host does");
    }
    return err_set(err, -ENOENT,
                   "there is no " POWER_PMU ": load its driver (modprobe rapl, of "
                   "CONFIG_PERF_EVENTS_INTEL_RAPL; from Granite Rapids on intel_rapl_tpmi)");
}

static int senseless(const char *file, const char *text, struct err *err)
{
    return err_set(err, -ENODATA, POWER_PMU "/%s makes no sense: \"%s\"", file, text);
}

static int read_file(const struct rootfs *fs, const char *file, char *ret, size_t size,
                     struct err *err)
{
    char path[128];
    (void)snprintf(path, sizeof(path), POWER_PMU "/%s", file);
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
    if (!rootfs_exists(fs, POWER_PMU "/type"))
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

static bool has_die(const struct pmu *pmu, int socket, int die)
{
    for (size_t i = 0; i < pmu->cpus; i++) {
        if (pmu->cpu[i].socket == socket && pmu->cpu[i].die == die)
            return true;
    }
    return false;
}

static bool add_cpu(const struct cpu_facts *cpu, int processor, struct pmu *pmu)
{
    const struct cpu_thread *thread = thread_of(cpu, processor);
    if (!thread)
        return false;
    int die = die_of(pmu->fs, processor);
    if (has_die(pmu, thread->socket, die)) {
        pmu->is_of_sockets = true;
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
static void keep_one_a_socket(struct pmu *pmu)
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

static unsigned sockets_of(const struct pmu *pmu)
{
    struct pmu reduced = *pmu;
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
static bool add_range(const struct cpu_facts *cpu, struct span range, struct pmu *pmu)
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
        if (!add_cpu(cpu, i, pmu))
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
static int read_cpumask(const struct cpu_facts *cpu, struct pmu *pmu, struct err *err)
{
    char text[512];
    int code = read_file(pmu->fs, "cpumask", text, sizeof(text), err);
    if (code < 0)
        return code;
    struct span rest = span_of(text);
    struct span range;
    while (span_cut(&rest, ",", &range)) {
        if (!add_range(cpu, range, pmu)) {
            return err_set(err, -ENODATA,
                           POWER_PMU "/cpumask makes no sense: \"%s\" for the %u CPUs of "
                                     "/proc/cpuinfo",
                           text, cpu->threads);
        }
    }
    if (pmu->is_of_sockets || cpu_is_amd(cpu))
        keep_one_a_socket(pmu);
    unsigned sockets = sockets_of(pmu);
    if (sockets < cpu->sockets) {
        return err_set(err, -ENODATA,
                       POWER_PMU "/cpumask (\"%s\") has a CPU of %u of %u sockets: the sum would "
                                 "be too small; look for RAPL errors in dmesg",
                       text, sockets, cpu->sockets);
    }
    return 0;
}

static int read_event_file(const struct rootfs *fs, const struct event_row *row, const char *suffix,
                           char ret[64], struct err *err)
{
    char file[64];
    (void)snprintf(file, sizeof(file), "events/%s%s", row->name, suffix);
    return read_file(fs, file, ret, 64, err);
}

static int read_event(const struct rootfs *fs, const struct event_row *row, struct event *ret,
                      struct err *err)
{
    char config[64];
    char scale[64];
    char unit[64];
    double joules = 0;
    struct event event = { .row = row };
    int code = read_event_file(fs, row, "", config, err);
    if (code == 0)
        code = read_event_file(fs, row, ".scale", scale, err);
    if (code == 0)
        code = read_event_file(fs, row, ".unit", unit, err);
    if (code < 0)
        return code;
    if (perf_event_config_parse(config, &event.config) < 0 || strcmp(unit, "Joules") != 0 ||
        number_parse_double(scale, &joules) < 0 || !(joules > 0 && joules <= 1)) {
        return err_set(err, -ENODATA,
                       POWER_PMU "/events/%s makes no sense: \"%s\" in steps of \"%s\" \"%s\"",
                       row->name, config, scale, unit);
    }
    event.uj_per_count = joules * UJ_PER_J;
    *ret = event;
    return 0;
}

/* -- counters -- */

static int read_count(const struct rootfs *fs, const struct energy_counter *counter, uint64_t *ret)
{
    return counter->fd >= 0 ? perf_event_read(counter->fd, ret)
                            : rootfs_read_u64(fs, counter->path, ret);
}

static int explain_forbidden(const struct rootfs *fs, const char *what, int code, struct err *err)
{
    char level[16];
    if (rootfs_read_text(fs, PARANOID, level, sizeof(level)) < 0)
        (void)snprintf(level, sizeof(level), "unknown");
    return err_set(err, -EACCES,
                   "cannot open %s: %s; kernel.perf_event_paranoid is %s: run as root, grant "
                   "CAP_PERFMON, or set it to 0 (a container's seccomp profile must allow "
                   "perf_event_open, too)",
                   what, strerror(-code), level);
}

/* On the running kernel: an event of its own, which counts from 0 on. */
static int open_live(const struct pmu *pmu, const struct event *event, int cpu,
                     struct energy_counter *c, struct err *err)
{
    struct perf_event_attr attr = { .type = pmu->type, .config = event->config };
    (void)snprintf(c->path, sizeof(c->path), "perf %s on CPU %d", event->row->name, cpu);
    int fd = perf_event_open(&attr, -1, cpu);
    if (fd == -EACCES || fd == -EPERM)
        return explain_forbidden(pmu->fs, c->path, fd, err);
    if (fd < 0)
        return err_set(err, -ENODATA, "cannot open %s: %s", c->path, strerror(-fd));
    c->fd = fd;
    return 0;
}

/* Nothing can be opened on a dump's behalf: it holds the count, or it cannot tell. */
static int find_in_dump(const struct rootfs *fs, const struct event *event, int cpu,
                        struct energy_counter *c, struct err *err)
{
    (void)snprintf(c->path, sizeof(c->path), DUMP "/%s.%d", event->row->name, cpu);
    if (rootfs_exists(fs, c->path))
        return 0;
    return err_set(err, -ENOTSUP,
                   "%s of CPU %d cannot be opened on behalf of a dump, and it has no %s with its "
                   "count",
                   event->row->name, cpu, c->path);
}

/* Of the @nth CPU of the mask; the caller closes. */
static int open_counter(const struct pmu *pmu, const struct event *event, size_t nth,
                        struct energy_counter *ret, struct err *err)
{
    struct energy_counter c = { .zone = event->row->zone,
                                .socket = pmu->cpu[nth].socket,
                                .uj_per_count = event->uj_per_count,
                                .fd = -1 };
    int cpu = pmu->cpu[nth].processor;
    (void)snprintf(c.label, sizeof(c.label), "perf:%s", event->row->name);
    int code = pmu->fs->foreign ? find_in_dump(pmu->fs, event, cpu, &c, err)
                                : open_live(pmu, event, cpu, &c, err);
    if (code < 0)
        return code;
    uint64_t count = 0;
    code = read_count(pmu->fs, &c, &count);
    if (code < 0) {
        close_fd(&c.fd);
        return err_set(err, -ENODATA, "%s gives no count: %s", c.path, strerror(-code));
    }
    *ret = c;
    return 0;
}

static void drop_from(struct energy_set *set, size_t first)
{
    for (size_t i = first; i < set->n; i++)
        close_fd(&set->counter[i].fd);
    set->n = first;
}

/* All CPUs' counters or none: a sum that is too small is no sum. psys is told by the master package
   alone, so there it may be fewer (Linux commit f1e8d7560d30). */
static int add_event(const struct pmu *pmu, const struct event_row *row, struct energy_set *set,
                     struct err *err)
{
    struct event event = { .row = row };
    size_t first = set->n;
    int code = read_event(pmu->fs, row, &event, err);
    if (code == 0 && set->n + pmu->cpus > ARRAY_LEN(set->counter)) {
        code = err_set(err, -ENODATA, "%zu counters of %s are more than there is room for",
                       pmu->cpus, row->name);
    }
    for (size_t i = 0; code == 0 && i < pmu->cpus; i++) {
        code = open_counter(pmu, &event, i, &set->counter[set->n], err);
        set->n += code == 0;
        if (row->zone == ZONE_PSYS)
            code = 0;
    }
    if (code < 0)
        drop_from(set, first);
    return code;
}

/* AMD counts the energy of each core apart ("power_core" of Linux 6.14); where a kernel shows one
   core's a package here, it is not what a core zone means. */
static bool is_meaningless(const struct cpu_facts *cpu, const struct event_row *row)
{
    return row->zone == ZONE_CORE && cpu_is_amd(cpu);
}

static int perf_list(const struct rootfs *fs, const struct cpu_facts *cpu, struct energy_set *ret,
                     struct err *err)
{
    struct pmu pmu = { .fs = fs };
    struct energy_set set = { 0 };
    int code = read_type(fs, cpu, &pmu.type, err);
    if (code == 0)
        code = read_cpumask(cpu, &pmu, err);
    if (code == 0)
        code = add_event(&pmu, &event_rows[ZONE_PACKAGE], &set, err);
    if (code < 0)
        return code;
    for (size_t i = ZONE_PACKAGE + 1; i < ARRAY_LEN(event_rows); i++) {
        struct err unheard; /* no such event here, or the zone is left out */
        if (!is_meaningless(cpu, &event_rows[i]))
            (void)add_event(&pmu, &event_rows[i], &set, &unheard);
    }
    *ret = set;
    return 0;
}

const struct energy_driver energy_perf = { "perf", perf_list, read_count };
