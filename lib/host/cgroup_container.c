/* SPDX-License-Identifier: Apache-2.0 */
/* What the path of a control group says of the container in it. */
#include "host/cgroup.h"

#include "host/span.h"

#define ID_LEN       64
#define UID_LEN      36 /* RFC 4122 text */
#define UID_HASH_LEN 32 /* of a static pod: md5 of its manifest (kubelet, pkg/kubelet/config) */

/* What is known on the way from the root of a path to its end. */
struct walk {
    const char *runtime; /* named by a folder above, for an id that stands alone */
    struct cgroup_container found;
    unsigned depth; /* containers passed */
};

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_id(struct span s)
{
    size_t n = 0;
    while (n < s.len && is_hex(s.at[n]))
        n++;
    return n == ID_LEN && s.len == ID_LEN;
}

static bool is_uid_dash(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

/* Dashes as the API writes them; systemd's unit names have "_" instead, as "-" means a level there.
 */
static bool pod_uid_copy(struct span s, char *ret)
{
    if (s.len != UID_LEN && s.len != UID_HASH_LEN)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        bool dash = s.at[i] == '-' || s.at[i] == '_';
        bool fits = s.len == UID_LEN && is_uid_dash(i) ? dash : is_hex(s.at[i]);
        if (!fits)
            return false;
    }
    (void)span_copy(s, ret, UID_LEN + 1);
    for (char *c = strchr(ret, '_'); c; c = strchr(c, '_'))
        *c = '-';
    return true;
}

/* "podUID" (cgroupfs driver) or "kubepods-burstable-podUID.slice", also with what the kubelet's
   --cgroup-root puts before "kubepods" (systemd driver). */
static bool pod_parse(struct span segment, char *ret_uid)
{
    bool slice = span_drop_suffix(&segment, ".slice");
    if (!slice)
        return span_drop_prefix(&segment, "pod") && pod_uid_copy(segment, ret_uid);
    if (!memmem(segment.at, segment.len, "kubepods", 8))
        return false;
    static const size_t uid_len[] = { UID_LEN, UID_HASH_LEN };
    for (size_t i = 0; i < ARRAY_LEN(uid_len); i++) {
        if (segment.len < uid_len[i])
            continue;
        struct span head = { segment.at, segment.len - uid_len[i] };
        struct span uid = { segment.at + head.len, uid_len[i] };
        if (span_drop_suffix(&head, "-pod") && pod_uid_copy(uid, ret_uid))
            return true;
    }
    return false;
}

/* "docker-ID.scope", "cri-containerd-ID.scope"... The id must follow at once, so that
   crio-conmon-ID and libpod-conmon-ID, the monitors beside a container, are none. */
static const char *scope_parse(struct span segment, struct span *ret_id)
{
    static const struct {
        const char *prefix, *runtime;
    } rows[] = {
        { "docker-", "docker" },
        { "cri-containerd-", "containerd" },
        { "containerd-", "containerd" },
        { "nerdctl-", "containerd" },
        { "crio-", "crio" },
        { "libpod-payload-", "podman" }, /* podman --cgroups=split */
        { "libpod-", "podman" },
    };
    (void)span_drop_suffix(&segment, ".scope");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span id = segment;
        if (span_drop_prefix(&id, rows[i].prefix) && is_id(id)) {
            *ret_id = id;
            return rows[i].runtime;
        }
    }
    return NULL;
}

/* A folder below which a bare id is a container. */
static const char *runtime_of_folder(struct span segment)
{
    static const struct {
        const char *folder, *runtime;
    } rows[] = {
        { "docker", "docker" },
        { "ecs", "docker" },            /* Amazon ECS: /ecs/TASK/ID */
        { "actions_job", "docker" },    /* GitHub's runners */
        { "containerd", "containerd" }, /* and its namespaces in the cgroupfs form: */
        { "cri-containerd", "containerd" },
        { "k8s.io", "containerd" },
        { "default", "containerd" },
        { "crio", "crio" },
        { "libpod", "podman" },
        { "libpod_parent", "podman" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (span_is(segment, rows[i].folder))
            return rows[i].runtime;
    }
    return NULL;
}

/*
 * Containers nest: docker in a pod, a whole Kubernetes (kind) in a container or in a pod. The id is
 * the innermost: the smallest thing somebody started and can stop, and what Kepler counts. The pod
 * is the outermost: only that one is known to this node's kubelet, which gives the name, and it is
 * the one that is billed for whatever runs inside.
 */
static void walk_segment(struct walk *w, struct span segment)
{
    char uid[sizeof(w->found.pod_uid)] = "";
    if (pod_parse(segment, uid)) {
        if (w->found.pod_uid[0] == '\0')
            memcpy(w->found.pod_uid, uid, sizeof(uid));
        w->runtime = "kubepods";
        return;
    }
    struct span id = segment;
    const char *runtime = scope_parse(segment, &id);
    if (!runtime && is_id(segment))
        runtime = w->runtime;
    if (runtime) {
        (void)span_copy(id, w->found.id, sizeof(w->found.id));
        (void)span_copy(span_of(runtime), w->found.runtime, sizeof(w->found.runtime));
        w->runtime = NULL;
        w->depth++;
        return;
    }
    const char *folder = runtime_of_folder(segment);
    if (folder)
        w->runtime = folder;
}

/* "4:memory:/kubepods/...", "0::/..."; the path itself may have colons. */
static bool path_of_line(struct span line, struct span *ret)
{
    struct span id;
    struct span controllers;
    if (!span_cut(&line, ":", &id) || !span_cut(&line, ":", &controllers))
        return false;
    (void)span_drop_suffix(&line, " (deleted)"); /* the group of one that is just ending */
    *ret = line;
    return true;
}

bool cgroup_container_parse(const char *cgroup_text, struct cgroup_container *ret)
{
    struct walk best = { 0 };
    char pod_uid[sizeof(ret->pod_uid)] = "";
    struct span rest = span_of(cgroup_text);
    struct span line;
    struct span path;
    while (span_cut(&rest, "\n", &line)) {
        struct walk w = { 0 };
        struct span segment;
        if (!path_of_line(line, &path))
            continue;
        /* ":" too: runc told to use systemd's form under the other driver makes one folder
           "kubepods-burstable-podUID.slice:cri-containerd:ID" */
        while (span_cut(&path, "/:", &segment))
            walk_segment(&w, segment);
        if (pod_uid[0] == '\0')
            memcpy(pod_uid, w.found.pod_uid, sizeof(pod_uid));
        if (w.depth > best.depth)
            best = w;
    }
    if (best.depth == 0) {
        *ret = (struct cgroup_container){ 0 };
        return false;
    }
    if (best.found.pod_uid[0] == '\0')
        memcpy(best.found.pod_uid, pod_uid, sizeof(pod_uid));
    *ret = best.found;
    return true;
}
