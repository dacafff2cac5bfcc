# SPDX-License-Identifier: Apache-2.0
"""The parts that the integration tests are made of: a running exporter, its metrics, loads of a known size."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("BUILD", "build")
BIN = BUILD / "bin"
LONG = bool(os.environ.get("KEPLER_LONG"))
EXPORTER = BIN / "kepler-exporter"
PROBE = BIN / "kepler-probe"
ROOTS = TOP / "tests" / "data" / "roots"


def wait_until(condition, seconds, what):
    """The first true value of condition(); AssertionError with @what after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what() if callable(what) else what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Metrics:
    """One scrape: a consistent snapshot."""

    _line = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$")
    _label = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)')

    def __init__(self, text):
        self.text = text
        self.series = {}
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            m = self._line.match(line)
            assert m, f"not a sample: {line!r}"
            labels = dict(self._label.findall(m[2] or ""))
            self.series.setdefault(m[1], []).append((labels, float(m[3])))

    def all(self, name, **labels):
        return [(l, v) for l, v in self.series.get(name, []) if all(l.get(k) == w for k, w in labels.items())]

    def has(self, name, **labels):
        return bool(self.all(name, **labels))

    def one(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name}{labels}: {len(found)} series, expected one"
        return found[0][1]

    def labels(self, name, **labels):
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name}{labels}: {len(found)} series, expected one"
        return found[0][0]

    def sum(self, name, **labels):
        return sum(v for _, v in self.all(name, **labels))

    def help(self, name):
        m = re.search(rf"^# HELP {name} (.*)$", self.text, re.M)
        assert m, f"no HELP of {name}"
        return m[1]

    def seconds_by_process(self):
        """CPU seconds of every process that has a series; a pid may return with another comm."""
        return {
            (l["pid"], l["comm"], l.get("exe")): v for l, v in self.all("kepler_process_cpu_seconds_total")
        }

    def zones(self):
        return [l["zone"] for l, _ in self.all("kepler_node_cpu_joules_total")]

    def conservation_error(self, zone):
        node = self.one("kepler_node_cpu_joules_total", zone=zone)
        parts = (
            self.one("kepler_node_cpu_idle_joules_total", zone=zone)
            + self.one("kepler_node_cpu_unattributed_joules_total", zone=zone)
            + self.one("kepler_node_cpu_ended_joules_total", zone=zone)
            + self.sum("kepler_process_cpu_joules_total", zone=zone)
        )
        return abs(node - parts) / node if node else 0.0


class Exporter:
    """kepler-exporter on a free loopback port; a context manager that ends it with SIGTERM."""

    def __init__(self, tmp_path, *args, config=None, wrapper=(), port=None, wait=True):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_path = tmp_path / f"exporter-{self.port}.log"
        self.command = [*map(str, wrapper), str(EXPORTER), f"--web.listen-address=127.0.0.1:{self.port}"]
        if config is not None:
            path = tmp_path / f"config-{self.port}.yaml"
            path.write_text(config)
            self.command.append(f"--config.file={path}")
        self.command += map(str, args)
        self.wait = wait

    def __enter__(self):
        self.started = time.monotonic()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if self.wait:
            try:
                self.wait_for(lambda m: m.has("kepler_node_cpu_watts"), 20, "the first watts")
            except BaseException:
                self.process.kill()
                self.process.wait()
                raise
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("SIGTERM did not end the exporter within 10 s")
        if kind is None:
            report = self.log()
            assert "AddressSanitizer" not in report and "runtime error" not in report, report
            assert "LeakSanitizer" not in report, report

    def log(self):
        return self.log_path.read_text(errors="replace")

    def get(self, path):
        """(status, text); status 0 while nothing listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as r:
                return r.status, r.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode(errors="replace")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return 0, ""

    def metrics(self):
        status, text = self.get("/metrics")
        assert status == 200, f"/metrics answered {status}; log:\n{self.log()}"
        return Metrics(text)

    def wait_for(self, condition, seconds, what):
        """The first scrape for which condition(metrics) holds."""

        def scrape():
            assert self.process.poll() is None, f"the exporter ended ({self.process.returncode}):\n{self.log()}"
            status, text = self.get("/metrics")
            if status != 200:
                return None
            metrics = Metrics(text)
            return metrics if condition(metrics) else None

        return wait_until(scrape, seconds, lambda: f"{what}; log:\n{self.log()}")

    def refreshes(self, metrics):
        return metrics.one("kepler_exporter_refreshes_total")

    def after(self, refreshes=2, seconds=30):
        """A scrape that holds all that happened before this call: @refreshes later."""
        first = self.refreshes(self.metrics())
        return self.wait_for(lambda m: self.refreshes(m) >= first + refreshes, seconds, "the next refresh")


BURN = """
import resource, sys, time
seconds, share = float(sys.argv[1]), float(sys.argv[2])
print("ready", flush=True)
begin = time.monotonic()
while time.monotonic() - begin < seconds:
    until = time.process_time() + 0.01 * share
    while time.process_time() < until:
        pass
    if share < 1:
        time.sleep(0.01 * (1 - share))
r = resource.getrusage(resource.RUSAGE_SELF)
print(r.ru_utime + r.ru_stime, flush=True)
sys.stdin.readline()
"""

# Children that each use 20 ms of CPU and end, two at a time; the kernel's own count of them at the end.
CHURN = """
import os, resource, sys, time
count, cpu_seconds = int(sys.argv[1]), float(sys.argv[2])
pids = []
def child():
    while time.process_time() < cpu_seconds:
        pass
    os._exit(0)
alive = 0
for _ in range(count):
    pid = os.fork()
    if pid == 0:
        child()
    pids.append(pid)
    alive += 1
    if alive == 2:
        os.wait()
        alive -= 1
while alive:
    os.wait()
    alive -= 1
r = resource.getrusage(resource.RUSAGE_CHILDREN)
print(r.ru_utime + r.ru_stime, *pids, flush=True)
sys.stdin.readline()
"""


class Load:
    """A Python program that prints what it used and then waits, so that its series stay."""

    def __init__(self, program, *args):
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", program, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = str(self.process.pid)

    def __enter__(self):
        return self

    def line(self):
        line = self.process.stdout.readline()
        assert line, "the load ended without its result"
        return line.split()

    def done(self):
        """True once its next line is there."""
        import select

        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


PLAYER = pathlib.Path(__file__).with_name("player.py")


class Player:
    """player.py, which moves the counters of a dump."""

    def __init__(self, root):
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, str(PLAYER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def _say(self, order):
        self.process.stdin.write(json.dumps(order) + "\n")
        return json.loads(self.process.stdout.readline())

    def order(self, path, **what):
        at = self.root / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        assert self._say({"path": str(at), **what}) == "ok"

    def rates(self, by_path):
        assert self._say({"rates": {str(self.root / p.lstrip("/")): n for p, n in by_path.items()}}) == "ok"

    def run(self):
        assert self._say({"run": True}) == "ok"

    def hold(self):
        return self._say({"hold": True})

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def run(*command, timeout=60, **kwargs):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout, **kwargs)
