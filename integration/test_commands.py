"""The commands that end by themselves, and serve without a file."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time

import pytest

from eventstream import EventStream
from harness.ports import accepts, free_port
from harness.process import Process
from harness.runnel import BINARY, ROOT, run_command
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized

COMMANDS = ["serve", "check", "routes", "tail", "health"]

CONFIG = {
    "sources": {"shop": {"type": "redis", "url": "redis://127.0.0.1:1"}, "api": {"type": "http"}},
    "routes": [
        {"source": "shop", "topic": "orders.{shop}.{what}", "channel": "orders/{shop}", "event": "{json:/type}",
         "when": [{"json": "/total", "gt": 10}]},
        {"source": "shop", "topic": "orders.*", "channel": "all", "event": "{topic}"},
        {"source": "api", "topic": "x", "channel": "x"},
    ],
}


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "runnel.yaml"
    path.write_text(json.dumps(CONFIG))
    return path


@pytest.mark.parametrize("words", [
    ["--help"], ["-h"], ["help"], *([command, option] for command in COMMANDS for option in ("--help", "-h"))])
def test_help_goes_to_stdout(words):
    result = run_command(*words)
    assert (result.returncode, result.stderr) == (0, "")
    assert "runnel" in result.stdout


def test_help_names_every_command():
    text = run_command("--help").stdout
    assert all(f"runnel {command} " in text for command in COMMANDS)


def test_version():
    result = run_command("--version")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("runnel ") and result.stdout.count("\n") == 1


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["--nonsense"], [""], ["serve", "-c"], ["serve", "x"], ["serve", "-c", "a", "b"], ["check"],
    ["check", "-c"], ["check", "a"], ["routes"], ["routes", "-c", "a"], ["routes", "-c", "a", "b"], ["tail"],
    ["tail", "a", "b"], ["tail", "ftp://127.0.0.1/"], ["tail", "--last-event-id"],
    ["health", "a", "b"], ["health", "https://127.0.0.1/"], ["health", "8081"],
])
def test_wrong_usage_is_2_and_goes_to_stderr(words):
    result = run_command(*words)
    assert (result.returncode, result.stdout) == (2, ""), result
    assert result.stderr


@pytest.mark.parametrize(("words", "problem"), [
    ([], "which file? -c FILE"), (["x.yaml"], "-c FILE first, not x.yaml"), (["-c"], "which file behind -c"),
    (["-c", "x.yaml", "y.yaml"], "one file only, not also y.yaml")])
def test_check_names_the_wrong_word(words, problem):
    lines = run_command("check", *words).stderr.splitlines()
    assert lines[:2] == [f"runnel check: {problem}", "usage: runnel check -c FILE"]


def test_check(config):
    result = run_command("check", "-c", config)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{config}: ok, 2 sources, 3 routes\n"


@pytest.mark.parametrize("name", ["quickstart.yaml", "example.yaml"])
def test_the_configs_that_we_ship_are_good(name):
    result = run_command("check", "-c", ROOT / "config" / name)
    assert result.returncode == 0, result.stderr


def routes(config, *words, stdin=None):
    """The exit status and what is printed, with its comments apart: as the stream that it is."""
    result = subprocess.run([BINARY, "routes", "-c", config, *words], input=stdin, capture_output=True, check=False)
    comments = [line[1:].strip().decode() for line in result.stdout.splitlines() if line.startswith(b":")]
    events = EventStream().feed(result.stdout)
    return result, [(event.type, event.data) for event in events], comments


def test_routes_shows_events_as_a_browser_gets_them(config):
    payload = '{"type": "paid",\n"total": 11}'
    result, events, comments = routes(config, "shop", "orders.north.paid", payload)
    assert (result.returncode, result.stderr) == (0, b"")
    assert events == [("paid", payload), ("orders.north.paid", payload)]
    assert "-> channel orders/north" in comments[0] and "-> channel all" in comments[1]


def test_routes_says_why_a_route_makes_no_event(config):
    result, events, comments = routes(config, "shop", "orders.north.paid", '{"total": 1}')
    assert result.returncode == 0
    assert events == [("orders.north.paid", '{"total": 1}')]
    assert any("when" in comment for comment in comments)


def test_routes_without_any_event_is_1(config):
    result, events, comments = routes(config, "shop", "nobody", "x")
    assert (result.returncode, events) == (1, [])
    assert len(comments) == 1


def test_routes_reads_a_payload_from_stdin(config):
    result, events, _ = routes(config, "api", "x", "-", stdin="žluť\n".encode())
    assert result.returncode == 0
    assert events == [("message", "žluť\n")]


def test_routes_of_an_unknown_source(config):
    result, events, _ = routes(config, "shopp", "x")
    assert result.returncode != 0 and not events
    assert b"shop" in result.stderr


def test_output_that_nobody_takes_is_a_failure(config):
    with open("/dev/full", "wb") as full:
        for words in (["check", "-c", config], ["routes", "-c", config, "api", "x", "y"], ["--help"], ["--version"]):
            result = subprocess.run([BINARY, *words], stdout=full, stderr=subprocess.DEVNULL, check=False)
            assert result.returncode == 1, words


def test_tail(new_runnel, tmp_path):
    """Prints what comes, comes back after a restart, and ends with what it was asked for."""
    runnel = new_runnel(sources={"api": {"type": "http"}}, stream={"retry": "10ms"},
                        routes=[{"source": "api", "topic": "{c}", "channel": "{c}", "event": "note"}]).start()
    tail = Process([BINARY, "tail", "--count", "3", f"http://127.0.0.1:{runnel.port}/events/a"], tmp_path / "tail.log")
    tail.start()
    try:
        wait_for(lambda: "runnel.live" in tail.log(), lambda: tail.log())
        runnel.publish("a", "one\ntwo")
        wait_for(lambda: "two" in tail.log(), lambda: tail.log())
        assert runnel.stop() == 0
        runnel.start()
        wait_for(lambda: tail.log().count("runnel.live") == 2, lambda: tail.log())
        runnel.publish("a", "three")
        runnel.publish("a", "four")
        assert tail.wait() == 0
    finally:
        tail.end()
    words = [line.split("\t")[1:] for line in tail.log().splitlines() if "\tnote\t" in line]
    assert words == [["note", "one"], ["note", "two"], ["note", "three"], ["note", "four"]]


def test_health(new_runnel, new_redis):
    """Its exit status is the answer's: the process, what it serves, what is down."""
    log = new_redis().start()
    runnel = new_runnel(replay={"store": "redis"} | log.broker()).start()

    def health(path):
        result = run_command("health", f"http://127.0.0.1:{runnel.admin_port}{path}")
        return result.returncode, result.stdout

    assert [health(path) for path in ("/healthz", "/servez", "/readyz")] == [
        (0, "ok\n"), (0, "serving\n"), (0, "ready\nok replay log\n")]
    log.stop()
    runnel.await_down("replay log")
    assert health("/healthz") == (0, "ok\n")
    assert health("/servez") == (0, "serving\n"), "clients that come now are kept until the log is back"
    status, said = health("/readyz")
    assert status == 1 and "down replay log: " in said


