/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of checks, in the order of the report. A new check is a function and a row. */
#include "check/check.h"

const struct check probe_checks[] = {
    { "host.kernel", "Kernel", CHECK_AT_ONCE, check_kernel },
    { "host.lockdown", "Kernel lockdown", CHECK_AT_ONCE, check_lockdown },
    { "host.secureboot", "Secure Boot", CHECK_AT_ONCE, check_secure_boot },
    { "host.virtualisation", "Virtualisation", CHECK_AT_ONCE, check_virtualisation },
    { "host.cpu", "Processor", CHECK_AT_ONCE, check_cpu },
    { "host.memory", "Memory", CHECK_AT_ONCE, check_memory },
    { "cloud.provider", "Cloud", CHECK_AT_ONCE, check_cloud },

    { "power.powercap", "Energy counters of powercap", CHECK_LAST, check_energy },
    { "power.perf", "Energy counters of perf", CHECK_LAST, check_energy },
    { "power.msr", "Energy registers (MSR)", CHECK_LAST, check_energy },
    { "power.hwmon", "Power sensors of hwmon", CHECK_LAST, check_energy },
    { "power.model", "Estimate without a sensor", CHECK_AT_ONCE, check_model },

    { "module.msr", "Kernel module msr", CHECK_LAST, check_module },
    { "module.intel_rapl_common", "Kernel module intel_rapl_common", CHECK_LAST, check_module },
    { "module.intel_rapl_msr", "Kernel module intel_rapl_msr", CHECK_LAST, check_module },
    { "module.intel_rapl_tpmi", "Kernel module intel_rapl_tpmi", CHECK_LAST, check_module },
    { "module.rapl", "Kernel module rapl", CHECK_LAST, check_module },
    { "module.acpi_power_meter", "Kernel module acpi_power_meter", CHECK_LAST, check_module },

    { "bpf.syscall", "eBPF system call", CHECK_AT_ONCE, check_bpf },
    { "bpf.btf", "Kernel type information (BTF)", CHECK_AT_ONCE, check_bpf },
    { "bpf.iter_task", "eBPF task iterator", CHECK_AT_ONCE, check_bpf },
    { "bpf.process_free", "eBPF hook on ended processes", CHECK_AT_ONCE, check_bpf },
    { "bpf.ringbuf", "eBPF ring buffer", CHECK_AT_ONCE, check_bpf },
    { "bpf.unprivileged", "eBPF for users without rights", CHECK_AT_ONCE, check_bpf_unprivileged },

    { "perf.cycles", "Hardware counter of cycles", CHECK_AT_ONCE, check_perf_counter },
    { "perf.instructions", "Hardware counter of instructions", CHECK_AT_ONCE, check_perf_counter },
    { "perf.llc", "Hardware counter of LLC misses", CHECK_AT_ONCE, check_perf_counter },
    { "perf.paranoid", "perf_event_paranoid", CHECK_AT_ONCE, check_perf_paranoid },

    { "cgroup.version", "Control groups", CHECK_AT_ONCE, check_cgroup },
    { "net.ports", "Ports of the exporter and K3s", CHECK_AT_ONCE, check_ports },
};
const size_t probe_checks_count = ARRAY_LEN(probe_checks);

const struct check *check_find(const char *id)
{
    for (size_t i = 0; i < probe_checks_count; i++) {
        if (strcmp(probe_checks[i].id, id) == 0)
            return &probe_checks[i];
    }
    return NULL;
}

const char *check_last_part(const char *id)
{
    const char *dot = strchr(id, '.');
    return dot ? dot + 1 : id;
}
