/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu.h"

#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define C5_THREAD(n, socket, core)                                                    \
 "processor\t: " #n "\nvendor_id\t: GenuineIntel\n"                                   \
 "cpu family\t: 6\nmodel\t\t: 85\n"                                                   \
 "model name\t: Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz\n"                     \
 "stepping\t: 7\nphysical id\t: " #socket "\nsiblings\t: 4\ncore id\t\t: " #core "\n" \
 "flags\t\t: fpu vme de pse hypervisor_like tsc\n\n"

#define ARM_THREAD(n)                                          \
 "processor\t: " #n "\nBogoMIPS\t: 243.75\n"                   \
 "Features\t: fp asimd evtstrm aes\nCPU implementer\t: 0x41\n" \
 "CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n\n"

static const struct {
    const char *why;
    const char *text;
    int code;
    const char *vendor, *model_name;
    int family, model, stepping;
    bool hypervisor;
    unsigned sockets, cores, threads;
} rows[] = {
    { "two sockets with ids 0 and 3, hyper-threads",
      C5_THREAD(0, 0, 0) C5_THREAD(1, 0, 1) C5_THREAD(2, 3, 0) C5_THREAD(3, 3, 1) C5_THREAD(4, 0, 0)
          C5_THREAD(5, 0, 1) C5_THREAD(6, 3, 0) C5_THREAD(7, 3, 1),
      0, "GenuineIntel", "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 6, 85, 7, false, 2, 4,
      8 },
    { "offline CPUs leave gaps in numbers and cores",
      C5_THREAD(1, 0, 1) C5_THREAD(9, 0, 27) C5_THREAD(5, 0, 1), 0, "GenuineIntel",
      "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 6, 85, 7, false, 1, 2, 3 },
    { "an AMD guest whose model is hidden",
      "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 26\nmodel\t\t: 2\n"
      "model name\t: AMD EPYC\nstepping\t: 1\nphysical id\t: 0\ncore id\t\t: 0\n"
      "flags\t\t: fpu rdrand hypervisor lahf_lm\n\n"
      "processor\t: 1\nvendor_id\t: AuthenticAMD\nphysical id\t: 0\ncore id\t\t: 0\n"
      "flags\t\t: fpu rdrand hypervisor lahf_lm\n\n",
      0, "AuthenticAMD", "AMD EPYC", 26, 2, 1, true, 1, 1, 2 },
    { "hybrid cores: one with two threads, one with one",
      "processor\t: 0\ncore id\t: 0\nphysical id\t: 0\n\nprocessor\t: 1\ncore id\t: 0\n"
      "physical id\t: 0\n\nprocessor\t: 2\ncore id\t: 8\nphysical id\t: 0\n\n",
      0, "", "", -1, -1, -1, false, 1, 2, 3 },
    { "a guest without topology: each thread is a core of socket 0",
      "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Intel Xeon Processor\n\n"
      "processor\t: 1\nvendor_id\t: GenuineIntel\n\n",
      0, "GenuineIntel", "Intel Xeon Processor", -1, -1, -1, false, 1, 2, 2 },
    { "arm64 tells implementer and part", ARM_THREAD(0) ARM_THREAD(1), 0, "ARM", "Neoverse-N1", -1,
      0xd0c, -1, false, 1, 2, 2 },
    { "an unknown implementer keeps its code",
      "processor\t: 0\nCPU implementer\t: 0x99\nCPU part\t: 0x123\n", 0, "0x99", "", -1, 0x123, -1,
      false, 1, 1, 1 },
    { "Windows line ends and no newline at the end",
      "processor\t: 0\r\nvendor_id\t: GenuineIntel\r\nmodel name\t: X\r\nphysical id\t: 1", 0,
      "GenuineIntel", "X", -1, -1, -1, false, 1, 1, 1 },
    { "a processor told twice is one", "processor : 3\n\nprocessor : 3\n", 0, "", "", -1, -1, -1,
      false, 1, 1, 1 },
    { "the word hypervisor elsewhere is no flag",
      "processor : 0\nmodel name : hypervisor\nbugs : hypervisor\nflags : hypervisors\n", 0, "",
      "hypervisor", -1, -1, -1, false, 1, 1, 1 },
    { "numbers that do not fit are unknown",
      "processor : 0\ncpu family : 99999999999999999999999999\nmodel : -4\nstepping : 5000000000\n",
      0, "", "", -1, -1, -1, false, 1, 1, 1 },
    { "an old arm header line is no processor",
      "Processor\t: AArch64 Processor rev 3\nprocessor\t: 0\nprocessor\t: 1\nHardware\t: x\n", 0,
      "", "", -1, -1, -1, false, 1, 2, 2 },
    { "empty text", "", -EBADMSG, "", "", 0, 0, 0, false, 0, 0, 0 },
    { "s390 writes \"processor 0: ...\", which is not known here",
      "vendor_id       : IBM/S390\n# processors    : 2\nprocessor 0: version = FF\n", -EBADMSG, "",
      "", 0, 0, 0, false, 0, 0, 0 },
    { "a processor without a number", "processor\t:\nprocessor\t: x\nprocessor : 99999999999\n",
      -EBADMSG, "", "", 0, 0, 0, false, 0, 0, 0 },
};

static void check_row(size_t i, const struct cpu_facts *got)
{
    const char *why = rows[i].why;
    if (strcmp(got->vendor, rows[i].vendor) != 0 ||
        strcmp(got->model_name, rows[i].model_name) != 0)
        fail_msg("%s: \"%s\" \"%s\"", why, got->vendor, got->model_name);
    if (got->family != rows[i].family || got->model != rows[i].model ||
        got->stepping != rows[i].stepping || got->hypervisor != rows[i].hypervisor)
        fail_msg("%s: %d %d %d %d", why, got->family, got->model, got->stepping, got->hypervisor);
    if (got->sockets != rows[i].sockets || got->cores != rows[i].cores ||
        got->threads != rows[i].threads)
        fail_msg("%s: %u %u %u", why, got->sockets, got->cores, got->threads);
    for (unsigned t = 1; t < got->threads; t++) {
        if (got->thread[t].processor <= got->thread[t - 1].processor)
            fail_msg("%s: threads are not ascending", why);
    }
}

static void parse_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts got = { .threads = 77 };
        int code = cpu_parse(rows[i].text, &got);
        if (code != rows[i].code)
            fail_msg("%s: %d", rows[i].why, code);
        if (code < 0) {
            assert_int_equal(got.threads, 77); /* untouched */
            continue;
        }
        check_row(i, &got);
        cpu_done(&got);
        assert_null(got.thread);
    }
}

