#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One command: how fast the exporter starts and what it costs, beside a well-known exporter.

usage: tests/bench/run.py [--processes N] [--seconds S] [--interval S] [--json]

Measures, each from outside (exec to first answer, /proc/PID/stat and status, the clock of a client):
start to first metrics and to first watts, CPU at the given scrape interval with N more processes asleep,
resident memory, and a scrape. node_exporter (Debian's
prometheus-node-exporter) is measured the same way where it is installed or can be unpacked; it does
not look at processes, so it is a floor for an exporter's cost, not a like for like.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
SLEEPER = "import os,signal,sys\nfor _ in range(int(sys.argv[1])):\n if os.fork()==0:\n  signal.pause()\nprint('up',flush=True)\nsys.stdin.read()\nos.killpg(0,9)\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def get(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as r:
        return r.read()


def cpu_seconds(pid):
    """Exact run time of all its threads; the ticks of /proc/PID/stat are too coarse for these costs."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


class Server:
    def __init__(self, command, port):
        self.port = port
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def until(self, text):
        """Seconds from exec to the first answer that holds @text."""
        while time.monotonic() - self.began < 30:
            try:
                if text in get(self.port):
                    return time.monotonic() - self.began
            except OSError:
                pass
            if self.process.poll() is not None:
                raise SystemExit(f"{self.process.args[0]} ended with {self.process.returncode}")
            time.sleep(0.001)
        raise SystemExit(f"{self.process.args[0]} never answered with {text.decode()}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def measure(make_command, marker, watts, seconds, interval):
    starts = []
    for _ in range(5):
        port = free_port()
        s = Server(make_command(port), port)
        starts.append(s.until(marker))
        s.stop()
    port = free_port()
    s = Server(make_command(port), port)
    result = {"start_ms": statistics.median(starts) * 1e3}
    if watts:
        result["start_to_watts_ms"] = s.until(watts) * 1e3
    s.until(marker)
    time.sleep(interval)
    scrapes, begin, used = [], time.monotonic(), cpu_seconds(s.process.pid)
    while time.monotonic() - begin < seconds:
        before = time.monotonic()
        size = len(get(port))
        scrapes.append(time.monotonic() - before)
        time.sleep(max(0, interval - (time.monotonic() - before)))
    elapsed = time.monotonic() - begin
    result["cpu_percent_of_a_core"] = (cpu_seconds(s.process.pid) - used) / elapsed * 100
    result["rss_mib"] = resident_mib(s.process.pid)
    result["scrape_ms"] = statistics.median(scrapes) * 1e3
    result["scrape_kib"] = size / 1024
    s.stop()
    return result


def node_exporter():
    found = shutil.which("prometheus-node-exporter")
    if found:
        return found
    unpacked = TOP / ".cache/node-exporter"
    program = unpacked / "usr/bin/prometheus-node-exporter"
    if not program.exists() and shutil.which("apt-get"):
        with tempfile.TemporaryDirectory() as d:
            os.chmod(d, 0o755)
            if subprocess.run(["apt-get", "download", "-qq", "prometheus-node-exporter"], cwd=d, capture_output=True).returncode == 0:
                for deb in pathlib.Path(d).glob("*.deb"):
                    subprocess.run(["dpkg-deb", "-x", deb, unpacked], check=True)
    return str(program) if program.exists() else None


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--processes", type=int, default=1000, help="more processes, asleep")
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--interval", type=float, default=5, help="of refreshes and scrapes")
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    exporter = TOP / os.environ.get("BUILD", "build") / "bin/kepler-exporter"
    if not exporter.exists():
        raise SystemExit(f"{exporter} is not built: make")

    crowd = subprocess.Popen(
        [sys.executable, "-S", "-E", "-c", SLEEPER, str(a.processes)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )
    crowd.stdout.readline()
    try:
        results = {
            "kepler-exporter": measure(
                lambda port: [exporter, f"--web.listen-address=127.0.0.1:{port}", f"--monitor.interval={int(a.interval * 1000)}ms"],
                b"kepler_", b"kepler_node_cpu_watts{", a.seconds, a.interval,
            )
        }
        other = node_exporter()
        if other:
            results["node_exporter"] = measure(
                lambda port: [other, f"--web.listen-address=127.0.0.1:{port}"], b"node_", None, a.seconds, a.interval
            )
    finally:
        os.killpg(crowd.pid, signal.SIGKILL)
        crowd.wait()

    if a.json:
        print(json.dumps({"processes": a.processes, "interval_s": a.interval, "results": results}, indent=2))
        return
    print(f"{a.processes} more processes, asleep; refreshed and scraped each {a.interval:g} s, {a.seconds:g} s long\n")
    names = list(results)
    print(f"  {'':24}" + "".join(f"{n:>18}" for n in names) + (f"{'ratio':>10}" if len(names) == 2 else ""))
    for key in results[names[0]]:
        values = [results[n].get(key) for n in names]
        line = f"  {key:24}" + "".join(f"{v:18.2f}" if v is not None else f"{'-':>18}" for v in values)
        if len(values) == 2 and all(values):
            line += f"{values[0] / values[1]:10.2f}"
        print(line)
    if len(names) == 1:
        print("\n  prometheus-node-exporter is not to be had here: nothing to compare with")


if __name__ == "__main__":
    main()
