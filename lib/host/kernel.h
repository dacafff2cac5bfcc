/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel of the machine: release, lockdown, its modules and build options. */
#ifndef HOST_KERNEL_H
#define HOST_KERNEL_H

#include "base/compiler.h"
#include "base/rootfs.h"

#include <stddef.h>
#include <stdint.h>

struct kernel_facts {
    char release[96];  /* /proc/sys/kernel/osrelease: "6.8.0-1021-aws" */
    char arch[16];     /* "x86_64", "aarch64": uname, or in a dump /proc/sys/kernel/arch */
    char os_id[32];    /* ID of /etc/os-release: "ubuntu", "debian"; "" unknown */
    char os_name[96];  /* PRETTY_NAME */
    char lockdown[24]; /* "none", "integrity", "confidentiality"; "" where there is none */
    char hostname[65];
    uint64_t memory_bytes; /* MemTotal */
};
void kernel_read(const struct rootfs *fs, struct kernel_facts *ret);

enum module_state {
    MODULE_LOADED,    /* in /proc/modules */
    MODULE_BUILTIN,   /* in modules.builtin, or its option is =y */
    MODULE_AVAILABLE, /* a .ko lies under /lib/modules/RELEASE, not loaded */
    MODULE_ABSENT,
};
const char *module_state_name(enum module_state state); /* "loaded" ... */

/* @name with underscores ("intel_rapl_msr"); @option its build option ("CONFIG_INTEL_RAPL") or
   NULL. */
enum module_state kernel_module_state(const struct rootfs *fs, const struct kernel_facts *kernel,
                                      const char *name, const char *option);

/* Value of a build option from /proc/config.gz or /boot/config-RELEASE: 'y', 'm', 'n' (not set), or
   0 if no configuration can be read. */
char kernel_option(const struct rootfs *fs, const struct kernel_facts *kernel, const char *option);

#endif
