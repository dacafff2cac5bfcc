/* SPDX-License-Identifier: Apache-2.0 */
#include "bpf/tasks_reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/stat.h>

/* Records are handed over whole, at most 32 KiB a read (8 pages, kernel/bpf/bpf_iter.c); on a
   kernel with larger pages that is more. */
#define BATCH_BYTES           (64u << 10)

#define INITIAL_PID_NAMESPACE UINT64_C(0xEFFFFFFC) /* PROC_PID_INIT_INO, linux/proc_ns.h */

extern const char tasks_object[], tasks_object_end[];

struct tasks_reader {
    struct bpf_object *object;
    struct bpf_link *alive, *ended, *exits; /* NULL: that part was not asked for */
    struct ring_buffer *ring;
    int lost_fd, listed_fd; /* borrowed from the object */
    struct task_record *batch;
    task_record_fn *fn; /* of the tasks_reader_ended() call in progress */
    void *arg;
};

/* The first thing libbpf complained of while a reader is opened: what follows is consequences. */
static _Thread_local char complaint[240];

PRINTF_LIKE(2, 0)
static int keep_complaint(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level != LIBBPF_WARN || complaint[0])
        return 0;
    char line[sizeof(complaint)];
    (void)vsnprintf(line, sizeof(line), format, args);
    line[strcspn(line, "\n")] = '\0'; /* of a verifier's log only the head */
    const char *text = strncmp(line, "libbpf: ", 8) == 0 ? line + 8 : line;
    (void)snprintf(complaint, sizeof(complaint), "%.200s", text);
    return 0;
}

static const char *remedy_of(int code)
{
    switch (code) {
    case -EPERM:
    case -EACCES:
        return "grant CAP_BPF and CAP_PERFMON, or run as root; a seccomp profile or kernel "
               "lockdown may refuse it too";
    case -ENOENT:
    case -EOPNOTSUPP:
    case -ESRCH:
        return "the kernel needs CONFIG_DEBUG_INFO_BTF=y (/sys/kernel/btf/vmlinux) and version "
               "5.8 or later";
    case -ENOSYS:
        return "this kernel has no bpf(2)";
    case -ENOMEM:
        return "memory, or the locked-memory limit (ulimit -l), is too small";
    default:
        return "a kernel of 5.8 or later with BTF is needed";
    }
}

static int refused(struct err *err, int code, const char *what)
{
    return err_set(err, code, "%s: %s%s%s%s; %s", what, strerror(-code), complaint[0] ? " (" : "",
                   complaint, complaint[0] ? ")" : "", remedy_of(code));
}

/* The iterator lists the tasks of its opener's PID namespace only, while sched_process_free tells
   of all with the initial namespace's pids: in a nested one the two do not meet. It is this
   process's own /proc that is asked, whatever the root directory: the question is who we are. */
static int check_namespace(struct err *err)
{
    struct stat st;
    if (stat("/proc/self/ns/pid", &st) < 0 || st.st_ino == INITIAL_PID_NAMESPACE)
        return 0; /* without /proc there is no telling, and no container would be told apart */
    return err_set(err, -ESRCH,
                   "eBPF sees only this container's processes: it runs in a PID namespace of its "
                   "own; set hostPID: true (Kubernetes) or --pid=host (docker, podman)");
}

static int on_ended(void *ctx, void *data, size_t size)
{
    struct tasks_reader *r = ctx;
    if (size >= sizeof(struct task_record))
        r->fn(data, r->arg);
    return 0;
}

void tasks_reader_close(struct tasks_reader *r)
{
    if (!r)
        return;
    ring_buffer__free(r->ring);
    (void)bpf_link__destroy(r->alive);
    (void)bpf_link__destroy(r->ended);
    (void)bpf_link__destroy(r->exits);
    bpf_object__close(r->object);
    free(r->batch);
    free(r);
}

static void close_reader(struct tasks_reader **r)
{
    tasks_reader_close(*r);
}

/* libbpf before 1.0 returns an error in the pointer, later NULL with errno: this holds for both. */
static int code_of(const void *ptr)
{
    long code = libbpf_get_error(ptr);
    return (int)(code > 0 ? -code : code);
}

