/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rootfs.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/number.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int open_folder(const char *path, const char *what, int *ret_fd, struct err *err)
{
    if (!path)
        return 0;
    *ret_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*ret_fd < 0)
        return err_set(err, -errno, "cannot use %s as %s: %s", path, what, strerror(errno));
    return 0;
}

int rootfs_open(struct rootfs *ret, const struct rootfs_paths *paths, struct err *err)
{
    struct rootfs fs = ROOTFS_NONE;
    const char *root = paths->root ? paths->root : "/";
    fs.foreign = strcmp(root, "/") != 0;

    int code = open_folder(root, "the root directory (--root)", &fs.root_fd, err);
    if (code == 0)
        code = open_folder(paths->procfs, "procfs (--host.procfs)", &fs.proc_fd, err);
    if (code == 0)
        code = open_folder(paths->sysfs, "sysfs (--host.sysfs)", &fs.sys_fd, err);
    if (code == 0)
        code = open_folder(paths->devfs, "devfs (--host.devfs)", &fs.dev_fd, err);
    if (code < 0) {
        rootfs_close(&fs);
        return code;
    }
    *ret = fs;
    return 0;
}

void rootfs_close(struct rootfs *fs)
{
    const int fds[] = { fs->root_fd, fs->proc_fd, fs->sys_fd, fs->dev_fd };
    for (size_t i = 0; i < ARRAY_LEN(fds); i++)
        close_fd(&fds[i]);
    *fs = ROOTFS_NONE;
}

/* The folder fd that @path is looked up below; moves @path behind the prefix it replaces. */
static int base_of(const struct rootfs *fs, const char **path)
{
    const struct {
        const char *prefix;
        int fd;
    } rows[] = { { "/proc", fs->proc_fd }, { "/sys", fs->sys_fd }, { "/dev", fs->dev_fd } };
    int base = fs->root_fd;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].prefix);
        if (rows[i].fd >= 0 && strncmp(*path, rows[i].prefix, n) == 0 &&
            ((*path)[n] == '/' || (*path)[n] == '\0')) {
            *path += n;
            base = rows[i].fd;
            break;
        }
    }
    *path += strspn(*path, "/");
    if (**path == '\0')
        *path = "."; /* the folder itself */
    return base;
}

#define RETRIES 16 /* openat2(2): EAGAIN when something was renamed on the way */

/* A link in a dump means the dump's file, never this machine's; a pipe in it must not block. */
static int open_foreign(int base, const char *path, int flags)
{
    int more = flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY;
    struct open_how how = { .flags = (__u64)(unsigned)(flags | more | O_CLOEXEC),
                            .resolve = RESOLVE_IN_ROOT };
    int fd = -1;
    for (int i = 0; i < RETRIES; i++) {
        fd = (int)syscall(SYS_openat2, base, path, &how, sizeof(how));
        if (fd >= 0 || errno != EAGAIN)
            break;
    }
    return fd;
}

int rootfs_open_file(const struct rootfs *fs, const char *path, int flags)
{
    int base = base_of(fs, &path);
    int fd = fs->foreign ? open_foreign(base, path, flags) : openat(base, path, flags | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int rootfs_read_all(const struct rootfs *fs, const char *path, struct buf *ret)
{
    AUTO_FD fd = rootfs_open_file(fs, path, O_RDONLY);
    if (fd < 0)
        return fd;
    return fd_read_all(fd, ret);
}

ssize_t rootfs_read_text(const struct rootfs *fs, const char *path, char *ret, size_t size)
{
    AUTO_FD fd = rootfs_open_file(fs, path, O_RDONLY);
    if (fd < 0)
        return fd;
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, ret + len, size - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
        if (len == size)
            return -EFBIG;
    }
    while (len > 0 && ret[len - 1] == '\n')
        len--;
    ret[len] = '\0';
    return (ssize_t)len;
}

int rootfs_read_u64(const struct rootfs *fs, const char *path, uint64_t *ret)
{
    char text[32];
    ssize_t n = rootfs_read_text(fs, path, text, sizeof(text));
    if (n < 0)
        return n == -EFBIG ? -EBADMSG : (int)n;
    return number_parse_u64(text, 10, ret) < 0 ? -EBADMSG : 0;
}

int rootfs_readlink(const struct rootfs *fs, const char *path, char *ret, size_t size)
{
    AUTO_FD fd = rootfs_open_file(fs, path, O_PATH | O_NOFOLLOW);
    if (fd < 0)
        return fd;
    ssize_t n = readlinkat(fd, "", ret, size);
    if (n < 0)
        return -errno;
    if ((size_t)n >= size)
        return -ENAMETOOLONG;
    ret[n] = '\0';
    return 0;
}

bool rootfs_exists(const struct rootfs *fs, const char *path)
{
    AUTO_FD fd = rootfs_open_file(fs, path, O_PATH);
    return fd >= 0;
}

static int by_version(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

int rootfs_list(const struct rootfs *fs, const char *path, struct rootfs_names *ret)
{
    int fd = rootfs_open_file(fs, path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    AUTO_DIR dir = fdopendir(fd); /* owns fd from here on */
    if (!dir) {
        int code = -errno;
        (void)close(fd);
        return code;
    }
    struct rootfs_names names = { 0 };
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        names.name = mem_grow(names.name, names.n + 1, sizeof(*names.name));
        names.name[names.n++] = mem_strdup(e->d_name);
    }
    if (names.n > 1)
        qsort(names.name, names.n, sizeof(*names.name), by_version);
    *ret = names;
    return 0;
}

void rootfs_names_done(struct rootfs_names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->name[i]);
    free(names->name);
    *names = (struct rootfs_names){ 0 };
}
