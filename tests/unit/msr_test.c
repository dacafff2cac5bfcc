/* SPDX-License-Identifier: Apache-2.0 */
#include "host/msr.h"

#include "host/energy.h"
#include "tree.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

#define UNIT_14 "0xa0e03" /* Skylake-X: ESU 14, so 61.035 uJ; PU 3, so 1/8 W */
#define UNIT_16 "0xa1003" /* AMD: ESU 16 */

static void put(const struct tree *r, int cpu, uint32_t reg, const char *text)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/dev/cpu/%d/msr/0x%" PRIx32, cpu, reg);
    tree_put(r, path, text);
}

/* One Skylake-X package whose counter stands at @energy. */
static void put_package(const struct tree *r, const char *energy)
{
    put(r, 0, MSR_INTEL_POWER_UNIT, UNIT_14);
    put(r, 0, MSR_INTEL_PKG_ENERGY, energy);
}

static struct cpu_thread two_sockets[] = { { 0, 0, 0 }, { 1, 0, 1 }, { 2, 3, 0 }, { 3, 3, 1 } };

static struct cpu_facts machine(const char *vendor, int model, unsigned sockets)
{
    struct cpu_facts cpu = { .family = 6,
                             .model = model,
                             .sockets = sockets,
                             .thread = two_sockets,
                             .threads = 2 * sockets };
    (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", vendor);
    return cpu;
}

static void units(void **state)
{
    (void)state;
    assert_close(msr_energy_unit_uj(0xa0e03), 1e6 / 16384, "Intel's 2^-14 J");
    assert_close(msr_energy_unit_uj(0xa1003), 1e6 / 65536, "AMD's 2^-16 J");
    assert_close(msr_energy_unit_uj(0), 1e6, "2^0 J");
    assert_close(msr_energy_unit_uj(UINT64_MAX), 1e6 / 2147483648.0, "five bits, all set");
    assert_close(msr_power_unit_watts(0xa0e03), 0.125, "Intel's 2^-3 W");
    assert_close(msr_power_unit_watts(0), 1, "2^0 W");
}

static void fixed_unit_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor;
        int family, model;
        double dram, psys; /* of a unit of 61 */
    } rows[] = {
        { "Haswell-X", "GenuineIntel", 6, 63, 15.3, 61 },
        { "Broadwell-X", "GenuineIntel", 6, 79, 15.3, 61 },
        { "Cascade Lake-X: c5.metal", "GenuineIntel", 6, 85, 15.3, 61 },
        { "Broadwell-D, as powercap has it", "GenuineIntel", 6, 86, 61, 61 },
        { "Ice Lake-X", "GenuineIntel", 6, 106, 15.3, 61 },
        { "Ice Lake-D", "GenuineIntel", 6, 108, 15.3, 61 },
        { "Knights Landing", "GenuineIntel", 6, 87, 15.3, 61 },
        { "Knights Mill", "GenuineIntel", 6, 133, 15.3, 61 },
        { "Sapphire Rapids", "GenuineIntel", 6, 143, 61, 1e6 },
        { "Emerald Rapids", "GenuineIntel", 6, 207, 61, 1e6 },
        { "Granite Rapids", "GenuineIntel", 6, 173, 61, 1e6 },
        { "Granite Rapids-D", "GenuineIntel", 6, 174, 61, 1e6 },
        { "Sierra Forest", "GenuineIntel", 6, 175, 61, 61 },
        { "Sandy Bridge-EP, the first with DRAM", "GenuineIntel", 6, 45, 61, 61 },
        { "a client: Haswell", "GenuineIntel", 6, 60, 61, 61 },
        { "AMD with the same numbers", "AuthenticAMD", 6, 85, 61, 61 },
        { "another family", "GenuineIntel", 15, 85, 61, 61 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = machine(rows[i].vendor, rows[i].model, 1);
        cpu.family = rows[i].family;
        if (fabs(msr_dram_unit_uj(&cpu, 61) - rows[i].dram) > 1e-9 ||
            fabs(msr_psys_unit_uj(&cpu, 61) - rows[i].psys) > 1e-9)
            fail_msg("%s", rows[i].why);
    }
}

