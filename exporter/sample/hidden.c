/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/hidden.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "base/rootfs.h"
#include "sample/proc_parse.h"

uint64_t hidden_schedstat_parse(const char *text)
{
    char number[24];
    uint64_t ns = 0;
    size_t n = strcspn(text, " \n");
    if (n == 0 || n >= sizeof(number))
        return 0;
    memcpy(number, text, n);
    number[n] = '\0';
    return number_parse_u64(number, 10, &ns) == 0 ? ns : 0;
}

static bool read_stat(const struct hidden *h, uint32_t pid, struct proc_pid_stat *ret)
{
    char path[32], text[1024];
    (void)snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    return rootfs_read_text(h->ref->fs, path, text, sizeof(text)) > 0 &&
           proc_pid_stat_parse(text, ret) == 0;
}

/* Where the kernel keeps no schedstat (CONFIG_SCHED_INFO) all are 0. */
static uint64_t sum_threads(const struct hidden *h, uint32_t pid)
{
    char path[64], text[64];
    uint64_t sum = 0;
    AUTO_NAMES threads = { 0 };
    (void)snprintf(path, sizeof(path), "/proc/%u/task", pid);
    if (rootfs_list(h->ref->fs, path, &threads) < 0)
        return 0;
    for (size_t i = 0; i < threads.n; i++) {
        (void)snprintf(path, sizeof(path), "/proc/%u/task/%.12s/schedstat", pid, threads.name[i]);
        if (rootfs_read_text(h->ref->fs, path, text, sizeof(text)) > 0)
            sum += hidden_schedstat_parse(text);
    }
    return sum;
}

/* -- finding them -- */

static int by_number(const void *left, const void *right)
{
    uint32_t l = *(const uint32_t *)left;
    uint32_t r = *(const uint32_t *)right;
    return (l > r) - (l < r);
}

/* Pids that this pass has listed, ascending; the caller frees. */
static uint32_t *listed_pids(const struct account *a, size_t *ret_n)
{
    size_t n = 0;
    uint32_t *pid = mem_new(process_table_count(a->table), sizeof(*pid));
    for (size_t i = 0; i < process_table_count(a->table); i++) {
        const struct tracked *t = process_table_at(a->table, i);
        if (t->pass == a->pass)
            pid[n++] = t->process.pid;
    }
    qsort(pid, n, sizeof(*pid), by_number);
    *ret_n = n;
    return pid;
}

static bool is_known(const struct hidden *h, uint32_t pid)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->process[i].pid == pid)
            return true;
    }
    return false;
}

static void consider(struct hidden *h, const struct account *a, uint32_t pid)
{
    struct proc_pid_stat stat;
    if (h->n == HIDDEN_MAX || is_known(h, pid) || !read_stat(h, pid, &stat))
        return;
    uint64_t start_ns = stat.start_ticks * h->ref->ns_per_tick;
    if (start_ns + h->ref->ns_per_tick >= a->came_ns)
        return;
    h->process[h->n++] = (struct hidden_process){ .pid = pid, .start_ns = start_ns };
}

static void look(struct hidden *h, const struct account *a)
{
    size_t n = 0;
    AUTO_NAMES names = { 0 };
    if (rootfs_list(h->ref->fs, "/proc", &names) < 0)
        return;
    AUTO_FREE uint32_t *listed = listed_pids(a, &n);
    for (size_t i = 0; i < names.n; i++) {
        uint64_t number = 0;
        if (number_parse_u64(names.name[i], 10, &number) < 0 || number > UINT32_MAX)
            continue;
        uint32_t pid = (uint32_t)number;
        if (!bsearch(&pid, listed, n, sizeof(pid), by_number))
            consider(h, a, pid);
    }
}

/* -- reading them -- */

/* False: it has gone, or its number is another's now. */
static bool hand_over(const struct hidden *h, struct hidden_process *p, struct account *a)
{
    struct proc_pid_stat stat;
    if (!read_stat(h, p->pid, &stat) || stat.start_ticks * h->ref->ns_per_tick != p->start_ns)
        return false;
    uint64_t alive_ns = sum_threads(h, p->pid);
    if (alive_ns < p->alive_ns) /* some have gone, and take what they had with them */
        p->dead_ns += p->alive_ns - alive_ns;
    p->alive_ns = alive_ns;

    struct task_record record = {
        .tgid = p->pid,
        .pid = p->pid,
        .ppid = stat.ppid,
        .flags = stat.kernel_thread ? TASKS_KTHREAD : 0,
        .start_ns = p->start_ns,
        .run_ns = alive_ns,
        .dead_ns = p->dead_ns,
    };
    memcpy(record.comm, stat.comm, sizeof(record.comm));
    account_alive(&record, a);
    return true;
}

void hidden_alive(struct hidden *h, struct account *a)
{
    if (a->began_ns >= h->next_look_ns) {
        look(h, a);
        h->next_look_ns = a->began_ns + HIDDEN_LOOK_NS;
    }
    size_t kept = 0;
    for (size_t i = 0; i < h->n; i++) {
        struct hidden_process p = h->process[i];
        if (hand_over(h, &p, a))
            h->process[kept++] = p;
    }
    h->n = kept;
}
