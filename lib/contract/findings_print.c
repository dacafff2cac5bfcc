/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/findings.h"

static struct json *remedy_to_json(const struct finding *one)
{
    struct json *remedy = json_new_object();
    json_put_text(remedy, "command", one->remedy_command);
    json_put_bool(remedy, "reboot", one->remedy_reboot);
    json_put_text(remedy, "note", one->remedy_note);
    return remedy;
}

static struct json *finding_to_json(const struct finding *one)
{
    struct json *to = json_new_object();
    json_put_text(to, "id", one->id);
    json_put_text(to, "status", finding_status_name(one->status));
    json_put_text(to, "title", one->title);
    json_put_text(to, "detail", one->detail);
    json_put(to, "evidence", json_copy(one->evidence));
    json_put_text(to, "impact", one->impact);
    json_put(to, "remedy", remedy_to_json(one));
    return to;
}

static struct json *source_to_json(const struct findings_source *source)
{
    struct json *to = json_new_object();
    struct json *zones = json_new_array();
    for (size_t i = 0; i < source->zones; i++)
        json_append(zones, json_new_string(source->zone[i]));
    json_put_text(to, "name", source->name);
    json_put_bool(to, "usable", source->usable);
    json_put_text(to, "quality", source->quality);
    json_put(to, "zones", zones);
    json_put_text(to, "reason", source->reason);
    return to;
}

static struct json *power_to_json(const struct findings *f)
{
    struct json *to = json_new_object();
    struct json *sources = json_new_array();
    for (size_t i = 0; i < f->sources; i++)
        json_append(sources, source_to_json(&f->source[i]));
    struct json *bounds = json_new_object();
    json_put_number(bounds, "low", f->bound_low);
    json_put_number(bounds, "high", f->bound_high);
    json_put(to, "sources", sources);
    json_put_text(to, "selected", f->selected);
    json_put_text(to, "quality", f->quality);
    json_put(to, "bounds", bounds);
    return to;
}

struct json *findings_to_json(const struct findings *f)
{
    struct json *to = json_new_object();
    struct json *probe = json_new_object();
    json_put_text(probe, "version", f->version);
    json_put_text(probe, "started_at", f->started_at);
    json_put_number(probe, "duration_ms", f->duration_ms);
    struct json *findings = json_new_array();
    for (size_t i = 0; i < f->findings; i++)
        json_append(findings, finding_to_json(&f->finding[i]));
    struct json *accounting = json_new_object();
    json_put_text(accounting, "selected", f->accounting);
    json_put_text(accounting, "reason", f->accounting_reason);

    json_put_text(to, "schema", FINDINGS_SCHEMA);
    json_put(to, "probe", probe);
    json_put(to, "host", json_copy(f->host));
    json_put(to, "findings", findings);
    json_put(to, "power", power_to_json(f));
    json_put(to, "accounting", accounting);
    json_put(to, "exporter", json_copy(f->exporter));
    return to;
}
