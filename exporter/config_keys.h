/* SPDX-License-Identifier: Apache-2.0 */
/* The table of configuration keys: one row each, with its kind, its field and what it may be. */
#ifndef EXPORTER_CONFIG_KEYS_H
#define EXPORTER_CONFIG_KEYS_H

#include "config.h"

struct config_key {
    const char *path; /* without the index of a list element; ".*" at the end: all below it */
    bool is_list;
    size_t field;        /* offset in struct config, where one setter serves several */
    const char *may_be;  /* "one of debug, info, warn, error" */
    const char *instead; /* ignored if true: what happens instead; NULL: it is obeyed */

    /* 0 or -EINVAL. @first: the first element of its list; @value NULL: the list is empty, which
       leaves the default where none at all makes no sense. */
    int (*set)(struct config *c, const struct config_key *key, const char *value, bool first);
    /* Of a key whose path ends with "*": @below is what stands behind it. NULL: set() serves. */
    int (*set_below)(struct config *c, const char *below, const char *value);
};

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

#endif
