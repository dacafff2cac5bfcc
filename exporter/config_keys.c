/* SPDX-License-Identifier: Apache-2.0 */
#include "config_keys.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "config_hwmon.h"
#include "expose/snapshot.h"
#include "power/source.h"

#include <errno.h>
#include <strings.h>

#define INTERVAL_MIN_NS (100 * NS_PER_MS)
#define INTERVAL_MAX_NS (3600 * NS_PER_SEC)
#define LISTENS_MAX     16
#define TDP_MAX_WATTS   2000.0
#define SWITCH_WORDS    "true or false"
#define LEVEL_WORDS     "one of node, process, container, vm, pod"

static void *field_of(struct config *c, const struct config_key *key)
{
    return (char *)c + key->field;
}

static int parse_switch(const char *value, bool *ret)
{
    static const struct {
        const char *word;
        bool value;
    } rows[] = { { "true", true }, { "false", false }, { "yes", true },
                 { "no", false },  { "on", true },     { "off", false } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcasecmp(value, rows[i].word) == 0) {
            *ret = rows[i].value;
            return 0;
        }
    }
    return -EINVAL;
}

static int set_switch(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)first;
    return parse_switch(value, field_of(c, key));
}

/* The emptied text stands for "not set". */
static int set_text(struct config *c, const struct config_key *key, const char *value, bool first)
{
    char **field = field_of(c, key);
    (void)first;
    free(*field);
    *field = value[0] ? mem_strdup(value) : NULL;
    return 0;
}

static int set_folder(struct config *c, const struct config_key *key, const char *value, bool first)
{
    if (value[0] && value[0] != '/')
        return -EINVAL;
    return set_text(c, key, value, first);
}

static int set_url(struct config *c, const struct config_key *key, const char *value, bool first)
{
    if (value[0] && strncmp(value, "http://", 7) != 0 && strncmp(value, "https://", 8) != 0)
        return -EINVAL;
    return set_text(c, key, value, first);
}

static int set_number(struct config *c, const struct config_key *key, const char *value, bool first)
{
    uint64_t n;
    if (value[0] && number_parse_u64(value, 10, &n) < 0)
        return -EINVAL;
    return set_text(c, key, value, first);
}

static int check_switch(struct config *c, const struct config_key *key, const char *value,
                        bool first)
{
    bool on;
    (void)c;
    (void)key;
    (void)first;
    return parse_switch(value, &on);
}

static int set_hwmon_zone(struct config *c, const struct config_key *key, const char *value,
                          bool first)
{
    struct hwmon_config *h = &c->hwmon;
    (void)key;
    if (first)
        h->zones = 0;
    if (!value)
        return 0;
    if (!value[0] || strlen(value) >= sizeof(h->zone[0]) || h->zones == ARRAY_LEN(h->zone))
        return -EINVAL;
    (void)snprintf(h->zone[h->zones++], sizeof(h->zone[0]), "%s", value);
    return 0;
}

static int set_nothing(struct config *c, const struct config_key *key, const char *value,
                       bool first)
{
    (void)c;
    (void)key;
    (void)value;
    (void)first;
    return 0;
}

static int check_duration(struct config *c, const struct config_key *key, const char *value,
                          bool first)
{
    uint64_t ns;
    (void)c;
    (void)key;
    (void)first;
    return number_parse_duration_ns(value, &ns) == 0 ? 0 : -EINVAL;
}

static void ignore_key(struct config *c, const char *path)
{
    for (size_t i = 0; i < c->ignored_keys; i++) {
        if (strcmp(c->ignored_key[i], path) == 0)
            return;
    }
    c->ignored_key = mem_grow((void *)c->ignored_key, c->ignored_keys + 1, sizeof(*c->ignored_key));
    c->ignored_key[c->ignored_keys++] = mem_strdup(path);
}

/* A switch of Kepler that is not obeyed: asked for, it is a warning and a metric. */
static int set_ignored(struct config *c, const struct config_key *key, const char *value,
                       bool first)
{
    bool on = false;
    (void)first;
    if (value[0] && parse_switch(value, &on) < 0)
        return -EINVAL;
    if (on) {
        ignore_key(c, key->path);
        config_warn(c, "%s: true is ignored: %s", key->path, key->instead);
    }
    return 0;
}

static int set_level(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)key;
    (void)first;
    return log_level_parse(value, &c->log_level) == 0 ? 0 : -EINVAL;
}

static int set_format(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)key;
    (void)first;
    return log_format_parse(value, &c->log_format) == 0 ? 0 : -EINVAL;
}

