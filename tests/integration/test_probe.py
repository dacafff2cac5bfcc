# SPDX-License-Identifier: Apache-2.0
"""The probe on the machine that it runs on (golden machines: tests/golden)."""

import json
import os
import pathlib
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


def test_every_check_is_in_the_document_and_in_the_help():
    listed = [line.split()[0] for line in lab.run(lab.PROBE, "--help").stdout.split("Checks:")[1].splitlines()
              if line.startswith("  ")]
    found = [f["id"] for f in json.loads(lab.run(lab.PROBE, "--json").stdout)["findings"]]
    assert found == listed
    assert {"host.secureboot", "power.perf", "power.hwmon", "module.intel_rapl_tpmi", "module.acpi_power_meter",
            "bpf.unprivileged"} <= set(found)


def test_the_setting_of_unprivileged_ebpf_is_the_kernels():
    found = json.loads(lab.run(lab.PROBE, "--json").stdout)
    told = next(f for f in found["findings"] if f["id"] == "bpf.unprivileged")
    setting = pathlib.Path("/proc/sys/kernel/unprivileged_bpf_disabled")
    if setting.exists():
        assert told["status"] == "ok" and told["evidence"]["value"] == int(setting.read_text())
    else:
        assert told["status"] == "skip"


@pytest.mark.parametrize("machine, source", [("server-powercap", "powercap"), ("server-perf", "perf"),
                                             ("epyc-7763-msr", "msr"), ("altra-hwmon", "hwmon")])
def test_what_a_machine_selects_is_said_and_does_not_bind(machine, source):
    """Of golden machines, as this one may have no sensor."""
    config = lab.run(lab.PROBE, "--root", lab.TOP / "tests/data/roots" / machine, "--emit-config").stdout
    assert f"# measured power from {source}\n" in config
    assert 'power:\n  source: "auto"\n' in config


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
