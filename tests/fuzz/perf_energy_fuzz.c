/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the power PMU: the input's lines are type, cpumask, then event, scale, unit and the
   counts of CPU 0 and 1 of the package, then the same of DRAM, then the die of CPU 1. The machine
   has two CPUs of one socket; an input that begins with 'A' is of AMD. */
#include "host/energy.h"

#include "fuzz_tree.h"

#include <math.h>

#define PMU "/sys/bus/event_source/devices/power"

static void write_files(const struct tree *root, const uint8_t *data, size_t size)
{
    static const char *const paths[] = {
        PMU "/type",
        PMU "/cpumask",
        PMU "/events/energy-pkg",
        PMU "/events/energy-pkg.scale",
        PMU "/events/energy-pkg.unit",
        "/.probe/perf/energy-pkg.0",
        "/.probe/perf/energy-pkg.1",
        PMU "/events/energy-ram",
        PMU "/events/energy-ram.scale",
        PMU "/events/energy-ram.unit",
        "/.probe/perf/energy-ram.0",
        "/.probe/perf/energy-ram.1",
        "/sys/devices/system/cpu/cpu1/topology/die_id",
    };
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        size_t n = fuzz_line_length(data, size);
        tree_put_bytes(root, paths[i], data, n);
        data += n;
        size -= n;
    }
}

static void check_counter(const struct rootfs *fs, const struct energy_counter *c)
{
    uint64_t count = 0;
    fuzz_want((c->zone == ZONE_PACKAGE || c->zone == ZONE_DRAM) && c->modulus == 0);
    fuzz_want(c->uj_per_count > 0 && c->uj_per_count <= 1e6 && isfinite(c->uj_per_count));
    fuzz_want(c->socket == 0 && c->fd == -1 && !c->is_power);
    fuzz_want(energy_perf.read(fs, c, &count) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tree *root = fuzz_tree();
    struct cpu_thread threads[] = { { 0, 0, 0 }, { 1, 0, 1 } };
    bool is_amd = size > 0 && data[0] == 'A';
    struct cpu_facts cpu = { .sockets = 1, .threads = ARRAY_LEN(threads), .thread = threads };
    (void)snprintf(cpu.vendor, sizeof(cpu.vendor), "%s", is_amd ? "AuthenticAMD" : "GenuineIntel");
    write_files(root, data + is_amd, size - is_amd);

    struct energy_set set;
    struct err err = { 0 };
    if (energy_perf.list(&root->fs, &cpu, &set, &err) < 0) {
        fuzz_want(err.text[0] != '\0');
        return 0;
    }
    size_t packages = 0;
    for (size_t i = 0; i < set.n; i++) {
        check_counter(&root->fs, &set.counter[i]);
        packages += set.counter[i].zone == ZONE_PACKAGE;
    }
    fuzz_want(packages > 0 && packages <= (is_amd ? 1 : 2));
    fuzz_want(set.n == packages || set.n == 2 * packages); /* a zone is whole or not there */
    return 0;
}
