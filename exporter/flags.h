/* SPDX-License-Identifier: Apache-2.0 */
/* The command line, and with it all settings: defaults, findings, file, flags. */
#ifndef EXPORTER_FLAGS_H
#define EXPORTER_FLAGS_H

#include "config.h"

#include <stdio.h>

struct flags {
    const char *config_file, *findings; /* NULL: not given; borrowed from argv */
    bool check_only, version, help;
};

/* Fills @config, which config_init() was called on. With help or version nothing else is read.
   -errno and the sentence: a wrong flag, a file that cannot be read or makes no sense. */
MUST_USE int flags_read(int argc, char **argv, struct flags *ret, struct config *config,
                        struct err *err);

void flags_help(FILE *to);

#endif
