# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import tempfile

import pytest

import lab


def pytest_sessionstart(session):
    for program in (lab.EXPORTER, lab.PROBE):
        if not program.exists():
            pytest.exit(f"{program} is not built: make (SAN=1)", returncode=2)


def pytest_configure(config):
    config.addinivalue_line("markers", "plain_build: says nothing of another build, and is left out there")


def pytest_collection_modifyitems(config, items):
    """Left out, not skipped: a skip is something that this host could not show."""
    if lab.BUILD.name == "build":
        return
    out = [item for item in items if item.get_closest_marker("plain_build")]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if item not in out]


@pytest.fixture
def memory_path():
    """A folder in memory where there is one: a disk may take 0.1 s to rename a counter's file."""
    folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="kepler-test-", dir=folder) as path:
        yield pathlib.Path(path)


@pytest.fixture
def exporter(tmp_path):
    """Starts exporters that end with the test."""
    started = []

    def start(*args, **kwargs):
        e = lab.Exporter(tmp_path, *args, **kwargs)
        e.__enter__()
        started.append(e)
        return e

    yield start
    for e in started:
        e.__exit__(None)
