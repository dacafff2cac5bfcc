#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden machines under tests/data/roots that nobody could record here.

Each is a folder with the files that the probe reads of such a machine (docs/probe.md, "A dump of a
machine"). Sources: AWS's c5.metal (2 x Xeon Platinum 8275CL, CPUID 6-85-7) and Ubuntu 24.04's
kernel 6.8 for aws, in which X86_MSR, INTEL_RAPL_CORE and INTEL_RAPL are modules and intel_rapl_msr.ko
is in linux-modules-extra; the kernel's Documentation/power/powercap for the class's links.
this-machine is recorded: kepler-probe --record.
"""
import json
import pathlib
import shutil

ROOTS = pathlib.Path(__file__).parent / "roots"

UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04.3 LTS"\n'
DEBIAN = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
FLAGS = "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat sse sse2 ht syscall nx"
WRAP = 1 << 32


class Root:
    def __init__(self, name):
        self.path = ROOTS / name
        if self.path.exists():
            shutil.rmtree(self.path)

    def put(self, path, text):
        to = self.path / path.lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(text if text.endswith("\n") or not text else text + "\n")

    def folder(self, path):
        (self.path / path.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def link(self, path, target):
        at = self.path / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        at.symlink_to(target)

    def acts(self, bpf=True, perf=True, imds=None):
        self.put("/.probe/acts.json", json.dumps({
            "schema": "kepler-probe-acts/1",
            "bpf": {k: bpf for k in ("syscall", "btf", "iter_task", "process_free", "ringbuf")},
            "perf": {k: perf for k in ("cycles", "instructions", "llc")},
            "imds": imds}, indent=2))

    def kernel(self, release, os_release, memory_kb, config=(), modules="", files=()):
        self.put("/proc/sys/kernel/osrelease", release)
        self.put("/proc/sys/kernel/arch", "x86_64")
        self.put("/proc/sys/kernel/perf_event_paranoid", "4" if "ubuntu" in os_release else "3")
        self.put("/proc/meminfo", f"MemTotal:       {memory_kb} kB")
        self.put("/proc/modules", modules)
        self.put("/etc/os-release", os_release)
        self.put("/sys/kernel/security/lockdown", "[none] integrity confidentiality")
        self.put(f"/boot/config-{release}", "\n".join(config))
        self.put(f"/lib/modules/{release}/modules.dep", "\n".join(f"kernel/{f}:" for f in files))
        self.put(f"/lib/modules/{release}/modules.builtin", "kernel/kernel/configs.ko")
        self.put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc")
        self.put("/sys/fs/cgroup/cpu.stat", "usage_usec 812345678\nuser_usec 600000000\nsystem_usec 212345678")

    def dmi(self, vendor, product, bios):
        self.put("/sys/class/dmi/id/sys_vendor", vendor)
        self.put("/sys/class/dmi/id/product_name", product)
        self.put("/sys/class/dmi/id/bios_vendor", bios)

    def cpus(self, model_name, sockets, cores, cpuid=(6, 85, 7), smt=2, virtual=False):
        """Linux numbers first threads of all cores, socket by socket, then their siblings."""
        text = []
        for n in range(sockets * cores * smt):
            socket, core = n // cores % sockets, n % cores
            text.append("\n".join([
                f"processor\t: {n}", "vendor_id\t: GenuineIntel", f"cpu family\t: {cpuid[0]}",
                f"model\t\t: {cpuid[1]}", f"model name\t: {model_name}", f"stepping\t: {cpuid[2]}",
                f"physical id\t: {socket}", f"siblings\t: {cores * smt}", f"core id\t\t: {core}",
                f"cpu cores\t: {cores}", "fpu\t\t: yes",
                f"flags\t\t: {FLAGS}{' hypervisor' if virtual else ''}", ""]))
        self.put("/proc/cpuinfo", "\n".join(text))

    def msr(self, cpu, registers, above=""):
        for number, value in registers.items():
            self.put(f"{above}/dev/cpu/{cpu}/msr/{number:#x}", f"{value:#x}")

    def later(self, elapsed_ns):
        self.put("/.probe/later/elapsed_ns", str(elapsed_ns))

    def zone(self, inside, entry, name, energy, later, max_range=262143328850):
        """One powercap zone: a folder below devices/virtual, a link to it in the class."""
        folder = f"/sys/devices/virtual/powercap/{inside}/{entry}"
        self.put(f"{folder}/name", name)
        self.put(f"{folder}/energy_uj", str(energy))
        self.put(f"{folder}/max_energy_range_uj", str(max_range))
        self.link(f"/sys/class/powercap/{entry}", f"../../devices/virtual/powercap/{inside}/{entry}")
        self.put(f"/.probe/later/sys/class/powercap/{entry}/energy_uj", str(later))


def c5_metal():
    """96 threads, module msr loaded, powercap empty as intel_rapl_msr is in another package."""
    r = Root("c5-metal-ubuntu-6.8-aws")
    r.kernel("6.8.0-1021-aws", UBUNTU, 196632576,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"],
             "msr 12288 0 - Live 0x0000000000000000",
             ["arch/x86/kernel/msr.ko.zst", "drivers/powercap/intel_rapl_common.ko.zst"])
    r.dmi("Amazon EC2", "c5.metal", "Amazon EC2")
    r.cpus("Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 2, 24)
    r.folder("/sys/class/powercap")
    r.put("/sys/class/powercap/.keep", "")
    r.acts(imds={"provider": "ec2", "instance_type": "c5.metal", "region": "us-east-1", "zone": "us-east-1b"})
    # unit register: ESU 14 (61.035 uJ), PU 3 (1/8 W); 0x614: 1920 x 1/8 W = 240 W. DRAM counts 15.3 uJ.
    package = {0: (WRAP - 100_000, 61.2), 24: (0x2AC41B7, 57.4)}  # socket 0 wraps between the readings
    dram = {0: (0x91A44F02, 9.1), 24: (0x77D30011, 8.7)}
    for cpu in (0, 24):
        r.msr(cpu, {0x606: 0xA0E03, 0x614: 1920, 0x611: package[cpu][0], 0x619: dram[cpu][0],
                    0x639: 0, 0x641: 0, 0x64D: 0})
        r.msr(cpu, {0x611: (package[cpu][0] + round(package[cpu][1] * 0.5 / 61.03515625e-6)) % WRAP,
                    0x619: (dram[cpu][0] + round(dram[cpu][1] * 0.5 / 15.3e-6)) % WRAP},
              "/.probe/later")
    r.later(500_000_000)


def ec2_vm():
    r = Root("ec2-vm")
    r.kernel("6.8.0-1021-aws", UBUNTU, 7986040,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"], "",
             ["arch/x86/kernel/msr.ko.zst", "drivers/powercap/intel_rapl_common.ko.zst"])
    r.dmi("Amazon EC2", "c5.xlarge", "Amazon EC2")
    r.cpus("Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 1, 2, virtual=True)
    r.folder("/sys/class/powercap")
    r.put("/sys/class/powercap/.keep", "")
    r.acts(perf=False, imds={"provider": "ec2", "instance_type": "c5.xlarge", "region": "us-east-1",
                             "zone": "us-east-1a"})


def server_powercap():
    """A server as one would wish it: zones of two sockets, psys, and the mmio duplicate to ignore."""
    r = Root("server-powercap")
    r.kernel("6.1.0-25-amd64", DEBIAN, 263921744,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"],
             "intel_rapl_msr 20480 0 - Live 0x0\nintel_rapl_common 28672 1 intel_rapl_msr, Live 0x0",
             ["arch/x86/kernel/msr.ko", "arch/x86/events/rapl.ko", "drivers/powercap/intel_rapl_common.ko",
              "drivers/powercap/intel_rapl_msr.ko"])
    r.dmi("Dell Inc.", "PowerEdge R650", "Dell Inc.")
    r.cpus("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", 2, 32, cpuid=(6, 106, 6))
    r.acts()
    for s, (package, dram) in enumerate(((98.5, 11.2), (104.0, 10.4))):
        r.zone("intel-rapl", f"intel-rapl:{s}", f"package-{s}", 71_000_000_000, 71_000_000_000 + int(package * 4e5))
        r.zone(f"intel-rapl/intel-rapl:{s}", f"intel-rapl:{s}:0", "dram", 262_143_000_000,
               (262_143_000_000 + int(dram * 4e5)) % 262_143_328_851)
    r.zone("intel-rapl", "intel-rapl:2", "psys", 8_000_000_000, 8_000_000_000 + int(310 * 4e5))
    r.zone("intel-rapl-mmio", "intel-rapl-mmio:0", "package-0", 71_000_000_000, 71_000_000_000 + int(98.5 * 4e5))
    for name in ("intel-rapl", "intel-rapl-mmio"):
        r.put(f"/sys/devices/virtual/powercap/{name}/enabled", "1")
        r.link(f"/sys/class/powercap/{name}", f"../../devices/virtual/powercap/{name}")
    r.later(400_000_000)


def vm_msr_zero():
    """QEMU answers the energy registers with 0: no meter, whatever the device says."""
    r = Root("vm-msr-zero")
    r.kernel("6.1.0-25-amd64", DEBIAN, 4018848,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"],
             "msr 16384 0 - Live 0x0\nintel_rapl_msr 20480 0 - Live 0x0\n"
             "intel_rapl_common 28672 1 intel_rapl_msr, Live 0x0",
             ["arch/x86/kernel/msr.ko", "arch/x86/events/rapl.ko", "drivers/powercap/intel_rapl_common.ko",
              "drivers/powercap/intel_rapl_msr.ko"])
    r.dmi("QEMU", "Standard PC (Q35 + ICH9, 2009)", "SeaBIOS")
    r.cpus("Intel Xeon Processor (Cascadelake)", 2, 1, cpuid=(6, 85, 6), smt=1, virtual=True)
    r.folder("/sys/class/powercap")
    r.put("/sys/class/powercap/.keep", "")
    r.acts(perf=False)
    for cpu in (0, 1):
        r.msr(cpu, dict.fromkeys((0x606, 0x611, 0x614, 0x619, 0x639, 0x641, 0x64D), 0))


if __name__ == "__main__":
    for make in (c5_metal, ec2_vm, server_powercap, vm_msr_zero):
        make()
