/* SPDX-License-Identifier: Apache-2.0 */
#include "expose/metrics.h"
#include "expose/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define MANY 6

static char bash_path[] = "/usr/bin/bash";

struct world {
    struct cpu_thread thread[2];
    struct cpu_facts cpu;
    struct process p[MANY];
    struct process *list[MANY];
    struct sample sample;
    struct meter_reading meter;
    struct attribution a;
    struct self_usage self;
    struct snapshot s;
    struct buf text;
};

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    w->thread[1] = (struct cpu_thread){ 1, 0, 1 };
    w->cpu = (struct cpu_facts){
        .vendor = "AuthenticAMD", .model_name = "AMD EPYC", .threads = 2, .thread = w->thread
    };
    for (size_t i = 0; i < MANY; i++) {
        w->list[i] = &w->p[i];
        w->p[i].pid = (uint32_t)(10 * (i + 1));
        w->p[i].exe = bash_path;
        memcpy(w->p[i].comm, "bash", 5);
    }
    w->sample = (struct sample){
        .process = w->list, .processes = 2, .coverage_ratio = -1, .usage_ratio = 0.5
    };
    w->meter.zone[ZONE_PACKAGE] = (struct meter_zone){ .present = true,
                                                       .path = "model:E:any server CPU",
                                                       .source = "model",
                                                       .quality = "estimated",
                                                       .model = "E:any server CPU",
                                                       .low_watts = 4,
                                                       .high_watts = 40,
                                                       .low_ratio = 0.37,
                                                       .high_ratio = 3.51 };
    w->self = (struct self_usage){ 1.5, 2, 3, 4, -1 };
    w->s = (struct snapshot){ .node_name = "vm",
                              .cpu = &w->cpu,
                              .sample = &w->sample,
                              .meter = &w->meter,
                              .attribution = &w->a,
                              .self = &w->self,
                              .levels = LEVEL_ALL,
                              .has_watts = true };
    buf_init(&w->text, METRICS_TEXT_LIMIT);
    *state = w;
    return 0;
}

static int world_done(void **state)
{
    struct world *w = *state;
    buf_done(&w->text);
    free(w);
    return 0;
}

static const char *render(struct world *w)
{
    buf_clear(&w->text);
    metrics_render_text(&w->text, &w->s);
    return buf_text(&w->text);
}

static void assert_has(const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("missing: %s\nin:\n%s", line, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("should not be there: %s", part);
}

static size_t count(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)); at++)
        n++;
    return n;
}

