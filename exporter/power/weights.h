/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models as kepler-model-server hands them out: weights by which power follows from the CPU time
 * of the whole machine. Pure: a reply in, watts out.
 */
#ifndef POWER_WEIGHTS_H
#define POWER_WEIGHTS_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/json.h"
#include "host/energy.h"

#include <stdbool.h>

enum weights_kind {
    WEIGHTS_LINEAR, /* SGDRegressorTrainer: Bias_Weight and one weight a variable */
    WEIGHTS_EXPONENTIAL,
    WEIGHTS_LOGARITHMIC,
    WEIGHTS_LOGISTIC,
};
const char *weights_kind_name(enum weights_kind kind); /* "linear" ... */

struct weights {
    enum weights_kind kind;
    double curve[4];     /* CurveFit_Weights, as many as the kind has */
    double bias, weight; /* linear */
    double scale_ms;     /* of bpf_cpu_time_ms: ms of CPU per second at which x is 1 */
};

/* One component's "All_Weights". @trainer: the trainer's name if the reply or the request says it
   ("LogarithmicRegressionTrainer_2"), NULL or unknown: told by the shape of the weights; three
   curve weights are exponential only where that makes more sense (finite; P(0) > 0 and not falling)
   than logarithmic: of two that make the same, the logarithmic claims fewer watts. -EBADMSG with
   what is missing. */
MUST_USE int weights_parse(const struct json *component, const char *trainer, struct weights *ret,
                           struct err *err);

/* Watts at @cpu_ms milliseconds of CPU time per second over all CPUs. */
double weights_watts(const struct weights *w, double cpu_ms);

/* What makes a model usable on a machine of @threads: of a machine of about that size, finite,
   P(0) > 0, not falling between load 0 and 1, at most @ceiling_watts. -ERANGE, and the sentence
   says which and with which figures. */
MUST_USE int weights_check(const struct weights *w, unsigned threads, double ceiling_watts,
                           struct err *err);

/* A whole reply: the zones it has usable weights for. */
struct weights_reply {
    bool has[ZONE_COUNT];
    struct weights zone[ZONE_COUNT];
    char model_name[80]; /* "LogisticRegressionTrainer_198"; "" it does not say */
    char rejected[300];  /* components that were not taken, and why; "" none */
};
struct weights_machine {
    unsigned threads;
    double ceiling_watts;
};
/* @trainer: the one that was asked for; NULL: none. All components are of one trainer: of the
   reply's "model_name", else @trainer, else told by the first component that is not nothing
   (package, else platform ..). A component that is 0 W at any load is no zone. -EBADMSG: no JSON of
   that shape; -ERANGE: no component is usable (the sentence names each). */
MUST_USE int weights_reply_parse(const struct json *body, const char *trainer,
                                 const struct weights_machine *m, struct weights_reply *ret,
                                 struct err *err);

#endif
