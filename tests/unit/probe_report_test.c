/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

/* A host with a sensor, one warning with a remedy, and the same remedy again. */
static void fill(struct findings *f)
{
    static const char command[] = "sudo modprobe intel_rapl_msr";
    findings_init(f);
    findings_text(&f->version, "1.2.3");
    findings_text(&f->started_at, "2026-01-01T00:00:00Z");
    struct finding *one = findings_add(f, "power.powercap", "Powercap");
    one->status = FINDING_WARN;
    findings_text(&one->detail,
                  "the class is there, but it has no zone in it at all, which is told "
                  "at length");
    findings_text(&one->remedy_command, command);
    one = findings_add(f, "module.intel_rapl_msr", "Module");
    one->status = FINDING_WARN;
    findings_text(&one->detail, "available");
    findings_text(&one->remedy_command, command);
    struct findings_source *s = findings_add_source(f, "msr");
    s->usable = true;
    findings_text(&s->quality, "measured");
    findings_text(&s->reason, "package 118.6 W");
    findings_text(&f->selected, "msr");
    findings_text(&f->quality, "measured");
    findings_text(&f->accounting, "ebpf");
    findings_text(&f->accounting_reason, "exact");
}

static char *report(unsigned columns, bool colour)
{
    struct findings f;
    struct buf to;
    fill(&f);
    buf_init(&to, REPORT_LIMIT);
    report_text(&to, &f,
                &(struct report_style){
                    .columns = columns, .colour = colour, .requirement = "any", .holds = true });
    findings_done(&f);
    return buf_take(&to);
}

static unsigned longest_line(const char *text)
{
    size_t longest = 0;
    while (*text) {
        size_t n = strcspn(text, "\n");
        longest = n > longest ? n : longest;
        text += n + (text[n] == '\n');
    }
    return (unsigned)longest;
}

static void text_for_a_file_is_plain_and_not_wrapped(void **state)
{
    (void)state;
    char *text = report(0, false);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text,
                           "  warn  power.powercap            the class is there, but it has no "
                           "zone in it at all, which is told at length\n"));
    assert_non_null(strstr(text, "$ sudo kepler-exporter\n"));
    assert_non_null(strstr(text, "Verdict: measured power from msr, exact CPU time by eBPF\n"));
    free(text);
}

static void a_remedy_is_printed_once(void **state)
{
    (void)state;
    char *text = report(0, false);
    const char *first = strstr(text, "$ sudo modprobe");
    assert_non_null(first);
    assert_null(strstr(first + 1, "$ sudo modprobe"));
    assert_non_null(strstr(text, "remedy as for power.powercap\n"));
    free(text);
}

static void lines_fit_the_terminal(void **state)
{
    (void)state;
    for (unsigned columns = 70; columns <= 200; columns += 13) {
        char *text = report(columns, false);
        if (longest_line(text) > columns)
            fail_msg("%u columns, but a line of %u:\n%s", columns, longest_line(text), text);
        free(text);
    }
}

static void a_narrow_terminal_is_left_alone(void **state)
{
    (void)state;
    char *narrow = report(40, false);
    char *unwrapped = report(0, false);
    assert_string_equal(narrow, unwrapped);
    free(narrow);
    free(unwrapped);
}

static void colours_end_before_their_line(void **state)
{
    (void)state;
    char *text = report(100, true);
    assert_non_null(strstr(text, "\033[33mwarn"));
    assert_null(strstr(text, "\n\033[0m"));
    free(text);
}

/* -- what to run -- */

struct estimate {
    const char *why;
    enum finding_status status; /* of power.powercap, with this remedy; */
    const char *command, *note;
    bool is_vm, is_dump;
    const char *says, *says_not;
};

