/* SPDX-License-Identifier: Apache-2.0 */
/* What a model server is asked, and whose model it handed back. Pure. */
#ifndef POWER_MODEL_REQUEST_H
#define POWER_MODEL_REQUEST_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/json.h"
#include "host/cpu.h"

#include <stddef.h>

/* "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz" -> "intel_xeon_platinum_8275cl", as
   kepler-model-server names it (train/profiler/node_type_index.py, format_processor()), without
   what it leaves in and SPECpower's names have not ("96-Core"). */
void model_processor_name(const char *model_name, char *ret, size_t size);

/* The body of POST /model; @trainer and @node_type (a number) may be NULL. The caller frees. */
char *model_request_text(const struct cpu_facts *cpu, double memory_gb, const char *trainer,
                         const char *node_type);

/* The server takes the nearest machine that it knows, and finds a node type as part of a name: 0 if
   @reply does not say that it is another's, else -ENXIO and both machines in the sentence. */
MUST_USE int model_reply_is_ours(const struct json *reply, const struct cpu_facts *cpu,
                                 const char *node_type, struct err *err);

/* What an answer other than 200 means, and what to do; @url as it may be shown. Returns -ENOENT
   (400: no such model), -ENOTSUP (404: no such server), -EREMOTEIO (500 and above) or -EPROTO. */
int model_explain_status(const char *url, int status, const char *body, struct err *err);

#endif
