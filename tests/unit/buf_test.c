/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

static void an_empty_buffer_is_an_empty_text(void **state)
{
    (void)state;
    AUTO_BUF b;
    buf_init(&b, 10);
    assert_string_equal(buf_text(&b), "");
    buf_add(&b, NULL, 0);
    assert_string_equal(buf_text(&b), "");
    AUTO_STR taken = buf_take(&b);
    assert_string_equal(taken, "");
}

static void it_grows(void **state)
{
    (void)state;
    AUTO_BUF b;
    buf_init(&b, 100000);
    for (int i = 0; i < 10000; i++)
        buf_printf(&b, "%d,", i % 10);
    buf_str(&b, "end");
    buf_char(&b, '!');
    assert_int_equal(b.len, 20004);
    assert_false(b.full);
    assert_string_equal(buf_text(&b) + 19996, "8,9,end!");
}

static void at_the_limit_it_says_so_and_keeps_what_it_has(void **state)
{
    (void)state;
    AUTO_BUF b;
    buf_init(&b, 4);
    buf_str(&b, "abcd");
    assert_false(b.full);
    buf_str(&b, "");
    assert_false(b.full);
    buf_char(&b, 'e');
    assert_true(b.full);
    buf_printf(&b, "%d", 12345);
    buf_add(&b, "x", SIZE_MAX); /* no overflow of a sum */
    assert_string_equal(buf_text(&b), "abcd");
    buf_clear(&b);
    assert_false(b.full);
    buf_printf(&b, "%s", "wxyz");
    assert_string_equal(buf_text(&b), "wxyz");
}

static void what_is_taken_is_the_callers(void **state)
{
    (void)state;
    AUTO_BUF b;
    buf_init(&b, 100);
    buf_str(&b, "first");
    AUTO_STR first = buf_take(&b);
    buf_str(&b, "second");
    assert_string_equal(first, "first");
    assert_string_equal(buf_text(&b), "second");
    assert_int_equal(b.limit, 100);
}

static void zero_bytes_are_bytes(void **state)
{
    (void)state;
    AUTO_BUF b;
    buf_init(&b, 100);
    buf_add(&b, "a\0b", 3);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4); /* with the zero behind */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(it_grows),
        cmocka_unit_test(at_the_limit_it_says_so_and_keeps_what_it_has),
        cmocka_unit_test(what_is_taken_is_the_callers),
        cmocka_unit_test(zero_bytes_are_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
