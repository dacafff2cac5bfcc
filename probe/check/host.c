/* SPDX-License-Identifier: Apache-2.0 */
/* The machine itself: kernel, processor, memory, cloud. */
#include "check/check.h"

#include <errno.h>
#include <math.h>

#define GIB 1073741824.0

/* What is not known is null in the document, never 0. */
static double known(double number)
{
    return number > 0 ? number : (double)NAN;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

void check_kernel(struct probe *p, struct finding *f)
{
    const struct kernel_facts *k = &p->kernel;
    if (k->release[0] == '\0') {
        f->status = FINDING_FAIL;
        findings_text(&f->detail, "/proc/sys/kernel/osrelease cannot be read: is /proc mounted?");
        findings_text(&f->impact, "nothing can be measured or accounted without /proc");
        return;
    }
    findings_text(&f->detail, "Linux %s%s%s%s%s", k->release, k->arch[0] ? " " : "", k->arch,
                  k->os_name[0] ? ", " : "", k->os_name);
    json_put_text(f->evidence, "release", k->release);
    json_put_text(f->evidence, "arch", k->arch);
}

void check_lockdown(struct probe *p, struct finding *f)
{
    const char *mode = p->kernel.lockdown;
    json_put_text(f->evidence, "lockdown", mode);
    if (p->kernel.release[0] == '\0') {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "cannot be told without /proc and /sys");
        return;
    }
    if (is(mode, "confidentiality")) {
        f->status = FINDING_WARN;
        findings_text(&f->detail, "confidentiality: eBPF may not read kernel memory");
        findings_text(&f->impact, "CPU time comes from /proc; MSR reads still work");
        findings_text(&f->remedy_note, "boot with lockdown=integrity, or without Secure Boot");
        f->remedy_reboot = true;
    } else if (mode[0] == '\0') {
        findings_text(&f->detail, "none (this kernel has no lockdown)");
    } else {
        findings_text(&f->detail, "%s%s", mode,
                      is(mode, "integrity") ? " (does not block MSR reads)" : "");
    }
}

void check_secure_boot(struct probe *p, struct finding *f)
{
    bool is_on = false;
    int code = kernel_secure_boot_read(&p->fs, &is_on);
    if (code < 0) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "%s",
                      code == -ENOENT    ? "no EFI variable says (no UEFI, or not shown to us)"
                      : code == -EBADMSG ? "its EFI variable has a form that is not known"
                                         : "its EFI variable cannot be read");
        return;
    }
    json_put_bool(f->evidence, "enabled", is_on);
    findings_text(&f->detail, "%s",
                  is_on ? "on: only signed kernel modules load, as this system's own are; MSR "
                          "reads are not blocked"
                        : "off");
}

void check_virtualisation(struct probe *p, struct finding *f)
{
    bool has_dmi = p->dmi.vendor[0] || p->dmi.product[0];
    json_put_bool(f->evidence, "virtual", p->is_vm);
    json_put_text(f->evidence, "vendor", p->dmi.vendor);
    json_put_text(f->evidence, "product", p->dmi.product);
    if (!p->cpu_known) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "cannot be told without /proc/cpuinfo");
        return;
    }
    f->status = p->is_vm ? FINDING_WARN : FINDING_OK;
    findings_text(&f->detail, "%s%s%s%s%s%s",
                  p->is_vm ? "virtual machine" : "bare metal, no hypervisor", has_dmi ? " (" : "",
                  p->dmi.vendor, p->dmi.vendor[0] && p->dmi.product[0] ? " " : "", p->dmi.product,
                  has_dmi ? ")" : "");
    if (p->is_vm)
        findings_text(&f->impact, "hypervisors seldom pass energy counters on");
}

/* "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz" as people say it. */
static void short_name(const char *model_name, char *ret, size_t size)
{
    static const char *const noise[] = { "(R)", "(TM)", "(r)", "(tm)", " CPU", " Processor" };
    size_t n = 0;
    while (*model_name && *model_name != '@' && n + 1 < size) {
        size_t skip = 0;
        for (size_t i = 0; i < ARRAY_LEN(noise) && skip == 0; i++) {
            if (strncmp(model_name, noise[i], strlen(noise[i])) == 0)
                skip = strlen(noise[i]);
        }
        if (skip == 0)
            ret[n++] = *model_name;
        model_name += skip ? skip : 1;
    }
    while (n > 0 && ret[n - 1] == ' ')
        n--;
    ret[n] = '\0';
}

