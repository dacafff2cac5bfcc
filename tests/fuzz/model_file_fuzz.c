/* SPDX-License-Identifier: Apache-2.0 */
/* What is read makes watts that are positive and never fall with the load. */
#include "power/model_file.h"

#include "fuzz.h"

#include <math.h>

static void check_curve(const struct model_file *m)
{
    struct cpu_facts cpu = { .family = m->family, .model = m->model };
    struct cpu_power p;
    struct err err = { 0 };
    memcpy(cpu.vendor, m->vendor, sizeof(cpu.vendor));
    memcpy(cpu.model_name, m->cpu_model, sizeof(cpu.model_name));
    if (model_file_believe(m, "f", &cpu, 0, &err) < 0 ||
        model_file_to_power(m, "f", &cpu, &p, &err) < 0) {
        fuzz_want(err.text[0] != '\0');
        return;
    }
    for (size_t i = 0; i < POWER_CURVE_POINTS; i++) {
        fuzz_want(isfinite(p.curve[i]) && p.curve[i] > 0);
        fuzz_want(i == 0 || p.curve[i] >= p.curve[i - 1]);
        fuzz_want(isfinite(p.dram_watts_per_gb[i]) && p.dram_watts_per_gb[i] > 0);
    }
    fuzz_want(p.curve_sockets > 0 && p.table_threads > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = { 0 };
    struct model_file m;
    if (model_file_parse((const char *)data, size, &m, &err) < 0) {
        fuzz_want(err.code < 0 && err.text[0] != '\0');
        return 0;
    }
    fuzz_want(m.points >= 2 && m.points <= MODEL_POINTS_MAX && m.sockets > 0);
    check_curve(&m);
    return 0;
}
