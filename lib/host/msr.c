/* SPDX-License-Identifier: Apache-2.0 */
#include "host/msr.h"

#include "base/cleanup.h"
#include "base/number.h"
#include "host/energy.h"
#include "host/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>

#define UJ_PER_J       1e6
#define COUNTER_BITS   32 /* 31:0 of 64 count: Intel SDM vol. 3B, "RAPL Interfaces"; AMD PPR */
#define ENERGY_MODULUS (UINT64_C(1) << COUNTER_BITS)
#define SOCKETS_MAX    (ENERGY_COUNTERS_MAX / ZONE_COUNT)

static void device_path(char *ret, size_t size, int cpu)
{
    (void)snprintf(ret, size, "/dev/cpu/%d/msr", cpu);
}

/* "0xa0e03". Without 0x nobody knows whether it is hexadecimal, or even a number ("bad"). */
static int parse_register(const char *text, uint64_t *ret)
{
    bool is_marked = strncmp(text, "0x", 2) == 0 && isxdigit((unsigned char)text[2]) &&
                     text[3] != 'x' && text[3] != 'X';
    return is_marked && number_parse_u64(text + 2, 16, ret) == 0 ? 0 : -EBADMSG;
}

/* A dump's folder of registers. */
static int read_from_folder(const struct rootfs *fs, const char *folder, uint32_t reg,
                            uint64_t *ret)
{
    char path[160];
    char text[32];
    (void)snprintf(path, sizeof(path), "%s/0x%" PRIx32, folder, reg);
    ssize_t n = rootfs_read_text(fs, path, text, sizeof(text));
    if (n < 0)
        return n == -EFBIG ? -EBADMSG : (int)n;
    return parse_register(text, ret);
}

static int read_at(const struct rootfs *fs, const char *path, uint32_t reg, uint64_t *ret)
{
    AUTO_FD fd = rootfs_open_file(fs, path, O_RDONLY);
    if (fd < 0)
        return fd;
    uint64_t value = 0;
    ssize_t n = pread(fd, &value, sizeof(value), (off_t)reg);
    if (n < 0 && errno == EISDIR)
        return read_from_folder(fs, path, reg, ret);
    if (n < 0)
        return -errno;
    if ((size_t)n < sizeof(value))
        return -EBADMSG;
    *ret = value;
    return 0;
}

int msr_read(const struct rootfs *fs, int cpu, uint32_t reg, uint64_t *ret)
{
    char path[64];
    device_path(path, sizeof(path), cpu);
    return read_at(fs, path, reg, ret);
}

double msr_energy_unit_uj(uint64_t power_unit)
{
    return ldexp(UJ_PER_J, -(int)((power_unit >> 8) & 0x1f));
}

double msr_power_unit_watts(uint64_t power_unit)
{
    return ldexp(1.0, -(int)(power_unit & 0xf));
}

#define POWER_FIELD 0x7fffu /* a power: 15 bits */
#define PL2_ENABLED (1ULL << 47)

/* Model numbers of family 6: Linux arch/x86/include/asm/intel-family.h; which of them has which
   unit: rapl_ids[] of drivers/powercap/intel_rapl_common.c (as of Linux 6.16).
   rapl_defaults_spr_server had the DRAM unit too until it was found wrong there (msr.h). On
   Broadwell-D the kernel's two drivers differ (perf's rapl.c has the fixed unit there); powercap's
   is followed. */
static bool is_model_of(const struct cpu_facts *cpu, const int *models, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (cpu_is_intel(cpu) && cpu->family == 6 && cpu->model == models[i])
            return true;
    }
    return false;
}

double msr_dram_unit_uj(const struct cpu_facts *cpu, double unit_uj)
{
    static const int hsw_server[] = {
        63,  /* Haswell-X */
        79,  /* Broadwell-X */
        85,  /* Skylake-X, Cascade Lake-X, Cooper Lake-X */
        106, /* Ice Lake-X */
        108, /* Ice Lake-D */
        87,  /* Xeon Phi KNL */
        133, /* Xeon Phi KNM */
    };
    return is_model_of(cpu, hsw_server, ARRAY_LEN(hsw_server)) ? 15.3 : unit_uj;
}

double msr_psys_unit_uj(const struct cpu_facts *cpu, double unit_uj)
{
    static const int spr_server[] = {
        143, /* Sapphire Rapids-X */
        207, /* Emerald Rapids-X */
        173, /* Granite Rapids-X: its kernel drivers go by TPMI; turbostat.c, spr_features */
        174, /* Granite Rapids-D */
    };
    return is_model_of(cpu, spr_server, ARRAY_LEN(spr_server)) ? UJ_PER_J : unit_uj;
}

