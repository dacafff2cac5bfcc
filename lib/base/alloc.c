/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>

static _Noreturn void out_of_memory(void)
{
    (void)fputs("out of memory\n", stderr);
    exit(EXIT_FAILURE);
}

void *mem_new(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *mem_grow(void *old, size_t count, size_t size)
{
    void *p = reallocarray(old, count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *mem_strdup(const char *text)
{
    char *p = strdup(text ? text : "");
    if (!p)
        out_of_memory();
    return p;
}

char *mem_printf(const char *format, ...)
{
    char *p = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&p, format, args);
    va_end(args);
    if (n < 0)
        out_of_memory();
    return p;
}
