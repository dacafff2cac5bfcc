/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a powercap class: the input's lines are name, energy_uj and max_energy_range_uj of one
   zone after the other, then of two constraints of the first zone name, limit and most. */
#include "host/energy.h"
#include "host/powercap.h"

#include "fuzz_tree.h"

#include <math.h>

static void write_files(const struct tree *root, const uint8_t *data, size_t size)
{
    static const char *const files[] = {
        "intel-rapl:0/name",
        "intel-rapl:0/energy_uj",
        "intel-rapl:0/max_energy_range_uj",
        "intel-rapl:0:0/name",
        "intel-rapl:0:0/energy_uj",
        "intel-rapl:0:0/max_energy_range_uj",
        "intel-rapl:1/name",
        "intel-rapl:1/energy_uj",
        "intel-rapl:1/max_energy_range_uj",
        "intel-rapl:0/constraint_0_name",
        "intel-rapl:0/constraint_0_power_limit_uw",
        "intel-rapl:0/constraint_0_max_power_uw",
        "intel-rapl:0/constraint_1_name",
        "intel-rapl:0/constraint_1_power_limit_uw",
        "intel-rapl:0/constraint_1_max_power_uw",
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        char path[128];
        size_t n = fuzz_line_length(data, size);
        (void)snprintf(path, sizeof(path), POWERCAP_CLASS "/%s", files[i]);
        tree_put_bytes(root, path, data, n);
        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct tree *root = fuzz_tree();
    write_files(root, data, size);

    struct cpu_facts cpu = { .sockets = 1, .vendor = "GenuineIntel" };
    struct energy_set set;
    struct err err = { 0 };
    struct powercap_survey survey;
    struct powercap_limits limits;
    powercap_survey(&root->fs, &survey);
    powercap_read_limits(&root->fs, &limits);
    fuzz_want(limits.long_max_watts >= 0 && isfinite(limits.long_max_watts));
    fuzz_want(limits.long_watts >= 0 && limits.short_watts >= 0);
    if (energy_powercap.list(&root->fs, &cpu, &set, &err) < 0) {
        fuzz_want(err.text[0] != '\0');
        return 0;
    }
    fuzz_want(set.n > 0 && set.n <= survey.zones);
    for (size_t i = 0; i < set.n; i++) {
        const struct energy_counter *c = &set.counter[i];
        uint64_t count = 0;
        fuzz_want(c->zone < ZONE_COUNT && c->socket >= 0 && c->modulus != 1);
        if (energy_powercap.read(&root->fs, c, &count) == 0 && c->modulus)
            fuzz_want(count < c->modulus);
    }
    return 0;
}
