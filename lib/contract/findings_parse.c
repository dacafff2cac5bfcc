/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "contract/findings.h"
#include "contract/findings_names.h"

#include <errno.h>

/* A member of @object, which stands at @where in the document ("findings[3]", "" for the whole). */
struct place {
    const struct json *object;
    const char *where;
    struct err *err;
};

static const char *kind_name(enum json_kind kind)
{
    static const char *const names[] = {
        [JSON_ABSENT] = "absent",    [JSON_NULL] = "null",     [JSON_BOOL] = "true or false",
        [JSON_NUMBER] = "a number",  [JSON_STRING] = "a text", [JSON_ARRAY] = "a list",
        [JSON_OBJECT] = "an object",
    };
    return names[kind];
}

static int want(const struct place *at, const char *path, enum json_kind kind,
                const struct json **ret)
{
    const struct json *value = json_get(at->object, path);
    enum json_kind found = json_kind_of(value);
    const char *dot = at->where[0] ? "." : "";
    if (found == JSON_ABSENT)
        return err_set(at->err, -EBADMSG, "the member %s%s%s is missing", at->where, dot, path);
    if (found != kind) {
        return err_set(at->err, -EBADMSG, "the member %s%s%s is %s, not %s", at->where, dot, path,
                       kind_name(found), kind_name(kind));
    }
    *ret = value;
    return 0;
}

static int take_text(const struct place *at, const char *path, char **field)
{
    const struct json *value = NULL;
    int code = want(at, path, JSON_STRING, &value);
    if (code == 0)
        findings_text(field, "%s", json_string_of(value));
    return code;
}

static int take_number(const struct place *at, const char *path, double *ret)
{
    const struct json *value = NULL;
    int code = want(at, path, JSON_NUMBER, &value);
    if (code == 0)
        *ret = json_number(at->object, path, 0);
    return code;
}

static int take_bool(const struct place *at, const char *path, bool *ret)
{
    const struct json *value = NULL;
    int code = want(at, path, JSON_BOOL, &value);
    if (code == 0)
        *ret = json_bool(at->object, path, false);
    return code;
}

static int take_object(const struct place *at, const char *path, struct json **field)
{
    const struct json *value = NULL;
    int code = want(at, path, JSON_OBJECT, &value);
    if (code == 0) {
        json_free(*field);
        *field = json_copy(value);
    }
    return code;
}

struct text_member {
    const char *path;
    char **field;
};

static int take_texts(const struct place *at, const struct text_member *rows, size_t n)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < n; i++)
        code = take_text(at, rows[i].path, rows[i].field);
    return code;
}

static int take_status(const struct place *at, enum finding_status *ret)
{
    const struct json *value = NULL;
    int code = want(at, "status", JSON_STRING, &value);
    if (code < 0)
        return code;
    for (size_t i = 0; i < finding_status_count; i++) {
        if (strcmp(json_string_of(value), finding_status_names[i]) == 0) {
            *ret = (enum finding_status)i;
            return 0;
        }
    }
    return err_set(at->err, -EBADMSG, "%s.status is \"%.40s\", not ok, warn, fail or skip",
                   at->where, json_string_of(value));
}

static int take_finding(const struct place *at, struct findings *ret)
{
    struct finding *one = findings_add(ret, "", "");
    const struct text_member texts[] = {
        { "id", &one->id },
        { "title", &one->title },
        { "detail", &one->detail },
        { "impact", &one->impact },
        { "remedy.command", &one->remedy_command },
        { "remedy.note", &one->remedy_note },
    };
    int code = take_texts(at, texts, ARRAY_LEN(texts));
    if (code == 0)
        code = take_status(at, &one->status);
    if (code == 0)
        code = take_bool(at, "remedy.reboot", &one->remedy_reboot);
    return code < 0 ? code : take_object(at, "evidence", &one->evidence);
}

