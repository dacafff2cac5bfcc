# SPDX-License-Identifier: Apache-2.0
"""Counters with known content: a dumped c5.metal whose registers this test moves."""

import os
import pathlib
import shutil

import pytest

import lab

INTERVAL = 0.5
WRAP = 1 << 32


class Registers:
    """The package energy registers of a dump, as text files that a reader never sees half written."""

    def __init__(self, root):
        self.files = sorted(root.glob("dev/cpu/*/msr/0x611"))
        assert self.files, f"{root} has no package energy register"
        unit = int((self.files[0].parent / "0x606").read_text(), 16)
        self.joules_per_count = 2.0 ** -((unit >> 8) & 0x1F)
        self.dram = sorted(root.glob("dev/cpu/*/msr/0x619"))
        self.value = 0
        self.moved = 0.0  # joules since the start, all sockets

    def _write(self, path, text):
        part = path.with_name(path.name + ".part")
        part.write_text(text)
        os.replace(part, path)

    def put(self, value):
        self.value = value % WRAP
        for f in self.files:
            self._write(f, f"0x{self.value:x}\n")

    def advance(self, joules):
        """Each socket by so many joules, rounded to counts."""
        counts = round(joules / self.joules_per_count)
        self.put(self.value + counts)
        self.moved += counts * self.joules_per_count * len(self.files)

    def spoil(self, text):
        for f in self.files:
            self._write(f, text)


@pytest.fixture
def machine(tmp_path):
    golden = lab.ROOTS / "c5-metal-ubuntu-6.8-aws"
    root = tmp_path / "root"
    shutil.copytree(golden, root, symlinks=True)
    return root


def start(exporter, root):
    """An exporter on the dump, its first watts shown, the registers shortly before their wrap."""
    registers = Registers(root)
    registers.put(WRAP - round(300 / registers.joules_per_count))
    e = exporter(f"--root={root}", "--power.source=msr", f"--monitor.interval={int(INTERVAL * 1000)}ms", wait=False)

    def moving(m):
        registers.advance(2)  # a counter that stands still under load is taken for a dead one
        return m.has("kepler_node_cpu_watts")

    e.wait_for(moving, 20, "the first watts")
    return e, registers


def step(e, registers, joules):
    """Moves the registers between two refreshes; the scrape after one that has seen the move."""
    before = e.refreshes(e.metrics())
    e.wait_for(lambda m: e.refreshes(m) > before, 10, "a refresh")
    registers.advance(joules)
    before = e.refreshes(e.metrics())
    return e.wait_for(lambda m: e.refreshes(m) > before, 10, "a refresh")


def package(m):
    return m.one("kepler_node_cpu_joules_total", zone="package")


def test_joules_are_the_counters_own_across_a_wrap(exporter, machine):
    e, registers = start(exporter, machine)
    m = step(e, registers, 50)
    base, moved = package(m), registers.moved
    assert m.labels("kepler_node_cpu_power_meter", zone="package")["source"] == "msr"
    assert m.labels("kepler_node_cpu_power_meter", zone="package")["quality"] == "measured"
    wrapped = False
    for _ in range(10):
        value = registers.value
        m = step(e, registers, 40)
        wrapped |= registers.value < value
        low = m.one("kepler_node_cpu_watts_bound", zone="package", bound="low")
        assert low == pytest.approx(m.one("kepler_node_cpu_watts", zone="package"), rel=1e-9)
        assert m.conservation_error("package") <= 0.001
    assert wrapped, "the registers did not wrap: this test proves nothing"
    assert package(m) - base == pytest.approx(registers.moved - moved, rel=0.001)
    assert m.one("kepler_exporter_rejected_readings_total") == 0


@pytest.mark.plain_build
def test_watts_are_joules_over_the_interval(exporter, machine):
    e, registers = start(exporter, machine)
    step(e, registers, 50)
    watts = []
    for _ in range(6):
        m = step(e, registers, 60)
        watts.append(m.one("kepler_node_cpu_watts", zone="package"))
    expected = 60 * len(registers.files) / (2 * INTERVAL)  # one move in two refreshes: the one between has no news
    watts.sort()
    assert watts[len(watts) // 2] == pytest.approx(expected, rel=0.1)


def test_a_counter_that_jumps_back_is_rejected_and_counted(exporter, machine):
    e, registers = start(exporter, machine)
    registers.put(1 << 30)
    m = step(e, registers, 50)
    rejected = m.one("kepler_exporter_rejected_readings_total")
    total = package(m)
    registers.put(registers.value - (1 << 28))
    m = e.wait_for(lambda m: m.one("kepler_exporter_rejected_readings_total") > rejected, 10, "the rejection")
    assert package(m) - total < 1000, "a jump back was taken for energy"
    m = step(e, registers, 50)
    assert package(m) > total, "it goes on after the jump"
    assert m.labels("kepler_node_cpu_power_meter", zone="package")["source"] == "msr"


@pytest.mark.parametrize("what, text", [("truncated", ""), ("half a number", "0x"), ("no number", "watts\n")])
def test_a_source_that_stops_answering_degrades_loudly(exporter, machine, what, text):
    e, registers = start(exporter, machine)
    m = step(e, registers, 50)
    total = package(m)
    registers.spoil(text)
    m = e.wait_for(
        lambda m: m.labels("kepler_node_cpu_power_meter", zone="package")["source"] != "msr", 20, "another source"
    )
    meter = m.labels("kepler_node_cpu_power_meter", zone="package")
    assert meter["source"] == "model" and meter["quality"] == "estimated"
    assert m.one("kepler_exporter_rejected_readings_total") >= 3
    assert m.one("kepler_exporter_source_changes_total") >= 1
    assert "msr" in e.log() and "model" in e.log()
    m = e.after(refreshes=3)
    assert package(m) > total, "it neither froze nor went to 0"
    assert m.one("kepler_node_cpu_watts", zone="package") > 0
    assert m.conservation_error("package") <= 0.001


def test_a_register_file_that_is_gone_degrades_too(exporter, machine):
    e, registers = start(exporter, machine)
    step(e, registers, 50)
    for cpu in {f.parent for f in registers.files}:
        shutil.rmtree(cpu)
    e.wait_for(
        lambda m: m.labels("kepler_node_cpu_power_meter", zone="package")["source"] == "model", 20, "the estimate"
    )
