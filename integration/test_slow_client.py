"""Clients that stop reading cost a cursor: memory stays flat, others are served, and then they catch up."""

import json

import pytest

from harness.raw_stream import RawStream, read_all
from harness.subscriber import id_key
from harness.waiting import wait_for

SMALL = {"tail_bytes": "2M", "page_bytes": "1M", "unsent_bytes": "4M", "send_buffer_bytes": "16K"}
ROUTES = [{"source": "api", "topic": "{c}", "channel": "{c}"}]
# The same events for a reader that keeps up, whatever a busy machine does to it.
TWIN_ROUTES = ROUTES + [{"source": "api", "topic": "{c}", "channel": "lenient-{c}", "slow": "catch-up"}]


@pytest.fixture
def open_streams():
    streams = []

    def run(runnel, count, *channels, **kwargs):
        made = [RawStream(runnel, *channels, receive_buffer=4096, **kwargs) for _ in range(count)]
        streams.extend(made)
        read_all(made, lambda s: "runnel.live" in s.types())
        return made

    yield run
    for stream in streams:
        stream.close()


def start(new_runnel, replay, stream=None, keep=None, routes=None, **sections):
    log = replay | {"keep": {"events": 100_000, "for": "1h"} | (keep or {})}
    if log["store"] == "memory":
        log |= {"memory_bytes": "1G", "channel_bytes": "1G"}
    return new_runnel(sources={"api": {"type": "http"}}, routes=routes or ROUTES, replay=log,
                      stream=SMALL | (stream or {}), **sections).start()


def publish_many(runnel, first, count, size=10_000, channel="a"):
    texts = [f"{n} ".ljust(size, "x") for n in range(first, first + count)]
    for text in texts:
        runnel.publish(channel, text)
    return texts


def test_they_catch_up_completely(new_runnel, replay, open_streams, subscribe):
    runnel = start(new_runnel, replay)
    reader = subscribe(runnel, "a").await_live()
    slow = open_streams(runnel, 20, "a") + open_streams(runnel, 20, "a", "b")
    texts = publish_many(runnel, 0, 800)
    reader.await_messages(800)
    assert reader.data() == texts, "the others are served meanwhile"
    assert runnel.metric("runnel_streams") == 41
    read_all(slow, lambda s: len(s.messages()) >= 800)
    for stream in slow:
        assert stream.data() == texts
        assert "runnel.gap" not in stream.types()
    runnel.publish("a", "live")
    read_all(slow, lambda s: s.data()[-1] == "live")


@pytest.mark.sanitized
def test_a_few_catch_up(new_runnel, replay, open_streams):
    runnel = start(new_runnel, replay)
    slow = open_streams(runnel, 3, "a", "b")
    texts = publish_many(runnel, 0, 300)
    read_all(slow, lambda s: len(s.messages()) >= 300)
    assert [stream.data() for stream in slow] == [texts] * 3


def test_memory_stays_flat(new_runnel, new_redis, open_streams, subscribe):
    """
    200 clients stand still while many times their number of bytes goes by: what it costs is bounded by the
    configured sizes, whatever the clients did not take. The log is in Redis, so that it is not in this account.
    """
    runnel = start(new_runnel, {"store": "redis"} | new_redis().start().broker(), keep={"events": 200})
    reader = subscribe(runnel, "a").await_live()
    publish_many(runnel, 0, 500)
    reader.await_messages(500)
    before = runnel.private_kib()
    slow = open_streams(runnel, 200, "a")
    publish_many(runnel, 500, 1500)
    reader.await_messages(2000)
    grown = runnel.private_kib() - before
    # Two workers with 2M of tail, 1M of pages and 4M of unsent rests each, and the allocator's slack.
    assert grown < 2 * (2 + 1 + 4) * 1024 + 6 * 1024, f"{grown} KiB"
    missed_bytes = 200 * 1500 * 10_000
    assert grown * 1024 < missed_bytes / 100
    runnel.publish("a", "live")
    read_all(slow, lambda s: "live" in s.data())
    for stream in slow:
        assert stream.types().count("runnel.gap") == 1, "what was trimmed meanwhile is said, once"
        gap = json.loads(next(e.data for e in stream.events if e.type == "runnel.gap"))
        resumes = next(e for e in stream.messages() if e.id == gap["resumes"])
        assert stream.messages().index(resumes) > 0
        assert_no_hole_but_the_gap(stream)


def holes(numbers):
    return sum(1 for one, two in zip(numbers, numbers[1:]) if two != one + 1)


def assert_no_hole_but_the_gap(stream):
    numbers = [int(event.data.split()[0]) for event in stream.messages() if event.data != "live"]
    assert numbers == sorted(set(numbers)) and holes(numbers) == 1, numbers


def flood(runnel, is_enough):
    """Publishes numbered texts until `is_enough()`; returns them."""
    texts = []

    def step():
        texts.extend(publish_many(runnel, len(texts), 20))
        return is_enough()

    wait_for(step, lambda: f"{len(texts)} events did not do it: {runnel.metrics()}")
    return texts


