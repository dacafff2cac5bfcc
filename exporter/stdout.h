/* SPDX-License-Identifier: Apache-2.0 */
/* exporter.stdout: a small table after each refresh, for a person. */
#ifndef EXPORTER_STDOUT_H
#define EXPORTER_STDOUT_H

#include "expose/snapshot.h"

#include <stdbool.h>

#include <stdio.h>

/* False while nobody reads what was printed before (a pager that waits, a stopped terminal): a
   table would then hold up the refreshes. One table fits into what a pipe that is ready takes at
   once. */
bool stdout_is_ready(int fd);

/* Zones with watts, source, quality and bounds, then the 10 processes that draw most. */
void stdout_print(FILE *to, const struct snapshot *s);

#endif
