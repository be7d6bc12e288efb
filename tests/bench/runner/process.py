"""Child processes on a core of their own, and what the kernel says about them."""

import json
import os
import pathlib
import queue
import signal
import subprocess
import threading
import time

from harness.process import bound

TICKS = os.sysconf("SC_CLK_TCK")
SERVER_CORE, CLIENT_CORE = 0, 1
READ_EVERY_S = 0.1


class Failure(Exception):
    """A job that cannot be measured, and why."""


class Process:
    """Its lines of output come by line(); dies with this process."""

    def __init__(self, argv, core, log_path=None):
        self.argv = [str(a) for a in argv]
        self.lines = queue.SimpleQueue()
        self._errors = open(log_path, "ab") if log_path else None  # pylint: disable=consider-using-with
        pinned = [] if core is None else ["taskset", "-c", str(core % os.cpu_count())]
        self._child = subprocess.Popen(  # pylint: disable=consider-using-with
            bound([*pinned, *self.argv]), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._errors or subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._child.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    @property
    def pid(self):
        return self._child.pid

    def line(self, patience=60):
        """The next line of its output."""
        try:
            line = self.lines.get(timeout=patience)
        except queue.Empty:
            raise Failure(f"{self.argv[0]}: nothing within {patience} s") from None
        if line is None:
            self.wait()
            raise Failure(f"{self.argv[0]} ended: {self.errors()}")
        return line

    def expect(self, word, patience=60):
        line = self.line(patience)
        if line != word:
            raise Failure(f"{self.argv[0]}: {line!r} where {word!r} was expected")

    def json(self, patience=60):
        return json.loads(self.line(patience))

    def say(self, line):
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()

    def signal(self, number):
        self._child.send_signal(number)

    def is_running(self):
        return self._child.poll() is None

    def wait(self, patience=60):
        return self._child.wait(patience)

    def errors(self):
        if self._errors:
            return pathlib.Path(self._errors.name).read_text("utf-8", "replace")[-600:]
        return self._child.stderr.read()[-600:] if not self.is_running() else ""

    def end(self):
        if self.is_running():
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(2)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        self._reader.join(5)
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr, self._errors):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass


def children(pid):
    """The pids of its direct children."""
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(p) for p in text.split()]


class Cpu:
    """CPU time in seconds: all of it exactly, and the user's part of it by the kernel's ticks."""

    def __init__(self, total=0.0, user=0.0):
        self.total = total
        self.user = user

    @classmethod
    def of(cls, pids):
        total = user = 0.0
        for pid in pids:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text("ascii").split()[0]) / 1e9
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
            user += int(fields[11]) / TICKS
        return cls(total, user)

    def __sub__(self, other):
        return Cpu(self.total - other.total, self.user - other.user)


def machine_busy_s():
    """CPU time of the whole machine, with what the kernel does for nobody (ksoftirqd), in seconds."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _iowait, irq, softirq, steal = (int(f) for f in stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS


def pss_kib(pids):
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def wait_for(condition, what, patience=30):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"waited {patience} s for {what}")
        time.sleep(0.02)


def settled(read, what, patience=30):
    """What `read` gives as soon as it gives the same twice in a row."""
    end = time.monotonic() + patience
    before, now = None, read()
    while now != before:
        if time.monotonic() > end:
            raise Failure(f"waited {patience} s for {what} to settle")
        time.sleep(READ_EVERY_S)
        before, now = now, read()
    return now
