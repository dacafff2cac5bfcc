/* SPDX-License-Identifier: Apache-2.0 */
/* Power sources: the energy drivers, by what their counters did between two readings, and the
   estimate. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "check/check.h"
#include "host/hwmon.h"
#include "host/powercap.h"

#include <errno.h>
#include <stdarg.h>

/* One driver's check; what all of them have in common is check_energy(). */
struct source_row {
    const char *driver;
    const char *impact;                  /* where it is missed */
    const char *forbidden, *permissions; /* there, but not for this user; what is enough */
    bool is_rapl;                        /* counters that Intel's and AMD's processors have */
    bool is_spare_to_any;                /* counts what every other source counts, too */
    /* Where list() found nothing that it may read: says what was seen; NULL: list()'s own error.
       The name of the kernel module that would bring it, NULL if none would. */
    const char *(*say_gap)(const struct probe *p, const struct energy_trial *t, struct finding *f);
};

/* A missing sensor is a failure only where nothing else measures. */
static enum finding_status missing(const struct probe *p)
{
    return energy_best(p) ? FINDING_WARN : FINDING_FAIL;
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
    findings_text(&f->detail, "%s (%s %.0f ms%s)", buf_text(&text),
                  v->is_power ? "mean of two readings" : "counted for", (double)t->elapsed_ns / 1e6,
                  v->is_power ? " apart" : "");
    json_put_number(f->evidence, "package_watts", v->watts[ZONE_PACKAGE]);
}

/* A sensor that works, though not of the processor: the node's package goes on being estimated. */
static void say_elsewhere(const struct probe *p, const struct energy_trial *t,
                          const struct energy_verdict *v, struct finding *f)
{
    say_watts(t, v, f);
    json_put(f->evidence, "package_watts", NULL);
    findings_text(&f->remedy_note, "it measures no processor by itself, so it is shown beside the "
                                   "package, not in its place");
    if (!energy_best(p))
        findings_text(&f->impact, "the package's watts are estimated");
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
    if (v->is_elsewhere) {
        say_elsewhere(p, t, v, f);
        return true;
    }
    f->status = FINDING_FAIL;
    findings_text(&f->detail, "%s", v->why);
    findings_text(&f->impact, "these counters cannot be used");
    if (v->is_too_much) {
        findings_text(&f->remedy_note,
                      "if this processor may draw that (a turbo without limits), tell the exporter "
                      "half of the most it draws, or more: --power.tdp-watts");
    }
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

static void skip(struct finding *f, const char *detail)
{
    f->status = FINDING_SKIP;
    findings_text(&f->detail, "%s", detail);
}

/* -- what is missing, by driver -- */

#define MOUNT_SYS                                                                                  \
 "mount all of the host's /sys: a container needs it as a volume, whole (and --host.sysfs, if it " \
 "is mounted elsewhere)"

static const char *say_powercap_gap(const struct probe *p, const struct energy_trial *t,
                                    struct finding *f)
{
    struct powercap_survey s = { 0 };
    if (t->code != -ENOENT)
        return NULL;
    powercap_survey(&p->fs, &s);
    json_put_bool(f->evidence, "class_present", s.present);
    json_put_number(f->evidence, "zones", (double)s.zones);
    json_put_number(f->evidence, "dangling_links", (double)s.dangling);
    json_put_number(f->evidence, "mmio_duplicates", (double)s.duplicates);
    json_put_number(f->evidence, "forbidden", (double)s.forbidden);
    if (s.dangling > 0) {
        findings_text(&f->detail,
                      "%zu links in %s lead nowhere: the zones are there, but their "
                      "folders below /sys/devices are not",
                      s.dangling, POWERCAP_CLASS);
        findings_text(&f->remedy_note, MOUNT_SYS);
        return NULL;
    }
    if (s.present) {
        findings_text(&f->detail, "%s is there, but no intel-rapl zone is in it", POWERCAP_CLASS);
    } else {
        findings_text(&f->detail, "%s is not there", POWERCAP_CLASS);
    }
    return module_of_powercap(p);
}

/* On bare metal, where that should have been enough. */
static bool is_in_kernel(const struct probe *p, const char *module)
{
    const struct module_row *row = module_find(module);
    enum module_state state = kernel_module_state(&p->fs, &p->kernel, row->name, row->option);
    return !p->is_vm && (state == MODULE_LOADED || state == MODULE_BUILTIN);
}

static const char *say_perf_gap(const struct probe *p, const struct energy_trial *t,
                                struct finding *f)
{
    if (t->code != -ENOENT)
        return NULL;
    if (is_in_kernel(p, "rapl") && !rootfs_exists(&p->fs, "/sys/bus/event_source/devices")) {
        findings_text(&f->detail, "/sys/bus/event_source is not there");
        findings_text(&f->remedy_note, MOUNT_SYS);
        return NULL;
    }
    findings_text(&f->detail, "no events power/energy-*");
    return "rapl";
}

static const char *say_msr_gap(const struct probe *p, const struct energy_trial *t,
                               struct finding *f)
{
    if (t->code != -ENOENT)
        return NULL;
    findings_text(&f->detail, "no device /dev/cpu/0/msr");
    if (is_in_kernel(p, "msr")) {
        findings_text(&f->remedy_note,
                      "the module is in the kernel, only its device is not here: a container needs "
                      "the host's /dev/cpu (or --host.devfs, where the host's /dev is mounted)");
    }
    return "msr";
}

static struct json *sensors_to_json(const struct hwmon_survey *s)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < s->n && i < ARRAY_LEN(s->sensor); i++) {
        const struct hwmon_sensor *sensor = &s->sensor[i];
        struct json *to = json_new_object();
        json_put_text(to, "chip", sensor->chip);
        json_put_text(to, "label", sensor->label);
        json_put_text(to, "name", sensor->zone_name);
        json_put_text(to, "path", sensor->path);
        json_put_text(to, "taken_for",
                      sensor->zone < ZONE_COUNT ? energy_zone_name(sensor->zone) : NULL);
        json_append(list, to);
    }
    return list;
}

