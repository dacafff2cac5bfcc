/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/account.h"

#include <string.h>

void account_begin(struct account *a, uint64_t boottime_ns)
{
    a->pass++;
    if (a->pass == 1)
        a->came_ns = a->began_ns = boottime_ns;
    a->last_ns = a->began_ns;
    a->began_ns = boottime_ns;
    a->recent = NULL;
    a->untracked.now = 0;
    a->untracked.admitted = 0;
}

/* Never lowers: a thread that ended between the record of its process's first thread and its own
   turn is missing from the sum until the next refresh. */
static void raise_run(struct account *a, struct tracked *t, uint64_t run_ns)
{
    struct process *p = &t->process;
    if (run_ns <= p->run_ns)
        return;
    uint64_t more = run_ns - p->run_ns;
    p->run_ns = run_ns;
    p->pending_ns += more;
    a->run_ns += more;
}

static void take_name(struct tracked *t, const struct task_record *record)
{
    struct process *p = &t->process;
    if (strncmp(p->comm, record->comm, sizeof(p->comm)) == 0)
        return;
    memcpy(p->comm, record->comm, sizeof(p->comm));
    p->comm[sizeof(p->comm) - 1] = '\0';
    t->exe_is_stale = true;
}

static struct tracked *find(struct account *a, const struct task_record *record)
{
    struct tracked *t = a->recent;
    if (t && t->process.pid == record->tgid && t->process.start_ns == record->start_ns)
        return t;
    return process_table_find(a->table, record->tgid, record->start_ns);
}

static struct tracked *add(struct account *a, const struct task_record *record)
{
    struct tracked *t = process_table_add(a->table, record->tgid, record->start_ns);
    if (t)
        t->process.kernel_thread = (record->flags & TASKS_KTHREAD) != 0;
    return t;
}

void account_alive(const struct task_record *record, void *account)
{
    struct account *a = account;
    struct tracked *t = find(a, record);
    if (!t)
        t = add(a, record);
    if (!t) {
        a->untracked.now += record->run_ns + (record->pid == record->tgid ? record->dead_ns : 0);
        return;
    }
    if (t->pass != a->pass) {
        t->pass = a->pass;
        t->sum_ns = record->dead_ns;
        t->cgroup_id = record->cgroup_id;
        take_name(t, record);
        if (record->tgid == a->self_pid)
            a->self = t;
    }
    t->sum_ns += record->run_ns;
    a->recent = t;
}

/* The first refresh that lists it says where its books begin. */
static void commit_new(struct account *a, struct tracked *t)
{
    struct process *p = &t->process;
    t->is_booked = true;
    if (p->start_ns < a->last_ns && a->untracked.base > 0) {
        a->untracked.now += t->sum_ns;
        a->untracked.admitted += t->sum_ns;
        p->run_ns = t->sum_ns;
    } else if (p->start_ns < a->came_ns) {
        p->run_ns = t->sum_ns;
    } else {
        raise_run(a, t, t->sum_ns);
    }
}

static void commit_listed(struct account *a, struct tracked *t)
{
    t->process.state = PROCESS_RUNNING;
    t->left_passes = 0;
    if (t->is_booked) {
        raise_run(a, t, t->sum_ns);
    } else {
        commit_new(a, t);
    }
}

static void commit_missing(const struct account *a, struct tracked *t, uint64_t monotonic_ns)
{
    struct process *p = &t->process;
    if (p->state == PROCESS_ENDED)
        return;
    if (t->left_passes++ == 0)
        t->left_ns = monotonic_ns;
    bool is_late = t->left_passes > ACCOUNT_LEFT_PASSES &&
                   monotonic_ns - t->left_ns >= ACCOUNT_LEFT_NS;
    p->state = is_late || !a->awaits_records ? PROCESS_ENDED : PROCESS_LEFT;
}

/* Never lowered either. */
static void commit_untracked(struct account *a)
{
    uint64_t base = a->untracked.base;
    uint64_t now = a->untracked.now + a->untracked.ended;
    if (now < base)
        now = base;
    if (a->pass > 1)
        a->untracked_ns += now - base;
    uint64_t gone = a->untracked.admitted + a->untracked.ended;
    a->untracked.base = now > gone ? now - gone : 0;
    a->untracked.ended = 0;
}

void account_end(struct account *a, uint64_t monotonic_ns)
{
    for (size_t i = 0; i < process_table_count(a->table); i++) {
        struct tracked *t = process_table_at(a->table, i);
        if (t->pass == a->pass) {
            commit_listed(a, t);
        } else {
            commit_missing(a, t, monotonic_ns);
        }
    }
    commit_untracked(a);
    a->recent = NULL;
}

/* The first that is heard of it is that it has ended. NULL: it has no entry, and needs none. */
static struct tracked *add_ended(struct account *a, const struct task_record *record)
{
    bool is_in_base = a->untracked.base > 0 && record->start_ns < a->began_ns;
    bool is_ours = a->pass > 0 && record->start_ns >= a->came_ns;
    struct tracked *t = !is_in_base && is_ours ? add(a, record) : NULL;
    if (!t && (is_in_base || is_ours))
        a->untracked.ended += record->run_ns;
    if (t)
        t->cgroup_id = record->cgroup_id;
    return t;
}

/* A first word: it waits for the last one as one that is no longer listed does. */
static void take_exiting(struct account *a, const struct task_record *record)
{
    struct tracked *t = process_table_find(a->table, record->tgid, record->start_ns);
    bool is_new = !t && a->pass > 0 && record->start_ns >= a->came_ns && a->untracked.base == 0;
    if (is_new)
        t = add(a, record);
    if (!t || t->process.state == PROCESS_ENDED)
        return;
    if (is_new) {
        t->is_booked = true;
        t->process.state = PROCESS_LEFT;
        t->cgroup_id = record->cgroup_id;
    }
    take_name(t, record);
    if (t->is_booked)
        raise_run(a, t, record->run_ns);
}

void account_ended(const struct task_record *record, void *account)
{
    struct account *a = account;
    if (record->flags & TASKS_EXITING) {
        take_exiting(a, record);
        return;
    }
    struct tracked *t = process_table_find(a->table, record->tgid, record->start_ns);
    if (!t)
        t = add_ended(a, record);
    if (!t)
        return;
    if (!t->is_booked && record->start_ns < a->came_ns)
        t->process.run_ns = record->run_ns; /* only listed by a refresh that failed */
    t->is_booked = true;
    t->process.state = PROCESS_ENDED;
    take_name(t, record);
    raise_run(a, t, record->run_ns);
}

void account_self(struct account *a, uint64_t run_ns)
{
    if (a->self)
        raise_run(a, a->self, run_ns);
}
