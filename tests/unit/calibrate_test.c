/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/bench.h"
#include "calibrate/limit.h"
#include "calibrate/load.h"
#include "calibrate/options.h"
#include "calibrate/output.h"
#include "calibrate/plan.h"
#include "calibrate/progress.h"
#include "calibrate/say.h"
#include "calibrate/work.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "power/watt.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"
#include "power_dump.h"

/* -- plan -- */

static void loads_go_from_rest_to_full_in_steps(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        unsigned step;
        size_t steps;
        double second, last_but_one;
    } rows[] = {
        { "the default", 10, 11, 0.1, 0.9 },
        { "a middle", 50, 3, 0.5, 0.5 },
        { "the two ends", 100, 2, 1, 0 },
        { "a step that does not divide 100", 30, 5, 0.3, 0.9 },
        { "a step past the middle", 51, 3, 0.51, 0.51 },
        { "as fine as a file holds", 1, MODEL_POINTS_MAX, 0.01, 0.99 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct plan p;
        plan_make(rows[i].step, 0, NS_PER_SEC, &p);
        if (p.steps != rows[i].steps)
            fail_msg("%s: %zu steps", rows[i].sentence, p.steps);
        assert_close(p.load[0], 0, rows[i].sentence);
        assert_close(p.load[1], rows[i].second, rows[i].sentence);
        assert_close(p.load[p.steps - 2], rows[i].last_but_one, rows[i].sentence);
        assert_close(p.load[p.steps - 1], 1, rows[i].sentence);
        for (size_t k = 1; k < p.steps; k++)
            assert_true(p.load[k] > p.load[k - 1]);
    }
}

static void a_dwell_holds_many_readings_that_are_not_too_short(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        double dwell_seconds, reading_seconds;
    } rows[] = {
        { "the default: 20 readings", 10, 0.5 },
        { "a short dwell: 200 ms are the least", 1, 0.2 },
        { "a long dwell: one a second", 60, 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct plan p;
        plan_make(10, 0, (uint64_t)(rows[i].dwell_seconds * 1e9), &p);
        assert_close((double)p.reading_ns / 1e9, rows[i].reading_seconds, rows[i].sentence);
    }
}

static void a_late_reading_makes_no_short_interval(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        uint64_t now_ms, next_ms;
    } rows[] = {
        { "the first", 0, 200 },        { "in time", 200, 400 },
        { "a little late", 201, 400 },  { "by less than half of an interval", 299, 400 },
        { "by half of one", 300, 600 }, { "by nearly a whole one", 390, 600 },
        { "by several", 910, 1200 },
    };
    const struct plan p = { .reading_ns = 200 * NS_PER_MS };
    const uint64_t begin_ns = 77 * NS_PER_SEC + 123;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t now_ns = begin_ns + rows[i].now_ms * NS_PER_MS;
        uint64_t next_ns = plan_next_reading_ns(&p, begin_ns, now_ns);
        if (next_ns != begin_ns + rows[i].next_ms * NS_PER_MS)
            fail_msg("%s: %g ms", rows[i].sentence, (double)(next_ns - begin_ns) / 1e6);
    }
}

