/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"

#include <stddef.h>
#include <sys/types.h>

/* Replaces @path whole or not at all: a temporary file beside it, written, synced, renamed. On a
   failure (a full disk, no permission) nothing is left behind and what was there stays. A link
   stays a link: what it leads to is replaced. A device or a pipe (/dev/stdout) is written to
   instead; -ENXIO if nobody reads the pipe. */
MUST_USE int file_replace(const char *path, const void *bytes, size_t n, mode_t mode,
                          struct err *err);

/* Appends all of @path (relative to the working directory) to @ret; -EFBIG past @ret's limit. */
MUST_USE int file_read(const char *path, struct buf *ret, struct err *err);

/* Appends what is left of @fd to @ret; -errno, or -EFBIG past @ret's limit. */
MUST_USE int fd_read_all(int fd, struct buf *ret);

/* Writes all of @n bytes or returns -errno. */
MUST_USE int fd_write_all(int fd, const void *bytes, size_t n);

#endif
