/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as Kepler's (kingpin): --name VALUE, --name=VALUE, --switch, --no-switch,
   --switch=true|false; never an abbreviation. Options are rows of a table. */
#ifndef BASE_OPTS_H
#define BASE_OPTS_H

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct opt_list {
    const char **value; /* borrowed from argv; the array is owned: free() */
    size_t n;
};

enum opt_kind {
    OPT_SWITCH,  /* target: bool * */
    OPT_TEXT,    /* target: const char **, borrowed from argv */
    OPT_LIST,    /* target: struct opt_list *; repeatable */
    OPT_OPTTEXT, /* target: const char **; `--fix` gives "", `--fix=packages` the text */
    OPT_HEADING, /* no option: a title in the help */
};

struct opt {
    const char *name; /* without the dashes; "V" a short name is not needed here */
    enum opt_kind kind;
    void *target;
    const char *argument; /* its name in the help: "FILE" */
    const char *help;     /* one line */
};

/* Parses argv[1..]; *ret_first is the first operand's index (argc if none; "--" ends options).
   -EINVAL with a sentence that names the option (and the nearest one for a misspelt name). */
MUST_USE int opts_parse(const struct opt *table, size_t n, int argc, char **argv, int *ret_first,
                        struct err *err);

/* Aligned, one line an option. */
void opts_help(FILE *to, const struct opt *table, size_t n);

#endif