def drip(peer, _):
    peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        peer.sendall(b".")
        peer.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            peer.recv(65536)


@pytest.mark.parametrize("script, why", [
    (None, "refused"),
    (lambda peer, _: peer.recv(1), "no answer|ended early"),
    (lambda peer, _: peer.recv(65536) and peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), "early"),
    (lambda peer, _: peer.recv(65536) and peer.sendall(b"220 mail.example ESMTP\r\n\r\n"), "."),
    (lambda peer, _: peer.recv(65536) and peer.recv(1), "no answer"),
    (drip, "does not end"),
], ids=["nobody", "reset", "half an answer", "no HTTP", "silence", "no end"])
def test_health_of_what_does_not_answer(scripted, script, why):
    port = scripted(script).port if script else free_port()
    result = run_command("health", f"http://127.0.0.1:{port}/healthz")
    assert result.returncode == 1
    assert re.search(rf"^runnel health: http://127\.0\.0\.1:{port}/healthz: .*({why})", result.stderr), result.stderr


@pytest.mark.skipif(accepts(8080) or accepts(8081), reason="the default ports are in use on this machine")
def test_serve_without_a_config(tmp_path):
    """A memory log and an http source on loopback: something to try at once."""
    runnel = Process([BINARY, "serve"], tmp_path / "runnel.log")
    runnel.start()
    try:
        wait_for(lambda: "serve.started" in runnel.log(), lambda: runnel.log())
        posted = subprocess.run(["curl", "-sf", "-d", "hello", "http://127.0.0.1:8081/publish/demo"],
                                capture_output=True, check=True)
        assert posted.stdout.strip() == b'{"events":1}'
        stream = subprocess.run(["curl", "-sN", "--max-time", "1", "http://127.0.0.1:8080/events/demo?last=1"],
                                capture_output=True, check=False)
        assert b"\ndata: hello\n" in stream.stdout
        metrics = subprocess.run(["curl", "-sf", "http://127.0.0.1:8081/metrics"], capture_output=True, check=True)
        assert b"\nrunnel_config_last_reload_successful 1\n" in metrics.stdout
        taken_over = re.search(rb"\nrunnel_config_last_reload_success_timestamp_seconds (\d+)\n", metrics.stdout)
        assert 0 <= time.time() - int(taken_over.group(1)) < 60
        runnel.signal(signal.SIGINT)
        assert runnel.wait() == 0
    finally:
        runnel.end()


def test_nothing_is_written_where_it_runs(config, tmp_path):
    place = tmp_path / "empty"
    place.mkdir()
    subprocess.run([BINARY, "check", "-c", config], cwd=place, capture_output=True, check=True)
    assert os.listdir(place) == []