static int set_interval(struct config *c, const struct config_key *key, const char *value,
                        bool first)
{
    uint64_t ns;
    (void)key;
    (void)first;
    if (number_parse_duration_ns(value, &ns) < 0 || ns < INTERVAL_MIN_NS || ns > INTERVAL_MAX_NS)
        return -EINVAL;
    c->interval_ns = ns;
    return 0;
}

static int set_max_terminated(struct config *c, const struct config_key *key, const char *value,
                              bool first)
{
    int64_t n;
    (void)key;
    (void)first;
    if (number_parse_i64(value, &n) < 0 || n < -1)
        return -EINVAL;
    c->max_terminated = n;
    return 0;
}

/* A number of at least 0 and at most @most. */
static int parse_amount(const char *value, double most, double *ret)
{
    double number;
    if (number_parse_double(value, &number) < 0 || number < 0 || number > most)
        return -EINVAL;
    *ret = number;
    return 0;
}

static int set_threshold(struct config *c, const struct config_key *key, const char *value,
                         bool first)
{
    (void)key;
    (void)first;
    return parse_amount(value, 1e15, &c->threshold_joules);
}

static int set_tdp(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)key;
    (void)first;
    return parse_amount(value, TDP_MAX_WATTS, &c->tdp_watts);
}

static int set_idle(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)key;
    (void)first;
    if (strcmp(value, "floor") != 0 && strcmp(value, "ratio") != 0)
        return -EINVAL;
    c->idle_by_ratio = value[0] == 'r';
    return 0;
}

static int set_accounting(struct config *c, const struct config_key *key, const char *value,
                          bool first)
{
    bool is_ebpf = strcmp(value, "ebpf") == 0;
    bool is_proc = strcmp(value, "proc") == 0;
    (void)key;
    (void)first;
    if (!is_ebpf && !is_proc && strcmp(value, "auto") != 0)
        return -EINVAL;
    c->ebpf = !is_proc;
    c->ebpf_strict = is_ebpf;
    return 0;
}

static int set_power_source(struct config *c, const struct config_key *key, const char *value,
                            bool first)
{
    if (strcmp(value, "auto") != 0 && !power_source_find(value))
        return -EINVAL;
    return set_text(c, key, value, first);
}

static int set_top(struct config *c, const struct config_key *key, const char *value, bool first)
{
    uint64_t n;
    (void)key;
    (void)first;
    if (number_parse_u64(value, 10, &n) < 0 || n > SIZE_MAX)
        return -EINVAL;
    c->process_top = (size_t)n;
    return 0;
}

/* "package", "Package", "package-0": Kepler's own spellings. */
static int set_zone(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)key;
    if (first)
        c->zones = 0;
    if (!value)
        return 0;
    for (unsigned z = 0; z < ZONE_COUNT; z++) {
        const char *name = energy_zone_name((enum energy_zone)z);
        size_t n = strlen(name);
        if (strncasecmp(value, name, n) == 0 && (value[n] == '\0' || value[n] == '-')) {
            c->zones |= 1U << z;
            return 0;
        }
    }
    return -EINVAL;
}

static int set_metrics_level(struct config *c, const struct config_key *key, const char *value,
                             bool first)
{
    static const struct {
        const char *word;
        unsigned level;
    } rows[] = {
        { "node", LEVEL_NODE }, { "process", LEVEL_PROCESS }, { "container", LEVEL_CONTAINER },
        { "vm", LEVEL_VM },     { "pod", LEVEL_POD },         { "all", LEVEL_ALL },
    };
    (void)key;
    if (!value)
        return 0;
    if (first)
        c->levels = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcasecmp(value, rows[i].word) == 0) {
            c->levels |= rows[i].level;
            if (rows[i].level & (LEVEL_CONTAINER | LEVEL_VM | LEVEL_POD) &&
                rows[i].level != LEVEL_ALL)
                config_warn(c, "this version has no metrics of the level %s yet", value);
            return 0;
        }
    }
    return -EINVAL;
}

static int set_listen(struct config *c, const struct config_key *key, const char *value, bool first)
{
    (void)key;
    if (!value)
        return 0;
    if (first) {
        while (c->listens > 0)
            free(c->listen[--c->listens]);
    }
    if (!value[0] || c->listens == LISTENS_MAX)
        return -EINVAL;
    c->listen = mem_grow((void *)c->listen, c->listens + 1, sizeof(*c->listen));
    c->listen[c->listens++] = mem_strdup(value);
    return 0;
}

#define ROW(path, set, field, may_be)                                  \
 {                                                                     \
  path, false, offsetof(struct config, field), may_be, NULL, set, NULL \
 }
#define LIST(path, set, may_be)          \
 {                                       \
  path, true, 0, may_be, NULL, set, NULL \
 }
