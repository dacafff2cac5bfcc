/* SPDX-License-Identifier: Apache-2.0 */
/* kepler-probe: which energy source really works on this host, why the others do not, and how to
   mend them. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opts.h"
#include "check/check.h"
#include "fix.h"
#include "record.h"
#include "report.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum exit_code {
    EXIT_HOLDS = 0,
    EXIT_DOES_NOT_HOLD = 1,
    EXIT_USAGE = 2,
    EXIT_BROKEN = 3,
};

struct settings {
    bool json, text, emit_config, version, help;
    const char *output, *require, *fix, *record;
    struct rootfs_paths paths;
    struct opt_list ignore;
};

static int usage(const struct err *err)
{
    (void)fprintf(stderr, "kepler-probe: %s\nTry: kepler-probe --help\n", err->text);
    return EXIT_USAGE;
}

static int broken(const struct err *err)
{
    (void)fprintf(stderr, "kepler-probe: %s\n", err->text);
    return EXIT_BROKEN;
}

static void print_help(const struct opt *table, size_t n)
{
    (void)printf(
        "kepler-probe [OPTIONS]\n\n"
        "Says which energy source really works on this host, why the others do not, and\n"
        "how to mend them. Probes by doing: reads the energy twice, loads a BPF program.\n\n");
    opts_help(stdout, table, n);
    (void)printf("\nChecks:\n");
    for (size_t i = 0; i < probe_checks_count; i++)
        (void)printf("  %-26s%s\n", probe_checks[i].id, probe_checks[i].title);
    (void)printf("\nExit: 0 the requirement holds, 1 it does not, 2 usage, 3 the probe failed.\n");
}

static bool is_word(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

static int check_ignored(const struct opt_list *ignore, struct err *err)
{
    for (size_t i = 0; i < ignore->n; i++) {
        if (!check_find(ignore->value[i]))
            return err_set(err, -EINVAL, "--ignore %s: there is no such check", ignore->value[i]);
    }
    return 0;
}

/* A script's unset variable; it would mean this folder, or a file without a name. */
static int check_paths(const struct settings *s, struct err *err)
{
    const struct {
        const char *flag, *value;
    } paths[] = {
        { "output", s->output },          { "record", s->record },
        { "root", s->paths.root },        { "host.procfs", s->paths.procfs },
        { "host.sysfs", s->paths.sysfs }, { "host.devfs", s->paths.devfs },
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (paths[i].value && paths[i].value[0] == '\0') {
            return err_set(err, -EINVAL, "--%s needs a path, and is given an empty one",
                           paths[i].flag);
        }
    }
    return 0;
}

static bool is_dump(const struct settings *s)
{
    return s->paths.root && strcmp(s->paths.root, "/") != 0;
}

static int check_settings(const struct settings *s, struct err *err)
{
    static const char *const requirements[] = { "any", "measured" };
    static const char *const fixes[] = { "", "packages" };
    if (s->json && s->text)
        return err_set(err, -EINVAL, "--json and --text exclude each other");
    if (!is_word(s->require, requirements, ARRAY_LEN(requirements)))
        return err_set(err, -EINVAL, "--require %s: it is measured or any", s->require);
    if (s->fix && !is_word(s->fix, fixes, ARRAY_LEN(fixes)))
        return err_set(err, -EINVAL, "--fix=%s: it is --fix or --fix=packages", s->fix);
    if (is_dump(s) && (s->fix || s->record)) {
        return err_set(err, -EINVAL,
                       "--fix and --record act on the running machine, not on --root "
                       "%s",
                       s->paths.root);
    }
    int code = check_paths(s, err);
    return code < 0 ? code : check_ignored(&s->ignore, err);
}

/* *ret is NULL on failure. */
static int probe_once(const struct settings *s, struct probe **ret, struct err *err)
{
    int code = probe_open(ret, &s->paths, err);
    if (code < 0)
        return code;
    (*ret)->ignored = s->ignore.value;
    (*ret)->ignored_n = s->ignore.n;
    probe_run(*ret);
    return 0;
}

static int fix_and_probe_again(const struct settings *s, struct probe **p, struct err *err)
{
    unsigned done = 0;
    int code = fix_apply(*p, strcmp(s->fix, "packages") == 0, &done, err);
    if (code < 0 || done == 0)
        return code;
    (void)fprintf(stderr, "fix: done, probing again\n");
    probe_close(*p);
    *p = NULL;
    return probe_once(s, p, err);
}

static bool wants_json(const struct settings *s)
{
    size_t n = s->output ? strlen(s->output) : 0;
    return s->json || (!s->text && n > 5 && strcmp(s->output + n - 5, ".json") == 0);
}

