/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include "base/compiler.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline void free_ptr(char **p)
{
    free(*p);
}

/* @pointer: the address of a pointer of any type. */
static inline void free_any(const void *pointer)
{
    void *memory;
    memcpy(&memory, pointer, sizeof(memory));
    free(memory);
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

static inline void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

#define AUTO_FD   CLEANUP(close_fd) int
#define AUTO_STR  CLEANUP(free_ptr) char *
#define AUTO_FILE CLEANUP(close_file) FILE *
#define AUTO_DIR  CLEANUP(close_dir) DIR *
#define AUTO_FREE CLEANUP(free_any) /* before a pointer's own type */

#endif
