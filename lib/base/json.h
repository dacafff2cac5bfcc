/* SPDX-License-Identifier: Apache-2.0 */
/* JSON read and written; the only user of cJSON is json.c. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/compiler.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct json; /* a value and all below it; a root is owned by who made it: json_free() */

/* The whole text is one value, or the error names line and column. NULL on failure. */
MUST_USE struct json *json_parse(const char *text, size_t len, struct err *err);
void json_free(struct json *root);

/* -- reading; every function takes NULL as "absent" -- */

/* Member at a dotted path ("power.bounds.low"), NULL if absent. Borrowed from @object. */
const struct json *json_get(const struct json *object, const char *path);
const struct json *json_at(const struct json *array_or_object, size_t i); /* NULL past the end */
const struct json *json_next(const struct json *element); /* the one behind it, NULL at the end */
size_t json_count(const struct json *array_or_object);    /* 0 for another kind */
const char *json_key(const struct json *member);          /* its name, NULL for an element */

/* The value at @path, or @fallback if it is absent or of another kind. Borrowed. */
const char *json_text(const struct json *object, const char *path, const char *fallback);
double json_number(const struct json *object, const char *path, double fallback);
bool json_bool(const struct json *object, const char *path, bool fallback);
const char *json_string_of(const struct json *value); /* NULL if it is no string */
double json_number_of(const struct json *value, double fallback);

enum json_kind {
    JSON_ABSENT,
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};
enum json_kind json_kind_of(const struct json *value);

/* -- writing; a child is owned by its parent once it is put there -- */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_string(const char *text);
void json_put(struct json *object, const char *key,
              struct json *child); /* replaces; NULL child: null */
void json_put_text(struct json *object, const char *key, const char *text); /* NULL text: null */
void json_put_number(struct json *object, const char *key, double number);  /* not finite: null */
void json_put_bool(struct json *object, const char *key, bool value);
void json_append(struct json *array, struct json *child);
struct json *json_copy(const struct json *value);

/* Text the caller frees. Indented by two blanks if @pretty, with a final newline then. */
char *json_print(const struct json *value, bool pretty);

static inline void json_free_auto(struct json **p)
{
    json_free(*p);
}
#define AUTO_JSON CLEANUP(json_free_auto) struct json *

#endif
