#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the golden machines under tests/data/roots that nobody could record here.

Each is a folder with the files that the probe reads of such a machine (docs/probe.md, "A dump of a
machine"). Sources: AWS's c5.metal (2 x Xeon Platinum 8275CL, CPUID 6-85-7) and Ubuntu 24.04's
kernel 6.8 for aws, in which X86_MSR, INTEL_RAPL_CORE and INTEL_RAPL are modules and intel_rapl_msr.ko
is in linux-modules-extra; the kernel's Documentation/power/powercap for the class's links. Others
are named where they are used. this-machine is recorded: kepler-probe --record.
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

    def kernel(self, release, os_release, memory_kb, config=(), modules="", files=(), arch="x86_64"):
        self.put("/proc/sys/kernel/osrelease", release)
        self.put("/proc/sys/kernel/arch", arch)
        self.put("/proc/sys/kernel/unprivileged_bpf_disabled", "2")
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

    def secure_boot(self, is_on):
        """efivarfs: four bytes of attributes (BS, RT), then the value."""
        to = self.path / "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
        to.parent.mkdir(parents=True)
        to.write_bytes(bytes([6, 0, 0, 0, int(is_on)]))

    def cpus(self, model_name, sockets, cores, cpuid=(6, 85, 7), smt=2, virtual=False, vendor="GenuineIntel"):
        """Linux numbers first threads of all cores, socket by socket, then their siblings."""
        text = []
        for n in range(sockets * cores * smt):
            socket, core = n // cores % sockets, n % cores
            text.append("\n".join([
                f"processor\t: {n}", f"vendor_id\t: {vendor}", f"cpu family\t: {cpuid[0]}",
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


    def event(self, name, config, counts):
        """An event of the kernel's power PMU (arch/x86/events/rapl.c): counts of 2^-32 J a CPU,
        as in place of perf_event_open; {cpu: (before, watts)}, half a second between."""
        pmu = "/sys/bus/event_source/devices/power"
        self.put(f"{pmu}/events/{name}", f"event={config:#04x}")
        self.put(f"{pmu}/events/{name}.scale", "2.3283064365386962890625e-10")
        self.put(f"{pmu}/events/{name}.unit", "Joules")
        for cpu, (before, watts) in counts.items():
            self.put(f"/.probe/perf/{name}.{cpu}", str(before))
            self.put(f"/.probe/later/.probe/perf/{name}.{cpu}", str(before + round(watts * 0.5 * 2 ** 32)))

    def sensor(self, chip, number, label, before_uw, later_uw):
        """A power sensor of hwmon's chip, in microwatts."""
        at = f"/sys/class/hwmon/{chip}/power{number}"
        self.put(f"{at}_label", label)
        self.put(f"{at}_input", str(before_uw))
        self.put(f"/.probe/later{at}_input", str(later_uw))


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
        # Ice Lake-X: 2^32 - 1 counts of 15.3 uJ; it begins again between the readings
        r.zone(f"intel-rapl/intel-rapl:{s}", f"intel-rapl:{s}:0", "dram", 65_712_000_000,
               (65_712_000_000 + int(dram * 4e5)) % 65_712_999_614, 65_712_999_613)
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


def c5_metal_installed():
    """After apt-get install linux-modules-extra, before a reboot: all is there, nothing is loaded.
    udev would have loaded rapl and intel_rapl_msr (their modaliases) had they been there at boot."""
    r = Root("c5-metal-not-loaded")
    r.kernel("6.8.0-1021-aws", UBUNTU, 196632576,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_INTEL_RAPL_TPMI=m", "CONFIG_PERF_EVENTS_INTEL_RAPL=m"], "",
             ["arch/x86/kernel/msr.ko.zst", "arch/x86/events/rapl.ko.zst",
              "drivers/powercap/intel_rapl_common.ko.zst", "drivers/powercap/intel_rapl_msr.ko.zst",
              "drivers/powercap/intel_rapl_tpmi.ko.zst"])
    r.dmi("Amazon EC2", "c5.metal", "Amazon EC2")
    r.cpus("Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", 2, 24)
    r.folder("/sys/class/powercap")
    r.put("/sys/class/powercap/.keep", "")
    r.acts(imds={"provider": "ec2", "instance_type": "c5.metal", "region": "us-east-1", "zone": "us-east-1b"})


def dangling_powercap():
    """A container that got /sys/class/powercap alone: links, and nothing where they lead. Its kernel
    has the driver loaded, and msr too, but /dev/cpu is not in the container."""
    r = Root("container-dangling-powercap")
    r.kernel("5.15.0-119-generic", UBUNTU.replace("24.04.3", "22.04.5").replace("24.04", "22.04"), 263921744,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"],
             "intel_rapl_msr 20480 0 - Live 0x0\nintel_rapl_common 40960 1 intel_rapl_msr, Live 0x0\n"
             "rapl 20480 0 - Live 0x0\nmsr 16384 0 - Live 0x0")
    r.dmi("HPE", "ProLiant DL360 Gen10 Plus", "HPE")
    r.cpus("Intel(R) Xeon(R) Gold 6338N CPU @ 2.20GHz", 2, 32, cpuid=(6, 106, 6))
    r.acts()
    for entry, inside in (("intel-rapl", ""), ("intel-rapl:0", "/intel-rapl"),
                          ("intel-rapl:0:0", "/intel-rapl/intel-rapl:0"), ("intel-rapl:1", "/intel-rapl"),
                          ("intel-rapl:1:0", "/intel-rapl/intel-rapl:1")):
        r.link(f"/sys/class/powercap/{entry}", f"../../devices/virtual/powercap{inside}/{entry}")


def epyc():
    """Two EPYC 7763 (family 19h model 1: PPR 55898, MSRC001_0299 and 029B) with the module msr and
    nothing of powercap; Secure Boot is on, and the kernel locked down by it."""
    r = Root("epyc-7763-msr")
    r.kernel("5.14.0-427.13.1.el9_4.x86_64", 'NAME="Rocky Linux"\nID="rocky"\nVERSION_ID="9.4"\n'
             'PRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n', 527841088,
             ["CONFIG_X86_MSR=y", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"])
    r.dmi("Supermicro", "AS -2024US-TRT", "American Megatrends International, LLC.")
    r.put("/sys/kernel/security/lockdown", "none [integrity] confidentiality")
    r.secure_boot(True)
    r.cpus("AMD EPYC 7763 64-Core Processor", 2, 64, cpuid=(25, 1, 1), vendor="AuthenticAMD")
    r.folder("/sys/class/powercap")
    r.put("/sys/class/powercap/.keep", "")
    r.acts()
    # ESU 16: 2^-16 J (15.26 uJ); the second socket's counter begins again between the readings
    package = {0: (0x5D0A21F3, 142.6), 64: (WRAP - 1_000_000, 138.9)}
    for cpu, (before, watts) in package.items():
        r.msr(cpu, {0xC0010299: 0xA1003, 0xC001029B: before})
        r.msr(cpu, {0xC001029B: (before + round(watts * 0.5 * 65536)) % WRAP}, "/.probe/later")
    r.later(500_000_000)


def altra():
    """Ampere Altra Q80-30: no RAPL, but the SoC's two rails (drivers/hwmon/xgene-hwmon.c, ACPI device
    APMC0D29): microwatts in steps of a milliwatt, and the ACPI power meter of the board
    (Documentation/hwmon/acpi_power_meter.rst). A disk's chip is there, too."""
    r = Root("altra-hwmon")
    r.kernel("6.8.0-45-generic", UBUNTU, 263012348, ["CONFIG_SENSORS_XGENE=m", "CONFIG_SENSORS_ACPI_POWER=m"],
             "xgene_hwmon 20480 0 - Live 0x0\nacpi_power_meter 20480 0 - Live 0x0", arch="aarch64")
    r.dmi("HPE", "ProLiant RL300 Gen11", "HPE")
    r.secure_boot(False)
    r.put("/proc/cpuinfo", "\n".join(
        f"processor\t: {n}\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics "
        "fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n" for n in range(80)))
    r.put("/sys/class/hwmon/hwmon0/name", "nvme")
    r.put("/sys/class/hwmon/hwmon0/temp1_input", "38850")
    r.put("/sys/class/hwmon/hwmon1/name", "apm_xgene")
    r.sensor("hwmon1", 1, "CPU power", 61_320_000, 62_880_000)
    r.sensor("hwmon1", 2, "IO power", 24_100_000, 24_060_000)
    r.put("/sys/class/hwmon/hwmon2/name", "power_meter")
    r.put("/sys/class/hwmon/hwmon2/power1_oem_info", "")
    r.put("/sys/class/hwmon/hwmon2/power1_average_interval", "1000")
    r.put("/sys/class/hwmon/hwmon2/power1_average", "211000000")
    r.put("/.probe/later/sys/class/hwmon/hwmon2/power1_average", "213000000")
    r.put("/sys/bus/acpi/devices/ACPI000D:00/hid", "ACPI000D")
    r.acts()
    r.later(1_000_000_000)


def graviton():
    """m6g.large: two vCPUs of a Graviton2. arm64 has no CPUID that tells a virtual machine; its firmware does."""
    r = Root("ec2-graviton-vm")
    r.kernel("6.8.0-1021-aws", UBUNTU, 7986040, ["CONFIG_SENSORS_ACPI_POWER=m"], arch="aarch64")
    r.dmi("Amazon EC2", "m6g.large", "Amazon EC2")
    r.put("/proc/cpuinfo", "\n".join(
        f"processor\t: {n}\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics "
        "fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        "CPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n" for n in range(2)))
    r.acts(perf=False, imds={"provider": "ec2", "instance_type": "m6g.large", "region": "us-east-1",
                             "zone": "us-east-1a"})


def perf_only():
    """No zone in powercap (its driver is not loaded), no msr device, but the perf driver rapl."""
    r = Root("server-perf")
    r.kernel("6.1.0-25-amd64", DEBIAN, 263921744,
             ["# CONFIG_X86_MSR is not set", "CONFIG_POWERCAP=y", "# CONFIG_INTEL_RAPL is not set",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"],
             "rapl 20480 0 - Live 0x0", ["arch/x86/events/rapl.ko"])
    r.dmi("Dell Inc.", "PowerEdge R650", "Dell Inc.")
    r.cpus("Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", 2, 32, cpuid=(6, 106, 6))
    r.folder("/sys/class/powercap")
    r.put("/sys/class/powercap/.keep", "")
    r.acts()
    r.put("/sys/bus/event_source/devices/power/type", "31")
    r.put("/sys/bus/event_source/devices/power/cpumask", "0,32")
    r.event("energy-pkg", 0x02, {0: (0, 98.5), 32: (2 ** 63, 104.0)})  # 64 bits: no wrap
    r.event("energy-ram", 0x03, {0: (11, 11.2), 32: (7_000_000_000_000, 10.4)})
    r.later(500_000_000)


def laptop():
    """Core i7-1260P (Alder Lake-P, CPUID 6-154-3; 28 W, 64 W under turbo): 4 cores of two threads and 8 of
    one, and a turbo that draws more than twice the TDP. No msr device; limits as powercap shows them."""
    r = Root("laptop-turbo")
    r.kernel("6.8.0-45-generic", UBUNTU, 16075340,
             ["CONFIG_X86_MSR=m", "CONFIG_POWERCAP=y", "CONFIG_INTEL_RAPL_CORE=m", "CONFIG_INTEL_RAPL=m",
              "CONFIG_PERF_EVENTS_INTEL_RAPL=m"],
             "intel_rapl_msr 20480 0 - Live 0x0\nintel_rapl_common 40960 1 intel_rapl_msr, Live 0x0",
             ["arch/x86/kernel/msr.ko.zst", "arch/x86/events/rapl.ko.zst",
              "drivers/powercap/intel_rapl_common.ko.zst", "drivers/powercap/intel_rapl_msr.ko.zst"])
    r.dmi("LENOVO", "21CBCTO1WW", "LENOVO")
    r.secure_boot(True)
    core_ids = [0, 0, 4, 4, 8, 8, 12, 12, *range(16, 24)]
    r.put("/proc/cpuinfo", "\n".join("\n".join([
        f"processor\t: {n}", "vendor_id\t: GenuineIntel", "cpu family\t: 6", "model\t\t: 154",
        "model name\t: 12th Gen Intel(R) Core(TM) i7-1260P", "stepping\t: 3", "physical id\t: 0",
        "siblings\t: 16", f"core id\t\t: {core}", "cpu cores\t: 12", "fpu\t\t: yes", f"flags\t\t: {FLAGS}", ""])
        for n, core in enumerate(core_ids)))
    r.acts()
    begun = 71_000_000_000
    for entry, name, watts in (("intel-rapl:0", "package-0", 61.5), ("intel-rapl:0:0", "core", 49.0),
                               ("intel-rapl:0:1", "uncore", 1.2), ("intel-rapl:1", "psys", 78.0)):
        parent = f"/{entry.rsplit(':', 1)[0]}" if entry.count(":") == 2 else ""
        r.zone(f"intel-rapl{parent}", entry, name, begun, begun + int(watts * 4e5))
    package = "/sys/devices/virtual/powercap/intel-rapl/intel-rapl:0"
    for n, (name, limit, most) in enumerate((("long_term", 28_000_000, 28_000_000), ("short_term", 64_000_000, 0),
                                             ("peak_power", 140_000_000, 0))):
        r.put(f"{package}/constraint_{n}_name", name)
        r.put(f"{package}/constraint_{n}_power_limit_uw", str(limit))
        r.put(f"{package}/constraint_{n}_max_power_uw", str(most))
    r.put("/sys/devices/virtual/powercap/intel-rapl/enabled", "1")
    r.link("/sys/class/powercap/intel-rapl", "../../devices/virtual/powercap/intel-rapl")
    r.later(400_000_000)


if __name__ == "__main__":
    for make in (c5_metal, ec2_vm, server_powercap, vm_msr_zero, c5_metal_installed, dangling_powercap, epyc, altra,
                 perf_only, laptop, graviton):
        make()
