/* SPDX-License-Identifier: Apache-2.0 */
/* A machine whose files an input writes: one line, one file. */
#ifndef TESTS_FUZZ_TREE_H
#define TESTS_FUZZ_TREE_H

#include "../unit/tree.h"
#include "fuzz.h"

static struct tree fuzz_root;

static inline void fuzz_tree_remove(void)
{
    tree_remove(&fuzz_root);
}

/* The same for all inputs, made for the first, removed when the program ends. */
static inline const struct tree *fuzz_tree(void)
{
    if (fuzz_root.path[0] == '\0') {
        tree_make(&fuzz_root);
        (void)atexit(fuzz_tree_remove);
    }
    return &fuzz_root;
}

/* With its line end; what is left, if there is none. */
static inline size_t fuzz_line_length(const uint8_t *data, size_t size)
{
    const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
    return newline ? (size_t)(newline - data) + 1 : size;
}

#endif