static void reading_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text;
        int code;
        uint64_t value;
    } rows[] = {
        { "hex with 0x", "0xdeadbeef\n", 0, 0xdeadbeef },
        { "a word of hexadecimal letters", "bad\n", -EBADMSG, 0 },
        { "digits that may be decimal", "12345\n", -EBADMSG, 0 },
        { "0x and nothing", "0x\n", -EBADMSG, 0 },
        { "0x twice", "0x0x12\n", -EBADMSG, 0 },
        { "all 64 bits", "0xffffffffffffffff\n", 0, UINT64_MAX },
        { "empty", "", -EBADMSG, 0 },
        { "a word", "zero\n", -EBADMSG, 0 },
        { "negative", "-1\n", -EBADMSG, 0 },
        { "past 64 bits", "0x1ffffffffffffffff\n", -EBADMSG, 0 },
        { "two numbers", "0x1 0x2\n", -EBADMSG, 0 },
        { "too long", "0x0000000000000000000000000000000000000000000001\n", -EBADMSG, 0 },
    };
    AUTO_TREE r;
    tree_make(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        put(&r, 0, MSR_AMD_PKG_ENERGY, rows[i].text);
        uint64_t value = 0;
        int code = msr_read(&r.fs, 0, MSR_AMD_PKG_ENERGY, &value);
        if (code != rows[i].code || value != rows[i].value)
            fail_msg("%s: %d %" PRIx64, rows[i].why, code, value);
    }
    uint64_t value = 7;
    assert_int_equal(msr_read(&r.fs, 0, 0x611, &value), -ENOENT);
    assert_int_equal(msr_read(&r.fs, 5, 0x611, &value), -ENOENT);
    assert_int_equal(value, 7);
}

/* The kernel's device takes the register number as offset and hands out 8 bytes. A flat file does
   the same. */
static void device_is_read_at_the_register(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    unsigned char bytes[0x611 + 8 + 4] = { 0 };
    const uint64_t put_there = UINT64_C(0x0123456789abcdef);
    memcpy(bytes + 0x611, &put_there, sizeof(put_there));
    tree_put_bytes(&r, "/dev/cpu/0/msr", bytes, sizeof(bytes));
    uint64_t value = 0;
    assert_int_equal(msr_read(&r.fs, 0, 0x611, &value), 0);
    assert_int_equal(value, put_there);
    assert_int_equal(msr_read(&r.fs, 0, 0x619, &value), -EBADMSG); /* 4 bytes are left */
    assert_int_equal(msr_read(&r.fs, 0, 0x700, &value), -EBADMSG); /* none is */
    assert_int_equal(value, put_there);
}

static void put_c5_metal(const struct tree *r)
{
    for (int cpu = 0; cpu <= 2; cpu += 2) {
        put(r, cpu, MSR_INTEL_POWER_UNIT, UNIT_14);
        put(r, cpu, MSR_INTEL_PKG_ENERGY, "0xfffffffff0000001");
        put(r, cpu, MSR_INTEL_PKG_INFO, "0x780"); /* 1920 / 8 = 240 W */
        put(r, cpu, MSR_INTEL_DRAM_ENERGY, "0x10");
        put(r, cpu, MSR_INTEL_PP0_ENERGY, "0x0");
    }
}

static void check_counter(const struct energy_counter *c, enum energy_zone zone, int socket,
                          const char *path, double uj)
{
    assert_int_equal(c->zone, zone);
    assert_int_equal(c->socket, socket);
    assert_string_equal(c->path, path);
    assert_int_equal(c->modulus, UINT64_C(1) << 32);
    assert_false(c->is_power);
    assert_int_equal(c->fd, -1);
    assert_close(c->uj_per_count, uj, c->label);
}

