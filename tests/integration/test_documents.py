# SPDX-License-Identifier: Apache-2.0
"""What the documents say is true: commands run, links lead somewhere."""

import os
import re
import subprocess

import pytest

import lab

DOCUMENTS = sorted(p for p in [*lab.TOP.glob("*.md"), *(lab.TOP / "docs").rglob("*.md")])
# What this very check would start again.
NOT_RUN = ("scripts/check.sh",)


def blocks(path):
    return re.findall(r"^```sh\n(.*?)^```$", path.read_text(), re.M | re.S)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(lab.TOP)))
def test_links_lead_somewhere(document):
    text = re.sub(r"```.*?```", "", document.read_text(), flags=re.S)
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)
    broken = [l for l in links if "://" not in l and not (document.parent / l).exists()]
    assert not broken


@pytest.fixture
def environment(tmp_path):
    """Commands of the documents keep their files here, and their exporter ends with the test."""
    env = dict(os.environ, KEPLER_RUN_DIR=str(tmp_path / "run"), XDG_STATE_HOME=str(tmp_path))
    env.pop("BUILD", None)
    env.pop("SAN", None)
    yield env
    subprocess.run([lab.TOP / "scripts/quickstart.sh", "--stop"], env=env, capture_output=True, timeout=60)


@pytest.mark.plain_build
def test_commands_of_the_readme_run(environment):
    found = blocks(lab.TOP / "README.md")
    assert len(found) >= 3
    for block in found:
        if block.strip().startswith(NOT_RUN):
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block], cwd=lab.TOP, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(lab.TOP)))
def test_flags_in_the_documents_exist(document):
    """`kepler-exporter --x` and `kepler-probe --y` anywhere in a document."""
    exporter = [lab.run(lab.EXPORTER, *verb, "--help").stdout for verb in ([], ["estimate"], ["calibrate"])]
    helps = {"kepler-exporter": "".join(exporter), "kepler-probe": lab.run(lab.PROBE, "--help").stdout}
    assert all(exporter) and all(helps.values())
    for program, rest in re.findall(r"(kepler-exporter|kepler-probe)\b((?:(?!kepler-)[^\n`|&])*)", document.read_text()):
        for flag in re.findall(r"(?<= )--([a-z][\w.-]*)", rest):
            assert re.search(rf"--(\[no-\])?{re.escape(flag)}\b", helps[program]) or flag == "help", f"{program} --{flag}"


def section(document, title):
    """From the title to the next one of its kind; the whole document without a title."""
    text = (lab.TOP / document).read_text()
    if not title:
        return text
    assert f"\n{title}\n" in text, f"{document}: {title}"
    return re.split(r"^## ", text.partition(f"\n{title}\n")[2], maxsplit=1, flags=re.M)[0]


@pytest.mark.parametrize(("program", "verb", "document", "title"), [
    (lab.PROBE, [], "docs/probe.md", None),
    (lab.EXPORTER, [], "docs/configuration.md", None),
    (lab.EXPORTER, ["estimate"], "docs/configuration.md", "## kepler-exporter estimate"),
    (lab.EXPORTER, ["calibrate"], "docs/configuration.md", "## kepler-exporter calibrate"),
], ids=["probe", "exporter", "estimate", "calibrate"])
def test_every_flag_is_documented(program, verb, document, title):
    shown = lab.run(program, *verb, "--help").stdout
    flags = re.findall(r"^ +--(?:\[no-\])?([a-z][\w.-]*)", shown, re.M)
    assert len(flags) >= 13
    text = section(document, title)
    missing = [f for f in flags if not re.search(rf"--{re.escape(f)}(?![\w.-]*\w)", text)]
    assert not missing, f"{document} {title or ''}: {missing}"


def test_metrics_in_the_documents_exist(exporter):
    known = (lab.TOP / "docs/metrics.md").read_text()
    for document in DOCUMENTS:
        for name in re.findall(r"\bkepler_[a-z_]+[a-z]\b", document.read_text()):
            assert re.search(rf"\b{name}", known), f"{document.name}: {name}"


def test_every_configuration_key_is_documented():
    text = (lab.TOP / "docs/configuration.md").read_text()
    rows = (lab.TOP / "exporter/config_keys.c").read_text()
    keys = re.findall(r"\b(?:ROW|LIST|PLAIN|IGNORED|BELOW)\(\"([^\"*]+?)\.?\*?\"", rows)
    assert len(keys) > 30
    for key in keys:
        head, _, last = key.rpartition(".")
        assert f"`{key}" in text or (f"`{head}.url`" in text and f"`.{last}`" in text) or any(
            key.startswith(whole) for whole in ("experimental", "kube.podInformer", "dev.fake-cpu-meter")), key
