/* SPDX-License-Identifier: Apache-2.0 */
#include "host/energy.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* cmocka needs the four headers above first */
#include <cmocka.h>

#include "near.h"

#include <linux/perf_event.h>

#define PMU     "/sys/bus/event_source/devices/power"
#define SCALE   "2.3283064365386962890625e-10\n" /* 2^-32 J, as the kernel writes it (rapl.c) */
#define COUNTS  "/.probe/perf/"
#define UJ_2_32 (1e6 / 4294967296.0)

static void put_event(const struct tree *t, const char *name, const char *config)
{
    AUTO_STR event = mem_printf(PMU "/events/%s", name);
    AUTO_STR scale = mem_printf("%s.scale", event);
    AUTO_STR unit = mem_printf("%s.unit", event);
    tree_put(t, event, config);
    tree_put(t, scale, SCALE);
    tree_put(t, unit, "Joules\n");
}

static void put_count(const struct tree *t, const char *event, int cpu, const char *count)
{
    AUTO_STR path = mem_printf(COUNTS "%s.%d", event, cpu);
    tree_put(t, path, count);
}

/* The PMU of a machine whose mask is @cpumask, with the package's event. */
static void put_pmu(const struct tree *t, const char *cpumask)
{
    tree_put(t, PMU "/type", "22\n");
    tree_put(t, PMU "/cpumask", cpumask);
    put_event(t, "energy-pkg", "event=0x02\n");
}

/* Two sockets, the first of CPUs 0, 1, 4 and 5. */
static struct cpu_thread eight[] = { { 0, 0, 0 }, { 1, 0, 1 }, { 2, 1, 0 }, { 3, 1, 1 },
                                     { 4, 0, 0 }, { 5, 0, 1 }, { 6, 1, 0 }, { 7, 1, 1 } };

