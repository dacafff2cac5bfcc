# SPDX-License-Identifier: Apache-2.0
"""What the exporter says of the machine that it runs on."""

import json
import os
import pathlib
import re

import pytest

import lab


ORIGIN = r"\((\w+(, \w+)*: )?source \w+.*(measured|true value within x[\d.]+ \.\. x[\d.]+)\)$"


def has_sensor():
    zones = list(pathlib.Path("/sys/class/powercap").glob("intel-rapl:*/energy_uj"))
    return bool(zones) or pathlib.Path("/dev/cpu/0/msr").exists()


def test_every_watt_says_where_it_comes_from(exporter):
    m = exporter("--monitor.interval=500ms").metrics()
    assert "package" in m.zones()
    for zone in m.zones():
        meter = m.labels("kepler_node_cpu_power_meter", zone=zone)
        watts = m.one("kepler_node_cpu_watts", zone=zone)
        low = m.one("kepler_node_cpu_watts_bound", zone=zone, bound="low")
        high = m.one("kepler_node_cpu_watts_bound", zone=zone, bound="high")
        assert meter["quality"] in ("measured", "estimated")
        assert meter["source"] in ("powercap", "perf", "msr", "hwmon", "model", "model-server")
        assert 0 < watts < 20000
        assert low <= watts <= high
        assert (high < low * 1.0001) == (meter["quality"] == "measured")
    for family in ("kepler_node_cpu_joules_total", "kepler_node_cpu_watts", "kepler_process_cpu_joules_total"):
        assert re.search(ORIGIN, m.help(family)), m.help(family)


@pytest.mark.skipif(has_sensor(), reason="this machine has an energy sensor")
def test_without_a_sensor_the_estimate_is_labelled_with_its_tier(exporter):
    m = exporter().metrics()
    meter = m.labels("kepler_node_cpu_power_meter", zone="package")
    path = m.labels("kepler_node_cpu_watts", zone="package")["path"]
    assert meter["source"] == "model" and meter["quality"] == "estimated"
    assert re.match(r"model:(A|B|E):.+", path), path
    low = m.one("kepler_node_cpu_watts_bound", zone="package", bound="low")
    high = m.one("kepler_node_cpu_watts_bound", zone="package", bound="high")
    assert high > low * 1.3, "an estimate without a sensor is never this good"


def test_watts_are_there_within_a_second_whatever_the_interval(exporter):
    e = exporter("--monitor.interval=1h", wait=False)
    e.wait_for(lambda m: m.has("kepler_node_cpu_watts"), 15, "watts")  # how soon: tests/bench


def test_a_process_that_cannot_be_read_never_breaks_a_refresh(exporter):
    """Other programs fail whole on a machine where /proc/1/exe is not theirs to read."""
    e = exporter("--monitor.interval=200ms")
    m = e.after(refreshes=3)
    try:
        exe = os.readlink("/proc/1/exe")
    except OSError:
        exe = ""
    # A sandbox's init can be hidden from the task iterator as well: then it has no series.
    assert all(l["exe"] == exe for l, _ in m.all("kepler_process_cpu_seconds_total", pid="1"))
    assert m.has("kepler_process_cpu_seconds_total", pid=str(os.getpid()), exe=os.readlink("/proc/self/exe"))
    kernel_threads = [l for l, _ in m.all("kepler_process_cpu_seconds_total", exe="")]
    assert all(l["comm"] for l in kernel_threads)


def test_the_fake_meter_is_ignored_loudly(exporter):
    e = exporter(config="dev:\n  fake-cpu-meter:\n    enabled: true\n")
    m = e.metrics()
    assert m.one("kepler_exporter_config_ignored", key="dev.fake-cpu-meter.enabled") == 1
    assert "fake-cpu-meter" in e.log()
    assert "fake" not in m.labels("kepler_node_cpu_power_meter", zone="package")["source"]


def test_findings_choose_the_source(exporter, tmp_path):
    findings = tmp_path / "findings.json"
    made = lab.run(lab.PROBE, "--json", "--output", findings)
    assert made.returncode == 0, made.stderr
    selected = json.loads(findings.read_text())["power"]["selected"]
    m = exporter(f"--findings={findings}").metrics()
    assert m.labels("kepler_node_cpu_power_meter", zone="package")["source"] == selected


def test_the_pages_answer(exporter):
    e = exporter()
    for path in ("/healthz", "/probe/livez", "/probe/readyz", "/metrics"):
        assert e.get(path)[0] == 200, path
    assert e.get("/nowhere")[0] == 404


def test_a_scrape_starts_no_refresh(exporter):
    e = exporter("--monitor.interval=1h")
    first = e.wait_for(lambda m: m.has("kepler_node_cpu_watts"), 5, "watts")
    for _ in range(20):
        assert e.metrics().one("kepler_exporter_refreshes_total") == e.refreshes(first)


@pytest.mark.parametrize("machine", ["ec2-vm", "ec2-graviton-vm"])
def test_a_virtual_machine_has_the_bounds_that_the_probe_tells(exporter, machine):
    """Both take it for one (arm64 has no CPUID that tells), and neither knows what its neighbours do."""
    root = lab.ROOTS / machine
    told = json.loads(lab.run(lab.PROBE, f"--root={root}", "--json").stdout)
    m = exporter(f"--root={root}", "--metrics=node").metrics()
    low, high = re.search(r"package: .*?true value within x([\d.]+) \.\. x([\d.]+)", m.help("kepler_node_cpu_watts")).groups()
    assert float(low) == pytest.approx(told["power"]["bounds"]["low"], abs=0.006)
    assert float(high) == pytest.approx(told["power"]["bounds"]["high"], abs=0.006)
    assert "neighbours" in next(f for f in told["findings"] if f["id"] == "power.model")["impact"] + json.dumps(told)
