/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <yaml.h>

#define TEXT_LIMIT  ((size_t)1024 * 1024)
#define DEPTH_LIMIT 32
#define LEAF_LIMIT  4096
#define PATH_LIMIT  4096

/* A map or list that is open around what is being read. */
struct frame {
    bool list;
    size_t items;     /* read so far; a list's next index */
    yaml_mark_t mark; /* where the item now read begins */
    char **key;       /* a map's keys, items + (1 if its value is being read); owned */
    bool has_key;     /* a map's value comes next, key[items] names it */
};

struct reader {
    const char *text;
    size_t len;
    struct yaml_doc doc;
    struct frame frame[DEPTH_LIMIT];
    size_t depth;
    unsigned documents;
    struct err *err;
};

static void reader_done(struct reader *r)
{
    yaml_done(&r->doc);
    for (size_t i = 0; i < r->depth; i++) {
        for (size_t k = 0; k < r->frame[i].items + r->frame[i].has_key && !r->frame[i].list; k++)
            free(r->frame[i].key[k]);
        free(r->frame[i].key);
    }
}

static struct frame *top(struct reader *r)
{
    return r->depth > 0 ? &r->frame[r->depth - 1] : NULL;
}

PRINTF_LIKE(3, 4)
static int refuse(struct reader *r, const yaml_mark_t *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    AUTO_STR what = NULL;
    if (vasprintf(&what, format, args) < 0)
        what = NULL;
    va_end(args);
    return err_set(r->err, -EBADMSG, "line %zu, column %zu: %s", at->line + 1, at->column + 1,
                   what ? what : "refused");
}

/* "web.listenAddresses[0]"; the caller frees. */
static char *path_of(const struct reader *r)
{
    AUTO_BUF path;
    buf_init(&path, PATH_LIMIT);
    for (size_t i = 0; i < r->depth; i++) {
        const struct frame *f = &r->frame[i];
        if (f->list) {
            buf_printf(&path, "[%zu]", f->items);
        } else {
            buf_printf(&path, "%s%s", path.len > 0 ? "." : "", f->key[f->items]);
        }
    }
    return path.full ? NULL : buf_take(&path);
}

static int add_leaf(struct reader *r, const char *value, bool quoted, const yaml_mark_t *at)
{
    if (r->doc.n == LEAF_LIMIT)
        return refuse(r, at, "more than %d settings", LEAF_LIMIT);
    AUTO_STR path = path_of(r);
    if (!path)
        return refuse(r, at, "the path of keys to here is longer than %d bytes", PATH_LIMIT);
    r->doc.item = mem_grow(r->doc.item, r->doc.n + 1, sizeof(*r->doc.item));
    r->doc.item[r->doc.n++] = (struct yaml_item){ .path = mem_strdup(path),
                                                  .value = mem_strdup(value),
                                                  .quoted = quoted,
                                                  .line = (unsigned)at->line + 1,
                                                  .column = (unsigned)at->column + 1 };
    return 0;
}

/* Where the value that begins at @start is said to be: at its key, if it has one. */
static yaml_mark_t place_of(struct reader *r, const yaml_mark_t *start)
{
    struct frame *f = top(r);
    return f && !f->list ? f->mark : *start;
}

static void value_ended(struct reader *r)
{
    struct frame *f = top(r);
    if (!f)
        return;
    f->items++;
    f->has_key = false;
}

static int on_key(struct reader *r, const char *key, const yaml_mark_t *at)
{
    struct frame *f = top(r);
    for (size_t i = 0; i < f->items; i++) {
        if (strcmp(f->key[i], key) == 0)
            return refuse(r, at, "the key \"%.100s\" stands here for the second time", key);
    }
    if (f->items == LEAF_LIMIT)
        return refuse(r, at, "more than %d settings", LEAF_LIMIT);
    f->key = mem_grow(f->key, f->items + 1, sizeof(f->key[0]));
    f->key[f->items] = mem_strdup(key);
    f->has_key = true;
    f->mark = *at;
    return 0;
}

/* YAML 1.2.2, section 10.3.2: what a plain scalar means null by. */
static bool is_null(const char *plain)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strcmp(plain, words[i]) == 0)
            return true;
    }
    return false;
}

static int on_scalar(struct reader *r, const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    const struct frame *f = top(r);
    if (strlen(text) != e->data.scalar.length)
        return refuse(r, &e->start_mark, "a zero byte in a text");
    if (f && !f->list && !f->has_key)
        return on_key(r, text, &e->start_mark);

    bool quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    yaml_mark_t at = place_of(r, &e->start_mark);
    int code = add_leaf(r, !quoted && is_null(text) ? "" : text, quoted, &at);
    value_ended(r);
    return code;
}

static int on_open(struct reader *r, const yaml_event_t *e, bool list)
{
    const struct frame *f = top(r);
    if (f && !f->list && !f->has_key)
        return refuse(r, &e->start_mark, "a map or list cannot be a key");
    if (r->depth == DEPTH_LIMIT)
        return refuse(r, &e->start_mark, "nested deeper than %d levels", DEPTH_LIMIT);
    yaml_mark_t at = place_of(r, &e->start_mark);
    r->frame[r->depth++] = (struct frame){ .list = list, .mark = at };
    return 0;
}