static char *report_of_estimate(const struct estimate *e)
{
    struct findings f;
    struct buf to;
    findings_init(&f);
    struct finding *one = findings_add(&f, "host.virtualisation", "Machine");
    one->status = e->is_vm ? FINDING_WARN : FINDING_OK;
    one = findings_add(&f, "perf.cycles", "Counters");
    one->status = FINDING_WARN;
    findings_text(&one->remedy_note, "of no watts");
    one = findings_add(&f, "power.powercap", "Powercap");
    one->status = e->status;
    findings_text(&one->remedy_command, "%s", e->command);
    findings_text(&one->remedy_note, "%s", e->note);
    findings_text(&f.selected, "model");
    findings_text(&f.quality, "estimated");
    findings_text(&f.accounting, "ebpf");
    struct json *power = json_new_object();
    json_put_text(power, "source", "model");
    json_put(f.exporter, "power", power);
    buf_init(&to, REPORT_LIMIT);
    report_text(
        &to, &f,
        &(struct report_style){ .requirement = "any", .holds = true, .is_dump = e->is_dump });
    findings_done(&f);
    return buf_take(&to);
}

static void an_estimate_is_not_pinned(void **state)
{
    (void)state;
    static const struct estimate rows[] = {
        { "no remedy", FINDING_SKIP, "", "", false, false, "$ sudo kepler-exporter\n", "remed" },
        { "the source stays open", FINDING_FAIL, "sudo modprobe x", "", false, false,
          "$ sudo kepler-exporter\n", "--power.source" },
        { "a remedy by a command", FINDING_FAIL, "sudo modprobe x", "", false, false,
          "$ sudo kepler-exporter\n  The remedy of power.powercap above brings measured watts, "
          "which the exporter takes by itself as soon as they can be read.\n",
          "perf.cycles above" },
        { "a remedy by a mount", FINDING_FAIL, "", "mount all of /sys", false, false,
          "The remedy of power.powercap above brings measured watts", "physical" },
        { "a virtual machine has none here", FINDING_FAIL, "", "take c5.metal", true, false,
          "Measured watts take another machine: see power.powercap above.\n", "by itself" },
        { "a virtual machine that has counters", FINDING_FAIL, "sudo kepler-probe", "", true, false,
          "brings measured watts", "another machine" },
        { "a dump", FINDING_SKIP, "", "", false, true,
          "$ sudo kepler-exporter\n  (This is a dump: the command is for the machine that it is "
          "of.)\n",
          "remed" },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = report_of_estimate(&rows[i]);
        if (!strstr(text, rows[i].says) || strstr(text, rows[i].says_not))
            fail_msg("%s:\n%s", rows[i].why, text);
        free(text);
    }
}

static void what_is_measured_is_not_pinned_either(void **state)
{
    static const struct {
        const char *why, *power, *accounting; /* what the exporter is held to */
        const char *powercap, *module;        /* remedies of what is better, and of msr's module */
        const char *says, *says_not;
    } rows[] = {
        { "auto takes it", NULL, NULL, "", "", "$ sudo kepler-exporter\n", "source=" },
        { "auto would take what is ignored", "msr", "", "", "",
          "$ sudo kepler-exporter --power.source=msr\n", "accounting." },
        { "eBPF, too", "", "proc", "", "", "$ sudo kepler-exporter --accounting.source=proc\n",
          "power.source" },
        { "a better source can be had", NULL, NULL, "sudo modprobe intel_rapl_msr", "",
          "$ sudo kepler-exporter\n  The remedy of power.powercap above brings a better source, "
          "which the exporter takes by itself as soon as it can be read.\n",
          "reboot" },
        { "but not by who is held to another", "msr", "", "sudo modprobe intel_rapl_msr", "",
          "--power.source=msr\n", "better source" },
        { "what is worse is no matter, and msr was loaded by hand", NULL, NULL, "",
          "echo msr | sudo tee x",
          "$ sudo kepler-exporter\n  After a reboot msr is gone: see module.msr above.\n",
          "better source" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct findings f;
        AUTO_BUF to;
        findings_init(&f);
        const char *const ids[] = { "power.powercap", "power.msr", "power.hwmon", "module.msr" };
        const char *const commands[] = { rows[i].powercap, "", "mount all", rows[i].module };
        for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
            struct finding *one = findings_add(&f, ids[k], "Title");
            one->status = commands[k][0] ? FINDING_WARN : FINDING_OK;
            findings_text(&one->remedy_command, "%s", commands[k]);
        }
        findings_text(&f.selected, "msr");
        findings_text(&f.quality, "measured");
        buf_init(&to, REPORT_LIMIT);
        report_text(&to, &f,
                    &(struct report_style){ .requirement = "any",
                                            .power = rows[i].power,
                                            .accounting = rows[i].accounting });
        const char *verdict = strstr(buf_text(&to), "$ sudo kepler-exporter");
        if (!verdict || !strstr(verdict, rows[i].says) || strstr(verdict, rows[i].says_not))
            fail_msg("%s:\n%s", rows[i].why, buf_text(&to));
        findings_done(&f);
    }
}

