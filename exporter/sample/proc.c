/* SPDX-License-Identifier: Apache-2.0 */
/* Without eBPF: utime + stime of /proc/PID/stat. A process is seen to have ended when it has
   vanished, and what it ran since the last look is then nobody's; one that lives between two looks
   is never seen. The busy ticks of /proc/stat say how much that was. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "sample/backend.h"
#include "sample/proc_parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct proc {
    const struct reference *ref;
    bool is_open;
    uint64_t first_busy_ns, busy_ns; /* of /proc/stat */
    uint64_t unseen_ns;              /* busy, but in no process */
};

static int read_busy(struct proc *p, struct err *err)
{
    uint64_t task_ns = 0;
    uint64_t irq_ns = 0;
    int code = reference_stat_read(p->ref, &task_ns, &irq_ns);
    if (code < 0)
        return err_set(err, code, "cannot read /proc/stat: %s", strerror(-code));
    /* where the kernel does not keep interrupts apart their time is in the task that they hit */
    p->busy_ns = task_ns + (p->ref->irq_is_separate ? 0 : irq_ns);
    return 0;
}

static int proc_open(const struct reference *ref, void **ret, struct err *err)
{
    struct proc p = { .ref = ref };
    int code = read_busy(&p, err);
    if (code < 0)
        return code;
    struct proc *made = mem_new(1, sizeof(*made));
    *made = p;
    *ret = made;
    return 0;
}

static void proc_close(void *backend)
{
    free(backend);
}

/* A process that cannot be read (it has gone meanwhile, or hidepid) is as one that is not there. */
static void read_process(const struct proc *p, int proc_fd, const char *name, struct account *a)
{
    char path[32];
    char text[1024]; /* 52 numbers of at most 20 digits would be 1100; what is wanted is in front */
    struct proc_pid_stat stat;

    int len = snprintf(path, sizeof(path), "%s/stat", name);
    if (len < 0 || (size_t)len >= sizeof(path))
        return;
    AUTO_FD fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return;
    text[n] = '\0';
    if (proc_pid_stat_parse(text, &stat) < 0)
        return;

    struct task_record record = {
        .tgid = stat.pid,
        .pid = stat.pid,
        .ppid = stat.ppid,
        .flags = stat.kernel_thread ? TASKS_KTHREAD : 0,
        .start_ns = stat.start_ticks * p->ref->ns_per_tick,
        .run_ns = stat.run_ticks * p->ref->ns_per_tick,
    };
    memcpy(record.comm, stat.comm, sizeof(record.comm));
    account_alive(&record, a);
}

/* What is busy and in no process, since the first refresh: never lowered, as both sides are counted
   in ticks and pass each other by some. */
static void find_unseen(struct proc *p, const struct account *a)
{
    if (!p->is_open)
        p->first_busy_ns = p->busy_ns;
    p->is_open = true;
    uint64_t busy = p->busy_ns - p->first_busy_ns;
    uint64_t seen = a->run_ns + a->untracked_ns + p->unseen_ns;
    if (busy > seen)
        p->unseen_ns += busy - seen;
}

static int proc_alive(void *backend, struct account *a, struct err *err)
{
    struct proc *p = backend;
    int fd = rootfs_open_file(p->ref->fs, "/proc/.", O_RDONLY | O_DIRECTORY);
    AUTO_DIR dir = fd < 0 ? NULL : fdopendir(fd); /* owns fd from here on */
    if (!dir) {
        int code = fd < 0 ? fd : -errno;
        return err_set(err, code, "cannot list the processes in /proc: %s", strerror(-code));
    }
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
            read_process(p, fd, e->d_name, a);
    }
    return read_busy(p, err);
}

/* Called after account_end(): all that is to be booked is. */
static int proc_ended(void *backend, struct account *a, struct err *err)
{
    (void)err;
    find_unseen(backend, a);
    return 0;
}

static void proc_lost(const void *backend, uint64_t *ret_exits, uint64_t *ret_ns)
{
    const struct proc *p = backend;
    *ret_exits = 0;
    *ret_ns = p->unseen_ns;
}

static uint64_t proc_busy_ns(const void *backend)
{
    const struct proc *p = backend;
    return p->busy_ns;
}

const struct sample_backend sample_backend_proc = {
    .kind = ACCOUNTING_PROC,
    .open = proc_open,
    .close = proc_close,
    .alive = proc_alive,
    .ended = proc_ended,
    .lost = proc_lost,
    .busy_ns = proc_busy_ns,
};
