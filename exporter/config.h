/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: Kepler's defaults, then the findings, then the YAML file, then flags; what comes later
   wins. Kepler's own keys are understood; an unknown one is a warning with its line. */
#ifndef EXPORTER_CONFIG_H
#define EXPORTER_CONFIG_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/log.h"
#include "base/yaml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config {
    enum log_level log_level;
    enum log_format log_format;
    char *procfs, *sysfs, *root; /* NULL: not set; owned, as every text here */
    uint64_t interval_ns;        /* 5 s; 100 ms .. 1 h */
    int64_t max_terminated;      /* 500; < 0 all, 0 none */
    double threshold_joules;     /* 10 */
    char *power_source;          /* "auto" or a name */
    bool power_source_strict;    /* named by a person, not by the findings */
    double tdp_watts;            /* 0: not given */
    bool idle_by_ratio;
    bool ebpf;     /* accounting: auto|ebpf|proc */
    char **listen; /* ":28282" */
    size_t listens;
    bool listen_is_default;
    bool prometheus, to_stdout;
    unsigned levels; /* enum metrics_level */
    size_t process_top;
    char *node_name;    /* NULL: the host's name */
    char **ignored_key; /* ignored on purpose, exported as kepler_exporter_config_ignored */
    size_t ignored_keys;
    char **warning; /* for the log, in order */
    size_t warnings;
};

void config_init(struct config *c); /* the defaults */
void config_done(struct config *c);

/* Where a setting comes from, for its sentence: "config.yaml", "findings.json",
 * "--monitor.interval". */
MUST_USE int config_apply(struct config *c, const struct yaml_doc *doc, const char *origin,
                          bool by_person, struct err *err);

/* One setting by its YAML path; the error names @origin, the place and the values it may have.
   -ENOENT: no such key. */
MUST_USE int config_set(struct config *c, const char *path, const char *value, bool by_person,
                        struct err *err);

#endif
