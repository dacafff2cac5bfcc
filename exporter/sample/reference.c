/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/reference.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/kernel.h"
#include "sample/proc_parse.h"

#include <errno.h>
#include <fcntl.h>

static uint64_t ns_per_tick(void)
{
    long ticks = sysconf(_SC_CLK_TCK);
    return NS_PER_SEC / (ticks > 0 ? (uint64_t)ticks : 100);
}

int reference_init(struct reference *ref, const struct rootfs *fs, struct err *err)
{
    struct kernel_facts kernel;
    kernel_read(fs, &kernel);
    *ref = (struct reference){
        .fs = fs,
        .irq_is_separate = kernel_option(fs, &kernel, "CONFIG_IRQ_TIME_ACCOUNTING") == 'y',
        .ns_per_tick = ns_per_tick(),
    };
    if (cgroup_root_counter_find(fs, &ref->counter) == 0) {
        ref->name = ref->counter.name;
        ref->is_exact = strcmp(ref->name, "cpuacct") == 0;
    } else {
        ref->counter = (struct cgroup_cpu_counter){ 0 };
        ref->name = "stat";
    }
    ref->has_irq = !ref->is_exact;

    uint64_t ns = 0;
    int code = reference_read(ref, &ns);
    if (code < 0) {
        return err_set(err, code,
                       "cannot read the CPU time of this host from %s: %s; is /proc "
                       "mounted there (--host.procfs)?",
                       ref->counter.name ? ref->counter.path : "/proc/stat", strerror(-code));
    }
    return 0;
}

int reference_stat_read(const struct reference *ref, uint64_t *ret_task_ns, uint64_t *ret_irq_ns)
{
    /* the first line is wanted, and the kernel makes the whole text at the first read anyway */
    char text[256];
    AUTO_FD fd = rootfs_open_file(ref->fs, "/proc/stat", O_RDONLY);
    if (fd < 0)
        return fd;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return -errno;
    text[n] = '\0';
    struct proc_stat stat;
    int code = proc_stat_parse(text, &stat);
    if (code < 0)
        return code;
    *ret_task_ns = stat.task_ticks * ref->ns_per_tick;
    *ret_irq_ns = stat.irq_ticks * ref->ns_per_tick;
    return 0;
}

int reference_read(const struct reference *ref, uint64_t *ret_ns)
{
    if (ref->counter.name)
        return cgroup_root_counter_read(ref->fs, &ref->counter, ret_ns);
    uint64_t task_ns = 0;
    uint64_t irq_ns = 0;
    int code = reference_stat_read(ref, &task_ns, &irq_ns);
    if (code == 0)
        *ret_ns = task_ns + irq_ns;
    return code;
}

uint64_t reference_irq_ns(const struct reference *ref)
{
    uint64_t task_ns = 0;
    uint64_t irq_ns = 0;
    if (!ref->irq_is_separate || reference_stat_read(ref, &task_ns, &irq_ns) < 0)
        return 0;
    return irq_ns;
}

static const struct coverage_point *point_at(const struct coverage *c, size_t i)
{
    return &c->point[(c->first + i) % COVERAGE_POINTS];
}

static void keep(struct coverage *c, const struct coverage_point *now)
{
    if (c->n > 0 && now->taken_ns - point_at(c, c->n - 1)->taken_ns < COVERAGE_STEP_NS)
        return;
    if (c->n == COVERAGE_POINTS) {
        c->first = (c->first + 1) % COVERAGE_POINTS;
        c->n--;
    }
    c->point[(c->first + c->n) % COVERAGE_POINTS] = *now;
    c->n++;
}

double coverage_add(struct coverage *c, const struct coverage_point *now)
{
    while (c->n > 1 && now->taken_ns - point_at(c, 1)->taken_ns >= COVERAGE_WINDOW_NS) {
        c->first = (c->first + 1) % COVERAGE_POINTS;
        c->n--;
    }
    double ratio = -1;
    if (c->n > 0) {
        const struct coverage_point *then = point_at(c, 0);
        if (now->taken_ns - then->taken_ns >= COVERAGE_FIRST_NS &&
            now->reference_ns > then->reference_ns && now->run_ns >= then->run_ns) {
            ratio = (double)(now->run_ns - then->run_ns) /
                    (double)(now->reference_ns - then->reference_ns);
        }
    }
    keep(c, now);
    return ratio;
}
