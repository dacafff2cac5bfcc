# SPDX-License-Identifier: Apache-2.0
"""Prometheus itself reads the metrics."""

import json
import pathlib
import shutil
import subprocess
import time
import urllib.request

import pytest

import lab


def tool(name):
    found = shutil.which(name) or shutil.which(name, path=str(lab.TOP / ".cache/prometheus/usr/bin"))
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def test_promtool_finds_nothing_to_say(exporter):
    text = exporter().metrics().text
    done = subprocess.run([tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_prometheus_scrapes_and_answers_queries(exporter, tmp_path):
    program = tool("prometheus")
    e = exporter("--monitor.interval=500ms")
    port = lab.free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: kepler, static_configs: [{{targets: ['127.0.0.1:{e.port}']}}]}}]\n"
    )
    with open(tmp_path / "prometheus.log", "wb") as log:
        server = subprocess.Popen(
            [program, f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log,
            stderr=log,
        )

    def ask(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as r:
                return json.load(r)["data"]
        except OSError:
            return None

    def value(query):
        data = ask("query?query=" + query)
        return float(data["result"][0]["value"][1]) if data and data["result"] else None

    try:
        count = lab.wait_until(
            lambda: (value("count_over_time(up[1m])") or 0) >= 3, 40, lambda: (tmp_path / "prometheus.log").read_text()[-2000:]
        )
        assert count
        assert value("min_over_time(up[1m])") == 1
        assert value("sum(kepler_node_cpu_watts{zone=%22package%22})") > 0
        assert value("count(kepler_process_cpu_joules_total)") > 1
        target = ask("targets")["activeTargets"][0]
        assert target["health"] == "up" and target["lastError"] == ""
    finally:
        server.terminate()
        server.wait(20)
