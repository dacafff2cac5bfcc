#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plays energy counters into files of a dump, in step with the clock, until its input ends.

Each line of the input is a JSON object: {"path": FILE, "start": COUNT, "per_second": COUNTS,
"modulus": N or 0, "hex": bool, "renewed_each": SECONDS or 0} sets a counter up; {"path": FILE, "text": TEXT} puts a text there and
leaves it; {"path": FILE, "gone": true} takes the file away; {"rates": {FILE: COUNTS, ...}} gives counters
another pace from this moment on; {"run": true} starts all counters at one moment (those set up later start
at once); {"hold": true} stops them and answers with the seconds that they ran. Before that a counter goes on by
a count each millisecond, as one that never moves is no counter. A reader never sees half a file.
"""
import contextlib
import json
import os
import select
import sys
import time

PERIOD = 0.001


class Counter:
    def __init__(self, order):
        self.path, self.per_second, self.base = order["path"], order["per_second"], order["start"]
        self.modulus, self.hex = order.get("modulus", 0), order.get("hex", False)
        self.renewed_each = order.get("renewed_each", 0)
        self.began = None

    def count(self, now):
        if not self.began:
            self.base += 1
            return self.base
        seconds = now - self.began
        if self.renewed_each:
            seconds -= seconds % self.renewed_each
        return self.base + self.per_second * seconds

    def go_on(self, per_second, now):
        self.base, self.per_second = self.count(now), per_second
        self.began = now if self.began else None

    def put(self, now):
        value = int(self.count(now))
        if self.modulus:
            value %= self.modulus
        put(self.path, f"0x{value:x}\n" if self.hex else f"{value}\n")


def put(path, text):
    part = path + ".part"
    with open(part, "w") as f:
        f.write(text)
    os.replace(part, path)


class Stage:
    def __init__(self):
        self.counters = {}
        self.running_since = None

    def obey(self, order, now):
        """The answer."""
        if "run" in order:
            self.running_since = now
            for counter in self.counters.values():
                counter.began = now
        elif "hold" in order:
            self.play(now)
            self.counters.clear()
            return now - self.running_since
        elif "rates" in order:
            for path, per_second in order["rates"].items():
                self.counters[path].go_on(per_second, now)
        else:
            self.set_up(order, now)
        return "ok"

    def set_up(self, order, now):
        path = order["path"]
        self.counters.pop(path, None)
        if order.get("gone"):
            os.unlink(path)
        elif "text" in order:
            put(path, order["text"])
        else:
            counter = self.counters[path] = Counter(order)
            counter.began = now if self.running_since else None
            counter.put(now)

    def play(self, now):
        for counter in self.counters.values():
            counter.put(now)


def keep_time():
    """A counter does not stand still because the machine is busy: this goes before all others, where it may."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(os.sched_get_priority_min(os.SCHED_FIFO)))
    except PermissionError:
        with contextlib.suppress(PermissionError):
            os.nice(-15)


def main():
    keep_time()
    stage = Stage()
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], PERIOD)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        if ready:
            more = os.read(0, 65536)
            if not more:
                return
            *lines, pending = (pending + more).split(b"\n")
            for line in lines:
                print(json.dumps(stage.obey(json.loads(line), now)), flush=True)
        stage.play(now)


if __name__ == "__main__":
    sys.exit(main())
