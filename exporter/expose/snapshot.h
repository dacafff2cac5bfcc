/* SPDX-License-Identifier: Apache-2.0 */
/* All that one scrape shows, gathered once a refresh; borrowed from the pipeline, rendered at once.
 */
#ifndef EXPOSE_SNAPSHOT_H
#define EXPOSE_SNAPSHOT_H

#include "attribute/attribute.h"
#include "host/cpu.h"
#include "power/meter.h"
#include "sample/sampler.h"

#include <stdbool.h>
#include <stdint.h>

enum metrics_level {
    LEVEL_NODE = 1,
    LEVEL_PROCESS = 2,
    LEVEL_CONTAINER = 4,
    LEVEL_VM = 8,
    LEVEL_POD = 16,
    LEVEL_ALL = 31,
};

/* What the exporter itself uses; fields are < 0 where they cannot be read. */
struct self_usage {
    double cpu_seconds, start_time_seconds; /* start: of the Unix epoch */
    double resident_bytes, virtual_bytes, open_fds;
};

struct listing; /* expose/listing.h: the processes that get a series */

struct snapshot {
    const char *node_name;
    const struct cpu_facts *cpu;
    const struct sample *sample;
    const struct meter_reading *meter;
    const struct attribution *attribution;
    enum accounting accounting;
    const struct self_usage *self;
    double conservation_error_ratio;
    double refresh_seconds; /* CPU and waiting of the last refresh, rendering included */
    uint64_t refreshes;
    const char *const *ignored_key; /* configuration keys that were ignored on purpose */
    size_t ignored_keys;
    unsigned levels;    /* of enum metrics_level */
    size_t process_top; /* 0: every process has its series */
    bool has_watts;     /* false until the second sample */

    const struct listing *listing; /* made by metrics_render_text; NULL before */
};

#endif
