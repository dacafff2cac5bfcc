/* SPDX-License-Identifier: Apache-2.0 */
#include "power/model_file.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "power/watt.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"
#include "tree.h"

#define CPU "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz"

/* Two sockets, 96 threads, 200 GB: 60 W at rest, 420 W at full load, a knee at 50 %. */
static struct model_file calibrated(void)
{
    return (struct model_file){
        .vendor = "GenuineIntel",
        .cpu_model = CPU,
        .family = 6,
        .model = 85,
        .stepping = 7,
        .sockets = 2,
        .cores = 48,
        .threads = 96,
        .memory_gb = 200,
        .kernel = "6.8.0-1021-aws",
        .date = "2026-11-22T19:40:00Z",
        .source = "powercap",
        .version = "1.2.3",
        .point = {
            { 0, 0, 10, 60, 0.5, 20, 0.1 },
            { 0.5, 0.5, 10, 300, 1.5, 40, 0.2 },
            { 1, 1, 10, 420, 2.5, 80, 0.3 },
        },
        .points = 3,
        .residual_mean_ratio = 0.03,
        .residual_max_ratio = 0.08,
    };
}

static struct cpu_facts same_cpu(void)
{
    return (struct cpu_facts){
        .vendor = "GenuineIntel",
        .family = 6,
        .model = 85,
        .stepping = 7,
        .model_name = CPU,
        .sockets = 2,
        .cores = 48,
        .threads = 96,
    };
}

static char *text_of(const struct tree *t, const char *path)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    AUTO_STR full = tree_path(t, path);
    tree_must(file_read(full, &text, NULL) == 0, "read", full);
    return buf_take(&text);
}

static char *written(const struct model_file *m)
{
    AUTO_TREE t;
    struct err err = { 0 };
    tree_make(&t);
    AUTO_STR path = tree_path(&t, "/model.json");
    if (model_file_write(path, m, &err) < 0)
        fail_msg("%s", err.text);
    return text_of(&t, "/model.json");
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    AUTO_TREE t;
    struct err err = { 0 };
    struct model_file m = calibrated();
    struct model_file got;
    tree_make(&t);
    AUTO_STR path = tree_path(&t, "/model.json");
    assert_int_equal(model_file_write(path, &m, &err), 0);
    assert_int_equal(model_file_read(path, &got, &err), 0);
    assert_string_equal(got.vendor, m.vendor);
    assert_string_equal(got.cpu_model, m.cpu_model);
    assert_string_equal(got.kernel, m.kernel);
    assert_string_equal(got.date, m.date);
    assert_string_equal(got.source, m.source);
    assert_string_equal(got.version, m.version);
    assert_int_equal(got.family, 6);
    assert_int_equal(got.model, 85);
    assert_int_equal(got.stepping, 7);
    assert_int_equal(got.sockets, 2);
    assert_int_equal(got.cores, 48);
    assert_int_equal(got.threads, 96);
    assert_close(got.memory_gb, 200, "memory");
    assert_int_equal(got.points, 3);
    assert_close(got.residual_mean_ratio, 0.03, "mean residual");
    assert_close(got.residual_max_ratio, 0.08, "largest residual");
    for (size_t i = 0; i < 3; i++) {
        const struct model_point *a = &got.point[i];
        const struct model_point *b = &m.point[i];
        assert_close(a->load, b->load, "load");
        assert_close(a->usage_ratio, b->usage_ratio, "usage");
        assert_close(a->seconds, b->seconds, "seconds");
        assert_close(a->package_watts, b->package_watts, "package");
        assert_close(a->package_stddev, b->package_stddev, "its deviation");
        assert_close(a->dram_watts, b->dram_watts, "dram");
        assert_close(a->dram_stddev, b->dram_stddev, "its deviation");
    }
}

static void a_machine_without_a_dram_sensor_has_no_such_member(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct model_file got;
    for (size_t i = 0; i < m.points; i++)
        m.point[i].dram_watts = m.point[i].dram_stddev = -1;
    AUTO_STR text = written(&m);
    assert_null(strstr(text, "dram"));
    assert_int_equal(model_file_parse(text, strlen(text), &got, NULL), 0);
    assert_true(got.point[0].dram_watts < 0 && got.point[2].dram_stddev < 0);
}

