/* SPDX-License-Identifier: Apache-2.0 */
#include "calibrate/work.h"

#include "base/alloc.h"
#include "base/compiler.h"

#include <stdlib.h>

#define INTEGER_STEPS 4096
#define FLOAT_STEPS   1024
#define MEMORY_WORDS  2048 /* 16 KiB read and written */

void work_init(struct work *w, uint64_t seed)
{
    *w = (struct work){ .hash = seed | 1 };
    w->word = mem_new(WORK_WORDS, sizeof(*w->word));
    for (size_t i = 0; i < ARRAY_LEN(w->number); i++)
        w->number[i] = 1.0 + (double)i / 8;
}

void work_done(struct work *w)
{
    free(w->word);
    w->word = NULL;
}

/* Multiplications, shifts and additions that each need the one before (splitmix64, Steele et al.,
   OOPSLA 2014). */
static uint64_t integers(uint64_t hash)
{
    for (int i = 0; i < INTEGER_STEPS; i++) {
        hash += UINT64_C(0x9e3779b97f4a7c15);
        hash = (hash ^ hash >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        hash = (hash ^ hash >> 27) * UINT64_C(0x94d049bb133111eb);
    }
    return hash;
}

/* Eight chains of x -> x * a + b, that stay near b / (1 - a). */
static void floats(double number[8])
{
    for (int i = 0; i < FLOAT_STEPS; i++) {
        for (size_t k = 0; k < 8; k++)
            number[k] = number[k] * 0.999 + 0.0015;
    }
}

static uint64_t memory(struct work *w)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < MEMORY_WORDS; i++) {
        uint64_t *word = &w->word[(w->at + i) % WORK_WORDS];
        sum += *word;
        *word += w->hash ^ i;
    }
    w->at = (w->at + MEMORY_WORDS) % WORK_WORDS;
    return sum;
}

uint64_t work_some(struct work *w)
{
    w->hash = integers(w->hash);
    floats(w->number);
    w->hash += memory(w) + (uint64_t)(w->number[w->hash % 8] * 1e6);
    return w->hash;
}
