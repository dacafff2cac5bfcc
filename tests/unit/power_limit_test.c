/* SPDX-License-Identifier: Apache-2.0 */
#include "host/power_limit.h"

#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "near.h"

#define PACKAGE "/sys/class/powercap/intel-rapl:0"
#define MSR     "/dev/cpu/0/msr"

struct file {
    const char *path, *text; /* NULL path: the last one */
};

/* An i7-1260P as powercap shows it: constraints in the order of the kernel's pl_names. */
#define ZONE                                                                          \
 { PACKAGE "/name", "package-0\n" }, { PACKAGE "/constraint_0_name", "long_term\n" }, \
     { PACKAGE "/constraint_0_max_power_uw", "28000000\n" },                          \
     { PACKAGE "/constraint_0_power_limit_uw", "40000000\n" },                        \
     { PACKAGE "/constraint_1_name", "short_term\n" },                                \
     { PACKAGE "/constraint_1_power_limit_uw", "64000000\n" },                        \
 {                                                                                    \
  PACKAGE "/constraint_1_max_power_uw", "0\n"                                         \
 }
/* Of registers with a power unit of 1/8 W: 0x614 says 30 W, 0x610 a PL2 of 70 W in bits 46:32. */
#define REGISTERS                                           \
 { MSR "/0x606", "0xa0e03\n" }, { MSR "/0x614", "0xf0\n" }, \
 {                                                          \
  MSR "/0x610", "0x1823000dc8140\n"                         \
 }

static const struct row {
    const char *why;
    struct file files[12];
    bool is_virtual, is_amd;
    double tdp_watts, limit_watts;
    const char *source;
} rows[] = {
    { "nothing is told", { { NULL, NULL } }, false, false, 0, 0, "" },
    { "powercap tells it to anybody", { ZONE }, false, false, 28, 64, "powercap" },
    { "registers are asked first", { ZONE, REGISTERS }, false, false, 30, 70, "MSR 0x614" },
    { "registers alone", { REGISTERS }, false, false, 30, 70, "MSR 0x614" },
    { "what a register leaves out powercap may say",
      { ZONE, { MSR "/0x606", "0xa0e03\n" }, { MSR "/0x614", "0\n" }, { MSR "/0x610", "0\n" } },
      false,
      false,
      28,
      64,
      "powercap" },
    { "a short_term of 0 is none that is held",
      { { PACKAGE "/name", "package-0\n" },
        { PACKAGE "/constraint_0_name", "long_term\n" },
        { PACKAGE "/constraint_0_max_power_uw", "28000000\n" },
        { PACKAGE "/constraint_0_power_limit_uw", "28000000\n" },
        { PACKAGE "/constraint_1_name", "short_term\n" },
        { PACKAGE "/constraint_1_power_limit_uw", "0\n" } },
      false,
      false,
      28,
      HUGE_VAL,
      "powercap" },
    { "a virtual machine's are nobody's", { ZONE, REGISTERS }, true, false, 0, 0, "" },
    { "AMD's package has no constraints",
      { { PACKAGE "/name", "package-0\n" } },
      false,
      true,
      0,
      0,
      "" },
    { "psys has limits of its own",
      { { PACKAGE "/name", "psys\n" },
        { PACKAGE "/constraint_0_name", "long_term\n" },
        { PACKAGE "/constraint_0_max_power_uw", "28000000\n" } },
      false,
      false,
      0,
      0,
      "" },
    { "a subzone's are not the package's",
      { { "/sys/class/powercap/intel-rapl:0:0/name", "package-0\n" },
        { "/sys/class/powercap/intel-rapl:0:0/constraint_0_name", "long_term\n" },
        { "/sys/class/powercap/intel-rapl:0:0/constraint_0_max_power_uw", "28000000\n" } },
      false,
      false,
      0,
      0,
      "" },
    { "texts that are no numbers",
      { { PACKAGE "/name", "package-0\n" },
        { PACKAGE "/constraint_0_name", "long_term\n" },
        { PACKAGE "/constraint_0_max_power_uw", "many\n" },
        { PACKAGE "/constraint_1_name", "short_term\n" },
        { PACKAGE "/constraint_1_power_limit_uw", "-1\n" } },
      false,
      false,
      0,
      0,
      "" },
};

static void limits_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        AUTO_TREE t;
        tree_make(&t);
        for (size_t f = 0; row->files[f].path; f++)
            tree_put(&t, row->files[f].path, row->files[f].text);
        struct cpu_thread thread = { 0, 0, 0 };
        struct cpu_facts cpu = { .family = 6,
                                 .model = 154,
                                 .hypervisor = row->is_virtual,
                                 .sockets = 1,
                                 .cores = 1,
                                 .threads = 1,
                                 .thread = &thread };
        (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s",
                       row->is_amd ? "AuthenticAMD" : "GenuineIntel");
        struct power_limits limits;
        power_limits_read(&t.fs, &cpu, &limits);
        assert_near(limits.tdp_watts, row->tdp_watts, 1e-9, row->why);
        if (limits.limit_watts != row->limit_watts) /* HUGE_VAL among them; others are exact */
            fail_msg("%s: a limit of %g W", row->why, limits.limit_watts);
        assert_string_equal(limits.tdp_source, row->source);
    }
}

static void packages_are_held_to_a_ceiling(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        double kind, limit, watts;
    } ceilings[] = {
        { "nothing is told", 480, 0, 480 },
        { "a server's limit stays below twice its TDP", 480, 288, 480 },
        { "a laptop's does not: 28 W, 64 W under turbo", 56, 64, 80 },
        { "a desktop's: 65 W, 219 W under turbo", 130, 219, 273.75 },
        { "a board without a limit", 250, 4095.875, 500 },
        { "a small processor on such a board", 30, 4095.875, 120 },
        { "no limit is held", 250, HUGE_VAL, 500 },
        { "a server whose limit is not held", 700, HUGE_VAL, 700 },
        { "a limit below the TDP takes nothing away", 480, 100, 480 },
        { "N100: 6 W, set to 25", 12, 25, 31.25 },
    };
    for (size_t i = 0; i < ARRAY_LEN(ceilings); i++) {
        assert_near(power_limit_package_ceiling(ceilings[i].kind, ceilings[i].limit),
                    ceilings[i].watts, 1e-9, ceilings[i].why);
    }
}

static void machines_are_held_to_more(void **state)
{
    (void)state;
    assert_near(power_limit_machine_ceiling(960, false), 1920, 0, "two packages, and twice that");
    assert_near(power_limit_machine_ceiling(30, false), 500, 0, "a laptop with a graphics card");
    assert_near(power_limit_machine_ceiling(30, true), 50000, 0, "eight of those, and disks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_read),
        cmocka_unit_test(packages_are_held_to_a_ceiling),
        cmocka_unit_test(machines_are_held_to_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
