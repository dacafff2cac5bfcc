/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail: a program of this size that is out of memory says so and ends (exit
 * 3 for the probe, 1 else); its supervisor restarts it. What grows with outside input has a limit
 * of its own (buf.h, the process table), so that this is never a way to end it on purpose.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* Zeroed memory for @count items of @size bytes. The caller owns it: free(). */
void *mem_new(size_t count, size_t size);

/* As realloc of @count items of @size bytes; what is new is not zeroed. */
void *mem_grow(void *old, size_t count, size_t size);

/* A copy of @text; "" for NULL. The caller owns it: free(). */
char *mem_strdup(const char *text);

/* printf into memory that the caller owns. */
__attribute__((format(printf, 1, 2))) char *mem_printf(const char *format, ...);

#endif
