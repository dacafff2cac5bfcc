/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for a test: a folder of files, made and removed by the test. */
#ifndef TESTS_HOST_ROOT_H
#define TESTS_HOST_ROOT_H

#include "base/compiler.h"
#include "base/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

struct host_root {
    char path[64];
    struct rootfs fs;
};

static inline int host_root_remove_entry(const char *path, const struct stat *st, int type,
                                         struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void host_root_done(struct host_root *r)
{
    rootfs_close(&r->fs);
    (void)nftw(r->path, host_root_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void host_root_init(struct host_root *r)
{
    struct err err = { 0 };
    (void)snprintf(r->path, sizeof(r->path), "/tmp/host_root.XXXXXX");
    if (!mkdtemp(r->path) || chmod(r->path, 0755) < 0)
        abort();
    const struct rootfs_paths paths = { .root = r->path };
    if (rootfs_open(&r->fs, &paths, &err) < 0)
        abort();
}

/* Makes the folders above @path too. */
static inline void host_root_folders(const struct host_root *r, const char *path, char *full,
                                     size_t size)
{
    (void)snprintf(full, size, "%s%s", r->path, path);
    for (char *at = full + strlen(r->path) + 1; *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(full, 0755) < 0 && errno != EEXIST)
            abort();
        *at = '/';
    }
}

static inline void host_root_bytes(const struct host_root *r, const char *path, const void *bytes,
                                   size_t n)
{
    char full[512];
    host_root_folders(r, path, full, sizeof(full));
    int fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n || close(fd) < 0)
        abort();
}

static inline void host_root_text(const struct host_root *r, const char *path, const char *text)
{
    host_root_bytes(r, path, text, strlen(text));
}

static inline void host_root_link(const struct host_root *r, const char *path, const char *target)
{
    char full[512];
    host_root_folders(r, path, full, sizeof(full));
    if (symlink(target, full) < 0)
        abort();
}

static inline void host_root_unlink(const struct host_root *r, const char *path)
{
    char full[512];
    (void)snprintf(full, sizeof(full), "%s%s", r->path, path);
    if (unlink(full) < 0)
        abort();
}

/* Takes read permission away and, where the test runs as root, root's power to ignore that; the
   second call gives it back. */
static inline void host_root_forbid(const struct host_root *r, const char *path)
{
    char full[512];
    (void)snprintf(full, sizeof(full), "%s%s", r->path, path);
    if (chmod(full, 0) < 0 || (geteuid() == 0 && seteuid(65534) < 0))
        abort();
}

static inline void host_root_permit(void)
{
    if (getuid() == 0 && seteuid(0) < 0)
        abort();
}

#define AUTO_HOST_ROOT CLEANUP(host_root_done) struct host_root

#endif
