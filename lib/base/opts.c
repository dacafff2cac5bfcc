/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opts.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>

#define NAME_MAX_BYTES 64 /* longest name that is compared for a suggestion */

/* One argument of the command line, taken apart: "--no-NAME", "--NAME=VALUE". Borrowed. */
struct word {
    const char *text; /* the whole argument, for sentences */
    const char *name; /* behind the dashes, not NUL-terminated */
    size_t len;
    const char *value; /* behind the '=', NULL without one */
};

static struct word split(const char *argument)
{
    struct word w = { .text = argument, .name = argument + 2 };
    const char *equals = strchr(w.name, '=');
    w.len = equals ? (size_t)(equals - w.name) : strlen(w.name);
    w.value = equals ? equals + 1 : NULL;
    return w;
}

static const struct opt *find(const struct opt *table, size_t n, const char *name, size_t len)
{
    for (size_t i = 0; i < n; i++) {
        if (table[i].kind != OPT_HEADING && strncmp(table[i].name, name, len) == 0 &&
            table[i].name[len] == '\0')
            return &table[i];
    }
    return NULL;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;
    return m < c ? m : c;
}

/* Levenshtein's distance; both at most NAME_MAX_BYTES long. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t row[NAME_MAX_BYTES + 1];
    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[b_len];
}

/* The option somebody who typed @w most likely meant, or NULL: a name it abbreviates, else one that
   differs in a third of its letters and one more at most (two swapped letters count as two). */
static const struct opt *nearest(const struct opt *table, size_t n, const struct word *w)
{
    const struct opt *best = NULL;
    size_t best_distance = w->len / 3 + (w->len > 2 ? 2 : 1);
    for (size_t i = 0; i < n && w->len <= NAME_MAX_BYTES; i++) {
        if (table[i].kind == OPT_HEADING || strlen(table[i].name) > NAME_MAX_BYTES)
            continue;
        size_t d = distance(w->name, w->len, table[i].name, strlen(table[i].name));
        if (w->len >= 3 && strncmp(table[i].name, w->name, w->len) == 0)
            d = 0;
        if (d < best_distance) {
            best = &table[i];
            best_distance = d;
        }
    }
    return best;
}

static int unknown(const struct opt *table, size_t n, const struct word *w, struct err *err)
{
    const struct opt *near = nearest(table, n, w);
    struct word bare = *w; /* a misspelt --no-NAME means NAME's */
    bool negated = !near && w->len > 3 && strncmp(w->name, "no-", 3) == 0;
    if (negated) {
        bare.name += 3;
        bare.len -= 3;
        near = nearest(table, n, &bare);
        if (near && near->kind != OPT_SWITCH)
            negated = false;
    }
    if (near) {
        return err_set(err, -EINVAL, "unknown option --%.*s; did you mean --%s%s?", (int)w->len,
                       w->name, negated ? "no-" : "", near->name);
    }
    return err_set(err, -EINVAL, "unknown option --%.*s; --help lists those there are", (int)w->len,
                   w->name);
}

static int set_switch(const struct opt *o, const char *value, struct err *err)
{
    bool *target = o->target;
    if (!value || strcmp(value, "true") == 0) {
        *target = true;
    } else if (strcmp(value, "false") == 0) {
        *target = false;
    } else {
        return err_set(err, -EINVAL, "--%s takes true or false, not \"%s\"", o->name, value);
    }
    return 0;
}

static void append(struct opt_list *list, const char *value)
{
    list->value = mem_grow(list->value, list->n + 1, sizeof(*list->value));
    list->value[list->n++] = value;
}

/* Options that want a value; @next is the argument after this one, NULL at the end. Returns how
   many arguments it took beside its own. */
