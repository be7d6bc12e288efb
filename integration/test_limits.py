"""Limits that pass refuse softly: 200, a jittered `retry:`, runnel.unavailable with the reason, a clean end."""

import json
import socket

import pytest

from harness.http import parse_answer, raw
from harness.raw_stream import RawStream, read_all
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized


@pytest.fixture
def start(new_runnel):
    def run(**sections):
        return new_runnel(sources={"api": {"type": "http"}},
                          routes=[{"source": "api", "topic": "{channel...}", "channel": "{channel}"}],
                          **sections).start()
    return run


def open_stream(runnel, streams, *channels, **kwargs):
    streams.append(RawStream(runnel, *(channels or ["a"]), **kwargs))
    return streams[-1].read_until(lambda s: "runnel.live" in s.types())


def assert_refused(runnel, streams, reason, *channels, **kwargs):
    before = runnel.metric("runnel_http_refused_total", reason=reason)
    streams.append(RawStream(runnel, *(channels or ["a"]), **kwargs))
    stream = streams[-1].read_until(lambda s: s.is_at_end)
    assert stream.head.startswith(b"HTTP/1.1 200 ")
    assert stream.ended_cleanly
    assert stream.types() == ["runnel.unavailable"]
    assert json.loads(stream.events[0].data) == {"reason": reason}
    assert 2000 <= stream.retry_ms <= 10000
    wait_for(lambda: runnel.metric("runnel_http_refused_total", reason=reason) == before + 1, "it to be counted")


def test_streams_in_all(start, streams):
    runnel = start(http={"connections": 2})
    first = open_stream(runnel, streams)
    open_stream(runnel, streams)
    assert_refused(runnel, streams, "full")
    first.close()
    wait_for(lambda: runnel.metric("runnel_streams") == 1, "the place to be free")
    open_stream(runnel, streams)


def test_connections_of_one_address(start, streams):
    """Counted over both workers; a stream that ends makes room again; others have their own."""
    runnel = start(http={"connections_per_address": 5})
    for _ in range(5):
        open_stream(runnel, streams)
    for _ in range(4):
        assert_refused(runnel, streams, "address")
    open_stream(runnel, streams, source="127.0.0.2")
    for stream in streams[:5]:
        stream.close()
    wait_for(lambda: runnel.metric("runnel_streams") == 1, "their end")
    wait_for(lambda: runnel.metric("runnel_http_connections") == 0, "the refused ones to be gone")
    for _ in range(5):
        open_stream(runnel, streams)
    assert_refused(runnel, streams, "address")


def test_half_requests_of_one_address(start, streams):
    """Who opens connections and says nothing keeps nobody else out: far above the limit they are closed at once."""
    runnel = start(http={"connections_per_address": 1, "head_timeout": "1h"})
    silent = [socket.create_connection(("127.0.0.1", runnel.port)) for _ in range(40)]
    try:
        # 1 and some room; two workers that accept at the same moment may both take the last place.
        wait_for(lambda: runnel.metric("runnel_http_refused_total", reason="address") >= 40 - 19, "those to be closed")
        assert runnel.metric("runnel_http_connections") <= 19
        open_stream(runnel, streams, source="127.0.0.2")
    finally:
        for peer in silent:
            peer.close()


def test_rate(start, streams):
    """A burst of a second's worth, then the rate; the page and the like are free."""
    runnel = start(http={"connect_rate": 1})
    open_stream(runnel, streams)
    # The second one is refused unless a second has passed: one of three in a row is, on any machine but a stopped one.
    wait_for(lambda: _refused_at_once(runnel, streams, "rate"), "a refusal")
    assert runnel.get("/").status == 200


def test_rate_of_one_address(start, streams):
    runnel = start(http={"connect_rate_per_address": 1})
    open_stream(runnel, streams)
    wait_for(lambda: _refused_at_once(runnel, streams, "address_rate"), "a refusal")
    open_stream(runnel, streams, source="127.0.0.2")


def _refused_at_once(runnel, streams, reason):
    pair = [RawStream(runnel, "a"), RawStream(runnel, "a")]
    streams += pair
    read_all(pair, lambda s: s.is_at_end or "runnel.live" in s.types())
    refused = [s for s in pair if s.is_at_end]
    assert all(json.loads(s.events[0].data) == {"reason": reason} for s in refused)
    return refused != []


