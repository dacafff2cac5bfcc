/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include <sys/mman.h>

static void an_error_speaks_and_counts(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(err_set(&err, -ENOENT, "cannot open %s", "x"), -ENOENT);
    assert_int_equal(err.code, -ENOENT);
    assert_string_equal(err.text, "cannot open x");
    err_prefix(&err, "line %d", 3);
    assert_string_equal(err.text, "line 3: cannot open x");
    assert_int_equal(err_set(&err, -EIO, "%s", "later"), -EIO); /* the last one wins */
    assert_string_equal(err.text, "later");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, -EIO, "x"), -EIO);
    err_prefix(NULL, "x");
}

static void a_long_error_is_cut_and_ended(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct err err = { 0 };
    (void)err_set(&err, -EIO, "%s", text);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    err_prefix(&err, "%s", "head");
    assert_memory_equal(err.text, "head: xxx", 9);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* What one log_event() writes to stderr, into @ret. */
static void logged(enum log_format format, enum log_level lowest, enum log_level level,
                   const char *message, struct buf *ret)
{
    AUTO_FD kept = dup(STDERR_FILENO);
    AUTO_FD file = memfd_create("stderr", MFD_CLOEXEC);
    assert_true(kept >= 0 && file >= 0);
    assert_true(dup2(file, STDERR_FILENO) >= 0);
    log_setup(lowest, format);
    log_event(level, "%s", message);
    log_setup(LOG_INFO, LOG_TEXT);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    assert_int_equal(fd_read_all(file, ret), 0);
}

static void a_text_line(void **state)
{
    (void)state;
    AUTO_BUF line;
    buf_init(&line, 8192);
    logged(LOG_TEXT, LOG_INFO, LOG_WARN, "it says \"x\"\n", &line);
    const char *level = strstr(buf_text(&line), " level=");
    assert_non_null(level);
    assert_string_equal(level, " level=warn msg=\"it says \\\"x\\\"\\u000a\"\n");
    assert_memory_equal(buf_text(&line), "time=20", 7);
}

static void a_json_line_is_json_whatever_the_message(void **state)
{
    static char long_message[3000];
    memset(long_message, '"', sizeof(long_message) - 1);
    const char *const messages[] = { "plain", "a\"b\\c\x01\x1f", "no UTF-8: \xff\xc3", "",
                                     long_message };
    static const struct {
        enum log_level level;
        const char *word;
    } levels[] = {
        { LOG_DEBUG, "debug" }, { LOG_INFO, "info" }, { LOG_WARN, "warn" }, { LOG_ERROR, "error" }
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages) * ARRAY_LEN(levels); i++) {
        const char *message = messages[i / ARRAY_LEN(levels)];
        AUTO_BUF line;
        buf_init(&line, 16384);
        logged(LOG_JSON, LOG_DEBUG, levels[i % ARRAY_LEN(levels)].level, message, &line);
        struct err err = { 0 };
        AUTO_JSON value = json_parse(buf_text(&line), line.len, &err);
        if (!value)
            fail_msg("%s: %s", err.text, buf_text(&line));
        assert_string_equal(json_text(value, "level", ""), levels[i % ARRAY_LEN(levels)].word);
        assert_int_equal(json_kind_of(json_get(value, "msg")), JSON_STRING);
        assert_int_equal(strchr(buf_text(&line), '\n') - buf_text(&line), line.len - 1);
    }
}

static void what_is_below_the_level_is_not_said(void **state)
{
    (void)state;
    AUTO_BUF line;
    buf_init(&line, 8192);
    logged(LOG_TEXT, LOG_WARN, LOG_INFO, "x", &line);
    assert_int_equal(line.len, 0);
    logged(LOG_TEXT, LOG_WARN, LOG_ERROR, "x", &line);
    assert_true(line.len > 0);
}

static void words(void **state)
{
    (void)state;
    enum log_level level = LOG_ERROR;
    enum log_format format = LOG_TEXT;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("DEBUG", &level), -EINVAL);
    assert_int_equal(log_level_parse("", &level), -EINVAL);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_format_parse("json", &format), 0);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_parse("logfmt", &format), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_speaks_and_counts),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(a_long_error_is_cut_and_ended),
        cmocka_unit_test(a_text_line),
        cmocka_unit_test(a_json_line_is_json_whatever_the_message),
        cmocka_unit_test(what_is_below_the_level_is_not_said),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
