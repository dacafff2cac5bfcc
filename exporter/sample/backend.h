/* SPDX-License-Identifier: Apache-2.0 */
/* The two ways to learn what ran. Both feed the same books (account.h). */
#ifndef SAMPLE_BACKEND_H
#define SAMPLE_BACKEND_H

#include "base/compiler.h"
#include "sample/account.h"
#include "sample/reference.h"
#include "sample/sampler.h"

struct sample_backend {
    enum accounting kind;
    bool awaits_records; /* what ended is told of by @ended */
    int (*open)(const struct reference *ref, void **ret, struct err *err);
    void (*close)(void *backend);
    /* All that is alive into account_alive(). */
    int (*alive)(void *backend, struct account *a, struct err *err);
    /* All that has ended since the last call into account_ended(). */
    int (*ended)(void *backend, struct account *a, struct err *err);
    /* Since open: processes whose record was lost, and run time that is no process's. */
    void (*lost)(const void *backend, uint64_t *ret_exits, uint64_t *ret_ns);
    /* CPU time by a counter of its own, since boot; NULL: the sum of the processes says it. */
    uint64_t (*busy_ns)(const void *backend);
};

extern const struct sample_backend sample_backend_ebpf;
extern const struct sample_backend sample_backend_proc;

#endif
