/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/cleanup.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

static struct json *parsed(const char *text)
{
    struct err err = { 0 };
    struct json *value = json_parse(text, strlen(text), &err);
    if (!value)
        fail_msg("%s: %s", text, err.text);
    return value;
}

static void text_survives_a_round_trip(void **state)
{
    static const struct {
        const char *why, *text, *printed;
    } rows[] = {
        { "an empty map", "{}", "{}" },
        { "an empty list", " [ ] ", "[]" },
        { "nesting", "{\"a\":[1,{\"b\":[]}],\"c\":null}", "{\"a\":[1,{\"b\":[]}],\"c\":null}" },
        { "a number alone", "-1.5e3", "-1500" },
        { "a tenth is printed short", "0.1", "0.1" },
        { "17 digits where 15 do not do", "0.30000000000000004", "0.30000000000000004" },
        { "a counter of 16 digits stays whole", "9007199254740991", "9007199254740991" },
        { "true and false", "[true,false]", "[true,false]" },
        { "a quote and a backslash", "\"\\\"\\\\\"", "\"\\\"\\\\\"" },
        { "control characters are escaped", "\"\\u001f\\n\\t\"", "\"\\u001f\\n\\u0009\"" },
        { "a surrogate pair becomes one character", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
        { "a byte order mark is skipped", "\xef\xbb\xbf{\"a\":1}", "{\"a\":1}" },
        { "the four blanks", "\t\r\n [1]\n", "[1]" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON value = parsed(rows[i].text);
        AUTO_STR printed = json_print(value, false);
        if (strcmp(printed, rows[i].printed) != 0)
            fail_msg("%s: %s", rows[i].why, printed);
    }
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *why, *text, *begins;
    } rows[] = {
        { "nothing", "", "line 1, column 1: there is nothing" },
        { "blanks only", " \n ", "line 2, column 2: there is nothing" },
        { "text behind the value", "{}\n x", "line 2, column 2: more text" },
        { "a second value", "1 2", "line 1, column 3: more text" },
        { "cut inside a map", "{\"a\":1", "line 1, column 7: the text ends inside" },
        { "cut inside a list", "[1,\n", "line 2, column 1: the text ends inside" },
        { "an open string", "[\"abc", "line 1, column 2: this string is never closed" },
        { "a line end in a string", "\"a\nb\"", "line 1, column 3: a control character" },
        { "a leading zero", "[01]", "line 1, column 3: this is no number" },
        { "a plus", "+1", "line 1, column 1: a character that begins nothing" },
        { "a point without digits", "1.", "line 1, column 3: this is no number" },
        { "an exponent without digits", "1e", "line 1, column 3: this is no number" },
        { "a number with letters behind", "1x", "line 1, column 2: this is no number" },
        { "two points", "1.2.3", "line 1, column 4: this is no number" },
        { "a number past double", "1e999", "line 1, column 6: a number past the range" },
        { "a number of 64 digits",
          "1111111111111111111111111111111111111111111111111111111111111111",
          "line 1, column 65: a number of more than 63" },
        { "no comma", "[1 2]", "line 1, column 4: this is not JSON" },
        { "no colon", "{\"a\" 1}", "line 1, column 6: this is not JSON" },
        { "a comma at the end", "[1,]", "line 1, column 4: this is not JSON" },
        { "a word", "nul", "line 1, column 1: this is not JSON" },
        { "single quotes", "{'a':1}", "line 1, column 2: a character that begins nothing" },
        { "a comment", "/* */1", "line 1, column 1: a character that begins nothing" },
        { "a form feed is no blank", "[1,\f2]",
          "line 1, column 4: a character that begins nothing" },
        { "Latin-1", "\"\xe9\"", "line 1, column 2: a byte that is no UTF-8" },
        { "an overlong slash", "\"\xc0\xaf\"", "line 1, column 2: a byte that is no UTF-8" },
        { "a surrogate in UTF-8", "\"\xed\xa0\x80\"", "line 1, column 2: a byte that is no UTF-8" },
        { "past U+10FFFF", "\"\xf4\x90\x80\x80\"", "line 1, column 2: a byte that is no UTF-8" },
        { "a zero in a string", "\"a\\u0000b\"", "line 1, column 5: \\u0000 in a string" },
        { "a lone surrogate escape", "\"\\ud800\"", "line 1, column " },
        { "an escape of nothing", "\"\\q\"", "line 1, column " },
        { "columns count characters, not bytes", "\"\xc3\xa9\" x", "line 1, column 5: more text" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = { 0 };
        AUTO_JSON value = json_parse(rows[i].text, strlen(rows[i].text), &err);
        if (value || strncmp(err.text, rows[i].begins, strlen(rows[i].begins)) != 0)
            fail_msg("%s: %s", rows[i].why, value ? "taken" : err.text);
        assert_int_equal(err.code, -EBADMSG);
    }
}

static void every_cut_of_a_document_is_refused_and_none_is_read_past(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"a\":[1,-2.5e-3,\"\\u00e9\\\"x\",true,null,{}],\"b\":\"\xc3\xa9\"}";
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        AUTO_STR cut = malloc(n + 1); /* its own memory, so that ASan sees a read past the end */
        assert_non_null(cut);
        memcpy(cut, whole, n);
        char *exact = realloc(cut, n ? n : 1);
        cut = exact;
        AUTO_JSON value = json_parse(cut, n, NULL);
        if (value)
            fail_msg("cut at %zu was taken", n);
    }
}

static void zero_bytes_are_no_blanks(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_null(json_parse("1\0 2", 4, &err));
    assert_null(json_parse("[1]\0", 4, &err));
    assert_string_equal(err.text, "line 1, column 4: a character that begins nothing in JSON");
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    char text[2100];
    for (int depth = 1000; depth <= 1001; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        struct err err = { 0 };
        AUTO_JSON value = json_parse(text, 2 * (size_t)depth, &err);
        if (depth == 1000) {
            AUTO_STR printed = json_print(value, false);
            assert_int_equal(strlen(printed), 2000);
        } else {
            assert_null(value);
            assert_string_equal(err.text,
                                "line 1, column 1001: lists and maps are nested too deeply");
        }
    }
}

static void reading(void **state)
{
    (void)state;
    AUTO_JSON v = parsed("{\"power\":{\"bounds\":{\"low\":0.8},\"name\":\"msr\",\"on\":true,"
                         "\"list\":[10,20],\"none\":null},\"Power\":1}");
    assert_true(json_number(v, "power.bounds.low", 0) == 0.8);
    assert_string_equal(json_text(v, "power.name", "x"), "msr");
    assert_true(json_bool(v, "power.on", false));
    assert_int_equal(json_count(json_get(v, "power.list")), 2);
    assert_int_equal(json_count(v), 2);
    assert_true(json_number(v, "Power", 0) == 1); /* names are case-sensitive */

    assert_null(json_get(v, "power.absent"));
    assert_null(json_get(v, "power.name.deeper"));
    assert_null(json_get(v, "pow"));
    assert_null(json_get(v, "power."));
    assert_null(json_get(NULL, "a"));
    assert_string_equal(json_text(v, "power.on", "fallback"), "fallback");
    assert_true(json_number(v, "power.name", 7) == 7);
    assert_true(json_bool(v, "power.bounds", true));
    assert_false(json_bool(v, "power.none", false));
}

static void walking(void **state)
{
    (void)state;
    AUTO_JSON v = parsed("{\"a\":1,\"b\":[true,\"x\"]}");
    assert_string_equal(json_key(json_at(v, 0)), "a");
    assert_string_equal(json_key(json_at(v, 1)), "b");
    assert_null(json_at(v, 2));
    const struct json *list = json_get(v, "b");
    assert_null(json_key(json_at(list, 0)));
    assert_string_equal(json_string_of(json_next(json_at(list, 0))), "x");
    assert_null(json_next(json_at(list, 1)));
    assert_null(json_next(NULL));
    assert_null(json_at(NULL, 0));
    assert_null(json_at(json_get(v, "a"), 0));
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_key(NULL));
    assert_null(json_string_of(NULL));
}

