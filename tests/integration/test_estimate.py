# SPDX-License-Identifier: Apache-2.0
"""`kepler-exporter estimate` as a person types it: figures, formula, JSON, refusals."""

import csv
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from lab import EXPORTER, ROOTS

C5_METAL = ["--cpu-model", "Intel(R) Xeon(R) Platinum 8275CL CPU @ 3.00GHz", "--sockets", "2", "--threads", "96"]


def estimate(*words):
    return subprocess.run([EXPORTER, "estimate", *words], capture_output=True, text=True, timeout=10, check=False)


def figures(*words):
    got = estimate(*words, "--json")
    assert got.returncode == 0, got.stderr
    return json.loads(got.stdout)


def test_c5_metal_at_half_load():
    got = figures(*C5_METAL, "--memory-gb", "192", "--load", "0.5")
    assert got["watts"] == pytest.approx(444.6)
    assert got["bounds"] == pytest.approx({"low": 364.572, "high": 635.778})
    assert (got["tier"], got["scope"]) == ("A", "package")
    assert got["dram"]["watts"] == pytest.approx(16.8768)
    assert "cpu_package_watts.csv" in got["reason"]
    assert "turbostressreports" in got["source"]


def test_text_shows_the_formula_filled_in():
    got = estimate(*C5_METAL, "--load", "50%")
    assert got.returncode == 0
    assert "sockets/2 x W(0.5) = 2/2 x 444.6 = 444.6 W" in got.stdout
    assert "--threads is not used" in got.stderr
    assert estimate(*C5_METAL[:4], "--load", "50%").stderr == ""


def test_never_negative_and_never_falling():
    """Every tier, from rest to full load, between its bounds."""
    tiers = {
        "A": C5_METAL,
        "B'": ["--cpu-model", "x", "--sockets", "2", "--threads", "64", "--idle-watts", "60", "--full-watts", "600"],
        "B": ["--cpu-model", "AMD EPYC 7R32", "--sockets", "2"],
        "E": ["--cpu-model", "some CPU", "--sockets", "1", "--threads", "4"],
    }
    for tier, words in tiers.items():
        before = 0
        for percent in range(0, 101, 20):
            got = figures(*words, "--load", f"{percent}%")
            assert got["tier"] == tier
            assert 0 < got["bounds"]["low"] < got["watts"] < got["bounds"]["high"]
            assert got["watts"] > before
            before = got["watts"]


def test_vms_of_a_host_add_up_to_it():
    host = figures(*C5_METAL, "--load", "0.4")
    vm = figures(*C5_METAL, "--vcpus", "2", "--load", "0.4")
    assert 48 * vm["watts"] == pytest.approx(host["watts"], rel=1e-4)
    assert figures(*C5_METAL, "--vcpus", "96", "--load", "0.7")["watts"] == figures(*C5_METAL, "--load", "0.7")["watts"]


def test_host_of_a_vm_is_typical_where_nobody_tells():
    unknown = ["--cpu-model", "Intel(R) Xeon(R) Processor", "--sockets", "2", "--vcpus", "2", "--load", "0.5"]
    got = figures(*unknown)
    assert got["watts"] == pytest.approx(5.8678)
    assert (got["inputs"]["threads"], got["inputs"]["vcpus"]) == (96, 2)
    assert "2 sockets of the typical 48 threads" in got["reason"]
    assert "V = 96" in got["formula"]
    assert got == {**figures(*unknown, "--threads", "96"), "reason": got["reason"]}


def a_machine(tmp_path, name, cpuid, threads):
    """A golden machine without sensors, two sockets of this processor."""
    root = tmp_path / "root"
    shutil.copytree(ROOTS / "epyc-7763-msr", root, symlinks=True)
    shutil.rmtree(root / "dev")
    vendor, family, model, stepping = cpuid.split(":")
    (root / "proc/cpuinfo").write_text("\n".join(
        f"processor\t: {n}\nvendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {name}\n"
        f"stepping\t: {stepping}\nphysical id\t: {n * 2 // threads}\ncore id\t\t: {n}\nflags\t\t: fpu\n"
        for n in range(threads)))
    return root


