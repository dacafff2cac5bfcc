/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config_keys.h"
#include "expose/http.h"
#include "expose/snapshot.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <strings.h>

#define DEFAULT_LISTEN ":28282" /* Kepler's */
#define KEY_LONGEST    64       /* bytes compared for a suggestion */

void config_init(struct config *c)
{
    *c = (struct config){
        .log_level = LOG_INFO,
        .interval_ns = 5 * NS_PER_SEC,
        .max_terminated = 500,
        .threshold_joules = 10,
        .power_source = mem_strdup("auto"),
        .ebpf = true,
        .prometheus = true,
        .levels = LEVEL_ALL,
    };
    c->listen = mem_new(1, sizeof(*c->listen));
    c->listen[0] = mem_strdup(DEFAULT_LISTEN);
    c->listens = 1;
}

static void free_texts(char **text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(text[i]);
    free((void *)text);
}

void config_done(struct config *c)
{
    char *const single[] = { c->procfs,     c->sysfs,        c->devfs,
                             c->root,       c->power_source, c->node_name,
                             c->web_config, c->found_file,   c->found_cpu,
                             c->model_file, c->server_url,   c->server_trainer,
                             c->server_ca,  c->server_cache, c->server_node_type };
    for (size_t i = 0; i < ARRAY_LEN(single); i++)
        free(single[i]);
    free_texts(c->listen, c->listens);
    free_texts(c->ignored_key, c->ignored_keys);
    free_texts(c->warning, c->warnings);
    *c = (struct config){ 0 };
}

void config_warn(struct config *c, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = mem_strdup("a warning that could not be written");
    va_end(args);
    c->warning = mem_grow((void *)c->warning, c->warnings + 1, sizeof(*c->warning));
    c->warning[c->warnings++] = text;
}

/* -- finding a key -- */

/* "a.b[3]": the length of "a.b", and 3; -1 where there is no index at the end. */
static size_t split_index(const char *path, long *ret_index)
{
    size_t n = strlen(path);
    const char *open = n && path[n - 1] == ']' ? strrchr(path, '[') : NULL;
    *ret_index = -1;
    if (!open)
        return n;
    *ret_index = strtol(open + 1, NULL, 10);
    return (size_t)(open - path);
}

static bool is_match(const struct config_key *key, const char *path, size_t n, bool in_list)
{
    size_t k = strlen(key->path);
    if (k > 1 && key->path[k - 1] == '*')
        return strncmp(path, key->path, k - 1) == 0;
    return k == n && strncmp(path, key->path, n) == 0 && (key->is_list || !in_list);
}

static const struct config_key *find_key(const char *path, bool *ret_first, bool *ret_empty_list)
{
    long index;
    size_t n = split_index(path, &index);
    for (size_t i = 0; i < config_keys_count; i++) {
        if (!is_match(&config_keys[i], path, n, index >= 0))
            continue;
        *ret_first = index <= 0;
        *ret_empty_list = config_keys[i].is_list && index < 0;
        return &config_keys[i];
    }
    return NULL;
}

/* Edits (Levenshtein) between two keys, letters of either case equal. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[KEY_LONGEST + 1];
    size_t n = strnlen(b, KEY_LONGEST);
    for (unsigned k = 0; k <= n; k++)
        row[k] = k;
    for (unsigned i = 0; a[i]; i++) {
        unsigned diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < n; k++) {
            bool same = tolower((unsigned char)a[i]) == tolower((unsigned char)b[k]);
            unsigned best = diagonal + !same;
            diagonal = row[k + 1];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k + 1] = diagonal + 1 < best ? diagonal + 1 : best;
        }
    }
    return row[n];
}

const char *config_nearest_key(const char *path)
{
    const char *nearest = NULL;
    size_t length = strlen(path);
    if (length > KEY_LONGEST)
        return NULL;
    unsigned best = (unsigned)(length / 3) + 1; /* farther away it is another word */
    for (size_t i = 0; i < config_keys_count; i++) {
        unsigned d = distance(path, config_keys[i].path);
        if (d < best) {
            best = d;
            nearest = config_keys[i].path;
        }
    }
    return nearest;
}

/* -- applying -- */

int config_set(struct config *c, const char *path, const char *value, bool by_person,
               struct err *err)
{
    bool first = true;
    bool empty_list = false;
    const struct config_key *key = find_key(path, &first, &empty_list);
    if (!key)
        return err_set(err, -ENOENT, "%s is no setting", path);
    bool is_none = empty_list && !value[0]; /* "zones: []", "zones:" */
    int rc = key->set_below ? key->set_below(c, path + strlen(key->path) - 1, value)
                            : key->set(c, key, is_none ? NULL : value, first);
    if (rc < 0) {
        return err_set(err, -EINVAL, "%s: \"%s\" cannot be used: it must be %s", path, value,
                       key->may_be);
    }
    if (strcmp(path, "power.source") == 0)
        c->power_source_strict = by_person && strcmp(value, "auto") != 0;
    c->ebpf_strict = c->ebpf_strict && (by_person || strcmp(path, "accounting.source") != 0);
    return 0;
}

