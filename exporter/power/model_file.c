/* SPDX-License-Identifier: Apache-2.0 */
#include "power/model_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MODEL_FILE_LIMIT ((size_t)1 << 20)
#define MODEL_FILE_MODE  0644

/* -- members: one row each, read and written by the same table -- */

enum field_kind {
    FIELD_TEXT,
    FIELD_INT,
    FIELD_UNSIGNED,
    FIELD_NUMBER
};

struct field {
    const char *key;
    size_t offset, size;
    double low, high; /* of a number, both included */
    enum field_kind kind;
    bool is_optional; /* absent: -1 */
};

#define TEXT(member_key, member)                                                          \
 {                                                                                        \
  .key = (member_key), .kind = FIELD_TEXT, .offset = offsetof(struct model_file, member), \
  .size = sizeof(((struct model_file *)NULL)->member)                                     \
 }
#define FIELD(type, member_key, field_kind, member, lowest, highest, optional)        \
 {                                                                                    \
  .key = (member_key), .kind = (field_kind), .offset = offsetof(struct type, member), \
  .low = (lowest), .high = (highest), .is_optional = (optional)                       \
 }

#define WATTS_MAX   1e6
#define THREADS_MAX 65536

static const struct field top_fields[] = {
    TEXT("created_at", date),
    TEXT("version", version),
    TEXT("source", source),
};

static const struct field machine_fields[] = {
    TEXT("vendor", vendor),
    TEXT("cpu_model", cpu_model),
    FIELD(model_file, "family", FIELD_INT, family, -1, INT_MAX, false),
    FIELD(model_file, "model", FIELD_INT, model, -1, INT_MAX, false),
    FIELD(model_file, "stepping", FIELD_INT, stepping, -1, INT_MAX, false),
    FIELD(model_file, "sockets", FIELD_UNSIGNED, sockets, 1, THREADS_MAX, false),
    FIELD(model_file, "cores", FIELD_UNSIGNED, cores, 1, THREADS_MAX, false),
    FIELD(model_file, "threads", FIELD_UNSIGNED, threads, 1, THREADS_MAX, false),
    FIELD(model_file, "memory_gb", FIELD_NUMBER, memory_gb, 0, 1e9, false),
    TEXT("kernel", kernel),
};

static const struct field point_fields[] = {
    FIELD(model_point, "load", FIELD_NUMBER, load, 0, 1, false),
    FIELD(model_point, "usage_ratio", FIELD_NUMBER, usage_ratio, 0, 1, false),
    FIELD(model_point, "seconds", FIELD_NUMBER, seconds, DBL_MIN, 1e9, false),
    FIELD(model_point, "package_watts", FIELD_NUMBER, package_watts, DBL_MIN, WATTS_MAX, false),
    FIELD(model_point, "package_stddev", FIELD_NUMBER, package_stddev, 0, WATTS_MAX, false),
    FIELD(model_point, "dram_watts", FIELD_NUMBER, dram_watts, DBL_MIN, WATTS_MAX, true),
    FIELD(model_point, "dram_stddev", FIELD_NUMBER, dram_stddev, 0, WATTS_MAX, true),
};

static const struct field residual_fields[] = {
    FIELD(model_file, "mean_ratio", FIELD_NUMBER, residual_mean_ratio, 0, 1e9, false),
    FIELD(model_file, "max_ratio", FIELD_NUMBER, residual_max_ratio, 0, 1e9, false),
};

/* An object of the document and the rows that it is made of. */
struct group {
    const char *name; /* as errors say it: "machine", "points[3]"; "" the whole document */
    const struct field *field;
    size_t fields;
};

/* -- reading -- */

