/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a kernel module is there, from the files that the kernel and depmod write. */
#include "host/kernel.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "host/span.h"

#define LIST_LIMIT (4U << 20) /* modules.dep of Ubuntu's generic kernel has 0.7 MiB */

const char *module_state_name(enum module_state state)
{
    static const char *const names[] = { [MODULE_LOADED] = "loaded",
                                         [MODULE_BUILTIN] = "builtin",
                                         [MODULE_AVAILABLE] = "available",
                                         [MODULE_ABSENT] = "absent" };
    return names[state];
}

/* The kernel holds - and _ for the same in a module's name (its files are written with either). */
static bool same_name(struct span s, const char *name)
{
    if (strlen(name) != s.len)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool both_dashes = strchr("-_", s.at[i]) && strchr("-_", name[i]);
        if (s.at[i] != name[i] && !both_dashes)
            return false;
    }
    return true;
}

/* "intel_rapl_msr 20480 0 - Live 0x0000000000000000": name, size, uses, users, state (proc(5)). */
bool kernel_modules_has(const char *proc_modules, const char *name)
{
    struct span rest = span_of(proc_modules);
    struct span line;
    while (span_cut(&rest, "\n", &line)) {
        struct span field;
        if (!span_cut(&line, " ", &field) || !same_name(field, name))
            continue;
        for (unsigned i = 0; i < 4; i++)
            (void)span_cut(&line, " ", &field);
        return !span_is(field, "Unloading");
    }
    return false;
}

/* "kernel/drivers/powercap/intel_rapl_msr.ko.zst" -> "intel_rapl_msr"; false if it is no module. */
static bool module_of_file(struct span *file)
{
    static const char *const packed[] = { ".xz", ".zst", ".gz" };
    for (size_t i = 0; i < ARRAY_LEN(packed); i++) {
        if (span_drop_suffix(file, packed[i]))
            break;
    }
    if (!span_drop_suffix(file, ".ko"))
        return false;
    const char *slash = memrchr(file->at, '/', file->len);
    if (slash) {
        file->len -= (size_t)(slash + 1 - file->at);
        file->at = slash + 1;
    }
    return file->len > 0;
}

bool kernel_module_list_has(const char *list, const char *name)
{
    struct span rest = span_of(list);
    struct span line;
    while (span_cut(&rest, "\n", &line)) {
        struct span file; /* modules.dep: what it depends on comes after the colon */
        if (!span_cut(&line, ":", &file))
            continue;
        file = span_trim(file);
        if (module_of_file(&file) && same_name(file, name))
            return true;
    }
    return false;
}

enum answer {
    UNREADABLE,
    NO,
    YES
};

static enum answer ask(const struct rootfs *fs, const char *path, const char *name,
                       bool (*has)(const char *text, const char *name))
{
    AUTO_BUF text;
    buf_init(&text, LIST_LIMIT);
    if (rootfs_read_all(fs, path, &text) < 0)
        return UNREADABLE;
    return has(buf_text(&text), name) ? YES : NO;
}

static enum answer ask_depmod(const struct rootfs *fs, const struct kernel_facts *kernel,
                              const char *file, const char *name)
{
    if (kernel->release[0] == '\0')
        return UNREADABLE;
    AUTO_STR path = mem_printf("/lib/modules/%s/%s", kernel->release, file);
    return ask(fs, path, name, kernel_module_list_has);
}

enum module_state kernel_module_state(const struct rootfs *fs, const struct kernel_facts *kernel,
                                      const char *name, const char *option)
{
    if (ask(fs, "/proc/modules", name, kernel_modules_has) == YES)
        return MODULE_LOADED;
    if (ask_depmod(fs, kernel, "modules.builtin", name) == YES)
        return MODULE_BUILTIN;
    if (option && kernel_option(fs, kernel, option) == 'y')
        return MODULE_BUILTIN;

    /* modules.order is part of the kernel's package; modules.dep is made from what is there, so it
       alone knows modules that came in another package (linux-modules-extra). */
    enum answer listed = ask_depmod(fs, kernel, "modules.dep", name);
    if (listed == UNREADABLE)
        listed = ask_depmod(fs, kernel, "modules.order", name);
    return listed == YES ? MODULE_AVAILABLE : MODULE_ABSENT;
}
