/* SPDX-License-Identifier: Apache-2.0 */
/* A YAML (or JSON) document as a flat list of leaves with their places; the only user of libyaml is
   yaml.c. Aliases, tags and several documents are refused: a configuration needs none. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct yaml_item {
    char *path;            /* "web.listenAddresses[0]", "dev.fake-cpu-meter.enabled" */
    char *value;           /* text of the scalar; "" for null, an empty map or an empty list */
    bool quoted;           /* "5" is text, 5 is not */
    unsigned line, column; /* of the key, counted from 1 */
};

struct yaml_doc {
    struct yaml_item *item; /* owned, in the order of the text */
    size_t n;
};

/* At most 1 MiB of text, 32 levels, 4096 leaves. The error begins "line L, column C: ". */
MUST_USE int yaml_parse(const char *text, size_t len, struct yaml_doc *ret, struct err *err);
void yaml_done(struct yaml_doc *doc);

#define AUTO_YAML CLEANUP(yaml_done) struct yaml_doc

#endif
