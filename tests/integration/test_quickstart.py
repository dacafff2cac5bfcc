# SPDX-License-Identifier: Apache-2.0
"""From a checkout to watts."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

import lab

pytestmark = pytest.mark.plain_build
SCRIPT = lab.TOP / "scripts/quickstart.sh"


@pytest.fixture
def quickstart(tmp_path):
    env = dict(os.environ, KEPLER_RUN_DIR=str(tmp_path / "run"))
    env.pop("BUILD", None)

    def run(*arguments, script=SCRIPT):
        return subprocess.run([script, *map(str, arguments)], env=env, capture_output=True, text=True, timeout=300)

    yield run
    run("--stop")


def is_running(pid):
    """A process that has ended stays a zombie for as long as init likes."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(") ", 1)[1][0] != "Z"
    except FileNotFoundError:
        return False


def url_of(text):
    return re.search(r"http://127\.0\.0\.1:\d+/metrics", text)[0]


def test_it_prints_watts_with_source_bounds_and_processes(quickstart):
    done = quickstart()
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout
    package = re.search(r"^  package +([\d.]+) +(measured|[\d.]+ \.\. [\d.]+ W) +(\S+) +(measured|estimated)", text, re.M)
    assert package and float(package[1]) > 0, text
    processes = text.split("Most watts", 1)[1].splitlines()[2:7]
    watts = [float(m[1]) for line in processes if (m := re.match(r" +\d+  .{16} +([\d.]+)$", line))]
    assert watts and watts == sorted(watts, reverse=True) and watts[-1] > 0, text
    assert "\033" not in text, "colours belong on a terminal only"
    with urllib.request.urlopen(url_of(text), timeout=10) as r:
        assert b"kepler_node_cpu_watts" in r.read()
    assert re.search(r"^Stop +.*quickstart\.sh --stop$", text, re.M)


