/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json_check.h"
#include "base/utf8.h"

#include <cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>

/* struct json is cJSON under a name of our own: never defined, only cast. */
static cJSON *raw(struct json *value)
{
    return (cJSON *)value;
}

static const cJSON *raw_const(const struct json *value)
{
    return (const cJSON *)value;
}

static void *allocate(size_t size)
{
    return mem_grow(NULL, size, 1);
}

/* cJSON follows the rule of alloc.h, so that none of its calls below can fail for want of memory.
   Before main: its hooks are process-wide. */
__attribute__((constructor)) static void set_hooks(void)
{
    cJSON_Hooks hooks = { .malloc_fn = allocate, .free_fn = free };
    cJSON_InitHooks(&hooks);
}

/* -- reading -- */

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

struct json *json_parse(const char *text, size_t len, struct err *err)
{
    size_t mark = sizeof(BYTE_ORDER_MARK) - 1;
    if (len >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0) { /* RFC 8259 section 8.1 */
        text += mark;
        len -= mark;
    }
    if (json_check(text, len, CJSON_NESTING_LIMIT, err) < 0)
        return NULL;
    const char *end = text;
    cJSON *root = cJSON_ParseWithLengthOpts(text, len, &end, 0);
    size_t at = (size_t)(end - text);
    if (!root) {
        (void)json_error_at(text, at, "this is not JSON", err);
        return NULL;
    }
    at += json_blanks(end, len - at);
    if (at < len) {
        cJSON_Delete(root);
        (void)json_error_at(text, at, "more text behind the end of the value", err);
        return NULL;
    }
    return (struct json *)root;
}

void json_free(struct json *root)
{
    cJSON_Delete(raw(root));
}

static const cJSON *member(const cJSON *object, const char *key, size_t len)
{
    const cJSON *m = cJSON_IsObject(object) ? object->child : NULL;
    while (m && !(strncmp(m->string, key, len) == 0 && m->string[len] == '\0'))
        m = m->next;
    return m;
}

const struct json *json_get(const struct json *object, const char *path)
{
    const cJSON *at = raw_const(object);
    for (;;) {
        size_t len = strcspn(path, ".");
        at = member(at, path, len);
        if (!at || path[len] == '\0')
            return (const struct json *)at;
        path += len + 1;
    }
}

const struct json *json_at(const struct json *array_or_object, size_t i)
{
    const cJSON *at = raw_const(array_or_object);
    at = cJSON_IsArray(at) || cJSON_IsObject(at) ? at->child : NULL;
    for (; at && i > 0; i--)
        at = at->next;
    return (const struct json *)at;
}

const struct json *json_next(const struct json *element)
{
    return element ? (const struct json *)raw_const(element)->next : NULL;
}

size_t json_count(const struct json *array_or_object)
{
    const cJSON *at = raw_const(array_or_object);
    if (!cJSON_IsArray(at) && !cJSON_IsObject(at))
        return 0;
    size_t n = 0;
    for (at = at->child; at; at = at->next)
        n++;
    return n;
}

const char *json_key(const struct json *member)
{
    return member ? raw_const(member)->string : NULL;
}

const char *json_string_of(const struct json *value)
{
    return cJSON_IsString(raw_const(value)) ? raw_const(value)->valuestring : NULL;
}

const char *json_text(const struct json *object, const char *path, const char *fallback)
{
    const char *text = json_string_of(json_get(object, path));
    return text ? text : fallback;
}

double json_number_of(const struct json *value, double fallback)
{
    return cJSON_IsNumber(raw_const(value)) ? raw_const(value)->valuedouble : fallback;
}

double json_number(const struct json *object, const char *path, double fallback)
{
    return json_number_of(json_get(object, path), fallback);
}

bool json_bool(const struct json *object, const char *path, bool fallback)
{
    const cJSON *value = raw_const(json_get(object, path));
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) != 0 : fallback;
}

enum json_kind json_kind_of(const struct json *value)
{
    static const struct {
        int type;
        enum json_kind kind;
    } rows[] = { { cJSON_NULL, JSON_NULL },     { cJSON_False, JSON_BOOL },
                 { cJSON_True, JSON_BOOL },     { cJSON_Number, JSON_NUMBER },
                 { cJSON_String, JSON_STRING }, { cJSON_Array, JSON_ARRAY },
                 { cJSON_Object, JSON_OBJECT } };
    for (size_t i = 0; value && i < ARRAY_LEN(rows); i++) {
        if ((raw_const(value)->type & 0xff) == rows[i].type)
            return rows[i].kind;
    }
    return JSON_ABSENT;
}

/* -- writing -- */

struct json *json_new_object(void)
{
    return (struct json *)cJSON_CreateObject();
}

struct json *json_new_array(void)
{
    return (struct json *)cJSON_CreateArray();
}

