/* SPDX-License-Identifier: Apache-2.0 */
/* What ran: every process's exact run time, by eBPF or, without it, from /proc. */
#ifndef SAMPLE_SAMPLER_H
#define SAMPLE_SAMPLER_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"
#include "sample/process.h"

#include <stddef.h>
#include <stdint.h>

enum accounting {
    ACCOUNTING_EBPF,
    ACCOUNTING_PROC
};
const char *accounting_name(enum accounting a); /* "ebpf" "proc" */

struct sampler_config {
    const struct rootfs *host; /* /proc and /sys of the running kernel, wherever they are mounted */
    bool ebpf_wanted;          /* false: /proc from the start */
    size_t max_processes; /* table bound; 0: 65536. Beyond it CPU time counts as unattributed */
};

struct sample {
    uint64_t taken_ns;   /* CLOCK_MONOTONIC */
    uint64_t elapsed_ns; /* since the last one; 0 at the first */
    unsigned cpus;       /* online */
    uint64_t run_ns;     /* all processes, of the elapsed time */
    uint64_t irq_ns;     /* irq + softirq where the kernel keeps it out of run time, else 0 */
    uint64_t lost_ns;    /* run time beside run_ns that is nobody's: of ended processes whose record
                            was lost, of those past max_processes, by /proc of unseen ones */
    double usage_ratio;  /* (run + irq + lost) / (cpus x elapsed), 0 .. 1; by /proc busy ticks */
    double coverage_ratio; /* run + irq over the reference counter, last minute; < 0 not known */
    const char *coverage_reference; /* "cpuacct" "cpu.stat" "stat" */
    uint64_t lost_exits;            /* records since start that found no room */
    /* all that are known: running, left and ended; borrowed until the next refresh, and may be
       reordered or shortened until then */
    struct process **process;
    size_t processes;
};

struct sampler;

/* Falls back to /proc if eBPF is refused; *ret_why (borrowed, "" if not) then says why. */
MUST_USE int sampler_open(const struct sampler_config *config, struct sampler **ret,
                          const char **ret_why, struct err *err);
void sampler_close(struct sampler *s);
enum accounting sampler_accounting(const struct sampler *s);

/* One refresh. One process that cannot be read never fails it. */
MUST_USE int sampler_read(struct sampler *s, struct sample *ret, struct err *err);

/* Takes in the records of processes that have ended, so that their ring (room for 14,563) does not
   run full between two refreshes under heavy forking: cheap, once a second. Nothing is reported
   before the next refresh, a failure neither. */
void sampler_drain(struct sampler *s);

/* Forgets an ended process (its joules were moved on); *@p is freed. The list of the last sample is
   not touched: who forgets takes it out of there. */
void sampler_forget(struct sampler *s, struct process *p);

#endif
