/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <stdarg.h>

int err_set(struct err *err, int code, const char *format, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    err->code = code;
    return code;
}

void err_prefix(struct err *err, const char *format, ...)
{
    if (!err)
        return;
    char head[sizeof(err->text)];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(head, sizeof(head), format, args);
    va_end(args);
    size_t n = strlen(head);
    (void)snprintf(head + n, sizeof(head) - n, ": %s", err->text);
    memcpy(err->text, head, sizeof(head));
}
