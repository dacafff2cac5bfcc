# SPDX-License-Identifier: Apache-2.0
"""From a checkout to watts."""

import os
import re
import signal
import socket
import subprocess
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
    watts = [float(re.match(r" +\d+  .{16} +([\d.]+)$", line)[1]) for line in processes]
    assert len(watts) == 5 and watts == sorted(watts, reverse=True), text
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


def test_a_second_run_replaces_the_first_and_stop_ends_it(quickstart, tmp_path):
    port = lab.free_port()
    assert quickstart("--port", port).returncode == 0
    first = (tmp_path / "run/quickstart.pid").read_text().split()[0]
    again = quickstart("--port", port)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"pid {first}" in again.stdout
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


def test_a_folder_that_cannot_be_written_is_named(quickstart, tmp_path):
    (tmp_path / "run").write_text("a file")
    done = quickstart()
    assert done.returncode == 1 and str(tmp_path / "run") in done.stderr and "KEPLER_RUN_DIR" in done.stderr


def test_a_taken_port_that_was_asked_for_is_an_error(quickstart):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        done = quickstart("--port", s.getsockname()[1])
    assert done.returncode == 1
    assert "the exporter ended" in done.stderr


@pytest.mark.parametrize("arguments", [["--bogus"], ["--port"], ["--port", "0"], ["--port", "99999"], ["--port", "x"]])
def test_misuse_is_told_apart(quickstart, arguments):
    done = quickstart(*arguments)
    assert done.returncode == 2 and "usage:" in done.stderr
