/* SPDX-License-Identifier: Apache-2.0 */
/* Remedies are exact: the command for this kernel on this system, or why there is none. */
#include "base/cleanup.h"
#include "check/check.h"

#define COMMAND_LIMIT 1024 /* bytes of a remedy's command */

static void add_fix(struct probe *p, const char *module, const char *package,
                    const struct installer *installer)
{
    char id[48];
    (void)snprintf(id, sizeof(id), "module.%s", module);
    if (probe_is_ignored(p, id))
        return;
    for (size_t i = 0; i < p->fixes; i++) {
        if (strcmp(p->fix[i].module, module) == 0)
            return;
    }
    if (p->fixes == PROBE_FIXES_MAX)
        return;
    struct probe_fix *fix = &p->fix[p->fixes++];
    (void)snprintf(fix->module, sizeof(fix->module), "%s", module);
    (void)snprintf(fix->package, sizeof(fix->package), "%s", package);
    fix->installer = installer;
}

static void say_modprobe(struct probe *p, struct finding *f, const char *module)
{
    findings_text(&f->remedy_command, "sudo modprobe %s", module);
    findings_text(&f->remedy_note,
                  "lasts until the next boot; to keep it: echo %s | sudo tee -a "
                  "/etc/modules-load.d/kepler.conf (kepler-probe --fix does both)",
                  module);
    add_fix(p, module, "", NULL);
}

void remedy_keep(struct probe *p, struct finding *f, const char *module)
{
    findings_text(&f->remedy_command, "echo %s | sudo tee -a /etc/modules-load.d/kepler.conf",
                  module);
    findings_text(&f->remedy_note,
                  "no device asks for this module at boot; kepler-probe --fix does it, too");
    add_fix(p, module, "", NULL);
}

/* "sudo apt-get update; " of { "apt-get", "update" } and "; "; nothing of no words. */
static void put_command(struct buf *to, const char *const words[INSTALLER_WORDS], const char *last,
                        const char *end)
{
    for (size_t i = 0; i < INSTALLER_WORDS && words[i]; i++)
        buf_printf(to, "%s%s", i == 0 ? "sudo " : " ", words[i]);
    if (words[0])
        buf_printf(to, "%s%s%s", last[0] ? " " : "", last, end);
}

static void say_package(struct probe *p, struct finding *f, const struct module_row *row)
{
    const char *release = p->kernel.release;
    char package[128] = "";
    const struct installer *by = package_find(&p->kernel, row->name, package, sizeof(package));
    if (!by) {
        findings_text(&f->remedy_note,
                      "%s.ko is not below /lib/modules/%s: install this system's package of kernel "
                      "modules for exactly this kernel, then: sudo modprobe %s",
                      row->name, release, row->name);
        return;
    }
    AUTO_BUF command;
    buf_init(&command, COMMAND_LIMIT);
    put_command(&command, by->refresh, "", "; "); /* one stale list of many fails it */
    put_command(&command, by->install, package, " && ");
    findings_text(&f->remedy_command, "%ssudo modprobe %s", buf_text(&command), row->name);
    findings_text(&f->remedy_note, "%s", by->note);
    add_fix(p, row->name, package, by);
}

void remedy_module(struct probe *p, struct finding *f, const char *module)
{
    const struct module_row *row = module_find(module);
    if (!row || (row->is_rapl && !probe_has_rapl(p)))
        return;
    enum module_state state = kernel_module_state(&p->fs, &p->kernel, row->name, row->option);
    if (state == MODULE_LOADED || state == MODULE_BUILTIN)
        return;
    if (state == MODULE_AVAILABLE) {
        say_modprobe(p, f, row->name);
    } else if (kernel_option(&p->fs, &p->kernel, row->option) == 'n') {
        findings_text(&f->remedy_note,
                      "this kernel is built without %s: no package adds the module, it takes "
                      "another kernel",
                      row->option);
    } else {
        say_package(p, f, row);
    }
}

/* x86 families whose bare-metal sizes are known (AWS, "Amazon EC2 instance types" by family, as of
   February 2026); Graviton has no RAPL on any size. */
static const char *const metal_types[] = {
    "c5.metal",        "c5d.metal",       "c5n.metal",      "c6a.metal",      "c6i.metal",
    "c6id.metal",      "c6in.metal",      "c7a.metal-48xl", "c7i.metal-24xl", "c8i.metal-48xl",
    "c8id.metal-48xl", "g4dn.metal",      "i3.metal",       "i3en.metal",     "i4i.metal",
    "i7i.metal-24xl",  "i7ie.metal-24xl", "m5.metal",       "m5d.metal",      "m5dn.metal",
    "m5n.metal",       "m5zn.metal",      "m6a.metal",      "m6i.metal",      "m6id.metal",
    "m6idn.metal",     "m6in.metal",      "m7a.metal-48xl", "m7i.metal-24xl", "m8azn.metal-12xl",
    "m8i.metal-48xl",  "m8id.metal-48xl", "r5.metal",       "r5b.metal",      "r5d.metal",
    "r5dn.metal",      "r5n.metal",       "r6a.metal",      "r6i.metal",      "r6id.metal",
    "r6idn.metal",     "r6in.metal",      "r7a.metal-48xl", "r7i.metal-24xl", "r7iz.metal-16xl",
    "r8i.metal-48xl",  "r8id.metal-48xl", "x2idn.metal",    "x2iedn.metal",   "x2iezn.metal",
    "z1d.metal",
};

const char *remedy_metal_type(const char *instance_type)
{
    size_t family = strcspn(instance_type, ".");
    for (size_t i = 0; i < ARRAY_LEN(metal_types); i++) {
        if (instance_type[family] == '.' && strncmp(metal_types[i], instance_type, family + 1) == 0)
            return metal_types[i];
    }
    return NULL;
}

void remedy_vm(const struct probe *p, struct finding *f)
{
    const char *type = p->cloud.instance_type;
    const char *metal = remedy_metal_type(type);
    if (strcmp(p->cloud.provider, "ec2") != 0) {
        findings_text(&f->remedy_note,
                      "a virtual machine: no kernel module brings energy counters that the "
                      "hypervisor does not pass on; for measured watts, run on the physical host");
    } else if (metal) {
        findings_text(&f->remedy_note,
                      "%s is a virtual machine: no kernel module brings energy counters; for "
                      "measured watts take %s",
                      type, metal);
    } else {
        findings_text(&f->remedy_note,
                      "%s is a virtual machine: no kernel module brings energy counters, and its "
                      "family has no bare-metal size known here; c5.metal is one that measures",
                      type[0] ? type : "this EC2 instance");
    }
}
