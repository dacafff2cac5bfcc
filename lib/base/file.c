/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int fd_read_all(int fd, struct buf *ret)
{
    char chunk[4096];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        buf_add(ret, chunk, (size_t)n);
        if (ret->full)
            return -EFBIG;
    }
}

int fd_write_all(int fd, const void *bytes, size_t n)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        at += done;
        n -= (size_t)done;
    }
    return 0;
}

int file_read(const char *path, struct buf *ret, struct err *err)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    int code = fd < 0 ? -errno : fd_read_all(fd, ret);
    if (code == -EFBIG) {
        return err_set(err, code, "%s is larger than %zu bytes, which no such file should be", path,
                       ret->limit);
    }
    if (code < 0)
        return err_set(err, code, "cannot read %s: %s", path, strerror(-code));
    return 0;
}

static int write_and_sync(int fd, const void *bytes, size_t n, mode_t mode)
{
    int code = fd_write_all(fd, bytes, n);
    if (code == 0 && fchmod(fd, mode) < 0)
        code = -errno;
    if (code == 0 && fsync(fd) < 0)
        code = -errno;
    return code;
}

/* A pipe, a terminal or a device is written to: a file in its place would take it from others. */
static int write_through(const char *path, const void *bytes, size_t n, struct err *err)
{
    AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENXIO)
        return err_set(err, -ENXIO, "cannot write to %s: nobody reads this pipe", path);
    int code = fd < 0 || fcntl(fd, F_SETFL, 0) < 0 ? -errno : fd_write_all(fd, bytes, n);
    if (code < 0)
        return err_set(err, code, "cannot write to %s: %s", path, strerror(-code));
    return 0;
}

static int replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *err)
{
    AUTO_STR temporary = mem_printf("%s.XXXXXX", path);
    AUTO_FD fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return err_set(err, -errno, "cannot write %s: no file can be made beside it: %s", path,
                       strerror(errno));
    }

    int code = write_and_sync(fd, bytes, n, mode);
    if (code == 0 && rename(temporary, path) < 0)
        code = -errno;
    if (code < 0) {
        (void)unlink(temporary);
        return err_set(err, code, "cannot write %s: %s; what was there before is unchanged", path,
                       strerror(-code));
    }
    return 0;
}

int file_replace(const char *path, const void *bytes, size_t n, mode_t mode, struct err *err)
{
    struct stat st;
    bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return err_set(err, -EISDIR, "cannot write %s: it is a folder; name a file in it", path);
    if (exists && !S_ISREG(st.st_mode))
        return write_through(path, bytes, n, err);
    AUTO_STR target = exists ? realpath(path, NULL) : NULL; /* the link stays, its file changes */
    return replace(target ? target : path, bytes, n, mode, err);
}
