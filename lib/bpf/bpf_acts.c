/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel lets us do with eBPF, found by doing it: each act is a row. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "bpf/tasks_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A task is freed some milliseconds after its end (RCU). Kernels were seen that let the tracepoint
   pass for some 8 ms once in a while, so that one child more may have to end. */
#define RECORD_WAIT_NS (100 * NS_PER_MS)
#define RECORD_POLL_US 500
#define CHILDREN       3

static int try_map(enum bpf_map_type type, struct err *err)
{
    union bpf_attr attr = { .map_type = type, .max_entries = 4096 };
    if (type == BPF_MAP_TYPE_ARRAY) {
        attr.key_size = attr.value_size = sizeof(__u32);
        attr.max_entries = 1;
    }
    AUTO_FD fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
    if (fd >= 0)
        return 0;
    return err_set(err, -errno, "bpf(2) cannot create a map of type %s: %s",
                   type == BPF_MAP_TYPE_ARRAY ? "array" : "ringbuf", strerror(errno));
}

static int try_syscall(struct err *err)
{
    return try_map(BPF_MAP_TYPE_ARRAY, err);
}

static int try_ringbuf(struct err *err)
{
    return try_map(BPF_MAP_TYPE_RINGBUF, err);
}

/* The running kernel's own: acts are never done on a foreign root. */
static int try_btf(struct err *err)
{
    static const char path[] = "/sys/kernel/btf/vmlinux";
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    struct btf_header header = { 0 };
    ssize_t n = fd < 0 ? -1 : read(fd, &header, sizeof(header));
    if (n < 0)
        return err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
    if ((size_t)n < sizeof(header) || header.magic != BTF_MAGIC)
        return err_set(err, -EBADMSG, "%s is no BTF", path);
    return 0;
}

struct wanted {
    pid_t pid;
    bool found;
};

static void match(const struct task_record *record, void *arg)
{
    struct wanted *w = arg;
    w->found = w->found || record->tgid == (__u32)w->pid;
}

static void close_reader(struct tasks_reader **r)
{
    tasks_reader_close(*r);
}

static int try_iter_task(struct err *err)
{
    CLEANUP(close_reader) struct tasks_reader *r = NULL;
    int code = tasks_reader_open_parts(TASKS_PART_ALIVE, &r, err);
    if (code < 0)
        return code;
    struct wanted self = { .pid = getpid() };
    code = tasks_reader_alive(r, match, &self);
    if (code < 0)
        return err_set(err, code, "cannot read the eBPF iterator iter/task: %s", strerror(-code));
    if (!self.found)
        return err_set(err, -ESRCH, "the eBPF iterator iter/task does not list this process");
    return 0;
}

static int end_a_child(pid_t *ret, struct err *err)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return err_set(err, -errno, "cannot fork: %s", strerror(errno));
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    *ret = pid;
    return 0;
}

/* 0: its record has come; -ETIMEDOUT: it has not. */
static int await_record(struct tasks_reader *r, struct wanted *child, struct err *err)
{
    uint64_t deadline = clock_monotonic_ns() + RECORD_WAIT_NS;
    __u64 lost = 0;
    __u64 lost_ns = 0;
    for (;;) {
        int code = tasks_reader_ended(r, match, child, &lost, &lost_ns);
        if (code < 0)
            return err_set(err, code, "cannot read the eBPF ring buffer: %s", strerror(-code));
        if (child->found)
            return 0;
        if (clock_monotonic_ns() > deadline) {
            return err_set(err, -ETIMEDOUT,
                           "eBPF on sched_process_free did not report a child that ended");
        }
        (void)usleep(RECORD_POLL_US);
    }
}

static int try_process_free(struct err *err)
{
    CLEANUP(close_reader) struct tasks_reader *r = NULL;
    int code = tasks_reader_open_parts(TASKS_PART_ENDED, &r, err);
    if (code < 0)
        return code;
    code = -ETIMEDOUT;
    for (int i = 0; i < CHILDREN && code == -ETIMEDOUT; i++) {
        struct wanted child = { 0 };
        code = end_a_child(&child.pid, err);
        if (code == 0)
            code = await_record(r, &child, err);
    }
    return code;
}

void bpf_acts_try(struct bpf_acts *ret)
{
    struct bpf_acts acts = { 0 };
    const struct {
        int (*act)(struct err *err);
        bool *works;
        const bool *needs; /* an earlier act without which this one cannot be tried */
    } rows[] = {
        { try_syscall, &acts.syscall, NULL },
        { try_btf, &acts.btf, NULL },
        { try_ringbuf, &acts.ringbuf, &acts.syscall },
        { try_iter_task, &acts.iter_task, &acts.ringbuf },
        { try_process_free, &acts.process_free, &acts.ringbuf },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        if (rows[i].needs && !*rows[i].needs)
            continue;
        *rows[i].works = rows[i].act(&err) == 0;
        if (!*rows[i].works && acts.error[0] == '\0')
            (void)snprintf(acts.error, sizeof(acts.error), "%.199s", err.text);
    }
    *ret = acts;
}
