/* SPDX-License-Identifier: Apache-2.0 */
/* Where a calibration goes: a file, or standard output. */
#ifndef CALIBRATE_OUTPUT_H
#define CALIBRATE_OUTPUT_H

#include "base/compiler.h"
#include "base/err.h"
#include "power/model_file.h"

#include <stdbool.h>
#include <stdio.h>

/* Is @path (/dev/stdout, say) what @out is? Then nothing else belongs there. */
bool output_is(const char *path, FILE *out);

/* What would fail after minutes of load fails before: -EISDIR, -EEXIST without @force, -EACCES ..
   Devices, pipes and @out are written to as they are. */
MUST_USE int output_check(const char *path, FILE *out, bool force, struct err *err);

/* 0 written; else the sentence. Points that make a model are never lost: where @path cannot be
   written, they are printed on @out, and the sentence says so. */
MUST_USE int output_write(const char *path, FILE *out, const struct model_file *m, struct err *err);

#endif
