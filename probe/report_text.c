/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdarg.h>

#define ID_COLUMNS     24 /* the longest id is module.intel_rapl_common */
#define STATUS_COLUMNS 4
#define LEFT_COLUMNS   (2 + STATUS_COLUMNS + 2 + ID_COLUMNS + 2)
#define LABEL_COLUMNS  12 /* of the verdict's lines */
#define LEAST_COLUMNS  60 /* on a narrower terminal wrapping would only harm */

static const char *const colour_of[] = {
    [FINDING_OK] = "\033[32m",
    [FINDING_WARN] = "\033[33m",
    [FINDING_FAIL] = "\033[31m",
    [FINDING_SKIP] = "\033[2m",
};
#define BOLD  "\033[1m"
#define DIM   "\033[2m"
#define CYAN  "\033[36m"
#define PLAIN "\033[0m"

static const struct group_row {
    const char *prefix, *title;
} groups[] = {
    { "host.", "Machine" },
    { "cloud.", "Machine" },
    { "power.", "Power sources" },
    { "module.", "Kernel modules" },
    { "bpf.", "CPU accounting by eBPF" },
    { "perf.", "Hardware counters" },
    { "cgroup.", "Containers and network" },
    { "net.", "Containers and network" },
};

static const char *group_of(const char *id)
{
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (strncmp(id, groups[i].prefix, strlen(groups[i].prefix)) == 0)
            return groups[i].title;
    }
    return "Other";
}

static void colour(struct buf *to, const struct report_style *style, const char *code)
{
    if (style->colour)
        buf_str(to, code);
}

static void blanks(struct buf *to, unsigned n)
{
    buf_printf(to, "%*s", (int)n, "");
}

/* Longest start of @text that fits into @room, cut at a blank where there is one. */
static size_t fit(const char *text, unsigned room)
{
    size_t len = strlen(text);
    if (len <= room)
        return len;
    for (size_t n = room; n > 0; n--) {
        if (text[n] == ' ')
            return n;
    }
    return strcspn(text, " "); /* one word that is longer: not broken, so that it can be copied */
}

/* @text from column @left on, wrapped if the style says so; without the last line end. */
static void wrapped(struct buf *to, const struct report_style *style, unsigned left,
                    const char *text)
{
    unsigned room = style->columns >= LEAST_COLUMNS ? style->columns - left : 0;
    for (;;) {
        size_t n = room ? fit(text, room) : strlen(text);
        buf_add(to, text, n);
        text += n;
        text += strspn(text, " ");
        if (*text == '\0')
            return;
        buf_char(to, '\n');
        blanks(to, left);
    }
}

/* The id whose remedy is the same command, if the report has printed it already. */
static const char *same_remedy(const struct findings *all, const struct finding *f)
{
    for (const struct finding *g = all->finding; g < f; g++) {
        if (g->remedy_command[0] && strcmp(g->remedy_command, f->remedy_command) == 0)
            return g->id;
    }
    return NULL;
}

static bool same_note(const struct findings *all, const struct finding *f)
{
    for (const struct finding *g = all->finding; g < f; g++) {
        if (strcmp(g->remedy_note, f->remedy_note) == 0)
            return true;
    }
    return false;
}

/* A line below a finding, in @code's colour. */
static void print_below(struct buf *to, const struct report_style *style, const char *code,
                        const char *text)
{
    blanks(to, LEFT_COLUMNS);
    colour(to, style, code);
    wrapped(to, style, LEFT_COLUMNS, text);
    colour(to, style, PLAIN);
    buf_char(to, '\n');
}

/* A command is never wrapped: it is to be copied. */
static void print_command(struct buf *to, const struct report_style *style, const char *command)
{
    colour(to, style, CYAN);
    buf_printf(to, "$ %s", command);
    colour(to, style, PLAIN);
    buf_char(to, '\n');
}

