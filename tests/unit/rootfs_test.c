/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rootfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

static int make_tree(void **state)
{
    static struct tree t;
    tree_make(&t);
    tree_put(&t, "/proc/version", "a dump\n\n");
    tree_put(&t, "/sys/class/n", "42\n");
    tree_put(&t, "/etc/inside", "inside");
    *state = &t;
    return 0;
}

static int drop_tree(void **state)
{
    tree_remove(*state);
    return 0;
}

static void text_is_read_below_the_root(void **state)
{
    const struct tree *t = *state;
    char text[64];
    assert_true(t->fs.foreign);
    assert_int_equal(rootfs_read_text(&t->fs, "/proc/version", text, sizeof(text)), 6);
    assert_string_equal(text, "a dump"); /* line ends at the end are cut */
    assert_int_equal(rootfs_read_text(&t->fs, "proc/version", text, sizeof(text)), 6);
    assert_int_equal(rootfs_read_text(&t->fs, "/proc/absent", text, sizeof(text)), -ENOENT);
    assert_int_equal(rootfs_read_text(&t->fs, "/proc", text, sizeof(text)), -EISDIR);
}

static void what_does_not_fit_is_refused(void **state)
{
    const struct tree *t = *state;
    char text[9];
    assert_int_equal(rootfs_read_text(&t->fs, "/proc/version", text, 8), -EFBIG);
    assert_int_equal(rootfs_read_text(&t->fs, "/proc/version", text, 9),
                     6); /* 8 bytes and the NUL */
    AUTO_BUF b;
    buf_init(&b, 7);
    assert_int_equal(rootfs_read_all(&t->fs, "/proc/version", &b), -EFBIG);
}

/* Every way out ends inside: this machine's /etc/passwd has no "inside" in it, the dump has none.
 */
static void links_out_of_a_dump_stay_inside(void **state)
{
    static const struct {
        const char *why, *target;
        int code;
    } rows[] = {
        { "an absolute link", "/etc/inside", 6 },
        { "up and out", "../../../../../../../etc/inside", 6 },
        { "this machine's files are not there", "/etc/passwd", -ENOENT },
        { "nor by climbing", "../../../../../../../etc/passwd", -ENOENT },
        { "nor its root", "/bin/sh", -ENOENT },
        { "a link to itself", "link", -ELOOP },
    };
    const struct tree *t = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[64];
        tree_link(t, "/sys/link", rows[i].target);
        ssize_t n = rootfs_read_text(&t->fs, "/sys/link", text, sizeof(text));
        if (n != rows[i].code)
            fail_msg("%s: %zd", rows[i].why, n);
        tree_drop(t, "/sys/link");
    }
    char text[64];
    assert_int_equal(rootfs_read_text(&t->fs, "/../../../etc/passwd", text, sizeof(text)), -ENOENT);
}

static void a_link_is_read_not_followed(void **state)
{
    const struct tree *t = *state;
    char text[64];
    tree_link(t, "/sys/dangling", "../../nowhere");
    assert_int_equal(rootfs_readlink(&t->fs, "/sys/dangling", text, sizeof(text)), 0);
    assert_string_equal(text, "../../nowhere");
    assert_false(rootfs_exists(&t->fs, "/sys/dangling"));
    assert_int_equal(rootfs_readlink(&t->fs, "/sys/dangling", text, 13), -ENAMETOOLONG);
    assert_int_equal(rootfs_readlink(&t->fs, "/sys/dangling", text, 14), 0);
    assert_true(rootfs_readlink(&t->fs, "/sys/class/n", text, sizeof(text)) < 0);
    assert_int_equal(rootfs_readlink(&t->fs, "/sys/none", text, sizeof(text)), -ENOENT);
}

static void a_pipe_in_a_dump_does_not_block(void **state)
{
    const struct tree *t = *state;
    char text[8];
    AUTO_STR full = tree_path(t, "/proc/pipe");
    assert_int_equal(mkfifo(full, 0600), 0);
    assert_int_equal(rootfs_read_text(&t->fs, "/proc/pipe", text, sizeof(text)), 0);
}

