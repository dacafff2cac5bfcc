/* SPDX-License-Identifier: Apache-2.0 */
#include "host/hwmon_choice.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

/* Sensors of one zone that tell one figure together: one a socket, or the parts of each socket. */
struct group {
    const struct hwmon_candidates *all;
    enum energy_zone zone;
    uint64_t key; /* the lower the better */
};

static uint64_t key_of(const struct hwmon_candidate *c)
{
    return ((uint64_t)c->kind << 32) | c->meaning.rank;
}

static bool is_in(const struct group *g, const struct hwmon_candidate *c)
{
    return c->meaning.zone == g->zone && key_of(c) == g->key;
}

/* The best group of @zone that is worse than @last; false: none. */
static bool next_group(const struct hwmon_candidates *all, enum energy_zone zone, int64_t last,
                       struct group *ret)
{
    bool found = false;
    for (size_t i = 0; i < all->n; i++) {
        const struct hwmon_candidate *c = &all->at[i];
        int64_t key = (int64_t)key_of(c);
        if (c->meaning.zone != zone || key <= last || (found && key >= (int64_t)ret->key))
            continue;
        *ret = (struct group){ .all = all, .zone = zone, .key = (uint64_t)key };
        found = true;
    }
    return found;
}

static const struct hwmon_candidate *unreadable_of(const struct group *g)
{
    for (size_t i = 0; i < g->all->n; i++) {
        if (is_in(g, &g->all->at[i]) && g->all->at[i].code < 0)
            return &g->all->at[i];
    }
    return NULL;
}

static bool has_part(const struct group *g, int socket, unsigned part)
{
    for (size_t i = 0; i < g->all->n; i++) {
        const struct hwmon_candidate *c = &g->all->at[i];
        if (is_in(g, c) && c->counter.socket == socket && c->meaning.part == part)
            return true;
    }
    return false;
}

static bool is_whole_socket(const struct group *g, int socket, unsigned parts)
{
    for (unsigned part = 0; part < parts; part++) {
        if (!has_part(g, socket, part))
            return false;
    }
    return true;
}

static bool is_first_of_socket(const struct group *g, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (is_in(g, &g->all->at[i]) &&
            g->all->at[i].counter.socket == g->all->at[index].counter.socket)
            return false;
    }
    return true;
}

/* Sockets that the group tells whole; *ret_general: the group is known by labels alone. */
static unsigned sockets_of(const struct group *g, bool *ret_general)
{
    unsigned sockets = 0;
    for (size_t i = 0; i < g->all->n; i++) {
        const struct hwmon_candidate *c = &g->all->at[i];
        if (!is_in(g, c) || !is_first_of_socket(g, i))
            continue;
        *ret_general = c->meaning.general;
        sockets += g->all->filtered || is_whole_socket(g, c->counter.socket, c->meaning.parts);
    }
    return sockets;
}

/* Sensors of the group; @ret_named: a label among them has a socket's number. */
static size_t members_of(const struct group *g, bool *ret_named)
{
    size_t members = 0;
    *ret_named = false;
    for (size_t i = 0; i < g->all->n; i++) {
        if (!is_in(g, &g->all->at[i]))
            continue;
        members++;
        *ret_named |= g->all->at[i].meaning.socket >= 0;
    }
    return members;
}

/* "memory power" without a number is of all sockets' memory, where it is the only one. */
static bool is_of_machine(const struct group *g)
{
    bool named = false;
    bool is_alone = members_of(g, &named) == 1;
    return g->zone == ZONE_PSYS || (g->zone != ZONE_PACKAGE && is_alone && !named);
}

/* Each may have the other's watts in it (a supply's input and output, a chassis and its node). */
static int check_one_machine(const struct group *g, struct err *err)
{
    bool named = false;
    size_t meters = members_of(g, &named);
    if (g->zone != ZONE_PSYS || named || g->all->filtered || meters <= 1)
        return 0;
    return err_set(err, -ENODATA,
                   HWMON_CLASS " has %zu meters of the whole machine, whose sum may count watts "
                               "twice: name those that count in experimental.hwmon.zones",
                   meters);
}

