/* SPDX-License-Identifier: Apache-2.0 */
#include "power/weights.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define DATA            "tests/data/model-server/"
#define C5METAL_CEILING 960.0 /* 2 x 240 W x 2 sockets */

static struct json *body_of(const char *name)
{
    AUTO_STR path = mem_printf(DATA "%s.json", name);
    AUTO_BUF text;
    struct err err = { 0 };
    buf_init(&text, 1 << 20);
    if (file_read(path, &text, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_JSON pair = json_parse(buf_text(&text), text.len, &err);
    if (!pair)
        fail_msg("%s: %s", path, err.text);
    return json_copy(json_get(pair, "response.body"));
}

static struct json *parsed(const char *text)
{
    struct err err = { 0 };
    struct json *value = json_parse(text, strlen(text), &err);
    if (!value)
        fail_msg("%s: %s", text, err.text);
    return value;
}

static void assert_watts(const char *why, double got, double want)
{
    if (!(fabs(got - want) <= 0.0005))
        fail_msg("%s: %.4f W, not %.4f W", why, got, want);
}

/* -- every recorded reply -- */

/* Watts at load 0, 0.5 and 1, computed by hand from the weights in the file. */
struct zone_row {
    enum energy_zone zone;
    enum weights_kind kind;
    double watts[3];
};

struct reply_row {
    const char *why, *file, *trainer;
    unsigned threads;
    int code;
    struct zone_row zone[2];
    size_t zones;
    const char *rejected; /* in the sentence; NULL: nothing was */
};

static const struct reply_row replies[] = {
    { "the best logarithmic model of c5.metal is below 0 W at rest: only its memory is taken",
      "c5metal-spec-abspower-rapl-sysfs",
      NULL,
      96,
      0,
      { { ZONE_DRAM, WEIGHTS_LOGARITHMIC, { 16.2654, 19.4588, 21.7240 } } },
      1,
      "package: P(0) = -963.8 W" },
    { "so is the one of m5.metal",
      "m5.metal-abspower-rapl-sysfs",
      NULL,
      96,
      0,
      { { ZONE_DRAM, WEIGHTS_LOGARITHMIC, { 21.0169, 25.7551, 29.1159 } } },
      1,
      "package: P(0) = -683.4 W" },
    { "by node type there is no name: the package's curve tells whose all are",
      "nodetype2-abspower-rapl",
      NULL,
      96,
      0,
      { { ZONE_DRAM, WEIGHTS_LOGARITHMIC, { 16.2654, 19.4588, 21.7240 } } },
      1,
      "package: P(0) = -963.8 W" },
    { "asked for by name it is the same",
      "nodetype2-abspower-rapl-logarithmic",
      "LogarithmicRegressionTrainer",
      96,
      0,
      { { ZONE_DRAM, WEIGHTS_LOGARITHMIC, { 16.2654, 19.4588, 21.7240 } } },
      1,
      "package: P(0) = -963.8 W" },
    { "exponential: the package makes sense, its memory falls with the load",
      "nodetype2-abspower-rapl-exponential",
      "ExponentialRegressionTrainer",
      96,
      0,
      { { ZONE_PACKAGE, WEIGHTS_EXPONENTIAL, { 143.6090, 300.0959, 456.5964 } } },
      1,
      "dram: it falls with the load: 21.0 W" },
    { "exponential without its name is told by the package",
      "nodetype2-abspower-rapl-exponential",
      NULL,
      96,
      0,
      { { ZONE_PACKAGE, WEIGHTS_EXPONENTIAL, { 143.6090, 300.0959, 456.5964 } } },
      1,
      "dram: it falls with the load: 21.0 W" },
    { "linear, and core and uncore of 0 W are no zones",
      "nodetype2-abspower-rapl-sgd",
      "SGDRegressorTrainer",
      96,
      0,
      { { ZONE_PACKAGE, WEIGHTS_LINEAR, { 155.5464, 299.9750, 444.4037 } },
        { ZONE_DRAM, WEIGHTS_LINEAR, { 31.2107, 31.4647, 31.7186 } } },
      2,
      NULL },
    { "linear is told without a name",
      "nodetype2-abspower-rapl-sgd",
      NULL,
      96,
      0,
      { { ZONE_PACKAGE, WEIGHTS_LINEAR, { 155.5464, 299.9750, 444.4037 } },
        { ZONE_DRAM, WEIGHTS_LINEAR, { 31.2107, 31.4647, 31.7186 } } },
      2,
      NULL },
    { "a logarithmic model that holds",
      "nospec-abspower-rapl",
      NULL,
      72,
      0,
      { { ZONE_PACKAGE, WEIGHTS_LOGARITHMIC, { 22.0718, 189.6796, 224.9867 } },
        { ZONE_DRAM, WEIGHTS_LOGARITHMIC, { 23.7392, 28.9435, 32.6348 } } },
      2,
      NULL },
    { "the Xeon's model that an EPYC was given, on a machine of its size",
      "unknown-epyc-abspower-rapl-sysfs",
      NULL,
      96,
      0,
      { { ZONE_PACKAGE, WEIGHTS_LINEAR, { 144.6047, 297.2757, 449.9468 } },
        { ZONE_DRAM, WEIGHTS_LINEAR, { 33.2263, 41.2936, 49.3609 } } },
      2,
      NULL },
    { "and on the EPYC: it is of 96 CPUs",
      "unknown-epyc-abspower-rapl-sysfs",
      NULL,
      384,
      -ERANGE,
      { { 0 } },
      0,
      "package: it was made on a machine of about 96 CPUs" },
    { "the whole host's model is none of a VM of 4 CPUs",
      "vm-8275cl-4vcpu-abspower-rapl-sysfs",
      NULL,
      4,
      -ERANGE,
      { { 0 } },
      0,
      "about 96 CPUs (its scale is 95886 ms/s), and this one has 4" },
    { "platform is psys",
      "c5metal-spec-abspower-acpi",
      NULL,
      96,
      0,
      { { ZONE_PSYS, WEIGHTS_EXPONENTIAL, { 76.3072, 267.3956, 547.9148 } } },
      1,
      NULL },
    { "a logistic platform",
      "m5.metal-abspower-acpi",
      NULL,
      96,
      0,
      { { ZONE_PSYS, WEIGHTS_LOGISTIC, { 163.4394, 315.3720, 494.7161 } } },
      1,
      NULL },
    { "a logistic platform of an EPYC",
      "unknown-epyc-abspower-acpi",
      NULL,
      384,
      0,
      { { ZONE_PSYS, WEIGHTS_LOGISTIC, { 173.2932, 527.0464, 832.4040 } } },
      1,
      NULL },
    { "a linear platform of 4 cores",
      "vm-8275cl-4vcpu-abspower-acpi",
      NULL,
      4,
      0,
      { { ZONE_PSYS, WEIGHTS_LINEAR, { 31.3455, 70.0410, 108.7365 } } },
      1,
      NULL },
    { "dynamic power is more than 0 W at rest, so that it cannot be told by its curve",
      "c5metal-spec-dynpower-acpi",
      NULL,
      96,
      0,
      { { ZONE_PSYS, WEIGHTS_LOGARITHMIC, { 11.0880, 213.4350, 415.7342 } } },
      1,
      NULL },
    { "weights of counters that are not there",
      "c5metal-spec-abspower-rapl-allmetrics",
      NULL,
      96,
      -ERANGE,
      { { 0 } },
      0,
      "package: it does not use bpf_cpu_time_ms but bpf_block_irq" },
    { "and without a name",
      "nodetype2-abspower-rapl-allmetrics",
      NULL,
      96,
      -ERANGE,
      { { 0 } },
      0,
      "dram: it does not use bpf_cpu_time_ms but bpf_block_irq" },
    { "the sentence of a 400 is no model",
      "c5metal-spec-dynpower-rapl-sysfs",
      NULL,
      96,
      -EBADMSG,
      { { 0 } },
      0,
      "no model: neither package, dram" },
    { "nor is a list of models", "best-models", NULL, 96, -EBADMSG, { { 0 } }, 0, "no model" },
};

static void check_zones(const struct reply_row *row, const struct weights_reply *reply)
{
    size_t zones = 0;
    for (size_t zone = 0; zone < ZONE_COUNT; zone++)
        zones += reply->has[zone] ? 1 : 0;
    if (zones != row->zones)
        fail_msg("%s: %zu zones, not %zu (%s)", row->why, zones, row->zones, reply->rejected);
    for (size_t i = 0; i < row->zones; i++) {
        const struct zone_row *want = &row->zone[i];
        const struct weights *w = &reply->zone[want->zone];
        if (!reply->has[want->zone] || w->kind != want->kind)
            fail_msg("%s: zone %s is %s", row->why, energy_zone_name(want->zone),
                     weights_kind_name(w->kind));
        for (size_t u = 0; u < 3; u++)
            assert_watts(row->why, weights_watts(w, row->threads * 500.0 * (double)u),
                         want->watts[u]);
    }
}

static void every_recorded_reply_gives_its_zones(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(replies); i++) {
        const struct reply_row *row = &replies[i];
        AUTO_JSON body = body_of(row->file);
        struct weights_reply reply = { .model_name = "before" };
        struct err err = { 0 };
        const struct weights_machine m = { row->threads, C5METAL_CEILING };
        int code = weights_reply_parse(body, row->trainer, &m, &reply, &err);
        const char *said = code < 0 ? err.text : reply.rejected;
        if (code != row->code)
            fail_msg("%s: %d %s", row->why, code, said);
        if (row->rejected ? !strstr(said, row->rejected) : said[0] != '\0')
            fail_msg("%s: \"%s\"", row->why, said);
        if (code < 0)
            assert_string_equal(reply.model_name, "before");
        else
            check_zones(row, &reply);
    }
}

static void the_name_comes_from_the_reply(void **state)
{
    (void)state;
    const struct weights_machine m = { 96, C5METAL_CEILING };
    struct weights_reply reply;
    AUTO_JSON named = body_of("c5metal-spec-abspower-rapl-sysfs");
    assert_int_equal(weights_reply_parse(named, NULL, &m, &reply, NULL), 0);
    assert_string_equal(reply.model_name, "LogarithmicRegressionTrainer_2");
    AUTO_JSON plain = body_of("nodetype2-abspower-rapl-sgd");
    assert_int_equal(weights_reply_parse(plain, NULL, &m, &reply, NULL), 0);
    assert_string_equal(reply.model_name, "");
}

/* -- one component -- */

#define VARIABLES(scale, weight)                                                               \
 "\"Categorical_Variables\":{},\"Numerical_Variables\":{\"bpf_cpu_time_ms\":{\"scale\":" scale \
 ",\"weight\":" weight "},\"bpf_page_cache_hit\":{\"scale\":1.0,\"weight\":0.0}}"
#define CURVE(numbers) \
 "{\"All_Weights\":{\"CurveFit_Weights\":[" numbers "]," VARIABLES("1000", "0") "}}"

static void a_kind_is_told_by_name_else_by_what_makes_sense(void **state)
{
    static const struct {
        const char *why, *text, *trainer;
        enum weights_kind kind;
    } rows[] = {
        { "no curve is linear", "{\"All_Weights\":{\"Bias_Weight\":1," VARIABLES("9", "1") "}}",
          NULL, WEIGHTS_LINEAR },
        { "an empty curve is linear",
          "{\"All_Weights\":{\"CurveFit_Weights\":[],\"Bias_Weight\":1," VARIABLES("9", "1") "}}",
          NULL, WEIGHTS_LINEAR },
        { "four weights are logistic", CURVE("100, 0.5, 4, 50"), NULL, WEIGHTS_LOGISTIC },
        { "three that are below 0 W as a logarithm", CURVE("200, 1, -100"), NULL,
          WEIGHTS_EXPONENTIAL },
        { "three that are infinite as an exponential", CURVE("92, 8408957, -963"), NULL,
          WEIGHTS_LOGARITHMIC },
        { "three that fall as a logarithm", CURVE("-50, -0.5, 120"), NULL, WEIGHTS_LOGARITHMIC },
        { "three that make sense as both", CURVE("8, 1, 16"), NULL, WEIGHTS_LOGARITHMIC },
        { "unless their trainer says so", CURVE("8, 1, 16"), "ExponentialRegressionTrainer",
          WEIGHTS_EXPONENTIAL },
        { "or their model's name", CURVE("8, 1, 16"), "ExponentialRegressionTrainer_254",
          WEIGHTS_EXPONENTIAL },
        { "an unknown trainer says nothing", CURVE("200, 1, -100"), "ExponentialRegressionTrainerX",
          WEIGHTS_EXPONENTIAL },
        { "nor does an empty name", CURVE("8, 1, 16"), "", WEIGHTS_LOGARITHMIC },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON component = parsed(rows[i].text);
        struct weights w;
        struct err err = { 0 };
        if (weights_parse(component, rows[i].trainer, &w, &err) < 0)
            fail_msg("%s: %s", rows[i].why, err.text);
        if (w.kind != rows[i].kind)
            fail_msg("%s: %s", rows[i].why, weights_kind_name(w.kind));
    }
}

static void a_component_says_what_it_lacks(void **state)
{
    static const struct {
        const char *text, *trainer, *says;
    } rows[] = {
        { "null", NULL, "it has no All_Weights" },
        { "{\"All_Weights\":7}", NULL, "it has no All_Weights" },
        { "{\"All_Weights\":{}}", NULL, "not use bpf_cpu_time_ms but no variable at all" },
        { "{\"All_Weights\":{" VARIABLES("1", "1") "}}", NULL, "neither Bias_Weight nor" },
        { "{\"All_Weights\":{\"Bias_Weight\":\"9\"," VARIABLES("1", "1") "}}", NULL,
          "neither Bias_" },
        { "{\"All_Weights\":{\"Bias_Weight\":1," VARIABLES("0", "1") "}}", NULL,
          "scale of bpf_cpu" },
        { "{\"All_Weights\":{\"Bias_Weight\":1," VARIABLES("-5", "1") "}}", NULL,
          "scale of bpf_cpu" },
        { "{\"All_Weights\":{\"Bias_Weight\":1," VARIABLES("null", "1") "}}", NULL,
          "scale of bpf_cpu" },
        { "{\"All_Weights\":{\"Bias_Weight\":1," VARIABLES("1", "null") "}}", NULL,
          "has no weight" },
        { CURVE("1, 2"), NULL, "CurveFit_Weights has 2 numbers" },
        { CURVE("1, 2, 3, 4, 5"), NULL, "CurveFit_Weights has 5 numbers" },
        { CURVE("1, \"2\", 3"), NULL, "CurveFit_Weights[1] is no number" },
        { CURVE("1, 2, null"), NULL, "CurveFit_Weights[2] is no number" },
        { "{\"All_Weights\":{\"CurveFit_Weights\":{\"a\":1}," VARIABLES("1", "1") "}}", NULL,
          "CurveFit_Weights is no array" },
        { CURVE("1, 2, 3"), "SGDRegressorTrainer", "has 0 curve weights, 3 are here" },
        { CURVE("1, 2, 3"), "LogisticRegressionTrainer_5", "has 4 curve weights, 3 are here" },
        { "{\"All_Weights\":{\"Categorical_Variables\":{\"cpu_architecture\":{}}}}", NULL,
          "it needs cpu_architecture" },
        { "{\"All_Weights\":{\"Bias_Weight\":1,\"Numerical_Variables\":{"
          "\"bpf_cpu_time_ms\":{\"scale\":1,\"weight\":1},\"cache_miss\":{\"weight\":0.25}}}}",
          NULL, "it needs cache_miss (weight 0.25)" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON component = parsed(rows[i].text);
        struct weights w = { .bias = 77 };
        struct err err = { 0 };
        int code = weights_parse(component, rows[i].trainer, &w, &err);
        if (code != -EBADMSG || !strstr(err.text, rows[i].says))
            fail_msg("%s: %d \"%s\"", rows[i].text, code, err.text);
        assert_true(w.bias == 77);
    }
}

/* -- whether it can be true -- */

static struct weights line(double bias, double weight, double scale_ms)
{
    return (struct weights){
        .kind = WEIGHTS_LINEAR, .bias = bias, .weight = weight, .scale_ms = scale_ms
    };
}

static struct weights curve(enum weights_kind kind, double a, double b, double c)
{
    return (struct weights){ .kind = kind, .curve = { a, b, c }, .scale_ms = 4000 };
}

static void what_a_machine_of_four_cpus_and_100_watts_takes(void **state)
{
    const struct {
        const char *why;
        struct weights w;
        const char *says; /* NULL: taken */
    } rows[] = {
        { "10 W to 60 W", line(10, 50, 4000), NULL },
        { "the same power at any load", line(10, 0, 4000), NULL },
        { "just the ceiling", line(10, 90, 4000), NULL },
        { "nothing at rest", line(0, 50, 4000), "P(0) = 0.0 W" },
        { "less than nothing at rest", line(-1, 50, 4000), "P(0) = -1.0 W" },
        { "falling", line(60, -50, 4000), "it falls with the load: 60.0 W, then 59.5 W at 1 %" },
        { "above the ceiling", line(10, 91, 4000),
          "P(0.99) = 100.1 W is above the most that is possible, 100 W" },
        { "milliwatts", line(10000, 50000, 4000),
          "P(0.00) = 10000.0 W is above the most that is possible" },
        { "of a machine of 96 CPUs", line(10, 50, 96000), "about 96 CPUs" },
        { "of a machine of one CPU", line(10, 50, 1000), "about 1 CPUs" },
        { "counted in cores, not threads", line(10, 25, 2000), NULL },
        { "a logarithm with a pole", curve(WEIGHTS_LOGARITHMIC, -10, -1.5, 20), "is no number" },
        { "an exponential without end", curve(WEIGHTS_EXPONENTIAL, 1, 1000, 20), NULL },
        { "a falling exponential", curve(WEIGHTS_EXPONENTIAL, 50, -2, 20), "it falls" },
        { "rounding is no fall", curve(WEIGHTS_EXPONENTIAL, -1e-6, 1, 20), NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        int code = weights_check(&rows[i].w, 4, 100, &err);
        bool endless = strcmp(rows[i].why, "an exponential without end") == 0;
        const char *says = endless ? "above the most that is possible" : rows[i].says;
        if (code != (says ? -ERANGE : 0) || (says && !strstr(err.text, says)))
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void the_four_formulas(void **state)
{
    (void)state;
    struct weights w = line(10, 50, 2000);
    assert_watts("linear", weights_watts(&w, 1000), 35);
    w = curve(WEIGHTS_EXPONENTIAL, 3, 2, 5);
    assert_watts("exponential", weights_watts(&w, 2000), 13.1548); /* 3 e^1 + 5 */
    w = curve(WEIGHTS_LOGARITHMIC, 3, 2, 5);
    assert_watts("logarithmic", weights_watts(&w, 2000), 7.0794); /* 3 ln 2 + 5 */
    w = curve(WEIGHTS_LOGISTIC, 100, 0.5, 4);
    w.curve[3] = 7;
    assert_watts("logistic, its middle", weights_watts(&w, 2000), 57);
    assert_watts("logistic, at rest", weights_watts(&w, 0), 18.9203); /* 100/(1+e^2) + 7 */
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(weights_kind_name(WEIGHTS_LINEAR), "linear");
    assert_string_equal(weights_kind_name(WEIGHTS_EXPONENTIAL), "exponential");
    assert_string_equal(weights_kind_name(WEIGHTS_LOGARITHMIC), "logarithmic");
    assert_string_equal(weights_kind_name(WEIGHTS_LOGISTIC), "logistic");
}

static void a_reply_of_nothing_but_zeros_is_no_model(void **state)
{
    (void)state;
    const struct weights_machine m = { 1, 100 };
    struct weights_reply reply;
    struct err err = { 0 };
    AUTO_JSON body = parsed("{\"core\":" CURVE("0, 1, 0") "}");
    assert_int_equal(weights_reply_parse(body, NULL, &m, &reply, &err), -ERANGE);
    assert_non_null(strstr(err.text, "0 W at any load"));
}

static void the_reasons_of_all_components_are_told(void **state)
{
    (void)state;
    const struct weights_machine m = { 1, 100 };
    struct weights_reply reply;
    struct err err = { 0 };
    AUTO_JSON body = parsed(
        "{\"package\":" CURVE("10, 1, -9") ",\"dram\":{},\"uncore\":5,"
                                           "\"model_name\":\"LogarithmicRegressionTrainer_1\"}");
    assert_int_equal(weights_reply_parse(body, NULL, &m, &reply, &err), -ERANGE);
    assert_string_equal(err.text, "package: P(0) = -9.0 W, and nothing at rest draws that; "
                                  "dram: it has no All_Weights");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_reply_gives_its_zones),
        cmocka_unit_test(the_name_comes_from_the_reply),
        cmocka_unit_test(a_kind_is_told_by_name_else_by_what_makes_sense),
        cmocka_unit_test(a_component_says_what_it_lacks),
        cmocka_unit_test(what_a_machine_of_four_cpus_and_100_watts_takes),
        cmocka_unit_test(the_four_formulas),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(a_reply_of_nothing_but_zeros_is_no_model),
        cmocka_unit_test(the_reasons_of_all_components_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
