"""The proxies of deploy/proxies, as Debian has them, before a runnel: what they would break, they must not."""

import time

import pytest

from harness.proxy import Caddy, CurlStream, Haproxy, Nginx, PlainHaproxy, ProxyProtocolHaproxy
from harness.waiting import wait_for

VERSIONS = ["1.1", "2"]
# Of the fastest delivery: a proxy that corks its sockets delays each by 200 ms, a busy machine only some.
CORKED_S = 0.15
SILENCE_MS = 2000  # of a stream, after which the proxies give it up: ten times the heartbeat


@pytest.fixture
def new_proxy(tmp_path, authority):
    """new_proxy(kind, *servers, **): a proxy of that class, started."""
    started = []

    def start(kind, *servers, **kwargs):
        started.append(kind(tmp_path, authority, servers, **kwargs))
        return started[-1].start()

    yield start
    for proxy in started:
        proxy.end()


def start(new_runnel, replay=None, http=None, **stream):
    return new_runnel(sources={"api": {"type": "http"}}, replay=replay or {"store": "memory"},
                      routes=[{"source": "api", "topic": "t", "channel": "a"}], http=http or {},
                      stream={"heartbeat": "1h", "retry": "50ms"} | stream).start()


@pytest.fixture(params=[Nginx, Haproxy, Caddy], ids=["nginx", "haproxy", "caddy"])
def kind(request):
    return request.param


@pytest.mark.parametrize("version", VERSIONS)
def test_events_come_one_by_one_and_at_once(new_runnel, new_proxy, kind, version):
    """Nothing waits for more to come, and nobody compresses, though the browser would allow it."""
    runnel = start(new_runnel)
    proxy = new_proxy(kind, runnel)
    stream = CurlStream(proxy, "/events/a", version, ["Accept-Encoding: gzip, br"])
    took = []
    try:
        stream.await_line("event: runnel.live")
        for number in range(20):
            runnel.publish("t", f"small {number}")
            begin = time.monotonic()
            stream.await_line(f"data: small {number}")
            took.append(time.monotonic() - begin)
        first, head = stream.head()
    finally:
        stream.close()
    assert first.split()[:2] == [f"HTTP/{version}", "200"]
    assert head["content-type"].startswith("text/event-stream")
    assert "content-encoding" not in head
    assert "content-length" not in head
    assert "no-transform" in head["cache-control"]
    assert min(took) < CORKED_S, took


def test_haproxy_without_tls_does_not_wait_for_more(new_runnel, new_proxy, subscribe):
    """It tells the kernel that more will follow, unless it is told not to: 200 ms an event."""
    runnel = start(new_runnel)
    source = subscribe(runnel, "a", via=new_proxy(PlainHaproxy, runnel)).await_live()
    took = []
    for number in range(5):
        runnel.publish("t", str(number))
        begin = time.monotonic()
        source.await_messages(number + 1)
        took.append(time.monotonic() - begin)
    assert min(took) < CORKED_S, took


@pytest.mark.parametrize("version", VERSIONS)
def test_idle_stream_outlives_the_timeouts(new_runnel, new_proxy, kind, version):
    runnel = start(new_runnel, heartbeat="200ms")
    stream = CurlStream(new_proxy(kind, runnel, timeout_ms=SILENCE_MS), "/events/a", version)
    try:
        for _ in range(30):  # 3 to 6 s of silence, but for these
            stream.await_line("event: runnel.beat")
    finally:
        stream.close()


def test_silence_beyond_the_timeout_is_an_end(new_runnel, new_proxy, kind, subscribe):
    """That the timeouts of the test above are in force; and a runnel that hangs does not hold its clients."""
    runnel = start(new_runnel)
    proxy = new_proxy(kind, runnel, timeout_ms=SILENCE_MS)
    source = subscribe(runnel, "a", via=proxy).await_live()
    source.wait(lambda s: s.opens >= 2)


def test_resume(new_runnel, new_proxy, kind, subscribe):
    runnel = start(new_runnel)
    proxy = new_proxy(kind, runnel)
    source = subscribe(runnel, "a", via=proxy).await_live()
    texts = [str(number) for number in range(30)]
    for number, text in enumerate(texts):
        if number % 10 == 5:
            source.drop()
        runnel.publish("t", text)
    source.await_messages(len(texts))
    assert source.data() == texts
    assert not source.gaps()


def test_restart_behind_it_is_no_end_for_a_browser(new_runnel, new_redis, new_proxy, kind, subscribe):
    """While nobody is there the proxy answers 200 with a time to come back: after a 502 nobody would."""
    redis = new_redis().start()
    runnel = start(new_runnel, {"store": "redis"} | redis.broker())
    proxy = new_proxy(kind, runnel)
    source = subscribe(runnel, "a", via=proxy).await_live()
    runnel.publish("t", "before")
    source.await_messages(1)
    last = source.last_event_id
    assert runnel.kill() < 0
    source.wait(lambda s: "runnel.unavailable" in s.types())
    assert source.last_event_id == last, "an answer of the proxy moves no cursor"
    assert source.retry_ms >= 2000
    status, body = proxy.status("/events/a")
    assert status == 200 and body.startswith("retry: ") and body.endswith("\n\n")
    runnel.start()
    runnel.publish("t", "after")
    source.await_messages(2)
    assert source.data() == ["before", "after"]
    assert not source.gaps()


@pytest.mark.parametrize("version", VERSIONS)
def test_client_that_goes_is_noticed(new_runnel, new_proxy, kind, version):
    """Without anything to send: a proxy that kept its own connection would keep the stream."""
    runnel = start(new_runnel)
    proxy = new_proxy(kind, runnel)
    streams = [CurlStream(proxy, "/events/a", version) for _ in range(3)]
    for stream in streams:
        stream.await_line("event: runnel.live")
    assert runnel.metric("runnel_streams") == 3
    for stream in streams:
        stream.close()
    wait_for(lambda: runnel.metric("runnel_streams") == 0, lambda: f"the streams to end\n{proxy.log()}")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("proxy_class", [Nginx, Haproxy, ProxyProtocolHaproxy, Caddy])
def test_client_has_its_own_address(new_runnel, new_proxy, proxy_class, version):
    """Not the proxy's, and not the one that it claims to have: seen by the limit of an address."""
    runnel = start(new_runnel, http={"trusted_proxies": ["127.0.0.1"], "connections_per_address": 1,
                                     "proxy_protocol": proxy_class is ProxyProtocolHaproxy})
    proxy = new_proxy(proxy_class, runnel)
    streams = []

    def open_one(address, claimed):
        headers = [f"X-Forwarded-For: {claimed}", f"Forwarded: for={claimed}"]
        streams.append(CurlStream(proxy, "/events/a", version, headers, address))
        return streams[-1]

    try:
        open_one("127.0.0.7", "192.0.2.1").await_line("event: runnel.live")
        open_one("127.0.0.8", "192.0.2.1").await_line("event: runnel.live")
        open_one("127.0.0.7", "192.0.2.2").await_line("event: runnel.unavailable")
        assert "http.refused address=127.0.0.7 reason=address" in runnel.log()
    finally:
        for stream in streams:
            stream.close()
