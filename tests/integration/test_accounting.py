# SPDX-License-Identifier: Apache-2.0
"""Who used the energy: against the kernel's own rusage, and against the sum of all parts."""

import os
import shutil
import subprocess
import time

import pytest

import lab

SECONDS = 60 if lab.LONG else 10
ALL_ENDED = "monitor:\n  maxTerminated: -1\n  minTerminatedEnergyThreshold: 0\n"
EXACT = 0.01

needs_ebpf = pytest.mark.skipif(os.geteuid() != 0, reason="eBPF accounting needs root")


class Ledger:
    """Adds up, snapshot by snapshot, what one process should have been given: its part of the run time
    of each interval times the active energy of that interval."""

    def __init__(self, exporter, pid, zone="package"):
        self.exporter, self.pid, self.zone = exporter, pid, zone
        self.due = self.got = 0.0
        self.seen = {}  # pid -> most CPU seconds seen of it
        self.before = None
        self.worst = 0.0  # conservation
        self.snapshots = 0
        self.read()

    def _of(self, m):
        active = m.one("kepler_node_cpu_active_joules_total", zone=self.zone)
        unattributed = m.one("kepler_node_cpu_unattributed_joules_total", zone=self.zone)
        seconds = m.seconds_by_process()
        mine = sum(v for k, v in seconds.items() if k[0] == self.pid)
        joules = m.sum("kepler_process_cpu_joules_total", zone=self.zone, pid=self.pid)
        return self.exporter.refreshes(m), active - unattributed, seconds, mine, joules

    def read(self):
        m = self.exporter.metrics()
        now = self._of(m)
        for (pid, _, _), v in now[2].items():
            self.seen[pid] = max(v, self.seen.get(pid, 0.0))
        self.worst = max([self.worst] + [m.conservation_error(z) for z in m.zones()])
        if self.before and now[0] == self.before[0]:
            return m
        self.snapshots += 1
        if self.before:
            assert now[0] == self.before[0] + 1, "a snapshot was missed: the machine is too busy for this test"
            old = self.before[2]
            total = sum(v - old.get(k, 0.0) for k, v in now[2].items())
            if total > 0:
                self.due += (now[1] - self.before[1]) * (now[3] - self.before[3]) / total
            self.got += now[4] - self.before[4]
        self.before = now
        return m

    def until(self, done, seconds):
        """Reads every snapshot until done(), then two more, so that all that happened is in."""
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"the load did not end within {seconds} s"
            self.read()
            time.sleep(0.1)
        last = self.before[0] + 2
        while self.before[0] < last:
            assert time.monotonic() < deadline + 20, "no refresh any more"
            self.read()
            time.sleep(0.05)
        return self


def test_conservation_at_rest(exporter):
    e = exporter("--monitor.interval=500ms")
    m = e.after(refreshes=4)
    for zone in m.zones():
        assert m.conservation_error(zone) <= 0.001
    assert m.one("kepler_node_cpu_conservation_error_ratio") <= 0.001


@needs_ebpf
def test_half_a_cpu_is_accounted_and_charged_exactly(exporter):
    e = exporter("--monitor.interval=1s", config=ALL_ENDED)
    with lab.Load(lab.BURN, SECONDS, 0.5) as burner:
        assert burner.line() == ["ready"]
        ledger = Ledger(e, burner.pid).until(burner.done, SECONDS * 3 + 30)
        used = float(burner.line()[0])
        seconds = e.metrics().one("kepler_process_cpu_seconds_total", pid=burner.pid)
    assert used > 0.05 * SECONDS  # as much as others left it
    assert seconds == pytest.approx(used, rel=EXACT)
    assert ledger.got == pytest.approx(ledger.due, rel=EXACT)
    assert ledger.got > 0
    assert ledger.worst <= 0.001


@needs_ebpf
def test_a_thousand_short_processes_are_seen_and_their_neighbour_pays_nothing_for_them(exporter):
    e = exporter("--monitor.interval=1s", config=ALL_ENDED)
    with lab.Load(lab.BURN, 3600, 0.5) as neighbour:
        assert neighbour.line() == ["ready"]
        ledger = Ledger(e, neighbour.pid)
        with lab.Load(lab.CHURN, 1000, 0.02) as churn:
            ledger.until(churn.done, 240)
            used, *pids = churn.line()
        neighbour.process.kill()
    accounted = sum(ledger.seen.get(pid, 0.0) for pid in pids)
    assert len(set(pids)) == 1000
    assert float(used) > 1000 * 0.02 * 0.95
    assert accounted / float(used) >= 0.995, f"{accounted:.3f} s of {float(used):.3f} s"
    assert accounted / float(used) <= 1.005, f"{accounted:.3f} s of {float(used):.3f} s"
    assert ledger.got <= ledger.due * (1 + EXACT)
    assert ledger.got >= ledger.due * (1 - EXACT)
    assert ledger.worst <= 0.001


def stress(kind):
    if not shutil.which("stress-ng"):
        pytest.skip("stress-ng is not installed")
    return subprocess.Popen(
        ["stress-ng", "--quiet", kind, "2", "--timeout", "120"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@needs_ebpf
@pytest.mark.parametrize("load", [None, pytest.param("--cpu", marks=pytest.mark.plain_build), "--switch"])
def test_all_tasks_together_are_what_an_independent_counter_saw(exporter, load):
    e = exporter("--monitor.interval=1s")
    hog = stress(load) if load else None
    try:
        e.wait_for(lambda m: m.has("kepler_node_cpu_accounting_coverage_ratio"), 20, "the coverage ratio")
        m = e.after(refreshes=10, seconds=60)
    finally:
        if hog:
            hog.terminate()
            hog.wait()
    reference = m.labels("kepler_node_cpu_accounting_coverage_ratio")["reference"]
    if reference == "stat":
        pytest.skip("only the ticks of /proc/stat to compare with, which miss switching loads")
    ratio = m.one("kepler_node_cpu_accounting_coverage_ratio")
    assert ratio == pytest.approx(1, abs=0.01), f"{ratio} of {reference}"


def test_without_capabilities_proc_is_read_and_said_so(exporter):
    if os.geteuid() != 0:
        pytest.skip("dropping capabilities needs root")
    e = exporter("--monitor.interval=500ms", wrapper=["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"])
    with lab.Load(lab.BURN, 4, 1) as burner:
        assert burner.line() == ["ready"]
        lab.wait_until(burner.done, 60, "the burner's end")
        used = float(burner.line()[0])
        m = e.after(refreshes=3)
        seconds = m.one("kepler_process_cpu_seconds_total", pid=burner.pid)
    assert m.one("kepler_exporter_accounting", accounting="proc") == 1
    assert not m.has("kepler_exporter_accounting", accounting="ebpf")
    assert seconds == pytest.approx(used, rel=0.03)
    log = e.log()
    assert "CAP_BPF" in log or "capabilit" in log, log
    for zone in m.zones():
        assert m.conservation_error(zone) <= 0.001
