/* SPDX-License-Identifier: Apache-2.0 */
/* All processes that are known, by identity (pid, start time). Bounded; the only user of uthash is
   table.c. */
#ifndef SAMPLE_TABLE_H
#define SAMPLE_TABLE_H

#include "sample/process.h"

#include <stddef.h>
#include <stdint.h>

/* A process, and what the accounting keeps about it beside. */
struct tracked {
    struct process process; /* first: sampler_forget() gets from it back to this */
    uint64_t pass;          /* the last one that listed it */
    uint64_t sum_ns;        /* of its threads, in that pass */
    uint64_t left_ns;       /* CLOCK_MONOTONIC when it was first not listed */
    unsigned left_passes;   /* how many did not list it */
    unsigned looks;         /* how often its container was read */
    bool is_booked;         /* its run time has a beginning */
    bool exe_is_stale;      /* its name changed: probably by an exec */
    uint64_t cgroup_id;
    size_t index;
};

struct process_table;

/* Of at most @limit processes. */
struct process_table *process_table_new(size_t limit);
void process_table_free(struct process_table *t); /* and all in it; NULL is fine */

struct tracked *process_table_find(const struct process_table *t, uint32_t pid, uint64_t start_ns);

/* A new one with these two set, exe "" and all else zero; NULL at the limit. It must not be there
   yet. */
struct tracked *process_table_add(struct process_table *t, uint32_t pid, uint64_t start_ns);

/* Frees it. The order of the others may change: a loop that removes goes downwards. */
void process_table_remove(struct process_table *t, struct tracked *p);

size_t process_table_count(const struct process_table *t);
struct tracked *process_table_at(const struct process_table *t, size_t index);

/* A fresh list of all, for a caller that may reorder or shorten it; borrowed until the next call.
   Removing a process from the table does not touch it. */
struct process **process_table_list(struct process_table *t, size_t *ret_n);

#endif
