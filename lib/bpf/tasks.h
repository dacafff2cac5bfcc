/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel side hands over: one record a thread alive, one a process that has ended. */
#ifndef BPF_TASKS_H
#define BPF_TASKS_H

#ifndef TASKS_BPF_SIDE
# include <linux/types.h>
#endif

#define TASKS_COMM_LEN 16
#define TASKS_KTHREAD  1u /* flags: a kernel thread */

/* Identity of a process is (tgid, start_ns): a pid alone is reused. Times are nanoseconds. */
struct task_record {
    __u32 tgid;
    __u32 pid;
    __u32 ppid; /* tgid of the parent */
    __u32 flags;
    __u64 start_ns;            /* of the process's leader, since boot */
    __u64 run_ns;              /* alive: this thread's exact run time; ended: the whole process's */
    __u64 dead_ns;             /* run time of threads already gone; only in the leader's record */
    __u64 cgroup_id;           /* inode number of its directory in the v2 hierarchy */
    char comm[TASKS_COMM_LEN]; /* the leader's */
};

_Static_assert(sizeof(struct task_record) == 64, "layout is shared with the kernel side");

#endif
