# SPDX-License-Identifier: Apache-2.0
"""What `make install` leaves behind."""

import os
import re
import shutil
import subprocess
import tempfile

import pytest

import lab

pytestmark = pytest.mark.plain_build


@pytest.fixture
def installed(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k not in ("SAN", "BUILD")}
    prefix = tmp_path / "usr"
    done = subprocess.run(
        ["make", "-s", "install", f"PREFIX={prefix}"], cwd=lab.TOP, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return prefix


def unit_of(prefix):
    return prefix / "lib/systemd/system/kepler-exporter.service"


def test_the_commands_of_the_unit_are_the_installed_programs(installed, tmp_path):
    """Each flag that the unit uses is accepted, and the exporter takes the probe's findings."""
    text = unit_of(installed).read_text()
    assert "@" not in re.sub(r"@system-service", "", text)
    commands = re.findall(r"^ExecStart(?:Pre)?=(.*)$", text, re.M)
    assert len(commands) == 2
    probe, exporter = (c.replace("/run/kepler/", f"{tmp_path}/").replace(" $KEPLER_ARGS", "").split() for c in commands)
    assert lab.run(*probe).returncode == 0
    done = lab.run(*exporter, "--config.check")
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_understands_the_unit(installed):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit_of(installed)], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "kepler" in line]
    assert done.returncode == 0 and not ours, done.stderr


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="dropping capabilities takes root and setpriv")
def test_the_capabilities_of_the_unit_are_enough_for_exact_accounting(installed):
    named = re.search(r"^AmbientCapabilities=(.*)$", unit_of(installed).read_text(), re.M)[1]
    assert f"CapabilityBoundingSet={named}\n" in unit_of(installed).read_text()
    keep = ",".join(["-all"] + ["+" + name.removeprefix("CAP_").lower() for name in named.split()])
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is for one user only
        os.chmod(folder, 0o755)
        probe = shutil.copy(installed / "bin/kepler-probe", folder)
        done = lab.run(*drop, f"--bounding-set={keep}", f"--inh-caps={keep}", f"--ambient-caps={keep}", probe)
    assert "exact CPU time by eBPF" in done.stdout, done.stdout + done.stderr