PRINTF_LIKE(4, 5)
static int bad(struct err *err, const struct group *g, const char *key, const char *format, ...)
{
    char what[200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return err_set(err, -EBADMSG, "%s%s%s %s", g->name, g->name[0] ? "." : "", key, what);
}

static int take_text(const struct group *g, const struct field *f, const struct json *value,
                     char *to, struct err *err)
{
    const char *text = json_string_of(value);
    if (!text)
        return bad(err, g, f->key, "is not a text");
    if (strlen(text) >= f->size)
        return bad(err, g, f->key, "is longer than %zu bytes", f->size - 1);
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

static void put_number(const struct field *f, double number, char *to)
{
    if (f->kind == FIELD_NUMBER) {
        memcpy(to, &number, sizeof(number));
    } else if (f->kind == FIELD_INT) {
        int whole = (int)number;
        memcpy(to, &whole, sizeof(whole));
    } else {
        unsigned whole = (unsigned)number;
        memcpy(to, &whole, sizeof(whole));
    }
}

static int take_number(const struct group *g, const struct field *f, const struct json *object,
                       char *to, struct err *err)
{
    double number = json_number(object, f->key, 0);
    if (json_kind_of(json_get(object, f->key)) != JSON_NUMBER)
        return bad(err, g, f->key, "is not a number");
    if (f->low == DBL_MIN && !(number >= f->low && number <= f->high))
        return bad(err, g, f->key, "is %g: it has to be above 0, and at most %g", number, f->high);
    if (!(number >= f->low && number <= f->high))
        return bad(err, g, f->key, "is %g, not within %g .. %g", number, f->low, f->high);
    if (f->kind != FIELD_NUMBER && number != floor(number))
        return bad(err, g, f->key, "is %g, not a whole number", number);
    put_number(f, number, to);
    return 0;
}

/* Every member of @object by its row; one that has none is a mistake of the writer's. */
static int take_group(const struct group *g, const struct json *object, void *to, struct err *err)
{
    if (json_kind_of(object) != JSON_OBJECT) {
        return err_set(err, -EBADMSG, "%s is %s", g->name, object ? "not an object" : "missing");
    }
    for (size_t i = 0; i < g->fields; i++) {
        const struct field *f = &g->field[i];
        const struct json *value = json_get(object, f->key);
        char *at = (char *)to + f->offset;
        int code = 0;
        if (!value && !f->is_optional)
            return bad(err, g, f->key, "is missing");
        if (!value) {
            put_number(f, -1, at);
        } else if (f->kind == FIELD_TEXT) {
            code = take_text(g, f, value, at, err);
        } else {
            code = take_number(g, f, object, at, err);
        }
        if (code < 0)
            return code;
    }
    return 0;
}

static bool is_among(const char *key, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(key, keys[i]) == 0)
            return true;
    }
    return false;
}

static bool is_repeated(const struct json *member)
{
    for (const struct json *m = json_next(member); m; m = json_next(m)) {
        if (strcmp(json_key(m), json_key(member)) == 0)
            return true;
    }
    return false;
}

static int refuse_unknown(const struct group *g, const struct json *object,
                          const char *const *beside, size_t besides, struct err *err)
{
    for (const struct json *m = json_at(object, 0); m; m = json_next(m)) {
        const char *key = json_key(m);
        bool known = is_among(key, beside, besides);
        for (size_t i = 0; i < g->fields && !known; i++)
            known = strcmp(key, g->field[i].key) == 0;
        if (!known)
            return bad(err, g, key, "is no member that " MODEL_FILE_SCHEMA " knows");
        if (is_repeated(m))
            return bad(err, g, key, "is there twice, and nobody knows which one holds");
    }
    return 0;
}

static int take_strict(const struct group *g, const struct json *object, void *to, struct err *err)
{
    int code = take_group(g, object, to, err);
    return code < 0 ? code : refuse_unknown(g, object, NULL, 0, err);
}

static int take_points(const struct json *points, struct model_file *m, struct err *err)
{
    size_t n = json_count(points);
    if (json_kind_of(points) != JSON_ARRAY)
        return err_set(err, -EBADMSG, "points is %s", points ? "not a list" : "missing");
    if (n < 2 || n > MODEL_POINTS_MAX) {
        return err_set(err, -EBADMSG,
                       "points has %zu of them: the two ends are the least, %d the most", n,
                       MODEL_POINTS_MAX);
    }
    for (size_t i = 0; i < n; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "points[%zu]", i);
        const struct group g = { name, point_fields, ARRAY_LEN(point_fields) };
        int code = take_strict(&g, json_at(points, i), &m->point[i], err);
        if (code < 0)
            return code;
    }
    m->points = n;
    return 0;
}

static int check_schema(const struct json *root, struct err *err)
{
    const char *schema = json_text(root, "schema", NULL);
    const char *slash = strchr(MODEL_FILE_SCHEMA, '/');
    size_t stem = (size_t)(slash - MODEL_FILE_SCHEMA) + 1;
    if (json_kind_of(root) != JSON_OBJECT || !schema) {
        return err_set(err, -EBADMSG,
                       "this is no calibration: it has no \"schema\": \"" MODEL_FILE_SCHEMA "\"");
    }
    if (strcmp(schema, MODEL_FILE_SCHEMA) == 0)
        return 0;
    if (strncmp(schema, MODEL_FILE_SCHEMA, stem) == 0) {
        return err_set(err, -ENOTSUP,
                       "its schema is \"%s\" and this version reads \"" MODEL_FILE_SCHEMA
                       "\": use the kepler-exporter that wrote it, or calibrate again",
                       schema);
    }
    return err_set(err, -EBADMSG, "its schema is \"%s\", not \"" MODEL_FILE_SCHEMA "\"", schema);
}