static void requirement_rows(void **state)
{
    static const struct {
        const char *why, *selected, *quality, *accounting, *requirement;
        bool holds;
    } rows[] = {
        { "measured holds both", "msr", "measured", "ebpf", "measured", true },
        { "an estimate is some source", "model", "estimated", "ebpf", "any", true },
        { "an estimate is not measured", "model", "estimated", "ebpf", "measured", false },
        { "accounting by /proc will do", "msr", "measured", "proc", "any", true },
        { "no accounting, no metrics", "msr", "measured", "", "any", false },
        { "no source, no metrics", "", "", "ebpf", "any", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct findings f;
        findings_init(&f);
        findings_text(&f.selected, "%s", rows[i].selected);
        findings_text(&f.quality, "%s", rows[i].quality);
        findings_text(&f.accounting, "%s", rows[i].accounting);
        if (report_holds(&f, rows[i].requirement) != rows[i].holds)
            fail_msg("%s", rows[i].why);
        findings_done(&f);
    }
}

/* A name in the exporter's file is binding. */
static void yaml_has_the_settings(void **state)
{
    (void)state;
    struct findings f;
    AUTO_BUF to;
    AUTO_BUF pinned;
    fill(&f);
    buf_init(&to, REPORT_LIMIT);
    buf_init(&pinned, REPORT_LIMIT);
    const char *const groups[] = { "power", "accounting" };
    const char *const values[] = { "msr", "ebpf" };
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        struct json *group = json_new_object();
        json_put_text(group, "source", values[i]);
        json_put(f.exporter, groups[i], group);
    }
    report_yaml(&to, &f, &(struct report_style){ .requirement = "any" });
    assert_non_null(strstr(buf_text(&to), "# measured power from msr\n"));
    assert_non_null(strstr(buf_text(&to), "\npower:\n  source: \"auto\"\n"));
    assert_non_null(strstr(buf_text(&to), "\naccounting:\n  source: \"auto\"\n"));
    report_yaml(
        &pinned, &f,
        &(struct report_style){ .requirement = "any", .power = "msr", .accounting = "proc" });
    assert_non_null(strstr(buf_text(&pinned), "\npower:\n  source: \"msr\"\n"));
    assert_non_null(strstr(buf_text(&pinned), "\naccounting:\n  source: \"proc\"\n"));
    findings_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_for_a_file_is_plain_and_not_wrapped),
        cmocka_unit_test(a_remedy_is_printed_once),
        cmocka_unit_test(lines_fit_the_terminal),
        cmocka_unit_test(a_narrow_terminal_is_left_alone),
        cmocka_unit_test(colours_end_before_their_line),
        cmocka_unit_test(an_estimate_is_not_pinned),
        cmocka_unit_test(what_is_measured_is_not_pinned_either),
        cmocka_unit_test(requirement_rows),
        cmocka_unit_test(yaml_has_the_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
