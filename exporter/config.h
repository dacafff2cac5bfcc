/* SPDX-License-Identifier: Apache-2.0 */
/* Settings: Kepler's defaults, then the findings, then the YAML file, then flags; what comes later
   wins. Kepler's own keys are understood; an unknown one is a warning with its line. */
#ifndef EXPORTER_CONFIG_H
#define EXPORTER_CONFIG_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/log.h"
#include "base/yaml.h"
#include "host/hwmon.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config {
    enum log_level log_level;
    enum log_format log_format;
    char *procfs, *sysfs, *devfs, *root; /* NULL: not set; owned, as every text here */
    uint64_t interval_ns;                /* 5 s; 100 ms .. 1 h */
    int64_t max_terminated;              /* 500; < 0 all, 0 none */
    double threshold_joules;             /* 10 */
    char *power_source;                  /* "auto" or a name */
    bool power_source_strict;            /* named by a person, not by the findings */
    char *found_file;                    /* the findings in use; NULL: none */
    char *found_cpu;                     /* CPU that they were found on; "" they do not say */
    unsigned found_threads;
    double tdp_watts; /* 0: not given */
    char *model_file; /* of a calibration; NULL: none */
    char *server_url; /* of a kepler-model-server; NULL: none */
    char *server_trainer, *server_node_type, *server_ca, *server_cache; /* NULL: not set */
    struct hwmon_config hwmon;
    bool idle_by_ratio;
    bool ebpf;        /* accounting.source: auto and ebpf true, proc false */
    bool ebpf_strict; /* ebpf: without it the exporter does not start */
    unsigned zones;   /* bit 1 << enum energy_zone; 0: all */
    char **listen;    /* ":28282" */
    size_t listens;
    bool prometheus, to_stdout;
    unsigned levels;  /* enum metrics_level */
    char *web_config; /* a TLS configuration that this version refuses; NULL or "": none */
    size_t process_top;
    char *node_name;    /* NULL: the host's name */
    char **ignored_key; /* ignored on purpose, exported as kepler_exporter_config_ignored */
    size_t ignored_keys;
    char **warning; /* for the log, in order */
    size_t warnings;
};

void config_init(struct config *c); /* the defaults */
void config_done(struct config *c);

/* Every leaf of @doc. @origin says where it comes from, for the sentences: "config.yaml",
   "findings.json". An unknown key is a warning, a bad value an error (of
   findings a warning: the chain of sources goes on without it); both name line and column. */
MUST_USE int config_apply(struct config *c, const struct yaml_doc *doc, const char *origin,
                          bool by_person, struct err *err);

/* One setting by its YAML path ("web.listenAddresses[0]" begins a list anew); the error says what
   was read and what it may be. -ENOENT: no such key. */
MUST_USE int config_set(struct config *c, const char *path, const char *value, bool by_person,
                        struct err *err);

/* What the settings ask for together and this version cannot do: TLS. -ENOTSUP. */
MUST_USE int config_check(const struct config *c, struct err *err);

/* The key nearest to a misspelt one, NULL if none is near. */
const char *config_nearest_key(const char *path);

PRINTF_LIKE(2, 3) void config_warn(struct config *c, const char *format, ...);

#endif
