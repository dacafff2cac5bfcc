/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

/* "LINE:COLUMN path=value" a leaf, joined by blanks; a quoted value stands in quotes. */
static char *flat(const char *text, int *ret_code, struct err *err)
{
    AUTO_YAML doc = { 0 };
    *ret_code = yaml_parse(text, strlen(text), &doc, err);
    char *all = mem_strdup("");
    for (size_t i = 0; i < doc.n; i++) {
        const struct yaml_item *item = &doc.item[i];
        const char *quote = item->quoted ? "\"" : "";
        AUTO_STR before = all;
        all = mem_printf("%s%s%u:%u %s=%s%s%s", before, i > 0 ? " " : "", item->line, item->column,
                         item->path, quote, item->value, quote);
    }
    return all;
}

static void leaves_and_their_places(void **state)
{
    static const struct {
        const char *why, *text, *leaves;
    } rows[] = {
        { "nothing is no setting", "", "" },
        { "nor is a comment", "# c\n", "" },
        { "nor is a document mark", "---\n...\n", "2:1 =" },
        { "one setting", "a: 1\n", "1:1 a=1" },
        { "no line end at the end", "a: 1", "1:1 a=1" },
        { "Windows line ends", "a: 1\r\nb: 2\r\n", "1:1 a=1 2:1 b=2" },
        { "a byte order mark",
          "\xef\xbb\xbf"
          "a: 1",
          "1:1 a=1" },
        { "maps nest; the place is the key's", "log:\n  level: debug\n  format: text\n",
          "2:3 log.level=debug 3:3 log.format=text" },
        { "lists count from 0; the place is the element's", "web:\n  at:\n    - :1\n    - :2\n",
          "3:7 web.at[0]=:1 4:7 web.at[1]=:2" },
        { "a list of maps", "a:\n- b: 1\n  c: 2\n- b: 3\n",
          "2:3 a[0].b=1 3:3 a[0].c=2 4:3 a[1].b=3" },
        { "lists in lists", "a: [[1, 2], []]", "1:6 a[0][0]=1 1:9 a[0][1]=2 1:13 a[1]=" },
        { "JSON is YAML", "{\"a\":[1,\"2\"],\"b\":{\"c\":true}}",
          "1:7 a[0]=1 1:9 a[1]=\"2\" 1:19 b.c=true" },
        { "an empty map and an empty list are leaves", "a: {}\nb: []\n", "1:1 a= 2:1 b=" },
        { "nulls are empty", "a:\nb: ~\nc: null\n", "1:1 a= 2:1 b= 3:1 c=" },
        { "a quoted null is a text", "a: \"null\"\nb: '~'\n", "1:1 a=\"null\" 2:1 b=\"~\"" },
        { "a block text is a quoted one", "a: |\n  x\n", "1:1 a=\"x\n\"" },
        { "dashes in keys", "dev:\n  fake-cpu-meter: {enabled: true}\n",
          "2:20 dev.fake-cpu-meter.enabled=true" },
        { "a text alone has no path", "foo", "1:1 =foo" },
        { "tabs that indent nothing", "a:\t1\t# c\nb: [\n\t2]\nc: \"x\ty\"\n",
          "1:1 a=1 3:2 b[0]=2 4:1 c=\"x\ty\"" },
        { "an anchor that nobody uses is harmless", "a: &x 1", "1:1 a=1" },
        { "columns count characters", "{\xc3\xa9: 1, b: 2}", "1:2 \xc3\xa9=1 1:8 b=2" },
        { "same names in different maps", "a: {x: 1}\nb: {x: 2}\n", "1:5 a.x=1 2:5 b.x=2" },
        { "a value after a nested map", "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n",
          "3:5 a.b.c=1 4:3 a.d=2 5:1 e=3" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        int code = 0;
        AUTO_STR leaves = flat(rows[i].text, &code, &err);
        if (code != 0 || strcmp(leaves, rows[i].leaves) != 0)
            fail_msg("%s: %d %s, %s", rows[i].why, code, err.text, leaves);
    }
}

static void what_a_configuration_needs_not_is_refused(void **state)
{
    static const struct {
        const char *why, *text, *begins;
    } rows[] = {
        { "an alias", "a: 1\nb: *a\n", "line 2, column 4: aliases (*a) are not understood" },
        { "a tag on a value", "a: !!str 1", "line 1, column 4: tags (tag:yaml.org,2002:str)" },
        { "a tag on a map", "a: !x {b: 1}", "line 1, column 4: tags (!x)" },
        { "a tag on a list", "a: !x [1]", "line 1, column 4: tags (!x)" },
        { "a tag on a key", "!x a: 1", "line 1, column 1: tags (!x)" },
        { "a second document", "a: 1\n---\nb: 2\n", "line 2, column 1: a second document" },
        { "a key twice", "a: 1\nb: 2\na: 3\n",
          "line 3, column 1: the key \"a\" stands here for the second" },
        { "a key twice below", "x:\n  a: 1\n  a: 2\n", "line 3, column 3: the key \"a\"" },
        { "a key twice with a map each", "a: {b: 1}\na: {c: 2}\n",
          "line 2, column 1: the key \"a\"" },
        { "a list as a key", "? [a]\n: 1\n", "line 1, column 3: a map or list cannot be a key" },
        { "a map as a key", "{{a: 1}: 2}", "line 1, column 2: a map or list cannot be a key" },
        { "an open list", "a: [1, 2\n", "line 2, column 1: " },
        { "an open quote", "a: \"x\n", "line 2, column 1: found unexpected end of stream" },
        { "wrong indent", "a:\n  b: 1\n c: 2\n", "line 3, column 2: " },
        { "no UTF-8", "a: 1\nb: \xff\n", "line 2, column 4: invalid leading UTF-8 octet" },
        { "a character that begins nothing, behind a tab", "a: \t@x",
          "line 1, column 5: found character that cannot start any token" },
        { "a control character", "a: \x01",
          "line 1, column 4: control characters are not allowed" },
        { "a zero in a text", "a: \"x\\0y\"", "line 1, column 4: a zero byte" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        int code = 0;
        AUTO_STR leaves = flat(rows[i].text, &code, &err);
        if (code != -EBADMSG || strncmp(err.text, rows[i].begins, strlen(rows[i].begins)) != 0)
            fail_msg("%s: %d \"%s\", %s", rows[i].why, code, err.text, leaves);
    }
}

/* libyaml has three sentences for it, two of which name no tab. */
static void a_tab_that_indents_is_named(void **state)
{
    static const struct {
        const char *why, *text, *place;
    } rows[] = {
        { "before the first key of a map", "a:\n\tb: 1\n", "line 2, column 1" },
        { "before the next one", "a:\n  b: 1\n\tc: 2\n", "line 3, column 1" },
        { "after a blank", "a:\n \tb: 1\n", "line 2, column 2" },
        { "before the first line's key", "\ta: 1\n", "line 1, column 1" },
        { "before a list's dash", "a:\n\t- c\n", "line 2, column 1" },
        { "after a list's dash", "- a\n-\tb: 1\n", "line 2, column 2" },
        { "in a text of several lines", "a: |\n  x\n\ty\n", "line 3, column 1" },
        { "on a line that is else empty", "a:\n\t\n  b: 1\n", "line 2, column 1" },
        { "behind characters of several bytes", "\xc3\xa9: '\xe2\x82\xac'\n\tb: 1\n",
          "line 2, column 1" },
        { "behind Windows line ends", "a: 1\r\nb:\r\n\tc: 1\r\n", "line 3, column 1" },
        { "behind a byte order mark",
          "\xef\xbb\xbf"
          "a:\n\tb: 1\n",
          "line 2, column 1" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        int code = 0;
        AUTO_STR leaves = flat(rows[i].text, &code, &err);
        AUTO_STR want = mem_printf("%s: a tab where only spaces may stand; YAML is indented by "
                                   "spaces: put spaces in its place",
                                   rows[i].place);
        if (code != -EBADMSG || strcmp(err.text, want) != 0)
            fail_msg("%s: %d \"%s\", %s", rows[i].why, code, err.text, leaves);
    }
}

static void limits_hold(void **state)
{
    (void)state;
    static char text[1024 * 1024 + 1];
    struct yaml_doc doc = { .n = 77 };
    struct err err = { 0 };

    memset(text, '#', sizeof(text));
    assert_int_equal(yaml_parse(text, sizeof(text), &doc, &err), -EFBIG);
    assert_int_equal(yaml_parse(text, sizeof(text) - 1, &doc, &err), 0);
    assert_int_equal(doc.n, 0);

    for (size_t depth = 32; depth <= 33; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        int code = yaml_parse(text, 2 * depth, &doc, &err);
        assert_int_equal(code, depth == 32 ? 0 : -EBADMSG);
        if (code == 0)
            yaml_done(&doc);
    }
    assert_string_equal(err.text, "line 1, column 33: nested deeper than 32 levels");

    for (size_t leaves = 4096; leaves <= 4097; leaves++) {
        for (size_t i = 0; i < leaves; i++)
            memcpy(text + 4 * i, "- 1\n", 4);
        int code = yaml_parse(text, 4 * leaves, &doc, &err);
        assert_int_equal(code, leaves == 4096 ? 0 : -EBADMSG);
        if (code == 0)
            yaml_done(&doc);
    }
    assert_string_equal(err.text, "line 4097, column 3: more than 4096 settings");

    memset(text, 'k', 5000); /* a plain key may have 1024 characters; quoted keys, too */
    memcpy(text, "? ", 2);
    memcpy(text + 5000, "\n: 1", 4);
    assert_int_equal(yaml_parse(text, 5004, &doc, &err), -EBADMSG);
    assert_string_equal(err.text,
                        "line 1, column 3: the path of keys to here is longer than 4096 bytes");
}

static void nothing_is_written_on_failure(void **state)
{
    (void)state;
    struct yaml_doc doc = { .n = 77 };
    assert_int_equal(yaml_parse("a: [", 4, &doc, NULL), -EBADMSG);
    assert_int_equal(doc.n, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_and_their_places),
        cmocka_unit_test(what_a_configuration_needs_not_is_refused),
        cmocka_unit_test(a_tab_that_indents_is_named),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(nothing_is_written_on_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
