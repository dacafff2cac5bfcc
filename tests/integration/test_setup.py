# SPDX-License-Identifier: Apache-2.0
"""scripts/setup.sh on a machine with nothing installed: commands that only note what they are asked."""

import shutil

import pytest

import lab

pytestmark = pytest.mark.plain_build
TOOLS = ("bash", "dirname", "env", "grep", "mktemp", "rm", "tail", "cut")


@pytest.fixture
def bare(tmp_path):
    """Runs setup.sh with these commands, and no others than TOOLS; returns its end and the calls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name))

    def run(*arguments, uid=1000, **commands):
        commands = {"id": f"echo {uid}", "dpkg-query": "exit 1", "apt-get": "exit 0", **commands}
        for name, body in commands.items():
            (folder / name).write_text(f"#!/bin/sh\n[ {name} = id ] || echo {name} \"$@\" >>{tmp_path}/calls\n{body}\n")
            (folder / name).chmod(0o755)
        done = lab.run(lab.TOP / "scripts/setup.sh", *arguments, env={"PATH": str(folder)})
        calls = tmp_path / "calls"
        return done, calls.read_text().splitlines() if calls.exists() else []

    return run


def test_without_sudo_it_says_what_root_has_to_run(bare):
    done, calls = bare()
    assert done.returncode == 1
    assert "As root, run: apt-get install gcc " in done.stderr
    assert not any(c.startswith("apt-get") for c in calls)


def test_sudo_is_asked_once_for_all_packages(bare):
    done, calls = bare(sudo='exec "$@"')
    assert done.returncode == 0, done.stderr
    installs = [c for c in calls if c.startswith("apt-get")]
    assert len(installs) == 1 and " libbpf-dev " in installs[0] and "libcmocka" not in installs[0]


def test_a_sudo_that_refuses_is_told(bare):
    done, _ = bare(sudo="echo sorry, you may not >&2; exit 1")
    assert done.returncode == 1 and "sorry, you may not" in done.stderr


def test_stale_package_lists_are_fetched_once_and_the_install_tried_again(bare, tmp_path):
    fetched = tmp_path / "fetched"
    done, calls = bare(uid=0, **{"apt-get": f"case \"$1\" in update) : >{fetched} ;; *) [ -e {fetched} ] ;; esac"})
    assert done.returncode == 0, done.stderr
    assert [c.split()[1] for c in calls if c.startswith("apt-get")] == ["install", "update", "install"]


def test_what_apt_says_is_shown_when_it_fails(bare):
    done, _ = bare(uid=0, **{"apt-get": "echo E: no such package >&2; exit 100"})
    assert done.returncode == 1
    assert "E: no such package" in done.stderr and "Debian 12" in done.stderr


def test_print_installs_nothing(bare):
    done, calls = bare("--print")
    assert done.returncode == 1 and "libbpf-dev" in done.stdout.splitlines()
    assert not any(c.startswith("apt-get") for c in calls)
