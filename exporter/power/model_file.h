/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that `kepler-exporter calibrate` writes and --model reads: the power of one machine at
 * loads from 0 to 100 %, as its sensor told it (docs/model.schema.json).
 */
#ifndef POWER_MODEL_FILE_H
#define POWER_MODEL_FILE_H

#include "base/compiler.h"
#include "base/err.h"
#include "host/cpu.h"
#include "host/cpu_power.h"

#include <stddef.h>

#define MODEL_FILE_SCHEMA "kepler-model/1"
#define MODEL_POINTS_MAX  101

/* Real load of the lowest and the highest point, beyond which the ends of the curve would be a
   guess: of ten percent at rest, most of the watts are the load's. */
#define MODEL_USAGE_FIRST_MAX 0.10
#define MODEL_USAGE_LAST_MIN  0.95

struct model_point {
    double load;                          /* wanted, 0 .. 1 */
    double usage_ratio;                   /* as it was: run time of all tasks over CPUs x elapsed */
    double seconds;                       /* that it was held */
    double package_watts, package_stddev; /* of all sockets; deviation over its readings */
    double dram_watts, dram_stddev;       /* < 0: no such zone */
};

struct model_file {
    char vendor[16], cpu_model[96];
    int family, model, stepping;
    unsigned sockets, cores, threads;
    double memory_gb;
    char kernel[96], date[32], source[32], version[32]; /* date: RFC 3339, UTC */
    struct model_point
        point[MODEL_POINTS_MAX]; /* ascending by load; the first at 0, the last at 1 */
    size_t points;
    double residual_mean_ratio,
        residual_max_ratio; /* of the points to idle + (full-idle) x shape */
};

MUST_USE int model_file_parse(const char *text, size_t len, struct model_file *ret,
                              struct err *err);
MUST_USE int model_file_read(const char *path, struct model_file *ret, struct err *err);
/* As JSON into @ret_text (the caller frees). -EBADMSG if it makes no model. */
MUST_USE int model_file_print(const struct model_file *file, char **ret_text, struct err *err);
/* Whole or not at all: a temporary file beside it, fsynced, renamed. -EBADMSG as above. */
MUST_USE int model_file_write(const char *path, const struct model_file *file, struct err *err);

/* What its members together must be, each being right by itself; model_file_parse() asks it. */
MUST_USE int model_file_check(const struct model_file *file, struct err *err);
/* Its points in order of the load that they had. */
void model_file_by_usage(const struct model_file *file, struct model_point ret[MODEL_POINTS_MAX]);

/* -EINVAL if @file has watts that no machine with such a processor, of @tdp_watts a socket (0: of
   the table), can draw. */
MUST_USE int model_file_believe(const struct model_file *file, const char *path,
                                const struct cpu_facts *cpu, double tdp_watts, struct err *err);

/* Tier B' for a machine of this CPU model: watts go through the points, at the load that they had,
   along the generic shape. -EINVAL if @file is of another CPU model. */
MUST_USE int model_file_to_power(const struct model_file *file, const char *path,
                                 const struct cpu_facts *cpu, struct cpu_power *ret,
                                 struct err *err);

#endif
