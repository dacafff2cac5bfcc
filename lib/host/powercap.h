/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HOST_POWERCAP_H
#define HOST_POWERCAP_H

#include "base/compiler.h"
#include "base/rootfs.h"

#include <stdbool.h>
#include <stddef.h>

#define POWERCAP_CLASS "/sys/class/powercap"

/* What the class holds, for a diagnosis: counts of entries of each kind. */
struct powercap_survey {
    bool present;      /* the class folder exists (CONFIG_POWERCAP) */
    size_t zones;      /* intel-rapl:* zones with a readable name, mmio duplicates left out */
    size_t dangling;   /* links that lead nowhere */
    size_t duplicates; /* intel-rapl-mmio zones, which count the same energy again */
    size_t forbidden;  /* energy_uj not readable for us (root only since CVE-2020-8694) */
};
void powercap_survey(const struct rootfs *fs, struct powercap_survey *ret);

/* Limits of the first package zone, watts; 0: not told. Any user may read them. */
struct powercap_limits {
    double long_max_watts;          /* the most of constraint "long_term": the TDP */
    double long_watts, short_watts; /* "long_term" and "short_term" as set: PL1 and PL2; a
                                       short_term of 0 holds nothing: HUGE_VAL */
};
void powercap_read_limits(const struct rootfs *fs, struct powercap_limits *ret);

#endif
