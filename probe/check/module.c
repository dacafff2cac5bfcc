/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel modules that bring energy counters: which of them this machine has, and which it misses.
 */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "check/check.h"

#include <errno.h>

/* Processors whose RAPL domains the kernel reads through TPMI, not through registers: Linux
   drivers/platform/x86/intel/tpmi_power_domains.c (tpmi_cpu_ids); numbers from
   arch/x86/include/asm/intel-family.h. */
static bool is_tpmi(const struct cpu_facts *cpu)
{
    static const int models[] = {
        173, /* Granite Rapids-X */
        174, /* Granite Rapids-D */
        175, /* Sierra Forest (Crestmont-X) */
        182, /* Grand Ridge (Crestmont) */
        221, /* Clearwater Forest (Darkmont-X) */
    };
    for (size_t i = 0; i < ARRAY_LEN(models); i++) {
        if (cpu_is_intel(cpu) && cpu->family == 6 && cpu->model == models[i])
            return true;
    }
    return false;
}

const char *module_of_powercap(const struct probe *p)
{
    return is_tpmi(&p->cpu) ? "intel_rapl_tpmi" : "intel_rapl_msr";
}

const char *module_that_mends(const struct probe *p)
{
    for (size_t i = 0; i < p->fixes; i++) {
        const char *module = p->fix[i].module;
        if (p->fix[i].package[0] == '\0' && strcmp(module, module_of_powercap(p)) == 0)
            return module_of_powercap(p);
    }
    return NULL;
}

bool module_has_acpi_meter(const struct rootfs *fs)
{
    AUTO_NAMES names = { 0 };
    if (rootfs_list(fs, "/sys/bus/acpi/devices", &names) < 0)
        return false;
    for (size_t i = 0; i < names.n; i++) {
        if (strncmp(names.name[i], MODULE_ACPI_METER ":", strlen(MODULE_ACPI_METER) + 1) == 0)
            return true;
    }
    return false;
}

static const char *needless_msr(const struct probe *p)
{
    if (energy_is_spare(p, "msr"))
        return "not needed, a better source measures";
    return module_that_mends(p) ? "not needed once powercap's module is loaded" : NULL;
}

static const char *needless_rapl_msr(const struct probe *p)
{
    return is_tpmi(&p->cpu) ? "this processor takes intel_rapl_tpmi instead" : NULL;
}

static const char *needless_rapl_tpmi(const struct probe *p)
{
    return is_tpmi(&p->cpu) ? NULL : "for Intel's processors from Granite Rapids on";
}

/* perf counts what msr and powercap count. */
static const char *needless_rapl(const struct probe *p)
{
    if (energy_best(p))
        return "not needed, another source measures the same";
    return module_that_mends(p) ? "not needed once powercap's module is loaded" : NULL;
}

static const char *needless_acpi(const struct probe *p)
{
    return module_has_acpi_meter(&p->fs) ? NULL : "this machine has no such meter";
}

const struct module_row module_rows[] = {
    { "msr", "CONFIG_X86_MSR", "energy registers at /dev/cpu/N/msr", NULL, true, true,
      needless_msr },
    { "intel_rapl_common", "CONFIG_INTEL_RAPL_CORE", "powercap zones", "intel_rapl_msr", true,
      false, needless_rapl_msr },
    { "intel_rapl_msr", "CONFIG_INTEL_RAPL", "powercap zones", NULL, true, false,
      needless_rapl_msr },
    { "intel_rapl_tpmi", "CONFIG_INTEL_RAPL_TPMI", "powercap zones", NULL, true, false,
      needless_rapl_tpmi },
    { "rapl", "CONFIG_PERF_EVENTS_INTEL_RAPL", "energy counters of perf (power/energy-*)", NULL,
      true, false, needless_rapl },
    { "acpi_power_meter", "CONFIG_SENSORS_ACPI_POWER", "watts of the whole machine (psys)", NULL,
      false, false, needless_acpi },
};
const size_t module_rows_count = ARRAY_LEN(module_rows);

const struct module_row *module_find(const char *name)
{
    for (size_t i = 0; i < module_rows_count; i++) {
        if (strcmp(module_rows[i].name, name) == 0)
            return &module_rows[i];
    }
    return NULL;
}

/* Why it does not matter that the module is not there; NULL if it does. */
static const char *needless(const struct probe *p, const struct module_row *row)
{
    if (p->is_vm)
        return "of no use in a virtual machine";
    if (row->is_rapl && !probe_has_rapl(p))
        return "of no use on this processor";
    return row->needless(p);
}