/* Silvermont and Airmont: the unit register means 2^ESU uJ, not 2^-ESU J, and powers are in
   milliwatts (rapl_check_unit_atom() of intel_rapl_common.c, and the models whose defaults have it:
   rapl_defaults_byt, _cht, _tng, _ann). */
static bool is_small_atom(const struct cpu_facts *cpu)
{
    static const int models[] = {
        55, /* Silvermont (Bay Trail) */
        74, /* Silvermont-MID */
        76, /* Airmont (Cherry Trail, Braswell) */
        90, /* Airmont-MID */
    };
    return is_model_of(cpu, models, ARRAY_LEN(models));
}

bool msr_is_sapphire_rapids(const struct cpu_facts *cpu)
{
    static const int model[] = { 143 };
    return is_model_of(cpu, model, ARRAY_LEN(model));
}

/* Register of the first socket, and what a unit of power is in it. */
static int read_power_register(const struct rootfs *fs, const struct cpu_facts *cpu, uint32_t reg,
                               uint64_t *ret, double *ret_unit_watts)
{
    uint64_t unit = 0;
    int first = cpu_first_of_socket(cpu, 0);
    if (!cpu_is_intel(cpu) || is_small_atom(cpu) || first < 0)
        return -ENODATA; /* AMD tells its limits through its firmware interface only */
    int code = msr_read(fs, first, MSR_INTEL_POWER_UNIT, &unit);
    if (code == 0)
        code = msr_read(fs, first, reg, ret);
    if (code == 0)
        *ret_unit_watts = msr_power_unit_watts(unit);
    return code;
}

int msr_read_tdp_watts(const struct rootfs *fs, const struct cpu_facts *cpu, double *ret)
{
    uint64_t info = 0;
    double unit_watts = 0;
    int code = read_power_register(fs, cpu, MSR_INTEL_PKG_INFO, &info, &unit_watts);
    if (code == 0 && (info & POWER_FIELD) == 0)
        code = -ENODATA;
    if (code < 0)
        return code;
    *ret = (double)(info & POWER_FIELD) * unit_watts;
    return 0;
}

int msr_read_limit_watts(const struct rootfs *fs, const struct cpu_facts *cpu, double *ret)
{
    uint64_t limit = 0;
    double unit_watts = 0;
    int code = read_power_register(fs, cpu, MSR_INTEL_PKG_LIMIT, &limit, &unit_watts);
    if (code == 0 && limit == 0)
        code = -ENODATA;
    if (code < 0)
        return code;
    uint64_t pl1 = limit & POWER_FIELD;
    uint64_t pl2 = (limit >> 32) & POWER_FIELD;
    bool is_held = (limit & PL2_ENABLED) != 0;
    *ret = is_held ? (double)(pl1 > pl2 ? pl1 : pl2) * unit_watts : HUGE_VAL;
    return 0;
}

/* -- energy driver -- */

struct zone_row {
    enum energy_zone zone;
    uint32_t reg;
    double (*unit_uj)(const struct cpu_facts *cpu, double unit_uj); /* NULL: as the unit register */
};

struct vendor_row {
    bool (*is_it)(const struct cpu_facts *cpu);
    uint32_t unit_reg;
    struct zone_row zones[ZONE_COUNT]; /* package first */
    size_t n;
};

/* AMD's core register counts one core, not a socket's cores: to sum it would take a read of every
   core each time, and the package contains it. It is left out. */
static const struct vendor_row vendors[] = {
    { cpu_is_intel,
      MSR_INTEL_POWER_UNIT,
      { { ZONE_PACKAGE, MSR_INTEL_PKG_ENERGY, NULL },
        { ZONE_DRAM, MSR_INTEL_DRAM_ENERGY, msr_dram_unit_uj },
        { ZONE_CORE, MSR_INTEL_PP0_ENERGY, NULL },
        { ZONE_UNCORE, MSR_INTEL_PP1_ENERGY, NULL },
        { ZONE_PSYS, MSR_INTEL_PSYS_ENERGY, msr_psys_unit_uj } },
      5 },
    { cpu_is_amd, MSR_AMD_POWER_UNIT, { { ZONE_PACKAGE, MSR_AMD_PKG_ENERGY, NULL } }, 1 },
};

struct socket_reading {
    int cpu;
    uint64_t unit, package;
};

static const struct vendor_row *vendor_of(const struct cpu_facts *cpu)
{
    for (size_t i = 0; i < ARRAY_LEN(vendors); i++) {
        if (vendors[i].is_it(cpu))
            return &vendors[i];
    }
    return NULL;
}

struct target {
    int cpu;
    uint32_t reg;
};

