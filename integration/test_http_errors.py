"""The public port refuses what it must with a status that helps, and a short text that says why."""

import re
import socket

import pytest

from harness.http import parse_answer, raw, read_to_end
from harness.raw_stream import RawStream
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized


@pytest.fixture
def runnel(new_runnel):
    return new_runnel(sources={"api": {"type": "http"}}, routes=[
        {"source": "api", "topic": "t", "channel": "a"}], http={"head_bytes": "4K"}).start()


def get(target, *lines, version="1.1", method="GET", host="Host: x"):
    head = [f"{method} {target} HTTP/{version}", *([host] if host else []), *lines, "", ""]
    return "\r\n".join(head).encode("latin-1")


REFUSED = {
    "unknown path": (get("/nothing"), 404),
    "events without a channel": (get("/events"), 400),
    "events with an empty channel": (get("/events?channel="), 400),
    "an unknown path below events' name": (get("/eventsource"), 404),
    "POST": (get("/events/a", "Content-Length: 0", method="POST"), 405),
    "DELETE": (get("/", method="DELETE"), 405),
    "not acceptable": (get("/events/a", "Accept: application/json"), 406),
    "event streams of weight 0": (get("/events/a", "Accept: text/event-stream;q=0"), 406),
    "HTTP/2 in words": (get("/events/a", version="2.0"), 505),
    "HTTP/0.9": (b"GET /events/a\r\n\r\n", 400),
    "no host": (get("/events/a", host=None), 400),
    "two hosts": (get("/events/a", "Host: y"), 400),
    "blank before the colon": (get("/events/a", "Name : x"), 400),
    "folded line": (get("/events/a", "Name: x", " more"), 400),
    "a header without colon": (get("/events/a", "nonsense"), 400),
    "control byte in a header": (get("/events/a", "Name: x\x01"), 400),
    "bare CR": (b"GET /events/a HTTP/1.1\rHost: x\r\n\r\n", 400),
    "NUL": (get("/events/\0"), 400),
    "broken escape": (get("/events/%zz"), 400),
    "escape cut short": (get("/events/%4"), 400),
    "not UTF-8": (get("/events/%ff"), 400),
    "since nonsense": (get("/events/a?since=yesterday"), 400),
    "last nonsense": (get("/events/a?last=many"), 400),
    "last negative": (get("/events/a?last=-1"), 400),
    "a body": (get("/events/a", "Content-Length: 5"), 413),
    "both lengths": (get("/events/a", "Content-Length: 5", "Transfer-Encoding: chunked"), 400),
    "two lengths": (get("/events/a", "Content-Length: 5", "Content-Length: 6"), 400),
    "long target": (get("/events/a?x=" + "x" * 5000), 414),
    "long head": (get("/events/a", *["Name: " + "x" * 100] * 50), 431),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 64 + b"\r\n\r\n", 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(runnel, case):
    request, status = REFUSED[case]
    answer = parse_answer(raw(runnel.port, request))
    assert answer.status == status, answer
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["connection"] == "close"
    assert int(answer.headers["content-length"]) == len(answer.body) > 0
    assert answer.body.endswith(b"\n") and answer.body.count(b"\n") == 1, "one line"
    if status == 405:
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    wait_for(lambda: runnel.metric("runnel_http_requests_total", status=str(status)) == 1, "it to be counted")


ACCEPTED = {
    "no accept": [],
    "any": ["Accept: */*"],
    "text/*": ["Accept: text/*"],
    "event-stream": ["Accept: text/event-stream"],
    "list": ["Accept: application/json, text/event-stream;q=0.5"],
    "odd case": ["ACCEPT: Text/Event-Stream"],
    "unknown headers": ["X-Anything: ž", "Cookie: a=b; c=d", "Cache-Control: no-store"],
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(runnel, case):
    headers = dict(line.split(": ", 1) for line in ACCEPTED[case])
    stream = RawStream(runnel, "a", headers=headers)
    try:
        stream.read_until(lambda s: "runnel.live" in s.types())
        assert stream.head.startswith(b"HTTP/1.1 200 ")
    finally:
        stream.close()


def test_http_1_0_gets_bare_bytes(runnel):
    """No chunks for who does not know them; the close is the end."""
    stream = RawStream(runnel, "a", version="1.0")
    try:
        stream.read_until(lambda s: "runnel.live" in s.types())
        head = stream.head.lower()
        assert b"\r\nconnection: close\r\n" in head
        assert b"transfer-encoding" not in head
        runnel.publish("t", "x")
        stream.read_until(lambda s: s.data() == ["x"])
    finally:
        stream.close()


def test_head_a_byte_at_a_time(runnel):
    with socket.create_connection(("127.0.0.1", runnel.port), timeout=60) as peer:
        for byte in get("/events/a"):
            peer.sendall(bytes([byte]))
        received = b""
        while b"runnel.live" not in received:
            received += peer.recv(65536)
        assert received.startswith(b"HTTP/1.1 200 ")


def test_slow_head_is_408(new_runnel):
    runnel = new_runnel(http={"head_timeout": "200ms"}).start()
    with socket.create_connection(("127.0.0.1", runnel.port), timeout=60) as peer:
        peer.sendall(b"GET / HTTP/1.1\r\n")
        answer = parse_answer(read_to_end(peer))
    assert answer.status == 408
    assert answer.headers["connection"] == "close"


def test_silent_connection_is_closed_without_a_word(new_runnel):
    """Browsers open connections in advance: a 408 that nobody asked for would be taken for the next answer."""
    runnel = new_runnel(http={"head_timeout": "200ms"}).start()
    with socket.create_connection(("127.0.0.1", runnel.port), timeout=60) as peer:
        assert read_to_end(peer) == b""


def test_head_limit_exactly(new_runnel):
    """limit - 1, limit, limit + 1"""
    size = 2048
    runnel = new_runnel(http={"head_bytes": size}).start()
    empty = len(get("/", "Name: "))
    for length, status in ((size - 1, 200), (size, 200), (size + 1, 431)):
        request = get("/", "Name: " + "x" * (length - empty))
        assert len(request) == length
        assert parse_answer(raw(runnel.port, request)).status == status


def test_endless_head_is_refused_before_it_ends(runnel):
    """The answer comes although the head never ends, and survives the bytes that are still on their way."""
    with socket.create_connection(("127.0.0.1", runnel.port), timeout=60) as peer:
        peer.sendall(b"GET /events/a HTTP/1.1\r\nHost: x\r\n" + b"Name: value\r\n" * 5000)
        assert parse_answer(read_to_end(peer)).status == 431


def test_head_method(runnel):
    for target, kind in (("/", "text/html"), ("/events/a", "text/event-stream")):
        answer = parse_answer(raw(runnel.port, get(target, method="HEAD")))
        assert answer.status == 200
        assert answer.headers["content-type"].startswith(kind)
        assert answer.body == b""
    assert parse_answer(raw(runnel.port, get("/nothing", method="HEAD"))).body == b""
    unreadable = parse_answer(raw(runnel.port, get("/", "Bad Field: x", method="HEAD")))
    assert (unreadable.status, unreadable.body) == (400, b"")


def test_page(runnel):
    answer = parse_answer(raw(runnel.port, get("/")))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    parts = re.findall(r'(?:src|href)="([^":]+)"', answer.text)
    assert parts, "its script and its style"
    for part in parts:
        assert runnel.get(f"/{part}").status == 200
    assert "new EventSource(" in runnel.get("/runnel.js").text


def test_page_can_be_turned_off(new_runnel):
    runnel = new_runnel(http={"page": False}).start()
    assert runnel.get("/").status == 404


def test_pipelined_and_late_bytes_are_ignored(runnel):
    """What a client says after its request is not our business, and not a second request."""
    with socket.create_connection(("127.0.0.1", runnel.port), timeout=60) as peer:
        peer.sendall(get("/events/a") + get("/nothing") + b"garbage" * 100)
        received = b""
        while b"runnel.live" not in received:
            received += peer.recv(65536)
        runnel.publish("t", "x")
        while b"data: x\n" not in received:
            received += peer.recv(65536)
        assert received.count(b"HTTP/1.1") == 1


def test_the_same_channel_twice_is_one(runnel):
    stream = RawStream(runnel, "a", "a", "a")
    try:
        stream.read_until(lambda s: "runnel.live" in s.types())
        runnel.publish("t", "x")
        runnel.publish("t", "y")
        stream.read_until(lambda s: s.data()[-1:] == ["y"])
        assert stream.data() == ["x", "y"]
    finally:
        stream.close()


def test_closed_connections_leave_nothing(runnel):
    for request in (b"", b"G", b"GET / HT", get("/events/a")[:-2]):
        with socket.create_connection(("127.0.0.1", runnel.port)) as peer:
            peer.sendall(request)
    wait_for(lambda: runnel.metric("runnel_http_connections") == 0, "the connections to be forgotten")
