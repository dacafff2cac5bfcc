/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "check/check.h"
#include "fix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

static void package_rows(void **state)
{
    static const struct {
        const char *why, *os, *release, *module;
        const char *package; /* NULL: none is known */
        const char *verb;    /* its installer's second word */
    } rows[] = {
        { "Ubuntu's aws kernels have it in the extra package", "ubuntu", "6.8.0-1021-aws",
          "intel_rapl_msr", "linux-modules-extra-6.8.0-1021-aws", "install" },
        { "6.17 is the last of them", "ubuntu", "6.17.0-1003-aws", "intel_rapl_msr",
          "linux-modules-extra-6.17.0-1003-aws", "install" },
        { "from 7.0 on it is in linux-modules", "ubuntu", "7.0.0-1001-aws", "intel_rapl_msr",
          "linux-modules-7.0.0-1001-aws", "install" },
        { "10 is newer than 7", "ubuntu", "10.1.0-1-aws", "intel_rapl_msr",
          "linux-modules-10.1.0-1-aws", "install" },
        { "msr was never an extra", "ubuntu", "6.8.0-1021-aws", "msr",
          "linux-modules-6.8.0-1021-aws", "install" },
        { "Debian has all modules with the kernel", "debian", "6.1.0-25-amd64", "intel_rapl_msr",
          "linux-image-6.1.0-25-amd64", "install" },
        { "RHEL 9.2 has a package of core modules", "rhel", "5.14.0-284.11.1.el9_2.x86_64",
          "intel_rapl_msr", "kernel-modules-core-5.14.0-284.11.1.el9_2.x86_64", "reinstall" },
        { "Rocky's names are the same", "rocky", "5.14.0-427.13.1.el9_4.x86_64", "rapl",
          "kernel-modules-core-5.14.0-427.13.1.el9_4.x86_64", "reinstall" },
        { "CentOS Stream has no minor version", "centos", "5.14.0-550.el9.x86_64", "msr",
          "kernel-modules-core-5.14.0-550.el9.x86_64", "reinstall" },
        { "arm64, too", "almalinux", "5.14.0-503.11.1.el9_5.aarch64", "acpi_power_meter",
          "kernel-modules-core-5.14.0-503.11.1.el9_5.aarch64", "reinstall" },
        { "RHEL 9.0 has them with the kernel", "rhel", "5.14.0-70.13.1.el9_0.x86_64",
          "intel_rapl_msr", "kernel-core-5.14.0-70.13.1.el9_0.x86_64", "reinstall" },
        { "of 9.1 nothing tells", "rhel", "5.14.0-162.6.1.el9_1.x86_64", "intel_rapl_msr", NULL,
          NULL },
        { "nor where 9's kernels have TPMI", "rhel", "5.14.0-427.13.1.el9_4.x86_64",
          "intel_rapl_tpmi", NULL, NULL },
        { "10 has it beside the core modules", "almalinux", "6.12.0-55.9.1.el10_0.x86_64",
          "intel_rapl_tpmi", "kernel-modules-6.12.0-55.9.1.el10_0.x86_64", "install" },
        { "and the others among them", "centos", "6.12.0-120.el10.x86_64", "intel_rapl_msr",
          "kernel-modules-core-6.12.0-120.el10.x86_64", "reinstall" },
        { "8's split is not known", "rocky", "4.18.0-553.el8_10.x86_64", "intel_rapl_msr", NULL,
          NULL },
        { "Fedora", "fedora", "6.9.4-200.fc40.x86_64", "intel_rapl_msr",
          "kernel-modules-core-6.9.4-200.fc40.x86_64", "reinstall" },
        { "Fedora's TPMI", "fedora", "6.9.4-200.fc40.x86_64", "intel_rapl_tpmi",
          "kernel-modules-6.9.4-200.fc40.x86_64", "install" },
        { "of Fedora 39 it is not known", "fedora", "6.6.6-200.fc39.x86_64", "intel_rapl_tpmi",
          NULL, NULL },
        { "an older Fedora is not known", "fedora", "6.0.7-301.fc37.x86_64", "msr", NULL, NULL },
        { "Oracle's own kernel", "ol", "6.12.0-100.28.2.el10uek.x86_64", "intel_rapl_msr",
          "kernel-uek-modules-core-6.12.0-100.28.2.el10uek.x86_64", "install" },
        { "and its other modules", "ol", "6.12.0-100.28.2.el10uek.x86_64", "rapl", NULL, NULL },
        { "a real-time kernel has packages of its own", "rhel",
          "5.14.0-284.11.1.rt14.296.el9_2.x86_64", "msr", NULL, NULL },
        { "a variant, too", "rhel", "5.14.0-427.13.1.el9_4.x86_64+rt", "msr", NULL, NULL },
        { "so has another's build", "rocky", "6.9.1-1.el9.elrepo.x86_64", "msr", NULL, NULL },
        { "and another's version", "rocky", "6.6.30-1.el9.x86_64", "msr", NULL, NULL },
        { "el90 is not el9", "rhel", "5.14.0-427.el9x.x86_64", "msr", NULL, NULL },
        { "no guess on another system", "sles", "6.4.0-150600.21-default", "msr", NULL, NULL },
        { "nor on Amazon's", "amzn", "6.1.90-99.173.amzn2023.x86_64", "msr", NULL, NULL },
        { "nor where os-release is silent", "", "6.8.0-1021-aws", "msr", NULL, NULL },
        { "no command is made of a release that a shell would take apart", "ubuntu",
          "6.8.0; rm -rf ~", "msr", NULL, NULL },
        { "no package without a release", "ubuntu", "", "msr", NULL, NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kernel_facts k = { 0 };
        char package[128] = "";
        (void)snprintf(k.os_id, sizeof(k.os_id), "%s", rows[i].os);
        (void)snprintf(k.release, sizeof(k.release), "%s", rows[i].release);
        const struct installer *by = package_find(&k, rows[i].module, package, sizeof(package));
        if ((by != NULL) != (rows[i].package != NULL) ||
            (by &&
             (strcmp(package, rows[i].package) != 0 || strcmp(by->install[1], rows[i].verb) != 0)))
            fail_msg("%s: got \"%s\" by %s", rows[i].why, package, by ? by->install[1] : "none");
    }
}

/* @ret: the words of all commands, each ended by ";". */
static void join_commands(const struct fix_command *command, size_t n, struct buf *ret)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t w = 0; command[i].word[w]; w++)
            buf_printf(ret, "%s%s", w > 0 ? " " : "", command[i].word[w]);
        buf_char(ret, ';');
    }
}