/* A module that is in the kernel brings no device into a container. */
static int explain_no_device(const struct rootfs *fs, const struct cpu_facts *cpu, const char *path,
                             struct err *err)
{
    struct kernel_facts kernel = { 0 };
    if (cpu->hypervisor) {
        return err_set(err, -ENOENT,
                       "there is no %s, and no module or mount brings its counters: this is a "
                       "virtual machine, and its hypervisor hides them; the physical host has them",
                       path);
    }
    kernel_read(fs, &kernel);
    enum module_state state = kernel_module_state(fs, &kernel, "msr", "CONFIG_X86_MSR");
    if (state == MODULE_LOADED || state == MODULE_BUILTIN) {
        return err_set(err, -ENOENT,
                       "there is no %s, though the module msr is in the kernel: a container needs "
                       "the host's /dev/cpu (or --host.devfs, where the host's /dev is mounted)",
                       path);
    }
    return err_set(err, -ENOENT, "there is no %s: load the module (modprobe msr)", path);
}

static int explain(const struct rootfs *fs, const struct cpu_facts *cpu, struct target t, int code,
                   struct err *err)
{
    char path[64];
    const char *vm = cpu->hypervisor ? "; this is a virtual machine, whose hypervisor as a rule "
                                       "hides the energy registers: the physical host has them"
                                     : "";
    device_path(path, sizeof(path), t.cpu);
    if (code == -EACCES || code == -EPERM) {
        return err_set(err, -EACCES,
                       "cannot read %s: %s; run as root, or grant CAP_SYS_RAWIO and read "
                       "permission on the device",
                       path, strerror(-code));
    }
    if (!rootfs_exists(fs, path))
        return explain_no_device(fs, cpu, path, err);
    return err_set(err, -ENODATA, "register 0x%" PRIx32 " of %s cannot be read: %s%s", t.reg, path,
                   strerror(-code), vm);
}

static int socket_of(const struct cpu_facts *cpu, int processor)
{
    for (unsigned i = 0; i < cpu->threads; i++) {
        if (cpu->thread[i].processor == processor)
            return cpu->thread[i].socket;
    }
    return 0;
}

/* By the first thread of the socket whose device is there: that of one that was taken offline goes
   (-ENOENT, or -ENXIO where the node is kept). The error is the first one's. */
static int read_unit(const struct rootfs *fs, const struct cpu_facts *cpu, uint32_t reg,
                     unsigned nth_socket, struct socket_reading *ret)
{
    int first = cpu_first_of_socket(cpu, nth_socket);
    int socket = socket_of(cpu, first);
    int code = msr_read(fs, first, reg, &ret->unit);
    ret->cpu = first;
    for (unsigned i = 0; (code == -ENOENT || code == -ENXIO) && i < cpu->threads; i++) {
        const struct cpu_thread *t = &cpu->thread[i];
        if (t->socket == socket && t->processor != first &&
            msr_read(fs, t->processor, reg, &ret->unit) == 0) {
            ret->cpu = t->processor;
            return 0;
        }
    }
    return code;
}

/* Unit and package of every socket; all must answer, or the sum would be too small. */
static int read_sockets(const struct rootfs *fs, const struct cpu_facts *cpu,
                        const struct vendor_row *v, struct socket_reading *ret, struct err *err)
{
    for (unsigned i = 0; i < cpu->sockets; i++) {
        struct socket_reading *s = &ret[i];
        int code = read_unit(fs, cpu, v->unit_reg, i, s);
        if (code < 0)
            return explain(fs, cpu, (struct target){ s->cpu, v->unit_reg }, code, err);
        code = msr_read(fs, s->cpu, v->zones[0].reg, &s->package);
        if (code < 0)
            return explain(fs, cpu, (struct target){ s->cpu, v->zones[0].reg }, code, err);
    }
    return 0;
}

