/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's powercap class: Documentation/power/powercap/powercap.rst; zone names from
   drivers/powercap/intel_rapl_common.c (rapl_init_domains, rapl_add_package). */
#include "host/powercap.h"

#include "base/number.h"
#include "host/energy.h"
#include "host/msr.h"

#include <errno.h>
#include <limits.h>
#include <math.h>

#define ZONE_PREFIX      "intel-rapl:" /* AMD's too: the driver's name, not the vendor's */
#define FOLDER_SIZE      128
#define NAME_SIZE        64
#define DUPLICATE_PREFIX "intel-rapl-mmio:"

#define FIXED_DRAM_RANGE (15.3 * 4294967296.0) /* microjoules: 2^32 counts of 15.3 uJ */
#define RANGE_TOLERANCE  1e-4

enum entry_kind {
    ENTRY_OTHER,
    ENTRY_DANGLING,
    ENTRY_DUPLICATE,
    ENTRY_ZONE
};

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static ssize_t read_file(const struct rootfs *fs, const char *entry, const char *file, char *ret,
                         size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof(path), POWERCAP_CLASS "/%s/%s", entry, file);
    return rootfs_read_text(fs, path, ret, size);
}

static int read_number(const struct rootfs *fs, const char *folder, const char *file, uint64_t *ret)
{
    char path[FOLDER_SIZE + 32];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, file);
    int code = rootfs_read_u64(fs, path, ret);
    return code == -EPERM ? -EACCES : code;
}

static enum entry_kind kind_of(const struct rootfs *fs, const char *entry)
{
    char path[256];
    char name[NAME_SIZE];
    (void)snprintf(path, sizeof(path), POWERCAP_CLASS "/%s", entry);
    if (!rootfs_exists(fs, path))
        return ENTRY_DANGLING;
    if (begins_with(entry, DUPLICATE_PREFIX))
        return ENTRY_DUPLICATE;
    if (begins_with(entry, ZONE_PREFIX) && read_file(fs, entry, "name", name, sizeof(name)) > 0)
        return ENTRY_ZONE;
    return ENTRY_OTHER;
}

void powercap_survey(const struct rootfs *fs, struct powercap_survey *ret)
{
    *ret = (struct powercap_survey){ 0 };
    AUTO_NAMES names = { 0 };
    if (rootfs_list(fs, POWERCAP_CLASS, &names) < 0)
        return;
    ret->present = true;
    for (size_t i = 0; i < names.n; i++) {
        enum entry_kind kind = kind_of(fs, names.name[i]);
        ret->dangling += kind == ENTRY_DANGLING;
        ret->duplicates += kind == ENTRY_DUPLICATE;
        ret->zones += kind == ENTRY_ZONE;
        if (kind != ENTRY_ZONE)
            continue;
        char folder[FOLDER_SIZE];
        uint64_t energy = 0;
        (void)snprintf(folder, sizeof(folder), POWERCAP_CLASS "/%s", names.name[i]);
        ret->forbidden += read_number(fs, folder, "energy_uj", &energy) == -EACCES;
    }
}

/* "package-1" and "package-1-die-0" are socket 1, "psys" has none; false for a number no socket
 * has. */
static bool socket_of_name(const char *name, int *ret)
{
    char digits[12];
    uint64_t number = 0;
    const char *dash = strchr(name, '-');
    if (!dash)
        return true;
    (void)snprintf(digits, sizeof(digits), "%.*s", (int)strspn(dash + 1, "0123456789"), dash + 1);
    if (number_parse_u64(digits, 10, &number) < 0 || number > INT_MAX)
        return false;
    *ret = (int)number;
    return true;
}

/* ZONE_COUNT for a name that means nothing here. */
static enum energy_zone zone_of_name(const char *name, int *ret_socket)
{
    static const struct {
        const char *name;
        enum energy_zone zone;
    } rows[] = { { "dram", ZONE_DRAM }, { "core", ZONE_CORE }, { "uncore", ZONE_UNCORE } };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (strcmp(name, rows[i].name) == 0)
            return rows[i].zone;
    }
    enum energy_zone zone = begins_with(name, "package-") ? ZONE_PACKAGE
                            : begins_with(name, "psys")   ? ZONE_PSYS
                                                          : ZONE_COUNT;
    if (zone == ZONE_COUNT || socket_of_name(name, ret_socket))
        return zone;
    return ZONE_COUNT;
}

