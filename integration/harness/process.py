"""A child process: its output in a file, its signals, its end."""

import os
import signal
import subprocess

from .waiting import wait_for


def bound(argv, number="KILL"):
    """`argv` as a command that gets this signal when its parent ends, whatever happens to that."""
    return ["setpriv", "--pdeathsig", number, *map(str, argv)]


class Process:
    """Dies with the test session."""

    def __init__(self, argv, log_path, env=None, cwd=None):
        self.argv = [str(a) for a in argv]
        self.log_path = log_path
        self.env = env
        self.cwd = cwd
        self._child = None

    def start(self):
        assert not self.is_running()
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                bound(self.argv),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.cwd,
                env=None if self.env is None else {**os.environ, **self.env})
        return self

    @property
    def pid(self):
        return self._child.pid

    def is_running(self):
        return self._child is not None and self._child.poll() is None

    def signal(self, number):
        self._child.send_signal(number)

    def wait(self, patience=60):
        """Its exit status; negative is the signal that ended it."""
        return self._child.wait(patience)

    def stop(self):
        """SIGTERM, and its exit status."""
        if self.is_running():
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        """SIGKILL."""
        if self.is_running():
            self.signal(signal.SIGKILL)
        return self.wait()

    def pause(self):
        """SIGSTOP: alive, its sockets open, and silent. Returns when it has really stopped."""
        self.signal(signal.SIGSTOP)
        wait_for(lambda: self._state() == "T", "the process to stop")

    def resume(self):
        self.signal(signal.SIGCONT)

    def end(self):
        """For teardown: away with it, in whatever state it is."""
        if self._child is not None and self.is_running():
            self.resume()
            self.kill()

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode("utf-8", "replace")

    def _state(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def private_kib(self):
        """Its anonymous memory that is resident, in KiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            lines = dict(line.split(":", 1) for line in status if ":" in line)
        return int(lines["RssAnon"].split()[0])
