/* SPDX-License-Identifier: Apache-2.0 */
/* Energy sensors in a dump: their files, and both readings of each (docs/probe.md). */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "host/hwmon.h"
#include "host/msr.h"
#include "host/powercap.h"
#include "record_part.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#define LATER        "/.probe/later"
#define PERF         "/.probe/perf"
#define POWER_PMU    "/sys/bus/event_source/devices/power"
#define ACPI_DEVICES "/sys/bus/acpi/devices"

/* -- entries of a class: links to folders below /sys/devices -- */

static void copy_entry_files(struct recorder *r, const char *entry, const char *folder,
                             bool (*is_kept)(const char *file))
{
    AUTO_NAMES names = { 0 };
    if (rootfs_list(&r->p->fs, entry, &names) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        if (!is_kept(names.name[i]))
            continue;
        AUTO_STR from = mem_printf("%s/%s", entry, names.name[i]);
        AUTO_STR to = mem_printf("%s/%s", folder, names.name[i]);
        char text[256];
        if (rootfs_read_text(&r->p->fs, from, text, sizeof(text)) >= 0)
            recorder_text(r, to, "%s\n", text);
    }
}

/* The entry's files go where its link leads, as in sysfs; but the folder and the chip of a power
   supply are named by it, and a wireless device's battery is by its address or serial number
   ("hid-aa:bb:cc:dd:ee:ff-battery", drivers/hid/hid-input.c). */
static void record_entry(struct recorder *r, const char *entry, bool (*is_kept)(const char *file))
{
    char target[512];
    bool is_link = rootfs_readlink(&r->p->fs, entry, target, sizeof(target)) == 0;
    const bool is_supply = is_link && strstr(target, "/power_supply/");
    const bool is_below_sys = is_link && !is_supply && strncmp(target, "../../", 6) == 0;
    AUTO_STR folder = is_below_sys ? mem_printf("/sys/%s", target + 6) : mem_strdup(entry);

    copy_entry_files(r, entry, folder, is_kept);
    AUTO_STR name = mem_printf("%s/name", folder);
    if (is_supply)
        recorder_text(r, name, "battery\n");
    if (!is_below_sys || r->code < 0)
        return;
    AUTO_STR full = mem_printf("%s%s", r->dir, entry);
    recorder_parents(r, full);
    if (r->code == 0 && symlink(target, full) < 0)
        recorder_fail(r, "make the link", full, -errno);
}

/* The class's folder is made also if it is empty. */
static void record_class(struct recorder *r, const char *class_path, const char *prefix,
                         bool (*is_kept)(const char *file))
{
    AUTO_NAMES names = { 0 };
    if (rootfs_list(&r->p->fs, class_path, &names) < 0)
        return;
    AUTO_STR inside = mem_printf("%s%s/", r->dir, class_path);
    recorder_parents(r, inside);
    for (size_t i = 0; i < names.n; i++) {
        AUTO_STR entry = mem_printf("%s/%s", class_path, names.name[i]);
        if (strncmp(names.name[i], prefix, strlen(prefix)) == 0)
            record_entry(r, entry, is_kept);
    }
}

static bool is_zone_file(const char *file)
{
    static const char *const files[] = { "name", "energy_uj", "max_energy_range_uj" };
    static const char *const of_limits[] = { "_name", "_max_power_uw", "_power_limit_uw" };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        if (strcmp(file, files[i]) == 0)
            return true;
    }
    size_t n = strlen("constraint_");
    size_t digits = strncmp(file, "constraint_", n) == 0 ? strspn(file + n, "0123456789") : 0;
    for (size_t i = 0; digits > 0 && i < ARRAY_LEN(of_limits); i++) {
        if (strcmp(file + n + digits, of_limits[i]) == 0)
            return true;
    }
    return false;
}

/* "power1_input": what a sensor says, its name, whether it is on. Not power1_serial_number, nor
   what was set on this machine (limits, alarms). */
static bool is_sensor_file(const char *file)
{
    static const char *const kinds[] = { "power", "energy", "curr", "in" };
    static const char *const suffixes[] = { "_input", "_average", "_label", "_enable",
                                            "_oem_info" };
    if (strcmp(file, "name") == 0 || strcmp(file, "label") == 0)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t n = strlen(kinds[i]);
        size_t digits = strncmp(file, kinds[i], n) == 0 ? strspn(file + n, "0123456789") : 0;
        for (size_t k = 0; digits > 0 && k < ARRAY_LEN(suffixes); k++) {
            if (strcmp(file + n + digits, suffixes[k]) == 0)
                return true;
        }
    }
    return false;
}

/* -- sensors -- */

static void record_pmu(struct recorder *r)
{
    static const char *const files[] = { POWER_PMU "/type", POWER_PMU "/cpumask" };
    AUTO_NAMES names = { 0 };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        recorder_copy(r, files[i]);
    if (rootfs_list(&r->p->fs, POWER_PMU "/events", &names) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        AUTO_STR path = mem_printf(POWER_PMU "/events/%s", names.name[i]);
        recorder_copy(r, path);
    }
}

