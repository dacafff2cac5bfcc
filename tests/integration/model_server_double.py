# SPDX-License-Identifier: Apache-2.0
"""A kepler-model-server that gives the recorded replies (tests/data/model-server), and on request the faults
that a real one has been seen with.

A request matches a recorded one if both ask the same but for what is not said of the machine: the real server
takes a missing attribute of machine_spec for "any". What matches none gets the 400 of the real one."""

import json
import pathlib
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SO_LINGER, SOL_SOCKET
from urllib.parse import urlsplit

DATA = pathlib.Path(__file__).resolve().parents[1] / "data" / "model-server"
TEXT = "text/html; charset=utf-8"


def recorded(name):
    return json.loads((DATA / f"{name}.json").read_text())


def pairs():
    return [json.loads(p.read_text()) for p in sorted(DATA.glob("*.json"))]


def covers(asked, known):
    """Whether @known is what a machine that says @asked of itself may be."""
    if asked is None or known is None:
        return asked == known
    return all(known.get(k) == v for k, v in asked.items())


def same_request(asked, known):
    rest = lambda r: {k: v for k, v in r.items() if k != "machine_spec"}  # noqa: E731
    return rest(asked) == rest(known) and covers(asked.get("machine_spec"), known.get("machine_spec"))


def linear(bias, weight, **more):
    """A reply of the real one's shape with one component; scale is that of the asking machine's CPUs."""

    def reply(asked):
        spec = asked.get("machine_spec", {})
        component = {
            "All_Weights": {
                "Bias_Weight": bias,
                "Categorical_Variables": {},
                "Numerical_Variables": {
                    "bpf_cpu_time_ms": {"scale": 1000.0 * spec.get("cores", 1), "weight": weight},
                    "bpf_page_cache_hit": {"scale": 1.0, "weight": 0.0},
                },
            }
        }
        own = {f"NodeAttribute.{k.upper()}": v for k, v in spec.items()}
        return {"package": component, "machine_spec": own, "mae": 1.0, "model_name": "SGDRegressorTrainer_7", **more}

    return reply


class ModelServer:
    """Context manager on a loopback port. `fault` is looked at for each request: None, or a function of
    (handler, asked) that answers in its own way; `requests` is what was asked so far."""

    def __init__(self, port=0):
        self.fault = None
        self.requests = []
        double = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                url = urlsplit(self.path)
                for p in pairs():
                    r = p["request"]
                    if r["method"] == "GET" and urlsplit(r["path"]) == url:
                        return self.answer(p["response"]["status"], p["response"]["body"])
                self.answer(404, "<title>404 Not Found</title>", TEXT)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path != "/model":
                    return self.answer(404, "<!doctype html>\n<title>404 Not Found</title>\n", TEXT)
                asked = json.loads(body)
                double.requests.append(asked)
                (double.fault or recording)(self, asked)

            def answer(self, status, body, kind=None):
                text = body if isinstance(body, str) else json.dumps(body)
                kind = kind or (TEXT if isinstance(body, str) else "application/json")
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_):  # the client may have gone
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def recording(handler, asked):
    for p in pairs():
        if p["request"]["method"] == "POST" and same_request(asked, p["request"]["json"]):
            return handler.answer(p["response"]["status"], p["response"]["body"])
    handler.answer(400, f"cannot find model for {asked} at the moment")


# -- faults --


def gives(reply):
    """@reply: a value, or a function of the request."""
    return lambda handler, asked: handler.answer(200, reply(asked) if callable(reply) else reply)


def slow(seconds=3.0, then=recording):
    def fault(handler, asked):
        time.sleep(seconds)
        then(handler, asked)

    return fault


def garbage(handler, _):
    handler.answer(200, '{"package": {"All_Weights": ', "application/json")


def failing(handler, _):
    pair = recorded("model-bad-output-type")
    handler.answer(pair["response"]["status"], pair["response"]["body"])


def reset(handler, _):
    handler.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


falling = gives(linear(200.0, -50.0))
negative = gives(linear(-5.0, 300.0))


def another_machine(handler, asked):
    reply = linear(150.0, 290.0)(asked)
    reply["machine_spec"]["NodeAttribute.PROCESSOR"] = "intel_xeon_platinum_8259cl"
    handler.answer(200, reply)