/* The first place of @from in @text becomes @to; the caller frees. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("the document has no %s:\n%s", from, text);
    return mem_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void a_document_that_is_not_right_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sentence, *from, *to;
        int code;
        const char *says;
    } rows[] = {
        { "a newer schema", "kepler-model/1", "kepler-model/2", -ENOTSUP, "kepler-model/2" },
        { "a document of another kind", "kepler-model/1", "kepler-probe/1", -EBADMSG,
          "kepler-probe/1" },
        { "no schema", "\"schema\"", "\"scheme\"", -EBADMSG, "no calibration" },
        { "broken JSON names its line", "\"version\":", "\"version\"", -EBADMSG, "line 4" },
        { "a text for a number", "\"package_watts\": 60", "\"package_watts\": \"60\"", -EBADMSG,
          "points[0].package_watts is not a number" },
        { "a number for a text", "\"source\": \"powercap\"", "\"source\": 5", -EBADMSG,
          "source is not a text" },
        { "half a socket", "\"sockets\": 2", "\"sockets\": 1.5", -EBADMSG,
          "machine.sockets is 1.5, not a whole number" },
        { "no socket", "\"sockets\": 2", "\"sockets\": 0", -EBADMSG, "machine.sockets is 0" },
        { "more sockets than threads", "\"sockets\": 2", "\"sockets\": 200", -EBADMSG,
          "more than its 96 threads" },
        { "no watts", "\"package_watts\": 60", "\"package_watts\": 0", -EBADMSG,
          "points[0].package_watts is 0: it has to be above 0, and at most 1e+06" },
        { "negative watts", "\"package_watts\": 300", "\"package_watts\": -300", -EBADMSG,
          "points[1].package_watts is -300" },
        { "a huge number", "\"package_watts\": 300", "\"package_watts\": 1e300", -EBADMSG,
          "points[1].package_watts is 1e+300" },
        { "a negative deviation", "\"package_stddev\": 0.5", "\"package_stddev\": -1", -EBADMSG,
          "points[0].package_stddev" },
        { "more usage than CPUs", "\"usage_ratio\": 0.5", "\"usage_ratio\": 1.5", -EBADMSG,
          "points[1].usage_ratio" },
        { "no time", "\"seconds\": 10", "\"seconds\": 0", -EBADMSG, "points[0].seconds" },
        { "loads out of order", "\"load\": 0.5", "\"load\": 0", -EBADMSG,
          "points[1].load is 0 after 0" },
        { "watts falling more than noise", "\"package_watts\": 300", "\"package_watts\": 500",
          -EBADMSG,
          "package_watts is 420 W at load 1 (really 100.0 %), below the 500 W of load 0.5 (really "
          "50.0 %)" },
        { "memory's watts falling more than noise", "\"dram_watts\": 40", "\"dram_watts\": 120",
          -EBADMSG, "dram_watts is 80 W at load 1 (really 100.0 %), below the 120 W of load 0.5" },
        { "not up to full load", "\"load\": 1,", "\"load\": 0.9,", -EBADMSG, "from load 0 to 0.9" },
        { "not from rest", "\"load\": 0,", "\"load\": 0.1,", -EBADMSG, "from load 0.1 to 1" },
        { "a load that was held back", "\"usage_ratio\": 1,", "\"usage_ratio\": 0.94,", -EBADMSG,
          "busy for 94.0 % of the time only, where 95 % are the least: the load was held back" },
        { "a machine that was busy", "\"usage_ratio\": 0,", "\"usage_ratio\": 0.11,", -EBADMSG,
          "busy for 11.0 % of the time, where 10 % are the most: something else kept the CPUs "
          "busy" },
        { "memory that no machine has", "\"memory_gb\": 200", "\"memory_gb\": 1e-300", -EBADMSG,
          "machine.memory_gb is 1e-300, which no machine has" },
        { "a deviation above its watts", "\"package_stddev\": 1.5", "\"package_stddev\": 300.5",
          -EBADMSG, "points[1].package_stddev is 300.5 W, more than the 300 W" },
        { "memory's deviation above its watts", "\"dram_stddev\": 0.2", "\"dram_stddev\": 1e6",
          -EBADMSG, "points[1].dram_stddev is 1e+06 W, more than the 40 W" },
        { "dram at one point less", "\"dram_watts\": 40,", "", -EBADMSG, "points[1].dram_watts" },
        { "dram watts without power", "\"dram_watts\": 40", "\"dram_watts\": 0", -EBADMSG,
          "points[1].dram_watts is 0" },
        { "a missing member", "\"kernel\": \"6.8.0-1021-aws\"", "\"x\": 1", -EBADMSG,
          "machine.kernel is missing" },
        { "an unknown member", "\"sockets\": 2", "\"sockets\": 2, \"soxets\": 2", -EBADMSG,
          "machine.soxets is no member" },
        { "an unknown member of the whole", "\"source\"", "\"colour\": 1, \"source\"", -EBADMSG,
          "colour is no member" },
        { "an unknown member of a point", "\"load\": 0.5", "\"load\": 0.5, \"watts\": 2", -EBADMSG,
          "points[1].watts is no member" },
        { "a text that is too long", "6.8.0-1021-aws",
          "6.8.0-0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
          "23456789012345",
          -EBADMSG, "machine.kernel is longer than 95 bytes" },
        { "points that are no list", "\"points\": [", "\"points\": 5, \"p\": [", -EBADMSG,
          "p is no member" },
        { "a day that is no time", "2026-11-22T19:40:00Z", "yesterday", -EBADMSG,
          "created_at is \"yesterday\"" },
        { "a month that no year has", "2026-11-22T19:40:00Z", "2026-13-45T99:99:99Z", -EBADMSG,
          "created_at is \"2026-13-45T99:99:99Z\"" },
        { "a day that this February has not", "2026-11-22T", "2026-02-29T", -EBADMSG,
          "created_at is \"2026-02-29" },
        { "a time without its zone", "19:40:00Z", "19:40:00", -EBADMSG, "created_at is" },
        { "a digit too few", "19:40:00Z", "9:40:00Z", -EBADMSG, "created_at is" },
        { "an estimate is no sensor", "\"powercap\"", "\"model\"", -EBADMSG,
          "source is \"model\", which is no sensor: powercap" },
        { "a member that is there twice", "\"source\"", "\"source\": \"msr\", \"source\"", -EBADMSG,
          "source is there twice" },
        { "one of a point, twice", "\"load\": 0.5", "\"load\": 0.5, \"load\": 0.6", -EBADMSG,
          "points[1].load is there twice" },
        { "points twice", "\"points\"", "\"points\": [], \"points\"", -EBADMSG,
          "points is there twice" },
        { "dram without its deviation", "\"dram_stddev\": 0.1", "\"dram_stddev\": -1", -EBADMSG,
          "points[0].dram_stddev is -1" },
        { "dram's deviation alone", "\"dram_watts\": 20,", "", -EBADMSG,
          "points[0].dram_watts is missing beside its dram_stddev" },
        { "no residuals", "\"residuals\"", "\"residual\"", -EBADMSG, "residual is no member" },
    };
    struct model_file m = calibrated();
    AUTO_STR good = written(&m);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        struct model_file got = { .points = 77 };
        AUTO_STR bad = replaced(good, rows[i].from, rows[i].to);
        int code = model_file_parse(bad, strlen(bad), &got, &err);
        if (code != rows[i].code || !strstr(err.text, rows[i].says))
            fail_msg("%s: %d, \"%s\"", rows[i].sentence, code, err.text);
        assert_int_equal(got.points, 77); /* nothing is written on failure */
    }
}

