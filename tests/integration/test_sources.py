# SPDX-License-Identifier: Apache-2.0
"""Every source gives the joules and watts that its counters mean; what fails gives way and comes back.

The counters of golden machines are moved by player.py, in step with the clock; the exporter reads
them as it would the machine's own. Joules are exact to 0.1 %, wraps and all; of watts over half a
second two clocks on a busy machine leave some milliseconds open (to 0.1 % without a clock: tests/golden and the unit tests).
"""

import concurrent.futures
import os
import shutil
import signal
import statistics
import time

import pytest

import lab

MSR_UNIT = 2.0**-14  # joules a count, ESU 14
PERF_UNIT = 2.0**-32
REFRESHES = 16


@pytest.fixture
def stage(memory_path):
    """A golden machine's copy and the player of its counters."""
    open_players = []

    def make(machine):
        root = memory_path / machine
        shutil.copytree(lab.ROOTS / machine, root, symlinks=True)
        shutil.rmtree(root / ".probe" / "later", ignore_errors=True)
        player = lab.Player(root)
        open_players.append(player)
        return root, player

    yield make
    for player in open_players:
        player.close()


def real_folder(root, entry):
    """Where the class's link leads: the player replaces files, and a link in the way would stay."""
    return str((root / "sys/class/powercap" / entry).resolve().relative_to(root.resolve()))


def play_powercap(root, player, **how):
    """Two sockets 98.5 + 104 W, about to begin again after max_energy_range_uj; DRAM; psys."""
    for s, (package, dram) in enumerate(((98.5, 11.2), (104.0, 10.4))):
        player.order(real_folder(root, f"intel-rapl:{s}") + "/energy_uj", start=262143328851 - 300e6,
                     per_second=package * 1e6, modulus=262143328851, **how)
        player.order(real_folder(root, f"intel-rapl:{s}:0") + "/energy_uj", start=5e9, per_second=dram * 1e6,
                     modulus=262143328851)
    player.order(real_folder(root, "intel-rapl:2") + "/energy_uj", start=8e9, per_second=310e6,
                 modulus=262143328851, **how)
    player.order(real_folder(root, "intel-rapl-mmio:0") + "/energy_uj", start=1, per_second=98.5e6)


def play_laptop(root, player):
    """28 W of TDP and 62 W of turbo, which is more than twice as much and what its limits allow."""
    for entry, watts in (("intel-rapl:0", 62.0), ("intel-rapl:0:0", 49.0), ("intel-rapl:0:1", 1.2), ("intel-rapl:1", 78.0)):
        player.order(real_folder(root, entry) + "/energy_uj", start=71e9, per_second=watts * 1e6, modulus=262143328851)


def play_msr(root, player):
    """c5.metal, registers about to wrap at 2^32; DRAM counts are 15.3 uJ, whatever 0x606 says."""
    for cpu, package, dram in ((0, 222.3, 9.1), (24, 222.3, 8.7)):
        player.order(f"/dev/cpu/{cpu}/msr/0x611", start=2**32 - 500 / MSR_UNIT, per_second=package / MSR_UNIT,
                     modulus=2**32, hex=True)
        player.order(f"/dev/cpu/{cpu}/msr/0x619", start=77, per_second=dram / 15.3e-6, modulus=2**32, hex=True)


def play_amd(root, player):
    """EPYC's unit is 2^-16 J; the register wraps."""
    for cpu, package in ((0, 137.5), (64, 144.0)):
        player.order(f"/dev/cpu/{cpu}/msr/0xc001029b", start=2**32 - 900 * 2**16, per_second=package * 2**16,
                     modulus=2**32, hex=True)


def play_perf(root, player):
    """64-bit counts of 2^-32 J."""
    for cpu, package, dram in ((0, 98.5, 11.2), (32, 104.0, 10.4)):
        player.order(f"/.probe/perf/energy-pkg.{cpu}", start=2**40, per_second=package / PERF_UNIT)
        player.order(f"/.probe/perf/energy-ram.{cpu}", start=2**40, per_second=dram / PERF_UNIT)