static void package_and_dram_of_two_sockets(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_c5_metal(&r);
    struct cpu_facts cpu = machine("GenuineIntel", 85, 2);
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_msr.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, 4); /* PP0 reads 0: left out; PP1 and psys are not there */
    check_counter(&set.counter[0], ZONE_PACKAGE, 0, "/dev/cpu/0/msr", 1e6 / 16384);
    check_counter(&set.counter[1], ZONE_PACKAGE, 3, "/dev/cpu/2/msr", 1e6 / 16384);
    check_counter(&set.counter[2], ZONE_DRAM, 0, "/dev/cpu/0/msr", 15.3);
    check_counter(&set.counter[3], ZONE_DRAM, 3, "/dev/cpu/2/msr", 15.3);
    assert_string_equal(set.counter[0].label, "msr:0x611");
    assert_string_equal(set.counter[2].label, "msr:0x619");
    uint64_t count = 0;
    assert_int_equal(energy_msr.read(&r.fs, &set.counter[0], &count), 0);
    assert_int_equal(count, 0xf0000001); /* the upper half is reserved */
    put(&r, 0, MSR_INTEL_PKG_ENERGY, "");
    assert_int_equal(energy_msr.read(&r.fs, &set.counter[0], &count), -EBADMSG);
    tree_drop(&r, "/dev/cpu/0/msr/0x611");
    assert_int_equal(energy_msr.read(&r.fs, &set.counter[0], &count), -ENOENT);
    assert_int_equal(count, 0xf0000001);
}

static void zone_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        uint32_t reg;
        const char *value0, *value1; /* of the two sockets; NULL: not there */
        size_t more;                 /* counters beside the two packages */
        double uj;                   /* of the first of them, on Sapphire Rapids */
    } rows[] = {
        { "core on both", MSR_INTEL_PP0_ENERGY, "0x5", "0x6", 2, 1e6 / 16384 },
        { "core on one only would be half a sum", MSR_INTEL_PP0_ENERGY, "0x5", NULL, 0, 0 },
        { "core that reads 0 on one", MSR_INTEL_PP0_ENERGY, "0x5", "0x0", 0, 0 },
        { "uncore on both", MSR_INTEL_PP1_ENERGY, "0x5", "0x6", 2, 1e6 / 16384 },
        { "DRAM has the common unit on Sapphire Rapids", MSR_INTEL_DRAM_ENERGY, "0x1", "0x1", 2,
          1e6 / 16384 },
        { "DRAM whose low half is 0", MSR_INTEL_DRAM_ENERGY, "0x100000000", "0x1", 0, 0 },
        { "psys of the master package, the second", MSR_INTEL_PSYS_ENERGY, "0x0", "0x9", 1, 1e6 },
        { "psys of the first", MSR_INTEL_PSYS_ENERGY, "0x9", "0x0", 1, 1e6 },
        { "no psys", MSR_INTEL_PSYS_ENERGY, "0x0", "0x0", 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        for (int cpu = 0; cpu <= 2; cpu += 2) {
            put(&r, cpu, MSR_INTEL_POWER_UNIT, UNIT_14);
            put(&r, cpu, MSR_INTEL_PKG_ENERGY, "0x1");
        }
        if (rows[i].value0)
            put(&r, 0, rows[i].reg, rows[i].value0);
        if (rows[i].value1)
            put(&r, 2, rows[i].reg, rows[i].value1);
        struct cpu_facts cpu = machine("GenuineIntel", 143, 2);
        struct energy_set set;
        struct err err = { 0 };
        assert_int_equal(energy_msr.list(&r.fs, &cpu, &set, &err), 0);
        if (set.n != 2 + rows[i].more)
            fail_msg("%s: %zu", rows[i].why, set.n);
        if (rows[i].more && fabs(set.counter[2].uj_per_count - rows[i].uj) > 1e-9)
            fail_msg("%s: %f uJ", rows[i].why, set.counter[2].uj_per_count);
    }
}

static void amd_has_a_package_only(void **state)
{
    (void)state;
    static const char *const vendors[] = { "AuthenticAMD", "HygonGenuine" };
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put(&r, 0, MSR_AMD_POWER_UNIT, UNIT_16);
        put(&r, 0, MSR_AMD_PKG_ENERGY, "0x1234");
        put(&r, 0, MSR_AMD_CORE_ENERGY, "0x99");
        struct cpu_facts cpu = machine(vendors[i], 49, 1);
        struct energy_set set;
        struct err err = { 0 };
        assert_int_equal(energy_msr.list(&r.fs, &cpu, &set, &err), 0);
        assert_int_equal(set.n, 1);
        check_counter(&set.counter[0], ZONE_PACKAGE, 0, "/dev/cpu/0/msr", 1e6 / 65536);
        assert_string_equal(set.counter[0].label, "msr:0xc001029b");
    }
}

