/* SPDX-License-Identifier: Apache-2.0 */
/* Pieces of the Prometheus text format 0.0.4. */
#ifndef EXPOSE_TEXT_H
#define EXPOSE_TEXT_H

#include "base/buf.h"

/* name="value": backslash, quote and newline escaped, what is no UTF-8 replaced by U+FFFD. */
void text_label(struct buf *to, const char *name, const char *value);

/* The shortest decimal that reads back as the same double; NaN, +Inf, -Inf. */
void text_number(struct buf *to, double value);

/* To nine decimals, without closing zeros: what is added up over thousands of series, where the
   shortest exact decimal costs most of a rendering. Half a nano-unit off at most; from 9e9 on (and
   for NaN and infinity) as text_number. */
void text_nano(struct buf *to, double value);

/* One whole line: NAME{LABELS} VALUE; no braces where @labels is "". */
void text_line(struct buf *to, const char *name, const char *labels, double value);

/* Backslash and newline escaped, as in a HELP line. */
void text_help(struct buf *to, const char *help);

#endif
