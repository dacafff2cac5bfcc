/* SPDX-License-Identifier: Apache-2.0 */
/* What libFuzzer calls, and replay.c in its place. A target aborts when an invariant breaks. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_want(bool invariant)
{
    if (!invariant)
        abort();
}

/* The input as a text, NUL-terminated; the caller frees (AUTO_STR). */
static inline char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    fuzz_want(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

#endif
