/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for a test: a folder of files, made and removed by the test. Fuzzers make theirs with
   it too, so what goes wrong here ends the program instead of asking cmocka. */
#ifndef TESTS_TREE_H
#define TESTS_TREE_H

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>

#define NOBODY 65534

struct tree {
    char path[32];
    struct rootfs fs; /* foreign */
};

static inline void tree_must(bool done, const char *what, const char *path)
{
    if (done)
        return;
    (void)fprintf(stderr, "tree: cannot %s %s: %s\n", what, path, strerror(errno));
    abort();
}

/* Whoever tree_forbid() turns this process into can still reach what is not forbidden. */
static inline void tree_make(struct tree *t)
{
    *t = (struct tree){ .path = "/tmp/kepler-tree-XXXXXX", .fs = ROOTFS_NONE };
    tree_must(mkdtemp(t->path) && chmod(t->path, 0755) == 0, "make", t->path);
    const struct rootfs_paths paths = { .root = t->path };
    tree_must(rootfs_open(&t->fs, &paths, NULL) == 0, "open", t->path);
}

/* The place of @path outside the dump; the caller frees. */
static inline char *tree_path(const struct tree *t, const char *path)
{
    return mem_printf("%s%s", t->path, path);
}

static inline int tree_remove_entry(const char *path, const struct stat *st, int type,
                                    struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

/* A file, a link, or a folder with all that is in it; it must be there. */
static inline void tree_drop(const struct tree *t, const char *path)
{
    AUTO_STR full = tree_path(t, path);
    tree_must(nftw(full, tree_remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "remove", full);
}

static inline void tree_remove(struct tree *t)
{
    rootfs_close(&t->fs);
    tree_drop(t, "");
}

/* Folders above @path are made; what is there already stays. The caller frees. */
static inline char *tree_make_way(const struct tree *t, const char *path)
{
    char *full = tree_path(t, path);
    for (char *slash = strchr(full + strlen(t->path) + 1, '/'); slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        tree_must(mkdir(full, 0755) == 0 || errno == EEXIST, "make the folder", full);
        *slash = '/';
    }
    return full;
}

static inline void tree_put_bytes(const struct tree *t, const char *path, const void *bytes,
                                  size_t n)
{
    AUTO_STR full = tree_make_way(t, path);
    AUTO_FD fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    tree_must(fd >= 0 && fd_write_all(fd, bytes, n) == 0, "write", full);
}

static inline void tree_put_folder(const struct tree *t, const char *path)
{
    AUTO_STR below = mem_printf("%s/", path);
    free(tree_make_way(t, below));
}

/* NULL @text: a folder. */
static inline void tree_put(const struct tree *t, const char *path, const char *text)
{
    if (text) {
        tree_put_bytes(t, path, text, strlen(text));
    } else {
        tree_put_folder(t, path);
    }
}

PRINTF_LIKE(3, 4)
static inline void tree_printf(const struct tree *t, const char *path, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_STR text = NULL;
    tree_must(vasprintf(&text, format, args) >= 0, "print the text of", path);
    va_end(args);
    tree_put(t, path, text);
}

static inline void tree_link(const struct tree *t, const char *path, const char *target)
{
    AUTO_STR full = tree_make_way(t, path);
    tree_must(symlink(target, full) == 0, "link", full);
}

/* Takes read permission away and, where the test runs as root, root's power to ignore that; the
   second call gives it back. */
static inline void tree_forbid(const struct tree *t, const char *path)
{
    AUTO_STR full = tree_path(t, path);
    tree_must(chmod(full, 0) == 0 && (geteuid() != 0 || seteuid(NOBODY) == 0), "forbid", full);
}

static inline void tree_permit(void)
{
    tree_must(getuid() != 0 || seteuid(0) == 0, "become", "root again");
}

#define AUTO_TREE CLEANUP(tree_remove) struct tree

#endif