static int on_close(struct reader *r)
{
    struct frame closed = r->frame[--r->depth];
    int code = closed.items == 0 ? add_leaf(r, "", false, &closed.mark) : 0;
    for (size_t i = 0; i < closed.items && !closed.list; i++)
        free(closed.key[i]);
    free(closed.key);
    value_ended(r);
    return code;
}

static int on_document(struct reader *r, const yaml_event_t *e)
{
    if (r->documents++ > 0)
        return refuse(r, &e->start_mark, "a second document begins here; only one is read");
    return 0;
}

/* What YAML has and a configuration needs not: aliases, and tags on any value. */
static int check_plain(struct reader *r, const yaml_event_t *e)
{
    const yaml_char_t *tag = e->type == YAML_SCALAR_EVENT           ? e->data.scalar.tag
                             : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.tag
                             : e->type == YAML_MAPPING_START_EVENT  ? e->data.mapping_start.tag
                                                                    : NULL;
    if (tag) {
        return refuse(r, &e->start_mark, "tags (%s) are not understood; write the value alone",
                      (const char *)tag);
    }
    if (e->type == YAML_ALIAS_EVENT) {
        return refuse(r, &e->start_mark, "aliases (*%s) are not understood; write the value out",
                      (const char *)e->data.alias.anchor);
    }
    return 0;
}

static int on_event(struct reader *r, const yaml_event_t *e)
{
    if (e->type == YAML_DOCUMENT_START_EVENT)
        return on_document(r, e);
    if (e->type == YAML_SCALAR_EVENT)
        return on_scalar(r, e);
    if (e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT)
        return on_open(r, e, e->type == YAML_SEQUENCE_START_EVENT);
    if (e->type == YAML_SEQUENCE_END_EVENT || e->type == YAML_MAPPING_END_EVENT)
        return on_close(r);
    return 0;
}

/* Whether a tab stands at @at; a mark's index counts characters. */
static bool is_tab(const char *text, size_t len, const yaml_mark_t *at)
{
    size_t characters = 0;
    for (size_t i = 0; i < len; i++) {
        characters += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (characters > at->index)
            return text[i] == '\t';
    }
    return false;
}

/* The reader of bytes knows an offset only, no mark. */
static yaml_mark_t mark_of_offset(const char *text, size_t offset)
{
    yaml_mark_t at = { 0 };
    for (size_t i = 0; i < offset; i++) {
        at.line += text[i] == '\n';
        at.column = text[i] == '\n' ? 0 : at.column + 1;
    }
    return at;
}

static int syntax_error(struct reader *r, const yaml_parser_t *parser)
{
    yaml_mark_t at = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR)
        at = mark_of_offset(r->text, parser->problem_offset);
    if (parser->error == YAML_SCANNER_ERROR && is_tab(r->text, r->len, &at)) {
        return refuse(r, &at,
                      "a tab where only spaces may stand; YAML is indented by spaces: put "
                      "spaces in its place");
    }
    if (parser->context)
        return refuse(r, &at, "%s (%s)", parser->problem, parser->context);
    return refuse(r, &at, "%s", parser->problem ? parser->problem : "this is not YAML");
}

static int read_all(struct reader *r, yaml_parser_t *parser)
{
    for (;;) {
        CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };
        if (!yaml_parser_parse(parser, &event))
            return syntax_error(r, parser);
        int code = check_plain(r, &event);
        if (code == 0)
            code = on_event(r, &event);
        if (code < 0 || event.type == YAML_STREAM_END_EVENT)
            return code;
    }
}

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* libyaml would count it as a column */

int yaml_parse(const char *text, size_t len, struct yaml_doc *ret, struct err *err)
{
    size_t mark = sizeof(BYTE_ORDER_MARK) - 1;
    if (len >= mark && memcmp(text, BYTE_ORDER_MARK, mark) == 0) {
        text += mark;
        len -= mark;
    }
    if (len > TEXT_LIMIT) {
        return err_set(err, -EFBIG, "line 1, column 1: %zu bytes of text; at most %zu are read",
                       len, TEXT_LIMIT);
    }
    CLEANUP(yaml_parser_delete) yaml_parser_t parser = { 0 };
    if (!yaml_parser_initialize(&parser))
        return err_set(err, -ENOMEM, "line 1, column 1: no memory to read this");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);

    CLEANUP(reader_done) struct reader r = { .text = text, .len = len, .err = err };
    int code = read_all(&r, &parser);
    if (code < 0)
        return code;
    *ret = r.doc;
    r.doc = (struct yaml_doc){ 0 };
    return 0;
}

void yaml_done(struct yaml_doc *doc)
{
    for (size_t i = 0; i < doc->n; i++) {
        free(doc->item[i].path);
        free(doc->item[i].value);
    }
    free(doc->item);
    *doc = (struct yaml_doc){ 0 };
}
