# SPDX-License-Identifier: Apache-2.0
"""calibrate on a dumped server whose energy files this test moves; the load is real, on this machine's CPUs."""

import json
import os
import pty
import re
import select
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
SETTLE = 2.0  # in which a busy machine lets this test set the watts of the next step
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


def lines_of(process, limit=90):
    """What it says, line by line. It is killed after @limit seconds, so that nobody waits for good."""
    killer = threading.Timer(limit, process.kill)
    killer.start()
    try:
        for line in process.stderr:  # no `yield from`: that would close it with this
            yield line
    finally:
        killer.cancel()


def play(process, sensors, watts):
    """Sets the watts of each step as the one before is done. (points as they were said, all that was said)"""
    said, points = "", []
    sensors.set(*watts[0])
    for line in lines_of(process):
        said += line
        m = STEP_DONE.match(line)
        if m:
            points.append((int(m[1]), float(m[2]), float(m[3])))
            if len(points) < len(watts):
                sensors.set(*watts[len(points)])
    process.wait(timeout=20)
    return points, said


def calibrate(root, sensors, output, watts, *args, ends=0):
    """A whole run that ends with exit code @ends, of however busy a machine: a dump's points count at the wanted load."""
    p = begin(root, f"--step={100 // (len(watts) - 1)}", "--dwell=2s", f"--settle={int(SETTLE * 1000)}ms",
              f"--output={output}", "--force", *args)
    points, said = play(p, sensors, watts)
    assert p.returncode == ends, said
    return points, said, p.stdout.read()


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
    assert [p["usage_ratio"] for p in model["points"]] == [0, 0.5, 1]
    assert "not idle" not in said, "this machine's load says nothing of a dump"

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


@pytest.mark.plain_build
def test_memory_that_is_told_too_seldom_does_not_cost_the_package(server, tmp_path):
    """DRAM's counter is renewed once a second, and read twice in it: 0 W and twice its watts in turn."""
    root, sensors = server
    for path in ZONES["dram"]:
        sensors.player.order(path, start=1e6, per_second=10e6, renewed_each=1.0)
    output = tmp_path / "model.json"
    p = begin(root, "--step=100", "--dwell=4s", f"--settle={int(SETTLE * 1000)}ms", f"--output={output}")
    _, said = play(p, sensors, [WATTS[0], WATTS[2]])
    assert p.returncode == 0, said
    points = json.loads(output.read_text())["points"]
    assert all("dram_watts" not in q for q in points) == ("the file is of the package alone" in said), said
    assert [q["package_watts"] for q in points] == pytest.approx([WATTS[0][0], WATTS[2][0]], rel=0.02)


