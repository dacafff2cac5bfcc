/* SPDX-License-Identifier: Apache-2.0 */
/* Which ended processes keep a series, and where the energy of the others goes. */
#include "attribute/attribute.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <string.h>

/* The zone that ranks ended processes: package, or the first there is. */
static enum energy_zone rank_zone(const struct attribution *a)
{
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (a->present[z])
            return (enum energy_zone)z;
    }
    return ZONE_PACKAGE;
}

/* An ended process whose energy is complete. */
static bool is_final(const struct process *p)
{
    return p->state == PROCESS_ENDED && p->pending_ns == 0;
}

struct retired {
    bool *gone; /* by index in the sample; owned */
    size_t n;
};

static void mark(struct retired *r, size_t i)
{
    r->n += !r->gone[i];
    r->gone[i] = true;
}

/* -- a pid that was taken again -- */

struct pid_entry {
    uint32_t pid;
    uint32_t index;
    uint64_t start_ns;
};

static int by_pid_then_start(const void *left, const void *right)
{
    const struct pid_entry *l = left;
    const struct pid_entry *r = right;
    if (l->pid != r->pid)
        return l->pid < r->pid ? -1 : 1;
    return (l->start_ns > r->start_ns) - (l->start_ns < r->start_ns);
}

static void mark_taken_pids(const struct sample *sample, struct retired *r)
{
    AUTO_FREE struct pid_entry *entry = mem_new(sample->processes, sizeof(*entry));
    for (size_t i = 0; i < sample->processes; i++) {
        const struct process *p = sample->process[i];
        entry[i] = (struct pid_entry){ p->pid, (uint32_t)i, p->start_ns };
    }
    qsort(entry, sample->processes, sizeof(*entry), by_pid_then_start);
    for (size_t i = 0; i + 1 < sample->processes; i++) {
        if (entry[i].pid == entry[i + 1].pid && is_final(sample->process[entry[i].index]))
            mark(r, entry[i].index);
    }
}

/* -- the top by energy -- */

struct ranked {
    double joules;
    size_t index;
};

static int by_joules_descending(const void *left, const void *right)
{
    const struct ranked *l = left;
    const struct ranked *r = right;
    if (l->joules != r->joules)
        return l->joules > r->joules ? -1 : 1;
    return (l->index > r->index) - (l->index < r->index);
}

/* Marks the final ones that are small, or shown, or below the top; the rest has a series. */
static void mark_small_and_shown(const struct attribution *a, const struct sample *sample,
                                 bool shown, struct retired *r)
{
    enum energy_zone zone = rank_zone(a);
    AUTO_FREE struct ranked *ranked = mem_new(sample->processes, sizeof(*ranked));
    size_t n = 0;
    for (size_t i = 0; i < sample->processes; i++) {
        struct process *p = sample->process[i];
        if (!is_final(p) || r->gone[i])
            continue;
        if (p->joules[zone] < a->threshold_joules || (shown && p->has_ended_series)) {
            mark(r, i);
        } else {
            ranked[n++] = (struct ranked){ p->joules[zone], i };
        }
    }
    qsort(ranked, n, sizeof(*ranked), by_joules_descending);
    for (size_t i = 0; i < n; i++) {
        if (a->max_terminated >= 0 && i >= (uint64_t)a->max_terminated) {
            mark(r, ranked[i].index);
        } else {
            sample->process[ranked[i].index]->has_ended_series = true;
        }
    }
}

static void move_joules(struct attribution *a, const struct process *p)
{
    for (int z = 0; z < ZONE_COUNT; z++)
        a->ended_joules[z] += p->joules[z];
}

/* Shortens the list before anything is freed: it never holds a dead pointer. */
static void remove_marked(struct sample *sample, const struct retired *r, struct process **ret_gone)
{
    size_t kept = 0;
    size_t gone = 0;
    for (size_t i = 0; i < sample->processes; i++) {
        struct process *p = sample->process[i];
        if (r->gone[i]) {
            ret_gone[gone++] = p;
        } else {
            sample->process[kept++] = p;
        }
    }
    sample->processes = kept;
}

void attribution_retire(struct attribution *a, struct sample *sample, bool shown,
                        attribution_forget_fn *forget, void *arg)
{
    size_t final = 0;
    for (size_t i = 0; i < sample->processes; i++)
        final += is_final(sample->process[i]);
    if (final == 0)
        return;
    AUTO_FREE bool *gone = mem_new(sample->processes, sizeof(*gone));
    struct retired r = { .gone = gone };
    mark_taken_pids(sample, &r);
    mark_small_and_shown(a, sample, shown, &r);
    AUTO_FREE struct process **list = mem_new(r.n, sizeof(struct process *));
    remove_marked(sample, &r, list);
    for (size_t i = 0; i < r.n; i++) {
        move_joules(a, list[i]);
        forget(list[i], arg);
    }
}
