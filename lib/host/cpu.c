/* SPDX-License-Identifier: Apache-2.0 */
#include "host/cpu.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/number.h"
#include "host/cloud.h"

#include <errno.h>
#include <limits.h>

#define CPUINFO_PATH  "/proc/cpuinfo"
#define CPUINFO_LIMIT ((size_t)32 << 20) /* 8192 threads of 4 KiB each */
#define THREADS_MAX   65536u             /* a longer file is no machine */
#define ABSENT        (-1)

struct span {
    const char *at;
    size_t len;
};

struct parser {
    struct cpu_facts facts;
    size_t room;           /* of facts.thread */
    int implementer, part; /* arm64; ABSENT else */
};

/* Implementer codes and part numbers: Linux arch/arm64/include/asm/cputype.h. */
static const struct {
    int code;
    const char *vendor;
} implementers[] = {
    { 0x41, "ARM" },       { 0x42, "Broadcom" },  { 0x43, "Cavium" }, { 0x46, "Fujitsu" },
    { 0x48, "HiSilicon" }, { 0x4e, "NVIDIA" },    { 0x50, "APM" },    { 0x51, "Qualcomm" },
    { 0x61, "Apple" },     { 0x6d, "Microsoft" }, { 0xc0, "Ampere" },
};

static const struct {
    int implementer, part;
    const char *name;
} parts[] = {
    { 0x41, 0xd03, "Cortex-A53" },    { 0x41, 0xd07, "Cortex-A57" },
    { 0x41, 0xd08, "Cortex-A72" },    { 0x41, 0xd0b, "Cortex-A76" },
    { 0x41, 0xd0c, "Neoverse-N1" },   { 0x41, 0xd40, "Neoverse-V1" },
    { 0x41, 0xd49, "Neoverse-N2" },   { 0x41, 0xd4f, "Neoverse-V2" },
    { 0x41, 0xd83, "Neoverse-V3AE" }, { 0x41, 0xd84, "Neoverse-V3" },
    { 0x41, 0xd8e, "Neoverse-N3" },   { 0x43, 0x0a1, "ThunderX" },
    { 0x43, 0x0af, "ThunderX2" },     { 0x46, 0x001, "A64FX" },
    { 0x48, 0xd01, "TaiShan-v110" },  { 0x6d, 0xd49, "Azure Cobalt 100" },
    { 0xc0, 0xac3, "Ampere-1" },      { 0xc0, 0xac4, "Ampere-1a" },
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct span trimmed(struct span s)
{
    while (s.len > 0 && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

static bool span_is(struct span s, const char *text)
{
    return strlen(text) == s.len && memcmp(s.at, text, s.len) == 0;
}

static void span_copy(struct span s, char *ret, size_t size)
{
    (void)snprintf(ret, size, "%.*s", (int)(s.len < size ? s.len : size - 1), s.at);
}

/* ABSENT if it is no number of this base that fits. */
static int span_int(struct span s, int base)
{
    char text[24];
    uint64_t value = 0;
    if (s.len >= sizeof(text))
        return ABSENT;
    span_copy(s, text, sizeof(text));
    if (number_parse_u64(text, base, &value) < 0 || value > INT_MAX)
        return ABSENT;
    return (int)value;
}

static bool span_has_word(struct span s, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= s.len; i++) {
        bool begins = i == 0 || s.at[i - 1] == ' ';
        bool ends = i + n == s.len || s.at[i + n] == ' ';
        if (begins && ends && memcmp(s.at + i, word, n) == 0)
            return true;
    }
    return false;
}

static void on_processor(struct parser *p, struct span value)
{
    int number = span_int(value, 10);
    struct cpu_facts *f = &p->facts;
    if (number == ABSENT || f->threads >= THREADS_MAX)
        return; /* arm's "Processor : AArch64" lines of old kernels have no number */
    if (f->threads == p->room) {
        p->room = p->room ? 2 * p->room : 16;
        f->thread = mem_grow(f->thread, p->room, sizeof(*f->thread));
    }
    f->thread[f->threads++] =
        (struct cpu_thread){ .processor = number, .socket = ABSENT, .core = ABSENT };
}

static void on_socket(struct parser *p, struct span value)
{
    if (p->facts.threads > 0)
        p->facts.thread[p->facts.threads - 1].socket = span_int(value, 10);
}

static void on_core(struct parser *p, struct span value)
{
    if (p->facts.threads > 0)
        p->facts.thread[p->facts.threads - 1].core = span_int(value, 10);
}

/* What is said of every processor is taken from the first that says it. */
static void set_once(int *field, int value)
{
    if (*field == ABSENT)
        *field = value;
}

static void on_vendor(struct parser *p, struct span value)
{
    if (p->facts.vendor[0] == '\0')
        span_copy(value, p->facts.vendor, sizeof(p->facts.vendor));
}

static void on_model_name(struct parser *p, struct span value)
{
    if (p->facts.model_name[0] == '\0')
        span_copy(value, p->facts.model_name, sizeof(p->facts.model_name));
}

static void on_family(struct parser *p, struct span value)
{
    set_once(&p->facts.family, span_int(value, 10));
}

static void on_model(struct parser *p, struct span value)
{
    set_once(&p->facts.model, span_int(value, 10));
}

static void on_stepping(struct parser *p, struct span value)
{
    set_once(&p->facts.stepping, span_int(value, 10));
}

static void on_flags(struct parser *p, struct span value)
{
    if (!p->facts.hypervisor && p->facts.threads <= 1)
        p->facts.hypervisor = span_has_word(value, "hypervisor");
}

static void on_implementer(struct parser *p, struct span value)
{
    set_once(&p->implementer, span_int(value, 16));
}

static void on_part(struct parser *p, struct span value)
{
    set_once(&p->part, span_int(value, 16));
}

static void parse_line(struct parser *p, struct span line)
{
    static const struct {
        const char *key;
        void (*take)(struct parser *p, struct span value);
    } rows[] = {
        { "processor", on_processor }, { "physical id", on_socket },
        { "core id", on_core },        { "vendor_id", on_vendor },
        { "cpu family", on_family },   { "model", on_model },
        { "stepping", on_stepping },   { "model name", on_model_name },
        { "flags", on_flags },         { "CPU implementer", on_implementer },
        { "CPU part", on_part },
    };
    const char *colon = memchr(line.at, ':', line.len);
    if (!colon)
        return;
    size_t key_len = (size_t)(colon - line.at);
    struct span key = trimmed((struct span){ line.at, key_len });
    struct span value = trimmed((struct span){ colon + 1, line.len - key_len - 1 });
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (span_is(key, rows[i].key)) {
            rows[i].take(p, value);
            return;
        }
    }
}

static void name_arm(struct parser *p)
{
    struct cpu_facts *f = &p->facts;
    if (p->implementer == ABSENT)
        return;
    (void)snprintf(f->vendor, sizeof(f->vendor), "0x%02x", (unsigned)p->implementer);
    for (size_t i = 0; i < ARRAY_LEN(implementers); i++) {
        if (implementers[i].code == p->implementer)
            (void)snprintf(f->vendor, sizeof(f->vendor), "%s", implementers[i].vendor);
    }
    f->model = p->part;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i].implementer == p->implementer && parts[i].part == p->part)
            (void)snprintf(f->model_name, sizeof(f->model_name), "%s", parts[i].name);
    }
}