@pytest.mark.parametrize(("name", "cpuid", "threads", "row"), [
    ("AMD EPYC 9V74 80-Core Processor", "AuthenticAMD:25:17:1", 160, "E:Genoa"),
    ("Intel(R) Xeon(R) Processor", "GenuineIntel:6:85:7", 96, "E:Cascade Lake"),
    ("Intel(R) Xeon(R) Processor", "GenuineIntel:6:85:4", 96, "E:Skylake"),
    ("Intel(R) Xeon(R) Processor", "GenuineIntel:6:207:2", 96, "E:any server CPU"),
])
def test_it_says_what_the_exporter_says_of_such_a_machine(tmp_path, exporter, name, cpuid, threads, row):
    """A dump of it, served by the exporter, at whatever load this machine has."""
    e = exporter(f"--root={a_machine(tmp_path, name, cpuid, threads)}", "--monitor.interval=500ms")
    m = e.wait_for(lambda m: m.has("kepler_node_cpu_usage_ratio") and m.one("kepler_node_cpu_usage_ratio") > 0, 20, "a load")
    assert m.labels("kepler_node_cpu_power_meter", zone="package")["model"] == row
    load = m.one("kepler_node_cpu_usage_ratio")
    machine = ["--cpu-model", name, "--sockets", "2", "--threads", str(threads), "--load", repr(load)]
    got = figures(*machine, "--cpuid", cpuid)
    assert f"{got['tier']}:{got['name']}" == row
    assert got["watts"] == pytest.approx(m.one("kepler_node_cpu_watts", zone="package"), rel=1e-3)
    for bound in ("low", "high"):
        assert got["bounds"][bound] == pytest.approx(
            m.one("kepler_node_cpu_watts_bound", zone="package", bound=bound), rel=1e-3)
    # the name alone leaves the row open, which is said
    by_name = figures(*machine)
    assert by_name["name"] == "any server CPU" and "--cpuid" in by_name["reason"] and "--cpuid" not in got["reason"]


def test_no_server_is_noted():
    got = figures("--cpu-model", "Intel(R) Atom(TM) CPU N270", "--sockets", "1", "--threads", "2", "--load", "1")
    assert got["note"] in got["reason"]
    assert "may not hold" in got["note"]


def test_documented_tables_are_the_data():
    """Every row, so that each worked example can be done by hand."""
    tree = Path(__file__).resolve().parents[2]
    with (tree / "data/power/generic_curves.csv").open() as f:
        generic = list(csv.DictReader(f))
    with (tree / "data/power/dram_watts_per_gb.csv").open() as f:
        dram = list(csv.DictReader(f))
    with (tree / "data/power/cpu_package_watts.csv").open() as f:
        c5 = next(row for row in csv.DictReader(f) if row["cpu_model_substring"] == "Platinum 8275CL")
    text = (tree / "docs/how-a-watt-is-computed.md").read_text()
    for curve, memory in zip(generic, dram, strict=True):
        load = curve["load_pct"]
        cells = [c5[f"pkg_w_{load}"], curve["ratio_to_tdp_median"], curve["shape_median"], memory["ramWperGB_corrected"]]
        assert f"| {load} % | {' | '.join(cells)} |" in text


def test_wall_is_labelled_and_apart():
    got = figures("--cpu-model", "AMD EPYC 7742 64-Core Processor", "--sockets", "2", "--load", "1", "--scope", "wall")
    assert (got["scope"], got["watts"]) == ("wall", 400)
    assert "dram" not in got


@pytest.mark.parametrize(
    ("words", "code", "saying"),
    [
        ([], 2, "--cpu-model is missing"),
        ([*C5_METAL, "--load", "1.5"], 2, "1.5 is no load"),
        ([*C5_METAL, "--load", "0.5", "--vcpus", "97"], 2, "96 threads"),
        ([*C5_METAL, "--load", "0.5", "--scope", "rack"], 2, "package or wall"),
        (["--cpu-model", "x", "--sockets", "1", "--threads", "2", "--load", "1", "--scope", "wall"], 1, "SPECpower"),
        (["--model", "/nonexistent.json", "--load", "0.5"], 1, "/nonexistent.json"),
        (["--cpu-model", "x", "--cpuid", "AMD:25:17", "--sockets", "1", "--load", "1"], 2, "AuthenticAMD"),
    ],
)
def test_refusals(words, code, saying):
    got = estimate(*words)
    assert (got.returncode, got.stdout) == (code, "")
    assert saying in got.stderr
