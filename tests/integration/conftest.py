# SPDX-License-Identifier: Apache-2.0
import pytest

import lab


def pytest_sessionstart(session):
    for program in (lab.EXPORTER, lab.PROBE):
        if not program.exists():
            pytest.exit(f"{program} is not built: make (SAN=1)", returncode=2)


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