struct json *json_new_string(const char *text)
{
    return (struct json *)cJSON_CreateString(text);
}

void json_put(struct json *object, const char *key, struct json *child)
{
    cJSON *item = child ? raw(child) : cJSON_CreateNull();
    if (member(raw(object), key, strlen(key))) {
        (void)cJSON_ReplaceItemInObjectCaseSensitive(raw(object), key, item);
    } else {
        (void)cJSON_AddItemToObject(raw(object), key, item);
    }
}

void json_put_text(struct json *object, const char *key, const char *text)
{
    json_put(object, key, text ? json_new_string(text) : NULL);
}

void json_put_number(struct json *object, const char *key, double number)
{
    json_put(object, key, isfinite(number) ? (struct json *)cJSON_CreateNumber(number) : NULL);
}

void json_put_bool(struct json *object, const char *key, bool value)
{
    json_put(object, key, (struct json *)cJSON_CreateBool(value));
}

void json_append(struct json *array, struct json *child)
{
    (void)cJSON_AddItemToArray(raw(array), child ? raw(child) : cJSON_CreateNull());
}

struct json *json_copy(const struct json *value)
{
    return (struct json *)cJSON_Duplicate(raw_const(value), 1);
}

/* -- text -- */

static void print_string(struct buf *to, const char *text)
{
    size_t left = strlen(text);
    buf_char(to, '"');
    while (left > 0) {
        unsigned char c = (unsigned char)*text;
        size_t n = utf8_sequence(text, left);
        if (c == '"' || c == '\\') {
            buf_printf(to, "\\%c", c);
        } else if (c == '\n') {
            buf_str(to, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            buf_printf(to, "\\u%04x", c);
        } else if (n == 0) {
            buf_str(to, UTF8_REPLACEMENT);
        } else {
            buf_add(to, text, n);
        }
        n = n > 0 ? n : 1;
        text += n;
        left -= n;
    }
    buf_char(to, '"');
}

/* The shortest of 15 or 17 digits that reads back as the same number. */
static void print_number(struct buf *to, double number)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%.15g", number);
    if (strtod(text, NULL) != number)
        (void)snprintf(text, sizeof(text), "%.17g", number);
    buf_str(to, isfinite(number) ? text : "null");
}

static void print_value(struct buf *to, const cJSON *value)
{
    switch (json_kind_of((const struct json *)value)) {
    case JSON_BOOL:
        buf_str(to, cJSON_IsTrue(value) ? "true" : "false");
        break;
    case JSON_NUMBER:
        print_number(to, value->valuedouble);
        break;
    case JSON_STRING:
        print_string(to, value->valuestring);
        break;
    case JSON_ARRAY:
        buf_str(to, value->child ? "[" : "[]");
        break;
    case JSON_OBJECT:
        buf_str(to, value->child ? "{" : "{}");
        break;
    case JSON_ABSENT:
    case JSON_NULL:
        buf_str(to, "null");
        break;
    }
}

struct level {
    const cJSON *container;
};

struct printer {
    struct buf text;
    bool pretty;
    struct level *level; /* owned, depth entries: what is open around the value being printed */
    size_t depth;
};

static void line_break(struct printer *p)
{
    if (p->pretty)
        buf_printf(&p->text, "\n%*s", (int)(2 * p->depth), "");
}

static void print_key(struct printer *p, const cJSON *item)
{
    if (p->depth == 0 || !cJSON_IsObject(p->level[p->depth - 1].container))
        return;
    print_string(&p->text, item->string);
    buf_str(&p->text, p->pretty ? ": " : ":");
}

static const cJSON *descend(struct printer *p, const cJSON *into)
{
    p->level = mem_grow(p->level, p->depth + 1, sizeof(*p->level));
    p->level[p->depth++].container = into;
    line_break(p);
    return into->child;
}

/* The value behind @item, closing what ends with it; NULL at the end of all. */
static const cJSON *advance(struct printer *p, const cJSON *item)
{
    while (p->depth > 0 && !item->next) {
        item = p->level[--p->depth].container;
        line_break(p);
        buf_char(&p->text, cJSON_IsObject(item) ? '}' : ']');
    }
    if (p->depth == 0)
        return NULL;
    buf_char(&p->text, ',');
    line_break(p);
    return item->next;
}

char *json_print(const struct json *value, bool pretty)
{
    struct printer p = { .pretty = pretty };
    buf_init(&p.text, SIZE_MAX / 4); /* its maker bounds the value; memory bounds the text */
    const cJSON *item = raw_const(value);
    if (!item)
        buf_str(&p.text, "null");
    while (item) {
        print_key(&p, item);
        print_value(&p.text, item);
        item = item->child ? descend(&p, item) : advance(&p, item);
    }
    free(p.level);
    if (pretty)
        buf_char(&p.text, '\n');
    return buf_take(&p.text);
}
