/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences for a person: on a terminal their lines are folded, elsewhere left as they are. */
#ifndef CALIBRATE_SAY_H
#define CALIBRATE_SAY_H

#include "base/buf.h"
#include "base/compiler.h"

#include <stddef.h>
#include <stdio.h>

#define SAY_COLUMNS 100 /* most of a line */

/* As fprintf(); text beyond 8 KiB is cut. */
PRINTF_LIKE(2, 3) void say(FILE *to, const char *format, ...);

/* Columns of the terminal @to, 0 where it is none. */
size_t say_width(FILE *to);

/* Pure: @text with each line folded at blanks to @columns (0: not at all). What follows a row's
   name
   ("  msr  there is no ...") goes on below itself. A word that is longer stays whole. */
void say_fold(struct buf *to, const char *text, size_t columns);

#endif
