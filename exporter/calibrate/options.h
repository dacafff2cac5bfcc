/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CALIBRATE_OPTIONS_H
#define CALIBRATE_OPTIONS_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct calibrate_options {
    unsigned step_percent; /* 1 .. 100 */
    uint64_t dwell_ns;     /* 1 s .. 1 h */
    uint64_t settle_ns;    /* 0 .. 10 min */
    const char *output;    /* NULL: named after the CPU; borrowed from argv, as all texts */
    const char *source;    /* "auto" or a name of power_sources */
    double tdp_watts;      /* per socket; 0: looked up */
    struct rootfs_paths paths;
    bool dry_run, force, help;
};

/* -EINVAL and the sentence for the person. With help nothing else is checked. */
MUST_USE int calibrate_options_read(int argc, char **argv, struct calibrate_options *ret,
                                    struct err *err);
void calibrate_options_help(FILE *to);

#endif
