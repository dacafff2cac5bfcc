/* SPDX-License-Identifier: Apache-2.0 */
/* exporter.stdout: a small table after each refresh, for a person. */
#ifndef EXPORTER_STDOUT_H
#define EXPORTER_STDOUT_H

#include "expose/snapshot.h"

#include <stdio.h>

/* Zones with watts, source, quality and bounds, then the 10 processes that draw most. */
void stdout_print(FILE *to, const struct snapshot *s);

#endif
