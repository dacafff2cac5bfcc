/* SPDX-License-Identifier: Apache-2.0 */
/* What all checks share: gathered once, in the order in which one fact needs another. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "check/check.h"
#include "host/power_limit.h"

#include <errno.h>
#include <unistd.h>

#define LATER_FOLDER "/.probe/later"

static int open_later(struct probe *p, const struct rootfs_paths *paths, struct err *err)
{
    p->later = ROOTFS_NONE;
    if (!p->fs.foreign || !rootfs_exists(&p->fs, LATER_FOLDER))
        return 0;
    AUTO_STR folder = mem_printf("%s" LATER_FOLDER, paths->root);
    const struct rootfs_paths later = { .root = folder };
    int code = rootfs_read_u64(&p->fs, LATER_FOLDER "/elapsed_ns", &p->later_elapsed_ns);
    if (code < 0 || p->later_elapsed_ns == 0) {
        return err_set(err, -EBADMSG,
                       "%s/elapsed_ns has to hold the nanoseconds between the two readings of this "
                       "dump: %s",
                       folder, code < 0 ? strerror(-code) : "it says 0");
    }
    return rootfs_open(&p->later, &later, err);
}

int probe_open(struct probe **ret, const struct rootfs_paths *paths, struct err *err)
{
    struct probe *p = mem_new(1, sizeof(*p));
    p->later = ROOTFS_NONE;
    p->fs = ROOTFS_NONE;
    p->tdp_source = "";
    findings_init(&p->findings);
    int code = rootfs_open(&p->fs, paths, err);
    if (code == 0)
        code = open_later(p, paths, err);
    if (code == 0 && p->fs.foreign)
        code = acts_load(p, err);
    if (code < 0) {
        probe_close(p);
        return code;
    }
    *ret = p;
    return 0;
}

void probe_close(struct probe *p)
{
    if (!p)
        return;
    findings_done(&p->findings);
    energy_done(p);
    cpu_done(&p->cpu);
    rootfs_close(&p->later);
    rootfs_close(&p->fs);
    free(p);
}

static void gather_cpu(struct probe *p)
{
    if (!p->cpu_known)
        return;
    struct power_limits limits;
    power_limits_read(&p->fs, &p->cpu, &limits);
    p->tdp_watts = limits.tdp_watts;
    p->tdp_source = limits.tdp_source;
    cpu_power_find(&p->cpu, p->tdp_watts, &p->power);
    p->limit_watts = limits.limit_watts;
    double kind_watts = cpu_power_ceiling_watts(&p->cpu, p->tdp_watts);
    p->limits.socket_watts = power_limit_package_ceiling(kind_watts, p->limit_watts);
    double all_watts = p->limits.socket_watts * p->cpu.sockets;
    p->limits.machine_watts = power_limit_machine_ceiling(all_watts, false);
}

/* As the processor or the firmware says; where neither has a name for it, EC2's name of the type
 * may. */
static bool find_vm(const struct probe *p)
{
    if (probe_has_rapl(p))
        return p->cpu.hypervisor;
    return p->cpu.hypervisor || (p->cloud.instance_type[0] && !p->cloud.is_metal);
}

static void take_imds(struct probe *p)
{
    const struct cloud_facts *told = &p->acts.imds;
    if (!p->acts.imds_known)
        return;
    if (told->instance_type[0]) {
        memcpy(p->cloud.instance_type, told->instance_type, sizeof(p->cloud.instance_type));
        p->cloud.is_metal = cloud_is_metal(told->instance_type);
    }
    memcpy(p->cloud.region, told->region, sizeof(p->cloud.region));
    memcpy(p->cloud.zone, told->zone, sizeof(p->cloud.zone));
}

/* Texts of a stranger's dump are printed on a terminal: no byte may mean anything to it. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

static void clean_texts(struct probe *p)
{
    char *const texts[] = {
        p->kernel.release,   p->kernel.arch,    p->kernel.os_name,
        p->kernel.lockdown,  p->dmi.vendor,     p->dmi.product,
        p->cpu.vendor,       p->cpu.model_name, p->acts.imds.instance_type,
        p->acts.imds.region, p->acts.imds.zone, p->acts.bpf.error,
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        make_printable(texts[i]);
}

static void gather(struct probe *p)
{
    kernel_read(&p->fs, &p->kernel);
    dmi_read(&p->fs, &p->dmi);
    p->cpu_known = cpu_read(&p->fs, &p->cpu, &p->cpu_err) == 0;
    clean_texts(p);
    cloud_from_dmi(&p->dmi, &p->cloud);
    gather_cpu(p);
    if (p->cpu_known)
        energy_start(p);
    if (!p->fs.foreign)
        acts_try(p);
    take_imds(p);
    p->is_vm = find_vm(p);
    if (p->cpu_known)
        cpu_power_bounds(&p->power, p->is_vm, &p->bound_low, &p->bound_high);
    p->accounting_ready = rootfs_exists(&p->fs, p->fs.foreign ? "/proc" : "/proc/self/stat");
}

static void run_stage(struct probe *p, enum check_stage stage)
{
    for (size_t i = 0; i < probe_checks_count; i++) {
        struct finding *f = &p->findings.finding[i];
        if (probe_checks[i].stage != stage)
            continue;
        if (probe_is_ignored(p, f->id)) {
            f->status = FINDING_SKIP;
            findings_text(&f->detail, "ignored, as --ignore says");
        } else {
            probe_checks[i].run(p, f);
        }
    }
}

/* Names of files and zones come into details by way of errors. */
static void clean_findings(struct probe *p)
{
    for (size_t i = 0; i < p->findings.findings; i++) {
        struct finding *f = &p->findings.finding[i];
        make_printable(f->detail);
        make_printable(f->remedy_note);
        make_printable(f->remedy_command);
    }
}

void probe_run(struct probe *p)
{
    char now[32];
    uint64_t begin_ns = clock_monotonic_ns();
    clock_utc_text(now, sizeof(now));
    findings_text(&p->findings.version, "%s", KEPLER_VERSION);
    findings_text(&p->findings.started_at, "%s", now);

    for (size_t i = 0; i < probe_checks_count; i++)
        (void)findings_add(&p->findings, probe_checks[i].id, probe_checks[i].title);
    gather(p);
    run_stage(p, CHECK_AT_ONCE);
    energy_finish(p);
    run_stage(p, CHECK_LAST);
    clean_findings(p);
    host_facts(p);
    select_sources(p);
    p->findings.duration_ms = (double)(clock_monotonic_ns() - begin_ns) / 1e6;
}

bool probe_has_rapl(const struct probe *p)
{
    return p->cpu_known && (cpu_is_intel(&p->cpu) || cpu_is_amd(&p->cpu));
}

bool probe_is_ignored(const struct probe *p, const char *id)
{
    for (size_t i = 0; i < p->ignored_n; i++) {
        if (strcmp(p->ignored[i], id) == 0)
            return true;
    }
    return false;
}
