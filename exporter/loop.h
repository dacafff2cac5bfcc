/* SPDX-License-Identifier: Apache-2.0 */
/* One thread: waits for a signal or the time of the next refresh. */
#ifndef EXPORTER_LOOP_H
#define EXPORTER_LOOP_H

#include "base/compiler.h"
#include "base/err.h"
#include "expose/http.h"
#include "pipeline.h"

#include <stdbool.h>
#include <stdint.h>

/* SIGTERM and SIGINT are blocked from here on, in threads started later too; call it first. */
void loop_block_signals(void);

/* Refreshes at once, after half a second, then each @interval_ns (each minute at least, since
   counters wrap), until a signal asks to end: 0. @server may be NULL. */
MUST_USE int loop_run(struct pipeline *pipeline, struct http_server *server, uint64_t interval_ns,
                      struct err *err);

/* Pure: whether a refresh that rings at @now_ns may follow the one that began at @refreshed_ns.
   After a late one, less than a quarter of the period may be left: then the next one will do. */
bool loop_is_due(uint64_t now_ns, uint64_t refreshed_ns, uint64_t period_ns);

#endif
