/* SPDX-License-Identifier: Apache-2.0 */
#include "power/model_cache.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <sys/stat.h>

#define SCHEMA     "kepler-model-cache/1"
#define SIZE_LIMIT ((size_t)2 << 20) /* a reply has at most 1 MiB */

char *model_cache_path(const char *dir, const char *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a, 64 bits */
    for (const char *c = key; *c; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    return mem_printf("%s/model-%016" PRIx64 ".json", dir, hash);
}

static int make_folder_of(const char *path, struct err *err)
{
    AUTO_STR dir = mem_strdup(path);
    char *slash = strrchr(dir, '/');
    if (!slash || slash == dir)
        return 0;
    *slash = '\0';
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        return err_set(err, -errno, "cannot make the folder %s: %s", dir, strerror(errno));
    return 0;
}

int model_cache_write(const char *path, const char *key, const struct json *reply, time_t now,
                      struct err *err)
{
    int code = make_folder_of(path, err);
    if (code < 0)
        return code;
    AUTO_JSON root = json_new_object();
    json_put_text(root, "schema", SCHEMA);
    json_put_text(root, "of", key);
    json_put_number(root, "saved_at", (double)now);
    json_put(root, "reply", json_copy(reply));
    AUTO_STR text = json_print(root, true);
    return file_replace(path, text, strlen(text), 0644, err);
}

static int check(const struct json *root, const char *key, struct err *err)
{
    const char *schema = json_text(root, "schema", "");
    const char *of = json_text(root, "of", "");
    if (strcmp(schema, SCHEMA) != 0)
        return err_set(err, -EBADMSG, "its schema is \"%.60s\", not " SCHEMA, schema);
    if (strcmp(of, key) != 0)
        return err_set(err, -EBADMSG, "it is of \"%.120s\", not of \"%.120s\"", of, key);
    if (json_kind_of(json_get(root, "reply")) != JSON_OBJECT)
        return err_set(err, -EBADMSG, "there is no reply in it");
    if (!(json_number(root, "saved_at", 0) > 0))
        return err_set(err, -EBADMSG, "it does not say when it was saved");
    return 0;
}

int model_cache_read(const char *path, const char *key, time_t now, struct model_cached *ret,
                     struct err *err)
{
    AUTO_BUF text;
    buf_init(&text, SIZE_LIMIT);
    int code = file_read(path, &text, err);
    if (code < 0)
        return code;
    AUTO_JSON root = json_parse(buf_text(&text), text.len, err);
    code = root ? check(root, key, err) : -EBADMSG;
    if (code < 0) {
        err_prefix(err, "%s", path);
        return code;
    }
    ret->reply = json_copy(json_get(root, "reply"));
    ret->age_seconds = fmax(0, (double)now - json_number(root, "saved_at", 0));
    return 0;
}
