/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/listing.h"

#include "base/alloc.h"
#include "expose/text.h"

static int by_pid_then_start(const void *left, const void *right)
{
    const struct process *l = ((const struct listed *)left)->p;
    const struct process *r = ((const struct listed *)right)->p;
    if (l->pid != r->pid)
        return l->pid < r->pid ? -1 : 1;
    return (l->start_ns > r->start_ns) - (l->start_ns < r->start_ns);
}

/* Most watts first; who has drawn none is ranked by joules, then by pid so that it stays put. */
static int by_watts_descending(const void *left, const void *right)
{
    const struct listed *l = left;
    const struct listed *r = right;
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (l->watts[z] != r->watts[z])
            return l->watts[z] > r->watts[z] ? -1 : 1;
    }
    for (int z = 0; z < ZONE_COUNT; z++) {
        if (l->joules[z] != r->joules[z])
            return l->joules[z] > r->joules[z] ? -1 : 1;
    }
    return by_pid_then_start(left, right);
}

static const char *exe_of(const struct process *p)
{
    return p->exe ? p->exe : "";
}

/* Whether both would be shown with the same labels, state aside (cpu_seconds_total has none). */
static bool is_same_series(const struct process *a, const struct process *b)
{
    return a->pid == b->pid && memcmp(a->comm, b->comm, sizeof(a->comm)) == 0 &&
           strcmp(exe_of(a), exe_of(b)) == 0 && strcmp(a->container.id, b->container.id) == 0;
}

static void add_up(struct listed *to, const struct listed *from)
{
    for (int z = 0; z < ZONE_COUNT; z++) {
        to->joules[z] += from->joules[z];
        to->watts[z] += from->watts[z];
    }
    to->run_ns += from->run_ns;
}

/* A pid taken again while its last owner is not final yet: the older one is shown as part of the
   newer if their labels are the same. @item is ascending by pid and start. */
static void merge_same_series(struct listing *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        size_t k = kept;
        while (k > 0 && l->item[k - 1].p->pid == l->item[i].p->pid &&
               !is_same_series(l->item[k - 1].p, l->item[i].p))
            k--;
        if (k > 0 && l->item[k - 1].p->pid == l->item[i].p->pid) {
            add_up(&l->item[k - 1], &l->item[i]);
            l->item[k - 1].p = l->item[i].p;
        } else {
            l->item[kept++] = l->item[i];
        }
    }
    l->n = kept;
}

static void leave_out_from(struct listing *l, size_t first)
{
    for (size_t i = first; i < l->n; i++) {
        for (int z = 0; z < ZONE_COUNT; z++)
            l->unlisted_joules[z] += l->item[i].joules[z];
    }
    l->n = first;
}

static void leave_out_below(struct listing *l, size_t top)
{
    if (l->n <= top)
        return;
    qsort(l->item, l->n, sizeof(*l->item), by_watts_descending);
    leave_out_from(l, top);
    qsort(l->item, l->n, sizeof(*l->item), by_pid_then_start);
}

static void write_labels(struct listing *l, struct listed *item, const char *node_label)
{
    char comm[sizeof(item->p->comm) + 1] = "";
    char pid[16];
    memcpy(comm, item->p->comm, sizeof(item->p->comm));
    (void)snprintf(pid, sizeof(pid), "%u", item->p->pid);
    item->labels_at = l->labels.len;
    text_label(&l->labels, "comm", comm);
    buf_char(&l->labels, ',');
    text_label(&l->labels, "container_id", item->p->container.id);
    buf_char(&l->labels, ',');
    text_label(&l->labels, "exe", exe_of(item->p));
    buf_char(&l->labels, ',');
    buf_str(&l->labels, node_label);
    buf_char(&l->labels, ',');
    text_label(&l->labels, "pid", pid);
    item->labels_len = l->labels.len - item->labels_at;
}

void listing_make(struct listing *ret, const struct snapshot *s)
{
    const struct sample *sample = s->sample;
    *ret = (struct listing){ .n = sample->processes };
    buf_init(&ret->labels, LISTING_LABELS_LIMIT);
    ret->item = mem_new(ret->n, sizeof(*ret->item));
    for (size_t i = 0; i < ret->n; i++) {
        const struct process *p = sample->process[i];
        ret->item[i] = (struct listed){ .p = p, .run_ns = p->run_ns };
        memcpy(ret->item[i].joules, p->joules, sizeof(p->joules));
        memcpy(ret->item[i].watts, p->watts, sizeof(p->watts));
    }
    if (!(s->levels & LEVEL_PROCESS)) {
        leave_out_below(ret, 0);
        return;
    }
    qsort(ret->item, ret->n, sizeof(*ret->item), by_pid_then_start);
    merge_same_series(ret);
    if (s->process_top)
        leave_out_below(ret, s->process_top);
    AUTO_BUF node_label;
    buf_init(&node_label, 1024);
    text_label(&node_label, "node_name", s->node_name);
    for (size_t i = 0; i < ret->n && !ret->labels.full; i++) {
        write_labels(ret, &ret->item[i], buf_text(&node_label));
        if (ret->labels.full) /* half written labels would repeat those of others */
            leave_out_from(ret, i);
    }
}

void listing_done(struct listing *l)
{
    free(l->item);
    buf_done(&l->labels);
    *l = (struct listing){ 0 };
}

void listing_add_labels(struct buf *to, const struct listing *l, const struct listed *item)
{
    buf_add(to, buf_text(&l->labels) + item->labels_at, item->labels_len);
}