/* 0 where sysfs does not say: one die. */
static uint64_t die_of(const struct rootfs *fs, int processor)
{
    char path[96];
    uint64_t die = 0;
    (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/die_id", processor);
    return rootfs_read_u64(fs, path, &die) == 0 ? die : 0;
}

static bool has_other_die(const struct rootfs *fs, const struct cpu_facts *cpu, int socket,
                          uint64_t die)
{
    for (unsigned i = 0; i < cpu->threads; i++) {
        const struct cpu_thread *t = &cpu->thread[i];
        if (t->socket == socket && die_of(fs, t->processor) != die)
            return true;
    }
    return false;
}

/* Intel's registers are a die's (Linux arch/x86/events/rapl.c: "die scope"; Platinum 92xx has two
   dies a socket): one CPU a socket would tell half. AMD's are a socket's. */
static int check_dies(const struct rootfs *fs, const struct cpu_facts *cpu, struct err *err)
{
    for (unsigned i = 0; cpu_is_intel(cpu) && i < cpu->sockets; i++) {
        int first = cpu_first_of_socket(cpu, i);
        int socket = socket_of(cpu, first);
        if (has_other_die(fs, cpu, socket, die_of(fs, first))) {
            return err_set(err, -ENODATA,
                           "socket %d has several dies with an energy register each, whose sum "
                           "powercap and perf take: load a driver (modprobe intel_rapl_msr)",
                           socket);
        }
    }
    return 0;
}

static bool all_zero(const struct socket_reading *sockets, unsigned n)
{
    uint64_t any = 0;
    for (unsigned i = 0; i < n; i++)
        any |= sockets[i].unit | (sockets[i].package & (ENERGY_MODULUS - 1));
    return any == 0;
}

static bool answers(const struct rootfs *fs, int cpu, const struct zone_row *row)
{
    uint64_t value = 0;
    return msr_read(fs, cpu, row->reg, &value) == 0 && (value & (ENERGY_MODULUS - 1)) != 0;
}

static void add_counter(struct energy_set *set, const struct cpu_facts *cpu,
                        const struct socket_reading *s, const struct zone_row *row)
{
    double unit_uj = is_small_atom(cpu) ? ldexp(1, (int)(s->unit >> 8 & 0x1f))
                                        : msr_energy_unit_uj(s->unit);
    struct energy_counter *c = &set->counter[set->n++];
    *c = (struct energy_counter){ .zone = row->zone,
                                  .socket = socket_of(cpu, s->cpu),
                                  .reg = row->reg,
                                  .modulus = ENERGY_MODULUS,
                                  .fd = -1,
                                  .uj_per_count = row->unit_uj ? row->unit_uj(cpu, unit_uj)
                                                               : unit_uj };
    device_path(c->path, sizeof(c->path), s->cpu);
    (void)snprintf(c->label, sizeof(c->label), "msr:0x%" PRIx32, row->reg);
}

/* A zone counts when each socket has it, so that no sum is too small. psys is told by the master
   packages alone, which need not be the first; the others read 0 (Linux commit f1e8d7560d30). */
static void add_zone(const struct rootfs *fs, const struct cpu_facts *cpu,
                     const struct socket_reading *sockets, const struct zone_row *row,
                     struct energy_set *set)
{
    bool has[SOCKETS_MAX] = { false };
    bool all = true;
    for (unsigned i = 0; i < cpu->sockets; i++) {
        has[i] = row->zone == ZONE_PACKAGE || answers(fs, sockets[i].cpu, row);
        all = all && has[i];
    }
    if (!all && row->zone != ZONE_PSYS)
        return;
    for (unsigned i = 0; i < cpu->sockets; i++) {
        if (has[i])
            add_counter(set, cpu, &sockets[i], row);
    }
}

static int msr_list(const struct rootfs *fs, const struct cpu_facts *cpu, struct energy_set *ret,
                    struct err *err)
{
    const struct vendor_row *v = vendor_of(cpu);
    if (!v) {
        return err_set(err, -ENOENT,
                       "a processor of vendor \"%s\" has no energy registers known here (Intel, "
                       "AMD and Hygon have)",
                       cpu->vendor);
    }
    if (cpu->sockets > SOCKETS_MAX) {
        return err_set(err, -ENODATA, "%u sockets are more than the %d whose registers are read",
                       cpu->sockets, SOCKETS_MAX);
    }
    struct socket_reading sockets[SOCKETS_MAX] = { 0 };
    int code = read_sockets(fs, cpu, v, sockets, err);
    if (code == 0)
        code = check_dies(fs, cpu, err);
    if (code < 0)
        return code;
    if (all_zero(sockets, cpu->sockets)) {
        return err_set(err, -ENODATA,
                       "energy register 0x%" PRIx32 " and unit register 0x%" PRIx32
                       " answer with 0, as virtual machines do: there is no counter behind them; "
                       "the physical host has one",
                       v->zones[0].reg, v->unit_reg);
    }
    struct energy_set set = { 0 };
    for (size_t i = 0; i < v->n; i++)
        add_zone(fs, cpu, sockets, &v->zones[i], &set);
    *ret = set;
    return 0;
}

static int msr_energy_read(const struct rootfs *fs, const struct energy_counter *counter,
                           uint64_t *ret)
{
    uint64_t value = 0;
    int code = read_at(fs, counter->path, counter->reg, &value);
    if (code < 0)
        return code;
    *ret = value & (ENERGY_MODULUS - 1);
    return 0;
}

const struct energy_driver energy_msr = { "msr", msr_list, msr_energy_read };
