/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/table.h"

#include "base/alloc.h"

struct identity {
    uint64_t pid, start_ns; /* no padding: uthash compares bytes */
};

/* pid and start time, mixed as the finalizer of splitmix64 does: uthash's own hash is made for
   text, and its switch falls through in a way that clang warns of. */
static unsigned identity_hash(const struct identity *key)
{
    uint64_t h = key->pid * UINT64_C(0x9E3779B97F4A7C15) ^ key->start_ns;
    h = (h ^ (h >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (unsigned)(h ^ (h >> 31));
}

#define HASH_FUNCTION(key, len, hash) ((hash) = identity_hash(key))
#define uthash_malloc(size)           mem_new(1, size)
#define uthash_free(ptr, size)        free(ptr)
#include <uthash.h>

struct slot {
    struct tracked tracked; /* first: a slot is found from it by a cast */
    struct identity key;
    UT_hash_handle hh;
};

struct process_table {
    struct slot *hash;
    struct slot **slot; /* dense, in no order */
    size_t n, room, limit;
    struct process **list; /* the last process_table_list() */
    size_t list_room;
};

struct process_table *process_table_new(size_t limit)
{
    struct process_table *t = mem_new(1, sizeof(*t));
    t->limit = limit;
    return t;
}

/* uthash is macros: what they expand to is counted as ours.
   NOLINTBEGIN(readability-function-cognitive-complexity,readability-function-size,bugprone-assignment-in-if-condition)
 */
struct tracked *process_table_find(const struct process_table *t, uint32_t pid, uint64_t start_ns)
{
    const struct identity key = { pid, start_ns };
    struct slot *s = NULL;
    HASH_FIND(hh, t->hash, &key, sizeof(key), s);
    return s ? &s->tracked : NULL;
}

struct tracked *process_table_add(struct process_table *t, uint32_t pid, uint64_t start_ns)
{
    if (t->n >= t->limit)
        return NULL;
    if (t->n == t->room) {
        t->room = t->room ? t->room * 2 : 256;
        t->slot = (struct slot **)mem_grow((void *)t->slot, t->room, sizeof(struct slot *));
    }
    struct slot *s = mem_new(1, sizeof(*s));
    s->tracked.process.pid = pid;
    s->tracked.process.start_ns = start_ns;
    s->tracked.process.exe = mem_strdup("");
    s->tracked.index = t->n;
    s->key = (struct identity){ pid, start_ns };
    HASH_ADD(hh, t->hash, key, sizeof(s->key), s);
    t->slot[t->n++] = s;
    return &s->tracked;
}

static void free_slot(struct slot *s)
{
    free(s->tracked.process.exe);
    free(s);
}

void process_table_remove(struct process_table *t, struct tracked *p)
{
    struct slot *s = (struct slot *)p;
    HASH_DELETE(hh, t->hash, s);
    struct slot *last = t->slot[--t->n];
    last->tracked.index = p->index;
    t->slot[p->index] = last;
    free_slot(s);
}

/* NOLINTEND(readability-function-cognitive-complexity,readability-function-size,bugprone-assignment-in-if-condition)
 */

size_t process_table_count(const struct process_table *t)
{
    return t->n;
}

struct tracked *process_table_at(const struct process_table *t, size_t index)
{
    return &t->slot[index]->tracked;
}

struct process **process_table_list(struct process_table *t, size_t *ret_n)
{
    if (t->list_room < t->n) {
        t->list_room = t->room;
        t->list = (struct process **)mem_grow((void *)t->list, t->list_room,
                                              sizeof(struct process *));
    }
    for (size_t i = 0; i < t->n; i++)
        t->list[i] = &t->slot[i]->tracked.process;
    *ret_n = t->n;
    return t->list;
}

void process_table_free(struct process_table *t)
{
    if (!t)
        return;
    HASH_CLEAR(hh, t->hash);
    for (size_t i = 0; i < t->n; i++)
        free_slot(t->slot[i]);
    free((void *)t->slot);
    free((void *)t->list);
    free(t);
}
