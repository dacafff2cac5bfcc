/* SPDX-License-Identifier: Apache-2.0 */
#include "sample/details.h"

#include "base/alloc.h"

#include <limits.h>

#define CGROUP_TEXT_MAX 4096 /* a dozen hierarchies of kubepods paths; longer: no container */
#define CONTAINER_LOOKS 2    /* a runtime moves its child into the group after it was started */
#define ROOT_CGROUP_ID  1

static void read_exe(const struct details *d, struct process *p)
{
    char path[32];
    char target[PATH_MAX];
    (void)snprintf(path, sizeof(path), "/proc/%u/exe", p->pid);
    if (rootfs_readlink(d->fs, path, target, sizeof(target)) < 0 || strcmp(p->exe, target) == 0)
        return;
    free(p->exe);
    p->exe = mem_strdup(target);
}

/* Whether the v2 hierarchy's own line names the container: on a hybrid host many containers can
   share one v2 group while v1 tells them apart, and then its id says nothing. */
static bool is_named_by_v2(const char *text, const struct cgroup_container *container)
{
    const char *line = strstr(text, "0::");
    struct cgroup_container own;
    return line && (line == text || line[-1] == '\n') && cgroup_container_parse(line, &own) &&
           strcmp(own.id, container->id) == 0;
}

static void read_container(struct details *d, struct tracked *t)
{
    char path[32];
    char text[CGROUP_TEXT_MAX];
    (void)snprintf(path, sizeof(path), "/proc/%u/cgroup", t->process.pid);
    if (rootfs_read_text(d->fs, path, text, sizeof(text)) < 0)
        return;
    struct cgroup_container found;
    if (!cgroup_container_parse(text, &found))
        return;
    t->process.container = found;
    if (t->cgroup_id > ROOT_CGROUP_ID && is_named_by_v2(text, &found)) {
        size_t place = t->cgroup_id % DETAILS_CACHE;
        d->known[place].cgroup_id = t->cgroup_id;
        d->known[place].container = found;
    }
}

static void recall_container(const struct details *d, struct tracked *t)
{
    size_t place = t->cgroup_id % DETAILS_CACHE;
    if (t->cgroup_id > ROOT_CGROUP_ID && d->known[place].cgroup_id == t->cgroup_id)
        t->process.container = d->known[place].container;
}

static void refresh_alive(struct details *d, struct tracked *t)
{
    if (t->exe_is_stale)
        read_exe(d, &t->process);
    t->exe_is_stale = false;
    if (t->looks < CONTAINER_LOOKS) {
        t->looks++;
        read_container(d, t);
    }
}

void details_refresh(struct details *d, struct process_table *table)
{
    for (size_t i = 0; i < process_table_count(table); i++) {
        struct tracked *t = process_table_at(table, i);
        if (t->process.kernel_thread)
            continue;
        if (t->process.state == PROCESS_RUNNING) {
            refresh_alive(d, t);
        } else if (t->looks == 0) {
            t->looks = CONTAINER_LOOKS;
            recall_container(d, t);
        }
    }
}
