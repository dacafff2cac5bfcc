/* SPDX-License-Identifier: Apache-2.0 */
/* What /proc/cpuinfo says of the processors. */
#ifndef HOST_CPU_H
#define HOST_CPU_H

#include "base/compiler.h"
#include "base/err.h"
#include "base/rootfs.h"

#include <stdbool.h>
#include <stddef.h>

struct cpu_thread {
    int processor, socket, core; /* "processor", "physical id", "core id"; where the text does not
                                    say: cpu_read asks sysfs, else socket 0 and a core of its own */
};

struct cpu_facts {
    char vendor[16]; /* "GenuineIntel", "AuthenticAMD"; "ARM" etc. on arm64; "" unknown */
    int family, model, stepping;      /* -1 unknown (arm64) */
    char model_name[96];              /* "" unknown */
    bool hypervisor;                  /* CPUID says that this is a virtual machine; where there is
                                         none (arm64), cpu_read asks the firmware's DMI */
    unsigned sockets, cores, threads; /* of the whole machine; at least 1 */
    struct cpu_thread *thread;        /* owned, threads entries, ascending by processor */
};

/* Pure. arm64's "CPU implementer" / "CPU part" are told as vendor and model. -EBADMSG if no
   processor is described. */
MUST_USE int cpu_parse(const char *cpuinfo, struct cpu_facts *ret);
MUST_USE int cpu_read(const struct rootfs *fs, struct cpu_facts *ret, struct err *err);
void cpu_done(struct cpu_facts *cpu);

/* Number of its lowest thread, or -1 if there is no such socket (0 .. sockets-1, ascending). */
int cpu_first_of_socket(const struct cpu_facts *cpu, unsigned nth_socket);

/* Processors of one CPUID family and model, and of some steppings of it. */
struct cpu_kind {
    const char *vendor;
    int family, model;
    int stepping_low, stepping_high; /* low -1: any */
};
bool cpu_is_of_kind(const struct cpu_facts *cpu, const struct cpu_kind *kind);

bool cpu_is_intel(const struct cpu_facts *cpu);
bool cpu_is_amd(const struct cpu_facts *cpu); /* AMD or Hygon: same RAPL MSRs */

#endif
