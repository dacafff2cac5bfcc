/* SPDX-License-Identifier: Apache-2.0 */
/* Register files of a dump: the first byte of the first line is the CPUID model, the next lines are
   the texts of the unit register and of the energy registers. */
#include "host/energy.h"
#include "host/msr.h"

#include "fuzz_tree.h"

#include <inttypes.h>
#include <math.h>

static void write_registers(const struct tree *root, const uint8_t *data, size_t size)
{
    static const uint32_t registers[] = { MSR_INTEL_POWER_UNIT,  MSR_INTEL_PKG_ENERGY,
                                          MSR_INTEL_DRAM_ENERGY, MSR_INTEL_PP0_ENERGY,
                                          MSR_INTEL_PSYS_ENERGY, MSR_INTEL_PKG_INFO,
                                          MSR_INTEL_PKG_LIMIT };
    for (size_t i = 0; i < ARRAY_LEN(registers); i++) {
        char path[64];
        size_t n = fuzz_line_length(data, size);
        (void)snprintf(path, sizeof(path), "/dev/cpu/0/msr/0x%" PRIx32, registers[i]);
        tree_put_bytes(root, path, data, n);
        data += n;
        size -= n;
    }
}

static void check_counter(const struct rootfs *fs, const struct energy_counter *c)
{
    uint64_t count = 0;
    fuzz_want(c->zone < ZONE_COUNT && c->modulus == UINT64_C(1) << 32);
    /* 2^0 J at most; of small Atoms 2^ESU uJ, of five bits */
    fuzz_want(c->uj_per_count > 0 && c->uj_per_count <= 2147483648.0);
    fuzz_want(energy_msr.read(fs, c, &count) == 0 && count < c->modulus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tree *root = fuzz_tree();
    size_t n = fuzz_line_length(data, size);
    struct cpu_thread thread = { 0 };
    struct cpu_facts cpu = { .sockets = 1,
                             .threads = 1,
                             .thread = &thread,
                             .vendor = "GenuineIntel",
                             .family = 6,
                             .model = n ? data[0] : 85 };
    write_registers(root, data + n, size - n);

    double watts = 0;
    if (msr_read_tdp_watts(&root->fs, &cpu, &watts) == 0)
        fuzz_want(watts > 0 && watts < 32768);
    if (msr_read_limit_watts(&root->fs, &cpu, &watts) == 0)
        fuzz_want(watts >= 0 && (watts < 32768 || watts == HUGE_VAL));
    struct energy_set set;
    struct err err = { 0 };
    if (energy_msr.list(&root->fs, &cpu, &set, &err) < 0) {
        fuzz_want(err.text[0] != '\0');
        return 0;
    }
    fuzz_want(set.n > 0 && set.counter[0].zone == ZONE_PACKAGE);
    for (size_t i = 0; i < set.n; i++)
        check_counter(&root->fs, &set.counter[i]);
    return 0;
}
