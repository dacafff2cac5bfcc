/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this process can load all CPUs at all. */
#ifndef CALIBRATE_LIMIT_H
#define CALIBRATE_LIMIT_H

#include "base/compiler.h"
#include "base/rootfs.h"

#include <stddef.h>

/* How much time of CPUs the control group of this process and those above it allow: 1.5 is one CPU
   and half of another's; HUGE_VAL: any (or none can be read). */
double limit_cpus(const struct rootfs *fs);

/* Pure: of a cpu.max, "150000 100000" or "max 100000", microseconds of each period; or of the two
   files that were before it, quota (-1: any) and period. HUGE_VAL: any, or no such text. */
double limit_parse(const char *cpu_max);

#endif
