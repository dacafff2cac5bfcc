/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every read of /proc, /sys, /dev, /boot, /lib/modules goes through here, so that a folder with a
 * dump of any machine can stand in for the machine. Paths are written as on the machine
 * ("/sys/class/powercap"); they are looked up below the root.
 */
#ifndef BASE_ROOTFS_H
#define BASE_ROOTFS_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct rootfs {
    int root_fd;
    int proc_fd; /* -1: below root_fd, as are the next two */
    int sys_fd;
    int dev_fd;
    bool foreign; /* a dump of some machine: links stay inside it, and nothing of the running
                     kernel may be asked on its behalf */
};

struct rootfs_paths {
    const char *root;   /* NULL or "/": this machine */
    const char *procfs; /* NULL: ROOT/proc; the finer ones are absolute */
    const char *sysfs;
    const char *devfs;
};

#define ROOTFS_NONE                                        \
 (struct rootfs)                                           \
 {                                                         \
  .root_fd = -1, .proc_fd = -1, .sys_fd = -1, .dev_fd = -1 \
 }

/* The error names the folder. The caller closes; ROOTFS_NONE may be closed too. */
MUST_USE int rootfs_open(struct rootfs *ret, const struct rootfs_paths *paths, struct err *err);
void rootfs_close(struct rootfs *fs);

/* An fd the caller owns, or -errno. @flags as open(2); O_CLOEXEC is added. */
MUST_USE int rootfs_open_file(const struct rootfs *fs, const char *path, int flags);

/* Text of at most @size - 1 bytes, NUL-terminated, trailing newlines cut. Returns its length, or
   -errno; -EFBIG if it does not fit. */
MUST_USE ssize_t rootfs_read_text(const struct rootfs *fs, const char *path, char *ret,
                                  size_t size);

/* Appends the whole file to @ret (whose limit holds). */
MUST_USE int rootfs_read_all(const struct rootfs *fs, const char *path, struct buf *ret);

/* One decimal number; -EBADMSG if it is something else (empty, truncated to nothing, negative). */
MUST_USE int rootfs_read_u64(const struct rootfs *fs, const char *path, uint64_t *ret);

/* Target of a link, NUL-terminated. */
MUST_USE int rootfs_readlink(const struct rootfs *fs, const char *path, char *ret, size_t size);

bool rootfs_exists(const struct rootfs *fs, const char *path);

/* Names in a folder, without "." and "..", in version order (cpu2 before cpu10). -errno. */
struct rootfs_names {
    char **name; /* owned */
    size_t n;
};
MUST_USE int rootfs_list(const struct rootfs *fs, const char *path, struct rootfs_names *ret);
void rootfs_names_done(struct rootfs_names *names);

#define AUTO_NAMES CLEANUP(rootfs_names_done) struct rootfs_names

#endif
