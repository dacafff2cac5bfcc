# SPDX-License-Identifier: Apache-2.0
"""Thousands of processes come and go: nothing grows. 10 s in the check, 5 min with --long."""

import os
import pathlib
import time

import pytest

import lab

SECONDS = 300 if lab.LONG else 10
FORKS = """
import os
while True:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
"""


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


@pytest.mark.plain_build
def test_memory_and_descriptors_stay_under_churn(exporter):
    e = exporter("--monitor.interval=100ms", "--monitor.max-terminated=100")
    pid = e.process.pid
    with lab.Load(FORKS) as churn:
        deadline = time.monotonic() + SECONDS
        warm = time.monotonic() + min(5, SECONDS / 2)
        base = None
        while time.monotonic() < deadline:
            m = e.metrics()
            if base is None and time.monotonic() > warm:
                base = resident_kib(pid), len(os.listdir(f"/proc/{pid}/fd")), e.refreshes(m)
            time.sleep(0.1)
        churn.process.kill()
    assert e.refreshes(m) > base[2] + 10
    assert resident_kib(pid) < base[0] + 2048
    assert len(os.listdir(f"/proc/{pid}/fd")) <= base[1] + 1
    assert m.one("kepler_exporter_lost_exits_total") == 0