static struct cpu_facts machine(const char *vendor)
{
    struct cpu_facts cpu = { .sockets = 2, .thread = eight, .threads = ARRAY_LEN(eight) };
    (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", vendor);
    return cpu;
}

/* As a c5.metal has it. */
static void put_two_sockets(const struct tree *t)
{
    put_pmu(t, "0,2\n");
    put_event(t, "energy-ram", "event=0x03\n");
    put_count(t, "energy-pkg", 0, "4294967296\n");
    put_count(t, "energy-pkg", 2, "18446744073709551615\n");
    put_count(t, "energy-ram", 0, "11\n");
    put_count(t, "energy-ram", 2, "22\n");
}

static void two_sockets_and_their_dram(void **state)
{
    (void)state;
    static const struct {
        enum energy_zone zone;
        int socket;
        const char *path, *label;
        uint64_t count;
    } want[] = {
        { ZONE_PACKAGE, 0, COUNTS "energy-pkg.0", "perf:energy-pkg", UINT64_C(1) << 32 },
        { ZONE_PACKAGE, 1, COUNTS "energy-pkg.2", "perf:energy-pkg", UINT64_MAX },
        { ZONE_DRAM, 0, COUNTS "energy-ram.0", "perf:energy-ram", 11 },
        { ZONE_DRAM, 1, COUNTS "energy-ram.2", "perf:energy-ram", 22 },
    };
    AUTO_TREE t;
    tree_make(&t);
    put_two_sockets(&t);
    struct cpu_facts cpu = machine("GenuineIntel");
    struct energy_set set;
    struct err err = { 0 };
    assert_int_equal(energy_perf.list(&t.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, ARRAY_LEN(want));
    for (size_t i = 0; i < set.n; i++) {
        const struct energy_counter *c = &set.counter[i];
        uint64_t count = 0;
        assert_int_equal(c->zone, want[i].zone);
        assert_int_equal(c->socket, want[i].socket);
        assert_string_equal(c->path, want[i].path);
        assert_string_equal(c->label, want[i].label);
        assert_int_equal(c->modulus, 0); /* the kernel adds up what wraps */
        assert_close(c->uj_per_count, UJ_2_32, "2^-32 J, DRAM's too");
        assert_false(c->is_power);
        assert_int_equal(c->fd, -1);
        assert_int_equal(energy_perf.read(&t.fs, c, &count), 0);
        assert_int_equal(count, want[i].count);
    }
    energy_set_done(&set);
    assert_int_equal(set.n, 0);
}

static void mask_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor, *mask;
        const char *dies; /* of CPU 0, 1 ...; NULL: the kernel does not say */
        const char *cpus; /* that are read: NULL where it fails */
        const char *says;
    } rows[] = {
        { "one CPU a socket", "GenuineIntel", "0,2\n", NULL, "02", NULL },
        { "the highest CPUs, after the first went offline", "GenuineIntel", "5,7\n", NULL, "57",
          NULL },
        { "Intel's dies count each for itself", "GenuineIntel", "0-3\n", "01010101", "0123", NULL },
        { "dies whose numbers go on over the sockets", "GenuineIntel", "0-3\n", "01230123", "0123",
          NULL },
        { "Linux 7.0 names all CPUs of each package", "GenuineIntel", "0-7\n", NULL, "02", NULL },
        { "so it does where a package has dies", "GenuineIntel", "0-7\n", "01010101", "02", NULL },
        { "AMD's dies tell the socket's counter again", "AuthenticAMD", "0-3\n", "01010101", "02",
          NULL },
        { "Hygon's too", "HygonGenuine", "0-3\n", "01010101", "02", NULL },
        { "AMD by socket", "AuthenticAMD", "0,2\n", "01010101", "02", NULL },
        { "one of two sockets is missing", "GenuineIntel", "0\n", NULL, NULL, "1 of 2 sockets" },
        { "both dies of one socket are one socket", "GenuineIntel", "0-1\n", "01010101", NULL,
          "1 of 2 sockets" },
        { "no CPU at all", "GenuineIntel", "\n", NULL, NULL, "0 of 2 sockets" },
        { "a CPU that is not there", "GenuineIntel", "0,2,9\n", NULL, NULL, "\"0,2,9\"" },
        { "a range that ends beyond", "GenuineIntel", "0-99\n", NULL, NULL, "makes no sense" },
        { "a range that goes back", "GenuineIntel", "3-0\n", NULL, NULL, "makes no sense" },
        { "a range without an end", "GenuineIntel", "0-\n", NULL, NULL, "makes no sense" },
        { "a range of three", "GenuineIntel", "0-2-3\n", NULL, NULL, "makes no sense" },
        { "a word", "GenuineIntel", "all\n", NULL, NULL, "makes no sense" },
        { "a hex mask", "GenuineIntel", "00000000,00000005\n", NULL, NULL, "makes no sense" },
        { "an empty place", "GenuineIntel", "0,,2\n", NULL, NULL, "makes no sense" },
        { "below 0", "GenuineIntel", "-1\n", NULL, NULL, "makes no sense" },
        { "past every number of CPUs", "GenuineIntel", "99999999\n", NULL, NULL, "makes no sense" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        put_pmu(&t, rows[i].mask);
        for (int cpu = 0; cpu < 8; cpu++) {
            AUTO_STR die = mem_printf("/sys/devices/system/cpu/cpu%d/topology/die_id", cpu);
            put_count(&t, "energy-pkg", cpu, "5\n");
            if (rows[i].dies)
                tree_printf(&t, die, "%c\n", rows[i].dies[cpu]);
        }
        struct cpu_facts cpu = machine(rows[i].vendor);
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        char cpus[16] = "";
        int code = energy_perf.list(&t.fs, &cpu, &set, &err);
        for (size_t k = 0; code == 0 && k < set.n; k++)
            cpus[k] = set.counter[k].path[strlen(COUNTS "energy-pkg.")];
        if (code != (rows[i].cpus ? 0 : -ENODATA) || (code == 0 && strcmp(cpus, rows[i].cpus) != 0))
            fail_msg("%s: %d, CPUs \"%s\", \"%s\"", rows[i].why, code, cpus, err.text);
        if (code < 0 && (!strstr(err.text, rows[i].says) || set.n != 99))
            fail_msg("%s: \"%s\"", rows[i].why, err.text);
    }
}

/* 13 sockets of 5 dies, as no machine has. */
static void more_dies_than_there_is_room(void **state)
{
    (void)state;
    struct cpu_thread threads[ENERGY_COUNTERS_MAX + 1];
    AUTO_TREE t;
    tree_make(&t);
    tree_put(&t, PMU "/type", "22\n");
    put_event(&t, "energy-ram", "event=0x03\n");
    for (int i = 0; i <= ENERGY_COUNTERS_MAX; i++) {
        AUTO_STR die = mem_printf("/sys/devices/system/cpu/cpu%d/topology/die_id", i);
        threads[i] = (struct cpu_thread){ .processor = i };
        tree_printf(&t, die, "%d\n", i);
        put_count(&t, "energy-pkg", i, "5\n");
        put_count(&t, "energy-ram", i, "5\n");
    }
    put_event(&t, "energy-pkg", "event=0x02\n");
    struct cpu_facts cpu = machine("GenuineIntel");
    cpu.thread = threads;
    cpu.threads = ARRAY_LEN(threads);
    cpu.sockets = 1;
    struct energy_set set;
    struct err err = { 0 };
    tree_put(&t, PMU "/cpumask", "0-64\n");
    assert_int_equal(energy_perf.list(&t.fs, &cpu, &set, &err), -ENODATA);
    tree_put(&t, PMU "/cpumask", "0-63\n");
    assert_int_equal(energy_perf.list(&t.fs, &cpu, &set, &err), 0);
    assert_int_equal(set.n, ENERGY_COUNTERS_MAX); /* DRAM has no room, so it is left out whole */
}

static void event_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor, *event, *config;
        const char *suffix, *text; /* a file of the event that is otherwise; NULL */
        enum energy_zone zone;     /* ZONE_COUNT: left out */
    } rows[] = {
        { "DRAM", "GenuineIntel", "energy-ram", "event=0x03\n", NULL, NULL, ZONE_DRAM },
        { "cores", "GenuineIntel", "energy-cores", "event=0x01\n", NULL, NULL, ZONE_CORE },
        { "a built-in GPU", "GenuineIntel", "energy-gpu", "event=0x04\n", NULL, NULL, ZONE_UNCORE },
        { "the platform", "GenuineIntel", "energy-psys", "event=0x05\n", NULL, NULL, ZONE_PSYS },
        { "AMD's cores count one core only", "AuthenticAMD", "energy-cores", "event=0x01\n", NULL,
          NULL, ZONE_COUNT },
        { "one core's energy", "GenuineIntel", "energy-core", "event=0x01\n", NULL, NULL,
          ZONE_COUNT },
        { "a name from the future", "GenuineIntel", "energy-npu", "event=0x06\n", NULL, NULL,
          ZONE_COUNT },
        { "another unit", "GenuineIntel", "energy-ram", "event=0x03\n", ".unit", "Watts\n",
          ZONE_COUNT },
        { "another scale, in joules", "GenuineIntel", "energy-ram", "event=0x03\n", ".scale",
          "1e-6\n", ZONE_DRAM },
        { "a scale of 0", "GenuineIntel", "energy-ram", "event=0x03\n", ".scale", "0\n",
          ZONE_COUNT },
        { "a negative scale", "GenuineIntel", "energy-ram", "event=0x03\n", ".scale", "-1e-9\n",
          ZONE_COUNT },
        { "a scale that is no number", "GenuineIntel", "energy-ram", "event=0x03\n", ".scale",
          "nan\n", ZONE_COUNT },
        { "a scale above a joule", "GenuineIntel", "energy-ram", "event=0x03\n", ".scale", "1e3\n",
          ZONE_COUNT },
        { "an event of other terms", "GenuineIntel", "energy-ram", "umask=0x1\n", NULL, NULL,
          ZONE_COUNT },
        { "a scale longer than any", "GenuineIntel", "energy-ram", "event=0x03\n", ".scale",
          "0.000000000000000000000000000000000000000000000000000000000000000000001\n", ZONE_COUNT },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        put_pmu(&t, "0,2\n");
        put_event(&t, rows[i].event, rows[i].config);
        if (rows[i].suffix) {
            AUTO_STR path = mem_printf(PMU "/events/%s%s", rows[i].event, rows[i].suffix);
            tree_put(&t, path, rows[i].text);
        }
        for (int cpu = 0; cpu <= 2; cpu += 2) {
            put_count(&t, "energy-pkg", cpu, "7\n");
            put_count(&t, rows[i].event, cpu, "5\n");
        }
        struct cpu_facts cpu = machine(rows[i].vendor);
        struct energy_set set;
        struct err err = { 0 };
        size_t more = rows[i].zone == ZONE_COUNT ? 0 : 2;
        if (energy_perf.list(&t.fs, &cpu, &set, &err) != 0)
            fail_msg("%s: %s", rows[i].why, err.text);
        if (set.n != 2 + more)
            fail_msg("%s: %zu counters", rows[i].why, set.n);
        if (more && (set.counter[2].zone != rows[i].zone || set.counter[3].socket != 1))
            fail_msg("%s: %s of socket %d", rows[i].why, energy_zone_name(set.counter[2].zone),
                     set.counter[3].socket);
    }
}