static void record_acpi_meters(struct recorder *r)
{
    AUTO_NAMES names = { 0 };
    if (rootfs_list(&r->p->fs, ACPI_DEVICES, &names) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        AUTO_STR hid = mem_printf(ACPI_DEVICES "/%s/hid", names.name[i]);
        if (strncmp(names.name[i], MODULE_ACPI_METER ":", strlen(MODULE_ACPI_METER) + 1) == 0)
            recorder_text(r, hid, MODULE_ACPI_METER "\n");
    }
}

static void put_register(struct recorder *r, const char *above, const struct energy_counter *c,
                         uint64_t value)
{
    AUTO_STR path = mem_printf("%s%s/0x%" PRIx32, above, c->path, c->reg);
    recorder_text(r, path, "0x%" PRIx64 "\n", value);
}

/* Every energy register that answers, of the first thread of each socket. */
static void record_registers(struct recorder *r)
{
    static const uint32_t registers[] = {
        MSR_INTEL_POWER_UNIT,  MSR_INTEL_PKG_ENERGY, MSR_INTEL_PKG_INFO,   MSR_INTEL_PKG_LIMIT,
        MSR_INTEL_DRAM_ENERGY, MSR_INTEL_PP0_ENERGY, MSR_INTEL_PP1_ENERGY, MSR_INTEL_PSYS_ENERGY,
        MSR_AMD_POWER_UNIT,    MSR_AMD_PKG_ENERGY,
    };
    for (unsigned s = 0; s < r->p->cpu.sockets; s++) {
        int cpu = cpu_first_of_socket(&r->p->cpu, s);
        for (size_t i = 0; cpu >= 0 && i < ARRAY_LEN(registers); i++) {
            struct energy_counter c = { .reg = registers[i] };
            uint64_t value = 0;
            (void)snprintf(c.path, sizeof(c.path), "/dev/cpu/%d/msr", cpu);
            if (msr_read(&r->p->fs, cpu, c.reg, &value) == 0)
                put_register(r, "", &c, value);
        }
    }
}

void record_sensors(struct recorder *r)
{
    record_class(r, POWERCAP_CLASS, "intel-rapl", is_zone_file);
    record_class(r, HWMON_CLASS, "hwmon", is_sensor_file);
    record_pmu(r);
    record_acpi_meters(r);
    record_registers(r);
}

/* -- readings -- */

static void put_zone(struct recorder *r, const char *above, const struct energy_counter *c,
                     uint64_t value)
{
    AUTO_STR path = mem_printf("%s%s/energy_uj", above, c->path);
    recorder_text(r, path, "%" PRIu64 "\n", value);
}

/* Its path ends in the CPU it was opened on ("perf energy-pkg on CPU 24", in a dump
   "/.probe/perf/energy-pkg.24"), its label is "perf:EVENT". */
static void put_event(struct recorder *r, const char *above, const struct energy_counter *c,
                      uint64_t value)
{
    const char *event = strchr(c->label, ':');
    size_t n = strlen(c->path);
    while (n > 0 && c->path[n - 1] >= '0' && c->path[n - 1] <= '9')
        n--;
    const char *cpu = c->path + n;
    if (!event || *cpu == '\0')
        return;
    AUTO_STR path = mem_printf("%s" PERF "/%s.%s", above, event + 1, cpu);
    recorder_text(r, path, "%" PRIu64 "\n", value);
}

/* What a sensor makes of volts and amperes has no file of its own: a dump has those as they were
   recorded. */
static void put_sensor(struct recorder *r, const char *above, const struct energy_counter *c,
                       uint64_t value)
{
    const char *file = strrchr(c->path, '/');
    bool is_told = file && (strncmp(file, "/power", 6) == 0 || strncmp(file, "/energy", 7) == 0);
    AUTO_STR path = mem_printf("%s%s", above, c->path);
    if (is_told)
        recorder_text(r, path, "%" PRIu64 "\n", value);
}

static const struct {
    const struct energy_driver *driver;
    void (*put)(struct recorder *r, const char *above, const struct energy_counter *c,
                uint64_t value);
} puts_of[] = {
    { &energy_powercap, put_zone },
    { &energy_perf, put_event },
    { &energy_msr, put_register },
    { &energy_hwmon, put_sensor },
};

static void put_pairs(struct recorder *r, const struct energy_trial *t, size_t row)
{
    for (size_t i = 0; i < t->set.n; i++) {
        if (t->pair[i].first_code < 0 || t->pair[i].second_code < 0)
            continue;
        puts_of[row].put(r, "", &t->set.counter[i], t->pair[i].first);
        puts_of[row].put(r, LATER, &t->set.counter[i], t->pair[i].second);
    }
}

/* All trials have about the same time between their readings; the dump has one. */
void record_readings(struct recorder *r)
{
    uint64_t elapsed_ns = 0;
    for (size_t d = 0; d < r->p->trials; d++) {
        const struct energy_trial *t = &r->p->trial[d];
        for (size_t row = 0; row < ARRAY_LEN(puts_of); row++) {
            if (puts_of[row].driver == t->driver)
                put_pairs(r, t, row);
        }
        if (t->set.n > 0)
            elapsed_ns = t->elapsed_ns;
    }
    if (elapsed_ns > 0)
        recorder_text(r, LATER "/elapsed_ns", "%" PRIu64 "\n", elapsed_ns);
}
