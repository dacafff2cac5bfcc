/* SPDX-License-Identifier: Apache-2.0 */
/* A dump of a machine, made of a few lines of a test. Include after cmocka.h. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/rootfs.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

struct tree {
    char path[32];
    struct rootfs fs; /* foreign */
};

static inline void tree_make(struct tree *t)
{
    struct err err = { 0 };
    *t = (struct tree){ .path = "/tmp/kepler-tree-XXXXXX", .fs = ROOTFS_NONE };
    assert_non_null(mkdtemp(t->path));
    const struct rootfs_paths paths = { .root = t->path };
    assert_int_equal(rootfs_open(&t->fs, &paths, &err), 0);
}

static inline int tree_unlink(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void tree_remove(struct tree *t)
{
    rootfs_close(&t->fs);
    (void)nftw(t->path, tree_unlink, 16, FTW_DEPTH | FTW_PHYS);
}

/* Folders on the way are made. NULL @bytes: a folder. */
static inline void tree_put_bytes(const struct tree *t, const char *path, const void *bytes,
                                  size_t n)
{
    AUTO_STR full = mem_printf("%s%s%s", t->path, path, bytes ? "" : "/");
    for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(full, 0700);
        *slash = '/';
    }
    if (!bytes)
        return;
    AUTO_FD fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes, n), 0);
}

static inline void tree_put(const struct tree *t, const char *path, const char *text)
{
    tree_put_bytes(t, path, text, text ? strlen(text) : 0);
}

#define AUTO_TREE CLEANUP(tree_remove) struct tree

#endif