static void first_of_socket(void **state)
{
    (void)state;
    struct cpu_facts cpu;
    assert_int_equal(cpu_parse(rows[0].text, &cpu), 0);
    assert_int_equal(cpu_first_of_socket(&cpu, 0), 0);
    assert_int_equal(cpu_first_of_socket(&cpu, 1), 2); /* physical id 3 */
    assert_int_equal(cpu_first_of_socket(&cpu, 2), -1);
    cpu_done(&cpu);
    assert_int_equal(cpu_first_of_socket(&cpu, 0), -1);
}

static void vendors(void **state)
{
    (void)state;
    static const struct {
        const char *vendor;
        bool intel, amd;
    } cases[] = { { "GenuineIntel", true, false },
                  { "AuthenticAMD", false, true },
                  { "HygonGenuine", false, true },
                  { "ARM", false, false },
                  { "", false, false } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct cpu_facts cpu = { 0 };
        (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", cases[i].vendor);
        assert_int_equal(cpu_is_intel(&cpu), cases[i].intel);
        assert_int_equal(cpu_is_amd(&cpu), cases[i].amd);
    }
}

static void long_names_are_cut(void **state)
{
    (void)state;
    char text[400];
    char name[201];
    memset(name, 'n', 200);
    name[200] = '\0';
    (void)snprintf(text, sizeof(text), "processor : 0\nvendor_id : %.50s\nmodel name : %s\n", name,
                   name);
    struct cpu_facts cpu;
    assert_int_equal(cpu_parse(text, &cpu), 0);
    assert_int_equal(strlen(cpu.vendor), sizeof(cpu.vendor) - 1);
    assert_int_equal(strlen(cpu.model_name), sizeof(cpu.model_name) - 1);
    cpu_done(&cpu);
}

static void a_big_machine(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 1023; i >= 0; i--)
        buf_printf(&text, "processor : %d\nphysical id : %d\ncore id : %d\n\n", i, i % 8, i % 512);
    struct cpu_facts cpu;
    assert_int_equal(cpu_parse(buf_text(&text), &cpu), 0);
    assert_int_equal(cpu.threads, 1024);
    assert_int_equal(cpu.sockets, 8);
    assert_int_equal(cpu.cores, 512);
    assert_int_equal(cpu_first_of_socket(&cpu, 7), 7);
    cpu_done(&cpu);
    buf_done(&text);
}

