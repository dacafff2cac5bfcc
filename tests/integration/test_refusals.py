# SPDX-License-Identifier: Apache-2.0
"""Bad input, and the end: exit codes and sentences that help."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

import lab


def refuse(tmp_path, *args, config=None):
    """Exit code and stderr of an exporter that must not start."""
    command = [lab.EXPORTER, "--web.listen-address=127.0.0.1:0"]
    if config is not None:
        path = tmp_path / "config.yaml"
        path.write_text(config)
        command.append(f"--config.file={path}")
    done = lab.run(*command, *args, timeout=20)
    assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr
    return done.returncode, done.stderr


def test_sigterm_ends_it_promptly(exporter):
    for number in (signal.SIGTERM, signal.SIGINT):
        e = exporter("--monitor.interval=1h")
        begin = time.monotonic()
        e.process.send_signal(number)
        assert e.process.wait(10) == 0
        assert time.monotonic() - begin < 2


def test_a_standard_output_that_nobody_reads_holds_nothing_up(tmp_path):
    port = lab.free_port()
    command = [lab.EXPORTER, f"--web.listen-address=127.0.0.1:{port}", "--exporter.stdout", "--monitor.interval=100ms"]
    read, write = os.pipe()
    fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=write, stderr=log)

    def refreshes():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as r:
                return lab.Metrics(r.read().decode()).one("kepler_exporter_refreshes_total")
        except OSError:
            return 0

    try:
        lab.wait_until(lambda: refreshes() > 25, 20, "refreshes go on although the pipe is full")
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
        os.close(read)
        os.close(write)
    assert "nobody reads" in (tmp_path / "log").read_text()


def test_a_taken_port_says_what_to_do(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        done = lab.run(lab.EXPORTER, f"--web.listen-address=127.0.0.1:{port}", timeout=20)
    assert done.returncode == 1
    assert str(port) in done.stderr and "--web.listen-address" in done.stderr


@pytest.mark.parametrize(
    "what, config, place",
    [
        ("a mapping cut short", "log: {level: debug\n", "line"),
        ("broken YAML", "log:\n  level: 'debug\n", "line"),
        ("a tab for indentation", "log:\n\tlevel: debug\n", "line 2"),
        ("a word that is no duration", "monitor:\n  interval: soon\n", "line 2, column 3"),
        ("a level there is not", "log:\n  level: loud\n", "line 2, column 3"),
        ("an interval out of range", "monitor:\n  interval: 1ms\n", "line 2, column 3"),
    ],
)
def test_a_wrong_config_names_its_place(tmp_path, what, config, place):
    code, text = refuse(tmp_path, config=config)
    assert code == 2, text
    assert "config.yaml" in text and place in text, text


def test_an_unknown_key_is_a_warning_with_its_line(exporter):
    e = exporter(config="monitor:\n  interval: 1s\n  colour: red\n")
    assert "monitor.colour" in e.log() and "line 3" in e.log()


def test_an_unknown_flag_names_the_nearest(tmp_path):
    code, text = refuse(tmp_path, "--monitor.intervall=5s")
    assert code == 2
    assert "--monitor.interval" in text


def valid_findings():
    done = lab.run(lab.PROBE, "--json")
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_findings_of_a_newer_schema_are_refused(tmp_path):
    document = valid_findings()
    document["schema"] = "kepler-probe/2"
    path = tmp_path / "findings.json"
    path.write_text(json.dumps(document))
    code, text = refuse(tmp_path, f"--findings={path}")
    assert code == 2
    assert "kepler-probe/2" in text and "kepler-probe/1" in text


@pytest.mark.parametrize(
    "what, spoil",
    [
        ("empty", lambda t: ""),
        ("cut in the middle", lambda t: t[: len(t) // 2]),
        ("no JSON", lambda t: "watts: 5\n"),
        ("another document", lambda t: "[]"),
        ("zero bytes", lambda t: "\0" * 64),
        ("nested beyond reason", lambda t: "[" * 100000),
        ("without its power", lambda t: json.dumps({k: v for k, v in json.loads(t).items() if k != "power"})),
        ("a number for a list", lambda t: json.dumps({**json.loads(t), "findings": 5})),
    ],
)
def test_spoilt_findings_are_refused_with_a_sentence(tmp_path, what, spoil):
    path = tmp_path / "findings.json"
    path.write_text(spoil(json.dumps(valid_findings())))
    code, text = refuse(tmp_path, f"--findings={path}")
    assert code == 2, text
    assert "findings.json" in text


def test_missing_findings_are_refused(tmp_path):
    code, text = refuse(tmp_path, f"--findings={tmp_path}/none.json")
    assert code in (1, 2)
    assert "none.json" in text


def write_findings(tmp_path, change):
    document = valid_findings()
    change(document)
    path = tmp_path / "findings.json"
    path.write_text(json.dumps(document))
    return path


def test_findings_that_name_a_source_that_is_gone_fall_back_loudly(exporter, tmp_path):
    def change(document):
        document["exporter"] = {"power": {"source": "msr"}}

    e = exporter(f"--root={lab.ROOTS}/ec2-vm", f"--findings={write_findings(tmp_path, change)}")
    assert e.metrics().labels("kepler_node_cpu_power_meter", zone="package")["source"] == "model"
    assert "msr" in e.log() and "cannot be used" in e.log()


def test_findings_of_another_machine_are_told_and_choose_no_source(exporter, tmp_path):
    """A copied image's findings: its estimate must not hide the sensor that is here."""

    def change(document):
        document["host"]["cpu_model"] = "Another CPU"
        document["exporter"] = {"power": {"source": "model"}}

    root = lab.ROOTS / "server-powercap"
    e = exporter(f"--root={root}", f"--findings={write_findings(tmp_path, change)}", wait=False)
    e.wait_for(lambda m: True, 10, "metrics")
    assert "another machine" in e.log() and "Another CPU" in e.log()
    assert "power comes from powercap" in e.log()


def test_findings_that_say_proc_are_obeyed_and_told(exporter, tmp_path):
    def change(document):
        document["exporter"] = {"accounting": {"source": "proc"}}

    e = exporter(f"--findings={write_findings(tmp_path, change)}")
    assert e.metrics().has("kepler_exporter_accounting", accounting="proc")
    assert "accounted by proc" in e.log() and "missed" in e.log()


def test_a_value_of_another_shape_names_its_place(tmp_path):
    code, text = refuse(tmp_path, config="log: {level: [debug]}\n")
    assert code == 2 and "line 1, column 15" in text and "log.level cannot be a list" in text


def test_a_named_source_that_is_not_there_is_an_error(tmp_path):
    code, text = refuse(tmp_path, "--power.source=hwmon2")
    assert code == 2 and "powercap" in text and "model" in text
