/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that the kernel's task iterator leaves out although /proc shows them: some sandboxes
 * hide their init (and its threads) from eBPF, and it runs all the same. They are looked for at the
 * first refresh and once a minute, and their run time is read thread by thread from
 * /proc/PID/task/TID/schedstat, which is the same exact figure. Only what began before the first
 * refresh is taken: the last record of a younger one tells its whole run time, once.
 */
#ifndef SAMPLE_HIDDEN_H
#define SAMPLE_HIDDEN_H

#include "sample/account.h"
#include "sample/reference.h"

#include <stddef.h>
#include <stdint.h>

#define HIDDEN_MAX     32 /* further ones stay unseen; coverage tells of them */
#define HIDDEN_LOOK_NS UINT64_C(60000000000)

struct hidden_process {
    uint32_t pid;
    uint64_t start_ns; /* by the ticks of /proc/PID/stat */
    uint64_t alive_ns; /* sum over its threads, last time */
    uint64_t dead_ns;  /* of threads that have gone since it was found, as last read */
};

struct hidden {
    const struct reference *ref; /* borrowed: its root directory and ticks */
    struct hidden_process process[HIDDEN_MAX];
    size_t n;
    uint64_t next_look_ns; /* CLOCK_BOOTTIME */
};

/* To be called between account_begin() and account_end(), after the iterator has listed its tasks:
   hands each hidden process to account_alive(). What cannot be read is left out. */
void hidden_alive(struct hidden *h, struct account *a);

/* Pure: nanoseconds on a CPU, the first number of a schedstat; 0 for another text. */
uint64_t hidden_schedstat_parse(const char *text);

#endif