#define BELOW(path, set_below, may_be)          \
 {                                              \
  path, false, 0, may_be, NULL, NULL, set_below \
 }
#define PLAIN(path, set, may_be)          \
 {                                        \
  path, false, 0, may_be, NULL, set, NULL \
 }
#define IGNORED(path, instead)                             \
 {                                                         \
  path, false, 0, SWITCH_WORDS, instead, set_ignored, NULL \
 }

const struct config_key config_keys[] = {
    PLAIN("log.level", set_level, "one of debug, info, warn, error"),
    PLAIN("log.format", set_format, "text or json"),
    PLAIN("monitor.interval", set_interval, "a duration from 100ms to 1h, such as 5s"),
    PLAIN("monitor.staleness", check_duration,
          "a duration such as 500ms (a scrape never computes, "
          "so it has no effect)"),
    PLAIN("monitor.maxTerminated", set_max_terminated,
          "a whole number: -1 for all, 0 for none, else the most that are shown"),
    PLAIN("monitor.minTerminatedEnergyThreshold", set_threshold, "joules, 0 or more"),
    ROW("host.sysfs", set_folder, sysfs, "an absolute path such as /host/sys"),
    ROW("host.procfs", set_folder, procfs, "an absolute path such as /host/proc"),
    LIST("rapl.zones", set_zone, "a list of package, dram, core, uncore, psys (empty: all)"),
    ROW("exporter.stdout.enabled", set_switch, to_stdout, SWITCH_WORDS),
    ROW("exporter.prometheus.enabled", set_switch, prometheus, SWITCH_WORDS),
    LIST("exporter.prometheus.debugCollectors", set_nothing, "a list"),
    LIST("exporter.prometheus.metricsLevel", set_metrics_level, LEVEL_WORDS),
    PLAIN("debug.pprof.enabled", set_nothing, SWITCH_WORDS),
    ROW("web.configFile", set_text, web_config, "a path"),
    LIST("web.listenAddresses", set_listen, "a list of at most 16 of ADDRESS:PORT or :PORT"),
    IGNORED("kube.enabled", "names of pods and containers are not in this version; processes show "
                            "their container_id"),
    IGNORED("kube.enable", "names of pods and containers are not in this version; processes show "
                           "their container_id"),
    PLAIN("kube.config", set_nothing, "a path"),
    ROW("kube.nodeName", set_text, node_name, "a name"),
    PLAIN("kube.podInformer.*", set_nothing, "anything"),
    IGNORED("dev.fake-cpu-meter.enabled",
            "its watts are random numbers. THE WATTS SHOWN ARE REAL READINGS OR LABELLED ESTIMATES "
            "(see kepler_node_cpu_power_meter); take the key out of the configuration"),
    LIST("dev.fake-cpu-meter.zones", set_nothing, "a list"),
    IGNORED("experimental.platform.redfish.enabled", "no BMC is asked in this version"),
    PLAIN("experimental.hwmon.enabled", check_switch,
          SWITCH_WORDS " (hwmon comes behind powercap, perf and msr in any case)"),
    LIST("experimental.hwmon.zones", set_hwmon_zone,
         "a list of at most 16 sensor labels, such as cpu_power (empty: all that are known)"),
    BELOW("experimental.hwmon.chipRules*", config_hwmon_rule, HWMON_RULE_WORDS),
    IGNORED("experimental.gpu.enabled", "GPUs are not read in this version"),
    PLAIN("experimental.*", set_nothing, "anything"),
    ROW("power.source", set_power_source, power_source,
        "auto or the name of a source: powercap, perf, msr, hwmon, model, model-server"),
    ROW("power.model", set_text, model_file, "the path of a file that calibrate wrote"),
    ROW("power.modelServer.url", set_url, server_url, "a URL such as http://127.0.0.1:8100"),
    ROW("power.modelServer.trainer", set_text, server_trainer,
        "a trainer's name such as SGDRegressorTrainer"),
    ROW("power.modelServer.nodeType", set_number, server_node_type, "a whole number"),
    ROW("power.modelServer.caFile", set_text, server_ca, "the path of a PEM file"),
    ROW("power.modelServer.cacheDir", set_text, server_cache, "the path of a folder"),
    PLAIN("power.tdpWatts", set_tdp, "watts of one socket, 0 (not known) to 2000"),
    PLAIN("attribution.idle", set_idle,
          "floor (energy above the idle power is active) or ratio "
          "(Kepler's rule: power x usage is active)"),
    PLAIN("accounting.source", set_accounting, "one of auto, ebpf, proc"),
    PLAIN("process.top", set_top, "a whole number, 0 for all processes"),
};
const size_t config_keys_count = ARRAY_LEN(config_keys);
