/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/sampler.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sample/account.h"
#include "sample/backend.h"
#include "sample/details.h"
#include "sample/proc_parse.h"
#include "sample/reference.h"

#include <string.h>
#include <unistd.h>

#define DEFAULT_MAX_PROCESSES 65536

/* Sums since the first refresh, or the boot. */
struct totals {
    uint64_t taken_ns, run_ns, irq_ns, lost_ns, busy_ns, exits_lost;
};

struct sampler {
    const struct rootfs *host;
    const struct sample_backend *backend;
    void *state; /* the backend's */
    struct account account;
    struct reference reference;
    struct coverage coverage;
    struct details details;
    struct totals last;
    struct err why; /* no eBPF */
};

const char *accounting_name(enum accounting a)
{
    return a == ACCOUNTING_EBPF ? "ebpf" : "proc";
}

static int open_backend(struct sampler *s, bool ebpf_wanted, struct err *err)
{
    const struct sample_backend *b = &sample_backend_ebpf;
    int code = ebpf_wanted ? b->open(&s->reference, &s->state, &s->why) : -1;
    if (code < 0) {
        b = &sample_backend_proc;
        code = b->open(&s->reference, &s->state, err);
    }
    if (code < 0)
        return code;
    s->backend = b;
    s->account.awaits_records = b->awaits_records;
    s->account.self_pid = b->awaits_records ? (uint32_t)getpid() : 0;
    return 0;
}

int sampler_open(const struct sampler_config *config, struct sampler **ret, const char **ret_why,
                 struct err *err)
{
    struct sampler *s = mem_new(1, sizeof(*s));
    s->host = s->details.fs = config->host;
    s->account.table = process_table_new(config->max_processes ? config->max_processes
                                                               : DEFAULT_MAX_PROCESSES);
    int code = reference_init(&s->reference, config->host, err);
    if (code == 0)
        code = open_backend(s, config->ebpf_wanted, err);
    if (code < 0) {
        sampler_close(s);
        return code;
    }
    *ret = s;
    *ret_why = s->why.text;
    return 0;
}

void sampler_close(struct sampler *s)
{
    if (!s)
        return;
    if (s->backend)
        s->backend->close(s->state);
    process_table_free(s->account.table);
    free(s);
}

enum accounting sampler_accounting(const struct sampler *s)
{
    return s->backend->kind;
}

static unsigned count_cpus(const struct rootfs *host)
{
    char text[1024];
    unsigned n = 0;
    if (rootfs_read_text(host, "/sys/devices/system/cpu/online", text, sizeof(text)) > 0 &&
        cpu_list_count(text, &n) == 0)
        return n;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (unsigned)online : 1;
}

/* The reference counter, and our own run time at this very moment. */
struct instant {
    bool is_known;
    uint64_t reference_ns, own_ns;
};

/* Asking for our own run time books the slice that runs, here and in cpuacct: at rest our own work
   is a large part of all there is, and a tick between two readings would tell it once only. */
static struct instant take_instant(const struct sampler *s)
{
    struct instant i = { 0 };
    struct timespec own;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own) == 0)
        i.own_ns = (uint64_t)own.tv_sec * NS_PER_SEC + (uint64_t)own.tv_nsec;
    i.is_known = reference_read(&s->reference, &i.reference_ns) == 0;
    return i;
}

/* The reference as it was when the tasks were listed: for the others halfway between the two
   readings, for ourselves at the second one, as account_self() books it. */
static uint64_t reference_between(const struct sampler *s, const struct instant *before,
                                  const struct instant *after)
{
    if (!s->reference.is_exact || !s->account.self || after->reference_ns < before->reference_ns)
        return before->reference_ns + (after->reference_ns - before->reference_ns) / 2;
    uint64_t own = after->own_ns - before->own_ns;
    uint64_t all = after->reference_ns - before->reference_ns;
    uint64_t others = all > own ? all - own : 0;
    return before->reference_ns + own + others / 2;
}

static double coverage_of(struct sampler *s, const struct totals *now, const struct instant *before,
                          const struct instant *after)
{
    if (!before->is_known || !after->is_known)
        return -1;
    struct coverage_point point = {
        .taken_ns = now->taken_ns,
        .run_ns = now->run_ns + (s->reference.has_irq ? now->irq_ns : 0),
        .reference_ns = reference_between(s, before, after),
    };
    return coverage_add(&s->coverage, &point);
}

static int take_totals(struct sampler *s, struct totals *now, struct instant *after,
                       struct err *err)
{
    struct account *a = &s->account;
    account_begin(a, clock_boottime_ns());
    int code = s->backend->alive(s->state, a, err);
    if (code < 0)
        return code;
    now->taken_ns = clock_monotonic_ns();
    account_end(a, now->taken_ns);
    code = s->backend->ended(s->state, a, err);
    if (code < 0)
        return code;
    *after = take_instant(s);
    account_self(a, after->own_ns);

    s->backend->lost(s->state, &now->exits_lost, &now->lost_ns);
    now->lost_ns += a->untracked_ns;
    now->run_ns = a->run_ns;
    now->irq_ns = reference_irq_ns(&s->reference);
    now->busy_ns = s->backend->busy_ns ? s->backend->busy_ns(s->state) + now->irq_ns
                                       : now->run_ns + now->irq_ns + now->lost_ns;
    return 0;
}

/* A counter that went back (a CPU was taken away) counts as one that stood still. */
static uint64_t more(uint64_t now, uint64_t last)
{
    return now > last ? now - last : 0;
}

static void fill_sample(struct sampler *s, const struct totals *now, struct sample *ret)
{
    const struct totals *last = &s->last;
    bool is_first = last->taken_ns == 0;
    *ret = (struct sample){
        .taken_ns = now->taken_ns,
        .elapsed_ns = is_first ? 0 : now->taken_ns - last->taken_ns,
        .cpus = count_cpus(s->host),
        .run_ns = more(now->run_ns, last->run_ns),
        .irq_ns = is_first ? 0 : more(now->irq_ns, last->irq_ns),
        .lost_ns = more(now->lost_ns, last->lost_ns),
        .coverage_reference = s->reference.name,
        .lost_exits = now->exits_lost,
    };
    if (ret->elapsed_ns > 0) {
        double usage = (double)more(now->busy_ns, last->busy_ns) /
                       ((double)ret->cpus * (double)ret->elapsed_ns);
        ret->usage_ratio = usage > 1 ? 1 : usage;
    }
    ret->process = process_table_list(s->account.table, &ret->processes);
    s->last = *now;
}

int sampler_read(struct sampler *s, struct sample *ret, struct err *err)
{
    struct totals now = { 0 };
    struct instant after;
    struct instant before = take_instant(s);
    int code = take_totals(s, &now, &after, err);
    if (code < 0)
        return code;
    double coverage = coverage_of(s, &now, &before, &after);
    details_refresh(&s->details, s->account.table);
    fill_sample(s, &now, ret);
    ret->coverage_ratio = coverage;
    return 0;
}

void sampler_drain(struct sampler *s)
{
    if (s->backend->awaits_records)
        (void)s->backend->ended(s->state, &s->account, NULL); /* the refresh will say it */
}

void sampler_forget(struct sampler *s, struct process *p)
{
    process_table_remove(s->account.table, (struct tracked *)p);
}