static void arm_topology_comes_from_sysfs(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    tree_put(&r, "/proc/cpuinfo", ARM_THREAD(0) ARM_THREAD(1) ARM_THREAD(2));
    tree_put(&r, "/sys/devices/system/cpu/cpu0/topology/physical_package_id", "0\n");
    tree_put(&r, "/sys/devices/system/cpu/cpu1/topology/physical_package_id", "36\n");
    tree_put(&r, "/sys/devices/system/cpu/cpu2/topology/physical_package_id", "-1\n");
    tree_put(&r, "/sys/devices/system/cpu/cpu0/topology/core_id", "5\n");
    tree_put(&r, "/sys/devices/system/cpu/cpu1/topology/core_id", "5\n");
    struct cpu_facts cpu;
    struct err err = { 0 };
    assert_int_equal(cpu_read(&r.fs, &cpu, &err), 0);
    assert_int_equal(cpu.sockets, 2);
    assert_int_equal(cpu.cores, 3);
    assert_int_equal(cpu.thread[1].socket, 36);
    assert_int_equal(cpu.thread[2].socket, 0); /* firmware says -1 */
    cpu_done(&cpu);
}

/* arm64 has no CPUID that tells; x86's flag is not asked of the firmware. */
static void firmware_tells_arms_virtual_machines(void **state)
{
    (void)state;
    static const struct {
        const char *why, *cpuinfo, *product;
        bool is_virtual;
    } machines[] = {
        { "a Graviton instance", ARM_THREAD(0), "m6g.large\n", true },
        { "the same in metal", ARM_THREAD(0), "m6g.metal\n", false },
        { "x86 without the flag", C5_THREAD(0, 0, 0), "c5.large\n", false },
    };
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        AUTO_TREE r;
        tree_make(&r);
        tree_put(&r, "/proc/cpuinfo", machines[i].cpuinfo);
        tree_put(&r, "/sys/class/dmi/id/sys_vendor", "Amazon EC2\n");
        tree_put(&r, "/sys/class/dmi/id/product_name", machines[i].product);
        struct cpu_facts cpu;
        struct err err = { 0 };
        assert_int_equal(cpu_read(&r.fs, &cpu, &err), 0);
        if (cpu.hypervisor != machines[i].is_virtual)
            fail_msg("%s", machines[i].why);
        cpu_done(&cpu);
    }
}

static void what_x86_says_wins_over_sysfs(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    tree_put(&r, "/proc/cpuinfo", C5_THREAD(0, 1, 2));
    tree_put(&r, "/sys/devices/system/cpu/cpu0/topology/physical_package_id", "9\n");
    struct cpu_facts cpu;
    struct err err = { 0 };
    assert_int_equal(cpu_read(&r.fs, &cpu, &err), 0);
    assert_int_equal(cpu.thread[0].socket, 1);
    assert_int_equal(cpu.thread[0].core, 2);
    cpu_done(&cpu);
}

static void unreadable_files_are_explained(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    struct cpu_facts cpu;
    struct err err = { 0 };
    assert_int_equal(cpu_read(&r.fs, &cpu, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/proc/cpuinfo"));
    assert_non_null(strstr(err.text, "--host.procfs"));
    tree_put(&r, "/proc/cpuinfo", "nothing here\n");
    assert_int_equal(cpu_read(&r.fs, &cpu, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "no processor"));
}

static void this_machine_has_processors(void **state)
{
    (void)state;
    struct rootfs fs = ROOTFS_NONE;
    struct err err = { 0 };
    assert_int_equal(rootfs_open(&fs, &(struct rootfs_paths){ 0 }, &err), 0);
    struct cpu_facts cpu;
    assert_int_equal(cpu_read(&fs, &cpu, &err), 0);
    assert_int_equal(cpu.threads, sysconf(_SC_NPROCESSORS_ONLN));
    assert_in_range(cpu.cores, cpu.sockets, cpu.threads);
    cpu_done(&cpu);
    rootfs_close(&fs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_rows),
        cmocka_unit_test(first_of_socket),
        cmocka_unit_test(vendors),
        cmocka_unit_test(long_names_are_cut),
        cmocka_unit_test(a_big_machine),
        cmocka_unit_test(arm_topology_comes_from_sysfs),
        cmocka_unit_test(firmware_tells_arms_virtual_machines),
        cmocka_unit_test(what_x86_says_wins_over_sysfs),
        cmocka_unit_test(unreadable_files_are_explained),
        cmocka_unit_test(this_machine_has_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