static void a_fix_runs_what_its_system_has(void **state)
{
    static const struct {
        const char *why, *os, *release; /* os NULL: no package is needed */
        bool is_fresh;
        const char *commands, *setting;
    } rows[] = {
        { "the file is there", NULL, "", false, "modprobe intel_rapl_msr;", NULL },
        { "a fresh image has no list of packages", "ubuntu", "6.8.0-1021-aws", false,
          "apt-get update;apt-get install -y linux-modules-extra-6.8.0-1021-aws;"
          "modprobe intel_rapl_msr;",
          "DEBIAN_FRONTEND" },
        { "fetched once", "ubuntu", "6.8.0-1021-aws", true,
          "apt-get install -y linux-modules-extra-6.8.0-1021-aws;modprobe intel_rapl_msr;",
          "DEBIAN_FRONTEND" },
        { "what is installed is installed again", "debian", "6.1.0-25-amd64", true,
          "apt-get install -y --reinstall linux-image-6.1.0-25-amd64;modprobe intel_rapl_msr;",
          "DEBIAN_FRONTEND" },
        { "dnf", "rocky", "5.14.0-427.13.1.el9_4.x86_64", false,
          "dnf reinstall -y kernel-modules-core-5.14.0-427.13.1.el9_4.x86_64;"
          "modprobe intel_rapl_msr;",
          NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct probe_fix fix = { .module = "intel_rapl_msr" };
        struct kernel_facts k = { 0 };
        struct fix_command command[FIX_COMMANDS];
        AUTO_BUF got;
        buf_init(&got, 4096);
        if (rows[i].os) {
            (void)snprintf(k.os_id, sizeof(k.os_id), "%s", rows[i].os);
            (void)snprintf(k.release, sizeof(k.release), "%s", rows[i].release);
            fix.installer = package_find(&k, fix.module, fix.package, sizeof(fix.package));
        }
        join_commands(command, fix_commands(&fix, rows[i].is_fresh, command), &got);
        if (strcmp(buf_text(&got), rows[i].commands) != 0)
            fail_msg("%s: %s", rows[i].why, buf_text(&got));
        const char *setting = fix.installer ? fix.installer->setting[0] : NULL;
        if ((setting == NULL) != (rows[i].setting == NULL) ||
            (setting && strcmp(setting, rows[i].setting) != 0))
            fail_msg("%s: %s", rows[i].why, setting ? setting : "no setting");
    }
}

static void metal_rows(void **state)
{
    static const struct {
        const char *why, *type, *metal;
    } rows[] = {
        { "the family's own", "c5.xlarge", "c5.metal" },
        { "c5 is not c5n", "c5n.large", "c5n.metal" },
        { "newer families say the size", "m7i.2xlarge", "m7i.metal-24xl" },
        { "i7i is not i7ie", "i7i.large", "i7i.metal-24xl" },
        { "sixth Xeon with its own disks", "m8id.xlarge", "m8id.metal-48xl" },
        { "m7i-flex has no bare metal", "m7i-flex.large", NULL },
        { "burstable types have none", "t3.micro", NULL },
        { "Graviton has no energy counters on any size", "m7g.large", NULL },
        { "a family alone is no type", "c5", NULL },
        { "nothing is no type", "", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *got = remedy_metal_type(rows[i].type);
        if ((got == NULL) != (rows[i].metal == NULL) || (got && strcmp(got, rows[i].metal) != 0))
            fail_msg("%s: got %s", rows[i].why, got ? got : "none");
    }
}

static void add_line_rows(void **state)
{
    static const struct {
        const char *why, *before, *after; /* after NULL: nothing to add */
    } rows[] = {
        { "an empty file gets its line", "", "msr\n" },
        { "what is there stays", "# comment\nrapl\n", "# comment\nrapl\nmsr\n" },
        { "a missing line end is mended", "rapl", "rapl\nmsr\n" },
        { "a line is not added twice", "rapl\nmsr\n", NULL },
        { "nor when it is the last, without an end", "rapl\nmsr", NULL },
        { "a longer name is another module", "intel_rapl_msr\nmsrx\n",
          "intel_rapl_msr\nmsrx\nmsr\n" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_BUF after;
        buf_init(&after, 4096);
        bool added = fix_add_line(rows[i].before, "msr", &after);
        if (added != (rows[i].after != NULL) ||
            (added && strcmp(buf_text(&after), rows[i].after) != 0))
            fail_msg("%s: got \"%s\"", rows[i].why, buf_text(&after));
    }
}

static void what_was_loaded_by_hand_is_a_fix(void **state)
{
    (void)state;
    struct probe *p = mem_new(1, sizeof(*p));
    struct fix_command command[FIX_COMMANDS];
    findings_init(&p->findings);
    struct finding *f = findings_add(&p->findings, "module.msr", "Module");
    remedy_keep(p, f, "msr");
    assert_string_equal(f->remedy_command,
                        "echo msr | sudo tee -a /etc/modules-load.d/kepler.conf");
    assert_int_equal(p->fixes, 1);
    assert_int_equal(fix_commands(&p->fix[0], false, command), 1);
    assert_string_equal(command[0].word[1], "msr");
    findings_done(&p->findings);
    free(p);
}

static void load_list_rows(void **state)
{
    static const struct {
        const char *why, *text;
        bool has;
    } rows[] = {
        { "a line", "msr\n", true },
        { "without an end, after a comment", "# by hand\nmsr", true },
        { "indented", "  msr\t\n", true },
        { "a comment is none", "# msr\n; msr\n#msr\n", false },
        { "a longer name is another", "msrx\nmsr-safe\n", false },
        { "nothing", "\n\n", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (module_is_in_list(rows[i].text, "msr") != rows[i].has)
            fail_msg("%s", rows[i].why);
    }
}

static void every_module_check_has_its_row(void **state)
{
    (void)state;
    for (size_t i = 0; i < probe_checks_count; i++) {
        if (probe_checks[i].run == check_module &&
            !module_find(strchr(probe_checks[i].id, '.') + 1))
            fail_msg("%s is in the table of checks, not in the table of modules",
                     probe_checks[i].id);
    }
}

static void ids_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < probe_checks_count; i++)
        assert_ptr_equal(check_find(probe_checks[i].id), &probe_checks[i]);
    assert_null(check_find("power.mrs"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(package_rows),
        cmocka_unit_test(a_fix_runs_what_its_system_has),
        cmocka_unit_test(metal_rows),
        cmocka_unit_test(add_line_rows),
        cmocka_unit_test(what_was_loaded_by_hand_is_a_fix),
        cmocka_unit_test(load_list_rows),
        cmocka_unit_test(every_module_check_has_its_row),
        cmocka_unit_test(ids_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