static int set_value(const struct opt *o, const struct word *w, const char *next, struct err *err)
{
    const char *argument = o->argument ? o->argument : "VALUE";
    const char *value = w->value ? w->value : next;
    if (!value)
        return err_set(err, -EINVAL, "--%s needs a value: --%s %s", o->name, o->name, argument);
    if (!w->value && strncmp(next, "--", 2) == 0) {
        return err_set(err, -EINVAL,
                       "--%s needs a value: --%s %s (to give it \"%s\", write --%s=%s)", o->name,
                       o->name, argument, next, o->name, next);
    }
    if (o->kind == OPT_LIST) {
        append(o->target, value);
    } else {
        *(const char **)o->target = value;
    }
    return w->value ? 0 : 1;
}

static int set(const struct opt *o, const struct word *w, const char *next, struct err *err)
{
    if (o->kind == OPT_SWITCH)
        return set_switch(o, w->value, err);
    if (o->kind == OPT_OPTTEXT) {
        *(const char **)o->target = w->value ? w->value : "";
        return 0;
    }
    return set_value(o, w, next, err);
}

/* `--no-NAME` of a switch; -ENOENT if @w is no such thing. */
static int set_negated(const struct opt *table, size_t n, const struct word *w, struct err *err)
{
    if (w->len <= 3 || strncmp(w->name, "no-", 3) != 0)
        return -ENOENT;
    const struct opt *o = find(table, n, w->name + 3, w->len - 3);
    if (!o)
        return -ENOENT;
    if (o->kind != OPT_SWITCH) {
        return err_set(err, -EINVAL, "--no-%s: --%s is no switch that can be turned off", o->name,
                       o->name);
    }
    if (w->value) {
        return err_set(err, -EINVAL, "--no-%s takes no value; write --%s=true or --%s=false",
                       o->name, o->name, o->name);
    }
    *(bool *)o->target = false;
    return 0;
}

static int parse_one(const struct opt *table, size_t n, const char *argument, const char *next,
                     struct err *err)
{
    if (argument[1] != '-') {
        return err_set(err, -EINVAL, "unknown option %s; options have two dashes and a long name",
                       argument);
    }
    struct word w = split(argument);
    const struct opt *o = find(table, n, w.name, w.len);
    if (o)
        return set(o, &w, next, err);
    int code = set_negated(table, n, &w, err);
    return code == -ENOENT ? unknown(table, n, &w, err) : code;
}

/* NOLINTNEXTLINE(readability-function-size): argc and argv are one argument to the reader */
int opts_parse(const struct opt *table, size_t n, int argc, char **argv, int *ret_first,
               struct err *err)
{ /* #lizard forgives: as above */
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }
        int taken = parse_one(table, n, argv[i], i + 1 < argc ? argv[i + 1] : NULL, err);
        if (taken < 0)
            return taken;
        i += 1 + taken;
    }
    *ret_first = i < argc ? i : argc;
    return 0;
}

/* "--output FILE", as it stands in the help. The caller frees. */
static char *usage(const struct opt *o)
{
    const char *argument = o->argument ? o->argument : "VALUE";
    if (o->kind == OPT_SWITCH) {
        return strncmp(o->name, "no-", 3) == 0 || strcmp(o->name, "help") == 0
                   ? mem_printf("--%s", o->name)
                   : mem_printf("--[no-]%s", o->name);
    }
    if (o->kind == OPT_OPTTEXT)
        return mem_printf("--%s[=%s]", o->name, argument);
    return mem_printf("--%s %s%s", o->name, argument, o->kind == OPT_LIST ? " ..." : "");
}

void opts_help(FILE *to, const struct opt *table, size_t n)
{
    size_t width = 0;
    for (size_t i = 0; i < n; i++) {
        AUTO_STR text = table[i].kind == OPT_HEADING ? mem_strdup("") : usage(&table[i]);
        width = strlen(text) > width ? strlen(text) : width;
    }
    for (size_t i = 0; i < n; i++) {
        if (table[i].kind == OPT_HEADING) {
            (void)fprintf(to, "%s%s\n", i > 0 ? "\n" : "",
                          table[i].name ? table[i].name : table[i].help);
            continue;
        }
        AUTO_STR text = usage(&table[i]);
        (void)fprintf(to, "  %-*s  %s\n", (int)width, text, table[i].help ? table[i].help : "");
    }
}
