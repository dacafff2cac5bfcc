/* SPDX-License-Identifier: Apache-2.0 */
#include "flags.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "expose/snapshot.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define WORDS_MAX 12

static int parse(const char *const *word, struct flags *f, struct config *c, struct err *err)
{
    static char self[] = "kepler-exporter";
    char *argv[WORDS_MAX + 2] = { self };
    int argc = 1;
    while (argc <= WORDS_MAX && word[argc - 1]) {
        argv[argc] = (char *)(uintptr_t)word[argc - 1]; /* argv is not const in C */
        argc++;
    }
    return flags_read(argc, argv, f, c, err);
}

/* A file of this test, removed at its end. */
struct temporary {
    char path[64];
};

static void temporary_make(struct temporary *t, const char *text)
{
    (void)snprintf(t->path, sizeof(t->path), "/tmp/flags_test.XXXXXX");
    AUTO_FD fd = mkstemp(t->path);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static void temporary_done(struct temporary *t)
{
    (void)unlink(t->path);
}

#define AUTO_TEMPORARY CLEANUP(temporary_done) struct temporary

static void nothing_given_is_the_defaults(void **state)
{
    static const char *const words[WORDS_MAX + 1] = { NULL };
    CLEANUP(config_done) struct config c;
    struct flags f = { 0 };
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    assert_int_equal(parse(words, &f, &c, &err), 0);
    assert_string_equal(c.listen[0], ":28282");
    assert_true(c.prometheus && !c.to_stdout);
    assert_int_equal(c.ignored_keys, 0);
    assert_false(f.check_only || f.help || f.version);
}

static void every_flag_reaches_its_setting(void **state)
{
    static const char *const words[WORDS_MAX + 1] = {
        "--monitor.interval=2s",
        "--monitor.max-terminated",
        "-1",
        "--web.listen-address",
        "127.0.0.1:0",
        "--web.listen-address=:1",
        "--metrics=node",
        "--exporter.stdout",
        "--no-exporter.prometheus",
        "--power.tdp-watts=65.5",
        "--process.top=3",
        "--accounting.source=proc",
    };
    static const char *const others[WORDS_MAX + 1] = {
        "--log.level=error", "--log.format=json",    "--host.sysfs=/s", "--host.procfs=/p",
        "--host.devfs=/d",   "--root=dump",          "--kube.enable",   "--kube.node-name=n",
        "--metrics=process", "--power.source=model", "--metrics=vm",    "--no-debug.pprof",
    };
    CLEANUP(config_done) struct config c;
    struct flags f = { 0 };
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    if (parse(words, &f, &c, &err) < 0 || parse(others, &f, &c, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(c.interval_ns, 2000000000);
    assert_int_equal(c.max_terminated, -1);
    assert_int_equal(c.listens, 2);
    assert_string_equal(c.listen[1], ":1");
    assert_true(c.to_stdout && !c.prometheus && !c.ebpf);
    assert_true(c.tdp_watts == 65.5);
    assert_int_equal(c.process_top, 3);
    assert_int_equal(c.log_level, LOG_ERROR);
    assert_int_equal(c.log_format, LOG_JSON);
    assert_string_equal(c.sysfs, "/s");
    assert_string_equal(c.procfs, "/p");
    assert_string_equal(c.devfs, "/d");
    assert_string_equal(c.root, "dump");
    assert_string_equal(c.node_name, "n");
    assert_int_equal(c.levels, LEVEL_PROCESS | LEVEL_VM);
    assert_string_equal(c.ignored_key[0], "kube.enable");
    assert_true(c.power_source_strict);
}

static void flags_win_over_the_file_over_findings(void **state)
{
    static const char findings[] =
        "{\"schema\":\"kepler-probe/1\",\"probe\":{\"version\":\"1\",\"started_at\":\"x\","
        "\"duration_ms\":1},\"host\":{},\"findings\":[],\"power\":{\"sources\":[],"
        "\"selected\":\"msr\",\"quality\":\"measured\",\"bounds\":{\"low\":1,\"high\":1}},"
        "\"accounting\":{\"selected\":\"proc\",\"reason\":\"r\"},"
        "\"exporter\":{\"power\":{\"source\":\"msr\"},\"accounting\":{\"source\":\"proc\"},"
        "\"process\":{\"top\":7}}}";
    AUTO_TEMPORARY found;
    AUTO_TEMPORARY file;
    CLEANUP(config_done) struct config c;
    struct flags f = { 0 };
    struct err err = { 0 };
    (void)state;
    temporary_make(&found, findings);
    temporary_make(&file, "process: {top: 8}\nmonitor: {interval: 8s}\n"
                          "exporter: {stdout: {enabled: true}, prometheus: {enabled: false}}\n");
    const char *const words[WORDS_MAX + 1] = {
        "--findings",
        found.path,
        "--config.file",
        file.path,
        "--monitor.interval=9s",
        "--exporter.prometheus",
    };
    config_init(&c);
    if (parse(words, &f, &c, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(c.power_source, "msr"); /* only the findings say it */
    assert_false(c.power_source_strict);
    assert_false(c.ebpf);
    assert_int_equal(c.process_top, 8);          /* the file over the findings */
    assert_int_equal(c.interval_ns, 9000000000); /* the flag over the file */
    assert_true(c.to_stdout);                    /* a switch that no flag names stays */
    assert_true(c.prometheus);                   /* one that a flag names goes */
    if (c.warnings)
        fail_msg("%s", c.warning[0]);
}

static void what_is_wrong_is_said(void **state)
{
    static const struct {
        const char *why;
        const char *word[3];
        const char *says;
    } rows[] = {
        { "misspelt", { "--monitor.intervall=5s" }, "--monitor.interval" },
        { "abbreviated", { "--find=x" }, "--find" },
        { "bad value", { "--monitor.interval=5" }, "--monitor.interval: " },
        { "a word", { "estimate" }, "estimate" },
        { "no such file", { "--config.file", "/nonexistent/c.yaml" }, "/nonexistent/c.yaml" },
        { "no findings", { "--findings=/nonexistent/f.json" }, "/nonexistent/f.json" },
        { "TLS by config-file", { "--web.config-file=w.yaml" }, "TLS is not in this version" },
        { "TLS by config.file", { "--web.config.file=w.yaml" }, "TLS is not in this version" },
        { "TLS self-signed", { "--web.tls-self-signed" }, "TLS is not in this version" },
        { "TLS by address", { "--web.listen-address=https://:1" }, "TLS is not in this version" },
        { "no value", { "--process.top" }, "--process.top" },
        { "unknown level", { "--metrics=pods" }, "--metrics: " },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *words[WORDS_MAX + 1] = { rows[i].word[0], rows[i].word[1] };
        CLEANUP(config_done) struct config c;
        struct flags f = { 0 };
        struct err err = { 0 };
        config_init(&c);
        if (parse(words, &f, &c, &err) >= 0)
            fail_msg("%s was taken", rows[i].why);
        if (!strstr(err.text, rows[i].says))
            fail_msg("%s: %s", rows[i].why, err.text);
    }
}

static void broken_files_are_named_with_the_place(void **state)
{
    static const struct {
        const char *why, *flag, *text, *says;
    } rows[] = {
        { "no YAML", "--config.file", "monitor:\n  interval: [5s\n", "line " },
        { "a bad value", "--config.file", "monitor:\n  interval: 5\n", "line 2, column 3: " },
        { "no JSON", "--findings", "{\"schema\":", "line " },
        { "a newer schema", "--findings", "{\"schema\":\"kepler-probe/2\"}", "kepler-probe/2" },
        { "not findings", "--findings", "{}", "schema" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TEMPORARY file;
        temporary_make(&file, rows[i].text);
        const char *const words[WORDS_MAX + 1] = { rows[i].flag, file.path };
        CLEANUP(config_done) struct config c;
        struct flags f = { 0 };
        struct err err = { 0 };
        config_init(&c);
        if (parse(words, &f, &c, &err) >= 0)
            fail_msg("%s was taken", rows[i].why);
        if (!strstr(err.text, file.path) || !strstr(err.text, rows[i].says))
            fail_msg("%s: %s", rows[i].why, err.text);
    }
}

static void help_and_version_need_no_files(void **state)
{
    static const char *const words[WORDS_MAX + 1] = { "--help", "--config.file=/nonexistent" };
    CLEANUP(config_done) struct config c;
    struct flags f = { 0 };
    struct err err = { 0 };
    (void)state;
    config_init(&c);
    assert_int_equal(parse(words, &f, &c, &err), 0);
    assert_true(f.help);
}

static void help_names_every_flag_of_kepler(void **state)
{
    static const char *const name[] = {
        "--config.file",
        "--log.level",
        "--log.format",
        "--host.sysfs",
        "--host.procfs",
        "--monitor.interval",
        "--monitor.max-terminated",
        "--web.listen-address",
        "--web.config-file",
        "exporter.stdout",
        "exporter.prometheus",
        "debug.pprof",
        "--metrics",
        "kube.enable",
        "--kube.config",
        "--kube.node-name",
    };
    AUTO_STR text = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&text, &size);
    (void)state;
    assert_non_null(to);
    flags_help(to);
    assert_int_equal(fclose(to), 0);
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        if (!strstr(text, name[i]))
            fail_msg("%s is not in the help", name[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_is_the_defaults),
        cmocka_unit_test(every_flag_reaches_its_setting),
        cmocka_unit_test(flags_win_over_the_file_over_findings),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(broken_files_are_named_with_the_place),
        cmocka_unit_test(help_and_version_need_no_files),
        cmocka_unit_test(help_names_every_flag_of_kepler),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
