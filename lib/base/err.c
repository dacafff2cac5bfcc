/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/buf.h"
#include "base/cleanup.h"

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
    AUTO_BUF whole;
    buf_init(&whole, 4096);
    va_list args;
    va_start(args, format);
    AUTO_STR head = NULL;
    if (vasprintf(&head, format, args) >= 0)
        buf_printf(&whole, "%s: %s", head, err->text);
    va_end(args);
    (void)snprintf(err->text, sizeof(err->text), "%s", buf_text(&whole));
}