static void counts_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *event;
        const char *count0, *count2; /* of the two sockets; NULL: the dump has none */
        size_t more;                 /* counters beside the two packages */
    } rows[] = {
        { "DRAM on both", "energy-ram", "5\n", "6\n", 2 },
        { "DRAM on one only would be half a sum", "energy-ram", "5\n", NULL, 0 },
        { "DRAM of the second only", "energy-ram", NULL, "5\n", 0 },
        { "DRAM that is garbled on one", "energy-ram", "5\n", "x\n", 0 },
        { "psys is told by the master package, here the second", "energy-psys", NULL, "5\n", 1 },
        { "psys of both", "energy-psys", "5\n", "0\n", 2 },
        { "psys of none", "energy-psys", NULL, NULL, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        put_pmu(&t, "0,2\n");
        put_event(&t, rows[i].event, "event=0x03\n");
        put_count(&t, "energy-pkg", 0, "7\n");
        put_count(&t, "energy-pkg", 2, "7\n");
        if (rows[i].count0)
            put_count(&t, rows[i].event, 0, rows[i].count0);
        if (rows[i].count2)
            put_count(&t, rows[i].event, 2, rows[i].count2);
        struct cpu_facts cpu = machine("GenuineIntel");
        struct energy_set set;
        struct err err = { 0 };
        if (energy_perf.list(&t.fs, &cpu, &set, &err) != 0 || set.n != 2 + rows[i].more)
            fail_msg("%s: %zu, \"%s\"", rows[i].why, set.n, err.text);
    }
}