@pytest.mark.sanitized
def test_policy_close(new_runnel, open_streams, subscribe):
    """Too far behind: the connection ends, and the client resumes by itself where it was."""
    runnel = start(new_runnel, {"store": "memory"}, stream={"slow": "close", "slow_after": "3s"}, routes=TWIN_ROUTES)
    reader = subscribe(runnel, "lenient-a").await_live()
    [slow] = open_streams(runnel, 1, "a")
    texts = flood(runnel, lambda: runnel.metric("runnel_streams_closed_total", reason="slow") == 1)
    slow.read_until(lambda s: s.is_at_end)
    taken = slow.data()
    assert taken == texts[:len(taken)] and len(taken) < len(texts)
    rest = subscribe(runnel, "a", last_event_id=slow.messages()[-1].id if taken else slow.events[0].id).await_live()
    assert taken + rest.data() == texts
    reader.await_messages(len(texts))
    assert reader.data() == texts and reader.opens == 1


@pytest.mark.sanitized
def test_policy_skip(new_runnel, open_streams, subscribe):
    """Too far behind: a gap that is said, and on with the newest event."""
    runnel = start(new_runnel, {"store": "memory"}, stream={"slow": "skip", "slow_after": "3s"}, routes=TWIN_ROUTES)
    reader = subscribe(runnel, "lenient-a").await_live()
    [slow] = open_streams(runnel, 1, "a")
    began_ms, _ = id_key(slow.events[0].id)
    texts = flood(runnel, lambda: id_key(reader.last_event_id)[0] > began_ms + 4000)
    slow.read_until(lambda s: texts[-1] in s.data())
    runnel.publish("a", "end")
    slow.read_until(lambda s: "end" in s.data())
    *taken, newest, end = slow.messages()
    assert [event.data for event in taken] == texts[:len(taken)]
    assert (newest.data, end.data) == (texts[-1], "end")
    [gap] = [json.loads(event.data) for event in slow.events if event.type == "runnel.gap"]
    assert gap["channel"] == "a"
    assert id_key((taken[-1] if taken else slow.events[0]).id) <= id_key(gap["after"]) < id_key(gap["resumes"])
    assert gap["resumes"] == newest.id
    reader.await_messages(len(texts) + 1)
    assert reader.data() == texts + ["end"] and not reader.gaps()


def assert_closed_as_slow(runnel, stream, texts):
    assert runnel.metric("runnel_streams_closed_total", reason="slow") >= 1
    taken = stream.data()
    assert taken == texts[:len(taken)] and len(taken) < len(texts)


def test_policy_of_a_route(new_runnel, new_redis, open_streams, subscribe):
    """
    Each route has its own; it holds where the stream's is another, and in an edge process, which has no routes and
    learns it from the events. The other channels of the same worker keep theirs.
    """
    log = {"store": "redis"} | new_redis().start().broker()
    strict = {"source": "api", "topic": "strict/{c}", "channel": "{c}", "slow": "close", "slow_after": "2s"}
    lenient = {"source": "api", "topic": "lenient/{c}", "channel": "{c}", "slow": "catch-up"}
    writer = new_runnel(sources={"api": {"type": "http"}}, routes=[strict, lenient], stream=SMALL,
                        replay=log | {"keep": {"events": 100_000}}).start()
    edge = new_runnel(replay=log, stream=SMALL | {"slow": "skip", "slow_after": "1s"}).start()
    streams = {runnel: open_streams(runnel, 1, "a") + open_streams(runnel, 1, "b") for runnel in (writer, edge)}
    reader = subscribe(edge, "a").await_live()
    began_ms, _ = id_key(streams[edge][0].events[0].id)
    texts = {"a": [], "b": []}

    def step():
        number = len(texts["a"])
        texts["a"] += publish_many(writer, number, 10, channel="strict/a")
        texts["b"] += publish_many(writer, number, 10, channel="lenient/b")
        return number >= 200 and id_key(reader.last_event_id)[0] > began_ms + 4000

    wait_for(step, lambda: f"{len(texts['a'])} events did not do it: {edge.metrics()}")
    for runnel, (a, b) in streams.items():
        a.read_until(lambda s: s.is_at_end)
        assert_closed_as_slow(runnel, a, texts["a"])
        b.read_until(lambda s: len(s.messages()) >= len(texts["b"]))
        assert b.data() == texts["b"] and "runnel.gap" not in b.types()
    reader.await_messages(len(texts["a"]))
    assert reader.data() == texts["a"]


def test_dead_peer_is_found(new_runnel, open_streams):
    """A client whose window stays shut for peer_timeout while there is something to send."""
    runnel = start(new_runnel, {"store": "memory"}, stream={"peer_timeout": "2s", "heartbeat": "500ms"})
    [dead] = open_streams(runnel, 1, "a")
    publish_many(runnel, 0, 200)
    wait_for(lambda: runnel.metric("runnel_streams_closed_total", reason="peer_error") == 1, "it to be found")
    assert runnel.metric("runnel_streams") == 0
    dead.close()


@pytest.mark.sanitized
def test_clients_that_vanish_at_any_moment(new_runnel, replay, open_streams, subscribe):
    """Reset in mid-replay, before the answer, after half a request: nothing is left of them."""
    runnel = start(new_runnel, replay)
    texts = publish_many(runnel, 0, 50)
    reader = subscribe(runnel, "a", since="earliest").await_live()
    for n in range(40):
        stream = RawStream(runnel, "a", since="earliest", receive_buffer=4096)
        if n % 2:
            stream.read_until(lambda s: s.head)
        stream.close()
    wait_for(lambda: runnel.metric("runnel_streams") == 1, "the others to be gone")
    assert runnel.metric("runnel_memory_bytes", use="unsent") == 0
    assert reader.data() == texts