def play_hwmon(root, player):
    """Sensors of watts: the two rails of an arm64 package, and the whole machine's by ACPI."""
    player.order("/sys/class/hwmon/hwmon1/power1_input", text="86250000\n")
    player.order("/sys/class/hwmon/hwmon1/power2_input", text="24100000\n")
    player.order("/sys/class/hwmon/hwmon2/power1_average", text="212000000\n")


MACHINES = {
    # machine: (source, how it is played, watts by zone)
    "server-powercap": ("powercap", play_powercap, {"package": 202.5, "dram": 21.6, "psys": 310.0}),
    "server-perf": ("perf", play_perf, {"package": 202.5, "dram": 21.6}),
    "c5-metal-ubuntu-6.8-aws": ("msr", play_msr, {"package": 444.6, "dram": 17.8}),
    "epyc-7763-msr": ("msr", play_amd, {"package": 281.5}),
    "laptop-turbo": ("powercap", play_laptop, {"package": 62.0, "core": 49.0, "uncore": 1.2, "psys": 78.0}),
    "altra-hwmon": ("hwmon", play_hwmon, {"package": 110.35, "psys": 212.0}),
}


def median_watts(e, zones):
    seen = [e.after(refreshes=1) for _ in range(REFRESHES)]
    return {z: statistics.median(m.one("kepler_node_cpu_watts", zone=z) for m in seen) for z in zones}


def watch(exporter, machine, root, player):
    """The median watts while its counters run, a scrape once they rest again, and for how long they ran."""
    _, play, expected = MACHINES[machine]
    play(root, player)  # not yet run, so that the exporter begins at a known count
    e = exporter(f"--root={root}", "--monitor.interval=500ms", "--metrics=node", wait=False)
    e.wait_for(lambda m: e.refreshes(m) >= 2, 20, "two refreshes at rest")
    player.run()
    e.after(refreshes=2)
    watts = median_watts(e, expected)
    seconds = player.hold()
    return watts, e.after(refreshes=3), seconds


def test_each_source_gives_what_was_played(exporter, stage):
    with concurrent.futures.ThreadPoolExecutor(len(MACHINES)) as pool:
        results = {m: pool.submit(watch, exporter, m, *stage(m)) for m in MACHINES}
    for machine, result in results.items():
        source, _, expected = MACHINES[machine]
        watts, m, seconds = result.result()
        for zone, value in expected.items():
            assert watts[zone] == pytest.approx(value, rel=0.05), f"{machine}: {zone}"  # of 0.5 s, by two clocks
            if source != "hwmon":  # its sensors go on after the others were stopped
                joules = m.one("kepler_node_cpu_joules_total", zone=zone)
                assert joules == pytest.approx(value * seconds, rel=0.001), f"{machine}: {zone}"
            names = meter(m, zone)
            assert (names["source"], names["quality"]) == (source, "measured"), machine
        assert m.one("kepler_exporter_rejected_readings_total") == 0, machine
        assert set(m.zones()) == set(expected), f"{machine}: zones are never summed across, none is made up"
        print(machine, {z: round(w, 3) for z, w in watts.items()}, f"{seconds:.3f} s")


def meter(m, zone):
    return m.labels("kepler_node_cpu_power_meter", zone=zone)