/* Its scale file is the same before and after the kernel mended the unit. */
static void dram_of_sapphire_rapids_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *release; /* NULL: unknown */
        int model;
        size_t more; /* DRAM counters */
    } rows[] = {
        { "counts a quarter before Linux 6.1", "6.0.19-generic\n", 143, 0 },
        { "of whichever distribution", "5.14.0-162.6.1.el9_1.x86_64\n", 143, 0 },
        { "right from 6.1 on", "6.1.0-25-amd64\n", 143, 2 },
        { "6.10 is not 6.1, but later", "6.10.3\n", 143, 2 },
        { "two-digit majors", "10.0.0\n", 143, 2 },
        { "a kernel that does not say is not trusted", NULL, 143, 0 },
        { "nor one that says nonsense", "six\n", 143, 0 },
        { "Ice Lake was never wrong", "5.14.0\n", 106, 2 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        put_two_sockets(&t);
        if (rows[i].release)
            tree_put(&t, "/proc/sys/kernel/osrelease", rows[i].release);
        struct cpu_facts cpu = machine("GenuineIntel");
        cpu.family = 6;
        cpu.model = rows[i].model;
        struct energy_set set;
        struct err err = { 0 };
        if (energy_perf.list(&t.fs, &cpu, &set, &err) != 0 || set.n != 2 + rows[i].more)
            fail_msg("%s: %zu, \"%s\"", rows[i].why, set.n, err.text);
    }
}

