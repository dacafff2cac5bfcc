/* SPDX-License-Identifier: Apache-2.0 */
/* Power sources: the two energy drivers that the exporter reads, perf, and the estimate. */
#include "base/cleanup.h"
#include "check/check.h"
#include "host/powercap.h"

#include <errno.h>

/* A missing sensor is a failure only where nothing else measures. */
static enum finding_status missing(const struct probe *p)
{
    return energy_is_measured(p) ? FINDING_WARN : FINDING_FAIL;
}

static struct json *counters_to_json(const struct energy_trial *t)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < t->set.n; i++) {
        struct json *to = json_new_object();
        json_put_text(to, "zone", energy_zone_name(t->set.counter[i].zone));
        json_put_number(to, "socket", t->set.counter[i].socket);
        json_put_text(to, "path", t->set.counter[i].label);
        json_put_number(to, "first", (double)t->pair[i].first);
        json_put_number(to, "second", (double)t->pair[i].second);
        json_append(list, to);
    }
    return list;
}

static void say_watts(const struct energy_trial *t, const struct energy_verdict *v,
                      struct finding *f)
{
    AUTO_BUF text;
    buf_init(&text, 256);
    for (size_t z = 0; z < ZONE_COUNT; z++) {
        if (v->zone_ok[z]) {
            buf_printf(&text, "%s%s %.1f W", text.len ? ", " : "",
                       energy_zone_name((enum energy_zone)z), v->watts[z]);
        }
    }
    findings_text(&f->detail, "%s (counted for %.0f ms)", buf_text(&text),
                  (double)t->elapsed_ns / 1e6);
    json_put_number(f->evidence, "package_watts", v->watts[ZONE_PACKAGE]);
}

/* True if the driver lists counters; the finding is then complete. */
static bool judge_counters(const struct probe *p, size_t d, struct finding *f)
{
    const struct energy_trial *t = &p->trial[d];
    const struct energy_verdict *v = &p->verdict[d];
    if (t->code < 0)
        return false;
    json_put(f->evidence, "counters", counters_to_json(t));
    json_put_number(f->evidence, "elapsed_ms", (double)t->elapsed_ns / 1e6);
    if (v->usable) {
        say_watts(t, v, f);
        return true;
    }
    f->status = FINDING_FAIL;
    findings_text(&f->detail, "%s", v->why);
    findings_text(&f->impact, "these counters cannot be used");
    if (p->is_vm)
        remedy_vm(p, f);
    return true;
}

static const struct energy_trial *trial_of(const struct probe *p, const char *driver, size_t *ret)
{
    for (size_t d = 0; d < p->trials; d++) {
        *ret = d;
        if (strcmp(p->trial[d].driver->name, driver) == 0)
            return &p->trial[d];
    }
    return NULL;
}

static void no_processor(struct finding *f)
{
    f->status = FINDING_SKIP;
    findings_text(&f->detail, "cannot be judged while the processor is not known");
}

static void say_root(struct finding *f, const char *note)
{
    findings_text(&f->remedy_command, "sudo kepler-probe");
    findings_text(&f->remedy_note, "%s", note);
}

static void say_powercap_gap(struct probe *p, struct finding *f)
{
    struct powercap_survey s = { 0 };
    powercap_survey(&p->fs, &s);
    json_put_bool(f->evidence, "class_present", s.present);
    json_put_number(f->evidence, "zones", (double)s.zones);
    json_put_number(f->evidence, "dangling_links", (double)s.dangling);
    json_put_number(f->evidence, "mmio_duplicates", (double)s.duplicates);
    json_put_number(f->evidence, "forbidden", (double)s.forbidden);
    if (!s.present) {
        findings_text(&f->detail, "%s is not there", POWERCAP_CLASS);
    } else if (s.dangling > 0) {
        findings_text(&f->detail, "%zu links in %s lead nowhere: is /sys mounted whole?",
                      s.dangling, POWERCAP_CLASS);
    } else {
        findings_text(&f->detail, "%s is there, but no intel-rapl zone is in it", POWERCAP_CLASS);
    }
}