static void what_a_point_lacks_is_told_of_that_point(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct model_file got;
    struct err err = { 0 };
    AUTO_STR good = written(&m);
    char *from = strstr(good, "\"dram_watts\": 20");
    assert_non_null(from);
    char *comma = strchr(from, ',');
    char *end = strchr(from, '}');
    assert_true(comma && end && comma < end);
    memset(comma, ' ', (size_t)(end - comma));
    assert_int_equal(model_file_parse(good, strlen(good), &got, &err), -EBADMSG);
    assert_string_equal(err.text, "points[0].dram_stddev is missing beside its dram_watts");
}

static void points_that_are_none_or_too_many_are_refused(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    AUTO_STR good = written(&m);
    char *from = strstr(good, "\"points\": [");
    char *to = strstr(from, "],");
    assert_non_null(to);
    static const struct {
        size_t n;
        const char *says;
    } rows[] = {
        { 0, "points has 0" },
        { 1, "points has 1" },
        { 102, "points has 102" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        struct model_file got;
        AUTO_BUF text;
        buf_init(&text, 1 << 20);
        buf_add(&text, good, (size_t)(from - good));
        buf_str(&text, "\"points\": [");
        for (size_t k = 0; k < rows[i].n; k++)
            buf_str(&text, k ? ", {}" : "{}");
        buf_str(&text, to);
        assert_int_equal(model_file_parse(buf_text(&text), text.len, &got, &err), -EBADMSG);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%zu points: %s", rows[i].n, err.text);
    }
}

static void noise_between_two_points_is_no_fall(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct model_file got;
    struct err err = { 0 };
    m.point[1].package_watts = 428; /* 8 W above full load: 2 % of it are noise */
    AUTO_STR two_percent = written(&m);
    assert_int_equal(model_file_parse(two_percent, strlen(two_percent), &got, &err), 0);
    m.point[1].package_watts = 460; /* 40 W above, but its readings scatter by 20 W */
    m.point[1].package_stddev = 20;
    AUTO_STR scattered = written(&m);
    assert_int_equal(model_file_parse(scattered, strlen(scattered), &got, &err), 0);
    m.point[1].package_watts = 570; /* scattering by 300 W hides no fall of more than a quarter */
    m.point[1].package_stddev = 300;
    assert_int_equal(model_file_check(&m, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "more load cannot draw less"));
}

static void a_file_without_points_is_none(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct model_file m = calibrated();
    m.points = 0;
    assert_int_equal(model_file_check(&m, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "both ends, 0 and 1, are needed"));
}

static void memory_that_is_not_known_is_none(void **state)
{
    (void)state;
    static const double gb[] = { 0, 0.1 };
    for (size_t i = 0; i < ARRAY_LEN(gb); i++) {
        struct err err = { 0 };
        struct model_file m = calibrated();
        m.memory_gb = gb[i];
        if (model_file_check(&m, &err) < 0)
            fail_msg("%g GB: %s", gb[i], err.text);
    }
}

/* What a step had beside it, its neighbour may not have had. */
static void points_are_in_order_of_the_load_that_they_had(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        struct model_point point[4];
        const char *says; /* NULL: nothing, it is accepted */
    } rows[] = {
        { "one step out of order",
          { { 0, 0.01, 10, 60, 1, -1, -1 },
            { 0.5, 0.66, 10, 350, 1, -1, -1 },
            { 0.6, 0.6, 10, 320, 1, -1, -1 },
            { 1, 1, 10, 420, 1, -1, -1 } },
          NULL },
        { "a machine that was busy has odd watts, too, but that is why",
          { { 0, 0.93, 10, 60, 1, -1, -1 },
            { 0.5, 0.73, 10, 350, 1, -1, -1 },
            { 0.6, 0.6, 10, 320, 1, -1, -1 },
            { 1, 1, 10, 420, 1, -1, -1 } },
          "something else kept the CPUs busy" },
        { "few watts at a load that was full",
          { { 0, 0.01, 10, 60, 1, -1, -1 },
            { 0.1, 1, 10, 61, 1, -1, -1 },
            { 0.2, 0.2, 10, 150, 1, -1, -1 },
            { 1, 0.99, 10, 420, 1, -1, -1 } },
          "package_watts is 61 W at load 0.1 (really 100.0 %), below the 150 W of load 0.2" },
        { "the same load with more and with less",
          { { 0, 0.01, 10, 60, 1, -1, -1 },
            { 0.3, 0.5, 10, 330, 1, -1, -1 },
            { 0.6, 0.5, 10, 300, 1, -1, -1 },
            { 1, 1, 10, 420, 1, -1, -1 } },
          NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        struct model_file m = calibrated();
        m.points = ARRAY_LEN(rows[i].point);
        memcpy(m.point, rows[i].point, sizeof(rows[i].point));
        int code = model_file_check(&m, &err);
        if (code != (rows[i].says ? -EBADMSG : 0) ||
            (rows[i].says && !strstr(err.text, rows[i].says)))
            fail_msg("%s: %d, %s", rows[i].sentence, code, err.text);
    }
}

static void what_makes_no_model_is_not_written(void **state)
{
    (void)state;
    AUTO_TREE t;
    struct err err = { 0 };
    struct model_file m = calibrated();
    tree_make(&t);
    tree_put(&t, "/model.json", "older");
    AUTO_STR path = tree_path(&t, "/model.json");
    m.point[2].package_watts = 61; /* as much as at rest, but for the noise */
    m.point[1].package_watts = 60;
    assert_int_equal(model_file_write(path, &m, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "was not written"));
    assert_non_null(strstr(err.text, "does not see the processor"));
    AUTO_STR kept = text_of(&t, "/model.json");
    assert_string_equal(kept, "older");
}

/* A limit of the size of files is a disk that is full, for whoever runs this. */
static void a_full_disk_leaves_what_was_there(void **state)
{
    (void)state;
    AUTO_TREE t;
    struct err err = { 0 };
    struct model_file m = calibrated();
    struct rlimit before;
    tree_make(&t);
    tree_put(&t, "/model.json", "older");
    AUTO_STR path = tree_path(&t, "/model.json");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit full = { 100, before.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
    int code = model_file_write(path, &m, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(code, -EFBIG);
    assert_non_null(strstr(err.text, "what was there before is unchanged"));
    AUTO_STR kept = text_of(&t, "/model.json");
    assert_string_equal(kept, "older");
    struct rootfs_names names;
    assert_int_equal(rootfs_list(&t.fs, "/", &names), 0);
    assert_int_equal(names.n, 1); /* nothing is left beside it */
    rootfs_names_done(&names);
    assert_int_equal(model_file_write("/dev/full", &m, &err), -ENOSPC);
}

static void a_file_that_cannot_be_read_is_named(void **state)
{
    (void)state;
    AUTO_TREE t;
    struct err err = { 0 };
    struct model_file got;
    tree_make(&t);
    AUTO_STR path = tree_path(&t, "/model.json");
    assert_int_equal(model_file_read(path, &got, &err), -ENOENT);
    assert_non_null(strstr(err.text, path));
    tree_put(&t, "/model.json", "{}");
    assert_int_equal(model_file_read(path, &got, &err), -EBADMSG);
    assert_non_null(strstr(err.text, path));
    tree_put(&t, "/model.json", "");
    assert_int_equal(model_file_read(path, &got, &err), -EBADMSG);
    assert_non_null(strstr(err.text, path));
}

/* -- use -- */

static struct cpu_power power_of(const struct model_file *m)
{
    struct cpu_facts cpu = same_cpu();
    struct cpu_power p = { 0 };
    struct err err = { 0 };
    if (model_file_to_power(m, "/etc/kepler/c5.json", &cpu, &p, &err) < 0)
        fail_msg("%s", err.text);
    return p;
}

/* What the generic shape says between @low and @high watts at load @from and @to. */
static double along_shape(double u, const double from[2], const double to[2])
{
    double low = watt_interpolate(cpu_power_shape, from[0]);
    double high = watt_interpolate(cpu_power_shape, to[0]);
    double at = watt_interpolate(cpu_power_shape, u);
    return from[1] + (to[1] - from[1]) * (at - low) / (high - low);
}

static void watts_between_the_points_follow_the_shape(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct cpu_power p = power_of(&m);
    assert_int_equal(p.tier, TIER_B_CALIBRATED);
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++) {
        double u = (double)i / 10;
        double want =
            u <= 0.5 ? along_shape(u, (const double[]){ 0, 60 }, (const double[]){ 0.5, 300 })
                     : along_shape(u, (const double[]){ 0.5, 300 }, (const double[]){ 1, 420 });
        assert_close(p.curve[i], want, "package watts");
    }
    assert_close(p.curve[0], 60, "the first point is kept");
    assert_close(p.curve[5], 300, "the middle one");
    assert_close(p.curve[10], 420, "the last one");
    assert_close(p.dram_watts_per_gb[0], 0.1, "dram at rest");
    assert_close(p.dram_watts_per_gb[5], 0.2, "dram at 50 %");
    assert_close(p.dram_watts_per_gb[10], 0.4, "dram at full load");
    assert_true(p.dram_watts_per_gb[1] > 0.1 && p.dram_watts_per_gb[1] < 0.2);
    assert_close(p.dram_low, DRAM_BOUND_LOW, "memory of another machine is other modules");
    assert_close(p.dram_high, DRAM_BOUND_HIGH, "memory of another machine is other modules");
    assert_close(p.bound_low, 0.90, "low");
    assert_close(p.bound_high, 1.19, "high");
    assert_int_equal(p.curve_sockets, 2);
    assert_int_equal(p.table_threads, 96);
}

static void it_says_whose_figures_they_are(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct cpu_power p = power_of(&m);
    assert_string_equal(p.name, CPU);
    assert_non_null(strstr(p.source, "c5.json"));
    assert_non_null(strstr(p.source, "2026-11-22T19:40:00Z"));
    assert_non_null(strstr(p.source, "6.8.0-1021-aws"));
    assert_non_null(strstr(p.source, "powercap"));
    assert_non_null(strstr(p.reason, "tier B'"));
    assert_non_null(strstr(p.reason, "3 points"));
}

/* Points at their real load, not at the wanted one; none below the one before. */
static void points_count_where_they_were(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    m.point[0].usage_ratio = 0.02;
    m.point[1].usage_ratio = 0.6;
    m.point[2].usage_ratio = 0.98;
    struct cpu_power p = power_of(&m);
    assert_close(p.curve[6], 300, "the middle one is at 60 %");
    assert_true(p.curve[0] < 60 && p.curve[10] > 420);
    m.point[1].package_watts = 425;
    p = power_of(&m);
    for (size_t i = 1; i < POWER_CURVE_POINTS; i++)
        assert_true(p.curve[i] >= p.curve[i - 1]);
    struct model_point middle = m.point[1];
    m.point[1] = m.point[2];
    m.point[2] = middle;
    struct cpu_power swapped = power_of(&m);
    assert_memory_equal(swapped.curve, p.curve, sizeof(p.curve));
}

static void points_at_the_same_load_are_one(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    m.point[1].usage_ratio = 0; /* the load of this step did not come about */
    struct cpu_power p = power_of(&m);
    assert_close(p.curve[0], (60.0 + 300.0) / 2, "their mean");
    assert_close(p.curve[10], 420, "full load");
}

/* Of a machine that is the generic shape, whatever of it was seen: all of it comes out. */
static void what_was_not_seen_is_told_by_the_shape(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        size_t points;
        double from, to;
    } rows[] = {
        { "both ends, and nothing else", 2, 0, 1 },
        { "two points, of a machine that was never quite at rest", 2, 0.04, 0.97 },
        { "eleven of them, between the ends", 11, 0.05, 0.95 },
        { "as busy as it may be", 3, 0.1, 0.95 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_file m = calibrated();
        m.points = rows[i].points;
        for (size_t k = 0; k < m.points; k++) {
            double load = (double)k / (double)(m.points - 1);
            double u = rows[i].from + (rows[i].to - rows[i].from) * load;
            double watts = 60 + 240 * watt_interpolate(cpu_power_shape, u);
            m.point[k] = (struct model_point){ load, u, 10, watts, 1, -1, -1 };
        }
        assert_int_equal(model_file_check(&m, NULL), 0);
        struct cpu_power p = power_of(&m);
        for (size_t k = 0; k < POWER_CURVE_POINTS; k++)
            assert_near(p.curve[k], 60 + 240 * cpu_power_shape[k], 1e-6, rows[i].sentence);
    }
}

static void rest_is_never_told_as_nothing(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    m.point[0].usage_ratio = 0.1; /* so steep that the shape would leave less than nothing */
    m.point[0].package_watts = 30;
    struct cpu_power p = power_of(&m);
    assert_close(p.curve[0], 10, "a third, as of the processors that were measured");
}

static void bounds_grow_with_what_was_not_seen(void **state)
{
    (void)state;
    static const struct {
        const char *sentence, *vendor;
        size_t points;
        double first_usage, low, high;
    } rows[] = {
        { "from rest", "GenuineIntel", 11, 0.01, 0.90, 1.19 },
        { "hardly busy", "GenuineIntel", 11, 0.02, 0.90, 1.19 },
        { "five percent at rest", "GenuineIntel", 11, 0.05, 0.762, 1.379 },
        { "ten percent at rest", "GenuineIntel", 11, 0.10, 0.532, 1.694 },
        { "two points, by the shape of Intel's", "GenuineIntel", 2, 0.01, 0.90, 1.19 },
        { "two points of another maker's", "AuthenticAMD", 2, 0.01, 0.5, 2 },
        { "two points of nobody knows whose", "", 2, 0.01, 0.5, 2 },
        { "six points of another maker's", "AuthenticAMD", 6, 0.01, 0.5, 2 },
        { "eleven points lean on no shape", "AuthenticAMD", 11, 0.01, 0.90, 1.19 },
        { "but what lies below the first one does", "AuthenticAMD", 11, 0.05, 0.5, 2 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_file m = calibrated();
        struct cpu_facts cpu = same_cpu();
        struct cpu_power p;
        m.points = rows[i].points;
        for (size_t k = 0; k < m.points; k++) {
            double load = (double)k / (double)(m.points - 1);
            double u = fmax(load, rows[i].first_usage);
            double watts = 60 + 240 * watt_interpolate(cpu_power_shape, u);
            m.point[k] = (struct model_point){ load, u, 10, watts, 1, -1, -1 };
        }
        (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", rows[i].vendor);
        assert_int_equal(model_file_to_power(&m, "m.json", &cpu, &p, NULL), 0);
        assert_near(p.bound_low, rows[i].low, 1e-9, rows[i].sentence);
        assert_near(p.bound_high, rows[i].high, 1e-9, rows[i].sentence);
        assert_int_equal(strstr(p.reason, "no other's is known") != NULL, rows[i].high == 2);
    }
}

/* 8275CL: 240 W a socket. */
static void watts_that_no_such_machine_draws_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        double package, dram, memory_gb;
        const char *says; /* NULL: accepted */
        double tdp_watts;
    } rows[] = {
        { "what firmware without limits allows", 1000, 80, 200, NULL, 0 },
        { "a processor that its owner knows better", 1900, 80, 200, NULL, 500 },
        { "more than that", 1001, 80, 200,
          "says that the package drew 1001 W at load 1, where its processors and memory can draw "
          "1000 W at most",
          0 },
        { "a million", 1e6, 80, 200, "1000 W at most", 0 },
        { "memory as the packages", 420, 480, 200, NULL, 0 },
        { "more than modules draw", 420, 481, 200, "the memory drew 481 W at load 1", 0 },
        { "hardly any memory", 420, 80, 0.1, "0.24 W at most", 0 },
        { "memory of unknown size", 420, 501, 0, "500 W at most", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct model_file m = calibrated();
        struct cpu_facts cpu = same_cpu();
        struct err err = { 0 };
        m.point[2].package_watts = rows[i].package;
        m.point[2].dram_watts = rows[i].dram;
        m.memory_gb = rows[i].memory_gb;
        if (rows[i].memory_gb == 0.1)
            m.point[0].dram_watts = m.point[1].dram_watts = 0.1;
        int code = model_file_believe(&m, "m.json", &cpu, rows[i].tdp_watts, &err);
        if (code != (rows[i].says ? -EINVAL : 0) ||
            (rows[i].says && !strstr(err.text, rows[i].says)))
            fail_msg("%s: %d, %s", rows[i].sentence, code, err.text);
    }
}

static void without_a_dram_sensor_the_generic_curve_stays(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    for (size_t i = 0; i < m.points; i++)
        m.point[i].dram_watts = m.point[i].dram_stddev = -1;
    struct cpu_power p = power_of(&m);
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++)
        assert_close(p.dram_watts_per_gb[i], cpu_power_dram_watts_per_gb[i], "generic");
    assert_close(p.dram_low, DRAM_BOUND_LOW, "generic");
    assert_close(p.dram_high, DRAM_BOUND_HIGH, "generic");
}

static void one_socket_is_half_of_the_two_of_a_table(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    m.sockets = 1;
    m.threads = 48;
    struct cpu_power p = power_of(&m);
    assert_int_equal(p.curve_sockets, 1);
    assert_int_equal(p.table_threads, 96);
    const struct watt_model two = { .power = p, .sockets = 2, .threads = 96 };
    assert_close(watt_package(&two, 1).watts, 840, "two sockets draw twice as much");
}

static void another_cpu_is_refused_with_both_names(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct cpu_facts cpu = same_cpu();
    struct cpu_power p = { .table_threads = 77 };
    struct err err = { 0 };
    (void)snprintf(cpu.model_name, sizeof(cpu.model_name), "AMD EPYC 7R13 Processor");
    assert_int_equal(model_file_to_power(&m, "c5.json", &cpu, &p, &err), -EINVAL);
    assert_non_null(strstr(err.text, CPU));
    assert_non_null(strstr(err.text, "AMD EPYC 7R13 Processor"));
    assert_non_null(strstr(err.text, "c5.json"));
    assert_int_equal(p.table_threads, 77);
}

static void a_cpu_without_a_name_is_known_by_its_numbers(void **state)
{
    (void)state;
    struct model_file m = calibrated();
    struct cpu_facts cpu = same_cpu();
    struct cpu_power p;
    struct err err = { 0 };
    m.cpu_model[0] = cpu.model_name[0] = '\0';
    assert_int_equal(model_file_to_power(&m, "m.json", &cpu, &p, &err), 0);
    cpu.model = 106;
    assert_int_equal(model_file_to_power(&m, "m.json", &cpu, &p, &err), -EINVAL);
    assert_non_null(strstr(err.text, "model 106"));
    assert_non_null(strstr(err.text, "model 85"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_machine_without_a_dram_sensor_has_no_such_member),
        cmocka_unit_test(a_document_that_is_not_right_is_refused),
        cmocka_unit_test(what_a_point_lacks_is_told_of_that_point),
        cmocka_unit_test(points_that_are_none_or_too_many_are_refused),
        cmocka_unit_test(noise_between_two_points_is_no_fall),
        cmocka_unit_test(a_file_without_points_is_none),
        cmocka_unit_test(memory_that_is_not_known_is_none),
        cmocka_unit_test(points_are_in_order_of_the_load_that_they_had),
        cmocka_unit_test(what_makes_no_model_is_not_written),
        cmocka_unit_test(a_full_disk_leaves_what_was_there),
        cmocka_unit_test(a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(watts_between_the_points_follow_the_shape),
        cmocka_unit_test(it_says_whose_figures_they_are),
        cmocka_unit_test(points_count_where_they_were),
        cmocka_unit_test(points_at_the_same_load_are_one),
        cmocka_unit_test(what_was_not_seen_is_told_by_the_shape),
        cmocka_unit_test(rest_is_never_told_as_nothing),
        cmocka_unit_test(bounds_grow_with_what_was_not_seen),
        cmocka_unit_test(watts_that_no_such_machine_draws_are_refused),
        cmocka_unit_test(without_a_dram_sensor_the_generic_curve_stays),
        cmocka_unit_test(one_socket_is_half_of_the_two_of_a_table),
        cmocka_unit_test(another_cpu_is_refused_with_both_names),
        cmocka_unit_test(a_cpu_without_a_name_is_known_by_its_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
