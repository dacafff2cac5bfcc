/* SPDX-License-Identifier: Apache-2.0 */
/* The last reply of a model server that was of use, on disk: one JSON file for each server, machine
   and trainer. */
#ifndef POWER_MODEL_CACHE_H
#define POWER_MODEL_CACHE_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/json.h"

#include <time.h>

/* DIR/model-HASH.json; @key says whose it is (address, machine, what was asked) and stands in the
   file. The caller frees. */
char *model_cache_path(const char *dir, const char *key);

/* Makes the folder (not its parents) where it is missing. */
MUST_USE int model_cache_write(const char *path, const char *key, const struct json *reply,
                               time_t now, struct err *err);

struct model_cached {
    struct json *reply; /* owned: json_free() */
    double age_seconds; /* never negative */
};
/* -ENOENT: no such file; else what is wrong with it (another's, cut, no JSON). */
MUST_USE int model_cache_read(const char *path, const char *key, time_t now,
                              struct model_cached *ret, struct err *err);

#endif