def test_without_privileges_it_waits_for_watts_that_are_not_0(quickstart, tmp_path):
    """Accounting from /proc has nothing to say of processes before its second refresh."""
    wrapped = tmp_path / "unprivileged"
    wrapped.write_text(f'#!/bin/sh\nexec setpriv --bounding-set=-all --inh-caps=-all "{SCRIPT}" "$@"\n')
    wrapped.chmod(0o755)
    done = quickstart(script=wrapped if os.geteuid() == 0 else SCRIPT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CPU time from /proc" in done.stdout
    first = re.search(r"^ +pid  command +watts\n +\d+  .{16} +([\d.]+)$", done.stdout, re.M)
    assert first and float(first[1]) > 0, done.stdout


@pytest.mark.parametrize("address, host", [("[::]", "[::1]"), ("[::1]", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("", "127.0.0.1")])
def test_all_addresses_are_asked_at_the_loopback_of_their_family(quickstart, address, host):
    done = quickstart("--address", address, "--port", lab.free_port())
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"http://{host}:" in done.stdout


@pytest.mark.parametrize("address", ["::1", "127.0.0.1:80", "a b"])
def test_an_address_that_cannot_be_is_misuse_in_the_exporters_words(quickstart, address):
    done = quickstart("--address", address)
    assert done.returncode == 2 and f'"{address}:' in done.stderr and "is no address to listen on" in done.stderr


def test_a_second_run_replaces_the_first_and_stop_ends_it(quickstart, tmp_path):
    port = lab.free_port()
    assert quickstart("--port", port).returncode == 0
    first = (tmp_path / "run/quickstart.pid").read_text().split()[0]
    again = quickstart("--port", port)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"replaced the exporter of an earlier run (pid {first})" in again.stdout
    second = (tmp_path / "run/quickstart.pid").read_text().split()[0]
    assert first != second and not is_running(first)
    stopped = quickstart("--stop")
    assert stopped.returncode == 0 and second in stopped.stdout
    assert not is_running(second)
    assert "no exporter" in quickstart("--stop").stdout


def test_a_pid_file_of_another_process_harms_nobody(quickstart, tmp_path):
    (tmp_path / "run").mkdir()
    with lab.Load(lab.BURN, 0, 1) as bystander:
        assert bystander.line() == ["ready"]
        (tmp_path / "run/quickstart.pid").write_text(f"{bystander.pid} 1 28282\n")
        assert "no exporter" in quickstart("--stop").stdout
        assert bystander.process.poll() is None


def test_an_exporter_that_was_killed_is_not_said_to_be_stopped(quickstart, tmp_path):
    assert quickstart().returncode == 0
    pid = (tmp_path / "run/quickstart.pid").read_text().split()[0]
    os.kill(int(pid), signal.SIGKILL)
    lab.wait_until(lambda: not is_running(pid), 5, "the killed exporter ends")
    assert "no exporter" in quickstart("--stop").stdout


def test_stop_where_nothing_ran_makes_no_folder(quickstart, tmp_path):
    assert "no exporter" in quickstart("--stop").stdout
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named_in_one_line(quickstart, tmp_path):
    (tmp_path / "run").write_text("a file")
    done = quickstart()
    assert done.returncode == 1 and str(tmp_path / "run") in done.stderr and "KEPLER_RUN_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("arguments", [["--bogus"], ["--port"], ["--port", "0"], ["--port", "99999"], ["--port", "x"]])
def test_misuse_is_told_apart(quickstart, arguments):
    done = quickstart(*arguments)
    assert done.returncode == 2 and "usage:" in done.stderr


# A tree whose programs do what a test says: the script itself is the real one.
FAKE_EXPORTER = """#!%(python)s
import http.server, os, pathlib, sys
here = pathlib.Path(__file__).parent
address = [a.split("=", 1)[1] for a in sys.argv if a.startswith("--web.listen-address=")] or [sys.argv[-1]]
host, port = address[0].rsplit(":", 1)
if "--config.check" in sys.argv:
    sys.exit("fake: no address") if "bad" in host else sys.exit(0)
if (here / "fails").exists():
    sys.exit("fake: cannot serve")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write((here / "metrics").read_bytes())

    def log_message(self, *_):
        pass

http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""
PROCESS = 'kepler_process_cpu_watts{comm="%s",pid="%d",state="%s",zone="package"} %s\n'


@pytest.fixture
def fake(tmp_path, quickstart):
    tree = tmp_path / "tree"
    files = {
        "scripts/quickstart.sh": SCRIPT.read_text(),
        "scripts/setup.sh": "#!/bin/sh\n",
        "Makefile": "kepler-probe kepler-exporter:\n",
        "build/bin/kepler-probe": '#!/bin/sh\n[ "$1" != --json ] || echo "{}" >"$3"\n',
        "build/bin/kepler-exporter": FAKE_EXPORTER % {"python": sys.executable},
        "build/bin/metrics": 'kepler_node_cpu_watts{zone="package"} 2\n' + PROCESS % ("busy", 11, "running", "1.5"),
    }
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
        (tree / name).chmod(0o755)
    yield tree, lambda *arguments: quickstart(*arguments, script=tree / "scripts/quickstart.sh")


def pid_of(tmp_path):
    return (tmp_path / "run/quickstart.pid").read_text().split()[0]


def test_only_running_processes_with_watts_that_can_be_seen_are_listed(fake):
    tree, run = fake
    with open(tree / "build/bin/metrics", "a") as f:
        f.write(PROCESS % ("ended", 12, "terminated", "3"))
        f.write(PROCESS % ("idle", 13, "running", "0.0004"))
        f.write(PROCESS % ("sleepy", 14, "running", "2e-07"))
        f.write(PROCESS % ("quiet", 15, "running", "0.0006"))
    done = run("--port", lab.free_port())
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^ +(\d+)  (\w+) +([\d.]+)$", done.stdout, re.M)
    assert rows == [("11", "busy", "1.500"), ("15", "quiet", "0.001")]
    assert "of 4 processes" in done.stdout


def test_an_address_that_cannot_be_is_refused_before_the_earlier_exporter_is_stopped(fake, tmp_path):
    tree, run = fake
    assert run("--port", lab.free_port()).returncode == 0
    first = pid_of(tmp_path)
    done = run("--address", "bad")
    assert done.returncode != 0 and "no address" in done.stderr
    assert is_running(first) and pid_of(tmp_path) == first


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")])
def test_a_taken_port_is_refused_before_the_earlier_exporter_is_stopped(fake, tmp_path, family, host):
    tree, run = fake
    assert run("--port", lab.free_port()).returncode == 0
    first = pid_of(tmp_path)
    with socket.socket(family) as s:
        s.bind((host, 0))
        s.listen()
        port = s.getsockname()[1]
        done = run("--port", port)
    assert done.returncode == 1 and f"port {port} is taken" in done.stderr
    assert "==>" not in done.stdout, "before minutes of building"
    assert is_running(first) and pid_of(tmp_path) == first


def test_a_replacement_that_fails_says_that_the_earlier_one_was_ended(fake, tmp_path):
    tree, run = fake
    port = lab.free_port()
    assert run("--port", port).returncode == 0
    first = pid_of(tmp_path)
    (tree / "build/bin/fails").touch()
    done = run("--port", port)
    assert done.returncode == 1 and "cannot serve" in done.stderr
    assert f"the exporter of the earlier run (pid {first}) has been stopped" in done.stderr
    assert "replaced" not in done.stdout and not is_running(first)


def test_an_address_of_a_far_host_is_not_connected_to(fake):
    """Whether its port is taken says nothing; the exporter finds that it is no address of this host."""
    before = time.monotonic()
    done = fake[1]("--address", "198.51.100.7")
    assert done.returncode == 1 and "the exporter ended" in done.stderr
    assert time.monotonic() - before < 20, "a network that drops everything holds a connection for minutes"
    assert "earlier run" not in done.stderr