/* The chips by name, each once. */
static void name_chips(const struct hwmon_survey *s, struct buf *to)
{
    for (size_t i = 0; i < s->n && i < ARRAY_LEN(s->sensor); i++) {
        bool is_again = false;
        for (size_t k = 0; k < i; k++)
            is_again |= strcmp(s->sensor[k].chip, s->sensor[i].chip) == 0;
        if (!is_again)
            buf_printf(to, "%s%s", to->len ? ", " : "", s->sensor[i].chip);
    }
}

static const char *say_hwmon_gap(const struct probe *p, const struct energy_trial *t,
                                 struct finding *f)
{
    struct hwmon_survey s = { 0 };
    AUTO_BUF chips;
    if (t->code != -ENOENT)
        return NULL;
    buf_init(&chips, 1024);
    hwmon_survey(&p->fs, &s);
    name_chips(&s, &chips);
    if (s.chips == 0) {
        findings_text(&f->detail, "no chips in %s", HWMON_CLASS);
    } else if (s.n == 0) {
        findings_text(&f->detail, "no power or energy sensor among %zu chips", s.chips);
    } else {
        findings_text(&f->detail, "%zu power or energy sensors, none of the processor (%s)",
                      s.n + s.more, buf_text(&chips));
    }
    return NULL;
}

static const struct source_row rows[] = {
    { "powercap", "no watts from powercap, which is all that Kepler reads",
      "the zones are there, but energy_uj is not readable for this user",
      "energy_uj is for root only since CVE-2020-8694 (power as a side channel); "
      "CAP_DAC_READ_SEARCH is enough, a chmod is not advised",
      true, false, say_powercap_gap },
    { "perf", "no watts from the processor's counters by way of perf",
      "the events power/energy-* are there, but this user may not open them",
      "CAP_PERFMON is enough; the seccomp profile of a container has to allow perf_event_open, too",
      true, true, say_perf_gap },
    { "msr", "no watts from the processor's registers",
      "/dev/cpu/0/msr is there, but not readable for this user",
      "the device takes CAP_SYS_RAWIO and read permission (root has both)", true, false,
      say_msr_gap },
    { "hwmon", "no watts from a sensor of the board",
      "there are sensors, but they are not readable for this user", "CAP_DAC_READ_SEARCH is enough",
      false, true, say_hwmon_gap },
};