static void print_remedy(struct buf *to, const struct findings *all, const struct finding *f,
                         const struct report_style *style)
{
    const char *before = f->remedy_command[0] ? same_remedy(all, f) : NULL;
    if (before) {
        AUTO_STR line = mem_printf("remedy as for %s", before);
        print_below(to, style, DIM, line);
        return;
    }
    if (f->remedy_command[0]) {
        blanks(to, LEFT_COLUMNS);
        print_command(to, style, f->remedy_command);
    }
    if (f->remedy_note[0] && !same_note(all, f))
        print_below(to, style, DIM, f->remedy_note);
    if (f->remedy_reboot)
        print_below(to, style, BOLD, "takes a reboot");
}

static void print_finding(struct buf *to, const struct findings *all, const struct finding *f,
                          const struct report_style *style)
{
    buf_str(to, "  ");
    colour(to, style, colour_of[f->status]);
    buf_printf(to, "%-*s", STATUS_COLUMNS, finding_status_name(f->status));
    colour(to, style, PLAIN);
    buf_printf(to, "  %-*s  ", ID_COLUMNS, f->id);
    wrapped(to, style, LEFT_COLUMNS, f->detail);
    buf_char(to, '\n');
    print_remedy(to, all, f, style);
}

static const char *reason_of_selected(const struct findings *f)
{
    for (size_t i = 0; i < f->sources; i++) {
        if (strcmp(f->source[i].name, f->selected) == 0)
            return f->source[i].reason;
    }
    return "no source is usable: see the failures above";
}

PRINTF_LIKE(4, 5)
static void verdict_line(struct buf *to, const struct report_style *style, const char *name,
                         const char *format, ...)
{
    AUTO_STR line = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&line, format, args);
    va_end(args);
    if (n < 0)
        return;
    buf_str(to, "  ");
    colour(to, style, DIM);
    buf_printf(to, "%-*s", LABEL_COLUMNS, name);
    colour(to, style, PLAIN);
    wrapped(to, style, 2 + LABEL_COLUMNS, line);
    buf_char(to, '\n');
}

/* "Verdict: measured power from msr, exact CPU time" */
static void print_headline(struct buf *to, const struct findings *f,
                           const struct report_style *style)
{
    enum finding_status light = f->selected[0] == '\0'                ? FINDING_FAIL
                                : strcmp(f->quality, "measured") == 0 ? FINDING_OK
                                                                      : FINDING_WARN;
    buf_char(to, '\n');
    colour(to, style, BOLD);
    buf_str(to, "Verdict: ");
    colour(to, style, colour_of[light]);
    if (f->selected[0]) {
        buf_printf(to, "%s power from %s", f->quality, f->selected);
    } else {
        buf_str(to, "no power at all");
    }
    colour(to, style, PLAIN);
    colour(to, style, BOLD);
    buf_str(to, strcmp(f->accounting, "ebpf") == 0 ? ", exact CPU time by eBPF"
                : f->accounting[0]                 ? ", CPU time from /proc"
                                                   : ", no CPU time");
    colour(to, style, PLAIN);
    buf_char(to, '\n');
}

/* A line below the verdict's command. */
static void print_after(struct buf *to, const struct report_style *style, const char *text)
{
    blanks(to, 2);
    wrapped(to, style, 2, text);
    buf_char(to, '\n');
}

/* The first finding of a power source better than what is selected that says how to get at it;
   NULL: none does. Sources stand best first. */
static const struct finding *remedied_source(const struct findings *f, bool by_command)
{
    for (size_t i = 0; i < f->findings; i++) {
        const struct finding *one = &f->finding[i];
        const char *remedy = by_command ? one->remedy_command : one->remedy_note;
        if (strncmp(one->id, "power.", strlen("power.")) != 0)
            continue;
        if (strcmp(one->id + strlen("power."), f->selected) == 0)
            return NULL;
        if (one->status != FINDING_OK && remedy[0])
            return one;
    }
    return NULL;
}

static void print_remedied(struct buf *to, const struct findings *f,
                           const struct report_style *style)
{
    const struct finding *virtualisation = findings_find(f, "host.virtualisation");
    const struct finding *by_command = remedied_source(f, true);
    const struct finding *source = by_command ? by_command : remedied_source(f, false);
    if (!source)
        return;
    bool is_elsewhere = !by_command && virtualisation && virtualisation->status == FINDING_WARN;
    AUTO_STR line =
        is_elsewhere
            ? mem_printf("Measured watts take another machine: see %s above.", source->id)
            : mem_printf("The remedy of %s above brings measured watts, which the exporter takes "
                         "by itself as soon as they can be read.",
                         source->id);
    print_after(to, style, line);
}