void check_powercap(struct probe *p, struct finding *f)
{
    size_t d = 0;
    const struct energy_trial *t = trial_of(p, "powercap", &d);
    if (!t) {
        no_processor(f);
        return;
    }
    if (judge_counters(p, d, f))
        return;
    f->status = missing(p);
    if (t->code == -EACCES || t->code == -EPERM) {
        findings_text(&f->detail,
                      "the zones are there, but energy_uj is not readable for this user");
        say_root(f, "energy_uj is for root only since CVE-2020-8694 (power as a side channel); "
                    "CAP_DAC_READ_SEARCH is enough, a chmod is not advised");
        return;
    }
    if (t->code == -ENOENT) {
        say_powercap_gap(p, f);
    } else {
        findings_text(&f->detail, "%s", t->err.text);
    }
    findings_text(&f->impact, "%s",
                  energy_is_measured(p) ? "none: another source measures the same counters"
                                        : "no watts from powercap, which is all that Kepler reads");
    if (p->is_vm) {
        remedy_vm(p, f);
    } else {
        remedy_module(p, f, "intel_rapl_msr");
    }
}

void check_msr(struct probe *p, struct finding *f)
{
    size_t d = 0;
    const struct energy_trial *t = trial_of(p, "msr", &d);
    if (!t) {
        no_processor(f);
        return;
    }
    if (judge_counters(p, d, f))
        return;
    if (energy_is_spare(p, "msr") && t->code == -ENOENT) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "no device (not needed, a better source measures)");
        return;
    }
    f->status = missing(p);
    findings_text(&f->impact, "no watts from the processor's registers");
    if (t->code == -EACCES || t->code == -EPERM) {
        findings_text(&f->detail, "/dev/cpu/0/msr is there, but not readable for this user");
        say_root(f, "the device takes CAP_SYS_RAWIO and read permission (root has both)");
    } else if (t->code == -ENOENT && probe_has_rapl(p)) {
        findings_text(&f->detail, "no device /dev/cpu/0/msr");
    } else {
        findings_text(&f->detail, "%s", t->err.text);
    }
    if (p->is_vm) {
        remedy_vm(p, f);
    } else if (t->code == -ENOENT) {
        remedy_module(p, f, "msr");
    }
}

static struct json *events_to_json(const struct perf_energy *pmu)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < pmu->n; i++)
        json_append(list, json_new_string(pmu->event[i].name));
    return list;
}

void check_perf_energy(struct probe *p, struct finding *f)
{
    if (p->pmu_code < 0) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "no energy events (not needed, the exporter of this version does "
                                  "not read them)");
        return;
    }
    json_put(f->evidence, "events", events_to_json(&p->pmu));
    if (p->pmu_try == -ENOTSUP) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "foreign root: %zu events are listed, but not opened", p->pmu.n);
    } else if (p->pmu_try < 0) {
        f->status = FINDING_WARN;
        findings_text(&f->detail, "energy-pkg cannot be opened: %s", strerror(-p->pmu_try));
        if (p->pmu_try == -EACCES || p->pmu_try == -EPERM)
            say_root(f, "CAP_PERFMON is enough");
    } else if (p->pmu_watts <= 0 || p->pmu_watts > p->ceiling_watts) {
        f->status = FINDING_FAIL;
        findings_text(&f->detail, "energy-pkg opens, but would mean %.1f W", p->pmu_watts);
    } else {
        findings_text(&f->detail, "energy-pkg of the first socket: %.1f W", p->pmu_watts);
        json_put_number(f->evidence, "first_package_watts", p->pmu_watts);
    }
}

void check_model(struct probe *p, struct finding *f)
{
    const struct cpu_power *m = &p->power;
    if (!p->cpu_known) {
        f->status = FINDING_FAIL;
        findings_text(&f->detail, "no estimate without /proc/cpuinfo");
        return;
    }
    findings_text(&f->detail, "an estimate of tier %s (%s): true watts are %.2f to %.2f times it%s",
                  power_tier_name(m->tier), m->name, p->bound_low, p->bound_high,
                  p->is_vm ? ", as the neighbours' load is not known" : "");
    json_put_text(f->evidence, "tier", power_tier_name(m->tier));
    json_put_text(f->evidence, "name", m->name);
    json_put_text(f->evidence, "reason", m->reason);
    json_put_number(f->evidence, "bound_low", p->bound_low);
    json_put_number(f->evidence, "bound_high", p->bound_high);
}
