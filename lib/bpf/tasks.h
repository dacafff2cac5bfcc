/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side hands over: one record a thread alive, one a process that has ended. */
#ifndef BPF_TASKS_H
#define BPF_TASKS_H

#ifndef TASKS_BPF_SIDE
# include <linux/types.h>
#endif

#define TASKS_COMM_LEN 16

/* flags */
#define TASKS_KTHREAD 1u /* a kernel thread */
#define TASKS_EXITING                                                          \
 2u /* an ended process's first word, without its last slice; the last word is \
       still to come, and now and then a kernel does not say it */

/* Bytes of the ring that ended processes wait in, a power of two. A record takes 72 with its
   header, and a process that was never listed says two: 7,281 to 14,563 processes may end between
   two calls of tasks_reader_ended(); of more than that only number and run time are kept (struct
   tasks_lost). */
#define TASKS_RING_BYTES (1u << 20)

/* Identity of a process is (tgid, start_ns): a pid alone is reused. Times are nanoseconds. */
struct task_record {
    __u32 tgid;
    __u32 pid;
    __u32 ppid; /* tgid of the parent */
    __u32 flags;
    __u64 start_ns;  /* of the process's leader, since boot */
    __u64 run_ns;    /* alive: this thread's exact run time; ended: the whole process's */
    __u64 dead_ns;   /* alive: run time of the process's threads already gone, at the time of this
                        record: only the first record of a process in one iteration may be added, as
                        a later one can contain a thread that had a record of its own; ended: 0 */
    __u64 cgroup_id; /* inode number of its directory in the v2 hierarchy */
    char comm[TASKS_COMM_LEN]; /* the leader's */
};

_Static_assert(sizeof(struct task_record) == 64, "layout is shared with the kernel side");

/* Ended processes whose record found no room in the ring, since load. */
struct tasks_lost {
    __u64 count;
    __u64 run_ns; /* of those that began since the last iteration did (map `listed`, written by the
                     reader): the others were listed, and only what they ran since is lost */
};

#endif