/* What is measured now may be measured better, or no more after a reboot. */
static void print_outlook(struct buf *to, const struct findings *f,
                          const struct report_style *style)
{
    const struct finding *better = remedied_source(f, true);
    AUTO_STR id = mem_printf("module.%s", f->selected);
    const struct finding *module = findings_find(f, id);
    if (better) {
        AUTO_STR line = mem_printf("The remedy of %s above brings a better source, which the "
                                   "exporter takes by itself as soon as it can be read.",
                                   better->id);
        print_after(to, style, line);
    }
    if (module && module->status != FINDING_OK && module->remedy_command[0]) {
        AUTO_STR line = mem_printf("After a reboot %s is gone: see %s above.", f->selected, id);
        print_after(to, style, line);
    }
}

/* No source is named that the exporter takes by itself: a name is binding, so that it would not
   start without that source, and take no better one. */
static void print_run(struct buf *to, const struct findings *f, const struct report_style *style)
{
    const char *power = style->power ? style->power : "";
    const char *accounting = style->accounting ? style->accounting : "";
    AUTO_STR run = mem_printf("sudo kepler-exporter%s%s%s%s", power[0] ? " --power.source=" : "",
                              power, accounting[0] ? " --accounting.source=" : "", accounting);
    buf_str(to, "\n  ");
    print_command(to, style, run);
    if (style->is_dump)
        print_after(to, style, "(This is a dump: the command is for the machine that it is of.)");
    if (power[0])
        return;
    if (strcmp(f->quality, "estimated") == 0) {
        print_remedied(to, f, style);
    } else {
        print_outlook(to, f, style);
    }
}

static void print_verdict(struct buf *to, const struct findings *f,
                          const struct report_style *style)
{
    print_headline(to, f, style);
    verdict_line(to, style, "power", "%s", reason_of_selected(f));
    if (strcmp(f->quality, "estimated") == 0) {
        verdict_line(to, style, "bounds", "true package watts are %.2f to %.2f times the estimate",
                     f->bound_low, f->bound_high);
    }
    verdict_line(to, style, "accounting", "%s", f->accounting_reason);
    verdict_line(to, style, "required", "%s%s: %s%s",
                 style->colour ? colour_of[style->holds ? FINDING_OK : FINDING_FAIL] : "",
                 style->requirement, style->holds ? "holds" : "does not hold",
                 style->colour ? PLAIN : "");
    if (f->selected[0])
        print_run(to, f, style);
}

static void print_title(struct buf *to, const struct findings *f, const struct report_style *style)
{
    const char *kernel = json_text(f->host, "kernel", "");
    const char *type = json_text(f->host, "instance_type", "");
    const char *product = json_text(f->host, "dmi_product", "");
    const char *machine = type[0] ? type : product;
    colour(to, style, BOLD);
    buf_printf(to, "kepler-probe %s", f->version);
    colour(to, style, PLAIN);
    if (machine[0])
        buf_printf(to, " on %s", machine);
    if (kernel[0])
        buf_printf(to, "%s Linux %s", machine[0] ? "," : " on", kernel);
    buf_char(to, '\n');
}

void report_text(struct buf *to, const struct findings *f, const struct report_style *style)
{
    const char *group = "";
    print_title(to, f, style);
    for (size_t i = 0; i < f->findings; i++) {
        const char *its = group_of(f->finding[i].id);
        if (strcmp(its, group) != 0) {
            buf_char(to, '\n');
            colour(to, style, BOLD);
            buf_str(to, its);
            colour(to, style, PLAIN);
            buf_char(to, '\n');
        }
        group = its;
        print_finding(to, f, &f->finding[i], style);
    }
    print_verdict(to, f, style);
}

bool report_holds(const struct findings *f, const char *requirement)
{
    bool measured_only = strcmp(requirement, "measured") == 0;
    bool power = f->selected[0] && (!measured_only || strcmp(f->quality, "measured") == 0);
    return power && f->accounting[0];
}
