/* SPDX-License-Identifier: Apache-2.0 */
/* For json.c: what cJSON lets through and RFC 8259 does not, and where a text goes wrong. */
#ifndef BASE_JSON_CHECK_H
#define BASE_JSON_CHECK_H

#include "base/compiler.h"
#include "base/err.h"

#include <stddef.h>

/* Strings, numbers, blanks, depth; the grammar between them is left to the parser. -EBADMSG with
   line and column. */
MUST_USE int json_check(const char *text, size_t len, size_t depth_limit, struct err *err);

/* "line L, column C: @what", counted from 1, columns in characters. Returns -EBADMSG. */
int json_error_at(const char *text, size_t at, const char *what, struct err *err);

/* How many blanks (RFC 8259 section 2) @text begins with. */
size_t json_blanks(const char *text, size_t len);

#endif