/* "intel-rapl:1:0" is inside "intel-rapl:1", whose name says the socket. */
static int socket_of_parent(const struct rootfs *fs, const char *entry)
{
    char parent[64];
    char name[NAME_SIZE];
    int socket = 0;
    const char *last = strrchr(entry, ':');
    (void)snprintf(parent, sizeof(parent), "%.*s", (int)(last - entry), entry);
    if (read_file(fs, parent, "name", name, sizeof(name)) > 0)
        (void)zone_of_name(name, &socket);
    return socket;
}

static bool is_subzone(const char *entry)
{
    return strchr(entry + strlen(ZONE_PREFIX), ':') != NULL;
}

/* AMD counts the energy of each core apart, and the kernel reads that of one core only a package
   (intel_rapl_msr.c, regs[RAPL_DOMAIN_PP0] on lead_cpu): not what a core zone means. */
static bool is_meaningless(const struct cpu_facts *cpu, enum energy_zone zone)
{
    return zone == ZONE_COUNT || (zone == ZONE_CORE && cpu_is_amd(cpu));
}

/* What the entry counts, where it is a zone that means something here; @name is the kernel's. */
static bool is_counter(const struct rootfs *fs, const struct cpu_facts *cpu, const char *entry,
                       struct energy_counter *ret, char name[static NAME_SIZE])
{
    struct energy_counter c = { .uj_per_count = 1, .fd = -1 };
    if (kind_of(fs, entry) != ENTRY_ZONE || read_file(fs, entry, "name", name, NAME_SIZE) < 0)
        return false;
    c.zone = zone_of_name(name, &c.socket);
    if (is_meaningless(cpu, c.zone))
        return false;
    if (is_subzone(entry))
        c.socket = socket_of_parent(fs, entry);
    (void)snprintf(c.path, sizeof(c.path), POWERCAP_CLASS "/%s", entry);
    (void)snprintf(c.label, sizeof(c.label), "%s", c.path);
    *ret = c;
    return true;
}

/* Whether it can be read, and where it begins again. */
static int read_range(const struct rootfs *fs, const char *name, struct energy_counter *c,
                      struct err *err)
{
    uint64_t energy = 0;
    uint64_t max = 0;
    int code = read_number(fs, c->path, "energy_uj", &energy);
    if (code == -EACCES) {
        return err_set(err, -EACCES,
                       "%s/energy_uj (%s) may be read by root only, since power shows secrets "
                       "(CVE-2020-8694); run as root or grant CAP_DAC_READ_SEARCH",
                       c->path, name);
    }
    if (code < 0) {
        return err_set(err, -ENODATA, "%s/energy_uj (%s) gives no number: %s", c->path, name,
                       strerror(-code));
    }
    code = read_number(fs, c->path, "max_energy_range_uj", &max);
    if (code < 0 || max == 0) {
        return err_set(err, -ENODATA,
                       "%s/max_energy_range_uj (%s) %s, so nobody knows where the counter begins "
                       "again; look for RAPL errors in dmesg",
                       c->path, name, code < 0 ? strerror(-code) : "is 0");
    }
    c->modulus = max == UINT64_MAX ? 0 : max + 1; /* it runs 0 .. max */
    return 0;
}

static unsigned package_sockets(const struct energy_set *set)
{
    unsigned sockets = 0;
    for (size_t i = 0; i < set->n; i++) {
        bool seen = set->counter[i].zone != ZONE_PACKAGE;
        for (size_t k = 0; k < i && !seen; k++) {
            seen = set->counter[k].zone == ZONE_PACKAGE &&
                   set->counter[k].socket == set->counter[i].socket;
        }
        sockets += !seen;
    }
    return sockets;
}

