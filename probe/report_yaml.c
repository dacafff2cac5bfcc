/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#define INDENT 2

/* Two levels: a group of settings, then texts. JSON strings are YAML strings. */
static void print_group(struct buf *to, const struct json *group)
{
    buf_printf(to, "%s:\n", json_key(group));
    for (size_t i = 0; i < json_count(group); i++) {
        const struct json *member = json_at(group, i);
        char *value = json_print(member, false);
        buf_printf(to, "%*s%s: %s\n", INDENT, "", json_key(member), value);
        free(value);
    }
}

void report_yaml(struct buf *to, const struct findings *f)
{
    buf_printf(to, "# found by kepler-probe %s at %s; use: kepler-exporter --config.file FILE\n",
               f->version, f->started_at);
    if (f->selected[0]) {
        buf_printf(to, "# %s power", f->quality);
        if (strcmp(f->quality, "estimated") == 0)
            buf_printf(to, ": true watts are %.2f to %.2f times it", f->bound_low, f->bound_high);
        buf_char(to, '\n');
    }
    for (size_t i = 0; i < json_count(f->exporter); i++)
        print_group(to, json_at(f->exporter, i));
}
