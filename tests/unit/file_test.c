/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[] = "/tmp/kepler-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    (void)memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    return mkdtemp(folder) ? 0 : -1;
}

/* How many entries the folder has. */
static int entries(void)
{
    int n = -2; /* "." and ".." */
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static char *in_folder(const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static int remove_folder(void **state)
{
    (void)state;
    const char *const names[] = { "f", "link", "pipe", "d" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        AUTO_STR path = in_folder(names[i]);
        (void)remove(path);
    }
    return rmdir(folder); /* fails if anything was left behind */
}

static void assert_content(const char *path, const char *content)
{
    AUTO_BUF b;
    buf_init(&b, 1 << 20);
    assert_int_equal(file_read(path, &b, NULL), 0);
    assert_string_equal(buf_text(&b), content);
}

static void written_whole_with_its_mode(void **state)
{
    (void)state;
    AUTO_STR path = in_folder("f");
    struct stat st;
    assert_int_equal(file_replace(path, "one", 3, 0644, NULL), 0);
    assert_content(path, "one");
    assert_int_equal(file_replace(path, "second", 6, 0600, NULL), 0);
    assert_content(path, "second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(entries(), 1);
}

/* RLIMIT_FSIZE stands for the full disk: write(2) stops half-way there, too. */
static void a_full_disk_leaves_what_was_there(void **state)
{
    (void)state;
    AUTO_STR path = in_folder("f");
    assert_int_equal(file_replace(path, "before", 6, 0644, NULL), 0);
    static char large[64 * 1024];
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = { 4096, old.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct err err = { 0 };
    int code = file_replace(path, large, sizeof(large), 0644, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);

    assert_int_equal(code, -EFBIG);
    AUTO_STR sentence =
        mem_printf("cannot write %s: File too large; what was there before is unchanged", path);
    assert_string_equal(err.text, sentence);
    assert_content(path, "before");
    assert_int_equal(entries(), 1);
}

static void a_device_is_written_through_and_its_error_told(void **state)
{
    (void)state;
    struct stat st;
    struct err err = { 0 };
    assert_int_equal(file_replace("/dev/full", "x", 1, 0644, &err), -ENOSPC);
    assert_string_equal(err.text, "cannot write to /dev/full: No space left on device");
    assert_int_equal(file_replace("/dev/null", "x", 1, 0644, &err), 0);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void a_pipe_gets_the_bytes(void **state)
{
    (void)state;
    AUTO_STR path = in_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    AUTO_FD reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    assert_int_equal(file_replace(path, "through", 7, 0644, NULL), 0);
    AUTO_BUF b;
    buf_init(&b, 100);
    assert_int_equal(fd_read_all(reader, &b), 0);
    assert_string_equal(buf_text(&b), "through");
}

static void a_pipe_that_nobody_reads_is_not_waited_for(void **state)
{
    (void)state;
    struct err err = { 0 };
    AUTO_STR path = in_folder("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)alarm(5); /* ends a test that waits */
    assert_int_equal(file_replace(path, "x", 1, 0644, &err), -ENXIO);
    (void)alarm(0);
    assert_non_null(strstr(err.text, "nobody reads"));
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    AUTO_STR path = in_folder("f");
    AUTO_STR link = in_folder("link");
    struct stat st;
    assert_int_equal(file_replace(path, "old", 3, 0644, NULL), 0);
    assert_int_equal(symlink("f", link), 0);
    assert_int_equal(file_replace(link, "new", 3, 0644, NULL), 0);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_content(path, "new");
}

static void what_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct err err = { 0 };
    assert_int_equal(file_replace("/nonexistent/f", "x", 1, 0644, &err), -ENOENT);
    assert_string_equal(err.text, "cannot write /nonexistent/f: no file can be made beside it: "
                                  "No such file or directory");
    assert_int_equal(file_replace(folder, "x", 1, 0644, &err), -EISDIR);
    assert_int_equal(entries(), 0);
}

static void reading_has_a_limit(void **state)
{
    (void)state;
    AUTO_STR path = in_folder("f");
    static char bytes[10000];
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(file_replace(path, bytes, sizeof(bytes), 0644, NULL), 0);
    struct err err = { 0 };
    for (size_t limit = sizeof(bytes) - 1; limit <= sizeof(bytes); limit++) {
        AUTO_BUF b;
        buf_init(&b, limit);
        assert_int_equal(file_read(path, &b, &err), limit < sizeof(bytes) ? -EFBIG : 0);
    }
    AUTO_STR sentence = mem_printf("%s is larger than 9999 bytes, which no such file should be",
                                   path);
    assert_string_equal(err.text, sentence);
    AUTO_BUF b;
    buf_init(&b, 1);
    assert_int_equal(file_read("/nonexistent", &b, &err), -ENOENT);
    assert_string_equal(err.text, "cannot read /nonexistent: No such file or directory");
    assert_int_equal(file_read(folder, &b, &err), -EISDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(written_whole_with_its_mode, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_full_disk_leaves_what_was_there, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_device_is_written_through_and_its_error_told),
        cmocka_unit_test_setup_teardown(a_pipe_gets_the_bytes, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_pipe_that_nobody_reads_is_not_waited_for, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(a_link_stays_a_link, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_written_is_named, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(reading_has_a_limit, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