/* Why no package was found, most telling first. */
static int explain_nothing(const struct rootfs *fs, const struct cpu_facts *cpu, struct err *err)
{
    struct powercap_survey survey;
    powercap_survey(fs, &survey);
    if (survey.zones > 0) {
        return err_set(err, -ENODATA,
                       POWERCAP_CLASS " has %zu intel-rapl zones, but none is a package",
                       survey.zones);
    }
    if (survey.dangling > 0) {
        return err_set(err, -ENOENT,
                       POWERCAP_CLASS " holds %zu links that lead nowhere: mount all of /sys, not "
                                      "the class alone (--host.sysfs)",
                       survey.dangling);
    }
    if (cpu->hypervisor) {
        return err_set(err, -ENOENT,
                       POWERCAP_CLASS " has no intel-rapl zone: this is a virtual machine, and its "
                                      "hypervisor hides the energy counters; no module or mount "
                                      "brings them, the physical host does");
    }
    return err_set(err, -ENOENT,
                   POWERCAP_CLASS " has no intel-rapl zone: load the driver (modprobe "
                                  "intel_rapl_msr; on Ubuntu's aws kernels up to 6.17 it is in "
                                  "linux-modules-extra of the running kernel)");
}

/* A socket that is left out would make the sum too small without a sign: better no sum. */
static int check_whole(const struct rootfs *fs, const struct cpu_facts *cpu,
                       const struct energy_set *set, struct err *err)
{
    unsigned sockets = package_sockets(set);
    if (sockets == 0)
        return explain_nothing(fs, cpu, err);
    if (sockets < cpu->sockets) {
        return err_set(err, -ENODATA,
                       POWERCAP_CLASS " shows the package of %u of %u sockets: the sum would be "
                                      "too small; look for RAPL errors in dmesg",
                       sockets, cpu->sockets);
    }
    return 0;
}

/* AMD counts a socket, whatever its dies; Linux 6.9 to 6.11 shows that one counter once a die
   ("package-0-die-3", mended by commit 26096aed255f). Intel counts each die. */
static bool is_told_again(const struct cpu_facts *cpu, const struct energy_set *set,
                          const struct energy_counter *c)
{
    for (size_t i = 0; cpu_is_amd(cpu) && i < set->n; i++) {
        if (set->counter[i].zone == c->zone && set->counter[i].socket == c->socket)
            return true;
    }
    return false;
}

/* A zone that one package cannot tell, or does not have, would be too small a sum: it is left out
   whole. psys is told by the master package alone. */
static void drop_partial(struct energy_set *set, const bool fails[ZONE_COUNT])
{
    size_t counters[ZONE_COUNT] = { 0 };
    size_t kept = 0;
    for (size_t i = 0; i < set->n; i++)
        counters[set->counter[i].zone]++;
    for (size_t i = 0; i < set->n; i++) {
        enum energy_zone zone = set->counter[i].zone;
        bool is_whole = zone == ZONE_PSYS || counters[zone] == counters[ZONE_PACKAGE];
        if (is_whole && !fails[zone])
            set->counter[kept++] = set->counter[i];
    }
    set->n = kept;
}

/* The kernel's unit wrong (msr.h), the range says so: 2^32 counts of it. The counts stay as the
   kernel tells them, and each is worth what makes the range that of the package. */
static void mend_dram_unit(const struct cpu_facts *cpu, struct energy_set *set)
{
    double package = 0;
    for (size_t i = 0; i < set->n && package <= 0; i++) {
        if (set->counter[i].zone == ZONE_PACKAGE)
            package = (double)set->counter[i].modulus;
    }
    for (size_t i = 0; i < set->n && msr_is_sapphire_rapids(cpu); i++) {
        struct energy_counter *c = &set->counter[i];
        double off = (double)c->modulus / FIXED_DRAM_RANGE - 1;
        if (c->zone == ZONE_DRAM && fabs(off) < RANGE_TOLERANCE && package > 0)
            c->uj_per_count = package / (double)c->modulus;
    }
}

