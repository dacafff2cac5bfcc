/* SPDX-License-Identifier: Apache-2.0 */
/* Exact run time from the scheduler, by lib/bpf. */
#include "base/alloc.h"
#include "bpf/tasks_reader.h"
#include "sample/backend.h"
#include "sample/hidden.h"

#include <string.h>

struct ebpf {
    struct tasks_reader *reader;
    __u64 lost_exits, lost_ns;
    struct hidden hidden;
};

static int ebpf_open(const struct reference *ref, void **ret, struct err *err)
{
    struct tasks_reader *reader = NULL;
    int code = tasks_reader_open(&reader, err);
    if (code < 0)
        return code;
    struct ebpf *e = mem_new(1, sizeof(*e));
    e->reader = reader;
    e->hidden.ref = ref;
    *ret = e;
    return 0;
}

static void ebpf_close(void *backend)
{
    struct ebpf *e = backend;
    tasks_reader_close(e->reader);
    free(e);
}

static int ebpf_alive(void *backend, struct account *a, struct err *err)
{
    struct ebpf *e = backend;
    int code = tasks_reader_alive(e->reader, account_alive, a);
    if (code < 0)
        return err_set(err, code, "cannot list the tasks by eBPF (iter/task): %s", strerror(-code));
    hidden_alive(&e->hidden, a);
    return 0;
}

static int ebpf_ended(void *backend, struct account *a, struct err *err)
{
    struct ebpf *e = backend;
    int code = tasks_reader_ended(e->reader, account_ended, a, &e->lost_exits, &e->lost_ns);
    if (code < 0)
        return err_set(err, code, "cannot read the eBPF ring buffer: %s", strerror(-code));
    return 0;
}

static void ebpf_lost(const void *backend, uint64_t *ret_exits, uint64_t *ret_ns)
{
    const struct ebpf *e = backend;
    *ret_exits = e->lost_exits;
    *ret_ns = e->lost_ns;
}

const struct sample_backend sample_backend_ebpf = {
    .kind = ACCOUNTING_EBPF,
    .awaits_records = true,
    .open = ebpf_open,
    .close = ebpf_close,
    .alive = ebpf_alive,
    .ended = ebpf_ended,
    .lost = ebpf_lost,
};
