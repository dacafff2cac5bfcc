/* SPDX-License-Identifier: Apache-2.0 */
#include "host/kernel.h"

#include "base/number.h"
#include "host/span.h"

#include <errno.h>
#include <sys/utsname.h>

#define SMALL_FILE_LIMIT (64U << 10) /* meminfo has 1.5 KiB, os-release less than 1 KiB */

/* "" if it cannot be read or does not fit. */
static void read_word(const struct rootfs *fs, const char *path, char *ret, size_t size)
{
    if (rootfs_read_text(fs, path, ret, size) < 0)
        ret[0] = '\0';
}

/* Inside double quotes a backslash makes the next character plain (os-release(5), as in a shell).
 */
static bool unquote(struct span s, char *ret, size_t size)
{
    bool quoted = s.len >= 2 && (s.at[0] == '"' || s.at[0] == '\'') && s.at[s.len - 1] == s.at[0];
    bool escapes = !quoted || s.at[0] == '"';
    if (quoted) {
        s.at++;
        s.len -= 2;
    }
    size_t n = 0;
    for (size_t i = 0; i < s.len && n < size; i++) {
        i += escapes && s.at[i] == '\\' && i + 1 < s.len;
        ret[n++] = s.at[i];
    }
    bool fits = n < size;
    ret[fits ? n : 0] = '\0';
    return fits;
}

bool kernel_os_release_parse(const char *text, const char *key, char *ret, size_t size)
{
    ret[0] = '\0';
    struct span rest = span_of(text);
    struct span line;
    while (span_cut(&rest, "\n", &line)) {
        line = span_trim(line);
        if (span_drop_prefix(&line, key) && span_drop_prefix(&line, "="))
            return unquote(line, ret, size);
    }
    return false;
}

bool kernel_lockdown_parse(const char *text, char *ret, size_t size)
{
    ret[0] = '\0';
    struct span rest = span_of(text);
    struct span word;
    while (span_cut(&rest, " \n", &word)) {
        if (span_drop_prefix(&word, "[") && span_drop_suffix(&word, "]"))
            return span_copy(word, ret, size);
    }
    return false;
}

static void read_os(const struct rootfs *fs, struct kernel_facts *ret)
{
    AUTO_BUF text;
    buf_init(&text, SMALL_FILE_LIMIT);
    /* os-release(5): the second holds if the first is not there */
    if (rootfs_read_all(fs, "/etc/os-release", &text) < 0) {
        buf_clear(&text);
        if (rootfs_read_all(fs, "/usr/lib/os-release", &text) < 0)
            buf_clear(&text);
    }
    (void)kernel_os_release_parse(buf_text(&text), "ID", ret->os_id, sizeof(ret->os_id));
    (void)kernel_os_release_parse(buf_text(&text), "PRETTY_NAME", ret->os_name,
                                  sizeof(ret->os_name));
}

/* "MemTotal:       16384 kB"; 0 if it is not said. */
static uint64_t read_memory_bytes(const struct rootfs *fs)
{
    AUTO_BUF text;
    buf_init(&text, SMALL_FILE_LIMIT);
    if (rootfs_read_all(fs, "/proc/meminfo", &text) < 0)
        return 0;
    struct span rest = span_of(buf_text(&text));
    struct span line;
    while (span_cut(&rest, "\n", &line)) {
        char number[24];
        uint64_t kib = 0;
        if (!span_drop_prefix(&line, "MemTotal:") || !span_drop_suffix(&line, "kB"))
            continue;
        if (!span_copy(span_trim(line), number, sizeof(number)) ||
            number_parse_u64(number, 10, &kib) < 0 || kib > UINT64_MAX / 1024)
            return 0;
        return kib * 1024;
    }
    return 0;
}

static void read_arch(const struct rootfs *fs, char *ret, size_t size)
{
    struct utsname running;
    if (fs->foreign) {
        read_word(fs, "/proc/sys/kernel/arch", ret, size);
        return;
    }
    if (uname(&running) == 0)
        (void)span_copy(span_of(running.machine), ret, size);
}

void kernel_read(const struct rootfs *fs, struct kernel_facts *ret)
{
    char lockdown[96];
    *ret = (struct kernel_facts){ 0 };
    read_word(fs, "/proc/sys/kernel/osrelease", ret->release, sizeof(ret->release));
    read_word(fs, "/proc/sys/kernel/hostname", ret->hostname, sizeof(ret->hostname));
    read_word(fs, "/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
    (void)kernel_lockdown_parse(lockdown, ret->lockdown, sizeof(ret->lockdown));
    read_arch(fs, ret->arch, sizeof(ret->arch));
    read_os(fs, ret);
    ret->memory_bytes = read_memory_bytes(fs);
}

#define EFI_ATTRIBUTES 4 /* bytes before the value */

int kernel_secure_boot_parse(const void *bytes, size_t n, bool *ret)
{
    const unsigned char *byte = bytes;
    if (n != EFI_ATTRIBUTES + 1 || byte[EFI_ATTRIBUTES] > 1)
        return -EBADMSG;
    *ret = byte[EFI_ATTRIBUTES] == 1;
    return 0;
}

int kernel_secure_boot_read(const struct rootfs *fs, bool *ret)
{
    AUTO_BUF bytes;
    buf_init(&bytes, 64);
    int code = rootfs_read_all(fs, KERNEL_SECURE_BOOT, &bytes);
    if (code == -ENOTDIR)
        return -ENOENT;
    if (code < 0)
        return code == -EFBIG ? -EBADMSG : code;
    return kernel_secure_boot_parse(buf_text(&bytes), bytes.len, ret);
}
