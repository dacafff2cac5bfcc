/* SPDX-License-Identifier: Apache-2.0 */
/* What is found out by acting: done on the running kernel, told by .probe/acts.json of a dump. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "check/check.h"

#include <errno.h>

#define ACTS_SCHEMA "kepler-probe-acts/1"
#define ACTS_PATH   "/.probe/acts.json"
#define ACTS_LIMIT  65536

/* It answers in some milliseconds. Where DMI has told the type, only the region would be missed. */
#define IMDS_TIMEOUT_MS       1000
#define IMDS_TIMEOUT_SHORT_MS 250

struct bpf_act {
    const char *name;
    size_t offset;
};
static const struct bpf_act bpf_acts[] = {
    { "syscall", offsetof(struct bpf_acts, syscall) },
    { "btf", offsetof(struct bpf_acts, btf) },
    { "iter_task", offsetof(struct bpf_acts, iter_task) },
    { "process_free", offsetof(struct bpf_acts, process_free) },
    { "ringbuf", offsetof(struct bpf_acts, ringbuf) },
};

static void try_imds(struct probe *p)
{
    struct cloud_facts told = { 0 };
    struct err err = { 0 };
    int timeout_ms = p->cloud.instance_type[0] ? IMDS_TIMEOUT_SHORT_MS : IMDS_TIMEOUT_MS;
    int code = imds_read(NULL, 0, timeout_ms, &told, &err);
    p->acts.imds_known = code == 0;
    if (code == 0) {
        p->acts.imds = told;
    } else {
        (void)snprintf(p->acts.imds_error, sizeof(p->acts.imds_error), "%s",
                       err.text[0] ? err.text : strerror(-code));
    }
}

void acts_try(struct probe *p)
{
    bpf_acts_try(&p->acts.bpf);
    p->acts.bpf_known = true;
    for (int c = 0; c < PERF_COUNTERS; c++)
        p->acts.perf[c] = perf_counter_try((enum perf_counter)c);
    p->acts.perf_known = true;
    if (strcmp(p->cloud.provider, "ec2") == 0)
        try_imds(p);
}

static void take_imds(struct cloud_facts *to, const struct json *from)
{
    (void)snprintf(to->provider, sizeof(to->provider), "%s", json_text(from, "provider", "ec2"));
    (void)snprintf(to->instance_type, sizeof(to->instance_type), "%s",
                   json_text(from, "instance_type", ""));
    (void)snprintf(to->region, sizeof(to->region), "%s", json_text(from, "region", ""));
    (void)snprintf(to->zone, sizeof(to->zone), "%s", json_text(from, "zone", ""));
}

static void take_bpf(struct bpf_acts *to, const struct json *from)
{
    for (size_t i = 0; i < ARRAY_LEN(bpf_acts); i++) {
        bool *act = (bool *)((char *)to + bpf_acts[i].offset);
        *act = json_bool(from, bpf_acts[i].name, false);
    }
    (void)snprintf(to->error, sizeof(to->error), "%s", json_text(from, "error", ""));
}

static void take_acts(struct probe_acts *to, const struct json *from)
{
    const struct json *bpf = json_get(from, "bpf");
    const struct json *perf = json_get(from, "perf");
    const struct json *imds = json_get(from, "imds");

    to->bpf_known = json_kind_of(bpf) == JSON_OBJECT;
    take_bpf(&to->bpf, bpf);
    to->perf_known = json_kind_of(perf) == JSON_OBJECT;
    for (int c = 0; c < PERF_COUNTERS; c++) {
        bool counts = json_bool(perf, perf_counter_name((enum perf_counter)c), false);
        to->perf[c] = counts ? 0 : -ENOENT;
    }
    to->imds_known = json_kind_of(imds) == JSON_OBJECT;
    if (to->imds_known)
        take_imds(&to->imds, imds);
}

int acts_load(struct probe *p, struct err *err)
{
    AUTO_BUF text;
    buf_init(&text, ACTS_LIMIT);
    int code = rootfs_read_all(&p->fs, ACTS_PATH, &text);
    if (code == -ENOENT || code == -ENOTDIR)
        return 0;
    if (code < 0)
        return err_set(err, code, "cannot read %s of this dump: %s", ACTS_PATH, strerror(-code));
    AUTO_JSON acts = json_parse(buf_text(&text), text.len, err);
    if (!acts) {
        err_prefix(err, "%s of this dump", ACTS_PATH);
        return -EBADMSG;
    }
    const char *schema = json_text(acts, "schema", "");
    if (strcmp(schema, ACTS_SCHEMA) != 0) {
        return err_set(err, -EPROTO,
                       "%s of this dump has schema \"%s\", but this probe reads \"%s\": record it "
                       "again, or use the kepler-probe it was made with",
                       ACTS_PATH, schema, ACTS_SCHEMA);
    }
    take_acts(&p->acts, acts);
    return 0;
}

static struct json *imds_to_json(const struct cloud_facts *imds)
{
    struct json *to = json_new_object();
    json_put_text(to, "instance_type", imds->instance_type);
    json_put_text(to, "region", imds->region);
    json_put_text(to, "zone", imds->zone);
    return to;
}

struct json *acts_to_json(const struct probe_acts *acts)
{
    struct json *to = json_new_object();
    struct json *bpf = json_new_object();
    struct json *perf = json_new_object();

    json_put_text(to, "schema", ACTS_SCHEMA);
    for (size_t i = 0; i < ARRAY_LEN(bpf_acts); i++) {
        const bool *act = (const bool *)((const char *)&acts->bpf + bpf_acts[i].offset);
        json_put_bool(bpf, bpf_acts[i].name, *act);
    }
    if (acts->bpf.error[0])
        json_put_text(bpf, "error", acts->bpf.error);
    for (int c = 0; c < PERF_COUNTERS; c++)
        json_put_bool(perf, perf_counter_name((enum perf_counter)c), acts->perf[c] == 0);
    json_put(to, "bpf", bpf);
    json_put(to, "perf", perf);
    json_put(to, "imds", acts->imds_known ? imds_to_json(&acts->imds) : NULL); /* no instance id */
    return to;
}