static void no_pmu_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *vendor;
        bool hypervisor;
        const char *says;
    } rows[] = {
        { "bare metal: a module is missing", "GenuineIntel", false, "modprobe rapl" },
        { "the kernel may be built without it", "AuthenticAMD", false,
          "CONFIG_PERF_EVENTS_INTEL_RAPL" },
        { "a newer server's module", "GenuineIntel", false, "intel_rapl_tpmi" },
        { "a VM: no module helps", "GenuineIntel", true, "no module or mount brings them" },
        { "arm64 has no such thing", "ARM", false, "Intel, AMD and Hygon only" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        struct cpu_facts cpu = machine(rows[i].vendor);
        cpu.hypervisor = rows[i].hypervisor;
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        int code = energy_perf.list(&t.fs, &cpu, &set, &err);
        if (code != -ENOENT || !strstr(err.text, rows[i].says) || set.n != 99)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void senseless_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *path, *text; /* NULL text: the file is not there */
        int code;
        const char *says;
    } rows[] = {
        { "a type that is no number", PMU "/type", "power\n", -ENODATA, "/type makes no sense" },
        { "a type past 32 bits", PMU "/type", "4294967296\n", -ENODATA, "\"4294967296\"" },
        { "no mask", PMU "/cpumask", NULL, -ENODATA, "cannot read " PMU "/cpumask" },
        { "no package event: a sum of parts is none", PMU "/events/energy-pkg", NULL, -ENODATA,
          "cannot read " PMU "/events/energy-pkg" },
        { "no scale", PMU "/events/energy-pkg.scale", NULL, -ENODATA, "energy-pkg.scale" },
        { "a package in another unit", PMU "/events/energy-pkg.unit", "Watts\n", -ENODATA,
          "\"Watts\"" },
        { "a dump without the second socket's count", COUNTS "energy-pkg.2", NULL, -ENOTSUP,
          "it has no " COUNTS "energy-pkg.2" },
        { "a count that is no number", COUNTS "energy-pkg.2", "-5\n", -ENODATA,
          COUNTS "energy-pkg.2 gives no count" },
        { "an empty count", COUNTS "energy-pkg.0", "\n", -ENODATA, "gives no count" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_TREE t;
        tree_make(&t);
        put_two_sockets(&t);
        if (rows[i].text)
            tree_put(&t, rows[i].path, rows[i].text);
        else
            tree_drop(&t, rows[i].path);
        struct cpu_facts cpu = machine("GenuineIntel");
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        int code = energy_perf.list(&t.fs, &cpu, &set, &err);
        if (code != rows[i].code || !strstr(err.text, rows[i].says) || set.n != 99)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
    }
}

static void reading_rows(void **state)
{
    (void)state;
    static const struct {
        const char *why, *text; /* NULL: gone */
        int code;
        uint64_t count;
    } rows[] = {
        { "all 64 bits", "18446744073709551615\n", 0, UINT64_MAX },
        { "0: the event has just been opened", "0\n", 0, 0 },
        { "truncated to nothing", "", -EBADMSG, 9 },
        { "past 64 bits", "18446744073709551616\n", -EBADMSG, 9 },
        { "gone", NULL, -ENOENT, 9 },
    };
    AUTO_TREE t;
    tree_make(&t);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct energy_counter c = { .path = COUNTS "energy-pkg.0", .fd = -1 };
        uint64_t count = 9;
        if (rows[i].text)
            tree_put(&t, c.path, rows[i].text);
        else
            tree_drop(&t, c.path);
        int code = energy_perf.read(&t.fs, &c, &count);
        if (code != rows[i].code || count != rows[i].count)
            fail_msg("%s: %d", rows[i].why, code);
    }
}

/* -- on the running kernel, whose software clock of a CPU stands in for a PMU: it counts the
   nanoseconds of a CPU as the power PMU does a package's energy -- */

static void put_clock(struct tree *t, const char *cpumask)
{
    tree_make(t);
    put_pmu(t, cpumask);
    tree_printf(t, PMU "/type", "%d\n", PERF_TYPE_SOFTWARE);
    tree_printf(t, PMU "/events/energy-pkg", "event=0x%02x\n", PERF_COUNT_SW_CPU_CLOCK);
    tree_put(t, PMU "/events/energy-pkg.scale", "1e-9\n");
    tree_put(t, "/proc/sys/kernel/perf_event_paranoid", "7\n");
    t->fs.foreign = false;
}

