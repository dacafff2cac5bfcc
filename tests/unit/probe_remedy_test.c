/* SPDX-License-Identifier: Apache-2.0 */
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
        const char *why, *os, *release, *module, *package; /* package NULL: none is known */
    } rows[] = {
        { "Ubuntu's aws kernels have it in the extra package", "ubuntu", "6.8.0-1021-aws",
          "intel_rapl_msr", "linux-modules-extra-6.8.0-1021-aws" },
        { "6.17 is the last of them", "ubuntu", "6.17.0-1003-aws", "intel_rapl_msr",
          "linux-modules-extra-6.17.0-1003-aws" },
        { "from 7.0 on it is in linux-modules", "ubuntu", "7.0.0-1001-aws", "intel_rapl_msr",
          "linux-modules-7.0.0-1001-aws" },
        { "10 is newer than 7", "ubuntu", "10.1.0-1-aws", "intel_rapl_msr",
          "linux-modules-10.1.0-1-aws" },
        { "msr was never an extra", "ubuntu", "6.8.0-1021-aws", "msr",
          "linux-modules-6.8.0-1021-aws" },
        { "Debian has all modules with the kernel", "debian", "6.1.0-25-amd64", "intel_rapl_msr",
          "linux-image-6.1.0-25-amd64" },
        { "no guess on another system", "fedora", "6.9.4-200.fc40.x86_64", "msr", NULL },
        { "no command is made of a release that a shell would take apart", "ubuntu",
          "6.8.0; rm -rf ~", "msr", NULL },
        { "no package without a release", "ubuntu", "", "msr", NULL },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct kernel_facts k = { 0 };
        char package[128] = "";
        (void)snprintf(k.os_id, sizeof(k.os_id), "%s", rows[i].os);
        (void)snprintf(k.release, sizeof(k.release), "%s", rows[i].release);
        bool known = remedy_package(&k, rows[i].module, package, sizeof(package));
        if (known != (rows[i].package != NULL) || (known && strcmp(package, rows[i].package) != 0))
            fail_msg("%s: got \"%s\"", rows[i].why, package);
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
        cmocka_unit_test(package_rows),   cmocka_unit_test(metal_rows),
        cmocka_unit_test(add_line_rows),  cmocka_unit_test(every_module_check_has_its_row),
        cmocka_unit_test(ids_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
