/* SPDX-License-Identifier: Apache-2.0 */
#include "host/perf.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "host/span.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define POWER_PMU "/sys/bus/event_source/devices/power"

int perf_event_open(struct perf_event_attr *attr, pid_t pid, int cpu)
{
    attr->size = sizeof(*attr);
    long fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

int perf_event_read(int fd, uint64_t *ret)
{
    ssize_t n = read(fd, ret, sizeof(*ret));
    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof(*ret) ? 0 : -ENODATA; /* 0 bytes: the counter is in error state */
}

static const struct {
    const char *name;
    uint64_t config; /* of PERF_TYPE_HARDWARE */
} counters[] = {
    [PERF_CYCLES] = { "cycles", PERF_COUNT_HW_CPU_CYCLES },
    [PERF_INSTRUCTIONS] = { "instructions", PERF_COUNT_HW_INSTRUCTIONS },
    [PERF_LLC_MISSES] = { "llc", PERF_COUNT_HW_CACHE_MISSES },
};

const char *perf_counter_name(enum perf_counter c)
{
    return counters[c].name;
}

/* Pushes a line out of all caches, so that reading it again has to miss. Both instructions are
   allowed to a program (arm64: Linux sets SCTLR_EL1.UCI). */
static void evict(const volatile char *line)
{
#if defined(__x86_64__)
    __asm__ volatile("clflush (%0)\n\tmfence" : : "r"(line) : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("dc civac, %0\n\tdsb sy" : : "r"(line) : "memory");
#else
    (void)line;
#endif
}

static void work_a_moment(void)
{
    static volatile char memory[64 * 64];
    for (size_t i = 0; i < sizeof(memory); i += 64) {
        evict(&memory[i]);
        memory[i]++;
    }
}

int perf_counter_try(enum perf_counter c)
{
    /* Only what this thread does itself is counted: allowed up to perf_event_paranoid 2. */
    struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE,
                                    .config = counters[c].config,
                                    .exclude_kernel = 1,
                                    .exclude_hv = 1 };
    AUTO_FD fd = perf_event_open(&attr, 0, -1);
    if (fd == -EPERM)
        return -EACCES;
    if (fd == -ENODEV || fd == -EOPNOTSUPP || fd == -ENXIO)
        return -ENOENT; /* how virtual PMUs and other architectures say so */
    if (fd < 0)
        return fd;
    /* Others may share the PMU by turns: some milliseconds, not one look. */
    uint64_t end_ns = clock_monotonic_ns() + 20 * NS_PER_MS;
    do {
        uint64_t count = 0;
        work_a_moment();
        int code = perf_event_read(fd, &count);
        if (code < 0 || count > 0)
            return code;
    } while (clock_monotonic_ns() < end_ns);
    return -ENODATA;
}

int perf_event_config_parse(const char *text, uint64_t *ret)
{
    struct span value = span_trim(span_of(text));
    char number[24];
    uint64_t config = 0;
    if (!span_drop_prefix(&value, "event=") || !span_copy(value, number, sizeof(number)) ||
        number_parse_u64(number, 16, &config) < 0 || config > 0xff)
        return -EBADMSG;
    *ret = config;
    return 0;
}

/* "energy-pkg" but not the "energy-pkg.scale" beside it. */
static bool is_energy_event(const char *name)
{
    return strncmp(name, "energy-", 7) == 0 && !strchr(name, '.');
}

static int read_event_file(const struct rootfs *fs, const char *name, const char *suffix,
                           char ret[64])
{
    AUTO_STR path = mem_printf("%s/events/%s%s", POWER_PMU, name, suffix);
    return rootfs_read_text(fs, path, ret, 64) < 0 ? -EBADMSG : 0;
}

static int read_event(const struct rootfs *fs, const char *name, struct perf_energy_event *ret)
{
    char config[64];
    char scale[64];
    char unit[64];
    struct perf_energy_event event = { 0 };
    if (!span_copy(span_of(name), event.name, sizeof(event.name)) ||
        read_event_file(fs, name, "", config) < 0 ||
        read_event_file(fs, name, ".scale", scale) < 0 ||
        read_event_file(fs, name, ".unit", unit) < 0)
        return -EBADMSG;
    if (perf_event_config_parse(config, &event.config) < 0 || strcmp(unit, "Joules") != 0 ||
        number_parse_double(scale, &event.joules_per_count) < 0 ||
        !(event.joules_per_count > 0 && event.joules_per_count <= 1))
        return -EBADMSG;
    *ret = event;
    return 0;
}

static int read_events(const struct rootfs *fs, struct perf_energy *pmu)
{
    AUTO_NAMES names = { 0 };
    if (rootfs_list(fs, POWER_PMU "/events", &names) < 0)
        return -EBADMSG;
    for (size_t i = 0; i < names.n && pmu->n < ARRAY_LEN(pmu->event); i++) {
        if (!is_energy_event(names.name[i]))
            continue;
        int code = read_event(fs, names.name[i], &pmu->event[pmu->n]);
        if (code < 0)
            return code;
        pmu->n++;
    }
    return pmu->n > 0 ? 0 : -EBADMSG;
}

int perf_energy_list(const struct rootfs *fs, struct perf_energy *ret)
{
    struct perf_energy pmu = { 0 };
    uint64_t type = 0;
    int code = rootfs_read_u64(fs, POWER_PMU "/type", &type);
    if (code < 0)
        return code == -ENOTDIR ? -ENOENT : code;
    if (type > UINT32_MAX)
        return -EBADMSG;
    pmu.type = (uint32_t)type;
    if (rootfs_read_text(fs, POWER_PMU "/cpumask", pmu.cpumask, sizeof(pmu.cpumask)) < 0 ||
        perf_cpumask_first(pmu.cpumask) < 0)
        return -EBADMSG;
    code = read_events(fs, &pmu);
    if (code < 0)
        return code;
    *ret = pmu;
    return 0;
}

static int nap(unsigned ms)
{
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    while (nanosleep(&left, &left) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

int perf_energy_try(const struct perf_energy *pmu, const struct perf_energy_event *event, int cpu,
                    unsigned nap_ms, double *ret_joules)
{
    struct perf_event_attr attr = { .type = pmu->type, .config = event->config };
    uint64_t before = 0;
    uint64_t after = 0;
    AUTO_FD fd = perf_event_open(&attr, -1, cpu);
    if (fd < 0)
        return fd;
    int code = perf_event_read(fd, &before);
    if (code == 0)
        code = nap(nap_ms);
    if (code == 0)
        code = perf_event_read(fd, &after);
    if (code < 0)
        return code;
    *ret_joules = (double)(after - before) * event->joules_per_count; /* 64 bits never wrap */
    return 0;
}

int perf_cpumask_first(const char *mask)
{
    struct span rest = span_of(mask);
    struct span first;
    char digits[8];
    uint64_t cpu = 0;
    if (!span_cut(&rest, ",-\n", &first) || !span_copy(first, digits, sizeof(digits)) ||
        number_parse_u64(digits, 10, &cpu) < 0)
        return -1;
    return (int)cpu;
}
