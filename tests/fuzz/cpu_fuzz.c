/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/cpuinfo of a dump, which came in a bug report; its names go on into the power tables. */
#include "base/cleanup.h"
#include "host/cpu.h"
#include "host/cpu_power.h"

#include "fuzz.h"

#include <math.h>

static void check_topology(const struct cpu_facts *cpu)
{
    fuzz_want(cpu->sockets >= 1 && cpu->cores >= cpu->sockets && cpu->threads >= cpu->cores);
    for (unsigned i = 1; i < cpu->threads; i++)
        fuzz_want(cpu->thread[i].processor > cpu->thread[i - 1].processor);
    fuzz_want(cpu_first_of_socket(cpu, cpu->sockets - 1) >= 0);
    fuzz_want(cpu_first_of_socket(cpu, cpu->sockets) == -1);
}

static void check_power(const struct cpu_facts *cpu)
{
    struct cpu_power p;
    cpu_power_find(cpu, 0, &p);
    fuzz_want(p.bound_low > 0 && p.bound_low < 1 && p.bound_high > 1);
    fuzz_want(p.table_threads > 0 && p.curve[0] > 0 && p.reason[0] != '\0');
    fuzz_want(cpu_power_ceiling_watts(cpu, 0) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_STR text = fuzz_text(data, size);
    struct cpu_facts cpu;
    if (cpu_parse(text, &cpu) < 0)
        return 0;
    check_topology(&cpu);
    check_power(&cpu);
    cpu_done(&cpu);
    return 0;
}