static void the_time_of_all_steps_is_told_before(void **state)
{
    (void)state;
    struct plan p;
    plan_make(10, 2 * NS_PER_SEC, 10 * NS_PER_SEC, &p);
    assert_int_equal(plan_total_ns(&p) / NS_PER_SEC, 11 * 12);
    static const struct {
        uint64_t ns;
        const char *text;
    } rows[] = {
        { 0, "0 s" },
        { 1, "1 s" },
        { 59 * NS_PER_SEC, "59 s" },
        { 59 * NS_PER_SEC + 1, "1 min 0 s" },
        { 132 * NS_PER_SEC, "2 min 12 s" },
        { 7500 * NS_PER_SEC, "2 h 5 min" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[32];
        plan_say_time(rows[i].ns, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

static void a_file_is_named_after_its_cpu(void **state)
{
    (void)state;
    static const struct {
        const char *cpu, *file;
    } rows[] = {
        { "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz",
          "kepler-model-Intel-Xeon-Platinum-8275CL.json" },
        { "AMD EPYC 7R13 48-Core Processor", "kepler-model-AMD-EPYC-7R13-48-Core.json" },
        { "", "kepler-model-cpu.json" },
        { "../../etc/passwd", "kepler-model-etc-passwd.json" },
        { "@ 3 GHz", "kepler-model-cpu.json" },
        { "Xeon(TM) W\xc3\xbc", "kepler-model-Xeon-W.json" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[128];
        plan_file_name(rows[i].cpu, name, sizeof(name));
        assert_string_equal(name, rows[i].file);
    }
    char cpu[200];
    char name[128];
    memset(cpu, 'x', sizeof(cpu) - 1);
    cpu[sizeof(cpu) - 1] = '\0';
    plan_file_name(cpu, name, sizeof(name));
    assert_string_equal(name, "kepler-model-cpu.json");
}

/* -- duty cycle -- */

#define T0 (UINT64_C(1000) * DUTY_PERIOD_NS)

static void a_thread_is_busy_for_its_share_of_each_period(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        uint64_t now_ns;
        size_t nth, threads;
        double load;
        uint64_t busy_until_ns, next_ns;
    } rows[] = {
        { "at the begin of a period", T0, 0, 1, 0.5, T0 + 5000000, T0 + 10000000 },
        { "in its busy part", T0 + 4999999, 0, 1, 0.5, T0 + 5000000, T0 + 10000000 },
        { "in its rest", T0 + 7000000, 0, 1, 0.5, T0 + 5000000, T0 + 10000000 },
        { "full load has no rest", T0 + 3, 0, 1, 1, T0 + 10000000, T0 + 10000000 },
        { "no load is never busy", T0, 0, 1, 0, T0, T0 + 10000000 },
        { "the second of two begins half a period later", T0 + 5000000, 1, 2, 0.3, T0 + 8000000,
          T0 + 15000000 },
        { "before that it is in its last period", T0, 1, 2, 0.3, T0 - 2000000, T0 + 5000000 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct duty_window w = duty_at(rows[i].now_ns, rows[i].nth, rows[i].threads, rows[i].load);
        if (w.busy_until_ns != rows[i].busy_until_ns || w.next_ns != rows[i].next_ns) {
            fail_msg("%s: busy until T0 %+lld, next at T0 %+lld", rows[i].sentence,
                     (long long)(w.busy_until_ns - T0), (long long)(w.next_ns - T0));
        }
    }
}

/* At no moment are more threads busy than the load asks for, rounded up, nor fewer, rounded down.
 */
static void all_threads_together_are_an_even_load(void **state)
{
    (void)state;
    static const size_t threads[] = { 1, 2, 3, 8, 96 };
    for (size_t t = 0; t < ARRAY_LEN(threads); t++) {
        for (int tenths = 0; tenths <= 10; tenths++) {
            double load = tenths / 10.0;
            double wanted = load * (double)threads[t];
            for (uint64_t at = T0; at < T0 + DUTY_PERIOD_NS; at += 12345) {
                size_t busy = 0;
                for (size_t n = 0; n < threads[t]; n++)
                    busy += at < duty_at(at, n, threads[t], load).busy_until_ns;
                if (fabs((double)busy - wanted) > 1.001)
                    fail_msg("%zu of %zu busy at load %g", busy, threads[t], load);
            }
        }
    }
}

/* -- readings -- */

static void watts_are_all_joules_over_all_time(void **state)
{
    (void)state;
    struct spread s = { 0 };
    assert_close(spread_watts(&s), 0, "no reading");
    assert_close(spread_stddev(&s), 0, "no reading");
    spread_add(&s, 100, NS_PER_SEC);
    assert_close(spread_watts(&s), 100, "one");
    assert_close(spread_stddev(&s), 0, "one has no deviation");
    spread_add(&s, 400, 2 * NS_PER_SEC); /* 200 W, for twice as long */
    assert_close(spread_watts(&s), 500.0 / 3, "weighted by time");
    spread_add(&s, 5, 0);
    assert_int_equal(s.n, 2); /* no time has passed: no reading */
}

static void deviation_is_that_of_the_readings(void **state)
{
    (void)state;
    static const double watts[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
    struct spread s = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(watts); i++)
        spread_add(&s, watts[i] / 2, NS_PER_SEC / 2);
    assert_close(spread_watts(&s), 5, "mean");
    assert_close(spread_stddev(&s), sqrt(32.0 / 7), "of a sample");
    struct spread steady = { 0 };
    for (int i = 0; i < 1000; i++)
        spread_add(&steady, 123.456, NS_PER_SEC);
    assert_near(spread_stddev(&steady), 0, 1e-6, "nothing scatters");
}

/* -- result -- */

static void residuals_are_the_distance_to_the_generic_shape(void **state)
{
    (void)state;
    struct model_file m = { .points = 11 };
    for (size_t i = 0; i < m.points; i++) {
        m.point[i].usage_ratio = (double)i / 10;
        m.point[i].package_watts = 50 + 300 * cpu_power_shape[i];
    }
    plan_residuals(&m);
    assert_near(m.residual_mean_ratio, 0, 1e-9, "on the shape");
    assert_near(m.residual_max_ratio, 0, 1e-9, "on the shape");
    double on_shape = m.point[5].package_watts;
    m.point[5].package_watts = on_shape / 1.2;
    plan_residuals(&m);
    assert_near(m.residual_max_ratio, 0.2, 1e-9, "one point off by a fifth");
    assert_near(m.residual_mean_ratio, 0.2 / 11, 1e-9, "the others are not");
}

/* -- options -- */

#define WORDS_MAX 16

/* Texts of @ret point into the words, which are kept until the next call. */
static int read_options(const char *const *word, size_t n, struct calibrate_options *ret,
                        struct err *err)
{
    static char kept[WORDS_MAX][32];
    char *argv[WORDS_MAX + 1] = { NULL };
    assert_true(n <= WORDS_MAX);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(kept[i], sizeof(kept[i]), "%s", word[i]);
        argv[i] = kept[i];
    }
    return calibrate_options_read((int)n, argv, ret, err);
}

static void options_have_their_defaults(void **state)
{
    (void)state;
    static const char *const words[] = { "calibrate" };
    struct calibrate_options o;
    struct err err = { 0 };
    assert_int_equal(read_options(words, ARRAY_LEN(words), &o, &err), 0);
    assert_int_equal(o.step_percent, 10);
    assert_int_equal(o.dwell_ns / NS_PER_SEC, 10);
    assert_int_equal(o.settle_ns / NS_PER_SEC, 2);
    assert_string_equal(o.source, "auto");
    assert_null(o.output);
    assert_null(o.paths.root);
    assert_false(o.dry_run || o.force || o.help);
}

static void options_are_obeyed(void **state)
{
    (void)state;
    static const char *const words[] = {
        "calibrate", "--step=25",          "--dwell",
        "1m30s",     "--settle=0s",        "--output",
        "m.json",    "--root=/dump",       "--force",
        "--dry-run", "--power.source=msr", "--power.tdp-watts=205.5"
    };
    struct calibrate_options o;
    struct err err = { 0 };
    assert_int_equal(read_options(words, ARRAY_LEN(words), &o, &err), 0);
    assert_int_equal(o.step_percent, 25);
    assert_int_equal(o.dwell_ns / NS_PER_SEC, 90);
    assert_int_equal(o.settle_ns, 0);
    assert_string_equal(o.output, "m.json");
    assert_string_equal(o.source, "msr");
    assert_string_equal(o.paths.root, "/dump");
    assert_close(o.tdp_watts, 205.5, "TDP");
    assert_true(o.dry_run && o.force);
}

static void a_wrong_option_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *option, *says;
    } rows[] = {
        { "--step=0", "--step is \"0\"" },
        { "--step=101", "--step is \"101\"" },
        { "--step=ten", "whole percent" },
        { "--step=2.5", "whole percent" },
        { "--dwell=10", "--dwell is \"10\"" },
        { "--dwell=999ms", "1 s to 3600 s" },
        { "--dwell=2h", "1 s to 3600 s" },
        { "--settle=11m", "0 s to 600 s" },
        { "--output=", "--output is empty" },
        { "--power.tdp-watts=0", "watts of one socket" },
        { "--power.tdp-watts=many", "watts of one socket" },
        { "--steps=5", "step" },
        { "now", "no operand" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const words[] = { "calibrate", rows[i].option };
        struct calibrate_options o = { .step_percent = 77 };
        struct err err = { 0 };
        if (read_options(words, ARRAY_LEN(words), &o, &err) != -EINVAL)
            fail_msg("%s was taken", rows[i].option);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s: %s", rows[i].option, err.text);
        assert_int_equal(o.step_percent, 77);
    }
}

static void help_asks_for_nothing_else(void **state)
{
    (void)state;
    static const char *const words[] = { "calibrate", "--help", "--step=0" };
    struct calibrate_options o;
    struct err err = { 0 };
    assert_int_equal(read_options(words, ARRAY_LEN(words), &o, &err), 0);
    assert_true(o.help);
}

static void help_names_its_use_and_itself(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    calibrate_options_help(to);
    (void)fclose(to);
    if (strncmp(text, "Usage: kepler-exporter calibrate [OPTION]...\n", 45) != 0 ||
        !strstr(text, "\n  --help "))
        fail_msg("%s", text);
    free(text);
}

/* -- sentences -- */

static void lines_are_folded_at_blanks(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text;
        size_t columns;
        const char *folded;
    } rows[] = {
        { "no terminal", "one two three\n", 0, "one two three\n" },
        { "it fits", "one two three\n", 13, "one two three\n" },
        { "one column less", "one two three\n", 12, "one two\nthree\n" },
        { "each line for itself", "one two\nthree four\n", 8, "one two\nthree\nfour\n" },
        { "an empty line stays", "one\n\ntwo\n", 8, "one\n\ntwo\n" },
        { "a row goes on below its text", "  msr  aaa bbb ccc\n", 16,
          "  msr  aaa bbb\n       ccc\n" },
        { "a long word stays whole", "a /very/long/path b\n", 8, "a\n/very/long/path\nb\n" },
        { "a long word in a row", "  msr  /very/long/path b\n", 16,
          "  msr  /very/long/path\n       b\n" },
        { "blanks at the fold go", "one two   three\n", 8, "one two\nthree\n" },
        { "without a line end", "one two", 4, "one\ntwo" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUF to;
        buf_init(&to, 1000);
        say_fold(&to, rows[i].text, rows[i].columns);
        if (strcmp(buf_text(&to), rows[i].folded) != 0)
            fail_msg("%s:\n%s", rows[i].why, buf_text(&to));
    }
}

/* -- progress -- */

static void a_bar_fits_its_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *sentence;
        double done;
        size_t width;
        const char *line;
    } rows[] = {
        { "half way", 0.5, 80,
          "[####################....................]   50 %  load 40 %, 1 min 6 s left" },
        { "begun", 0, 80,
          "[........................................]    0 %  load 40 %, 1 min 6 s left" },
        { "done", 1, 80,
          "[########################################]  100 %  load 40 %, 1 min 6 s left" },
        { "narrow", 0.5, 48, "[######......]   50 %  load 40 %, 1 min 6 s left" },
        { "no room for a bar", 0.5, 40, " 50 %  load 40 %, 1 min 6 s left" },
        { "no room for the words", 0.5, 12, " 50 %  load " },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[PROGRESS_LINE_SIZE];
        progress_line(rows[i].done, 66 * NS_PER_SEC, "load 40 %", rows[i].width, line);
        if (strcmp(line, rows[i].line) != 0 || strlen(line) > rows[i].width)
            fail_msg("%s: \"%s\" (%zu)", rows[i].sentence, line, strlen(line));
    }
}

static void without_a_terminal_there_is_no_bar(void **state)
{
    (void)state;
    AUTO_STR text = NULL;
    size_t size = 0;
    AUTO_FILE to = tmpfile();
    assert_non_null(to);
    struct progress p;
    progress_init(&p, to, 10 * NS_PER_SEC);
    assert_false(p.is_terminal);
    progress_show(&p, p.begin_ns + NS_PER_SEC, "load 40 %");
    progress_say(&p, "load %d %%", 40);
    progress_clear(&p);
    rewind(to);
    assert_int_equal(getline(&text, &size, to), 10);
    assert_string_equal(text, "load 40 %\n");
    assert_int_equal(getline(&text, &size, to), -1);
}

/* -- load -- */

static double cpu_seconds(void)
{
    struct timespec t;
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Two seconds of real load; another's on the same CPUs may take a part of it, never add to it. */
static void threads_work_for_the_time_they_are_told(void **state)
{
    (void)state;
    struct load *load = NULL;
    struct err err = { 0 };
    size_t allowed = 0;
    assert_int_equal(load_cpus_allowed(&allowed, &err), 0);
    assert_int_equal(load_open(&load, &err), 0);
    assert_int_equal(load_threads(load), allowed);
    double share[3];
    static const double wanted[] = { 0, 0.3, 1 };
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        load_set(load, wanted[i]);
        double cpu = cpu_seconds();
        uint64_t begin_ns = clock_monotonic_ns();
        while (clock_monotonic_ns() < begin_ns + NS_PER_SEC * 6 / 10)
            (void)usleep(10000); /* this thread must not be part of the load */
        double elapsed = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
        share[i] = (cpu_seconds() - cpu) / (elapsed * (double)allowed);
    }
    uint64_t begin_ns = clock_monotonic_ns();
    load_close(load);
    assert_true(clock_monotonic_ns() - begin_ns < NS_PER_SEC);
    assert_true(share[0] < 0.02);
    assert_true(share[1] > 0.02 && share[1] < 0.36);
    assert_true(share[2] > 1.5 * share[1] && share[2] < 1.05);
    double cpu = cpu_seconds();
    (void)usleep(50000);
    assert_true(cpu_seconds() - cpu < 0.02); /* nothing runs on */
}

static void work_depends_on_all_that_was_computed(void **state)
{
    (void)state;
    struct work a;
    struct work b;
    work_init(&a, 2);
    work_init(&b, 4);
    uint64_t first = work_some(&a);
    assert_true(first != work_some(&b));
    assert_true(first != work_some(&a));
    for (int i = 0; i < 200; i++) /* past the end of its memory, which begins anew */
        (void)work_some(&a);
    assert_true(a.at < WORK_WORDS);
    for (size_t i = 0; i < ARRAY_LEN(a.number); i++)
        assert_true(a.number[i] > 0.5 && a.number[i] < 3);
    work_done(&a);
    work_done(&b);
    assert_null(a.word);
}

/* -- bench -- */

#define PKG      "intel-rapl:0"
#define PKG_FILE "/sys/class/powercap/" PKG "/energy_uj"

/* The sensor's last readings of a step and the first of the next one were bad, so that an estimate
   stands in for it: what that says is no measurement. */
static void an_estimate_is_never_calibrated_by(void **state)
{
    (void)state;
    struct dump d;
    struct err err = { 0 };
    struct progress progress = { .to = stderr };
    struct bench b = BENCH_NONE;
    struct model_point point = { 0 };
    const struct plan plan = { .dwell_ns = NS_PER_SEC / 2, .reading_ns = READING_MIN_NS };
    dump_make(&d);
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    dump_zone(&d, PKG, "package-0", 262143328850);
    dump_energy(&d, PKG, 1000000);
    const struct calibrate_options o = { .source = "auto", .paths = { .root = d.tree.path } };
    b.progress = &progress;
    if (bench_open(&b, &o, &err) < 0 || bench_start(&b, &err) < 0)
        fail_msg("%s", err.text);
    if (!b.source)
        fail_msg("%s", b.tried);
    tree_printf(&d.tree, PKG_FILE, "bad");
    for (int i = 0; i < 3; i++) {
        const struct power_now now = power_now_read(0, 1);
        meter_read(b.meter, &now, &b.reading);
    }
    assert_string_equal(b.reading.zone[ZONE_PACKAGE].quality, "estimated");
    dump_energy(&d, PKG, 2000000);
    assert_int_equal(bench_measure(&b, &plan, "load 50 %", &point, &err), -ENODATA);
    assert_has(err.text, "the sensor powercap failed");
    bench_close(&b);
    dump_done(&d);
}

/* A psys counter that nothing is wired to is no part of it. */
static void a_zone_that_is_not_wanted_may_fail(void **state)
{
    (void)state;
    struct dump d;
    struct err err = { 0 };
    struct progress progress = { .to = stderr };
    struct bench b = BENCH_NONE;
    struct model_point point = { 0 };
    const struct plan plan = { .dwell_ns = NS_PER_SEC, .reading_ns = READING_MIN_NS };
    dump_make(&d);
    dump_cpuinfo(&d, 1, XEON_8275CL, "");
    dump_zone(&d, PKG, "package-0", 262143328850);
    dump_zone(&d, "intel-rapl:1", "psys", 262143328850);
    dump_energy(&d, PKG, 1000000);
    dump_energy(&d, "intel-rapl:1", 1000000);
    const struct calibrate_options o = { .source = "auto", .paths = { .root = d.tree.path } };
    b.progress = &progress;
    if (bench_open(&b, &o, &err) < 0 || bench_start(&b, &err) < 0)
        fail_msg("%s", err.text);
    tree_printf(&d.tree, "/sys/class/powercap/intel-rapl:1/energy_uj", "bad");
    assert_int_equal(bench_measure(&b, &plan, "load 50 %", &point, &err), -ENODATA);
    assert_has(err.text, "usable readings"); /* as the package stands still */
    assert_null(strstr(err.text, "failed"));
    bench_close(&b);
    dump_done(&d);
}

/* As nohup and a script's `cmd &` start it. */
static void an_ignored_signal_ends_nothing(void **state)
{
    (void)state;
    struct dump d;
    struct err err = { 0 };
    struct progress progress = { .to = stderr };
    struct bench b = BENCH_NONE;
    dump_make(&d);
    dump_zone(&d, PKG, "package-0", 262143328850);
    dump_energy(&d, PKG, 1000000);
    const struct calibrate_options o = { .source = "auto", .paths = { .root = d.tree.path } };
    sigset_t before;
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &before), 0);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    b.progress = &progress;
    if (bench_open(&b, &o, &err) < 0 || bench_start(&b, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(raise(SIGHUP), 0);
    assert_int_equal(raise(SIGINT), 0);
    assert_int_equal(bench_wait(&b, clock_monotonic_ns() + NS_PER_SEC / 20, "load 0 %"), 0);
    assert_int_equal(raise(SIGTERM), 0);
    assert_int_equal(bench_wait(&b, clock_monotonic_ns() + NS_PER_SEC, "load 0 %"), -EINTR);
    bench_close(&b);
    const struct timespec at_once = { 0 };
    sigset_t term;
    (void)sigemptyset(&term);
    (void)sigaddset(&term, SIGTERM);
    assert_int_equal(sigtimedwait(&term, NULL, &at_once), SIGTERM); /* or it would end this test */
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    dump_done(&d);
}

/* -- limits -- */

static void a_cpu_limit_is_read_before_the_load(void **state)
{
    (void)state;
    static const struct {
        const char *sentence, *group;
        const char *file[2], *text[2];
        double cpus;
    } rows[] = {
        { "no group at all", NULL, { 0 }, { 0 }, HUGE_VAL },
        { "none is set",
          "0::/a/b\n",
          { "/sys/fs/cgroup/a/b/cpu.max" },
          { "max 100000\n" },
          HUGE_VAL },
        { "its own", "0::/a/b\n", { "/sys/fs/cgroup/a/b/cpu.max" }, { "150000 100000\n" }, 1.5 },
        { "that of one above",
          "0::/a/b\n",
          { "/sys/fs/cgroup/a/cpu.max", "/sys/fs/cgroup/a/b/cpu.max" },
          { "50000 100000\n", "max 100000\n" },
          0.5 },
        { "a container's own, whose path its mount does not show",
          "0::/../../kubepods/x\n",
          { "/sys/fs/cgroup/cpu.max" },
          { "200000 100000\n" },
          2 },
        { "as it was before, among other controllers",
          "3:memory:/m\n2:cpu,cpuacct:/docker/abc\n",
          { "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us",
            "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us" },
          { "250000\n", "100000\n" },
          2.5 },
        { "none is set, as it was before",
          "2:cpu:/\n",
          { "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us" },
          { "-1\n", "100000\n" },
          HUGE_VAL },
        { "that of cpuset is another",
          "2:cpuset:/a\n",
          { "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us" },
          { "1000\n" },
          HUGE_VAL },
        { "lines that say nothing",
          "x\n\n0:\n::\n",
          { "/sys/fs/cgroup/cpu.max" },
          { "max 5" },
          HUGE_VAL },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        if (rows[i].group)
            tree_put(&t, "/proc/self/cgroup", rows[i].group);
        for (size_t k = 0; k < 2 && rows[i].file[k]; k++)
            tree_put(&t, rows[i].file[k], rows[i].text[k]);
        double cpus = limit_cpus(&t.fs);
        if (cpus != rows[i].cpus)
            fail_msg("%s: %g CPUs", rows[i].sentence, cpus);
    }
    static const char *const odd[] = { "", " ", "5", "5 0", "5 x", "-5 100000", "1 2 3", "5  5" };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        assert_true(limit_parse(odd[i]) == HUGE_VAL);
}

/* -- output -- */

static struct model_file measured(void)
{
    return (struct model_file){
        .vendor = "GenuineIntel",
        .cpu_model = XEON_8275CL,
        .sockets = 1,
        .cores = 1,
        .threads = 1,
        .kernel = "6.8.0",
        .date = "2026-11-22T19:40:00Z",
        .source = "powercap",
        .version = "1.2.3",
        .point = { { 0, 0.01, 10, 60, 0.5, -1, -1 }, { 1, 1, 10, 420, 2.5, -1, -1 } },
        .points = 2,
    };
}

static char *text_of(FILE *file)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    rewind(file);
    assert_int_equal(fd_read_all(fileno(file), &text), 0);
    return buf_take(&text);
}

