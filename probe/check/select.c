/* SPDX-License-Identifier: Apache-2.0 */
/* From findings to a decision: the sources with their reasons, the best of them, the accounting,
   and the exporter's settings. */
#include "base/alloc.h"
#include "check/check.h"

static void add_zone(struct findings_source *s, const char *zone)
{
    s->zone = mem_grow(s->zone, s->zones + 1, sizeof(*s->zone));
    s->zone[s->zones++] = mem_strdup(zone);
}

static const char *detail_of(const struct probe *p, const char *id)
{
    const struct finding *f = findings_find(&p->findings, id);
    return f ? f->detail : "";
}

/* A source is named as its check is: "power." and the name. */
static struct findings_source *add_source(struct probe *p, const char *name, const char *quality)
{
    char id[32];
    struct findings_source *s = findings_add_source(&p->findings, name);
    (void)snprintf(id, sizeof(id), "power.%s", name);
    findings_text(&s->quality, "%s", quality);
    findings_text(&s->reason, "%s", detail_of(p, id));
    return s;
}

static void add_measured(struct probe *p, const char *name)
{
    char id[32];
    const struct energy_verdict *v = energy_verdict_of(p, name);
    struct findings_source *s = add_source(p, name, "measured");
    (void)snprintf(id, sizeof(id), "power.%s", name);
    s->usable = v && v->usable && !probe_is_ignored(p, id);
    for (size_t z = 0; s->usable && z < ZONE_COUNT; z++) {
        if (v->zone_ok[z])
            add_zone(s, energy_zone_name((enum energy_zone)z));
    }
}

static void add_model(struct probe *p)
{
    struct findings_source *s = add_source(p, "model", "estimated");
    s->usable = p->cpu_known && !probe_is_ignored(p, "power.model");
    if (!s->usable)
        return;
    findings_text(&s->reason, "%s", p->power.reason);
    add_zone(s, energy_zone_name(ZONE_PACKAGE));
    if (p->kernel.memory_bytes > 0)
        add_zone(s, energy_zone_name(ZONE_DRAM));
}

static void select_best(struct probe *p)
{
    struct findings *f = &p->findings;
    for (size_t i = 0; i < f->sources; i++) {
        const struct findings_source *s = &f->source[i];
        if (!s->usable)
            continue;
        bool is_model = strcmp(s->name, "model") == 0;
        findings_text(&f->selected, "%s", s->name);
        findings_text(&f->quality, "%s", s->quality);
        f->bound_low = is_model ? p->bound_low : 1;
        f->bound_high = is_model ? p->bound_high : 1;
        return;
    }
}

/* The first step of eBPF that does not work, NULL if all do. */
static const struct finding *first_bpf_gap(const struct findings *all)
{
    for (size_t i = 0; i < probe_checks_count; i++) {
        const struct finding *f = findings_find(all, probe_checks[i].id);
        if (probe_checks[i].run == check_bpf && f && f->status != FINDING_OK)
            return f;
    }
    return NULL;
}

static void select_accounting(struct probe *p)
{
    struct findings *all = &p->findings;
    const struct finding *gap = first_bpf_gap(all);
    if (!gap) {
        findings_text(&all->accounting, "ebpf");
        findings_text(&all->accounting_reason,
                      "exact run time of every process, also of those that live shorter than an "
                      "interval");
    } else if (p->accounting_ready) {
        findings_text(&all->accounting, "proc");
        findings_text(&all->accounting_reason,
                      "%s: %s; CPU time is read from /proc, which misses short processes", gap->id,
                      gap->detail);
    } else {
        findings_text(&all->accounting_reason, "neither eBPF nor /proc can be used");
    }
}

static void put_setting(struct json *to, const char *group, const char *value)
{
    if (value[0] == '\0')
        return;
    struct json *member = json_new_object();
    json_put_text(member, "source", value);
    json_put(to, group, member);
}

static bool has_zone(const struct findings_source *s, const char *zone)
{
    for (size_t i = 0; s && i < s->zones; i++) {
        if (strcmp(s->zone[i], zone) == 0)
            return true;
    }
    return false;
}

static const struct findings_source *selected_source(const struct findings *f)
{
    for (size_t i = 0; i < f->sources; i++) {
        if (strcmp(f->source[i].name, f->selected) == 0)
            return &f->source[i];
    }
    return NULL;
}

static bool is_ignored_driver(const struct probe *p, size_t d)
{
    char id[32];
    (void)snprintf(id, sizeof(id), "power.%s", p->trial[d].driver->name);
    return probe_is_ignored(p, id);
}

/* A meter that measures no processor, but what the selected source does not. */
static bool has_more_beside(const struct probe *p, size_t d)
{
    const struct findings_source *s = selected_source(&p->findings);
    bool found = false;
    for (size_t z = 0; p->verdict[d].is_elsewhere && !found && z < ZONE_COUNT; z++)
        found = p->verdict[d].zone_ok[z] && !has_zone(s, energy_zone_name((enum energy_zone)z));
    return found;
}

/* To name one source is to go without the others: a meter beside it takes the exporter's chain,
   which begins with the same one (unless a better one is ignored here). */
static const char *power_setting(const struct probe *p)
{
    const char *selected = p->findings.selected;
    const char *best = energy_best(p) ? energy_best(p) : "model";
    for (size_t d = 0; d < p->trials && strcmp(best, selected) == 0; d++) {
        if (has_more_beside(p, d) && !is_ignored_driver(p, d))
            return "auto";
    }
    return selected;
}

void select_sources(struct probe *p)
{
    for (size_t d = 0; d < energy_drivers_count; d++) /* best first */
        add_measured(p, energy_drivers[d]->name);
    add_model(p);
    select_best(p);
    select_accounting(p);

    struct json *settings = json_new_object();
    put_setting(settings, "power", power_setting(p));
    put_setting(settings, "accounting", p->findings.accounting);
    json_free(p->findings.exporter);
    p->findings.exporter = settings;
}

struct select_pins select_pins(const struct probe *p)
{
    struct select_pins pins = { "", "" };
    const char *best = energy_best(p);
    const struct finding *gap = first_bpf_gap(&p->findings);
    bool is_more_taken = best && strcmp(best, p->findings.selected) != 0;
    for (size_t d = 0; d < p->trials; d++)
        is_more_taken |= is_ignored_driver(p, d) && has_more_beside(p, d);
    if (is_more_taken)
        pins.power = p->findings.selected;
    if (gap && probe_is_ignored(p, gap->id))
        pins.accounting = p->findings.accounting;
    return pins;
}