static void warn_unknown(struct config *c, const struct yaml_item *item)
{
    const char *nearest = config_nearest_key(item->path);
    config_warn(c, "unknown key %s is ignored%s%s%s", item->path, nearest ? "; did you mean " : "",
                nearest ? nearest : "", nearest ? "?" : "");
}

/* "monitor:" with nothing below it. */
static bool is_section(const char *path)
{
    size_t n = strlen(path);
    for (size_t i = 0; i < config_keys_count; i++) {
        if (strncmp(config_keys[i].path, path, n) == 0 && config_keys[i].path[n] == '.')
            return true;
    }
    return false;
}

/* Whether @path goes on after the key @to: "log.level[0]", "monitor.interval.a" of "log.level" ...
 */
static bool is_below(const char *path, const char *to)
{
    size_t n = strlen(to);
    return strncmp(path, to, n) == 0 && (path[n] == '[' || path[n] == '.');
}

/* A known name with a value of another shape is no unknown key: what the person meant would be
   lost. -EINVAL and the sentence, 0 if the name is unknown. */
static int check_shape(const char *path, struct err *err)
{
    if (!path[0] || path[0] == '[') {
        return err_set(err, -EINVAL,
                       "a map of settings must stand here, such as \"log: {level: info}\"");
    }
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *key = &config_keys[i];
        if (is_below(path, key->path)) {
            return err_set(err, -EINVAL, "%s cannot be %s: it must be %s", key->path,
                           path[strlen(key->path)] == '.' ? "a map"
                           : key->is_list                 ? "a list of lists or maps"
                                                          : "a list",
                           key->may_be);
        }
    }
    AUTO_STR name = mem_strdup(path);
    name[strcspn(name, "[")] = '\0';
    if (!is_section(name))
        return 0;
    return err_set(err, -EINVAL, "%s has settings below it: a map must stand here, no %s", name,
                   strchr(path, '[') ? "list" : "single value");
}

/* A key without a value leaves the setting as it is, as in Kepler. A list is emptied by it. */
static bool says_nothing(const struct yaml_item *item)
{
    bool first;
    bool empty_list = false;
    if (item->value[0] || item->quoted)
        return false;
    const struct config_key *key = find_key(item->path, &first, &empty_list);
    return key ? !empty_list : is_section(item->path);
}

static int apply_item(struct config *c, const struct yaml_item *item, const char *origin,
                      bool by_person, struct err *err)
{
    size_t warned = c->warnings;
    int rc = config_set(c, item->path, item->value, by_person, err);
    if (rc == -ENOENT) {
        rc = check_shape(item->path, err);
        if (rc == 0)
            warn_unknown(c, item);
    }
    if (rc < 0 && !by_person) { /* a probe may know sources that this exporter does not */
        config_warn(c, "%s", err->text);
        rc = 0;
    }
    if (rc < 0)
        err_prefix(err, "%s: line %u, column %u", origin, item->line, item->column);
    for (size_t i = warned; i < c->warnings; i++) {
        AUTO_STR bare = c->warning[i];
        c->warning[i] = mem_printf("%s: line %u, column %u: %s", origin, item->line, item->column,
                                   bare);
    }
    return rc;
}

int config_apply(struct config *c, const struct yaml_doc *doc, const char *origin, bool by_person,
                 struct err *err)
{
    for (size_t i = 0; i < doc->n; i++) {
        if (says_nothing(&doc->item[i]))
            continue;
        int rc = apply_item(c, &doc->item[i], origin, by_person, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int config_check(const struct config *c, struct err *err)
{
    static const char sentence[] = "TLS is not in this version, and metrics that were meant to be "
                                   "encrypted are not served plain: ";
    if (c->web_config && c->web_config[0]) {
        return err_set(err, -ENOTSUP, "%stake web.configFile (%s) out, or put a TLS proxy in front",
                       sentence, c->web_config);
    }
    for (size_t i = 0; i < c->listens; i++) {
        if (strncasecmp(c->listen[i], "https://", 8) == 0) {
            return err_set(err, -ENOTSUP, "%slisten on http:// instead of %s, behind a TLS proxy",
                           sentence, c->listen[i]);
        }
        struct http_address address;
        int rc = http_address_parse(c->listen[i], &address, err);
        if (rc < 0)
            return rc;
    }
    if (!c->prometheus && !c->to_stdout) {
        return err_set(err, -EINVAL,
                       "exporter.prometheus.enabled and exporter.stdout.enabled are both false: "
                       "nothing would be exported; set one of them to true");
    }
    return 0;
}
