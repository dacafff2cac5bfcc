/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "config_keys.h"
#include "expose/snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

static int apply(struct config *c, const char *text, bool by_person, struct err *err)
{
    AUTO_YAML doc = { 0 };
    assert_int_equal(yaml_parse(text, strlen(text), &doc, err), 0);
    return config_apply(c, &doc, "config.yaml", by_person, err);
}

/* What a person wrote and is taken. */
static void take(struct config *c, const char *text)
{
    struct err err = { 0 };
    if (apply(c, text, true, &err) < 0)
        fail_msg("%s", err.text);
}

static void assert_has(const char *why, const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("%s: \"%s\" is not in \"%s\"", why, part, text);
}

static void defaults_are_keplers(void **state)
{
    CLEANUP(config_done) struct config c;
    (void)state;
    config_init(&c);
    assert_int_equal(c.interval_ns, 5000000000);
    assert_int_equal(c.max_terminated, 500);
    assert_true(c.threshold_joules == 10);
    assert_string_equal(c.listen[0], ":28282");
    assert_int_equal(c.listens, 1);
    assert_int_equal(c.levels, LEVEL_ALL);
    assert_true(c.prometheus && !c.to_stdout && c.ebpf && !c.ebpf_strict);
    assert_string_equal(c.power_source, "auto");
    struct err err = { 0 };
    assert_int_equal(config_check(&c, &err), 0);
}

/* The file that Kepler v0.11 ships (its default configuration), word by word. */
static const char keplers_own[] = "log:\n  level: debug\n  format: text\n"
                                  "monitor:\n  interval: 3s\n  staleness: 1000ms\n"
                                  "  maxTerminated: 100\n  minTerminatedEnergyThreshold: 20\n"
                                  "host:\n  sysfs: /host/sys\n  procfs: /host/proc\n"
                                  "rapl:\n  zones: []\n"
                                  "exporter:\n  stdout:\n    enabled: false\n"
                                  "  prometheus:\n    enabled: true\n    debugCollectors:\n"
                                  "      - go\n    metricsLevel:\n      - node\n      - process\n"
                                  "debug:\n  pprof:\n    enabled: true\n"
                                  "web:\n  configFile: \"\"\n  listenAddresses:\n    - :1\n"
                                  "    - 127.0.0.1:2\n"
                                  "kube:\n  enabled: false\n  config: \"\"\n  nodeName: \"n1\"\n"
                                  "  podInformer:\n    mode: kubelet\n    pollInterval: 15s\n"
                                  "dev:\n  fake-cpu-meter:\n    enabled: false\n    zones: []\n"
                                  "experimental:\n  platform:\n    redfish:\n"
                                  "      enabled: false\n      configFile: /etc/x\n";

static void keplers_own_file_is_understood_without_a_warning(void **state)
{
    CLEANUP(config_done) struct config c;
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    take(&c, keplers_own);
    if (c.warnings)
        fail_msg("%s", c.warning[0]);
    assert_int_equal(c.log_level, LOG_DEBUG);
    assert_int_equal(c.interval_ns, 3000000000);
    assert_int_equal(c.max_terminated, 100);
    assert_true(c.threshold_joules == 20);
    assert_string_equal(c.sysfs, "/host/sys");
    assert_string_equal(c.procfs, "/host/proc");
    assert_int_equal(c.zones, 0);
    assert_int_equal(c.levels, LEVEL_NODE | LEVEL_PROCESS);
    assert_int_equal(c.listens, 2);
    assert_string_equal(c.listen[0], ":1");
    assert_string_equal(c.listen[1], "127.0.0.1:2");
    assert_string_equal(c.node_name, "n1");
    assert_int_equal(c.ignored_keys, 0);
    assert_int_equal(config_check(&c, &err), 0);
}

static void our_keys(void **state)
{
    CLEANUP(config_done) struct config c;
    (void)state;
    config_init(&c);
    take(&c, "power: {source: msr, tdpWatts: 240}\nattribution: {idle: ratio}\n"
             "accounting: {source: proc}\nprocess: {top: 50}\nrapl: {zones: [Package-0, dram]}\n");
    assert_string_equal(c.power_source, "msr");
    assert_true(c.power_source_strict);
    assert_true(c.tdp_watts == 240);
    assert_true(c.idle_by_ratio);
    assert_false(c.ebpf);
    assert_int_equal(c.process_top, 50);
    assert_int_equal(c.zones, 1u << ZONE_PACKAGE | 1u << ZONE_DRAM);
    take(&c, "accounting: {source: ebpf}\nrapl: {zones: []}\n");
    assert_true(c.ebpf && c.ebpf_strict);
    assert_int_equal(c.zones, 0);
}

