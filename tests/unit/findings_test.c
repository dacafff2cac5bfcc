/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/findings.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

/* Findings with every member set, so that a lost one shows. */
static void fill(struct findings *f)
{
    findings_init(f);
    findings_text(&f->version, "1.2.3");
    findings_text(&f->started_at, "2026-11-22T19:40:00Z");
    f->duration_ms = 12.5;
    json_put_text(f->host, "cpu", "any");
    struct finding *one = findings_add(f, "power.msr", "Energy registers");
    one->status = FINDING_FAIL;
    findings_text(&one->detail, "no device %s", "/dev/cpu/0/msr");
    json_put_number(one->evidence, "cpus", 96);
    findings_text(&one->impact, "no watts from it");
    findings_text(&one->remedy_command, "modprobe msr");
    one->remedy_reboot = true;
    findings_text(&one->remedy_note, "outlives no reboot");
    (void)findings_add(f, "bpf.btf", "Type information");
    struct findings_source *source = findings_add_source(f, "model");
    source->usable = true;
    findings_text(&source->quality, "estimated");
    findings_text(&source->reason, "tier A");
    source->zone = mem_new(2, sizeof(*source->zone));
    source->zone[source->zones++] = mem_strdup("package");
    source->zone[source->zones++] = mem_strdup("dram");
    findings_text(&f->selected, "model");
    findings_text(&f->quality, "estimated");
    f->bound_low = 0.82;
    f->bound_high = 1.43;
    findings_text(&f->accounting, "ebpf");
    findings_text(&f->accounting_reason, "all parts load");
    json_put(f->exporter, "power", json_new_object());
}

static char *printed(const struct findings *f)
{
    AUTO_JSON document = findings_to_json(f);
    return json_print(document, false);
}

static void nothing_is_lost_between_the_programs(void **state)
{
    (void)state;
    CLEANUP(findings_done) struct findings written;
    fill(&written);
    AUTO_STR text = printed(&written);

    struct err err = { 0 };
    CLEANUP(findings_done) struct findings f = { 0 };
    if (findings_parse(text, strlen(text), &f, &err) < 0)
        fail_msg("%s", err.text);
    AUTO_STR again = printed(&f);
    assert_string_equal(again, text);

    assert_int_equal(f.findings, 2);
    const struct finding *one = findings_find(&f, "power.msr");
    assert_non_null(one);
    assert_int_equal(one->status, FINDING_FAIL);
    assert_string_equal(one->detail, "no device /dev/cpu/0/msr");
    assert_true(one->remedy_reboot);
    assert_true(json_number(one->evidence, "cpus", 0) == 96);
    assert_null(findings_find(&f, "power"));
    assert_int_equal(f.source[0].zones, 2);
    assert_string_equal(f.source[0].zone[1], "dram");
    assert_true(f.bound_low == 0.82 && f.bound_high == 1.43 && f.duration_ms == 12.5);
}

static void a_text_may_be_made_of_itself(void **state)
{
    (void)state;
    char *text = mem_strdup("a");
    findings_text(&text, "%s, %s", text, "b");
    assert_string_equal(text, "a, b");
    free(text);
}

static void empty_findings_are_a_document(void **state)
{
    (void)state;
    CLEANUP(findings_done) struct findings empty;
    findings_init(&empty);
    AUTO_STR text = printed(&empty);
    CLEANUP(findings_done) struct findings f = { 0 };
    assert_int_equal(findings_parse(text, strlen(text), &f, NULL), 0);
    assert_string_equal(f.selected, "");
    assert_true(f.bound_low == 1 && f.bound_high == 1);
    assert_int_equal(f.findings, 0);
}

static void status_names(void **state)
{
    (void)state;
    assert_string_equal(finding_status_name(FINDING_OK), "ok");
    assert_string_equal(finding_status_name(FINDING_WARN), "warn");
    assert_string_equal(finding_status_name(FINDING_FAIL), "fail");
    assert_string_equal(finding_status_name(FINDING_SKIP), "skip");
}

