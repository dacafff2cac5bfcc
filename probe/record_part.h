/* SPDX-License-Identifier: Apache-2.0 */
/* Between record.c, which writes a dump, and record_power.c, which knows the energy sensors. */
#ifndef PROBE_RECORD_PART_H
#define PROBE_RECORD_PART_H

#include "base/compiler.h"
#include "base/err.h"
#include "check/check.h"

struct recorder {
    const struct probe *p;
    const char *dir;
    int code; /* the first failure; nothing is written after it */
    struct err *err;
};

/* "cannot @what @path for --record". */
void recorder_fail(struct recorder *r, const char *what, const char *path, int code);

/* Makes the folders above @path (which begins with the dump's folder). */
void recorder_parents(struct recorder *r, char *path);

/* Writes a file; @path as on the machine. */
PRINTF_LIKE(3, 4) void recorder_text(struct recorder *r, const char *path, const char *format, ...);

/* A file that is not there is not there in the dump either. */
void recorder_copy(struct recorder *r, const char *path);

/* -- record_power.c -- */
void record_sensors(struct recorder *r);  /* what the energy drivers look at */
void record_readings(struct recorder *r); /* both readings of every counter, as they were taken */

#endif
