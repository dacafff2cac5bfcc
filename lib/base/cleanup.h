/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include "base/compiler.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void free_ptr(char **p)
{
    free(*p);
}

static inline void close_fd(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void close_file(FILE **f)
{
    if (*f)
        (void)fclose(*f);
}

#define AUTO_FD   CLEANUP(close_fd) int
#define AUTO_STR  CLEANUP(free_ptr) char *
#define AUTO_FILE CLEANUP(close_file) FILE *

#endif