static int take_zones(const struct place *at, struct findings_source *source)
{
    const struct json *zones = NULL;
    int code = want(at, "zones", JSON_ARRAY, &zones);
    if (code < 0)
        return code;
    size_t n = json_count(zones);
    source->zone = mem_new(n, sizeof(*source->zone));
    for (const struct json *zone = json_at(zones, 0); zone; zone = json_next(zone)) {
        const char *name = json_string_of(zone);
        if (!name) {
            return err_set(at->err, -EBADMSG, "%s.zones[%zu] is %s, not a text", at->where,
                           source->zones, kind_name(json_kind_of(zone)));
        }
        source->zone[source->zones++] = mem_strdup(name);
    }
    return 0;
}

static int take_source(const struct place *at, struct findings *ret)
{
    struct findings_source *source = findings_add_source(ret, "");
    const struct text_member texts[] = {
        { "name", &source->name },
        { "quality", &source->quality },
        { "reason", &source->reason },
    };
    int code = take_texts(at, texts, ARRAY_LEN(texts));
    if (code == 0)
        code = take_bool(at, "usable", &source->usable);
    return code < 0 ? code : take_zones(at, source);
}

static int take_each(const struct place *root, const char *path, struct findings *ret,
                     int (*take)(const struct place *, struct findings *))
{
    const struct json *list = NULL;
    int code = want(root, path, JSON_ARRAY, &list);
    size_t n = json_count(list);
    const struct json *element = json_at(list, 0);
    for (size_t i = 0; code == 0 && i < n; element = json_next(element), i++) {
        AUTO_STR where = mem_printf("%s[%zu]", path, i);
        const struct place at = { element, where, root->err };
        code = take(&at, ret);
    }
    return code;
}

static int take_document(const struct place *at, struct findings *ret)
{
    const struct text_member texts[] = {
        { "probe.version", &ret->version },
        { "probe.started_at", &ret->started_at },
        { "power.selected", &ret->selected },
        { "power.quality", &ret->quality },
        { "accounting.selected", &ret->accounting },
        { "accounting.reason", &ret->accounting_reason },
    };
    int code = take_texts(at, texts, ARRAY_LEN(texts));
    if (code == 0)
        code = take_number(at, "probe.duration_ms", &ret->duration_ms);
    if (code == 0)
        code = take_number(at, "power.bounds.low", &ret->bound_low);
    if (code == 0)
        code = take_number(at, "power.bounds.high", &ret->bound_high);
    if (code == 0)
        code = take_object(at, "host", &ret->host);
    if (code == 0)
        code = take_object(at, "exporter", &ret->exporter);
    if (code == 0)
        code = take_each(at, "findings", ret, take_finding);
    return code < 0 ? code : take_each(at, "power.sources", ret, take_source);
}

static int check_schema(const struct place *at)
{
    const struct json *value = NULL;
    int code = want(at, "schema", JSON_STRING, &value);
    if (code < 0)
        return code;
    const char *schema = json_string_of(value);
    if (strcmp(schema, FINDINGS_SCHEMA) == 0)
        return 0;
    return err_set(at->err, -EPROTO,
                   "these findings have the schema \"%.60s\"; this program (%s) knows \"%s\": make "
                   "them anew with the kepler-probe of version %s",
                   schema, KEPLER_VERSION, FINDINGS_SCHEMA, KEPLER_VERSION);
}

int findings_parse(const char *text, size_t len, struct findings *ret, struct err *err)
{
    if (len > FINDINGS_LIMIT) {
        return err_set(err, -EBADMSG, "%zu bytes are no findings; they have at most %zu", len,
                       FINDINGS_LIMIT);
    }
    AUTO_JSON document = json_parse(text, len, err);
    if (!document)
        return -EBADMSG;
    const struct place root = { document, "", err };
    if (json_kind_of(document) != JSON_OBJECT) {
        return err_set(err, -EBADMSG, "this is %s, not a findings document",
                       kind_name(json_kind_of(document)));
    }
    int code = check_schema(&root);
    if (code < 0)
        return code;

    CLEANUP(findings_done) struct findings found;
    findings_init(&found);
    code = take_document(&root, &found);
    if (code < 0)
        return code;
    struct findings empty = { 0 };
    *ret = found;
    found = empty;
    return 0;
}
