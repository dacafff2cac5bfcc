/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "host/cgroup.h"
#include "record_part.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#define FILE_LIMIT ((size_t)4 << 20) /* cpuinfo of 1024 threads has 1.6 MiB */

void recorder_fail(struct recorder *r, const char *what, const char *path, int code)
{
    r->code = err_set(r->err, code, "cannot %s %s for --record: %s", what, path, strerror(-code));
}

void recorder_parents(struct recorder *r, char *path)
{
    for (char *slash = strchr(path + strlen(r->dir) + 1, '/'); slash && r->code == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) < 0 && errno != EEXIST)
            recorder_fail(r, "make the folder", path, -errno);
        *slash = '/';
    }
}

static void put_bytes(struct recorder *r, const char *path, const void *bytes, size_t n)
{
    if (r->code < 0)
        return;
    AUTO_STR full = mem_printf("%s%s", r->dir, path);
    recorder_parents(r, full);
    AUTO_FD fd = r->code == 0 ? open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    if (r->code < 0)
        return;
    int code = fd < 0 ? -errno : fd_write_all(fd, bytes, n);
    if (code < 0)
        recorder_fail(r, "write", full, code);
}

void recorder_text(struct recorder *r, const char *path, const char *format, ...)
{
    AUTO_STR text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    if (n >= 0)
        put_bytes(r, path, text, (size_t)n);
}

void recorder_copy(struct recorder *r, const char *path)
{
    AUTO_BUF text;
    buf_init(&text, FILE_LIMIT);
    if (rootfs_read_all(&r->p->fs, path, &text) == 0)
        put_bytes(r, path, buf_text(&text), text.len);
}

/* Copies the lines that @keep takes, each as @keep leaves it in @line. */
static void copy_lines(struct recorder *r, const char *path, bool (*keep)(char *line))
{
    AUTO_BUF from;
    AUTO_BUF to;
    buf_init(&from, FILE_LIMIT);
    buf_init(&to, FILE_LIMIT);
    if (rootfs_read_all(&r->p->fs, path, &from) < 0)
        return;
    AUTO_STR text = buf_take(&from);
    for (char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        char *next = line + n + (line[n] == '\n');
        line[n] = '\0';
        if (keep(line))
            buf_printf(&to, "%s\n", line);
        line = next;
    }
    put_bytes(r, path, buf_text(&to), to.len);
}

static bool keep_but_serial(char *line)
{
    return strncmp(line, "Serial", 6) != 0; /* a board's number, on arm */
}

static bool keep_memory_total(char *line)
{
    return strncmp(line, "MemTotal:", 9) == 0;
}

/* "msr" in "msr 16384 0 - Live 0xffff" and "kernel/arch/x86/kernel/msr.ko.zst: ..." */
static bool is_asked_for(const char *line)
{
    size_t end = strcspn(line, " :");
    size_t begin = end;
    while (begin > 0 && line[begin - 1] != '/')
        begin--;
    char name[64];
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + begin, ".: "), line + begin);
    for (char *c = strchr(name, '-'); c; c = strchr(c, '-'))
        *c = '_';
    return module_find(name) != NULL;
}

static bool keep_loaded_module(char *line)
{
    char *address = strstr(line, " 0x"); /* the kernel's addresses stay secret */
    if (address)
        memcpy(address, " 0x0", 5);
    return is_asked_for(line);
}

static bool keep_module_file(char *line)
{
    return is_asked_for(line);
}

static void record_kernel(struct recorder *r)
{
    static const char *const files[] = { "/proc/sys/kernel/osrelease",
                                         "/proc/sys/kernel/perf_event_paranoid",
                                         "/proc/sys/kernel/unprivileged_bpf_disabled",
                                         "/etc/os-release",
                                         "/sys/kernel/security/lockdown",
                                         "/sys/class/dmi/id/sys_vendor",
                                         "/sys/class/dmi/id/product_name",
                                         "/sys/class/dmi/id/bios_vendor",
                                         "/sys/class/dmi/id/bios_version",
                                         KERNEL_SECURE_BOOT };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        recorder_copy(r, files[i]);
    recorder_text(r, "/proc/sys/kernel/arch", "%s\n", r->p->kernel.arch);
    copy_lines(r, "/proc/cpuinfo", keep_but_serial);
    copy_lines(r, "/proc/meminfo", keep_memory_total);
    copy_lines(r, "/proc/modules", keep_loaded_module);
}

