/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel offers: eBPF, hardware counters, control groups. */
#include "base/number.h"
#include "check/check.h"
#include "host/cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

struct bpf_row {
    const char *name;
    size_t offset;
    const char *works; /* detail where it does */
    const char *note;  /* what to do where it does not */
};
#define BPF_RIGHTS "run as root, or with CAP_BPF and CAP_PERFMON (CAP_BPF alone is not enough)"
static const struct bpf_row bpf_rows[] = {
    { "syscall", offsetof(struct bpf_acts, syscall), "a map was created", BPF_RIGHTS },
    { "btf", offsetof(struct bpf_acts, btf), "/sys/kernel/btf/vmlinux was read",
      "the kernel has to be built with CONFIG_DEBUG_INFO_BTF=y (Ubuntu's and Debian's are)" },
    { "iter_task", offsetof(struct bpf_acts, iter_task), "lists every thread, this one too",
      "needs kernel 5.8 or newer; " BPF_RIGHTS },
    { "process_free", offsetof(struct bpf_acts, process_free), "reported a child that ended",
      "needs the host's PID namespace (hostPID); " BPF_RIGHTS },
    { "ringbuf", offsetof(struct bpf_acts, ringbuf), "a ring buffer was created",
      "needs kernel 5.8 or newer; " BPF_RIGHTS },
};

static bool bpf_works(const struct bpf_acts *acts, size_t row)
{
    return *(const bool *)((const char *)acts + bpf_rows[row].offset);
}

/* Later acts are not tried once one has failed: only that one is to be mended. */
void check_bpf(struct probe *p, struct finding *f)
{
    bool earlier_failed = false;
    size_t i = 0;
    while (i + 1 < ARRAY_LEN(bpf_rows) && strcmp(bpf_rows[i].name, check_last_part(f->id)) != 0)
        earlier_failed |= !bpf_works(&p->acts.bpf, i++);
    if (!p->acts.bpf_known) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "foreign root");
    } else if (bpf_works(&p->acts.bpf, i)) {
        findings_text(&f->detail, "%s", bpf_rows[i].works);
    } else if (earlier_failed) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "not tried: an earlier step failed");
    } else {
        const char *why = p->acts.bpf.error;
        f->status = FINDING_FAIL;
        findings_text(&f->detail, "%s", why[0] ? why : "does not work here");
        findings_text(&f->impact, "CPU time comes from /proc, which misses short processes");
        findings_text(&f->remedy_note, "%s", bpf_rows[i].note);
        if (!p->fs.foreign && geteuid() != 0)
            findings_text(&f->remedy_command, "sudo kepler-probe");
    }
}

/* Who else may load programs changes nothing for ours: it is told, never a fault. */
void check_bpf_unprivileged(struct probe *p, struct finding *f)
{
    static const char *const meaning[] = {
        "every user may load some kinds of program; ours take CAP_BPF and CAP_PERFMON either way",
        "only with CAP_BPF, and this cannot be changed until the next boot",
        "only with CAP_BPF",
    };
    uint64_t value = 0;
    if (rootfs_read_u64(&p->fs, "/proc/sys/kernel/unprivileged_bpf_disabled", &value) < 0) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "this kernel has no such setting");
        return;
    }
    json_put_number(f->evidence, "value", (double)value);
    findings_text(&f->detail, "unprivileged_bpf_disabled is %" PRIu64 " (%s)", value,
                  value < ARRAY_LEN(meaning) ? meaning[value] : "a value of a newer kernel");
}

static void say_no_counter(const struct probe *p, struct finding *f, int code)
{
    f->status = FINDING_WARN;
    if (code == -EACCES || code == -EPERM) {
        findings_text(&f->detail, "not permitted");
        findings_text(&f->remedy_command, "sudo kepler-probe");
        findings_text(&f->remedy_note, "CAP_PERFMON is enough");
    } else if (code == -ENODATA) {
        findings_text(&f->detail, "opens, but stays at 0");
    } else {
        findings_text(&f->detail, "none%s",
                      p->is_vm ? ": the hypervisor does not pass the PMU on" : " on this PMU");
    }
    findings_text(&f->impact, "its metrics are absent; watts do not need it");
}

void check_perf_counter(struct probe *p, struct finding *f)
{
    int c = 0;
    while (c + 1 < PERF_COUNTERS &&
           strcmp(perf_counter_name((enum perf_counter)c), check_last_part(f->id)) != 0)
        c++;
    if (!p->acts.perf_known) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "foreign root");
    } else if (p->acts.perf[c] == 0) {
        findings_text(&f->detail, "opened, and counts");
    } else {
        say_no_counter(p, f, p->acts.perf[c]);
    }
}

void check_perf_paranoid(struct probe *p, struct finding *f)
{
    static const char path[] = "/proc/sys/kernel/perf_event_paranoid";
    char text[16];
    int64_t value = 0;
    if (rootfs_read_text(&p->fs, path, text, sizeof(text)) < 0 ||
        number_parse_i64(text, &value) < 0) {
        f->status = FINDING_SKIP;
        findings_text(&f->detail, "this kernel has no such setting");
        return;
    }
    json_put_number(f->evidence, "value", (double)value);
    findings_text(&f->detail, "%s (%s)", text,
                  value <= 0 ? "counters of the whole machine for everyone"
                             : "counters of the whole machine take root or CAP_PERFMON");
}

void check_cgroup(struct probe *p, struct finding *f)
{
    struct cgroup_cpu_counter counter;
    enum cgroup_version version = cgroup_version_read(&p->fs);
    bool counted = cgroup_root_counter_find(&p->fs, &counter) == 0;
    json_put_text(f->evidence, "version", cgroup_version_name(version));
    json_put_text(f->evidence, "cpu_counter", counted ? counter.name : "");
    if (version == CGROUP_NONE) {
        f->status = FINDING_WARN;
        findings_text(&f->detail, "none is mounted");
        findings_text(&f->impact, "processes cannot be told apart by container or pod");
        return;
    }
    findings_text(&f->detail, "%s, CPU time checked against %s", cgroup_version_name(version),
                  counted ? counter.name : "/proc/stat");
}