static void why_not_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor;
        const char *unit, *package, *package1; /* NULL: not there */
        unsigned sockets;
        bool hypervisor;
        int code;
        const char *says;
    } rows[] = {
        { "no device", "GenuineIntel", NULL, NULL, NULL, 1, false, -ENOENT, "modprobe msr" },
        { "no device in a VM", "GenuineIntel", NULL, NULL, NULL, 1, true, -ENOENT,
          "there is no /dev/cpu/0/msr, and no module or mount brings its counters: this is a virtual "
          "machine, and its hypervisor hides them; the physical host has them" },
        { "arm64 has no such thing", "ARM", UNIT_14, "0x1", NULL, 1, false, -ENOENT, "\"ARM\"" },
        { "a VM that answers 0", "GenuineIntel", "0x0", "0x0", NULL, 1, true, -ENODATA,
          "as virtual machines do" },
        { "answers 0 on both sockets", "GenuineIntel", "0x0", "0x0", "0x0", 2, false, -ENODATA,
          "as virtual machines do" },
        { "the unit is there, the package not", "GenuineIntel", UNIT_14, NULL, NULL, 1, false,
          -ENODATA, "register 0x611 of /dev/cpu/0/msr" },
        { "the unit is garbled", "GenuineIntel", "what", "0x1", NULL, 1, false, -ENODATA,
          "register 0x606" },
        { "the second socket does not answer", "GenuineIntel", UNIT_14, "0x1", NULL, 2, false,
          -ENODATA, "register 0x611 of /dev/cpu/2/msr" },
        { "more sockets than there is room", "GenuineIntel", UNIT_14, "0x1", NULL, 13, false,
          -ENODATA, "13 sockets" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        for (int cpu = 0; rows[i].unit && cpu <= 2; cpu += 2)
            put(&r, cpu, MSR_INTEL_POWER_UNIT, rows[i].unit);
        if (rows[i].package)
            put(&r, 0, MSR_INTEL_PKG_ENERGY, rows[i].package);
        if (rows[i].package1)
            put(&r, 2, MSR_INTEL_PKG_ENERGY, rows[i].package1);
        struct cpu_facts cpu = machine(rows[i].vendor, 85, rows[i].sockets);
        cpu.hypervisor = rows[i].hypervisor;
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        int code = energy_msr.list(&r.fs, &cpu, &set, &err);
        if (code != rows[i].code || !strstr(err.text, rows[i].says) || set.n != 99)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void dies_with_registers_of_their_own(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor, *die1;
        int code;
    } rows[] = {
        { "two dies a socket: one register would tell half", "GenuineIntel", "1\n", -ENODATA },
        { "one die a socket", "GenuineIntel", "0\n", 0 },
        { "AMD's dies share the socket's register", "AuthenticAMD", "1\n", 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        put(&r, 0, MSR_INTEL_POWER_UNIT, UNIT_14);
        put(&r, 0, MSR_INTEL_PKG_ENERGY, "0x1");
        put(&r, 0, MSR_AMD_POWER_UNIT, UNIT_16);
        put(&r, 0, MSR_AMD_PKG_ENERGY, "0x1");
        tree_put(&r, "/sys/devices/system/cpu/cpu0/topology/die_id", "0\n");
        tree_put(&r, "/sys/devices/system/cpu/cpu1/topology/die_id", rows[i].die1);
        struct cpu_facts cpu = machine(rows[i].vendor, 85, 1);
        struct energy_set set;
        struct err err = { 0 };
        int code = energy_msr.list(&r.fs, &cpu, &set, &err);
        if (code != rows[i].code || (code < 0 && !strstr(err.text, "several dies")))
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

/* Firmware may number the CPUs of its sockets in turn: 0, 2, 4 are the first socket's. */
static void dies_of_sockets_that_take_turns(void **state)
{
    (void)state;
    static struct cpu_thread turns[] = { { 0, 0, 0 }, { 1, 1, 0 }, { 2, 0, 1 }, { 3, 1, 1 } };
    static const struct {
        const char *why, *die[4];
        int code;
    } rows[] = {
        { "two dies a socket", { "0\n", "0\n", "1\n", "1\n" }, -ENODATA },
        { "of the second socket only", { "0\n", "0\n", "0\n", "1\n" }, -ENODATA },
        { "one die a socket, counted through", { "0\n", "1\n", "0\n", "1\n" }, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        for (int n = 0; n < 4; n++) {
            char path[96];
            put(&r, n, MSR_INTEL_POWER_UNIT, UNIT_14);
            put(&r, n, MSR_INTEL_PKG_ENERGY, "0x1");
            (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/die_id", n);
            tree_put(&r, path, rows[i].die[n]);
        }
        struct cpu_facts cpu = machine("GenuineIntel", 85, 2);
        cpu.thread = turns;
        struct energy_set set;
        struct err err = { 0 };
        int code = energy_msr.list(&r.fs, &cpu, &set, &err);
        if (code != rows[i].code || (code < 0 && !strstr(err.text, "several dies")))
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

/* A counter at 0 may have just begun: whether it runs is seen when it is read twice. */
static void package_0_alone_is_no_verdict(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_package(&r, "0x0");
    struct cpu_facts cpu = machine("GenuineIntel", 85, 1);
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_msr.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, 1);
}

static void without_permission(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    put_package(&r, "0x1");
    struct cpu_facts cpu = machine("GenuineIntel", 85, 1);
    struct energy_set set;
    struct err err = { 0 };
    tree_forbid(&r, "/dev/cpu/0/msr/0x611");
    int code = energy_msr.list(&r.fs, &cpu, &set, &err);
    tree_permit();
    assert_int_equal(code, -EACCES);
    assert_non_null(strstr(err.text, "CAP_SYS_RAWIO"));
}

static void tdp(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    struct cpu_facts cpu = machine("GenuineIntel", 85, 2);
    double watts = -1;
    assert_int_equal(msr_read_tdp_watts(&r.fs, &cpu, &watts), -ENOENT);
    put_c5_metal(&r);
    assert_int_equal(msr_read_tdp_watts(&r.fs, &cpu, &watts), 0);
    assert_close(watts, 240, "eighths of a watt");
    put(&r, 0, MSR_INTEL_PKG_INFO, "0xffff8000"); /* bits 14:0 are 0 */
    assert_int_equal(msr_read_tdp_watts(&r.fs, &cpu, &watts), -ENODATA);
    struct cpu_facts amd = machine("AuthenticAMD", 49, 1);
    assert_int_equal(msr_read_tdp_watts(&r.fs, &amd, &watts), -ENODATA);
    assert_close(watts, 240, "a failure writes nothing");
}

static void limits_of_power(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text;
        int code;
        double watts;
    } rows[] = {
        { "PL1 205 W, PL2 246 W", "0x7887b000dc8668", 0, 246 },
        { "PL1 246 W is more than PL2 205 W", "0x78866800dc87b0", 0, 246 },
        { "PL2 is not enabled, so nothing holds it", "0x7807b000dc8668", 0, HUGE_VAL },
        { "a board that sets none", "0x78ffff00dcffff", 0, 4095.875 },
        { "a register of nothing", "0x0", -ENODATA, -1 },
    };
    AUTO_TREE r;
    tree_make(&r);
    struct cpu_facts cpu = machine("GenuineIntel", 85, 2);
    double watts = -1;
    put_c5_metal(&r);
    assert_int_equal(msr_read_limit_watts(&r.fs, &cpu, &watts), -ENOENT);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        watts = -1;
        put(&r, 0, MSR_INTEL_PKG_LIMIT, rows[i].text);
        int code = msr_read_limit_watts(&r.fs, &cpu, &watts);
        if (code != rows[i].code ||
            (watts != rows[i].watts && !(fabs(watts - rows[i].watts) < 1e-9)))
            fail_msg("%s: %d, %g W", rows[i].why, code, watts);
    }
    struct cpu_facts amd = machine("AuthenticAMD", 49, 1);
    assert_int_equal(msr_read_limit_watts(&r.fs, &amd, &watts), -ENODATA);
}

/* Bay Trail, 0x606 = 0x50505: a count is 2^5 uJ, not 2^-5 J, a thousand times as much. */
static void small_atoms_count_in_microjoules(void **state)
{
    (void)state;
    static const int models[] = { 55, 74, 76, 90 };
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        AUTO_TREE r;
        tree_make(&r);
        struct cpu_facts cpu = machine("GenuineIntel", models[i], 1);
        struct energy_set set = { 0 };
        struct err err = { 0 };
        double watts = 0;
        put(&r, 0, MSR_INTEL_POWER_UNIT, "0x50505");
        put(&r, 0, MSR_INTEL_PKG_ENERGY, "0x1234");
        put(&r, 0, MSR_INTEL_PKG_INFO, "0x10");
        assert_int_equal(energy_msr.list(&r.fs, &cpu, &set, &err), 0);
        assert_close(set.counter[0].uj_per_count, 32, "2^5 uJ");
        assert_int_equal(msr_read_tdp_watts(&r.fs, &cpu, &watts), -ENODATA);
    }
}

/* Its first thread was taken offline: the device is gone, and a sibling's tells the same socket. */
static void another_thread_of_the_socket_answers(void **state)
{
    (void)state;
    AUTO_TREE r;
    tree_make(&r);
    struct cpu_facts cpu = machine("GenuineIntel", 85, 2);
    struct energy_set set = { 0 };
    struct err err = { 0 };
    put_package(&r, "0x10");
    put(&r, 3, MSR_INTEL_POWER_UNIT, UNIT_14);
    put(&r, 3, MSR_INTEL_PKG_ENERGY, "0x20");
    assert_int_equal(energy_msr.list(&r.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, 2);
    assert_string_equal(set.counter[0].path, "/dev/cpu/0/msr");
    assert_string_equal(set.counter[1].path, "/dev/cpu/3/msr");
    assert_int_equal(set.counter[1].socket, 3);
}

/* Its sentence agrees with the probe's: what is loaded needs no modprobe. */
static void the_module_is_there_and_its_device_is_not(void **state)
{
    (void)state;
    static const struct {
        const char *why, *path, *text, *says;
    } rows[] = {
        { "loaded", "/proc/modules", "msr 20480 0 - Live 0x0\n", "a container needs the host's" },
        { "built in", "/lib/modules/6.1.0/modules.builtin", "kernel/arch/x86/kernel/msr.ko\n",
          "a container needs the host's" },
        { "another one", "/proc/modules", "msrx 20480 0 - Live 0x0\n", "modprobe msr" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE r;
        tree_make(&r);
        tree_put(&r, "/proc/sys/kernel/osrelease", "6.1.0\n");
        tree_put(&r, rows[i].path, rows[i].text);
        struct cpu_facts cpu = machine("GenuineIntel", 85, 1);
        struct energy_set set;
        struct err err = { 0 };
        int code = energy_msr.list(&r.fs, &cpu, &set, &err);
        bool is_modprobe = strstr(err.text, "modprobe") != NULL;
        if (code != -ENOENT || !strstr(err.text, rows[i].says) || is_modprobe != (i == 2))
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units),
        cmocka_unit_test(fixed_unit_rows),
        cmocka_unit_test(reading_rows),
        cmocka_unit_test(device_is_read_at_the_register),
        cmocka_unit_test(package_and_dram_of_two_sockets),
        cmocka_unit_test(zone_rows),
        cmocka_unit_test(amd_has_a_package_only),
        cmocka_unit_test(why_not_rows),
        cmocka_unit_test(the_module_is_there_and_its_device_is_not),
        cmocka_unit_test(dies_with_registers_of_their_own),
        cmocka_unit_test(dies_of_sockets_that_take_turns),
        cmocka_unit_test(package_0_alone_is_no_verdict),
        cmocka_unit_test(without_permission),
        cmocka_unit_test(tdp),
        cmocka_unit_test(limits_of_power),
        cmocka_unit_test(small_atoms_count_in_microjoules),
        cmocka_unit_test(another_thread_of_the_socket_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
