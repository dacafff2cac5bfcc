/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#define INDENT 2

/* Two levels: a group of settings, then texts. JSON strings are YAML strings. A source that is not
   @pinned is "auto". */
static void print_group(struct buf *to, const struct json *group, const char *pinned)
{
    buf_printf(to, "%s:\n", json_key(group));
    for (size_t i = 0; i < json_count(group); i++) {
        const struct json *member = json_at(group, i);
        bool is_source = strcmp(json_key(member), "source") == 0;
        AUTO_STR value = is_source ? mem_printf("\"%s\"", pinned && pinned[0] ? pinned : "auto")
                                   : json_print(member, false);
        buf_printf(to, "%*s%s: %s\n", INDENT, "", json_key(member), value);
    }
}

void report_yaml(struct buf *to, const struct findings *f, const struct report_style *style)
{
    buf_printf(to, "# found by kepler-probe %s at %s; use: kepler-exporter --config.file FILE\n",
               f->version, f->started_at);
    if (f->selected[0]) {
        buf_printf(to, "# %s power from %s", f->quality, f->selected);
        if (strcmp(f->quality, "estimated") == 0)
            buf_printf(to, ": true watts are %.2f to %.2f times it", f->bound_low, f->bound_high);
        buf_char(to, '\n');
    }
    buf_str(to, "# auto takes what was found, and what is better as soon as it is there; a name is "
                "binding\n");
    for (size_t i = 0; i < json_count(f->exporter); i++) {
        const struct json *group = json_at(f->exporter, i);
        bool is_power = strcmp(json_key(group), "power") == 0;
        print_group(to, group, is_power ? style->power : style->accounting);
    }
}
