/* SPDX-License-Identifier: Apache-2.0 */
/* A record says what its machine says: every golden machine is recorded, and probed again. */
#include "record.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "tree.h"

#define ROOTS "tests/data/roots/"

static struct probe *probed(const char *root)
{
    const struct rootfs_paths paths = { .root = root };
    struct err err = { 0 };
    struct probe *p = NULL;
    if (probe_open(&p, &paths, &err) < 0)
        fail_msg("%s: %s", root, err.text);
    probe_run(p);
    return p;
}

/* What a dump cannot but repeat. */
static char *said(const struct probe *p)
{
    struct json *document = findings_to_json(&p->findings);
    char *text = NULL;
    json_put(document, "probe", NULL);
    text = json_print(document, true);
    json_free(document);
    return text;
}

static void records_repeat(void **state)
{
    static const char *const machines[] = {
        ROOTS "c5-metal-ubuntu-6.8-aws",
        ROOTS "c5-metal-not-loaded",
        ROOTS "ec2-vm",
        ROOTS "container-dangling-powercap",
        ROOTS "server-powercap",
        ROOTS "server-perf",
        ROOTS "epyc-7763-msr",
        ROOTS "altra-hwmon",
        ROOTS "vm-msr-zero",
        ROOTS "this-machine",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        AUTO_TREE t;
        struct err err = { 0 };
        tree_make(&t);
        AUTO_STR dump = tree_path(&t, "/dump");
        struct probe *first = probed(machines[i]);
        if (record_write(first, dump, &err) < 0)
            fail_msg("%s: %s", machines[i], err.text);
        struct probe *again = probed(dump);
        AUTO_STR before = said(first);
        AUTO_STR after = said(again);
        if (strcmp(before, after) != 0)
            print_error("%s\n", machines[i]);
        assert_string_equal(before, after);
        probe_close(again);
        probe_close(first);
    }
}

static void no_number_of_a_meter(void **state)
{
    static const struct {
        const char *path;
        bool is_kept;
    } rows[] = {
        { "/sys/class/hwmon/hwmon0/power1_average", true },
        { "/sys/class/hwmon/hwmon0/power1_label", true },
        { "/sys/class/hwmon/hwmon0/power1_oem_info", true },
        { "/sys/class/hwmon/hwmon0/power1_enable", true },
        { "/sys/class/hwmon/hwmon0/energy12_input", true },
        { "/sys/class/hwmon/hwmon0/in0_input", true },
        { "/sys/class/hwmon/hwmon0/curr3_input", true },
        { "/sys/class/hwmon/hwmon0/label", true },
        { "/sys/class/hwmon/hwmon0/power1_serial_number", false },
        { "/sys/class/hwmon/hwmon0/power1_model_number", false },
        { "/sys/class/hwmon/hwmon0/power1_cap", false },
        { "/sys/class/hwmon/hwmon0/power_input", false },
        { "/sys/class/hwmon/hwmon0/temp1_input", false },
        { "/sys/class/hwmon/hwmon0/intrusion0_alarm", false },
        { "/sys/class/hwmon/hwmon0/uevent", false },
    };
    (void)state;
    AUTO_TREE from;
    AUTO_TREE to;
    struct err err = { 0 };
    tree_make(&from);
    tree_make(&to);
    tree_put(&from, "/proc/cpuinfo", "processor : 0\nvendor_id : GenuineIntel\n");
    tree_put(&from, "/sys/class/hwmon/hwmon0/name", "power_meter\n");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tree_put(&from, rows[i].path, "7\n");
    AUTO_STR dump = tree_path(&to, "/dump");
    struct probe *p = probed(from.path);
    assert_int_equal(record_write(p, dump, &err), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_STR inside = mem_printf("/dump%s", rows[i].path);
        if (rootfs_exists(&to.fs, inside) != rows[i].is_kept)
            fail_msg("%s: kept %d", rows[i].path, !rows[i].is_kept);
    }
    assert_int_equal(record_write(p, dump, &err), -ENOTEMPTY);
    probe_close(p);
}

/* A wireless keyboard's battery is a chip whose name, and whose folder's, is its Bluetooth address.
 */
static void no_address_of_a_battery(void **state)
{
    (void)state;
    AUTO_TREE from;
    AUTO_TREE to;
    struct err err = { 0 };
    char text[64];
    tree_make(&from);
    tree_make(&to);
#define SUPPLY "devices/hid/power_supply/hid-aa:bb:cc:dd:ee:ff-battery/hwmon0"
    tree_put(&from, "/proc/cpuinfo", "processor : 0\nvendor_id : GenuineIntel\n");
    tree_put(&from, "/sys/" SUPPLY "/name", "hid_aa:bb:cc:dd:ee:ff_battery\n");
    tree_put(&from, "/sys/" SUPPLY "/in0_input", "4100\n");
    tree_link(&from, "/sys/class/hwmon/hwmon0", "../../" SUPPLY);
    AUTO_STR dump = tree_path(&to, "/dump");
    struct probe *p = probed(from.path);
    assert_int_equal(record_write(p, dump, &err), 0);
    assert_false(rootfs_exists(&to.fs, "/dump/sys/devices"));
    assert_true(rootfs_readlink(&to.fs, "/dump/sys/class/hwmon/hwmon0", text, sizeof(text)) < 0);
    assert_true(rootfs_read_text(&to.fs, "/dump/sys/class/hwmon/hwmon0/name", text, sizeof(text)) >
                0);
    assert_string_equal(text, "battery");
    assert_true(rootfs_exists(&to.fs, "/dump/sys/class/hwmon/hwmon0/in0_input"));
    probe_close(p);
}

static void what_is_loaded_at_boot(void **state)
{
    static const struct {
        const char *why, *path, *text;
        enum module_kept kept;
    } rows[] = {
        { "no systemd", NULL, NULL, MODULE_KEPT_UNKNOWN },
        { "others are", "/usr/lib/modules-load.d/vpn.conf", "wireguard\n", MODULE_NOT_KEPT },
        { "it is", "/run/modules-load.d/x.conf", "secret\nmsr\n", MODULE_KEPT },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE from;
        AUTO_TREE to;
        struct err err = { 0 };
        struct rootfs dump_fs;
        char text[64] = "";
        tree_make(&from);
        tree_make(&to);
        tree_put(&from, "/proc/cpuinfo", "processor : 0\nvendor_id : GenuineIntel\n");
        tree_put(&from, "/proc/sys/kernel/osrelease", "6.1.0\n");
        if (rows[i].path)
            tree_put(&from, rows[i].path, rows[i].text);
        AUTO_STR dump = tree_path(&to, "/dump");
        struct probe *p = probed(from.path);
        assert_int_equal(record_write(p, dump, &err), 0);
        probe_close(p);
        const struct rootfs_paths paths = { .root = dump };
        assert_int_equal(rootfs_open(&dump_fs, &paths, &err), 0);
        if (module_kept_at_boot(&dump_fs, "msr") != rows[i].kept)
            fail_msg("%s", rows[i].why);
        (void)!rootfs_read_text(&dump_fs, "/etc/modules-load.d/msr.conf", text, sizeof(text));
        assert_null(strstr(text, "wireguard"));
        assert_null(strstr(text, "secret"));
        rootfs_close(&dump_fs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_at_boot),
        cmocka_unit_test(records_repeat),
        cmocka_unit_test(no_number_of_a_meter),
        cmocka_unit_test(no_address_of_a_battery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
