/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees of a calibration under way, on standard error: a bar where that is a terminal,
   else one line a step. */
#ifndef CALIBRATE_PROGRESS_H
#define CALIBRATE_PROGRESS_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *to;
    bool is_terminal;
    uint64_t begin_ns, total_ns; /* CLOCK_MONOTONIC */
    uint64_t drawn_ns;           /* 0: there is no bar on the screen */
};

void progress_init(struct progress *p, FILE *to, uint64_t total_ns);

/* Draws the bar anew, at most four times a second; nothing where @to is no terminal. */
void progress_show(struct progress *p, uint64_t now_ns, const char *what);

/* A line that stays, in place of the bar. */
PRINTF_LIKE(2, 3) void progress_say(struct progress *p, const char *format, ...);

/* Takes the bar off the screen. */
void progress_clear(struct progress *p);

/* Pure: "[#####.....]  45 %  WHAT, 1 min 20 s left", at most @width columns; without the bar where
   it does not fit. */
#define PROGRESS_LINE_SIZE 256
void progress_line(double done_ratio, uint64_t left_ns, const char *what, size_t width,
                   char ret[PROGRESS_LINE_SIZE]);

#endif