/* @text with its first @what put as @with; the caller frees. */
static char *changed(const char *text, const char *what, const char *with)
{
    const char *at = strstr(text, what);
    if (!at)
        fail_msg("the document has no %s", what);
    return mem_printf("%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *why, *what, *with;
        int code;
        const char *sentence;
    } rows[] = {
        { "a newer schema", "kepler-probe/1", "kepler-probe/2", -EPROTO,
          "these findings have the schema \"kepler-probe/2\"; this program (" KEPLER_VERSION
          ") knows \"kepler-probe/1\": make them anew with the kepler-probe of version " KEPLER_VERSION },
        { "no schema", "\"schema\"", "\"x\"", -EBADMSG, "the member schema is missing" },
        { "a schema that is no text", "\"kepler-probe/1\"", "1", -EBADMSG,
          "the member schema is a number, not a text" },
        { "a member left out below", "\"started_at\"", "\"x\"", -EBADMSG,
          "the member probe.started_at is missing" },
        { "a number that is a text", "12.5", "\"12.5\"", -EBADMSG,
          "the member probe.duration_ms is a text, not a number" },
        { "a member of a finding", "\"detail\"", "\"x\"", -EBADMSG,
          "the member findings[0].detail is missing" },
        { "a status of no meaning", "\"fail\"", "\"bad\"", -EBADMSG,
          "findings[0].status is \"bad\", not ok, warn, fail or skip" },
        { "a status that is no text", "\"fail\"", "null", -EBADMSG,
          "the member findings[0].status is null, not a text" },
        { "a remedy's reboot", "\"reboot\":true", "\"reboot\":\"yes\"", -EBADMSG,
          "the member findings[0].remedy.reboot is a text, not true or false" },
        { "a remedy that is none", "\"remedy\"", "\"x\"", -EBADMSG,
          "the member findings[0].remedy.command is missing" },
        { "evidence that is a list", "{\"cpus\":96}", "[]", -EBADMSG,
          "the member findings[0].evidence is a list, not an object" },
        { "zones that are a text", "[\"package\",\"dram\"]", "\"package\"", -EBADMSG,
          "the member power.sources[0].zones is a text, not a list" },
        { "a zone that is a number", "\"dram\"", "2", -EBADMSG,
          "power.sources[0].zones[1] is a number, not a text" },
        { "a source without a name", "\"name\"", "\"x\"", -EBADMSG,
          "the member power.sources[0].name is missing" },
        { "a bound", "\"low\"", "\"x\"", -EBADMSG, "the member power.bounds.low is missing" },
        { "settings", "\"exporter\"", "\"x\"", -EBADMSG, "the member exporter is missing" },
        { "findings that are no list", "\"findings\":[", "\"findings\":1,\"x\":[", -EBADMSG,
          "the member findings is a number, not a list" },
        { "a comma lost", ",\"probe\"", "\"probe\"", -EBADMSG,
          "line 1, column 27: this is not JSON" },
    };
    (void)state;
    CLEANUP(findings_done) struct findings written;
    fill(&written);
    AUTO_STR text = printed(&written);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR bad = changed(text, rows[i].what, rows[i].with);
        struct findings f = { .findings = 77 };
        struct err err = { 0 };
        int code = findings_parse(bad, strlen(bad), &f, &err);
        if (code != rows[i].code || strcmp(err.text, rows[i].sentence) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
        assert_int_equal(f.findings, 77); /* written on success only */
    }
}

static void what_is_no_document(void **state)
{
    (void)state;
    struct findings f = { 0 };
    struct err err = { 0 };
    assert_int_equal(findings_parse("[]", 2, &f, &err), -EBADMSG);
    assert_string_equal(err.text, "this is a list, not a findings document");
    assert_int_equal(findings_parse("", 0, &f, &err), -EBADMSG);
    AUTO_STR large = mem_new(FINDINGS_LIMIT + 1, 1);
    memset(large, ' ', FINDINGS_LIMIT + 1);
    assert_int_equal(findings_parse(large, FINDINGS_LIMIT + 1, &f, &err), -EBADMSG);
    assert_string_equal(err.text, "1048577 bytes are no findings; they have at most 1048576");
}

static void a_member_of_tomorrow_is_passed_over(void **state)
{
    (void)state;
    CLEANUP(findings_done) struct findings written;
    fill(&written);
    AUTO_STR text = printed(&written);
    AUTO_STR more = changed(text, "\"probe\":", "\"tomorrow\":{\"a\":[1]},\"probe\":");
    CLEANUP(findings_done) struct findings f = { 0 };
    assert_int_equal(findings_parse(more, strlen(more), &f, NULL), 0);
    assert_int_equal(f.findings, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_between_the_programs),
        cmocka_unit_test(a_text_may_be_made_of_itself),
        cmocka_unit_test(empty_findings_are_a_document),
        cmocka_unit_test(status_names),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(what_is_no_document),
        cmocka_unit_test(a_member_of_tomorrow_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
