/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kepler-model-server, asked in a thread of its own, so that a slow one never delays a reading:
 * POST /model, at most 2 s; a model that makes sense is kept, in memory while the server is down
 * and on disk for the next start. Changes of its state are logged, once each.
 */
#ifndef POWER_MODEL_SERVER_H
#define POWER_MODEL_SERVER_H

#include "base/compiler.h"
#include "base/err.h"
#include "host/cpu.h"
#include "power/weights.h"

#include <stdbool.h>

/* Milliseconds; what is 0 is as said here. */
struct model_server_times {
    unsigned request;     /* for all of a request: 2 s */
    unsigned first, most; /* until it is asked again while there is no model: 30 s, doubled after
                             each failure up to 30 min; +-10 % */
    unsigned refresh;     /* until it is asked for a newer one: 10 min */
};

struct model_server_config {
    const char *url;       /* "http://127.0.0.1:8100" */
    const char *trainer;   /* "SGDRegressorTrainer"; NULL: the server chooses */
    const char *node_type; /* a number; NULL: machine_spec of this machine is sent */
    const char *ca_file;   /* NULL: the system's */
    const char *cache_dir; /* NULL: nothing is kept */
    struct model_server_times times;
};

/* Of whose power models are wanted. */
struct model_server_machine {
    const struct cpu_facts *cpu; /* borrowed until the server is closed */
    double memory_gb;            /* 10^9 bytes; 0 unknown */
    double ceiling_watts;        /* more than that no model may claim */
};

struct model_server;

/* Starts to ask; never waits for an answer. Nothing of @config is borrowed after the call. -EINVAL:
   an address, node type or CA file that cannot be. */
MUST_USE int model_server_open(const struct model_server_config *config,
                               const struct model_server_machine *machine,
                               struct model_server **ret, struct err *err);
void model_server_close(struct model_server *s); /* NULL: nothing; waits at most 2 s */

struct server_model {
    struct weights weights;
    char name[64]; /* "LogisticRegressionTrainer_198" */
};
/* The model of @zone, as it is now. -EAGAIN: it has not answered yet, or not usefully; @err says
   what happened last and when it is asked again. */
MUST_USE int model_server_get(struct model_server *s, enum energy_zone zone,
                              struct server_model *ret, struct err *err);

/* True once after a new model has arrived. */
bool model_server_has_news(struct model_server *s);

#endif