/* Where systemd looks for modules to load at boot: modules-load.d(5), and where /usr is not merged.
 */
static const char *const load_dirs[] = { "/etc/modules-load.d", "/run/modules-load.d",
                                         "/usr/local/lib/modules-load.d", "/usr/lib/modules-load.d",
                                         "/lib/modules-load.d" };

#define LOAD_FILE_LIMIT ((size_t)64 << 10) /* a usual one has a line */

bool module_is_in_list(const char *text, const char *module)
{
    size_t n = strlen(module);
    for (const char *line = text; *line;) {
        line += strspn(line, " \t\r\n");
        size_t len = strcspn(line, " \t\r\n");
        if (len == n && memcmp(line, module, n) == 0)
            return true;
        line += strcspn(line, "\n");
    }
    return false;
}

static bool is_in_file(const struct rootfs *fs, const char *path, const char *module)
{
    AUTO_BUF text;
    buf_init(&text, LOAD_FILE_LIMIT);
    return rootfs_read_all(fs, path, &text) == 0 && module_is_in_list(buf_text(&text), module);
}

/* A file of that name in a folder before hides it, also as a link to /dev/null. */
static bool is_hidden(const struct rootfs *fs, size_t dir, const char *name)
{
    for (size_t i = 0; i < dir; i++) {
        char target[8];
        AUTO_STR path = mem_printf("%s/%s", load_dirs[i], name);
        if (rootfs_readlink(fs, path, target, sizeof(target)) != -ENOENT)
            return true;
    }
    return false;
}

/* *@any: there is such a folder. */
static bool is_in_folder(const struct rootfs *fs, size_t dir, const char *module, bool *any)
{
    AUTO_NAMES names = { 0 };
    if (rootfs_list(fs, load_dirs[dir], &names) < 0)
        return false;
    *any = true;
    for (size_t i = 0; i < names.n; i++) {
        const char *end = strrchr(names.name[i], '.');
        AUTO_STR path = mem_printf("%s/%s", load_dirs[dir], names.name[i]);
        if (end && strcmp(end, ".conf") == 0 && is_in_file(fs, path, module) &&
            !is_hidden(fs, dir, names.name[i]))
            return true;
    }
    return false;
}

enum module_kept module_kept_at_boot(const struct rootfs *fs, const char *module)
{
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(load_dirs); i++) {
        if (is_in_folder(fs, i, module, &any))
            return MODULE_KEPT;
    }
    if (is_in_file(fs, "/etc/modules", module)) /* Debian's, to which a folder's link leads */
        return MODULE_KEPT;
    return any ? MODULE_NOT_KEPT : MODULE_KEPT_UNKNOWN;
}

/* Loaded, and what the machine measures by, but by hand: gone at the next boot. */
static bool is_for_now(const struct probe *p, const struct module_row *row)
{
    const char *best = energy_best(p);
    return row->is_by_hand && best && strcmp(best, row->name) == 0 && !p->is_vm &&
           module_kept_at_boot(&p->fs, row->name) == MODULE_NOT_KEPT;
}

static void check_present(struct probe *p, struct finding *f, const struct module_row *row,
                          enum module_state state)
{
    if (state == MODULE_BUILTIN || !is_for_now(p, row)) {
        findings_text(&f->detail, "%s", state == MODULE_LOADED ? "loaded" : "built in");
        return;
    }
    f->status = FINDING_WARN;
    findings_text(&f->detail, "loaded, but not at the next boot");
    findings_text(&f->impact, "%s are missing after a reboot", row->purpose);
    remedy_keep(p, f, row->name);
}

void check_module(struct probe *p, struct finding *f)
{
    const struct module_row *row = module_find(check_last_part(f->id));
    if (p->kernel.release[0] == '\0') {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "cannot be told without /proc");
        return;
    }
    enum module_state state = kernel_module_state(&p->fs, &p->kernel, row->name, row->option);
    json_put_text(f->evidence, "state", module_state_name(state));
    if (state == MODULE_LOADED || state == MODULE_BUILTIN) {
        check_present(p, f, row, state);
        return;
    }
    const char *what = state == MODULE_ABSENT ? "absent" : "available, not loaded";
    const char *why = needless(p, row);
    if (why) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "%s (%s)", what, why);
        return;
    }
    f->status = FINDING_WARN;
    findings_text(&f->detail, "%s%s%s", what, row->comes_with ? "; comes with " : "",
                  row->comes_with ? row->comes_with : "");
    findings_text(&f->impact, "%s are missing", row->purpose);
    remedy_module(p, f, row->comes_with ? row->comes_with : row->name);
}
