/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel of the machine: release, lockdown, its modules and build options. */
#ifndef HOST_KERNEL_H
#define HOST_KERNEL_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/rootfs.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kernel_facts {
    char release[96];  /* /proc/sys/kernel/osrelease: "6.8.0-1021-aws" */
    char arch[16];     /* "x86_64", "aarch64": uname, or in a dump /proc/sys/kernel/arch (since
                          Linux 6.1; "" in a dump of an older one) */
    char os_id[32];    /* ID of /etc/os-release: "ubuntu", "debian"; "" unknown */
    char os_name[96];  /* PRETTY_NAME */
    char lockdown[24]; /* "none", "integrity", "confidentiality"; "" where there is none */
    char hostname[65];
    uint64_t memory_bytes; /* MemTotal */
};
void kernel_read(const struct rootfs *fs, struct kernel_facts *ret);

#define KERNEL_SECURE_BOOT \
 "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

enum module_state {
    MODULE_LOADED,    /* in /proc/modules */
    MODULE_BUILTIN,   /* in modules.builtin, or its option is =y */
    MODULE_AVAILABLE, /* a .ko lies under /lib/modules/RELEASE, not loaded */
    MODULE_ABSENT,
};
const char *module_state_name(enum module_state state); /* "loaded" ... */

/* UEFI's Secure Boot: with it on, the kernel loads signed modules only. -ENOENT: the firmware is no
   UEFI, or its variables are not mounted; -EBADMSG: it has another form; what else reading says. */
MUST_USE int kernel_secure_boot_read(const struct rootfs *fs, bool *ret);

/* @name with underscores ("intel_rapl_msr"); @option its build option ("CONFIG_INTEL_RAPL") or
   NULL. */
enum module_state kernel_module_state(const struct rootfs *fs, const struct kernel_facts *kernel,
                                      const char *name, const char *option);

/* Value of a build option from /proc/config.gz or /boot/config-RELEASE: 'y', 'm', 'n' (not set), or
   0 if no configuration can be read. An option with a number or a text counts as 'y'. */
char kernel_option(const struct rootfs *fs, const struct kernel_facts *kernel, const char *option);

/* -- pure -- */

/* As kernel_option(), of the text of a configuration; 0 if @config holds no option at all. */
char kernel_config_parse(const char *config, const char *option);

/* Appends what the gzip stream @bytes holds to @ret, whose limit holds (-EFBIG). -EBADMSG for a
   broken or cut-off stream. */
MUST_USE int kernel_config_inflate(const void *bytes, size_t n, struct buf *ret);

/* Is @name (underscores) in the text of /proc/modules? Being unloaded does not count. */
bool kernel_modules_has(const char *proc_modules, const char *name);

/* Is @name in a list of files: modules.builtin, modules.order, modules.dep ("A.ko: B.ko")? Files
   are written with - or _, and end in .ko, .ko.xz, .ko.zst or .ko.gz. */
bool kernel_module_list_has(const char *list, const char *name);

/* Value of @key in the text of os-release(5), unquoted; false (and "") if it is not there or does
   not fit. */
bool kernel_os_release_parse(const char *text, const char *key, char *ret, size_t size);

/* A file of efivarfs: 4 bytes of attributes, then the variable's value, here one byte, 0 or 1 (UEFI
   Specification 2.10, section 3.3, "SecureBoot"; Linux Documentation/filesystems/efivarfs.rst).
   -EBADMSG for anything else. */
MUST_USE int kernel_secure_boot_parse(const void *bytes, size_t n, bool *ret);

/* The word in brackets of "none [integrity] confidentiality"; false (and "") without one. */
bool kernel_lockdown_parse(const char *text, char *ret, size_t size);

#endif
