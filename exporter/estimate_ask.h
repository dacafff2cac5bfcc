/* SPDX-License-Identifier: Apache-2.0 */
/* What `kepler-exporter estimate` is asked: words of a command line to a machine and its load. */
#ifndef EXPORTER_ESTIMATE_ASK_H
#define EXPORTER_ESTIMATE_ASK_H

#include "base/compiler.h"
#include "base/err.h"
#include "host/cpu.h"
#include "host/cpu_power.h"
#include "power/model_file.h"

#include <stdbool.h>

/* The command line, as it is written; NULL: not given. */
struct estimate_words {
    const char *cpu_model, *cpuid, *sockets, *threads, *tdp, *memory, *vcpus, *idle, *full, *model,
        *scope, *load;
    bool json, help;
};

struct estimate_question {
    struct cpu_facts cpu; /* of the whole machine */
    unsigned vcpus;       /* 0: all of it */
    unsigned typical;     /* threads of a socket, taken for V as nothing tells it; 0: told */
    bool has_threads;     /* false: unknown, and no formula asks for them */
    double tdp_watts, memory_gb, idle_watts, full_watts;
    double load;
    bool is_wall;
    bool is_cpuid_open; /* nothing tells what CPUID says, which may choose a narrower row */
};

/* -EINVAL: nonsense, or something is missing; other codes: the model file cannot be used. @file is
   filled where --model is given. */
MUST_USE int estimate_ask(const struct estimate_words *w, struct model_file *file,
                          struct estimate_question *q, struct err *err);

#endif