static int collect(const struct rootfs *fs, const struct cpu_facts *cpu,
                   const struct rootfs_names *names, struct energy_set *set, struct err *err)
{
    bool fails[ZONE_COUNT] = { false };
    for (size_t i = 0; i < names->n; i++) {
        struct energy_counter c;
        char name[NAME_SIZE];
        if (!is_counter(fs, cpu, names->name[i], &c, name))
            continue;
        int code = read_range(fs, name, &c, err);
        if (code < 0 && c.zone == ZONE_PACKAGE)
            return code;
        if (code < 0)
            fails[c.zone] = true;
        if (code < 0 || is_told_again(cpu, set, &c))
            continue;
        if (set->n == ENERGY_COUNTERS_MAX) {
            return err_set(err, -ENODATA, POWERCAP_CLASS " has more than %d energy zones",
                           ENERGY_COUNTERS_MAX);
        }
        set->counter[set->n++] = c;
    }
    drop_partial(set, fails);
    mend_dram_unit(cpu, set);
    return 0;
}

static int powercap_list(const struct rootfs *fs, const struct cpu_facts *cpu,
                         struct energy_set *ret, struct err *err)
{
    AUTO_NAMES names = { 0 };
    int code = rootfs_list(fs, POWERCAP_CLASS, &names);
    if (code == -ENOENT && cpu->hypervisor) {
        return err_set(err, code,
                       "there is no " POWERCAP_CLASS ": this is a virtual machine, and its "
                       "hypervisor hides the energy counters; no module or mount brings them, the "
                       "physical host does");
    }
    if (code < 0) {
        return err_set(err, code == -EPERM ? -EACCES : code,
                       "cannot list " POWERCAP_CLASS ": %s; is sysfs mounted (--host.sysfs), and "
                       "the kernel built with CONFIG_POWERCAP?",
                       strerror(-code));
    }
    struct energy_set set = { 0 };
    code = collect(fs, cpu, &names, &set, err);
    if (code == 0)
        code = check_whole(fs, cpu, &set, err);
    if (code < 0)
        return code;
    *ret = set;
    return 0;
}

static int powercap_read(const struct rootfs *fs, const struct energy_counter *counter,
                         uint64_t *ret)
{
    uint64_t value = 0;
    int code = read_number(fs, counter->path, "energy_uj", &value);
    if (code < 0)
        return code;
    if (counter->modulus > 0 && value >= counter->modulus)
        return -EBADMSG;
    *ret = value;
    return 0;
}

/* -- limits -- */

#define CONSTRAINTS_MAX 8 /* long_term, short_term, peak_power: three so far */

/* The entry's file of the constraint of that name, in watts; -1: there is none. */
static double constraint_watts(const struct rootfs *fs, const char *entry, const char *name,
                               const char *file)
{
    for (int i = 0; i < CONSTRAINTS_MAX; i++) {
        char path[64];
        char text[NAME_SIZE];
        uint64_t uw = 0;
        (void)snprintf(path, sizeof(path), "constraint_%d_name", i);
        if (read_file(fs, entry, path, text, sizeof(text)) <= 0)
            return -1;
        if (strcmp(text, name) != 0)
            continue;
        (void)snprintf(path, sizeof(path), "constraint_%d_%s", i, file);
        if (read_file(fs, entry, path, text, sizeof(text)) <= 0 ||
            number_parse_u64(text, 10, &uw) < 0)
            return -1;
        return (double)uw / 1e6;
    }
    return -1;
}

void powercap_read_limits(const struct rootfs *fs, struct powercap_limits *ret)
{
    AUTO_NAMES names = { 0 };
    *ret = (struct powercap_limits){ 0 };
    if (rootfs_list(fs, POWERCAP_CLASS, &names) < 0)
        return;
    for (size_t i = 0; i < names.n; i++) {
        const char *entry = names.name[i];
        char name[NAME_SIZE];
        if (!begins_with(entry, ZONE_PREFIX) || is_subzone(entry) ||
            read_file(fs, entry, "name", name, sizeof(name)) <= 0 || !begins_with(name, "package-"))
            continue;
        double short_watts = constraint_watts(fs, entry, "short_term", "power_limit_uw");
        ret->long_max_watts = fmax(constraint_watts(fs, entry, "long_term", "max_power_uw"), 0);
        ret->long_watts = fmax(constraint_watts(fs, entry, "long_term", "power_limit_uw"), 0);
        ret->short_watts = short_watts == 0 ? HUGE_VAL : fmax(short_watts, 0);
        return;
    }
}

const struct energy_driver energy_powercap = { "powercap", powercap_list, powercap_read };
