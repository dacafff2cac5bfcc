# SPDX-License-Identifier: Apache-2.0
"""calibrate on a dumped server whose energy files this test moves; the load is real, on this machine's CPUs."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
import time

import jsonschema
import pytest

import lab

CPU = "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz"
SCHEMA = json.loads((lab.TOP / "docs" / "model.schema.json").read_text())
SETTLE = 1.0
STEP_DONE = re.compile(r"^load +(\d+) %: real +([\d.]+) %, package ([\d.]+) W")


ZONES_AT = "sys/devices/virtual/powercap/intel-rapl"
ZONES = {
    "package": [f"{ZONES_AT}/intel-rapl:{s}/energy_uj" for s in (0, 1)],
    "dram": [f"{ZONES_AT}/intel-rapl:{s}/intel-rapl:{s}:0/energy_uj" for s in (0, 1)],
}


class Sensors:
    """Energy files of a copied server, moved at the watts that are set, until close()."""

    def __init__(self, root):
        self.player = lab.Player(root)
        modulus = {z: int((root / f[0]).with_name("max_energy_range_uj").read_text()) + 1 for z, f in ZONES.items()}
        start = {"package": modulus["package"] - 60e6, "dram": 1e6}  # the package counters wrap on the way
        for zone, files in ZONES.items():
            for f in files:
                self.player.order(f, start=start[zone], per_second=0, modulus=modulus[zone])
        self.player.order(f"{ZONES_AT}/intel-rapl:2/energy_uj", start=1, per_second=310e6)  # psys
        self.player.run()
        self.set(100, 20)

    def set(self, package, dram):
        """Watts of both sockets together."""
        watts = {"package": package, "dram": dram}
        self.player.rates({f: watts[zone] / 2 * 1e6 for zone, files in ZONES.items() for f in files})

    def spoil(self, text):
        for files in ZONES.values():
            for f in files:
                self.player.order(f, text=text)

    def close(self):
        self.player.close()


@pytest.fixture
def server(memory_path):
    root = memory_path / "root"
    shutil.copytree(lab.ROOTS / "server-powercap", root, symlinks=True)
    sensors = Sensors(root)
    yield root, sensors
    sensors.close()


def begin(root, *args, **kwargs):
    command = [str(lab.EXPORTER), "calibrate", f"--root={root}", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kwargs)


def play(process, sensors, watts, limit=90):
    """Sets the watts of each step as the one before is done. (points as they were said, all that was said)"""
    said, points = "", []
    killer = threading.Timer(limit, process.kill)
    killer.start()
    sensors.set(*watts[0])
    for line in process.stderr:
        said += line
        m = STEP_DONE.match(line)
        if m:
            points.append((int(m[1]), float(m[2]), float(m[3])))
            if len(points) < len(watts):
                sensors.set(*watts[len(points)])
    process.wait()
    killer.cancel()
    return points, said


def calibrate(root, sensors, output, watts, attempts=4):
    """A whole run. On a machine that others keep busy the load cannot go from rest to full: once more, then."""
    for _ in range(attempts):
        p = begin(root, "--step=50", "--dwell=2s", f"--settle={int(SETTLE * 1000)}ms", f"--output={output}", "--force")
        points, said = play(p, sensors, watts)
        if p.returncode == 0:
            return points, said, p.stdout.read()
        assert "something else kept the CPUs busy" in said, said
    pytest.skip(f"this machine is too busy to be calibrated: {said}")


WATTS = [(100, 20), (260, 35), (400, 60)]


def test_a_model_file_holds_what_the_sensors_played(server, tmp_path, exporter):
    root, sensors = server
    output = tmp_path / "model.json"
    points, said, out = calibrate(root, sensors, output, WATTS)
    assert [p[0] for p in points] == [0, 50, 100]
    assert "\r" not in said and "left" not in said, "a bar where there is no terminal"
    assert str(output) in out and "--model" in out
    model = json.loads(output.read_text())
    jsonschema.Draft202012Validator(SCHEMA).validate(model)
    assert model["source"] == "powercap"
    assert model["machine"]["cpu_model"] == CPU
    assert (model["machine"]["sockets"], model["machine"]["threads"]) == (2, 128)
    assert model["machine"]["kernel"] == (root / "proc/sys/kernel/osrelease").read_text().strip()
    for point, (package, dram) in zip(model["points"], WATTS):
        assert point["package_watts"] == pytest.approx(package, rel=0.02)
        assert point["dram_watts"] == pytest.approx(dram, rel=0.02)
        assert point["seconds"] == pytest.approx(2, rel=0.25)
    usage = [p["usage_ratio"] for p in model["points"]]
    assert usage == sorted(usage) and usage[2] > 0.9
    not_idle = usage[0] > 0.05
    assert ("not idle" in said) == not_idle

    # The file is used where the sensor is gone, and only for the CPU that it is of.
    shutil.rmtree(root / "sys/class/powercap")
    e = exporter(f"--root={root}", f"--model={output}", "--monitor.interval=500ms")
    m = e.wait_for(lambda m: m.has("kepler_node_cpu_watts", zone="package"), 20, "watts by the model")
    meter = m.labels("kepler_node_cpu_power_meter", zone="package")
    assert meter["source"] == "model" and meter["quality"] == "estimated"
    assert "B'" in str(meter)
    watts = m.one("kepler_node_cpu_watts", zone="package")
    assert 98 <= watts <= 408
    low = m.one("kepler_node_cpu_watts_bound", zone="package", bound="low")
    high = m.one("kepler_node_cpu_watts_bound", zone="package", bound="high")
    assert low < watts < high
    other = lab.run(lab.EXPORTER, f"--root={lab.ROOTS / 'c5-metal-ubuntu-6.8-aws'}", f"--model={output}",
                    f"--web.listen-address=127.0.0.1:{lab.free_port()}", timeout=20)
    assert other.returncode == 1
    assert CPU in other.stderr and "8275CL" in other.stderr


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_load_and_writes_nothing(server, tmp_path, sign):
    root, _ = server
    output = tmp_path / "model.json"
    output.write_text("older")
    p = begin(root, "--step=100", "--dwell=1s", "--settle=0s", f"--output={output}", "--force")
    for line in p.stderr:  # the load is full from here on
        if STEP_DONE.match(line):
            break
    begun = time.monotonic()
    p.send_signal(sign)
    _, err = p.communicate(timeout=20)
    assert p.returncode == 130
    assert time.monotonic() - begun < 2
    assert "interrupted" in err and "nothing was written" in err
    assert output.read_text() == "older"
    assert os.listdir(tmp_path) == ["model.json"]


def test_a_terminal_shows_a_bar_and_takes_ctrl_c(server, tmp_path):
    root, _ = server
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execv(lab.EXPORTER, [str(lab.EXPORTER), "calibrate", f"--root={root}", "--settle=0s", "--dwell=5s"])
    said = b""

    def read_until(what):
        nonlocal said
        while what not in said:
            try:
                more = os.read(terminal, 4096)
            except OSError:
                break
            if not more:
                break
            said += more

    read_until(b" s left")
    os.write(terminal, b"\x03")
    read_until(b"nothing was written")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130, said
    assert re.search(rb"\r\x1b\[K\[[#.]+\] +\d+ %  load 0 %, (\d+ min )?\d+ s left", said), said
    assert not list(tmp_path.glob("kepler-model*")), "a file was written"


def test_without_a_sensor_it_says_what_was_tried_and_what_is_needed(tmp_path):
    output = tmp_path / "model.json"
    r = lab.run(lab.EXPORTER, "calibrate", f"--root={lab.ROOTS / 'this-machine'}", f"--output={output}", timeout=20)
    assert r.returncode == 1
    for words in ("no power sensor", "powercap", "perf", "msr", "hwmon", "bare metal", "root", "kepler-probe",
                  "kepler-exporter estimate"):
        assert words in r.stderr, r.stderr
    assert not output.exists()


def test_a_dry_run_says_what_it_would_do(server, tmp_path):
    root, _ = server
    r = lab.run(lab.EXPORTER, "calibrate", f"--root={root}", "--dry-run", "--step=25", cwd=tmp_path, timeout=20)
    assert r.returncode == 0, r.stderr
    assert CPU in r.stdout and "powercap" in r.stdout
    assert "5 steps: 0 25 50 75 100 %" in r.stdout
    assert "1 min 0 s" in r.stdout
    assert "kepler-model-Intel-Xeon-Gold-6338.json" in r.stdout
    assert os.listdir(tmp_path) == []


def test_a_dry_run_without_a_sensor_says_that_first(tmp_path):
    command = [str(lab.EXPORTER), "calibrate", f"--root={lab.ROOTS / 'this-machine'}", "--dry-run"]
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, timeout=20)
    assert r.returncode == 1
    said = r.stdout
    assert said.startswith("kepler-exporter calibrate: a test: the sensor is of the dump, the load of this machine\n")
    assert 0 < said.index("has no power sensor") < said.index("What was tried") < said.index("steps: 0 10 20"), said
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_never_silently_replaced(server, tmp_path):
    root, _ = server
    output = tmp_path / "model.json"
    output.write_text("older")
    r = lab.run(lab.EXPORTER, "calibrate", f"--root={root}", f"--output={output}", timeout=20)
    assert r.returncode == 2
    assert "--force" in r.stderr
    assert output.read_text() == "older"


def test_a_place_that_cannot_be_written_is_told_before_the_load(server, tmp_path):
    root, _ = server
    for output, words in ((tmp_path / "none" / "m.json", "none"), (tmp_path, "is a folder")):
        begun = time.monotonic()
        r = lab.run(lab.EXPORTER, "calibrate", f"--root={root}", f"--output={output}", timeout=20)
        assert r.returncode == 1 and words in r.stderr, r.stderr
        assert time.monotonic() - begun < 5


def test_a_full_disk_leaves_the_older_file(server, tmp_path):
    root, sensors = server
    disk = tmp_path / "disk"
    disk.mkdir()
    inside = (f"mount -t tmpfs -o size=8k tmpfs {disk} && echo older > {disk}/m.json && "
              f"{{ head -c 100000 /dev/zero > {disk}/filler 2>/dev/null; true; }} && "
              f'{{ "$@"; code=$?; cat {disk}/m.json; ls {disk}; exit $code; }}')
    allowed = lab.run("unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", disk)
    if allowed.returncode != 0:
        pytest.skip("this user may mount nothing")
    for _ in range(4):
        p = subprocess.Popen(["unshare", "-m", "sh", "-c", inside, "sh", str(lab.EXPORTER), "calibrate", f"--root={root}",
                              "--step=100", "--dwell=1s", f"--settle={int(SETTLE * 1000)}ms", "--force",
                              f"--output={disk}/m.json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        _, said = play(p, sensors, [WATTS[0], WATTS[2]])
        if "something else kept the CPUs busy" not in said:
            break
    assert p.returncode == 1
    assert "No space left" in said, said
    assert p.stdout.read() == "older\nfiller\nm.json\n"


@pytest.mark.parametrize("what, text, words", [("no number", "watts\n", "energy"), ("empty", "", "energy")])
def test_a_sensor_that_fails_ends_the_run(server, tmp_path, what, text, words):
    root, sensors = server
    output = tmp_path / "model.json"
    p = begin(root, "--step=100", "--dwell=2s", "--settle=0s", f"--output={output}")
    for line in p.stderr:
        if STEP_DONE.match(line):
            break
    sensors.spoil(text)
    _, err = p.communicate(timeout=30)
    assert p.returncode == 1
    assert "powercap" in err and words in err, err
    assert not output.exists()


def test_watts_that_cannot_be_true_end_the_run(server, tmp_path):
    root, sensors = server
    output = tmp_path / "model.json"
    sensors.set(5000, 20)
    p = begin(root, "--step=100", "--dwell=2s", "--settle=0s", f"--output={output}")
    _, err = p.communicate(timeout=30)
    assert p.returncode == 1
    assert "powercap" in err and re.search(r"\d W", err), err
    assert not output.exists()