static int by_processor(const void *a, const void *b)
{
    const struct cpu_thread *x = a;
    const struct cpu_thread *y = b;
    return (x->processor > y->processor) - (x->processor < y->processor);
}

static int by_core(const void *a, const void *b)
{
    const struct cpu_thread *x = a;
    const struct cpu_thread *y = b;
    if (x->socket != y->socket)
        return x->socket < y->socket ? -1 : 1;
    return (x->core > y->core) - (x->core < y->core);
}

/* A number that comes twice is one processor. */
static void sort_threads(struct cpu_facts *f)
{
    qsort(f->thread, f->threads, sizeof(*f->thread), by_processor);
    unsigned kept = 1;
    for (unsigned i = 1; i < f->threads; i++) {
        if (f->thread[i].processor != f->thread[kept - 1].processor)
            f->thread[kept++] = f->thread[i];
    }
    f->threads = kept;
}

static void count_topology(struct cpu_facts *f)
{
    for (unsigned i = 0; i < f->threads; i++) {
        struct cpu_thread *t = &f->thread[i];
        t->socket = t->socket == ABSENT ? 0 : t->socket;
        t->core = t->core == ABSENT ? t->processor : t->core;
    }
    qsort(f->thread, f->threads, sizeof(*f->thread), by_core);
    f->sockets = 1;
    f->cores = 1;
    for (unsigned i = 1; i < f->threads; i++) {
        f->sockets += f->thread[i].socket != f->thread[i - 1].socket;
        f->cores += by_core(&f->thread[i], &f->thread[i - 1]) != 0;
    }
    qsort(f->thread, f->threads, sizeof(*f->thread), by_processor);
}

