# SPDX-License-Identifier: Apache-2.0
"""The exporter and a model server that answers, lies, falls silent or is not there."""

import itertools
import json

import pytest
from lab import ROOTS, Exporter, free_port, wait_until
from model_server_double import (
    ModelServer, another_machine, covers, failing, falling, garbage, gives, linear, negative, pairs, recorded,
    reset, same_request, slow,
)

IDLE, BUSY = 3.0, 4.0  # watts that this machine may draw: the model is linear(IDLE, BUSY)


def meter(metrics, zone="package"):
    return metrics.labels("kepler_node_cpu_power_meter", zone=zone)


def source_is(name):
    return lambda m: m.has("kepler_node_cpu_power_meter", zone="package", source=name)


def exporter(tmp_path, url, *args):
    """On a machine without a sensor and a table row (tier E) it takes the server's models by itself."""
    cache = tmp_path / "cache"
    return Exporter(
        tmp_path, f"--root={ROOTS / 'this-machine'}", "--monitor.interval=250ms", f"--power.model-server={url}", *args,
        config=f"power:\n  modelServer:\n    cacheDir: {cache}\n",
    )


def test_the_double_gives_what_was_recorded():
    """Each recorded request matches its own reply, or one that is the same."""
    for p in pairs():
        if p["request"]["method"] != "POST":
            continue
        first = next(q for q in pairs() if "json" in q["request"] and same_request(p["request"]["json"], q["request"]["json"]))
        assert first["response"]["body"] == p["response"]["body"]
    assert covers({"cores": 4}, {"cores": 4, "frequency": 3600}) and not covers({"cores": 5}, {"cores": 4})


def test_a_server_gives_the_watts(tmp_path):
    with ModelServer() as server:
        server.fault = gives(linear(IDLE, BUSY))
        with exporter(tmp_path, server.url) as e:
            m = e.wait_for(source_is("model-server"), 30, "the model server's watts")
            labels = meter(m)
            assert labels["quality"] == "estimated" and "SGDRegressorTrainer_7" in labels["model"]
            m = e.after(4)
            watts, u = m.one("kepler_node_cpu_watts", zone="package"), m.one("kepler_node_cpu_usage_ratio")
            assert watts == pytest.approx(IDLE + BUSY * u, rel=0.02)
            assert m.conservation_error("package") <= 0.001
        asked = server.requests[0]
        assert asked["metrics"] == ["bpf_cpu_time_ms", "bpf_page_cache_hit"]
        assert asked["machine_spec"]["cores"] == 2


@pytest.mark.plain_build  # half a minute of waiting; under the sanitizers tests/unit/model_server_test.c asks again
def test_a_server_that_starts_later_is_taken_and_one_that_goes_leaves_its_model(tmp_path):
    """The embedded estimate at once, the server's when it answers (asked again after 30 s), and no gap ever."""
    port = free_port()
    with exporter(tmp_path, f"http://127.0.0.1:{port}") as e:
        m = e.metrics()
        assert meter(m)["source"] == "model"
        seen = [m.one("kepler_node_cpu_joules_total", zone="package")]

        def arrived(metrics):
            seen.append(metrics.one("kepler_node_cpu_joules_total", zone="package"))
            return source_is("model-server")(metrics)

        server = ModelServer(port)
        server.fault = gives(linear(IDLE, BUSY))
        with server:
            e.wait_for(arrived, 60, "the model server's watts")
        seen.append(e.after(4).one("kepler_node_cpu_joules_total", zone="package"))
        assert meter(e.metrics())["source"] == "model-server", "its model stays while it is down"
        assert all(a <= b for a, b in itertools.pairwise(seen))
        assert "model server http://127.0.0.1" in e.log()


def test_the_model_of_the_last_run_is_used_while_the_server_is_down(tmp_path):
    with ModelServer() as server:
        server.fault = gives(linear(IDLE, BUSY))
        with exporter(tmp_path, server.url) as e:
            e.wait_for(source_is("model-server"), 30, "the model server's watts")
    (kept,) = (tmp_path / "cache").glob("model-*.json")
    assert json.loads(kept.read_text())["reply"]["model_name"] == "SGDRegressorTrainer_7"
    with exporter(tmp_path, server.url) as e:
        e.wait_for(source_is("model-server"), 30, "the kept model's watts")
        assert "the model of 0.0 h ago" in e.log()
    kept.write_text("{")
    with exporter(tmp_path, server.url) as e:
        wait_until(lambda: "the kept model is ignored" in e.log(), 20, e.log)
        assert meter(e.after(2))["source"] == "model"


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (None, "answered 400 (cannot find model for"),
        (failing, "answered 500 (500 Internal Server Error)"),
        (garbage, "line 1, column"),
        (reset, "Connection reset"),
        (slow(3), "timed out"),
        (falling, "P(1.00) = 150.0 W"),
        (negative, "P(0) = -5.0 W"),
        (another_machine, "another machine, intel_xeon_platinum_8259cl"),
        (gives(recorded("nodetype2-abspower-rapl-sgd")["response"]["body"]), "about 96 CPUs"),
    ],
    ids=["400", "500", "garbage", "reset", "slow", "falling", "negative", "another machine", "another size"],
)
def test_what_cannot_be_used_is_said_and_the_estimate_stays(tmp_path, fault, says):
    with ModelServer() as server:
        server.fault = fault
        if fault is falling:
            server.fault, says = gives(linear(IDLE + BUSY, -BUSY)), "it falls with the load"
        with exporter(tmp_path, server.url) as e:
            wait_until(lambda: says in e.log(), 20, lambda: f"{says} in\n{e.log()}")
            m = e.after(2)
            assert meter(m)["source"] == "model"
            assert m.one("kepler_node_cpu_watts", zone="package") > 0
            assert e.log().count(says) <= 2, "said once by the client, once by the chain, not each time"


def test_automatically_it_is_better_than_the_weakest_estimate_only(tmp_path):
    with ModelServer() as server:
        server.fault = gives(linear(IDLE, BUSY))
        with exporter(tmp_path, server.url) as e:
            e.wait_for(source_is("model-server"), 30, "the model server's watts")
