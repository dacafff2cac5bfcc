/* SPDX-License-Identifier: Apache-2.0 */
#include "host/powercap.h"

#include "host/energy.h"
#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define CLASS "/sys/class/powercap/"

static void put(const struct tree *r, const char *zone, const char *file, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), CLASS "%s/%s", zone, file);
    tree_put(r, path, text);
}

static void put_zone(const struct tree *r, const char *zone, const char *name, const char *energy)
{
    put(r, zone, "name", name);
    put(r, zone, "energy_uj", energy);
    put(r, zone, "max_energy_range_uj", "262143328850\n");
}

static struct cpu_facts machine(unsigned sockets, const char *vendor)
{
    struct cpu_facts cpu = { .sockets = sockets };
    (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", vendor);
    return cpu;
}

/* As a c5.metal has it, with the mmio twin, a dangling link and other classes' entries. */
static void put_two_sockets(const struct tree *r)
{
    put(r, "intel-rapl", "enabled", "1\n");
    put_zone(r, "intel-rapl:0", "package-0\n", "1000\n");
    put_zone(r, "intel-rapl:0:0", "dram\n", "11\n");
    put_zone(r, "intel-rapl:1", "package-1\n", "2000\n");
    put_zone(r, "intel-rapl:1:0", "dram\n", "22\n");
    put_zone(r, "intel-rapl-mmio:0", "package-0\n", "1000\n");
    tree_link(r, CLASS "intel-rapl:7", "../../devices/virtual/powercap/gone");
    put(r, "dtpm", "name", "soc\n");
}

static void two_sockets_and_their_dram(void **state)
{
    (void)state;
    static const struct {
        enum energy_zone zone;
        int socket;
        const char *label;
        uint64_t count;
    } want[] = { { ZONE_PACKAGE, 0, CLASS "intel-rapl:0", 1000 },
                 { ZONE_DRAM, 0, CLASS "intel-rapl:0:0", 11 },
                 { ZONE_PACKAGE, 1, CLASS "intel-rapl:1", 2000 },
                 { ZONE_DRAM, 1, CLASS "intel-rapl:1:0", 22 } };
    AUTO_TREE r;
    tree_make(&r);
    put_two_sockets(&r);
    struct cpu_facts cpu = machine(2, "GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, ARRAY_LEN(want));
    for (size_t i = 0; i < set.n; i++) {
        const struct energy_counter *c = &set.counter[i];
        uint64_t count = 0;
        assert_int_equal(c->zone, want[i].zone);
        assert_int_equal(c->socket, want[i].socket);
        assert_string_equal(c->label, want[i].label);
        assert_int_equal(c->modulus, UINT64_C(262143328851)); /* it runs 0 .. max */
        assert_true(c->uj_per_count == 1);
        assert_false(c->is_power);
        assert_int_equal(c->fd, -1);
        assert_int_equal(energy_powercap.read(&r.fs, c, &count), 0);
        assert_int_equal(count, want[i].count);
    }
}

/* As sysfs has it: every entry of the class is a link into /sys/devices, and a zone's folder holds
   its subzones as well; they must count once. */
static void class_of_links(void **state)
{
    (void)state;
    static const char *const zones[][2] = {
        { "intel-rapl:0", "package-0\n" },
        { "intel-rapl:0/intel-rapl:0:0", "core\n" },
        { "intel-rapl:1", "psys\n" },
    };
    AUTO_TREE r;
    tree_make(&r);
    for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
        char path[160];
        static const char devices[] = "/sys/devices/virtual/powercap/intel-rapl";
        (void)snprintf(path, sizeof(path), "%s/%s/name", devices, zones[i][0]);
        tree_put(&r, path, zones[i][1]);
        (void)snprintf(path, sizeof(path), "%s/%s/energy_uj", devices, zones[i][0]);
        tree_put(&r, path, "5\n");
        (void)snprintf(path, sizeof(path), "%s/%s/max_energy_range_uj", devices, zones[i][0]);
        tree_put(&r, path, "9\n");
    }
#define DEVICES "../../devices/virtual/powercap/intel-rapl"
    tree_link(&r, CLASS "intel-rapl", DEVICES);
    tree_link(&r, CLASS "intel-rapl:0", DEVICES "/intel-rapl:0");
    tree_link(&r, CLASS "intel-rapl:0:0", DEVICES "/intel-rapl:0/intel-rapl:0:0");
    tree_link(&r, CLASS "intel-rapl:1", DEVICES "/intel-rapl:1");
    struct cpu_facts cpu = machine(1, "GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, 3);
    assert_string_equal(set.counter[1].label, CLASS "intel-rapl:0:0");
    assert_int_equal(set.counter[2].zone, ZONE_PSYS);
    uint64_t count = 0;
    assert_int_equal(energy_powercap.read(&r.fs, &set.counter[1], &count), 0);
    assert_int_equal(count, 5);
}

static void survey_counts_each_kind(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    struct powercap_survey got;
    powercap_survey(&r.fs, &got);
    assert_false(got.present);
    put_two_sockets(&r);
    powercap_survey(&r.fs, &got);
    assert_true(got.present);
    assert_int_equal(got.zones, 4);
    assert_int_equal(got.dangling, 1);
    assert_int_equal(got.duplicates, 1);
    assert_int_equal(got.forbidden, 0);
}

static void zone_names_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *entry, *name, *vendor;
        int n; /* counters listed beside package 0 */
        enum energy_zone zone;
        int socket;
    } rows[] = {
        { "a die of package 1 is socket 1", "intel-rapl:1", "package-1-die-0\n", "GenuineIntel", 1,
          ZONE_PACKAGE, 1 },
        { "psys is a zone of its own", "intel-rapl:1", "psys\n", "GenuineIntel", 1, ZONE_PSYS, 0 },
        { "psys of another master package", "intel-rapl:1", "psys-1\n", "GenuineIntel", 1,
          ZONE_PSYS, 1 },
        { "core is inside its package", "intel-rapl:0:0", "core\n", "GenuineIntel", 1, ZONE_CORE,
          0 },
        { "uncore is inside its package", "intel-rapl:0:1", "uncore\n", "GenuineIntel", 1,
          ZONE_UNCORE, 0 },
        { "AMD's core zone counts one core only", "intel-rapl:0:0", "core\n", "AuthenticAMD", 0,
          ZONE_CORE, 0 },
        { "a name from the future is left out", "intel-rapl:0:3", "npu\n", "GenuineIntel", 0,
          ZONE_PACKAGE, 0 },
        { "a package without a number is left out", "intel-rapl:5", "package-x\n", "GenuineIntel",
          0, ZONE_PACKAGE, 0 },
        { "an empty name is left out", "intel-rapl:5", "", "GenuineIntel", 0, ZONE_PACKAGE, 0 },
        { "mmio counts the same energy", "intel-rapl-mmio:0", "package-0\n", "GenuineIntel", 0,
          ZONE_PACKAGE, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
        put_zone(&r, rows[i].entry, rows[i].name, "5\n");
        struct cpu_facts cpu = machine(1, rows[i].vendor);
        struct energy_set set;
        struct err err = { 0 };
        if (energy_powercap.list(&r.fs, &cpu, &set, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.text);
        if (set.n != (size_t)rows[i].n + 1)
            fail_msg("%s: %zu counters", rows[i].why, set.n);
        if (rows[i].n == 1 &&
            (set.counter[1].zone != rows[i].zone || set.counter[1].socket != rows[i].socket))
            fail_msg("%s: zone %d of socket %d", rows[i].why, (int)set.counter[1].zone,
                     set.counter[1].socket);
    }
}

static void no_class_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        bool hypervisor;
        const char *says, *says_not;
    } rows[] = {
        { "bare metal", false, "is sysfs mounted", "virtual" },
        { "a VM: no mount helps", true, "no module or mount brings them", "is sysfs mounted" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        struct cpu_facts cpu = machine(1, "GenuineIntel");
        cpu.hypervisor = rows[i].hypervisor;
        struct energy_set set;
        struct err err = { 0 };
        int code = energy_powercap.list(&r.fs, &cpu, &set, &err);
        if (code != -ENOENT || !strstr(err.text, rows[i].says) ||
            strstr(err.text, rows[i].says_not))
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void why_not_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        const char *zone0, *zone1;           /* names; NULL: no such zone */
        const char *energy, *max, *dangling; /* of zone 0 */
        unsigned sockets;
        bool hypervisor;
        int code;
        const char *says;
    } rows[] = {
        { "no zone on bare metal: a module is missing", NULL, NULL, "", "", NULL, 1, false, -ENOENT,
          "modprobe intel_rapl_msr" },
        { "no zone in a VM: no module helps", NULL, NULL, "", "", NULL, 1, true, -ENOENT,
          "this is a virtual machine, and its hypervisor hides the energy counters; no module or "
          "mount brings them" },
        { "only dangling links: half of sysfs is mounted", NULL, NULL, "", "", "intel-rapl:0", 1,
          false, -ENOENT, "lead nowhere" },
        { "zones, but no package", "dram\n", NULL, "1\n", "10\n", NULL, 1, false, -ENODATA,
          "none is a package" },
        { "one of two sockets is missing", "package-0\n", NULL, "1\n", "10\n", NULL, 2, false,
          -ENODATA, "1 of 2 sockets" },
        { "two dies of one socket are one socket", "package-0-die-0\n", "package-0-die-1\n", "1\n",
          "10\n", NULL, 2, false, -ENODATA, "1 of 2 sockets" },
        { "range 0", "package-0\n", NULL, "1\n", "0\n", NULL, 1, false, -ENODATA,
          "max_energy_range_uj (package-0) is 0" },
        { "range garbled", "package-0\n", NULL, "1\n", "ten\n", NULL, 1, false, -ENODATA,
          "max_energy_range_uj" },
        { "energy garbled", "package-0\n", NULL, "-7\n", "10\n", NULL, 1, false, -ENODATA,
          "gives no number" },
        { "energy empty", "package-0\n", NULL, "", "10\n", NULL, 1, false, -ENODATA,
          "gives no number" },
        { "a second socket that cannot be read spoils the sum", "package-0\n", "package-1\n", "\n",
          "10\n", NULL, 2, false, -ENODATA, "gives no number" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put(&r, "intel-rapl", "enabled", "1\n");
        if (rows[i].zone0) {
            put(&r, "intel-rapl:0", "name", rows[i].zone0);
            put(&r, "intel-rapl:0", "energy_uj", rows[i].energy);
            put(&r, "intel-rapl:0", "max_energy_range_uj", rows[i].max);
        }
        if (rows[i].zone1)
            put_zone(&r, "intel-rapl:1", rows[i].zone1, "1\n");
        if (rows[i].dangling)
            tree_link(&r, CLASS "intel-rapl:0", "../gone");
        struct cpu_facts cpu = machine(rows[i].sockets, "GenuineIntel");
        cpu.hypervisor = rows[i].hypervisor;
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        int code = energy_powercap.list(&r.fs, &cpu, &set, &err);
        if (code != rows[i].code || !strstr(err.text, rows[i].says) || set.n != 99)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void no_class_at_all(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    struct cpu_facts cpu = machine(1, "GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), -ENOENT);
    assert_non_null(strstr(err.text, "CONFIG_POWERCAP"));
}

static void without_permission(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
    struct cpu_facts cpu = machine(1, "GenuineIntel");
    struct energy_set set;
    struct powercap_survey survey;
    struct err err = { 0 };
    tree_forbid(&r, CLASS "intel-rapl:0/energy_uj");
    int code = energy_powercap.list(&r.fs, &cpu, &set, &err);
    powercap_survey(&r.fs, &survey);
    tree_permit();
    assert_int_equal(code, -EACCES);
    assert_non_null(strstr(err.text, "CVE-2020-8694"));
    assert_non_null(strstr(err.text, "CAP_DAC_READ_SEARCH"));
    assert_int_equal(survey.forbidden, 1);
}

static void a_dram_zone_that_fails_is_left_out(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
    put_zone(&r, "intel-rapl:0:0", "dram\n", "\n");
    struct cpu_facts cpu = machine(1, "GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, 1);
}

static void zones_of_one_socket_only_are_no_sum(void **state)
{
    (void)state;
    static const struct {
        const char *why, *name0, *name1; /* of a zone in package 0 and 1; NULL: it has none */
        const char *max1;
        size_t more; /* counters beside the two packages */
    } rows[] = {
        { "DRAM on both", "dram\n", "dram\n", "9\n", 2 },
        { "DRAM whose range is 0 on one", "dram\n", "dram\n", "0\n", 0 },
        { "DRAM on the first only", "dram\n", NULL, NULL, 0 },
        { "DRAM on the second only", NULL, "dram\n", "9\n", 0 },
        { "core on both", "core\n", "core\n", "9\n", 2 },
        { "core on one, DRAM on the other", "core\n", "dram\n", "9\n", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
        put_zone(&r, "intel-rapl:1", "package-1\n", "2000\n");
        if (rows[i].name0)
            put_zone(&r, "intel-rapl:0:0", rows[i].name0, "1\n");
        if (rows[i].name1) {
            put_zone(&r, "intel-rapl:1:0", rows[i].name1, "2\n");
            put(&r, "intel-rapl:1:0", "max_energy_range_uj", rows[i].max1);
        }
        struct cpu_facts cpu = machine(2, "GenuineIntel");
        struct energy_set set;
        struct err err = { 0 };
        assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
        if (set.n != 2 + rows[i].more)
            fail_msg("%s: %zu", rows[i].why, set.n);
    }
}

static void psys_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *energy2, *energy3; /* of "psys" and "psys-1"; NULL: no such zone */
        size_t n;                            /* psys counters listed */
    } rows[] = {
        { "one master package of two", "5\n", NULL, 1 },
        { "a machine of two parts, each with a master", "5\n", "6\n", 2 },
        { "one of the two cannot be read", "5\n", "\n", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
        put_zone(&r, "intel-rapl:1", "package-1\n", "2000\n");
        put_zone(&r, "intel-rapl:2", "psys\n", rows[i].energy2);
        if (rows[i].energy3)
            put_zone(&r, "intel-rapl:3", "psys-1\n", rows[i].energy3);
        struct cpu_facts cpu = machine(2, "GenuineIntel");
        struct energy_set set;
        struct err err = { 0 };
        assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
        if (set.n != 2 + rows[i].n || (rows[i].n && set.counter[2].zone != ZONE_PSYS))
            fail_msg("%s: %zu", rows[i].why, set.n);
    }
}

/* Ranges are 2^32 - 1 counts of the unit that the kernel reckons with. */
#define RANGE_OF_PACKAGE "262143328850\n" /* 61.035 uJ */
#define RANGE_OF_FIXED   "65712999613\n"  /* 15.3 uJ */

static void dram_unit_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor;
        int family, model;
        const char *range; /* of DRAM */
        double uj;         /* that a count of it is worth */
    } rows[] = {
        { "Sapphire Rapids before Linux 6.1 shows a quarter", "GenuineIntel", 6, 143,
          RANGE_OF_FIXED, 61.03515625 / 15.3 },
        { "mended there", "GenuineIntel", 6, 143, RANGE_OF_PACKAGE, 1 },
        { "c5.metal's DRAM does count 15.3 uJ", "GenuineIntel", 6, 85, RANGE_OF_FIXED, 1 },
        { "Ice Lake's too", "GenuineIntel", 6, 106, RANGE_OF_FIXED, 1 },
        { "a range that nobody knows is left as it is", "GenuineIntel", 6, 143, "9999999999\n", 1 },
        { "another vendor's 143", "AuthenticAMD", 6, 143, RANGE_OF_FIXED, 1 },
        { "another family's", "GenuineIntel", 19, 143, RANGE_OF_FIXED, 1 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
        put_zone(&r, "intel-rapl:0:0", "dram\n", "5\n");
        put(&r, "intel-rapl:0:0", "max_energy_range_uj", rows[i].range);
        struct cpu_facts cpu = machine(1, rows[i].vendor);
        cpu.family = rows[i].family;
        cpu.model = rows[i].model;
        struct energy_set set;
        struct err err = { 0 };
        assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
        assert_int_equal(set.n, 2);
        assert_true(set.counter[0].uj_per_count == 1);
        double off = set.counter[1].uj_per_count / rows[i].uj - 1;
        if (set.counter[1].zone != ZONE_DRAM || off > 1e-5 || off < -1e-5)
            fail_msg("%s: %f", rows[i].why, set.counter[1].uj_per_count);
    }
}

/* Each die's package has the zones of its own: none of them is told twice, none is missed. */
static void dies_have_their_dram(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_zone(&r, "intel-rapl:0", "package-0-die-0\n", "1\n");
    put_zone(&r, "intel-rapl:0:0", "dram\n", "10\n");
    put_zone(&r, "intel-rapl:1", "package-0-die-1\n", "2\n");
    put_zone(&r, "intel-rapl:1:0", "dram\n", "20\n");
    struct cpu_facts cpu = machine(1, "GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    uint64_t sum[ZONE_COUNT] = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
    for (size_t i = 0; i < set.n; i++) {
        uint64_t count = 0;
        assert_int_equal(energy_powercap.read(&r.fs, &set.counter[i], &count), 0);
        assert_int_equal(set.counter[i].socket, 0);
        sum[set.counter[i].zone] += count;
    }
    assert_int_equal(sum[ZONE_PACKAGE], 3);
    assert_int_equal(sum[ZONE_DRAM], 30);
}

static void dies_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor;
        size_t n;
    } rows[] = {
        { "Intel's dies count each for itself", "GenuineIntel", 4 },
        { "AMD's dies tell the socket's energy again", "AuthenticAMD", 2 },
        { "Hygon's too", "HygonGenuine", 2 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put_zone(&r, "intel-rapl:0", "package-0-die-0\n", "1000\n");
        put_zone(&r, "intel-rapl:1", "package-0-die-1\n", "1000\n");
        put_zone(&r, "intel-rapl:2", "package-1-die-2\n", "2000\n");
        put_zone(&r, "intel-rapl:3", "package-1-die-3\n", "2000\n");
        struct cpu_facts cpu = machine(2, rows[i].vendor);
        struct energy_set set;
        struct err err = { 0 };
        assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
        if (set.n != rows[i].n)
            fail_msg("%s: %zu", rows[i].why, set.n);
    }
}

static void reading_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text;
        uint64_t modulus;
        int code;
        uint64_t count;
    } rows[] = {
        { "the last count before it begins again", "262143328850\n", 262143328851, 0,
          262143328850 },
        { "a count it cannot have", "262143328851\n", 262143328851, -EBADMSG, 0 },
        { "all 64 bits where it never wraps", "18446744073709551615\n", 0, 0, UINT64_MAX },
        { "truncated to nothing", "", 10, -EBADMSG, 0 },
        { "a word", "unknown\n", 10, -EBADMSG, 0 },
        { "past 64 bits", "18446744073709551616\n", 0, -EBADMSG, 0 },
    };
    AUTO_TREE r;
    tree_make(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put(&r, "intel-rapl:0", "energy_uj", rows[i].text);
        struct energy_counter c = { .path = CLASS "intel-rapl:0", .modulus = rows[i].modulus };
        uint64_t count = 0;
        int code = energy_powercap.read(&r.fs, &c, &count);
        if (code != rows[i].code || count != rows[i].count)
            fail_msg("%s: %d", rows[i].why, code);
    }
    struct energy_counter gone = { .path = CLASS "intel-rapl:9" };
    uint64_t count = 0;
    assert_int_equal(energy_powercap.read(&r.fs, &gone, &count), -ENOENT);
}

static void range_of_64_bits_never_wraps(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_zone(&r, "intel-rapl:0", "package-0\n", "1000\n");
    put(&r, "intel-rapl:0", "max_energy_range_uj", "18446744073709551615\n");
    struct cpu_facts cpu = machine(1, "AuthenticAMD");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.counter[0].modulus, 0);
}

static void more_zones_than_there_is_room(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    for (int i = 0; i <= ENERGY_COUNTERS_MAX; i++) {
        char entry[32];
        char name[32];
        (void)snprintf(entry, sizeof(entry), "intel-rapl:%d", i);
        (void)snprintf(name, sizeof(name), "package-%d\n", i);
        put_zone(&r, entry, name, "1\n");
    }
    struct cpu_facts cpu = machine(1, "GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_powercap.list(&r.fs, &cpu, &set, &err), -ENODATA);
    assert_non_null(strstr(err.text, "more than 64"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sockets_and_their_dram),
        cmocka_unit_test(class_of_links),
        cmocka_unit_test(survey_counts_each_kind),
        cmocka_unit_test(zone_names_rows),
        cmocka_unit_test(no_class_rows),
        cmocka_unit_test(why_not_rows),
        cmocka_unit_test(no_class_at_all),
        cmocka_unit_test(without_permission),
        cmocka_unit_test(a_dram_zone_that_fails_is_left_out),
        cmocka_unit_test(zones_of_one_socket_only_are_no_sum),
        cmocka_unit_test(psys_rows),
        cmocka_unit_test(dram_unit_rows),
        cmocka_unit_test(dies_have_their_dram),
        cmocka_unit_test(dies_rows),
        cmocka_unit_test(reading_rows),
        cmocka_unit_test(range_of_64_bits_never_wraps),
        cmocka_unit_test(more_zones_than_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
