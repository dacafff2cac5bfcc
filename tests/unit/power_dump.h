/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with energy counters in a folder of its own, whose files a test moves on: two sockets
   of c5.metal's processor with powercap zones, MSRs, or both. */
#ifndef TESTS_POWER_DUMP_H
#define TESTS_POWER_DUMP_H

#include "base/clock.h"
#include "power/source.h"

#include <errno.h>
#include <ftw.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#define XEON_8275CL "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz"

struct dump {
    char dir[64];
    struct rootfs fs;
    struct power_machine machine;
};

static inline void assert_near(double got, double want, double tolerance, const char *why)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.12g, want %.12g", why, got, want);
}

static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static inline char *dump_path(const struct dump *d, const char *path)
{
    static char whole[300];
    (void)snprintf(whole, sizeof(whole), "%s%s", d->dir, path);
    return whole;
}

/* Writes @text to the machine's @path, making the folders above it. */
__attribute__((format(printf, 3, 4))) static inline void dump_write(const struct dump *d,
                                                                    const char *path,
                                                                    const char *format, ...)
{
    char *whole = dump_path(d, path);
    for (char *slash = strchr(whole + strlen(d->dir) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(whole, 0755) < 0)
            assert_int_equal(errno, EEXIST);
        *slash = '/';
    }
    FILE *f = fopen(whole, "we");
    assert_non_null(f);
    va_list args;
    va_start(args, format);
    assert_true(vfprintf(f, format, args) >= 0);
    va_end(args);
    assert_int_equal(fclose(f), 0);
}

static inline void dump_remove(const struct dump *d, const char *path)
{
    assert_int_equal(remove(dump_path(d, path)), 0);
}

static inline int dump_remove_entry(const char *path, const struct stat *st, int kind,
                                    struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static inline void dump_done(struct dump *d)
{
    power_machine_done(&d->machine);
    rootfs_close(&d->fs);
    assert_int_equal(nftw(d->dir, dump_remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* One thread a socket is enough: nothing here is per thread. */
static inline void dump_cpuinfo(const struct dump *d, int sockets, const char *model_name,
                                const char *flags)
{
    char text[2000] = "";
    for (int i = 0; i < sockets; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len,
                       "processor\t: %d\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n"
                       "model\t\t: 85\nmodel name\t: %s\nstepping\t: 7\nphysical id\t: %d\n"
                       "siblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\nflags\t\t: fpu %s\n\n",
                       i, model_name, i, flags);
    }
    dump_write(d, "/proc/cpuinfo", "%s", text);
}

/* A two-socket c5.metal with 192 GB and no counter. */
static inline void dump_make(struct dump *d)
{
    *d = (struct dump){ .dir = "/tmp/kepler-power-XXXXXX", .fs = ROOTFS_NONE };
    assert_non_null(mkdtemp(d->dir));
    dump_cpuinfo(d, 2, XEON_8275CL, "");
    dump_write(d, "/proc/meminfo", "MemTotal:       187500000 kB\n");
    dump_write(d, "/proc/sys/kernel/osrelease", "6.8.0-1021-aws\n");
    assert_int_equal(rootfs_open(&d->fs, &(struct rootfs_paths){ .root = d->dir }, NULL), 0);
}

static inline void dump_read_machine(struct dump *d)
{
    struct err err = { 0 };
    if (power_machine_read(&d->fs, 0, &d->machine, &err) < 0)
        fail_msg("%s", err.text);
}

/* @entry as in /sys/class/powercap: "intel-rapl:0", "intel-rapl:0:0". */
static inline void dump_zone(const struct dump *d, const char *entry, const char *name,
                             uint64_t max_uj)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/sys/class/powercap/%s/name", entry);
    dump_write(d, path, "%s\n", name);
    (void)snprintf(path, sizeof(path), "/sys/class/powercap/%s/max_energy_range_uj", entry);
    dump_write(d, path, "%llu\n", (unsigned long long)max_uj);
}

static inline void dump_energy(const struct dump *d, const char *entry, uint64_t uj)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/sys/class/powercap/%s/energy_uj", entry);
    dump_write(d, path, "%llu\n", (unsigned long long)uj);
}

static inline void dump_msr(const struct dump *d, int cpu, uint32_t reg, uint64_t value)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/dev/cpu/%d/msr/0x%x", cpu, (unsigned)reg);
    dump_write(d, path, "0x%llx\n", (unsigned long long)value);
}

static inline struct power_now at_second(double second, double usage_ratio)
{
    return (struct power_now){ .taken_ns = (uint64_t)((1000 + second) * (double)NS_PER_SEC),
                               .usage_ratio = usage_ratio };
}

#endif
