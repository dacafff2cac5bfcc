/* SPDX-License-Identifier: Apache-2.0 */
/* findings.json, schema "kepler-probe/1" (docs/findings.schema.json): written by the probe, read by
   the exporter; the two programs meet nowhere else. */
#ifndef CONTRACT_FINDINGS_H
#define CONTRACT_FINDINGS_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINDINGS_SCHEMA "kepler-probe/1"
#define FINDINGS_LIMIT  ((size_t)1024 * 1024) /* bytes of a findings file */

enum finding_status {
    FINDING_OK,
    FINDING_WARN,
    FINDING_FAIL,
    FINDING_SKIP
};
const char *finding_status_name(enum finding_status s); /* "ok" "warn" "fail" "skip" */

struct finding {
    char *id; /* "power.msr"; all texts are owned */
    enum finding_status status;
    char *title, *detail;  /* detail: what was seen */
    struct json *evidence; /* an object, owned */
    char *impact;          /* what it means for the metrics; "" none */
    char *remedy_command;  /* "" no remedy */
    bool remedy_reboot;
    char *remedy_note;
};

struct findings_source {
    char *name; /* "powercap" "perf" "msr" "hwmon" "model" */
    bool usable;
    char *quality; /* "measured" "estimated" */
    char **zone;   /* owned, zones entries: "package" ... */
    size_t zones;
    char *reason;
};

struct findings {
    char *version, *started_at; /* of the probe */
    double duration_ms;
    struct json *host; /* an object: facts of the machine, for people */
    struct finding *finding;
    size_t findings;
    struct findings_source *source;
    size_t sources;
    char *selected, *quality;     /* "" if no source is usable */
    double bound_low, bound_high; /* ratios to the selected source's watts; 1 and 1 if measured */
    char *accounting, *accounting_reason; /* "ebpf" "proc" "" */
    struct json *exporter; /* settings for the exporter, its configuration's own keys */
};

void findings_init(struct findings *f); /* empty, every text "" */
void findings_done(struct findings *f);

/* Adds one and returns it for filling in; valid until the next is added. */
struct finding *findings_add(struct findings *f, const char *id, const char *title);
struct findings_source *findings_add_source(struct findings *f, const char *name);
const struct finding *findings_find(const struct findings *f, const char *id);

/* Replaces an owned text. */
PRINTF_LIKE(2, 3) void findings_text(char **field, const char *format, ...);

struct json *findings_to_json(const struct findings *f); /* the caller frees */

/* -EPROTO: another schema or a newer version of it (the error says which, and what to do);
   -EBADMSG: not JSON, or a member is missing or of the wrong kind (named). */
MUST_USE int findings_parse(const char *text, size_t len, struct findings *ret, struct err *err);

#endif