/* Topology is ABSENT where the text does not say it. */
static int parse_text(const char *cpuinfo, struct cpu_facts *ret)
{
    struct parser p = { .facts = { .family = ABSENT, .model = ABSENT, .stepping = ABSENT },
                        .implementer = ABSENT,
                        .part = ABSENT };
    for (const char *at = cpuinfo; *at;) {
        size_t len = strcspn(at, "\n");
        parse_line(&p, (struct span){ at, len });
        at += len + (at[len] == '\n');
    }
    if (p.facts.threads == 0) {
        free(p.facts.thread);
        return -EBADMSG;
    }
    name_arm(&p);
    sort_threads(&p.facts);
    *ret = p.facts;
    return 0;
}

int cpu_parse(const char *cpuinfo, struct cpu_facts *ret)
{
    struct cpu_facts facts;
    int code = parse_text(cpuinfo, &facts);
    if (code < 0)
        return code;
    count_topology(&facts);
    *ret = facts;
    return 0;
}

static int topology_file(const struct rootfs *fs, int processor, const char *name)
{
    char path[96];
    uint64_t value = 0;
    (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", processor,
                   name);
    if (rootfs_read_u64(fs, path, &value) < 0 || value > INT_MAX)
        return ABSENT; /* also "-1": the firmware does not say */
    return (int)value;
}

/* arm64's /proc/cpuinfo has no topology; sysfs has. */
static void fill_topology(const struct rootfs *fs, struct cpu_facts *f)
{
    for (unsigned i = 0; i < f->threads; i++) {
        struct cpu_thread *t = &f->thread[i];
        if (t->socket == ABSENT)
            t->socket = topology_file(fs, t->processor, "physical_package_id");
        if (t->core == ABSENT)
            t->core = topology_file(fs, t->processor, "core_id");
    }
}

int cpu_read(const struct rootfs *fs, struct cpu_facts *ret, struct err *err)
{
    AUTO_BUF text;
    buf_init(&text, CPUINFO_LIMIT);
    int code = rootfs_read_all(fs, CPUINFO_PATH, &text);
    if (code < 0) {
        return err_set(err, code,
                       "cannot read " CPUINFO_PATH ": %s; is procfs mounted there "
                       "(--host.procfs, --root)?",
                       strerror(-code));
    }
    struct cpu_facts facts;
    code = parse_text(buf_text(&text), &facts);
    if (code < 0) {
        return err_set(err, code,
                       CPUINFO_PATH " describes no processor (%zu bytes, no \"processor : N\" "
                                    "line); it must be a /proc/cpuinfo of x86 or arm64",
                       text.len);
    }
    fill_topology(fs, &facts);
    count_topology(&facts);
    if (facts.family == ABSENT) { /* no CPUID: arm64 */
        struct dmi_facts dmi;
        dmi_read(fs, &dmi);
        facts.hypervisor = dmi_is_virtual(&dmi);
    }
    *ret = facts;
    return 0;
}

void cpu_done(struct cpu_facts *cpu)
{
    free(cpu->thread);
    *cpu = (struct cpu_facts){ 0 };
}

/* The first thread of the lowest socket above @socket; NULL: there is none. */
static const struct cpu_thread *first_above(const struct cpu_facts *cpu, int socket)
{
    const struct cpu_thread *first = NULL;
    for (unsigned i = 0; i < cpu->threads; i++) {
        const struct cpu_thread *t = &cpu->thread[i];
        if (t->socket > socket && (!first || t->socket < first->socket))
            first = t;
    }
    return first;
}

int cpu_first_of_socket(const struct cpu_facts *cpu, unsigned nth_socket)
{
    const struct cpu_thread *t = first_above(cpu, -1);
    for (unsigned n = 0; t && n < nth_socket; n++)
        t = first_above(cpu, t->socket);
    return t ? t->processor : -1;
}

bool cpu_is_of_kind(const struct cpu_facts *cpu, const struct cpu_kind *kind)
{
    return strcmp(kind->vendor, cpu->vendor) == 0 && kind->family == cpu->family &&
           kind->model == cpu->model &&
           (kind->stepping_low < 0 ||
            (kind->stepping_low <= cpu->stepping && cpu->stepping <= kind->stepping_high));
}

bool cpu_is_intel(const struct cpu_facts *cpu)
{
    return strcmp(cpu->vendor, "GenuineIntel") == 0;
}

bool cpu_is_amd(const struct cpu_facts *cpu)
{
    return strcmp(cpu->vendor, "AuthenticAMD") == 0 || strcmp(cpu->vendor, "HygonGenuine") == 0;
}