static void points_are_not_lost_on_a_full_disk(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct model_file m = measured();
    struct model_file got;
    AUTO_FILE out = tmpfile();
    assert_non_null(out);
    assert_int_equal(output_write("/dev/full", out, &m, &err), -ENOSPC);
    assert_has(err.text, "what was measured is on standard output");
    assert_has(err.text, "/dev/full");
    AUTO_STR text = text_of(out);
    assert_int_equal(model_file_parse(text, strlen(text), &got, &err), 0);
    assert_close(got.point[1].package_watts, 420, "a point");
    AUTO_FILE full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_int_equal(output_write("/nonexistent/m.json", full, &m, &err), -ENOENT);
    assert_has(err.text, "what was measured is lost");
}

static void what_makes_no_model_is_printed_nowhere(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct model_file m = measured();
    AUTO_FILE out = tmpfile();
    assert_non_null(out);
    m.point[1].usage_ratio = 0.52;
    assert_int_equal(output_write("/dev/null", out, &m, &err), -EBADMSG);
    assert_has(err.text, "busy for 52.0 % of the time only");
    AUTO_STR text = text_of(out);
    assert_string_equal(text, "");
}

/* `--output=/dev/stdout >m.json`: the shell has made the file, and it is meant. */
static void standard_output_gets_the_file_alone(void **state)
{
    (void)state;
    AUTO_TREE t;
    struct err err = { 0 };
    struct model_file m = measured();
    struct model_file got;
    tree_make(&t);
    tree_put(&t, "/m.json", "");
    tree_put(&t, "/other.json", "");
    AUTO_STR path = tree_path(&t, "/m.json");
    AUTO_STR other = tree_path(&t, "/other.json");
    AUTO_FILE out = fopen(path, "r+");
    assert_non_null(out);
    assert_true(output_is(path, out));
    assert_false(output_is(other, out));
    assert_false(output_is("/nonexistent", out));
    assert_int_equal(output_check(path, out, false, &err), 0);
    assert_int_equal(output_check(other, out, false, &err), -EEXIST);
    assert_int_equal(output_check(other, out, true, &err), 0);
    assert_int_equal(output_write(path, out, &m, &err), 0);
    AUTO_STR text = text_of(out);
    assert_int_equal(model_file_parse(text, strlen(text), &got, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_go_from_rest_to_full_in_steps),
        cmocka_unit_test(a_dwell_holds_many_readings_that_are_not_too_short),
        cmocka_unit_test(a_late_reading_makes_no_short_interval),
        cmocka_unit_test(the_time_of_all_steps_is_told_before),
        cmocka_unit_test(a_file_is_named_after_its_cpu),
        cmocka_unit_test(a_thread_is_busy_for_its_share_of_each_period),
        cmocka_unit_test(all_threads_together_are_an_even_load),
        cmocka_unit_test(watts_are_all_joules_over_all_time),
        cmocka_unit_test(deviation_is_that_of_the_readings),
        cmocka_unit_test(residuals_are_the_distance_to_the_generic_shape),
        cmocka_unit_test(options_have_their_defaults),
        cmocka_unit_test(options_are_obeyed),
        cmocka_unit_test(a_wrong_option_is_named),
        cmocka_unit_test(help_asks_for_nothing_else),
        cmocka_unit_test(help_names_its_use_and_itself),
        cmocka_unit_test(lines_are_folded_at_blanks),
        cmocka_unit_test(a_bar_fits_its_terminal),
        cmocka_unit_test(without_a_terminal_there_is_no_bar),
        cmocka_unit_test(threads_work_for_the_time_they_are_told),
        cmocka_unit_test(work_depends_on_all_that_was_computed),
        cmocka_unit_test(an_estimate_is_never_calibrated_by),
        cmocka_unit_test(a_zone_that_is_not_wanted_may_fail),
        cmocka_unit_test(an_ignored_signal_ends_nothing),
        cmocka_unit_test(a_cpu_limit_is_read_before_the_load),
        cmocka_unit_test(points_are_not_lost_on_a_full_disk),
        cmocka_unit_test(what_makes_no_model_is_printed_nowhere),
        cmocka_unit_test(standard_output_gets_the_file_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
