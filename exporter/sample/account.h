/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The books of run time: turns what was listed, and what has ended, into each process's run time,
 * every nanosecond once. Pure: no file, no clock.
 *
 * A refresh is begin, alive for each thread, end, then ended for each last record. In this order a
 * process that ends while the list is made is booked as listed, and its last record, which is
 * final, adds what came after; the record of one that was never listed comes in the same refresh
 * and not in the next. The other order would lose nothing either, as a last record only ever raises
 * what is known; it would only be later. Last records may also be handed in between refreshes.
 *
 * One that was never listed gives a first word as it exits (TASKS_EXITING), so that it is known
 * even if the kernel never gives the last one.
 */
#ifndef SAMPLE_ACCOUNT_H
#define SAMPLE_ACCOUNT_H

#include "bpf/tasks.h"
#include "sample/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A process that is no longer listed waits for its last record, which comes after an RCU grace
   period: at most some 10 s where callbacks are lazy (CONFIG_RCU_LAZY). After so many refreshes and
   so long its record was lost. */
#define ACCOUNT_LEFT_PASSES 3
#define ACCOUNT_LEFT_NS     UINT64_C(15000000000)

struct account {
    struct process_table *table; /* borrowed */
    bool awaits_records;         /* false: a process that is no longer listed has ended */
    uint32_t self_pid;           /* whose run time account_self() tells; 0: nobody's */

    uint64_t pass;         /* refreshes begun */
    uint64_t came_ns;      /* CLOCK_BOOTTIME of the first: what ran before is not ours */
    uint64_t began_ns;     /* of this one */
    uint64_t last_ns;      /* of the one before; came_ns in the first */
    uint64_t run_ns;       /* booked to processes since the first refresh */
    uint64_t untracked_ns; /* of processes that the table had no room for, since then */

    /* threads of one process come mostly one after the other; NULL at the start of a pass */
    struct tracked *recent;
    struct tracked *self; /* NULL: not seen yet */

    /* A sum over all processes without a place in the table, as no single one can be told by its
       difference: @base of the last refresh, @now of this one, @ended since, @admitted to the
       table in this refresh (theirs is part of now, but not of the next base). */
    struct {
        uint64_t base, now, ended, admitted;
    } untracked;
};

void account_begin(struct account *a, uint64_t boottime_ns);
void account_alive(const struct task_record *record, void *account);
void account_end(struct account *a, uint64_t monotonic_ns);
void account_ended(const struct task_record *record, void *account);

/* This very process's run time, read later and more exactly than from the list. */
void account_self(struct account *a, uint64_t run_ns);

#endif
