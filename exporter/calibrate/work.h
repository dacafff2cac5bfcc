/* SPDX-License-Identifier: Apache-2.0 */
/* What a loaded CPU does: integer, floating point and memory in turn, since a bare spin draws less
   than programs do. */
#ifndef CALIBRATE_WORK_H
#define CALIBRATE_WORK_H

#include <stddef.h>
#include <stdint.h>

#define WORK_WORDS                                                             \
 ((size_t)1 << 18) /* 2 MiB a thread: past its own caches, into the shared one \
                    */

struct work {
    uint64_t *word;   /* owned, WORK_WORDS of them */
    double number[8]; /* independent chains, so that the units are kept busy */
    uint64_t hash;
    size_t at;
};

void work_init(struct work *w, uint64_t seed);
void work_done(struct work *w);

/* A few tens of microseconds of it: what a thread may overrun its time by. Returns a value that
   depends on all that was computed. */
uint64_t work_some(struct work *w);

#endif
