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

struct snapshot {
    const char *node_name;
    const struct cpu_facts *cpu;
    const struct sample *sample;
    const struct meter_reading *meter;
    const struct attribution *attribution;
    enum accounting accounting;
    double conservation_error_ratio;
    double refresh_seconds;
    uint64_t refreshes;
    const char *const *ignored_key; /* configuration keys that were ignored on purpose */
    size_t ignored_keys;
    unsigned levels;    /* of enum metrics_level */
    size_t process_top; /* 0: every process has its series */
    bool has_watts;     /* false until the second sample */
};

#endif
