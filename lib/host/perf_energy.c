/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Energy events of the kernel's "power" PMU. Their counts have 64 bits in units of 2^-32 J whatever
 * the registers' own unit is (the fixed ones of DRAM and psys too); the kernel adds up what the
 * registers wrap.
 */
#include "base/cleanup.h"
#include "base/number.h"
#include "host/energy.h"
#include "host/msr.h"
#include "host/perf.h"
#include "host/perf_pmu.h"

#include <errno.h>
#include <linux/perf_event.h>

#define PARANOID "/proc/sys/kernel/perf_event_paranoid"
#define RELEASE  "/proc/sys/kernel/osrelease"
#define DUMP     "/.probe/perf" /* EVENT.CPU: the counts of a machine that is not this one */

struct event_row {
    const char *name;
    enum energy_zone zone;
};

/* In the order of enum energy_zone. */
static const struct event_row event_rows[] = {
    { "energy-pkg", ZONE_PACKAGE }, { "energy-ram", ZONE_DRAM },  { "energy-cores", ZONE_CORE },
    { "energy-gpu", ZONE_UNCORE },  { "energy-psys", ZONE_PSYS },
};

/* An event to be opened on each CPU of the PMU. */
struct request {
    const struct rootfs *fs;
    const struct perf_pmu *pmu;
    const struct event_row *row;
    struct perf_pmu_event event;
};

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
static int open_live(const struct request *q, int cpu, struct energy_counter *c, struct err *err)
{
    struct perf_event_attr attr = { .type = q->pmu->type, .config = q->event.config };
    (void)snprintf(c->path, sizeof(c->path), "perf %s on CPU %d", q->row->name, cpu);
    int fd = perf_event_open(&attr, -1, cpu);
    if (fd == -EACCES || fd == -EPERM)
        return explain_forbidden(q->fs, c->path, fd, err);
    if (fd < 0)
        return err_set(err, -ENODATA, "cannot open %s: %s", c->path, strerror(-fd));
    c->fd = fd;
    return 0;
}

/* Nothing can be opened on a dump's behalf: it holds the count, or it cannot tell. */
static int find_in_dump(const struct request *q, int cpu, struct energy_counter *c, struct err *err)
{
    (void)snprintf(c->path, sizeof(c->path), DUMP "/%s.%d", q->row->name, cpu);
    if (rootfs_exists(q->fs, c->path))
        return 0;
    return err_set(err, -ENOTSUP,
                   "%s of CPU %d cannot be opened on behalf of a dump, and it has no %s with its "
                   "count",
                   q->row->name, cpu, c->path);
}

/* On the @nth CPU of the PMU; the caller closes. */
static int open_counter(const struct request *q, size_t nth, struct energy_counter *ret,
                        struct err *err)
{
    struct energy_counter c = { .zone = q->row->zone,
                                .socket = q->pmu->cpu[nth].socket,
                                .uj_per_count = q->event.uj_per_count,
                                .fd = -1 };
    int cpu = q->pmu->cpu[nth].processor;
    (void)snprintf(c.label, sizeof(c.label), "perf:%s", q->row->name);
    int code = q->fs->foreign ? find_in_dump(q, cpu, &c, err) : open_live(q, cpu, &c, err);
    if (code < 0)
        return code;
    uint64_t count = 0;
    code = read_count(q->fs, &c, &count);
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
static int add_event(struct request *q, struct energy_set *set, struct err *err)
{
    size_t first = set->n;
    int code = perf_pmu_event_read(q->fs, q->row->name, &q->event, err);
    if (code == 0 && set->n + q->pmu->cpus > ARRAY_LEN(set->counter)) {
        code = err_set(err, -ENODATA, "%zu counters of %s are more than there is room for",
                       q->pmu->cpus, q->row->name);
    }
    for (size_t i = 0; code == 0 && i < q->pmu->cpus; i++) {
        code = open_counter(q, i, &set->counter[set->n], err);
        set->n += code == 0;
        if (q->row->zone == ZONE_PSYS)
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

/* "6.1.0-25-amd64" is from 6.1 on; a text that is no release is not. */
static bool is_from_6_1_on(const char *release)
{
    uint64_t number[2] = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(number); i++) {
        char digits[8];
        size_t n = strspn(release, "0123456789");
        (void)snprintf(digits, sizeof(digits), "%.*s", (int)n, release);
        if (n >= sizeof(digits) || number_parse_u64(digits, 10, &number[i]) < 0)
            return false;
        release += n + (release[n] == '.');
    }
    return number[0] > 6 || (number[0] == 6 && number[1] >= 1);
}

/* Counts of the wrong unit (msr.h): nothing but the kernel's age tells, and one that has the mend
   from elsewhere loses a zone that powercap and msr have. */
static bool is_wrong_unit(const struct rootfs *fs, const struct cpu_facts *cpu,
                          const struct event_row *row)
{
    char release[96];
    return row->zone == ZONE_DRAM && msr_is_sapphire_rapids(cpu) &&
           (rootfs_read_text(fs, RELEASE, release, sizeof(release)) < 0 ||
            !is_from_6_1_on(release));
}

static int perf_list(const struct rootfs *fs, const struct cpu_facts *cpu, struct energy_set *ret,
                     struct err *err)
{
    struct perf_pmu pmu;
    struct energy_set set = { 0 };
    struct request package = { .fs = fs, .pmu = &pmu, .row = &event_rows[ZONE_PACKAGE] };
    int code = perf_pmu_read(fs, cpu, &pmu, err);
    if (code == 0)
        code = add_event(&package, &set, err);
    if (code < 0)
        return code;
    for (size_t i = ZONE_PACKAGE + 1; i < ARRAY_LEN(event_rows); i++) {
        struct err unheard; /* no such event here, or the zone is left out */
        struct request q = { .fs = fs, .pmu = &pmu, .row = &event_rows[i] };
        if (!is_meaningless(cpu, q.row) && !is_wrong_unit(fs, cpu, q.row))
            (void)add_event(&q, &set, &unheard);
    }
    *ret = set;
    return 0;
}

const struct energy_driver energy_perf = { "perf", perf_list, read_count };