void check_cpu(struct probe *p, struct finding *f)
{
    const struct cpu_facts *c = &p->cpu;
    if (!p->cpu_known) {
        f->status = FINDING_FAIL;
        findings_text(&f->detail, "%s", p->cpu_err.text);
        findings_text(&f->impact, "no power can be measured or estimated");
        return;
    }
    char name[96];
    short_name(c->model_name[0] ? c->model_name : c->vendor, name, sizeof(name));
    findings_text(&f->detail, "%u x %s, %u cores, %u threads", c->sockets, name, c->cores,
                  c->threads);
    if (p->tdp_watts > 0) {
        char turbo[40] = "";
        if (p->limit_watts > p->tdp_watts && isfinite(p->limit_watts))
            (void)snprintf(turbo, sizeof(turbo), ", turbo limit %.0f W", p->limit_watts);
        char *with_tdp = NULL;
        findings_text(&with_tdp, "%s, TDP %.0f W%s (%s)%s", f->detail, p->tdp_watts,
                      c->sockets > 1 ? " each" : "", p->tdp_source, turbo);
        findings_text(&f->detail, "%s", with_tdp);
        free(with_tdp);
    }
    json_put_text(f->evidence, "model_name", c->model_name);
    json_put_number(f->evidence, "sockets", c->sockets);
    json_put_number(f->evidence, "cores", c->cores);
    json_put_number(f->evidence, "threads", c->threads);
    json_put_number(f->evidence, "tdp_watts", known(p->tdp_watts));
    json_put_text(f->evidence, "tdp_source", p->tdp_source);
    if (p->limit_watts > 0 && isfinite(p->limit_watts))
        json_put_number(f->evidence, "limit_watts", p->limit_watts);
}

void check_memory(struct probe *p, struct finding *f)
{
    if (p->kernel.memory_bytes == 0) {
        f->status = FINDING_WARN;
        findings_text(&f->detail, "/proc/meminfo does not say how much there is");
        findings_text(&f->impact, "no DRAM watts can be estimated");
        return;
    }
    findings_text(&f->detail, "%.1f GiB", (double)p->kernel.memory_bytes / GIB);
    json_put_number(f->evidence, "bytes", (double)p->kernel.memory_bytes);
}

void check_cloud(struct probe *p, struct finding *f)
{
    const struct cloud_facts *c = &p->cloud;
    json_put_text(f->evidence, "provider", c->provider);
    json_put_text(f->evidence, "instance_type", c->instance_type);
    json_put_text(f->evidence, "region", c->region);
    if (c->provider[0] == '\0') {
        findings_text(&f->detail, "none that the firmware names");
        return;
    }
    findings_text(&f->detail, "%s%s%s%s%s", c->provider, c->instance_type[0] ? " " : "",
                  c->instance_type, c->region[0] ? " in " : "", c->region);
    if (p->acts.imds_error[0]) {
        json_put_text(f->evidence, "imds_error", p->acts.imds_error);
        findings_text(&f->remedy_note, "the instance metadata service did not answer: %s",
                      p->acts.imds_error);
    }
}

void host_facts(struct probe *p)
{
    struct json *to = json_new_object();
    json_put_text(to, "kernel", p->kernel.release);
    json_put_text(to, "arch", p->kernel.arch);
    json_put_text(to, "os", p->kernel.os_name);
    json_put_text(to, "lockdown", p->kernel.lockdown);
    json_put_bool(to, "virtual", p->is_vm);
    json_put_text(to, "dmi_vendor", p->dmi.vendor);
    json_put_text(to, "dmi_product", p->dmi.product);
    json_put_text(to, "cloud", p->cloud.provider);
    json_put_text(to, "instance_type", p->cloud.instance_type);
    json_put_text(to, "region", p->cloud.region);
    json_put_text(to, "cpu_model", p->cpu.model_name);
    json_put_text(to, "cpu_vendor", p->cpu.vendor);
    json_put_number(to, "sockets", known(p->cpu.sockets));
    json_put_number(to, "cores", known(p->cpu.cores));
    json_put_number(to, "threads", known(p->cpu.threads));
    json_put_number(to, "tdp_watts", known(p->tdp_watts));
    json_put_number(to, "memory_bytes", known((double)p->kernel.memory_bytes));
    json_free(p->findings.host);
    p->findings.host = to;
}