static int load(struct tasks_reader *r, unsigned parts, struct err *err)
{
    /* cppcheck-suppress comparePointers ; one object, whose two ends tasks_object.S names */
    size_t size = (size_t)(tasks_object_end - tasks_object);
    struct bpf_object *object = bpf_object__open_mem(tasks_object, size, NULL);
    int code = code_of(object);
    if (code < 0)
        return refused(err, code, "cannot open the eBPF object that this program carries");
    r->object = object;

    static const struct {
        const char *program;
        unsigned part;
    } rows[] = { { "each_task", TASKS_PART_ALIVE },
                 { "on_free", TASKS_PART_ENDED },
                 { "on_exit", TASKS_PART_EXITS } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct bpf_program *p = bpf_object__find_program_by_name(object, rows[i].program);
        code = p ? bpf_program__set_autoload(p, (parts & rows[i].part) != 0) : -ENOENT;
        if (code < 0)
            return refused(err, code, "the eBPF object lacks a program");
    }
    code = bpf_object__load(object);
    return code < 0 ? refused(err, code, "cannot load the eBPF programs") : 0;
}

static int attach(struct bpf_object *object, const char *program, const char *what,
                  struct bpf_link **ret, struct err *err)
{
    struct bpf_program *p = bpf_object__find_program_by_name(object, program);
    struct bpf_link *link = p ? bpf_program__attach(p) : NULL;
    int code = code_of(link);
    if (code < 0)
        return refused(err, code, what);
    *ret = link;
    return 0;
}

static int open_ring(struct tasks_reader *r, struct err *err)
{
    int fd = bpf_object__find_map_fd_by_name(r->object, "ended");
    struct ring_buffer *ring = fd < 0 ? NULL : ring_buffer__new(fd, on_ended, r, NULL);
    int code = fd < 0 ? fd : code_of(ring);
    if (code < 0)
        return refused(err, code, "cannot map the eBPF ring buffer");
    r->ring = ring;
    r->lost_fd = bpf_object__find_map_fd_by_name(r->object, "lost");
    r->listed_fd = bpf_object__find_map_fd_by_name(r->object, "listed");
    if (r->lost_fd < 0 || r->listed_fd < 0)
        return refused(err, -ENOENT, "the eBPF object lacks a map");
    return 0;
}

static int open_parts(unsigned parts, struct tasks_reader **ret, struct err *err)
{
    CLEANUP(close_reader) struct tasks_reader *r = mem_new(1, sizeof(*r));
    r->batch = mem_new(1, BATCH_BYTES);

    int code = load(r, parts, err);
    if (code == 0)
        code = open_ring(r, err);
    if (code == 0 && (parts & TASKS_PART_ALIVE)) {
        code = attach(r->object, "each_task", "cannot attach the eBPF iterator iter/task",
                      &r->alive, err);
    }
    if (code == 0 && (parts & TASKS_PART_ENDED)) {
        code = attach(r->object, "on_free",
                      "cannot attach eBPF to the tracepoint sched_process_free", &r->ended, err);
    }
    if (code == 0 && (parts & TASKS_PART_EXITS)) {
        code = attach(r->object, "on_exit",
                      "cannot attach eBPF to the tracepoint sched_process_exit", &r->exits, err);
    }
    if (code < 0)
        return code;
    *ret = r;
    r = NULL;
    return 0;
}

int tasks_reader_open_parts(unsigned parts, struct tasks_reader **ret, struct err *err)
{
    int code = check_namespace(err);
    if (code < 0)
        return code;
    complaint[0] = '\0';
    libbpf_print_fn_t before = libbpf_set_print(keep_complaint);
    code = open_parts(parts, ret, err);
    (void)libbpf_set_print(before);
    return code;
}

int tasks_reader_open(struct tasks_reader **ret, struct err *err)
{
    return tasks_reader_open_parts(TASKS_PART_ALL, ret, err);
}

int tasks_reader_alive(struct tasks_reader *r, task_record_fn *fn, void *arg)
{
    if (!r->alive)
        return 0;
    const __u32 zero = 0;
    const __u64 now_ns = clock_boottime_ns();
    if (bpf_map_update_elem(r->listed_fd, &zero, &now_ns, BPF_ANY) < 0)
        return -errno;
    AUTO_FD iter = bpf_iter_create(bpf_link__fd(r->alive));
    if (iter < 0)
        return -errno;

    for (;;) {
        ssize_t n = read(iter, r->batch, BATCH_BYTES);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        for (size_t i = 0; i < (size_t)n / sizeof(*r->batch); i++)
            fn(&r->batch[i], arg);
    }
}

int tasks_reader_ended(struct tasks_reader *r, task_record_fn *fn, void *arg, __u64 *ret_lost,
                       __u64 *ret_lost_ns)
{
    r->fn = fn;
    r->arg = arg;
    int n = ring_buffer__consume(r->ring);
    if (n < 0)
        return n;

    const __u32 zero = 0;
    struct tasks_lost lost = { 0 };
    if (bpf_map_lookup_elem(r->lost_fd, &zero, &lost) < 0)
        return -errno;
    *ret_lost = lost.count;
    *ret_lost_ns = lost.run_ns;
    return 0;
}