static int take_all(const struct json *root, struct model_file *m, struct err *err)
{
    static const char *const objects[] = { "schema", "machine", "points", "residuals" };
    const struct group top = { "", top_fields, ARRAY_LEN(top_fields) };
    const struct group machine = { "machine", machine_fields, ARRAY_LEN(machine_fields) };
    const struct group residuals = { "residuals", residual_fields, ARRAY_LEN(residual_fields) };
    int code = check_schema(root, err);
    if (code == 0)
        code = take_group(&top, root, m, err);
    if (code == 0)
        code = refuse_unknown(&top, root, objects, ARRAY_LEN(objects), err);
    if (code == 0)
        code = take_strict(&machine, json_get(root, "machine"), m, err);
    if (code == 0)
        code = take_points(json_get(root, "points"), m, err);
    if (code == 0)
        code = take_strict(&residuals, json_get(root, "residuals"), m, err);
    return code < 0 ? code : model_file_check(m, err);
}

int model_file_parse(const char *text, size_t len, struct model_file *ret, struct err *err)
{
    AUTO_JSON root = json_parse(text, len, err);
    if (!root)
        return -EBADMSG;
    struct model_file m = { 0 };
    int code = take_all(root, &m, err);
    if (code == 0)
        *ret = m;
    return code;
}

int model_file_read(const char *path, struct model_file *ret, struct err *err)
{
    AUTO_BUF text;
    buf_init(&text, MODEL_FILE_LIMIT);
    int code = file_read(path, &text, err);
    if (code < 0)
        return code;
    code = model_file_parse(buf_text(&text), text.len, ret, err);
    if (code < 0)
        err_prefix(err, "the calibration %s cannot be used", path);
    return code;
}

/* -- writing -- */

static double number_of(const struct field *f, const char *from)
{
    double number = 0;
    int whole = 0;
    unsigned count = 0;
    if (f->kind == FIELD_NUMBER) {
        memcpy(&number, from, sizeof(number));
        return number;
    }
    if (f->kind == FIELD_INT) {
        memcpy(&whole, from, sizeof(whole));
        return whole;
    }
    memcpy(&count, from, sizeof(count));
    return count;
}

static void put_group(struct json *object, const struct field *fields, size_t n, const void *from)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &fields[i];
        const char *at = (const char *)from + f->offset;
        if (f->kind == FIELD_TEXT) {
            json_put_text(object, f->key, at);
        } else if (!f->is_optional || number_of(f, at) >= 0) {
            json_put_number(object, f->key, number_of(f, at));
        }
    }
}

static struct json *to_json(const struct model_file *m)
{
    struct json *root = json_new_object();
    struct json *machine = json_new_object();
    struct json *points = json_new_array();
    struct json *residuals = json_new_object();
    json_put_text(root, "schema", MODEL_FILE_SCHEMA);
    put_group(root, top_fields, ARRAY_LEN(top_fields), m);
    put_group(machine, machine_fields, ARRAY_LEN(machine_fields), m);
    for (size_t i = 0; i < m->points; i++) {
        struct json *point = json_new_object();
        put_group(point, point_fields, ARRAY_LEN(point_fields), &m->point[i]);
        json_append(points, point);
    }
    put_group(residuals, residual_fields, ARRAY_LEN(residual_fields), m);
    json_put(root, "machine", machine);
    json_put(root, "points", points);
    json_put(root, "residuals", residuals);
    return root;
}

int model_file_print(const struct model_file *file, char **ret_text, struct err *err)
{
    AUTO_JSON root = to_json(file);
    char *text = json_print(root, true);
    struct model_file same;
    int code = model_file_parse(text, strlen(text), &same, err);
    if (code < 0) {
        free(text);
        return code;
    }
    *ret_text = text;
    return 0;
}

int model_file_write(const char *path, const struct model_file *file, struct err *err)
{
    AUTO_STR text = NULL;
    int code = model_file_print(file, &text, err);
    if (code < 0) {
        err_prefix(err, "%s was not written, since what was measured makes no model", path);
        return code;
    }
    return file_replace(path, text, strlen(text), MODEL_FILE_MODE, err);
}