static void kinds(void **state)
{
    static const struct {
        const char *text;
        enum json_kind kind;
    } rows[] = { { "null", JSON_NULL }, { "true", JSON_BOOL },   { "false", JSON_BOOL },
                 { "1", JSON_NUMBER },  { "\"\"", JSON_STRING }, { "[]", JSON_ARRAY },
                 { "{}", JSON_OBJECT } };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_JSON v = parsed(rows[i].text);
        assert_int_equal(json_kind_of(v), rows[i].kind);
    }
    assert_int_equal(json_kind_of(NULL), JSON_ABSENT);
}

static void writing(void **state)
{
    (void)state;
    AUTO_JSON v = json_new_object();
    json_put_text(v, "text", "a\"b");
    json_put_text(v, "no_text", NULL);
    json_put_number(v, "whole", 42);
    json_put_number(v, "nan", (double)NAN);
    json_put_number(v, "infinite", -(double)INFINITY);
    json_put_bool(v, "yes", true);
    json_put(v, "nothing", NULL);
    json_put(v, "empty", json_new_array());
    struct json *list = json_new_array();
    json_append(list, json_new_string("x"));
    json_append(list, NULL);
    json_put(v, "list", list);
    json_put_number(v, "whole", 43); /* replaced where it stands */
    AUTO_STR printed = json_print(v, true);
    assert_string_equal(printed, "{\n"
                                 "  \"text\": \"a\\\"b\",\n"
                                 "  \"no_text\": null,\n"
                                 "  \"whole\": 43,\n"
                                 "  \"nan\": null,\n"
                                 "  \"infinite\": null,\n"
                                 "  \"yes\": true,\n"
                                 "  \"nothing\": null,\n"
                                 "  \"empty\": [],\n"
                                 "  \"list\": [\n"
                                 "    \"x\",\n"
                                 "    null\n"
                                 "  ]\n"
                                 "}\n");
}

static void bytes_that_are_no_text_are_printed_as_text(void **state)
{
    (void)state;
    AUTO_JSON v = json_new_string("a\xff\x7f\xc3");
    AUTO_STR printed = json_print(v, false);
    assert_string_equal(printed, "\"a\xef\xbf\xbd\\u007f\xef\xbf\xbd\"");
    AUTO_JSON again = parsed(printed);
    assert_non_null(again);
}

static void a_part_is_printed_alone_and_a_copy_is_its_own(void **state)
{
    (void)state;
    AUTO_JSON v = parsed("{\"a\":{\"b\":[1]},\"c\":2}");
    AUTO_STR part = json_print(json_get(v, "a"), false);
    assert_string_equal(part, "{\"b\":[1]}");
    AUTO_JSON copy = json_copy(v);
    json_put_number(v, "c", 3);
    assert_true(json_number(copy, "c", 0) == 2);
    AUTO_STR nothing = json_print(NULL, true);
    assert_string_equal(nothing, "null\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_survives_a_round_trip),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(every_cut_of_a_document_is_refused_and_none_is_read_past),
        cmocka_unit_test(zero_bytes_are_no_blanks),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(reading),
        cmocka_unit_test(walking),
        cmocka_unit_test(kinds),
        cmocka_unit_test(writing),
        cmocka_unit_test(bytes_that_are_no_text_are_printed_as_text),
        cmocka_unit_test(a_part_is_printed_alone_and_a_copy_is_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