static void numbers(void **state)
{
    static const struct {
        const char *why, *text;
        int code;
    } rows[] = {
        { "a number and a line end", "42\n", 0 },
        { "no line end", "42", 0 },
        { "nothing", "", -EBADMSG },
        { "a line end alone", "\n", -EBADMSG },
        { "negative", "-1\n", -EBADMSG },
        { "words", "unlimited\n", -EBADMSG },
        { "two numbers", "1 2\n", -EBADMSG },
        { "past 64 bits", "99999999999999999999\n", -EBADMSG },
        { "longer than any number", "0000000000000000000000000000000000000042\n", -EBADMSG },
    };
    const struct tree *t = *state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t got = 7;
        tree_put(t, "/sys/number", rows[i].text);
        int code = rootfs_read_u64(&t->fs, "/sys/number", &got);
        if (code != rows[i].code || got != (code == 0 ? 42 : 7))
            fail_msg("%s: %d, %llu", rows[i].why, code, (unsigned long long)got);
    }
    uint64_t got = 7;
    assert_int_equal(rootfs_read_u64(&t->fs, "/sys/none", &got), -ENOENT);
}

static void names_are_in_version_order(void **state)
{
    const struct tree *t = *state;
    tree_put(t, "/sys/cpu/cpu10/x", "");
    tree_put(t, "/sys/cpu/cpu2", "");
    tree_put(t, "/sys/cpu/.hidden", "");
    AUTO_NAMES names = { 0 };
    assert_int_equal(rootfs_list(&t->fs, "/sys/cpu", &names), 0);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.name[0], ".hidden");
    assert_string_equal(names.name[1], "cpu2");
    assert_string_equal(names.name[2], "cpu10");
    AUTO_NAMES none = { 0 };
    assert_int_equal(rootfs_list(&t->fs, "/sys/none", &none), -ENOENT);
    assert_int_equal(rootfs_list(&t->fs, "/sys/cpu/cpu2", &none), -ENOTDIR);
    assert_int_equal(rootfs_list(&t->fs, "/", &none), 0);
    assert_int_equal(none.n, 3);
}

static void finer_folders_stand_before_the_root(void **state)
{
    const struct tree *t = *state;
    struct err err = { 0 };
    struct rootfs fs = ROOTFS_NONE;
    tree_put(t, "/other/version", "another");
    AUTO_STR procfs = tree_path(t, "/other");
    const struct rootfs_paths paths = { .root = t->path, .procfs = procfs };
    assert_int_equal(rootfs_open(&fs, &paths, &err), 0);
    char text[64];
    assert_int_equal(rootfs_read_text(&fs, "/proc/version", text, sizeof(text)), 7);
    assert_int_equal(rootfs_read_text(&fs, "/sys/class/n", text, sizeof(text)), 2);
    AUTO_NAMES names = { 0 };
    assert_int_equal(rootfs_list(&fs, "/proc", &names), 0); /* the folder itself, too */
    assert_int_equal(names.n, 1);
    assert_string_equal(names.name[0], "version");
    assert_false(rootfs_exists(&fs, "/processes")); /* a prefix of letters is none */
    rootfs_close(&fs);
    rootfs_close(&fs); /* may be closed again */
}

static void this_machine(void **state)
{
    (void)state;
    struct err err = { 0 };
    struct rootfs fs = ROOTFS_NONE;
    const struct rootfs_paths here = { .root = NULL };
    assert_int_equal(rootfs_open(&fs, &here, &err), 0);
    assert_false(fs.foreign);
    assert_true(rootfs_exists(&fs, "/proc/self/stat"));
    rootfs_close(&fs);

    const struct rootfs_paths nowhere = { .root = "/", .sysfs = "/nonexistent" };
    assert_int_equal(rootfs_open(&fs, &nowhere, &err), -ENOENT);
    assert_string_equal(
        err.text, "cannot use /nonexistent as sysfs (--host.sysfs): No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_is_read_below_the_root, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(links_out_of_a_dump_stay_inside, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(a_link_is_read_not_followed, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(a_pipe_in_a_dump_does_not_block, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(numbers, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(names_are_in_version_order, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(finer_folders_stand_before_the_root, make_tree, drop_tree),
        cmocka_unit_test(this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