def test_channels_in_memory(start, streams):
    """Of one worker; channels that it has already cost nothing more."""
    runnel = start(http={"workers": 1}, stream={"channels": 3})
    first = open_stream(runnel, streams, "a", "b", "c")
    open_stream(runnel, streams, "c", "a")
    assert_refused(runnel, streams, "channels", "a", "d")
    first.close()
    wait_for(lambda: runnel.metric("runnel_streams") == 1, "its end")
    open_stream(runnel, streams, "d", "a")
    assert_refused(runnel, streams, "channels", "b")


def test_channels_of_one_connection(start, streams):
    runnel = start(http={"channels": 2})
    open_stream(runnel, streams, "a", "b")
    answer = parse_answer(raw(runnel.port, b"GET /events?channel=a&channel=b&channel=c HTTP/1.1\r\nHost: x\r\n\r\n"))
    assert answer.status == 400


def test_a_refused_client_gets_everything_when_it_comes_back(start, streams):
    runnel = start(http={"connections_per_address": 1})
    first = open_stream(runnel, streams)
    last = first.events[-1].id
    runnel.publish("a", "one")
    assert_refused(runnel, streams, "address", headers={"Last-Event-ID": last})
    runnel.publish("a", "two")
    first.close()
    wait_for(lambda: runnel.metric("runnel_streams") + runnel.metric("runnel_http_connections") == 0, "its end")
    again = RawStream(runnel, "a", headers={"Last-Event-ID": last})
    streams.append(again)
    again.read_until(lambda s: s.data() == ["one", "two"])


# --- channels that a client may ask for ---

def get(runnel, target):
    return parse_answer(raw(runnel.port, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()))


def test_allowed_channels(start, streams):
    runnel = start(http={"allow_channels": ["news", "orders/*"]})
    open_stream(runnel, streams, "news", "orders/eu/berlin")
    for target in ("/events/secret", "/events/orders", "/events?channel=news&channel=secret", "/events/%6eews2"):
        answer = get(runnel, target)
        assert answer.status == 403, target
        assert answer.text.startswith("there is no channel \"")
    wait_for(lambda: runnel.metric("runnel_http_requests_total", status="403") == 4, "them to be counted")


def test_channels_that_the_routes_can_make(new_runnel, streams):
    runnel = new_runnel(sources={"api": {"type": "http"}}, http={"allow_channels": "routes"}, routes=[
        {"source": "api", "topic": "o/{shop}", "channel": "orders/{shop}"},
        {"source": "api", "topic": "n", "channel": "news"}]).start()
    stream = open_stream(runnel, streams, "news", "orders/berlin")
    runnel.publish("o/berlin", "x")
    stream.read_until(lambda s: s.data() == ["x"])
    assert get(runnel, "/events/new").status == 403


def test_unknown_channels_may_be_empty(start, streams):
    """They look like channels without events, and what is published there does not come."""
    runnel = start(http={"allow_channels": ["news"], "unknown_channels": "empty"}, stream={"heartbeat": "200ms"})
    secret = open_stream(runnel, streams, "secret")
    both = open_stream(runnel, streams, "secret", "news")
    runnel.publish("secret", "nobody hears it")
    runnel.publish("news", "x")
    both.read_until(lambda s: s.data() == ["x"])
    beats = secret.types().count("runnel.beat")
    secret.read_until(lambda s: s.types().count("runnel.beat") >= beats + 2)
    replayed = open_stream(runnel, streams, "secret", since="earliest")
    assert secret.data() == replayed.data() == []
    assert "runnel.gap" not in secret.types() + replayed.types()


def test_a_reload_changes_them_and_streams_stay(start, streams):
    runnel = start(http={"workers": 1})
    before = [open_stream(runnel, streams), open_stream(runnel, streams, "b")]
    http = runnel.config["http"]

    def may_read(channel):
        request = f"HEAD /events/{channel} HTTP/1.1\r\nHost: x\r\n\r\n"
        return parse_answer(raw(runnel.port, request.encode())).status == 200

    assert runnel.reload(http=http | {"connections": 2, "allow_channels": ["a"]})
    wait_for(lambda: not may_read("b"), "the new config")
    assert_refused(runnel, streams, "full")
    assert runnel.reload(http=http | {"connections_per_address": 1})
    wait_for(lambda: may_read("b"), "the next one")
    wait_for(lambda: runnel.metric("runnel_http_connections") == 0, "nobody else")
    open_stream(runnel, streams)  # those of before the limit are not counted
    assert_refused(runnel, streams, "address")
    runnel.publish("a", "x")
    runnel.publish("b", "y")
    before[0].read_until(lambda s: s.data() == ["x"])
    before[1].read_until(lambda s: s.data() == ["y"])
