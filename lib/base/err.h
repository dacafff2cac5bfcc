/* SPDX-License-Identifier: Apache-2.0 */
/* The sentence for the person. Functions return 0 or -errno and say here what was tried, on what,
   why it failed and what to do; only main and the loop print it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/compiler.h"

struct err {
    int code;       /* -errno, or 0 while nothing is said */
    char text[600]; /* one sentence or two; longer text is cut */
};

/* Sets both, returns @code, so that a caller writes `return err_set(err, -ENOENT, ...)`. @err may
   be NULL when nobody listens. The last one to speak wins. */
PRINTF_LIKE(3, 4) int err_set(struct err *err, int code, const char *format, ...);

/* Puts "@format: " before what is already said, for the caller that knows the context. */
PRINTF_LIKE(2, 3) void err_prefix(struct err *err, const char *format, ...);

#endif
