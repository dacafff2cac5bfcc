# SPDX-License-Identifier: Apache-2.0
"""The probe on the machine that it runs on (golden machines: tests/golden)."""

import json
import os
import shutil
import subprocess

import jsonschema
import pytest

import lab

SCHEMA = lab.TOP / "docs/findings.schema.json"


def test_its_json_is_what_the_schema_says():
    done = lab.run(lab.PROBE, "--json")
    assert done.returncode in (0, 1) and done.stderr == ""
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["schema"] == "kepler-probe/1"


def test_measured_power_can_be_required():
    document = json.loads(lab.run(lab.PROBE, "--json").stdout)
    done = lab.run(lab.PROBE, "--require=measured")
    assert done.returncode == (0 if document["power"]["quality"] == "measured" else 1)


def test_what_it_emits_the_exporter_takes(exporter):
    config = lab.run(lab.PROBE, "--emit-config")
    assert config.returncode == 0
    m = exporter(config=config.stdout).metrics()
    assert m.has("kepler_node_cpu_watts")


def test_a_recorded_machine_is_found_to_be_the_same(tmp_path):
    here = json.loads(lab.run(lab.PROBE, "--json").stdout)
    recorded = lab.run(lab.PROBE, "--record", tmp_path / "dump", "--json")
    assert recorded.returncode in (0, 1), recorded.stderr
    there = json.loads(lab.run(lab.PROBE, "--root", tmp_path / "dump", "--json").stdout)
    assert there["power"]["selected"] == here["power"]["selected"]
    assert there["accounting"]["selected"] == here["accounting"]["selected"]
    for key in ("cpu_model", "threads", "kernel", "memory_bytes"):
        assert there["host"][key] == here["host"][key]


@pytest.mark.parametrize("arguments", [["--bogus"], ["--require=nothing"], ["--ignore=no.such"], ["--json", "--text"]])
def test_misuse_is_told_apart(arguments):
    done = lab.run(lab.PROBE, *arguments)
    assert done.returncode == 2 and arguments[0].split("=")[0] in done.stderr


def test_a_root_that_is_not_there_is_its_own_failure():
    done = lab.run(lab.PROBE, "--root=/no/such/folder")
    assert done.returncode == 3 and "/no/such/folder" in done.stderr


@pytest.mark.plain_build
@pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root")
def test_the_static_probe_runs_in_an_empty_chroot(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("SAN", "BUILD")}
    made = subprocess.run(["make", "-s", "static"], cwd=lab.TOP, env=environment, capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stdout + made.stderr
    shutil.copy(lab.BIN / "kepler-probe-static", tmp_path / "probe")
    done = lab.run("chroot", tmp_path, "/probe", "--json")
    # No /proc, no /sys: nothing can be used, which it says in a whole document.
    assert done.returncode == 1, done.stderr
    jsonschema.validate(json.loads(done.stdout), json.loads(SCHEMA.read_text()))