static const struct source_row *row_of(const char *driver)
{
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(rows) && strcmp(rows[i].driver, driver) != 0)
        i++;
    return &rows[i];
}

/* Nothing is lost without it: something measures the same, better or as well. */
static bool is_needless(const struct probe *p, const struct source_row *row)
{
    return energy_is_spare(p, row->driver) || (row->is_spare_to_any && energy_best(p));
}

/* x86 boards seldom have such sensors, and their processors have counters: no loss. */
static bool is_unexpected(const struct probe *p, const struct source_row *row)
{
    return !row->is_rapl && (p->is_vm || probe_has_rapl(p));
}

static void say_forbidden(const struct source_row *row, struct finding *f)
{
    findings_text(&f->detail, "%s", row->forbidden);
    findings_text(&f->remedy_command, "sudo kepler-probe");
    findings_text(&f->remedy_note, "%s", row->permissions);
}

/* As skip(), with what was seen before the reason. */
PRINTF_LIKE(2, 3) static void skip_as(struct finding *f, const char *format, ...)
{
    AUTO_STR why = NULL;
    AUTO_STR seen = mem_strdup(f->detail);
    va_list args;
    va_start(args, format);
    int n = vasprintf(&why, format, args);
    va_end(args);
    f->status = FINDING_SKIP;
    if (n >= 0)
        findings_text(&f->detail, "%s (%s)", seen, why);
}

/* True if nothing is lost without it; the finding is then complete. @mends: the module that a
   remedy above has named. */
static bool skip_missing(const struct probe *p, const struct source_row *row, const char *mends,
                         struct finding *f)
{
    if (is_needless(p, row)) {
        skip_as(f, "not needed, %s measures", energy_best(p));
    } else if (mends) {
        skip_as(f, "not needed once %s is loaded", mends);
    } else if (is_unexpected(p, row)) {
        f->status = FINDING_SKIP;
    } else {
        return false;
    }
    return true;
}

static void say_missing(struct probe *p, const struct source_row *row, const struct energy_trial *t,
                        struct finding *f)
{
    findings_text(&f->detail, "%s", t->err.text);
    const char *module = row->say_gap(p, t, f);
    const char *mends = module ? module_that_mends(p) : NULL;
    bool is_half = f->remedy_note[0] != '\0'; /* of something that is there: to be mended */
    if (t->code == -ENOENT && !is_half && skip_missing(p, row, mends, f))
        return;
    f->status = missing(p);
    findings_text(&f->impact, "%s",
                  energy_best(p) ? "none: another source measures the same counters" : row->impact);
    if (p->is_vm && !is_half) {
        remedy_vm(p, f);
    } else if (module) {
        remedy_module(p, f, module);
    }
}

static void put_sensors(const struct probe *p, struct finding *f)
{
    struct hwmon_survey s = { 0 };
    hwmon_survey(&p->fs, &s);
    json_put_number(f->evidence, "chips", (double)s.chips);
    json_put(f->evidence, "sensors", sensors_to_json(&s));
}

void check_energy(struct probe *p, struct finding *f)
{
    const struct source_row *row = row_of(check_last_part(f->id));
    size_t d = 0;
    const struct energy_trial *t = trial_of(p, row->driver, &d);
    if (!t) {
        skip(f, "cannot be judged while the processor is not known");
        return;
    }
    if (strcmp(row->driver, "hwmon") == 0)
        put_sensors(p, f);
    if (judge_counters(p, d, f))
        return;
    if (t->code == -ENOTSUP) { /* perf events cannot be opened for a dump */
        skip(f, "foreign root: there are energy events, but no counts of them");
    } else if (row->is_rapl && t->code == -ENOENT && !probe_has_rapl(p)) {
        skip(f, "only Intel's and AMD's processors have these counters");
    } else if (t->code == -EACCES || t->code == -EPERM) {
        f->status = missing(p);
        findings_text(&f->impact, "%s", row->impact);
        say_forbidden(row, f);
    } else {
        say_missing(p, row, t, f);
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