static struct report_style style_of(const struct settings *s, const struct probe *p)
{
    struct winsize size = { 0 };
    const char *no_colour = getenv("NO_COLOR"); /* no-color.org: set and not empty */
    bool to_terminal = !s->output && isatty(STDOUT_FILENO);
    const struct select_pins pins = select_pins(p);
    struct report_style style = { .requirement = s->require,
                                  .holds = report_holds(&p->findings, s->require),
                                  .is_dump = is_dump(s),
                                  .power = pins.power,
                                  .accounting = pins.accounting };
    if (to_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        style.columns = size.ws_col;
    style.colour = to_terminal && !(no_colour && no_colour[0]);
    return style;
}

static void render(const struct settings *s, const struct probe *p, struct buf *to)
{
    if (!wants_json(s)) {
        const struct report_style style = style_of(s, p);
        report_text(to, &p->findings, &style);
        return;
    }
    struct json *document = findings_to_json(&p->findings);
    char *text = json_print(document, true);
    buf_str(to, text);
    free(text);
    json_free(document);
}

static int to_stdout(const struct buf *text, struct err *err)
{
    int code = fd_write_all(STDOUT_FILENO, buf_text(text), text->len);
    if (code < 0)
        return err_set(err, code, "cannot write to standard output: %s", strerror(-code));
    return 0;
}

static int deliver(const struct settings *s, const struct probe *p, struct err *err)
{
    AUTO_BUF report;
    AUTO_BUF config;
    buf_init(&report, REPORT_LIMIT);
    buf_init(&config, REPORT_LIMIT);
    render(s, p, &report);
    if (report.full)
        return err_set(err, -EFBIG, "the report is larger than %zu bytes", report.limit);
    if (s->output) {
        int code = file_replace(s->output, buf_text(&report), report.len, 0644, err);
        if (code < 0)
            return code;
    }
    if (s->emit_config) {
        const struct report_style style = style_of(s, p);
        report_yaml(&config, &p->findings, &style);
        return to_stdout(&config, err);
    }
    return s->output ? 0 : to_stdout(&report, err);
}

static void close_probe(struct probe **p)
{
    probe_close(*p);
}

/* For the log of whoever asked for a document: why the exit status is 1. */
static void say_unmet(const struct settings *s, const struct findings *f)
{
    const char *why = "power is estimated here";
    if (!f->accounting[0])
        why = "CPU time cannot be accounted here";
    if (!f->selected[0])
        why = "no power source is usable here";
    (void)fprintf(stderr,
                  "kepler-probe: --require %s does not hold: %s; kepler-probe --text says more\n",
                  s->require, why);
}

static int run(const struct settings *s)
{
    CLEANUP(close_probe) struct probe *p = NULL;
    struct err err = { 0 };
    int code = probe_once(s, &p, &err);
    if (code == 0 && s->fix)
        code = fix_and_probe_again(s, &p, &err);
    if (code == 0 && s->record)
        code = record_write(p, s->record, &err);
    if (code == 0)
        code = deliver(s, p, &err);
    if (code < 0)
        return broken(&err);
    if (report_holds(&p->findings, s->require))
        return EXIT_HOLDS;
    if (wants_json(s) || s->output || s->emit_config) /* the text report says it itself */
        say_unmet(s, &p->findings);
    return EXIT_DOES_NOT_HOLD;
}

static void free_settings(const struct settings *s)
{
    free(s->ignore.value);
}

int main(int argc, char **argv)
{
    CLEANUP(free_settings) struct settings s = { .require = "any" };
    const struct opt table[] = {
        { NULL, OPT_HEADING, NULL, NULL, "Report:" },
        { "text", OPT_SWITCH, &s.text, NULL, "the report for a person (the default)" },
        { "json", OPT_SWITCH, &s.json, NULL, "the findings document (schema kepler-probe/1)" },
        { "output", OPT_TEXT, &s.output, "FILE",
          "write there, whole or not at all; JSON if it ends in .json; - is standard output" },
        { "emit-config", OPT_SWITCH, &s.emit_config, NULL,
          "print the exporter's configuration (YAML) instead" },
        { NULL, OPT_HEADING, NULL, NULL, "Decision:" },
        { "require", OPT_TEXT, &s.require, "KIND",
          "measured, or any (the default): sets exit 0 or 1" },
        { "ignore", OPT_LIST, &s.ignore, "ID", "leave this check out; repeatable" },
        { "fix", OPT_OPTTEXT, &s.fix, "packages",
          "load missing modules, now and at each boot; --fix=packages installs too" },
        { NULL, OPT_HEADING, NULL, NULL, "Where to look:" },
        { "root", OPT_TEXT, &s.paths.root, "DIR", "a dump of a machine instead of this one" },
        { "record", OPT_TEXT, &s.record, "DIR", "write such a dump of this machine (no secrets)" },
        { "host.procfs", OPT_TEXT, &s.paths.procfs, "DIR", "where the host's /proc is mounted" },
        { "host.sysfs", OPT_TEXT, &s.paths.sysfs, "DIR", "where the host's /sys is mounted" },
        { "host.devfs", OPT_TEXT, &s.paths.devfs, "DIR", "where the host's /dev is mounted" },
        { NULL, OPT_HEADING, NULL, NULL, "Other:" },
        { "version", OPT_SWITCH, &s.version, NULL, "print the version" },
        { "help", OPT_SWITCH, &s.help, NULL, "print this" },
    };
    struct err err = { 0 };
    int first = argc;
    if (opts_parse(table, ARRAY_LEN(table), argc, argv, &first, &err) < 0)
        return usage(&err);
    if (s.output && strcmp(s.output, "-") == 0)
        s.output = NULL;
    if (first < argc) {
        (void)err_set(&err, -EINVAL, "%s: no argument is expected there", argv[first]);
        return usage(&err);
    }
    if (s.help) {
        print_help(table, ARRAY_LEN(table));
        return 0;
    }
    if (s.version) {
        (void)printf("kepler-probe %s\n", KEPLER_VERSION);
        return 0;
    }
    return check_settings(&s, &err) < 0 ? usage(&err) : run(&s);
}
