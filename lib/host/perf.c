/* SPDX-License-Identifier: Apache-2.0 */
#include "host/perf.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/number.h"
#include "host/span.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

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
