/* SPDX-License-Identifier: Apache-2.0 */
#include "base/opts.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define ARGS_MAX 8

/* What a command line came to. */
struct seen {
    bool json, no_color;
    const char *output, *fix;
    struct opt_list ignore;
    int first;
    int code;
    struct err err;
};

static struct seen parse(const char *const *words)
{
    struct seen s = { .json = false };
    char *argv[ARGS_MAX + 1] = { (char[]){ "prog" } };
    int argc = 1;
    for (; words[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    const struct opt table[] = {
        { NULL, OPT_HEADING, NULL, NULL, "Output" },
        { "json", OPT_SWITCH, &s.json, NULL, "as JSON" },
        { "no-color", OPT_SWITCH, &s.no_color, NULL, "no colours" },
        { "output", OPT_TEXT, &s.output, "FILE", "write there" },
        { "ignore", OPT_LIST, &s.ignore, "ID", "leave out" },
        { "fix", OPT_OPTTEXT, &s.fix, "packages", "mend" },
    };
    s.first = -7;
    s.code = opts_parse(table, ARRAY_LEN(table), argc, argv, &s.first, &s.err);
    return s;
}

/* NULL is the same as NULL only. */
static bool is_same(const char *got, const char *want)
{
    return got && want ? strcmp(got, want) == 0 : got == want;
}

static void understood(void **state)
{
    static const struct {
        const char *why;
        const char *words[ARGS_MAX];
        int first;
        bool json, no_color;
        const char *output, *fix;
        size_t ignored;
    } rows[] = {
        { "nothing", { NULL }, 1, false, false, NULL, NULL, 0 },
        { "a switch", { "--json", NULL }, 2, true, false, NULL, NULL, 0 },
        { "a switch and its contrary: the last one wins",
          { "--json", "--no-json", NULL },
          3,
          false,
          false,
          NULL,
          NULL,
          0 },
        { "=true and =false",
          { "--json=true", "--no-color=false", NULL },
          3,
          true,
          false,
          NULL,
          NULL,
          0 },
        { "a name that begins with no- is itself first",
          { "--no-color", NULL },
          2,
          false,
          true,
          NULL,
          NULL,
          0 },
        { "and has a contrary, too",
          { "--no-color", "--no-no-color", NULL },
          3,
          false,
          false,
          NULL,
          NULL,
          0 },
        { "a value behind a blank", { "--output", "f", NULL }, 3, false, false, "f", NULL, 0 },
        { "a value behind =", { "--output=a=b", NULL }, 2, false, false, "a=b", NULL, 0 },
        { "an empty value is a value", { "--output=", NULL }, 2, false, false, "", NULL, 0 },
        { "a value may begin with one dash",
          { "--output", "-1", NULL },
          3,
          false,
          false,
          "-1",
          NULL,
          0 },
        { "with = it may begin with two",
          { "--output=--x", NULL },
          2,
          false,
          false,
          "--x",
          NULL,
          0 },
        { "a list grows", { "--ignore", "a", "--ignore=b", NULL }, 4, false, false, NULL, NULL, 2 },
        { "an optional value left out takes no operand",
          { "--fix", "x", NULL },
          2,
          false,
          false,
          NULL,
          "",
          0 },
        { "an optional value given",
          { "--fix=packages", NULL },
          2,
          false,
          false,
          NULL,
          "packages",
          0 },
        { "the first operand ends options",
          { "a", "--json", NULL },
          1,
          false,
          false,
          NULL,
          NULL,
          0 },
        { "-- ends options", { "--json", "--", "--output", NULL }, 3, true, false, NULL, NULL, 0 },
        { "-- at the end leaves no operand",
          { "--json", "--", NULL },
          3,
          true,
          false,
          NULL,
          NULL,
          0 },
        { "a dash alone is an operand", { "-", NULL }, 1, false, false, NULL, NULL, 0 },
        { "so is an empty word", { "", "--json", NULL }, 1, false, false, NULL, NULL, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct seen s = parse(rows[i].words);
        if (s.code != 0 || s.first != rows[i].first || s.json != rows[i].json ||
            s.no_color != rows[i].no_color || s.ignore.n != rows[i].ignored)
            fail_msg("%s: code %d (%s), first %d", rows[i].why, s.code, s.err.text, s.first);
        if (!is_same(s.output, rows[i].output))
            fail_msg("%s: output is %s", rows[i].why, s.output ? s.output : "absent");
        if (!is_same(s.fix, rows[i].fix))
            fail_msg("%s: fix is %s", rows[i].why, s.fix ? s.fix : "absent");
        free(s.ignore.value);
    }
}

static void list_keeps_the_order(void **state)
{
    (void)state;
    const char *const words[] = { "--ignore=a", "--ignore", "b", "--ignore=c", NULL };
    struct seen s = parse(words);
    assert_int_equal(s.ignore.n, 3);
    assert_string_equal(s.ignore.value[0], "a");
    assert_string_equal(s.ignore.value[1], "b");
    assert_string_equal(s.ignore.value[2], "c");
    free(s.ignore.value);
}

static void refused(void **state)
{
    static const struct {
        const char *why;
        const char *words[ARGS_MAX];
        const char *sentence;
    } rows[] = {
        { "two swapped letters",
          { "--josn", NULL },
          "unknown option --josn; did you mean --json?" },
        { "a letter left out",
          { "--outpt=x", NULL },
          "unknown option --outpt; did you mean --output?" },
        { "an abbreviation is none",
          { "--out", "x", NULL },
          "unknown option --out; did you mean --output?" },
        { "a misspelt contrary",
          { "--no-josn", NULL },
          "unknown option --no-josn; did you mean --no-json?" },
        { "nothing like it",
          { "--frobnicate", NULL },
          "unknown option --frobnicate; --help lists those there are" },
        { "no single dashes",
          { "-j", NULL },
          "unknown option -j; options have two dashes and a long name" },
        { "a missing value at the end",
          { "--output", NULL },
          "--output needs a value: --output FILE" },
        { "an option is no value",
          { "--output", "--json", NULL },
          "--output needs a value: --output FILE (to give it \"--json\", write --output=--json)" },
        { "a list's value is missing",
          { "--ignore", NULL },
          "--ignore needs a value: --ignore ID" },
        { "a switch is true or false",
          { "--json=maybe", NULL },
          "--json takes true or false, not \"maybe\"" },
        { "not even empty", { "--json=", NULL }, "--json takes true or false, not \"\"" },
        { "the contrary takes no value",
          { "--no-json=true", NULL },
          "--no-json takes no value; write --json=true or --json=false" },
        { "only switches have a contrary",
          { "--no-output", NULL },
          "--no-output: --output is no switch that can be turned off" },
        { "an empty name", { "--=x", NULL }, "unknown option --; --help lists those there are" },
        { "a heading is no option",
          { "--Output", NULL },
          "unknown option --Output; did you mean --output?" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct seen s = parse(rows[i].words);
        if (s.code != -EINVAL || strcmp(s.err.text, rows[i].sentence) != 0)
            fail_msg("%s: %d \"%s\"", rows[i].why, s.code, s.err.text);
        assert_int_equal(s.first, -7); /* written on success only */
        free(s.ignore.value);
    }
}

static void a_very_long_name_gets_no_suggestion_and_no_overflow(void **state)
{
    (void)state;
    char name[4096] = "--";
    memset(name + 2, 'j', sizeof(name) - 3);
    const char *const words[] = { name, NULL };
    assert_int_equal(parse(words).code, -EINVAL);
}

static void help_is_aligned(void **state)
{
    (void)state;
    bool json = false;
    bool help = false;
    const char *text = NULL;
    struct opt_list list = { 0 };
    const struct opt table[] = {
        { "Output", OPT_HEADING, NULL, NULL, NULL },
        { "json", OPT_SWITCH, &json, NULL, "as JSON" },
        { "help", OPT_SWITCH, &help, NULL, "this text" },
        { "Other", OPT_HEADING, NULL, NULL, NULL },
        { "root", OPT_TEXT, &text, "DIR", "a dump" },
        { "ignore", OPT_LIST, &list, "ID", "leave out" },
        { "fix", OPT_OPTTEXT, &text, "packages", "mend" },
    };
    AUTO_STR printed = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&printed, &size);
    assert_non_null(to);
    opts_help(to, table, ARRAY_LEN(table));
    assert_int_equal(fclose(to), 0);
    assert_string_equal(printed, "Output\n"
                                 "  --[no-]json       as JSON\n"
                                 "  --help            this text\n"
                                 "\n"
                                 "Other\n"
                                 "  --root DIR        a dump\n"
                                 "  --ignore ID ...   leave out\n"
                                 "  --fix[=packages]  mend\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(understood),
        cmocka_unit_test(list_keeps_the_order),
        cmocka_unit_test(refused),
        cmocka_unit_test(a_very_long_name_gets_no_suggestion_and_no_overflow),
        cmocka_unit_test(help_is_aligned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
