/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/findings.h"

#include "base/alloc.h"
#include "contract/findings_names.h"

#include <stdarg.h>

const char *const finding_status_names[] = {
    [FINDING_OK] = "ok", [FINDING_WARN] = "warn", [FINDING_FAIL] = "fail", [FINDING_SKIP] = "skip"
};
const size_t finding_status_count = ARRAY_LEN(finding_status_names);

const char *finding_status_name(enum finding_status s)
{
    return finding_status_names[s];
}

void findings_init(struct findings *f)
{
    *f = (struct findings){ .version = mem_strdup(""),
                            .started_at = mem_strdup(""),
                            .host = json_new_object(),
                            .selected = mem_strdup(""),
                            .quality = mem_strdup(""),
                            .bound_low = 1,
                            .bound_high = 1,
                            .accounting = mem_strdup(""),
                            .accounting_reason = mem_strdup(""),
                            .exporter = json_new_object() };
}

static void finding_done(struct finding *one)
{
    char *texts[] = { one->id,     one->title,          one->detail,
                      one->impact, one->remedy_command, one->remedy_note };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    json_free(one->evidence);
}

static void source_done(struct findings_source *source)
{
    for (size_t i = 0; i < source->zones; i++)
        free(source->zone[i]);
    free(source->zone);
    free(source->name);
    free(source->quality);
    free(source->reason);
}

void findings_done(struct findings *f)
{
    for (size_t i = 0; i < f->findings; i++)
        finding_done(&f->finding[i]);
    for (size_t i = 0; i < f->sources; i++)
        source_done(&f->source[i]);
    char *texts[] = { f->version, f->started_at, f->selected,
                      f->quality, f->accounting, f->accounting_reason };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        free(texts[i]);
    free(f->finding);
    free(f->source);
    json_free(f->host);
    json_free(f->exporter);
    *f = (struct findings){ 0 };
}

struct finding *findings_add(struct findings *f, const char *id, const char *title)
{
    f->finding = mem_grow(f->finding, f->findings + 1, sizeof(*f->finding));
    struct finding *one = &f->finding[f->findings++];
    *one = (struct finding){ .id = mem_strdup(id),
                             .title = mem_strdup(title),
                             .detail = mem_strdup(""),
                             .evidence = json_new_object(),
                             .impact = mem_strdup(""),
                             .remedy_command = mem_strdup(""),
                             .remedy_note = mem_strdup("") };
    return one;
}

struct findings_source *findings_add_source(struct findings *f, const char *name)
{
    f->source = mem_grow(f->source, f->sources + 1, sizeof(*f->source));
    struct findings_source *source = &f->source[f->sources++];
    *source = (struct findings_source){ .name = mem_strdup(name),
                                        .quality = mem_strdup(""),
                                        .reason = mem_strdup("") };
    return source;
}

const struct finding *findings_find(const struct findings *f, const char *id)
{
    for (size_t i = 0; i < f->findings; i++) {
        if (strcmp(f->finding[i].id, id) == 0)
            return &f->finding[i];
    }
    return NULL;
}

void findings_text(char **field, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    int n = vasprintf(&text, format, args);
    va_end(args);
    char *old = *field;
    *field = n < 0 ? mem_strdup(NULL) : text; /* the old text may be one of the arguments */
    free(old);
}
