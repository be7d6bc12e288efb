"""deploy/systemd/runnel.service, and what systemd hears of the service on a socket of the test."""

import os
import signal
import socket
import subprocess
import time

import pytest

from harness import http
from harness.raw_stream import RawStream, read_all
from harness.runnel import BINARY, ROOT
from harness.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.sanitized

UNIT = ROOT / "deploy/systemd/runnel.service"


class Manager:
    """The service manager's end of sd_notify."""

    def __init__(self, name):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        self._socket.settimeout(PATIENCE)
        self.env = {"NOTIFY_SOCKET": name}

    def next(self):
        """The next message, as a dict."""
        return dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())

    def until(self, name):
        """The next message that has the variable."""
        while True:
            message = self.next()
            if name in message:
                return message

    def has_more(self):
        self._socket.setblocking(False)
        try:
            return bool(self._socket.recv(4096))
        except BlockingIOError:
            return False

    def close(self):
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    it = Manager(str(tmp_path / "notify") if request.param == "path" else f"@runnel-test-{os.getpid()}")
    yield it
    it.close()


def new_service(new_runnel, manager, env=None, **sections):
    return new_runnel(env={**manager.env, **(env or {})}, sources={"api": {"type": "http"}},
                      routes=[{"source": "api", "topic": "t", "channel": "a"}], **sections)


def test_it_says_ready_when_it_serves_and_stopping_when_it_ends(new_runnel, manager):
    runnel = new_service(new_runnel, manager, stream={"drain": "300ms"})
    runnel.start_process()
    ready = manager.next()
    assert ready["READY"] == "1"
    assert ready["STATUS"] == f"Serving 127.0.0.1 port {runnel.port}, 1 sources, 1 routes"
    assert http.request(runnel.port, "/").status == 200, "at once, without another try"
    assert http.request(runnel.admin_port, "/healthz").status == 200
    stream = RawStream(runnel, "a")
    read_all([stream], lambda s: "runnel.live" in s.types())
    runnel.signal(signal.SIGTERM)
    stopping = manager.next()
    assert stopping["STOPPING"] == "1"
    assert int(stopping["EXTEND_TIMEOUT_USEC"]) > 300_000
    assert runnel.wait() == 0
    stream.close()


def test_a_reload_begins_and_ends(new_runnel, manager):
    runnel = new_service(new_runnel, manager).start()
    assert manager.next()["READY"] == "1"
    before = time.monotonic_ns() // 1000
    runnel.reload(routes=[{"source": "api", "topic": name, "channel": "a"} for name in ("t", "u")])
    reloading = manager.next()
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    while not manager.until("READY")["STATUS"].endswith("1 sources, 2 routes"):
        pass


def test_a_reload_that_fails_ends_too(new_runnel, manager):
    runnel = new_service(new_runnel, manager).start()
    manager.next()
    runnel.config_path.write_text("nonsense: true\n", encoding="utf-8")
    assert manager.until("RELOADING")["RELOADING"] == "1"
    ready = manager.until("READY")
    assert ready["STATUS"].endswith("1 sources, 1 routes")


def test_it_says_nothing_of_ready_where_it_cannot_serve(new_runnel, manager):
    runnel = new_service(new_runnel, manager)
    with socket.create_server(("127.0.0.1", runnel.port)):
        runnel.start_process()
        assert runnel.wait() == 1
    assert not manager.has_more()


def test_the_watchdog_is_fed(new_runnel, manager):
    new_service(new_runnel, manager, env={"WATCHDOG_USEC": "200000"}).start_process()
    for _ in range(3):
        assert manager.until("WATCHDOG") == {"WATCHDOG": "1"}


def test_a_manager_that_does_not_read_holds_nothing_up(new_runnel, manager):
    """Its socket has room for some ten messages; what comes then is waited for, but not for ever."""
    runnel = new_service(new_runnel, manager, env={"WATCHDOG_USEC": "20000"})
    runnel.start_process()
    wait_for(lambda: "event=notify.failed" in runnel.log(), "the socket to be full")
    assert runnel.reload()
    assert runnel.stop() == 0


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_the_unit_is_understood(tmp_path):
    unit = tmp_path / "runnel.service"
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/usr/bin/runnel", BINARY), encoding="utf-8")
    result = analyze("verify", "--man=no", unit)
    assert (result.returncode, result.stderr) == (0, "")


def test_the_unit_is_hardened():
    """systemd's own measure, from 0 (closed) to 100 (open); a network service cannot come much lower."""
    result = analyze("security", "--offline=true", "--threshold=15", "--no-pager", UNIT)
    assert result.returncode == 0, result.stdout + result.stderr
