"""deploy/quickstart: one command to something to look at, and nothing left of it afterwards."""

import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from eventstream import EventSource
from harness import http
from harness.runnel import BINARY, ROOT
from harness.started import started
from harness.waiting import PATIENCE, wait_for


class Quickstart:
    """Runs it with a temporary folder of its own, so that what is left of it can be seen."""

    def __init__(self, folder, **env):
        self.folder = folder
        self.output = ""
        self._child = subprocess.Popen(
            [ROOT / "deploy/quickstart"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, start_new_session=True, env=os.environ | {"TMPDIR": str(folder), "RUNNEL_BIN": BINARY} | env)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self._child.stdout:
            self.output += line

    def find(self, pattern):
        """Waits for a line of its output; returns the match."""
        def found():
            match = re.search(pattern, self.output)
            assert match or self._child.poll() is None, self.output
            return match
        return wait_for(found, lambda: self.output, 10 * PATIENCE)

    def processes(self):
        """Every process that has its temporary folder in its environment, or works in it (Redis overwrites that)."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as environ:
                    variables = environ.read().split(b"\0")
                folder = os.readlink(f"/proc/{pid}/cwd")
            except OSError:
                continue
            if f"TMPDIR={self.folder}".encode() in variables or folder.startswith(str(self.folder)):
                found.append(int(pid))
        return found

    def stop(self, number):
        self._child.send_signal(number)
        status = self._child.wait(PATIENCE)
        self._thread.join()
        return status

    def end(self):
        if self._child.poll() is None:
            self.stop(signal.SIGTERM)
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self._child.stdout.close()


@pytest.fixture
def new_quickstart(tmp_path):
    yield from started(Quickstart, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_leaves_nothing(new_quickstart, number):
    quickstart = new_quickstart()
    port = int(quickstart.find(r"Page: +http://127\.0\.0\.1:(\d+)/\?channel=\S+\n")[1])
    url = quickstart.find(r'curl -N "(\S+)"')[1]
    page = http.request(port, "/")
    assert page.status == 200 and "<title>runnel" in page.text
    with EventSource(url) as stream:
        for channel in re.findall(r"channel=([^&]+)", url):
            with EventSource(f"http://127.0.0.1:{port}/events/{channel}") as one:
                one.wait(lambda s: s.messages, PATIENCE)
        stream.wait(lambda s: len(s.messages) >= 2, PATIENCE)
    assert len(quickstart.processes()) == 6, "itself, two brokers, runnel, two publishers"
    assert quickstart.stop(number) == 0, quickstart.output
    assert quickstart.processes() == []
    assert list(quickstart.folder.iterdir()) == [], "its files are gone"
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_arguments_are_refused(tmp_path):
    """Who asks for --help is not surprised by servers."""
    result = subprocess.run([ROOT / "deploy/quickstart", "--help"], cwd=tmp_path, capture_output=True, text=True,
                            timeout=PATIENCE)
    assert result.returncode == 1 and "takes no arguments" in result.stderr and result.stdout == ""


def test_ports_that_are_taken(new_quickstart):
    """8080 and 8081 are preferred, not needed. Who has them is left alone."""
    taken = []
    for port in (8080, 8081):
        holder = socket.socket()
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", port))
            holder.listen()
        except OSError:
            pass  # somebody else has it, which is as good
        taken.append(holder)
    try:
        port = int(new_quickstart().find(r"Page: +http://127\.0\.0\.1:(\d+)/\?channel=\S+\n")[1])
        assert port not in (8080, 8081)
        assert http.request(port, "/").status == 200
    finally:
        for holder in taken:
            holder.close()


def test_a_runnel_that_does_not_start_is_told(new_quickstart):
    quickstart = new_quickstart(RUNNEL_BIN="/bin/false")
    assert quickstart.find("quickstart: runnel ended unexpectedly")
    assert wait_for(lambda: quickstart.processes() == [], "its end")
    assert list(quickstart.folder.iterdir()) == []