/* Of what is loaded at boot, which file or folder says so is of no matter, and what else is,
 * neither. */
static void record_kept(struct recorder *r)
{
    for (size_t i = 0; i < module_rows_count; i++) {
        const char *name = module_rows[i].name;
        if (!module_rows[i].is_by_hand)
            continue;
        AUTO_STR path = mem_printf("/etc/modules-load.d/%s.conf", name);
        enum module_kept kept = module_kept_at_boot(&r->p->fs, name);
        if (kept == MODULE_KEPT)
            recorder_text(r, path, "%s\n", name);
        if (kept == MODULE_NOT_KEPT)
            recorder_text(r, path, "# not %s\n", name);
    }
}

static void record_modules(struct recorder *r)
{
    static const char *const lists[] = { "modules.builtin", "modules.dep", "modules.order" };
    const char *release = r->p->kernel.release;
    AUTO_BUF config;
    buf_init(&config, FILE_LIMIT);

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        AUTO_STR path = mem_printf("/lib/modules/%s/%s", release, lists[i]);
        copy_lines(r, path, keep_module_file);
    }
    for (size_t i = 0; i < module_rows_count; i++) {
        char value = kernel_option(&r->p->fs, &r->p->kernel, module_rows[i].option);
        if (value == 'n') {
            buf_printf(&config, "# %s is not set\n", module_rows[i].option);
        } else if (value != '\0') {
            buf_printf(&config, "%s=%c\n", module_rows[i].option, value);
        }
    }
    AUTO_STR path = mem_printf("/boot/config-%s", release);
    if (config.len > 0)
        put_bytes(r, path, buf_text(&config), config.len);
    record_kept(r);
}

/* Only the counter that was found: elsewhere the same path may be a group that is not the root. */
static void record_cgroups(struct recorder *r)
{
    static const char *const marks[] = { "/sys/fs/cgroup/cgroup.controllers",
                                         "/sys/fs/cgroup/unified/cgroup.controllers" };
    static const char *const v1_folders[] = { "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory" };
    struct cgroup_cpu_counter counter;

    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        recorder_copy(r, marks[i]);
    if (cgroup_root_counter_find(&r->p->fs, &counter) == 0)
        recorder_copy(r, counter.path);
    for (size_t i = 0; i < ARRAY_LEN(v1_folders); i++) {
        AUTO_STR inside = mem_printf("%s%s/", r->dir, v1_folders[i]);
        if (rootfs_exists(&r->p->fs, v1_folders[i]))
            recorder_parents(r, inside);
    }
}

static void record_acts(struct recorder *r)
{
    AUTO_JSON acts = acts_to_json(&r->p->acts);
    AUTO_STR text = json_print(acts, true);
    put_bytes(r, "/.probe/acts.json", text, strlen(text));
}

static int want_empty(const char *path, struct err *err)
{
    if (mkdir(path, 0755) == 0)
        return 0;
    if (errno != EEXIST) {
        return err_set(err, -errno, "cannot make the folder %s for --record: %s", path,
                       strerror(errno));
    }
    AUTO_DIR dir = opendir(path);
    if (!dir)
        return err_set(err, -errno, "cannot record into %s: %s", path, strerror(errno));
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            return err_set(err, -ENOTEMPTY,
                           "cannot record into %s: it is not empty (it has %s in it); name a new "
                           "folder",
                           path, e->d_name);
        }
    }
    return 0;
}

int record_write(const struct probe *p, const char *dir, struct err *err)
{
    static void (*const parts[])(struct recorder * r) = {
        record_kernel,  record_modules,  record_cgroups,
        record_sensors, record_readings, /* over the registers' later values */
        record_acts,
    };
    struct recorder r = { .p = p, .dir = dir, .err = err };
    r.code = want_empty(dir, err);
    for (size_t i = 0; i < ARRAY_LEN(parts) && r.code == 0; i++)
        parts[i](&r);
    return r.code;
}