static int check_readable(const struct group *g, struct err *err)
{
    const struct hwmon_candidate *c = unreadable_of(g);
    if (!c)
        return 0;
    if (c->code == -EACCES || c->code == -EPERM) {
        return err_set(err, -EACCES,
                       "%s (%s) may not be read: some drivers let root only, since power shows "
                       "secrets; run as root or grant CAP_DAC_READ_SEARCH",
                       c->counter.path, c->zone);
    }
    return err_set(err, -ENODATA, "%s (%s) gives no watts: %s", c->counter.path, c->zone,
                   strerror(-c->code));
}

/* Labels that are only general may be of each core; amd_energy.c tells a socket once a NUMA node
   (num_possible_nodes()), which are several where the firmware is set to NPS2 or NPS4. */
static bool is_prone_to_repeat(const struct group *g, bool general)
{
    bool is_energy = g->key >> 32 == HWMON_ENERGY;
    return g->zone == ZONE_PACKAGE && !g->all->filtered && (general || is_energy);
}

/* A socket that is left out would make the sum too small, one that is told twice too large, both
   without a sign: better no sum. */
static int check_whole(const struct group *g, const struct cpu_facts *cpu, struct err *err)
{
    bool general = false;
    unsigned sockets = sockets_of(g, &general);
    const char *zone = energy_zone_name(g->zone);
    if (is_of_machine(g) && sockets > 0)
        return check_one_machine(g, err);
    if (sockets < cpu->sockets) {
        return err_set(err, -ENODATA,
                       HWMON_CLASS " shows the %s of %u of %u sockets: the sum would be too small; "
                                   "look for a driver that failed in dmesg",
                       zone, sockets, cpu->sockets);
    }
    if (is_prone_to_repeat(g, general) && sockets > cpu->sockets) {
        return err_set(err, -ENODATA,
                       HWMON_CLASS " has %u sensors that call themselves the %s, for %u sockets: "
                                   "name those that count in experimental.hwmon.zones",
                       sockets, zone, cpu->sockets);
    }
    return 0;
}

static void take(const struct group *g, struct energy_set *set)
{
    for (size_t i = 0; i < g->all->n; i++) {
        if (is_in(g, &g->all->at[i]))
            set->counter[set->n++] = g->all->at[i].counter;
    }
}

/* 0: taken, or there is none of this zone; else why its best group is of no use. */
static int choose_zone(const struct hwmon_candidates *all, enum energy_zone zone,
                       const struct cpu_facts *cpu, struct energy_set *set, struct err *err)
{
    struct group g = { 0 };
    struct err first = { 0 };
    for (int64_t last = -1; next_group(all, zone, last, &g); last = (int64_t)g.key) {
        struct err why = { 0 };
        int code = check_readable(&g, &why);
        if (code == 0)
            code = check_whole(&g, cpu, &why);
        if (code == 0) {
            take(&g, set);
            return 0;
        }
        if (first.code == 0)
            first = why;
    }
    return first.code == 0 ? 0 : err_set(err, first.code, "%s", first.text);
}

int hwmon_choose(const struct hwmon_candidates *all, const struct cpu_facts *cpu,
                 struct energy_set *ret, struct err *err)
{
    struct energy_set set = { 0 };
    struct err first = { 0 };
    if (all->overflow) {
        return err_set(err, -ENODATA, HWMON_CLASS " has more than %d sensors of the processor",
                       HWMON_CANDIDATES_MAX);
    }
    for (int zone = 0; zone < ZONE_COUNT; zone++) {
        struct err why = { 0 };
        int code = choose_zone(all, (enum energy_zone)zone, cpu, &set, &why);
        if (code < 0 && zone == ZONE_PACKAGE)
            return err_set(err, code, "%s", why.text);
        if (code < 0 && first.code == 0)
            first = why;
    }
    if (set.n == 0 && first.code < 0)
        return err_set(err, first.code, "%s", first.text);
    *ret = set;
    return 0;
}