def test_what_fails_gives_way_alone_and_comes_back(exporter, stage):
    """DRAM's counter goes: it is estimated, and says so; the package stays measured. Then the package
    goes too; then all is as before. Nothing freezes, falls to 0 or loses energy."""
    root, player = stage("server-powercap")
    play_powercap(root, player)
    player.run()
    e = exporter(f"--root={root}", "--monitor.interval=250ms", "--metrics=node")
    before = e.after(refreshes=4)
    dram = real_folder(root, "intel-rapl:0:0") + "/energy_uj"
    package = real_folder(root, "intel-rapl:0") + "/energy_uj"

    player.order(dram, text="")
    m = e.wait_for(lambda m: meter(m, "dram")["source"] == "model", 20, "the estimate of DRAM")
    assert meter(m, "dram")["quality"] == "estimated"
    assert meter(m, "package")["quality"] == "measured"
    assert m.one("kepler_exporter_rejected_readings_total") >= 3
    assert m.one("kepler_exporter_source_changes_total") == 1
    assert m.one("kepler_node_cpu_watts_bound", zone="dram", bound="high") > m.one("kepler_node_cpu_watts", zone="dram")

    player.order(package, gone=True)
    m = e.wait_for(lambda m: meter(m, "package")["source"] == "model", 20, "the estimate of the package")
    assert m.one("kepler_node_cpu_watts", zone="package") > 0
    assert "true value within" in m.help("kepler_node_cpu_watts")

    player.order(dram, start=5e9, per_second=11.2e6, modulus=262143328851)
    player.order(package, start=8e9, per_second=98.5e6, modulus=262143328851)
    for zone in ("package", "dram"):
        m = e.wait_for(lambda m, zone=zone: meter(m, zone)["source"] == "powercap", 30, f"{zone} measured again")
    watts, m = median_watts(e, ("package", "dram")), e.metrics()
    assert watts == {"package": pytest.approx(202.5, rel=0.1), "dram": pytest.approx(21.6, rel=0.1)}
    for zone in ("package", "dram"):
        assert m.one("kepler_node_cpu_joules_total", zone=zone) > before.one("kepler_node_cpu_joules_total", zone=zone)
    assert "answers again" in e.log()


def test_a_stopped_exporter_gives_no_spike(exporter, stage):
    """As of a late tick or a suspended machine: the energy of the gap comes with the time of the gap. Told
    in one refresh of 0.5 s it would be 7 times the watts; left out it would be 3 s of joules too few."""
    root, player = stage("server-powercap")
    play_powercap(root, player)
    e = exporter(f"--root={root}", "--monitor.interval=500ms", "--metrics=node", wait=False)
    e.wait_for(lambda m: e.refreshes(m) >= 2, 20, "two refreshes at rest")
    player.run()
    first = e.after(refreshes=3)
    os.kill(e.process.pid, signal.SIGSTOP)
    begin = time.monotonic()
    lab.wait_until(lambda: time.monotonic() - begin > 3, 10, "3 s to pass")
    os.kill(e.process.pid, signal.SIGCONT)
    seen = []
    refreshes = e.refreshes(first)
    for _ in range(6):
        m = e.wait_for(lambda m: e.refreshes(m) > refreshes, 10, "the next refresh")
        refreshes = e.refreshes(m)
        seen.append(m.one("kepler_node_cpu_watts", zone="package"))
    print([round(w, 1) for w in seen])
    assert all(202.5 / 2 < w < 202.5 * 2 for w in seen), seen  # 0.25 s between two clocks of a busy machine
    assert statistics.median(seen) == pytest.approx(202.5, rel=0.05), seen
    seconds = player.hold()
    m = e.after(refreshes=3)
    assert m.one("kepler_node_cpu_joules_total", zone="package") == pytest.approx(202.5 * seconds, rel=0.001)
    assert m.one("kepler_exporter_rejected_readings_total") == 0


def test_a_slow_sensor_is_neither_zero_nor_a_spike(exporter, stage):
    """Counters that their controller renews once in 0.6 s, read each 100 ms: 120 J in one reading of 0.1 s
    would be 1200 W, and five of six readings would say 0 W."""
    root, player = stage("server-powercap")
    play_powercap(root, player, renewed_each=0.6)
    player.run()
    e = exporter(f"--root={root}", "--monitor.interval=100ms", "--metrics=node")
    seen = []
    for _ in range(40):
        m = e.after(refreshes=1)
        seen.append(m.one("kepler_node_cpu_watts", zone="package"))
        assert meter(m, "package")["source"] == "powercap", e.log()
    assert all(202.5 / 3 < w < 202.5 * 3 for w in seen), seen
    assert statistics.median(seen) == pytest.approx(202.5, rel=0.25), seen  # 0.5 s or 0.7 s for 0.6 s
    assert m.one("kepler_exporter_rejected_readings_total") == 0, e.log()