static struct cpu_facts one_cpu(struct cpu_thread *thread)
{
    struct cpu_facts cpu = machine("GenuineIntel");
    cpu.sockets = 1;
    cpu.threads = 1;
    cpu.thread = thread;
    return cpu;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void counts_on_the_running_kernel(void **state)
{
    (void)state;
    struct cpu_thread first = { 0 };
    struct cpu_facts cpu = one_cpu(&first);
    struct energy_set set;
    struct err err = { 0 };
    uint64_t count = 0;
    AUTO_TREE t;
    put_clock(&t, "0\n");
    int code = energy_perf.list(&t.fs, &cpu, &set, &err);
    if (code == -EACCES || strstr(err.text, strerror(ENOSYS)))
        skip(); /* not root, and perf_event_paranoid is above 0 */
    assert_int_equal(code, 0);
    assert_int_equal(set.n, 1);
    const struct energy_counter c = set.counter[0];
    assert_string_equal(c.path, "perf energy-pkg on CPU 0");
    assert_string_equal(c.label, "perf:energy-pkg");
    assert_close(c.uj_per_count, 1e-3, "a nanojoule");
    assert_true(is_open(c.fd));
    assert_true(fcntl(c.fd, F_GETFD) & FD_CLOEXEC);
    uint64_t before = 0;
    assert_int_equal(energy_perf.read(&t.fs, &c, &before), 0);
    for (int i = 0; i < 1000000 && count <= before; i++)
        assert_int_equal(energy_perf.read(&t.fs, &c, &count), 0);
    assert_true(count > before);
    energy_set_done(&set);
    assert_false(is_open(c.fd));
}

static void what_fails_leaves_nothing_open(void **state)
{
    (void)state;
    static const struct {
        const char *why, *path, *text, *mask, *says;
    } rows[] = {
        { "a PMU that is gone again", PMU "/type", "2147483647\n", "0\n",
          "cannot open perf energy-pkg on CPU 0" },
        { "a CPU that is offline by now", PMU "/type", "1\n", "0,1048576\n",
          "cannot open perf energy-pkg on CPU 1048576" },
    };
    struct cpu_thread threads[] = { { 0, 0, 0 }, { 1048576, 1, 0 } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct cpu_facts cpu = one_cpu(threads);
        struct energy_set set = { .n = 99 };
        struct err err = { 0 };
        AUTO_TREE t;
        put_clock(&t, rows[i].mask);
        tree_put(&t, rows[i].path, rows[i].text);
        cpu.threads = ARRAY_LEN(threads);
        int lowest = dup(0);
        (void)close(lowest);
        int code = energy_perf.list(&t.fs, &cpu, &set, &err);
        if (code == -EACCES)
            skip(); /* not root, and perf_event_paranoid is above 0 */
        if (code != -ENODATA || !strstr(err.text, rows[i].says) || set.n != 99)
            fail_msg("%s: %d \"%s\"", rows[i].why, code, err.text);
        int next = dup(0);
        (void)close(next);
        assert_int_equal(next, lowest);
    }
}

static void without_permission(void **state)
{
    (void)state;
    struct cpu_thread first = { 0 };
    struct cpu_facts cpu = one_cpu(&first);
    struct energy_set set;
    struct err err = { 0 };
    AUTO_TREE t;
    put_clock(&t, "0\n");
    tree_must(geteuid() != 0 || seteuid(NOBODY) == 0, "become", "nobody");
    int code = energy_perf.list(&t.fs, &cpu, &set, &err);
    tree_permit();
    if (code == 0) {
        energy_set_done(&set);
        skip(); /* perf_event_paranoid is 0 or below: anybody may */
    }
    assert_int_equal(code, -EACCES);
    assert_non_null(strstr(err.text, "cannot open perf energy-pkg on CPU 0"));
    assert_non_null(strstr(err.text, "kernel.perf_event_paranoid is 7"));
    assert_non_null(strstr(err.text, "CAP_PERFMON"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_sockets_and_their_dram),
        cmocka_unit_test(mask_rows),
        cmocka_unit_test(more_dies_than_there_is_room),
        cmocka_unit_test(event_rows),
        cmocka_unit_test(counts_rows),
        cmocka_unit_test(dram_of_sapphire_rapids_rows),
        cmocka_unit_test(no_pmu_rows),
        cmocka_unit_test(senseless_rows),
        cmocka_unit_test(reading_rows),
        cmocka_unit_test(counts_on_the_running_kernel),
        cmocka_unit_test(what_fails_leaves_nothing_open),
        cmocka_unit_test(without_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