@pytest.mark.plain_build
def test_points_are_where_this_machine_was(tmp_path):
    """Its own load, beside a sensor that stands in a file: written if it was at rest and fully loaded, else said why not."""
    shutil.copytree(lab.ROOTS / "altra-hwmon" / "sys", tmp_path / "sys", symlinks=True)
    sensor, output = tmp_path / "sys/class/hwmon/hwmon1/power1_input", tmp_path / "model.json"
    sensor.write_text("50000000\n")
    p = subprocess.Popen([str(lab.EXPORTER), "calibrate", f"--host.sysfs={tmp_path / 'sys'}", "--power.source=hwmon",
                          "--step=100", "--dwell=2s", f"--settle={int(SETTLE * 1000)}ms", f"--output={output}"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    said, real = "", []
    for line in lines_of(p):
        said += line
        m = STEP_DONE.match(line)
        if m:
            real.append(float(m[2]) / 100)
            sensor.write_text("200000000\n")
    p.communicate(timeout=20)
    assert len(real) == 2, said
    rounding = 0.0006  # of what was said
    if real[0] > 0.1 + rounding:
        assert p.returncode == 1 and "something else kept the CPUs busy" in said and not output.exists(), said
    elif real[1] < 0.95 - rounding:
        assert p.returncode == 1 and "the load was held back" in said and not output.exists(), said
    elif real[0] < 0.1 - rounding and real[1] > 0.95 + rounding:
        assert p.returncode == 0, said
    if p.returncode == 0:
        points = json.loads(output.read_text())["points"]
        assert [p["usage_ratio"] for p in points] == pytest.approx(real, abs=0.001)


def cpu_seconds(pid):
    """Of a process and its threads, also of one that has ended and was not waited for."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


PLAIN = pytest.mark.plain_build


@pytest.mark.parametrize("sign", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=PLAIN), pytest.param(signal.SIGHUP, marks=PLAIN)])
def test_a_signal_ends_the_load_and_writes_nothing(server, tmp_path, sign):
    root, _ = server
    output = tmp_path / "model.json"
    output.write_text("older")
    dwell = 5
    p = begin(root, "--step=100", f"--dwell={dwell}s", "--settle=0s", f"--output={output}", "--force")
    for line in lines_of(p):  # the load is full from here on
        if STEP_DONE.match(line):
            break
    before = cpu_seconds(p.pid)
    lab.wait_until(lambda: cpu_seconds(p.pid) > before + 0.1, 20, "the load has begun")
    before = cpu_seconds(p.pid)
    p.send_signal(sign)
    ended = lab.wait_until(lambda: os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG), 20, "its end")
    assert ended.si_status == 130
    # However late a busy machine lets it go: its threads stop, where a whole step would take seconds of each CPU.
    assert cpu_seconds(p.pid) - before < 0.2 * dwell * len(os.sched_getaffinity(0))
    _, err = p.communicate(timeout=20)
    assert p.returncode == 130
    assert "interrupted" in err and "nothing was written" in err
    assert output.read_text() == "older"
    assert os.listdir(tmp_path) == ["model.json"]


@pytest.mark.plain_build
def test_what_it_was_started_to_ignore_does_not_end_it(server, tmp_path):
    """As by nohup."""
    root, _ = server
    p = begin(root, "--step=100", "--dwell=1s", "--settle=0s", f"--output={tmp_path / 'model.json'}",
              preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    steps = 0
    for line in lines_of(p):
        if STEP_DONE.match(line):
            steps += 1
            p.send_signal(signal.SIGHUP)
    assert p.wait(timeout=20) != 130
    assert steps == 2, "it ended on a signal that it was to ignore"


def test_a_terminal_shows_a_bar_and_takes_ctrl_c(server, tmp_path):
    root, _ = server
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execv(lab.EXPORTER, [str(lab.EXPORTER), "calibrate", f"--root={root}", "--settle=0s", "--dwell=30s"])
    said = b""
    deadline = time.monotonic() + 25

    def read_until(what):
        """What it says, up to @what or its end. The terminal is closed with the last process on it: then EIO."""
        nonlocal said
        while what not in said:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([terminal], [], [], left)[0]:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                raise AssertionError(f"it has not said {what!r} in time: {said!r}")
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


def test_a_load_that_cannot_be_full_is_refused_before_it(tmp_path):
    """The counters are a dump's; the CPUs, of which this process gets one, are this machine's."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("one CPU is all of them")
    begun = time.monotonic()
    r = lab.run(lab.EXPORTER, "calibrate", f"--host.sysfs={lab.ROOTS / 'server-powercap' / 'sys'}",
                f"--output={tmp_path / 'm.json'}", timeout=20,
                preexec_fn=lambda: os.sched_setaffinity(0, cpus[:1]))
    assert r.returncode == 1, r.stderr
    assert re.search(r"only 1 of \d+ CPUs may be used", r.stderr) and "not confined" in r.stderr, r.stderr
    assert time.monotonic() - begun < 10
    assert not list(tmp_path.iterdir())


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
    assert said.startswith("kepler-exporter calibrate: a test: the sensor is of the dump, the load of this machine; ")
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


def test_what_cannot_be_written_is_printed(server):
    """The older file stays: tests/unit/model_file_test.c, which needs no load."""
    root, sensors = server
    _, said, out = calibrate(root, sensors, "/dev/full", [WATTS[0], WATTS[2]], ends=1)
    assert "No space left" in said and "is on standard output" in said, said
    model = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(model)
    assert [p["package_watts"] for p in model["points"]] == pytest.approx([100, 400], rel=0.02)


@pytest.mark.plain_build
def test_standard_output_gets_the_file_alone(server):
    root, sensors = server
    _, said, out = calibrate(root, sensors, "/dev/stdout", [WATTS[0], WATTS[2]])
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(out))
    assert "2 points from" in said and "--model FILE" in said, said


@pytest.mark.parametrize("what, text, words", [("no number", "watts\n", "energy"), ("empty", "", "energy")])
def test_a_sensor_that_fails_ends_the_run(server, tmp_path, what, text, words):
    root, sensors = server
    output = tmp_path / "model.json"
    p = begin(root, "--step=100", "--dwell=2s", "--settle=0s", f"--output={output}")
    for line in lines_of(p):
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
