/* SPDX-License-Identifier: Apache-2.0 */
/* Loads the BPF object that the program carries, and reads what it has to say. The only user of
   libbpf is tasks_reader.c. */
#ifndef BPF_TASKS_READER_H
#define BPF_TASKS_READER_H

#include "base/compiler.h"
#include "base/err.h"
#include "bpf/tasks.h"

#include <stdbool.h>
#include <stddef.h>

struct tasks_reader; /* owns the BPF object; opaque, so that libbpf stays in tasks_reader.c */

typedef void task_record_fn(const struct task_record *record, void *arg);

/* Loads and attaches. Needs CAP_BPF and CAP_PERFMON (or root); the error says what refused and what
   would be needed. -ESRCH: this is not the host's PID namespace (hostPID). */
MUST_USE int tasks_reader_open(struct tasks_reader **ret, struct err *err);
void tasks_reader_close(struct tasks_reader *r);

/* As tasks_reader_open(), but only some of its programs, so that each can be tried alone. What a
   part would have told is never told without it. */
enum tasks_part {
    TASKS_PART_ALIVE = 1, /* iter/task */
    TASKS_PART_ENDED = 2, /* tp_btf/sched_process_free */
    TASKS_PART_EXITS = 4, /* tp_btf/sched_process_exit */
    TASKS_PART_ALL = 7
};
MUST_USE int tasks_reader_open_parts(unsigned parts, struct tasks_reader **ret, struct err *err);

/* Calls @fn for every thread alive now, in ascending order of thread id. */
MUST_USE int tasks_reader_alive(struct tasks_reader *r, task_record_fn *fn, void *arg);

/* Calls @fn for every process that has ended since the last call, and, with TASKS_EXITING, before
   that for one that ends without ever having been listed; *ret_lost counts those the ring
   had no room for since open, *ret_lost_ns is the run time of those that began after the last
   tasks_reader_alive() did (what the others ran since then is not known). */
MUST_USE int tasks_reader_ended(struct tasks_reader *r, task_record_fn *fn, void *arg,
                                __u64 *ret_lost, __u64 *ret_lost_ns);

/* For the probe: what of all that works here, each found by doing it. Fields that could not be
   tried because an earlier one failed are false. */
struct bpf_acts {
    bool syscall;      /* bpf(2) creates a map */
    bool btf;          /* the kernel's BTF can be read */
    bool iter_task;    /* the iterator loads, and lists this very process */
    bool process_free; /* tp_btf/sched_process_free attaches, and reports a child that ended */
    bool ringbuf;
    char error[200]; /* the first that failed, and why; "" if none did */
};
void bpf_acts_try(struct bpf_acts *ret);

#endif
