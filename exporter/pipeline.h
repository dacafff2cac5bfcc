/* SPDX-License-Identifier: Apache-2.0 */
/* sample -> power -> attribute -> expose, once a refresh. */
#ifndef EXPORTER_PIPELINE_H
#define EXPORTER_PIPELINE_H

#include "base/compiler.h"
#include "base/err.h"
#include "config.h"
#include "expose/http.h"

struct pipeline;

/* Opens the host, the power source and the sampler. @config outlives it. @server NULL: nothing is
   published. Logs what it found. */
MUST_USE int pipeline_open(const struct config *config, struct http_server *server,
                           struct pipeline **ret, struct err *err);
void pipeline_close(struct pipeline *p);

/* One refresh, published. A failure is one of the sampler; the next refresh may do. */
MUST_USE int pipeline_refresh(struct pipeline *p, struct err *err);

/* Between two refreshes, once a second. */
void pipeline_drain(struct pipeline *p);

#endif