static void only_a_person_is_strict(void **state)
{
    CLEANUP(config_done) struct config c;
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    assert_int_equal(apply(&c, "{\"power\": {\"source\": \"powercap\"}}", false, &err), 0);
    assert_string_equal(c.power_source, "powercap");
    assert_false(c.power_source_strict);
    assert_int_equal(apply(&c, "{\"accounting\": {\"source\": \"ebpf\"}}", false, &err), 0);
    assert_true(c.ebpf && !c.ebpf_strict);
    assert_int_equal(apply(&c, "{\"power\": {\"source\": \"crystal\"}}", false, &err), 0);
    assert_string_equal(c.power_source, "powercap");
    assert_has("a source of a newer probe", c.warning[0], "\"crystal\" cannot be used");
    assert_int_equal(config_set(&c, "power.source", "msr", true, &err), 0);
    assert_true(c.power_source_strict);
    assert_int_equal(config_set(&c, "power.source", "auto", true, &err), 0);
    assert_false(c.power_source_strict);
}

static void bad_values_say_place_value_and_choice(void **state)
{
    static const struct {
        const char *why, *yaml, *place, *choice;
    } rows[] = {
        { "level", "log:\n  level: loud\n", "line 2, column 3", "one of debug, info" },
        { "no unit", "monitor:\n  interval: 5\n", "\"5\"", "100ms to 1h" },
        { "too short", "monitor:\n  interval: 10ms\n", "\"10ms\"", "100ms to 1h" },
        { "too long", "monitor:\n  interval: 2h\n", "\"2h\"", "100ms to 1h" },
        { "below -1", "monitor:\n  maxTerminated: -2\n", "\"-2\"", "-1 for all" },
        { "half a process", "monitor:\n  maxTerminated: 1.5\n", "\"1.5\"", "whole number" },
        { "negative joules", "monitor:\n  minTerminatedEnergyThreshold: -1\n", "\"-1\"", "joules" },
        { "relative", "host:\n  procfs: proc\n", "\"proc\"", "absolute path" },
        { "maybe", "exporter:\n  stdout:\n    enabled: maybe\n", "line 3, column 5",
          "true or false" },
        { "zone", "rapl:\n  zones: [gpu]\n", "\"gpu\"", "package, dram" },
        { "level of metrics", "exporter:\n  prometheus:\n    metricsLevel: [pods]\n", "\"pods\"",
          "node, process" },
        { "source", "power:\n  source: rapl\n", "\"rapl\"", "powercap, perf, msr, hwmon, model" },
        { "infinite TDP", "power:\n  tdpWatts: inf\n", "\"inf\"", "0 (not known) to 2000" },
        { "idle rule", "attribution:\n  idle: none\n", "\"none\"", "floor" },
        { "accounting", "accounting:\n  source: perf\n", "\"perf\"", "auto, ebpf, proc" },
        { "top", "process:\n  top: -3\n", "\"-3\"", "whole number" },
        { "empty address", "web:\n  listenAddresses: ['']\n", "\"\"", "ADDRESS:PORT" },
        { "staleness", "monitor:\n  staleness: soon\n", "\"soon\"", "duration" },
        { "fake meter", "dev:\n  fake-cpu-meter:\n    enabled: 7\n", "\"7\"", "true or false" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(config_done) struct config c;
        struct err err = { 0 };
        config_init(&c);
        if (apply(&c, rows[i].yaml, true, &err) != -EINVAL)
            fail_msg("%s was taken", rows[i].why);
        assert_has(rows[i].why, err.text, "config.yaml: line ");
        assert_has(rows[i].why, err.text, rows[i].place);
        assert_has(rows[i].why, err.text, rows[i].choice);
    }
}

static void unknown_keys_are_warnings(void **state)
{
    static const struct {
        const char *why, *yaml, *warning;
    } rows[] = {
        { "misspelt", "monitor:\n  intervall: 5s\n",
          "config.yaml: line 2, column 3: unknown key monitor.intervall is ignored; did you mean "
          "monitor.interval?" },
        { "letters of another case", "process:\n  Top: 5\n", "did you mean process.top?" },
        { "nothing near", "zzzzzzzz: 1\n", "unknown key zzzzzzzz is ignored" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(config_done) struct config c;
        config_init(&c);
        take(&c, rows[i].yaml);
        if (c.warnings != 1)
            fail_msg("%s: %zu warnings", rows[i].why, c.warnings);
        assert_has(rows[i].why, c.warning[0], rows[i].warning);
        const char *place = strstr(c.warning[0], "line ");
        assert_non_null(place);
        assert_null(strstr(place + 1, "line ")); /* once */
    }
    assert_null(config_nearest_key("zzzzzzzz"));
}

static void levels_that_have_no_metrics_yet_are_told(void **state)
{
    (void)state;
    CLEANUP(config_done) struct config c;
    config_init(&c);
    take(&c, "exporter: {prometheus: {metricsLevel: [node, pod]}}\n");
    assert_int_equal(c.warnings, 1);
    assert_has("pod", c.warning[0], "no metrics of the level pod yet");
}

static void an_address_that_is_none_is_a_wrong_configuration(void **state)
{
    struct err err = { 0 };
    (void)state;
    CLEANUP(config_done) struct config c;
    config_init(&c);
    take(&c, "web: {listenAddresses: [banana]}\n");
    assert_int_equal(config_check(&c, &err), -EINVAL);
    assert_has("banana", err.text, "\"banana\" is no address to listen on");
}

static void a_known_key_with_a_value_of_another_shape_is_an_error(void **state)
{
    static const struct {
        const char *why, *yaml, *place, *sentence;
    } rows[] = {
        { "a list where one value must be", "log: {level: [debug]}\n", "line 1, column 15",
          "log.level cannot be a list: it must be one of debug" },
        { "a map where one value must be", "monitor:\n  interval: {a: 5s}\n", "line 2, column 14",
          "monitor.interval cannot be a map: it must be a duration" },
        { "lists in a list", "web:\n  listenAddresses: [[\":1\"]]\n", "line 2, column 22",
          "web.listenAddresses cannot be a list of lists or maps" },
        { "a value where a section must be", "log: debug\n", "line 1, column 1",
          "log has settings below it: a map must stand here, no single value" },
        { "a list where a section must be", "monitor:\n- interval\n", "line 2, column 3",
          "monitor has settings below it: a map must stand here, no list" },
        { "the fake meter's section as a switch", "dev:\n  fake-cpu-meter: true\n",
          "line 2, column 3", "dev.fake-cpu-meter has settings below it" },
        { "a text instead of a map", "hello\n", "line 1, column 1",
          "a map of settings must stand" },
        { "a list instead of a map", "- a\n- b\n", "line 1, column 3",
          "a map of settings must stand" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(config_done) struct config c;
        struct err err = { 0 };
        config_init(&c);
        if (apply(&c, rows[i].yaml, true, &err) != -EINVAL)
            fail_msg("%s: accepted", rows[i].why);
        assert_has(rows[i].why, err.text, rows[i].place);
        assert_has(rows[i].why, err.text, rows[i].sentence);
        config_done(&c);
        config_init(&c);
        assert_int_equal(apply(&c, rows[i].yaml, false, &err), 0); /* findings: a warning */
        assert_int_equal(c.warnings > 0, 1);
    }
}

static void what_is_not_done_yet_is_told_and_counted(void **state)
{
    static const struct {
        const char *yaml, *key, *warning;
    } rows[] = {
        { "dev:\n  fake-cpu-meter:\n    enabled: true\n", "dev.fake-cpu-meter.enabled",
          "random numbers" },
        { "kube:\n  enabled: true\n", "kube.enabled", "container_id" },
        { "kube:\n  enable: yes\n", "kube.enable", "container_id" },
        { "experimental:\n  platform:\n    redfish:\n      enabled: true\n",
          "experimental.platform.redfish.enabled", "BMC" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(config_done) struct config c;
        config_init(&c);
        take(&c, rows[i].yaml);
        take(&c, rows[i].yaml); /* twice is still one */
        assert_int_equal(c.ignored_keys, 1);
        assert_string_equal(c.ignored_key[0], rows[i].key);
        assert_has(rows[i].key, c.warning[0], rows[i].warning);
        assert_has(rows[i].key, c.warning[0], "config.yaml: line ");
    }
}

static void keys_without_a_value_change_nothing(void **state)
{
    CLEANUP(config_done) struct config c;
    (void)state;
    config_init(&c);
    take(&c, "monitor:\nlog:\n  level:\nweb:\n  listenAddresses: []\nhost: {}\n"
             "exporter: {prometheus: {metricsLevel: []}}\n");
    if (c.warnings)
        fail_msg("%s", c.warning[0]);
    assert_int_equal(c.listens, 1);
    assert_int_equal(c.levels, LEVEL_ALL);
}

static void a_later_list_replaces_the_one_before(void **state)
{
    CLEANUP(config_done) struct config c;
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    take(&c, "web: {listenAddresses: [':1', ':2']}\n");
    assert_int_equal(config_set(&c, "web.listenAddresses[0]", ":3", true, &err), 0);
    assert_int_equal(c.listens, 1);
    assert_string_equal(c.listen[0], ":3");
    assert_int_equal(config_set(&c, "web.listenAddresses", ":4", true, &err), 0); /* no list */
    assert_string_equal(c.listen[0], ":4");
    assert_int_equal(config_set(&c, "no.such", "1", true, &err), -ENOENT);
}

static void listeners_have_a_limit(void **state)
{
    CLEANUP(config_done) struct config c;
    struct err err = { 0 };
    int rc = 0;
    char path[64];
    (void)state;
    config_init(&c);
    for (int i = 0; i < 17 && rc == 0; i++) {
        (void)snprintf(path, sizeof(path), "web.listenAddresses[%d]", i);
        rc = config_set(&c, path, ":0", true, &err);
    }
    assert_int_equal(rc, -EINVAL);
    assert_has("limit", err.text, "at most 16");
    assert_int_equal(c.listens, 16);
}

static void tls_is_refused_not_served_plain(void **state)
{
    static const char *const yaml[] = {
        "web: {configFile: /etc/web.yaml}\n",
        "web: {listenAddresses: [':1', 'https://127.0.0.1:2']}\n",
        "web: {listenAddresses: ['HTTPS://127.0.0.1:2']}\n",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yaml); i++) {
        CLEANUP(config_done) struct config c;
        struct err err = { 0 };
        config_init(&c);
        take(&c, yaml[i]);
        assert_int_equal(config_check(&c, &err), -ENOTSUP);
        assert_has(yaml[i], err.text, "TLS is not in this version");
    }
}

static void exporting_to_nowhere_is_refused(void **state)
{
    CLEANUP(config_done) struct config c;
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    assert_int_equal(config_set(&c, "exporter.prometheus.enabled", "false", true, &err), 0);
    assert_int_equal(config_check(&c, &err), -EINVAL);
    assert_int_equal(config_set(&c, "exporter.stdout.enabled", "true", true, &err), 0);
    assert_int_equal(config_check(&c, &err), 0);
}

static void chip_rules_of_hwmon(void **state)
{
    CLEANUP(config_done) struct config c;
    (void)state;
    config_init(&c);
    take(&c, "experimental:\n  hwmon:\n    enabled: true\n    zones: [cpu_power, io_power]\n"
             "    chipRules:\n"
             "      - name: ltc2992\n        pairings: {0: 1, 2: 2}\n"
             "        skipVoltages: [1, 3]\n        skipCurrents: []\n"
             "      - name: ina3221\n        useSameIndex: true\n        skipCurrents: [7]\n");
    assert_int_equal(c.warnings, 0);
    assert_int_equal(c.hwmon.zones, 2);
    assert_string_equal(c.hwmon.zone[1], "io_power");
    assert_int_equal(c.hwmon.rules, 2);
    const struct hwmon_chip_rule *first = &c.hwmon.rule[0], *second = &c.hwmon.rule[1];
    assert_string_equal(first->name, "ltc2992");
    assert_int_equal(first->pairing[0], 1);
    assert_int_equal(first->pairing[1], -1);
    assert_int_equal(first->pairing[2], 2);
    assert_true(first->skip_voltage[1] && first->skip_voltage[3] && !first->skip_voltage[2]);
    assert_false(first->use_same_index);
    assert_string_equal(second->name, "ina3221");
    assert_true(second->use_same_index && second->skip_current[7]);
    assert_int_equal(second->pairing[0], -1);
}

static void chip_rules_that_make_no_sense(void **state)
{
    static const struct {
        const char *why, *rules;
    } rows[] = {
        { "an unknown member", "[{name: a, colour: red}]" },
        { "a channel that no chip has", "[{name: a, pairings: {16: 1}}]" },
        { "a current that no chip has", "[{name: a, pairings: {1: 16}}]" },
        { "a channel that is no number", "[{name: a, skipVoltages: [x]}]" },
        { "a switch that is none", "[{name: a, useSameIndex: perhaps}]" },
        { "a name too long", "[{name: a123456789012345678901234567890123456789}]" },
        { "a rule that is no map", "[ina3221]" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(config_done) struct config c;
        struct err err = { 0 };
        char text[200];
        config_init(&c);
        (void)snprintf(text, sizeof(text), "experimental:\n  hwmon:\n    chipRules: %s\n",
                       rows[i].rules);
        if (apply(&c, text, true, &err) != -EINVAL)
            fail_msg("%s: taken", rows[i].why);
        assert_has(rows[i].why, err.text, "it must be a list of at most 32 rules");
    }
}

static void where_models_come_from(void **state)
{
    CLEANUP(config_done) struct config c;
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    take(&c, "power:\n  model: /etc/kepler/model.json\n  modelServer:\n"
             "    url: http://127.0.0.1:8100\n    trainer: SGDRegressorTrainer\n    nodeType: 2\n"
             "    caFile: /etc/ssl/ca.pem\n    cacheDir: /var/cache/kepler\n");
    assert_int_equal(c.warnings, 0);
    assert_string_equal(c.model_file, "/etc/kepler/model.json");
    assert_string_equal(c.server_url, "http://127.0.0.1:8100");
    assert_string_equal(c.server_trainer, "SGDRegressorTrainer");
    assert_string_equal(c.server_node_type, "2");
    assert_string_equal(c.server_ca, "/etc/ssl/ca.pem");
    assert_string_equal(c.server_cache, "/var/cache/kepler");
    assert_int_equal(apply(&c, "power:\n  modelServer:\n    url: 127.0.0.1:8100\n", true, &err),
                     -EINVAL);
    assert_has("an address without http://", err.text, "http://127.0.0.1:8100");
    assert_int_equal(apply(&c, "power:\n  modelServer:\n    nodeType: two\n", true, &err), -EINVAL);
}

static void every_row_says_what_it_may_be(void **state)
{
    (void)state;
    for (size_t i = 0; i < config_keys_count; i++) {
        assert_non_null(config_keys[i].may_be);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(config_keys[i].path, config_keys[k].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_keplers),
        cmocka_unit_test(keplers_own_file_is_understood_without_a_warning),
        cmocka_unit_test(our_keys),
        cmocka_unit_test(only_a_person_is_strict),
        cmocka_unit_test(bad_values_say_place_value_and_choice),
        cmocka_unit_test(unknown_keys_are_warnings),
        cmocka_unit_test(levels_that_have_no_metrics_yet_are_told),
        cmocka_unit_test(an_address_that_is_none_is_a_wrong_configuration),
        cmocka_unit_test(a_known_key_with_a_value_of_another_shape_is_an_error),
        cmocka_unit_test(what_is_not_done_yet_is_told_and_counted),
        cmocka_unit_test(keys_without_a_value_change_nothing),
        cmocka_unit_test(a_later_list_replaces_the_one_before),
        cmocka_unit_test(listeners_have_a_limit),
        cmocka_unit_test(tls_is_refused_not_served_plain),
        cmocka_unit_test(exporting_to_nowhere_is_refused),
        cmocka_unit_test(chip_rules_of_hwmon),
        cmocka_unit_test(chip_rules_that_make_no_sense),
        cmocka_unit_test(where_models_come_from),
        cmocka_unit_test(every_row_says_what_it_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