static void labels_hold_any_bytes(void **state)
{
    static const struct {
        const char *why, *value, *want;
    } rows[] = {
        { "plain", "bash", "x=\"bash\"" },
        { "empty", "", "x=\"\"" },
        { "quote, backslash, newline", "a\"b\\c\nd", "x=\"a\\\"b\\\\c\\nd\"" },
        { "UTF-8 stays", "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80",
          "x=\"caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"" },
        { "a lone continuation byte",
          "a\x80"
          "b",
          "x=\"a\xEF\xBF\xBD"
          "b\"" },
        { "cut in the middle of a character", "caf\xC3", "x=\"caf\xEF\xBF\xBD\"" },
        { "cut after two bytes of three", "\xE2\x82", "x=\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "overlong slash", "\xC0\xAF", "x=\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "surrogate", "\xED\xA0\x80", "x=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "past U+10FFFF", "\xF5\x80\x80\x80",
          "x=\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
        { "other control characters are allowed", "a\tb\x01", "x=\"a\tb\x01\"" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUF b;
        buf_init(&b, 1000);
        text_label(&b, "x", rows[i].value);
        if (strcmp(buf_text(&b), rows[i].want) != 0)
            fail_msg("%s: got %s", rows[i].why, buf_text(&b));
    }
}

static void numbers_are_short_and_exact(void **state)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        { 0, "0" },
        { -0.0, "0" },
        { 1, "1" },
        { -3, "-3" },
        { 0.1, "0.1" },
        { 123.456, "123.456" },
        { 1.0 / 3, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 9007199254740991.0, "9007199254740991" },
        { 1e300, "1e+300" },
        { 5e-324, "4.94065645841247e-324" },
        { 1730000000.25, "1730000000.25" },
        { (double)INFINITY, "+Inf" },
        { -(double)INFINITY, "-Inf" },
        { (double)NAN, "NaN" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUF b;
        buf_init(&b, 100);
        text_number(&b, rows[i].value);
        if (strcmp(buf_text(&b), rows[i].want) != 0)
            fail_msg("%.17g: got %s", rows[i].value, buf_text(&b));
        if (isfinite(rows[i].value) && strtod(buf_text(&b), NULL) != rows[i].value)
            fail_msg("%s does not read back", buf_text(&b));
    }
}

static void nano_numbers_have_nine_decimals(void **state)
{
    static const struct {
        double value;
        const char *want;
    } rows[] = {
        { 0, "0" },
        { 0.5, "0.5" },
        { 10, "10" },
        { 120, "120" },
        { 1.0 / 3, "0.333333333" },
        { 2.0 / 3, "0.666666667" },
        { 0.0000000004, "0" },
        { -0.0000000004, "0" },
        { 0.0000000005, "0.000000001" },
        { 0.001000000, "0.001" },
        { 0.999999999, "0.999999999" },
        { 0.9999999999, "1" },
        { -2.25, "-2.25" },
        { 8999999999.5, "8999999999.5" },
        { 9e9, "9000000000" },
        { 9000000000.25, "9000000000.25" },
        { 1e300, "1e+300" },
        { (double)INFINITY, "+Inf" },
        { (double)NAN, "NaN" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUF b;
        buf_init(&b, 100);
        text_nano(&b, rows[i].value);
        if (strcmp(buf_text(&b), rows[i].want) != 0)
            fail_msg("%.17g: got %s", rows[i].value, buf_text(&b));
    }
    for (double v = 1e-9; v < 1e12; v *= 1.7) {
        AUTO_BUF b;
        buf_init(&b, 100);
        text_nano(&b, v);
        if (fabs(strtod(buf_text(&b), NULL) - v) > 0.5e-9 + 1e-15 * v)
            fail_msg("%.17g: %s is too far off", v, buf_text(&b));
    }
}

static void a_zone_that_is_no_more_keeps_its_joules_and_has_no_watts(void **state)
{
    struct world *w = *state;
    w->a.present[ZONE_PACKAGE] = w->a.present[ZONE_PSYS] = true;
    w->a.node_joules[ZONE_PSYS] = 5;
    (void)snprintf(w->meter.zone[ZONE_PSYS].path, sizeof(w->meter.zone[0].path), "rapl:psys");
    const char *text = render(w);
    assert_has(text, "kepler_node_cpu_joules_total{node_name=\"vm\",path=\"rapl:psys\","
                     "zone=\"psys\"} 5\n");
    for (const char *at = text; (at = strstr(at, "zone=\"psys\"")); at++) {
        const char *line = at;
        while (line > text && line[-1] != '\n')
            line--;
        if (strncmp(strchr(line, '{') - strlen("watts"), "watts", strlen("watts")) == 0)
            fail_msg("watts of a zone that nobody reads: %.120s", line);
    }
    assert_has(text, "kepler_process_cpu_joules_total");
}

static void node_series_have_keplers_labels(void **state)
{
    struct world *w = *state;
    w->a.node_joules[ZONE_PACKAGE] = 12.5;
    w->a.active_watts[ZONE_PACKAGE] = 7;
    w->a.idle_watts[ZONE_PACKAGE] = 3;
    const char *text = render(w);
    assert_has(text,
               "# TYPE kepler_node_cpu_joules_total counter\n"
               "kepler_node_cpu_joules_total{node_name=\"vm\",path=\"model:E:any server CPU\","
               "zone=\"package\"} 12.5\n");
    assert_has(text, "kepler_node_cpu_watts{node_name=\"vm\",path=\"model:E:any server CPU\","
                     "zone=\"package\"} 10\n");
    assert_has(text, "# HELP kepler_node_cpu_watts Power consumption of cpu at node level in watts "
                     "(source model, tier E any server CPU, estimated, true value within "
                     "x0.37 .. x3.51)\n# TYPE kepler_node_cpu_watts gauge\n");
    assert_has(text, "kepler_node_cpu_info{core_id=\"1\",model_name=\"AMD EPYC\",physical_id=\"0\","
                     "processor=\"1\",vendor_id=\"AuthenticAMD\"} 1\n");
    assert_has(text,
               "kepler_node_cpu_power_meter{model=\"E:any server CPU\",node_name=\"vm\","
               "quality=\"estimated\",scope=\"package\",source=\"model\",zone=\"package\"} 1\n");
    assert_has(text,
               "kepler_node_cpu_watts_bound{bound=\"low\",node_name=\"vm\",zone=\"package\"} 4\n");
    assert_has(text, "kepler_node_cpu_usage_ratio{node_name=\"vm\"} 0.5\n");
    assert_lacks(text, "zone=\"dram\"");
}

static void process_series_have_keplers_labels(void **state)
{
    struct world *w = *state;
    w->p[0].joules[ZONE_PACKAGE] = 1.25;
    w->p[0].watts[ZONE_PACKAGE] = 0.5;
    w->p[0].run_ns = 50000000;
    memcpy(w->p[1].container.id, "abc", 4);
    w->p[1].state = PROCESS_ENDED;
    const char *text = render(w);
    assert_has(text, "kepler_process_cpu_joules_total{comm=\"bash\",container_id=\"\","
                     "exe=\"/usr/bin/bash\",node_name=\"vm\",pid=\"10\",state=\"running\","
                     "type=\"regular\",vm_id=\"\",zone=\"package\"} 1.25\n");
    assert_has(text, "kepler_process_cpu_watts{comm=\"bash\",container_id=\"abc\","
                     "exe=\"/usr/bin/bash\",node_name=\"vm\",pid=\"20\",state=\"terminated\","
                     "type=\"container\",vm_id=\"\",zone=\"package\"} 0\n");
    assert_has(text, "kepler_process_cpu_seconds_total{comm=\"bash\",container_id=\"\","
                     "exe=\"/usr/bin/bash\",node_name=\"vm\",pid=\"10\",type=\"regular\","
                     "vm_id=\"\"} 0.05\n");
}

static void what_has_left_still_runs_for_a_reader(void **state)
{
    struct world *w = *state;
    w->p[0].state = PROCESS_LEFT;
    assert_lacks(render(w), "terminated");
}

static void watts_are_absent_before_the_first_interval(void **state)
{
    static const char *const absent[] = {
        "_watts",
        "kepler_node_cpu_usage_ratio",
        "conservation_error_ratio",
        "coverage_ratio",
    };
    struct world *w = *state;
    w->s.has_watts = false;
    const char *text = render(w);
    for (size_t i = 0; i < ARRAY_LEN(absent); i++)
        assert_lacks(text, absent[i]);
    assert_has(text, "kepler_node_cpu_joules_total{");
    assert_has(text, "zone=\"package\"} 0\n");
}

static void what_is_not_known_is_absent(void **state)
{
    struct world *w = *state;
    const char *text = render(w);
    assert_lacks(text, "process_open_fds");
    assert_lacks(text, "kepler_exporter_config_ignored");
    assert_has(text, "process_start_time_seconds 2\n");
    w->sample.coverage_ratio = 0.998;
    w->sample.coverage_reference = "cpuacct";
    assert_has(render(w), "kepler_node_cpu_accounting_coverage_ratio{node_name=\"vm\","
                          "reference=\"cpuacct\"} 0.998\n");
}

static void ignored_keys_are_told(void **state)
{
    static const char *const key[] = { "dev.fake-cpu-meter.enabled" };
    struct world *w = *state;
    w->s.ignored_key = key;
    w->s.ignored_keys = 1;
    assert_has(render(w), "kepler_exporter_config_ignored{key=\"dev.fake-cpu-meter.enabled\"} 1\n");
}

/* Of a zone that is there, with bounds where @high_ratio says so. */
static struct meter_zone zone_from(const char *source, const char *model, double low_ratio,
                                   double high_ratio)
{
    return (struct meter_zone){
        .present = true,
        .path = "somewhere",
        .source = source,
        .quality = high_ratio > low_ratio ? "estimated" : "measured",
        .model = model,
        .low_ratio = low_ratio,
        .high_ratio = high_ratio,
    };
}

static void help_tells_the_source_of_each_zone(void **state)
{
    struct meter_zone none = { .present = false };
    struct meter_zone powercap = zone_from("powercap", "", 1, 1);
    struct meter_zone hwmon = zone_from("hwmon", "", 1, 1);
    struct meter_zone tier_a = zone_from("model", "A:Platinum 8275CL", 0.82, 1.43);
    struct meter_zone its_dram = zone_from("model", "A:Platinum 8275CL", 0.5, 1.5);
    struct meter_zone calibrated = zone_from("model", "B':node.json", 0.9, 1.19);
    struct meter_zone server = zone_from("model-server", "S:SGDRegressorTrainer_1", 0.5, 2);
    const struct {
        const char *why;
        struct meter_zone package, dram, psys;
        const char *want;
    } rows[] = {
        { "a measured zone has no bounds", powercap, none, none, " (source powercap, measured)" },
        { "zones that are alike are told once", powercap, powercap, powercap,
          " (source powercap, measured)" },
        { "one of them estimated", powercap, its_dram, none,
          " (package: source powercap, measured; dram: source model, tier A Platinum 8275CL, "
          "estimated, true value within x0.50 .. x1.50)" },
        { "two alike and one not", powercap, its_dram, powercap,
          " (package, psys: source powercap, measured; dram: source model, tier A Platinum "
          "8275CL, estimated, true value within x0.50 .. x1.50)" },
        { "other bounds are another text", tier_a, its_dram, none,
          " (package: source model, tier A Platinum 8275CL, estimated, true value within x0.82 .. "
          "x1.43; dram: source model, tier A Platinum 8275CL, estimated, true value within x0.50 "
          ".. x1.50)" },
        { "a calibration", calibrated, none, none,
          " (source model, tier B' node.json, estimated, true value within x0.90 .. x1.19)" },
        { "a model server's", server, none, none,
          " (source model-server, tier S SGDRegressorTrainer_1, estimated, true value within x0.50 .. "
          "x2.00)" },
        { "only the platform is measured", tier_a, none, hwmon,
          " (package: source model, tier A Platinum 8275CL, estimated, true value within x0.82 .. "
          "x1.43; psys: source hwmon, measured)" },
        { "no zone, no source", none, none, none, "" },
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        w->meter.zone[ZONE_PACKAGE] = rows[i].package;
        w->meter.zone[ZONE_DRAM] = rows[i].dram;
        w->meter.zone[ZONE_PSYS] = rows[i].psys;
        w->a.present[ZONE_PACKAGE] = true;
        AUTO_BUF want;
        buf_init(&want, 1000);
        buf_printf(&want, "at node level in joules%s\n# TYPE kepler_node_cpu_joules_total counter",
                   rows[i].want);
        if (!strstr(render(w), buf_text(&want)))
            fail_msg("%s: missing: %s\nin:\n%s", rows[i].why, buf_text(&want), buf_text(&w->text));
    }
}

static void each_zone_has_its_own_meter(void **state)
{
    struct world *w = *state;
    w->meter.zone[ZONE_PACKAGE] = zone_from("powercap", "", 1, 1);
    w->meter.zone[ZONE_DRAM] = zone_from("model", "A:Platinum 8275CL", 0.5, 1.5);
    w->meter.zone[ZONE_PSYS] = zone_from("hwmon", "", 1, 1);
    const char *text = render(w);
    assert_has(text, "kepler_node_cpu_power_meter{model=\"\",node_name=\"vm\",quality=\"measured\","
                     "scope=\"package\",source=\"powercap\",zone=\"package\"} 1\n");
    assert_has(text, "kepler_node_cpu_power_meter{model=\"A:Platinum 8275CL\",node_name=\"vm\","
                     "quality=\"estimated\",scope=\"memory\",source=\"model\",zone=\"dram\"} 1\n");
    assert_has(text, "kepler_node_cpu_power_meter{model=\"\",node_name=\"vm\",quality=\"measured\","
                     "scope=\"platform\",source=\"hwmon\",zone=\"psys\"} 1\n");
}

static void levels_leave_families_out(void **state)
{
    struct world *w = *state;
    w->p[0].joules[ZONE_PACKAGE] = 5;
    w->p[1].joules[ZONE_PACKAGE] = 6;
    w->s.levels = LEVEL_NODE;
    const char *text = render(w);
    assert_lacks(text, "kepler_process_");
    assert_has(text, "kepler_node_cpu_unlisted_joules{node_name=\"vm\",zone=\"package\"} 11\n");
    w->s.levels = LEVEL_PROCESS;
    text = render(w);
    assert_lacks(text, "kepler_node_");
    assert_has(text, "kepler_process_cpu_joules_total{");
    assert_has(text, "kepler_build_info{");
}

static void top_lists_who_draws_most_and_sums_the_rest(void **state)
{
    struct world *w = *state;
    w->sample.processes = 4;
    w->s.process_top = 2;
    for (size_t i = 0; i < 4; i++) {
        w->p[i].watts[ZONE_PACKAGE] = (double)(i % 3);
        w->p[i].joules[ZONE_PACKAGE] = 10 + (double)i;
    }
    const char *text = render(w);
    assert_has(text, "pid=\"20\"");
    assert_has(text, "pid=\"30\"");
    assert_lacks(text, "pid=\"10\"");
    assert_has(text, "kepler_node_cpu_unlisted_joules{node_name=\"vm\",zone=\"package\"} 23\n");
    w->s.process_top = 4;
    assert_has(render(w), "kepler_node_cpu_unlisted_joules{node_name=\"vm\",zone=\"package\"} 0\n");
}

static void no_two_lines_have_the_same_labels(void **state)
{
    static const struct {
        const char *why, *other_comm;
        enum process_state first, second;
        size_t joules_lines, seconds_lines;
    } rows[] = {
        { "left, and its pid taken again", "bash", PROCESS_LEFT, PROCESS_RUNNING, 1, 1 },
        { "seconds have no state label", "bash", PROCESS_ENDED, PROCESS_RUNNING, 1, 1 },
        { "another program is another series", "sh", PROCESS_LEFT, PROCESS_RUNNING, 2, 2 },
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < 2; k++) {
            w->p[k].pid = 7;
            w->p[k].start_ns = k;
            w->p[k].joules[ZONE_PACKAGE] = 2;
            w->p[k].run_ns = 1000000000;
        }
        w->p[0].state = rows[i].first;
        w->p[1].state = rows[i].second;
        memcpy(w->p[1].comm, rows[i].other_comm, strlen(rows[i].other_comm) + 1);
        const char *text = render(w);
        size_t joules = count(text, "\nkepler_process_cpu_joules_total{");
        size_t seconds = count(text, "\nkepler_process_cpu_seconds_total{");
        if (joules != rows[i].joules_lines || seconds != rows[i].seconds_lines)
            fail_msg("%s: %zu, %zu lines", rows[i].why, joules, seconds);
        if (joules == 1) {
            assert_has(text, "pid=\"7\",state=\"running\",type=\"regular\",vm_id=\"\","
                             "zone=\"package\"} 4\n");
            assert_has(text, "type=\"regular\",vm_id=\"\"} 2\n");
        }
    }
}

/* Sum of the values of a family's lines that end in the package zone. */
static double sum_printed(const char *text, const char *family)
{
    double sum = 0;
    AUTO_BUF start;
    buf_init(&start, 200);
    buf_printf(&start, "\n%s{", family);
    for (const char *at = text; (at = strstr(at, buf_text(&start))); at++) {
        const char *value = strstr(at, "\"} ");
        assert_non_null(value);
        sum += strtod(value + 3, NULL);
    }
    return sum;
}

static void printed_values_are_conserved(void **state)
{
    static const char *const part[] = {
        "kepler_process_cpu_joules_total",           "kepler_node_cpu_idle_joules_total",
        "kepler_node_cpu_unattributed_joules_total", "kepler_node_cpu_ended_joules_total",
        "kepler_node_cpu_unlisted_joules",
    };
    struct world *w = *state;
    w->sample.processes = MANY;
    w->sample.irq_ns = 777;
    w->meter.fresh = true;
    w->meter.elapsed_ns = 1000000000;
    w->s.process_top = 4;
    attribution_init(&w->a, 1, 0, false);
    for (unsigned i = 0; i < 1000; i++) {
        for (size_t k = 0; k < w->sample.processes; k++)
            w->list[k]->pending_ns = (i * 7919 + k * 104729) % 100003;
        w->meter.zone[ZONE_PACKAGE].delta_joules = 17.1 + i % 13 / 7.0;
        w->meter.zone[ZONE_PACKAGE].delta_idle_joules = 6.3;
        attribution_apply(&w->a, &w->sample, &w->meter);
    }
    const char *text = render(w);
    double sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(part); i++)
        sum += sum_printed(text, part[i]);
    double node = sum_printed(text, "kepler_node_cpu_joules_total");
    assert_true(node > 17000);
    if (fabs(sum - node) > 1e-9 * node)
        fail_msg("parts %.17g, node %.17g", sum, node);
}

static void every_family_is_named_once_and_well(void **state)
{
    struct world *w = *state;
    const char *text = render(w);
    for (size_t i = 0; i < metrics_count; i++) {
        const struct metric *m = &metrics_table[i];
        size_t n = strlen(m->name);
        bool is_total = n > 6 && strcmp(m->name + n - 6, "_total") == 0;
        if (is_total != (m->type == METRIC_COUNTER))
            fail_msg("%s: only counters end in _total", m->name);
        if (m->help[strlen(m->help) - 1] == '.')
            fail_msg("%s: help ends with a stop", m->name);
        AUTO_BUF type;
        buf_init(&type, 200);
        buf_printf(&type, "# TYPE %s ", m->name);
        if (count(text, buf_text(&type)) > 1)
            fail_msg("%s is there twice", m->name);
    }
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void document_names_every_metric(void **state)
{
    AUTO_BUF doc;
    (void)state;
    buf_init(&doc, 1 << 20);
    metrics_render_markdown(&doc);
    assert_false(doc.full);
    for (size_t i = 0; i < metrics_count; i++) {
        AUTO_BUF row;
        buf_init(&row, 200);
        buf_printf(&row, "\n| `%s` |", metrics_table[i].name);
        assert_has(buf_text(&doc), buf_text(&row));
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_done)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_hold_any_bytes),
        cmocka_unit_test(numbers_are_short_and_exact),
        cmocka_unit_test(nano_numbers_have_nine_decimals),
        WITH_WORLD(a_zone_that_is_no_more_keeps_its_joules_and_has_no_watts),
        WITH_WORLD(node_series_have_keplers_labels),
        WITH_WORLD(process_series_have_keplers_labels),
        WITH_WORLD(what_has_left_still_runs_for_a_reader),
        WITH_WORLD(watts_are_absent_before_the_first_interval),
        WITH_WORLD(what_is_not_known_is_absent),
        WITH_WORLD(ignored_keys_are_told),
        WITH_WORLD(help_tells_the_source_of_each_zone),
        WITH_WORLD(each_zone_has_its_own_meter),
        WITH_WORLD(levels_leave_families_out),
        WITH_WORLD(top_lists_who_draws_most_and_sums_the_rest),
        WITH_WORLD(no_two_lines_have_the_same_labels),
        WITH_WORLD(printed_values_are_conserved),
        WITH_WORLD(every_family_is_named_once_and_well),
        cmocka_unit_test(document_names_every_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
