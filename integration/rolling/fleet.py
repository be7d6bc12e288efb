"""Thousands of EventSources: tests/bench/fleet.c as a child process."""

import json
import pathlib
import subprocess
import threading

from harness.process import bound
from harness.runnel import BINARY
from harness.waiting import PATIENCE, wait_for

PROGRAM = pathlib.Path(BINARY).resolve().parents[2] / "tests/bench/bench_fleet"


class Fleet:
    """`sequences`: each client i has channel <sequence>/<i modulo channels> of each."""

    def __init__(self, port, clients, channels, sequences, timeout_s=PATIENCE):
        self.clients = clients
        self.samples = []  # one a second, from ready on
        self._is_ready = threading.Event()
        self._result = None
        self.status = None
        argv = [PROGRAM, "--port", port, "--clients", clients, "--channels", channels, "--timeout",
                int(timeout_s)]
        for name in sequences:
            argv += ["--sequence", name]
        self._child = subprocess.Popen(bound(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            if line == "ready\n":
                self._is_ready.set()
            elif "second" in (value := json.loads(line)):
                self.samples.append(value)
            else:
                self._result = value

    def await_ready(self):
        assert self._is_ready.wait(PATIENCE), "the clients are not live"

    @property
    def second(self):
        return len(self.samples)

    def await_whole(self):
        """In a second to come every client has a stream."""
        begin = self.second
        wait_for(lambda: any(sample["open"] == self.clients for sample in self.samples[begin:]),
                 lambda: f"all clients to be back: {self.samples[-3:]}")

    def finish(self, last):
        """Every sequence ends with number `last`; what the clients have to say when they have had it."""
        self._child.stdin.write(f"end {last}\n")
        self._child.stdin.flush()
        self._reader.join()
        self.status = self._child.wait()
        assert self._result, "the fleet broke"
        return self._result

    def close(self):
        self._child.kill()
        self._child.wait()
        self._reader.join()
        self._child.stdin.close()
        self._child.stdout.close()
