"""Connections that break and clients that come back: every event exactly once, in order, or a gap that is said."""

import json
import threading
import time

import pytest

from harness.subscriber import Subscriber, assert_rising, id_key
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized

ROUTES = [{"source": "api", "topic": "{channel}", "channel": "{channel}"}]


def start(new_runnel, replay, routes=ROUTES, stream=None, **keep):
    section = replay | ({"keep": keep} if keep else {})
    return new_runnel(sources={"api": {"type": "http"}}, routes=routes, replay=section,
                      stream={"retry": "10ms"} | (stream or {})).start()


class Publishing:
    """Publishes 0, 1, 2, … round robin to the channels in a thread, until stop()."""

    def __init__(self, runnel, channels, at_least):
        self.sent = []
        self._runnel, self._channels = runnel, channels
        self._at_least = at_least
        self._stop = threading.Event()
        self._error = None
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        try:
            while not self._stop.is_set() or len(self.sent) < self._at_least:
                number = len(self.sent)
                self._runnel.publish(self._channels[number % len(self._channels)], str(number))
                self.sent.append(str(number))
        except Exception as error:  # pylint: disable=broad-except
            self._error = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        assert self._error is None, self._error


@pytest.mark.parametrize("channels", [["a"], ["a", "b", "c"]], ids=["one", "three"])
def test_broken_connection_in_mid_stream(new_runnel, new_relay, subscribe, replay, channels):
    """The relay breaks it every few hundred bytes, most often in the middle of an event."""
    runnel = start(new_runnel, replay, events=100_000)
    relay = new_relay(runnel.port)
    stream = subscribe(runnel, *channels, via=relay).await_live()
    with Publishing(runnel, channels, at_least=300) as publishing:
        for n in range(12):
            relay.cut_after(700 + 97 * n)
            wait_for(lambda: relay.cuts > n, "the relay to cut")
    stream.wait(lambda s: len(s.messages) >= len(publishing.sent))
    assert stream.data() == publishing.sent
    assert_rising(stream.ids())
    assert not stream.gaps()
    assert stream.opens > 12


@pytest.mark.parametrize("channels", [["a"], ["a", "b", "c"]], ids=["one", "three"])
def test_client_that_drops(new_runnel, subscribe, replay, channels):
    runnel = start(new_runnel, replay, events=100_000)
    stream = subscribe(runnel, *channels).await_live()
    with Publishing(runnel, channels, at_least=300) as publishing:
        for n in range(10):
            stream.await_messages(10 * (n + 1))
            stream.drop()
            stream.wait(lambda s: s.opens >= n + 2)
    stream.wait(lambda s: len(s.messages) >= len(publishing.sent))
    assert stream.data() == publishing.sent
    assert not stream.gaps()


def test_many_clients_that_break_together(new_runnel, new_relay, subscribe, replay):
    runnel = start(new_runnel, replay, events=100_000)
    relay = new_relay(runnel.port)
    streams = [subscribe(runnel, "a", "b", via=relay) for _ in range(30)]
    for stream in streams:
        stream.await_live()
    with Publishing(runnel, ["a", "b"], at_least=200) as publishing:
        for n in range(5):
            streams[0].await_messages(20 * (n + 1))
            relay.cut()
            wait_for(lambda: relay.cuts > n, "the relay to cut")
    for stream in streams:
        stream.wait(lambda s: len(s.messages) >= len(publishing.sent))
        assert stream.data() == publishing.sent
        assert not stream.gaps()


@pytest.mark.parametrize("name", ["lastEventId", "last_event_id", "lastEventID"])
def test_cursor_in_the_query(new_runnel, subscribe, replay, name):
    runnel = start(new_runnel, replay)
    ids = publish_numbers(runnel, subscribe, "a", 10)
    stream = subscribe(runnel, "a", **{name: ids[3]}).await_live()
    assert stream.data() == [str(n) for n in range(4, 10)]


def test_the_header_wins_over_the_query(new_runnel, subscribe):
    """A polyfill's URL keeps its first cursor; the header is the newer one."""
    runnel = start(new_runnel, {"store": "memory"})
    ids = publish_numbers(runnel, subscribe, "a", 10)
    stream = subscribe(runnel, "a", last_event_id=ids[7], lastEventId=ids[1]).await_live()
    assert stream.data() == ["8", "9"]


def test_the_cursor_wins_over_since_and_last(new_runnel, subscribe):
    runnel = start(new_runnel, {"store": "memory"})
    ids = publish_numbers(runnel, subscribe, "a", 10)
    assert subscribe(runnel, "a", last_event_id=ids[7], since="earliest").await_live().data() == ["8", "9"]
    assert subscribe(runnel, "a", last_event_id=ids[7], last=5).await_live().data() == ["8", "9"]


def publish_numbers(runnel, subscribe, channel, count, start_at=0):
    """Publishes numbers; returns their ids as a stream tells them."""
    stream = subscribe(runnel, channel).await_live()
    for n in range(start_at, start_at + count):
        runnel.publish(channel, str(n))
    stream.await_messages(count)
    stream.close()
    return stream.ids()


def publish_unheard(runnel, subscribe, channel, count):
    """
    Publishes numbers to a channel that nobody listens to, so that no worker keeps them and only the log has them;
    returns cursors: the one at `n` stands just after number n.
    """
    marks = subscribe(runnel, "marks").await_live()
    for n in range(count):
        runnel.publish(channel, str(n))
        runnel.publish("marks", "")
    marks.await_messages(count)
    marks.close()
    return marks.ids()


def test_since(new_runnel, subscribe, replay):
    runnel = start(new_runnel, replay)
    ids = publish_numbers(runnel, subscribe, "a", 10)
    everything = [str(n) for n in range(10)]
    assert subscribe(runnel, "a", since="earliest").await_live().data() == everything
    assert subscribe(runnel, "a", since=ids[5]).await_live().data() == everything[6:]
    assert subscribe(runnel, "a", since="10m").await_live().data() == everything
    assert subscribe(runnel, "a").await_live().data() == []
    after = subscribe(runnel, "a", since="earliest").await_live()
    runnel.publish("a", "live")
    assert after.await_messages(11)[10] == ("message", "live")


@pytest.mark.parametrize("since", ["0ms", "9999999999999-0"], ids=["time", "id"])
def test_since_beyond_the_end_of_a_quiet_log_says_no_gap(new_runnel, subscribe, replay, since):
    runnel = start(new_runnel, replay)
    runnel.publish("a", "before")
    newest = id_key(subscribe(runnel, "a", last="1").await_live().ids()[0])[0]
    wait_for(lambda: time.time() * 1000 > newest + 1, "the clock to leave the event behind")
    stream = subscribe(runnel, "a", "b", since=since).await_live()
    runnel.publish("b", "after")
    runnel.publish("a", "after, too")
    stream.await_messages(2)
    assert stream.data() == ["after", "after, too"]
    assert not stream.gaps()


def test_since_an_id_long_gone_says_no_gap(new_runnel, subscribe, replay):
    """`since` asks for what there is; only a cursor was promised everything."""
    runnel = start(new_runnel, replay, events=3)
    ids = publish_unheard(runnel, subscribe, "a", 10)
    stream = subscribe(runnel, "a", since=ids[0]).await_live()
    assert stream.data() == ["7", "8", "9"]
    assert not stream.gaps()


def test_last(new_runnel, subscribe, replay):
    runnel = start(new_runnel, replay)
    publish_numbers(runnel, subscribe, "a", 10)
    publish_numbers(runnel, subscribe, "b", 2, start_at=10)
    assert subscribe(runnel, "a", last=3).await_live().data() == ["7", "8", "9"]
    assert subscribe(runnel, "a", last=100).await_live().data() == [str(n) for n in range(10)]
    both = subscribe(runnel, "a", "b", last=1).await_live()
    assert both.data() == ["9", "11"]
    assert not both.gaps()
    runnel.publish("a", "live")
    assert both.await_messages(3)[2] == ("message", "live")


def test_gap_after_a_trim(new_runnel, subscribe, replay):
    runnel = start(new_runnel, replay, events=5)
    ids = publish_unheard(runnel, subscribe, "a", 20)
    stream = subscribe(runnel, "a", last_event_id=ids[2]).await_live()
    types = stream.types()
    assert types[0] == "runnel.gap", types
    assert types.count("runnel.gap") == 1
    gap = json.loads(stream.gaps()[0].data)
    assert gap["channel"] == "a"
    assert gap["after"] == ids[2]
    assert gap["resumes"] == stream.ids()[0]
    assert gap["reason"]
    assert stream.data() == [str(n) for n in range(15, 20)]
    assert stream.gaps()[0].id == ids[2], "the gap itself moves no cursor"


def test_gap_only_of_the_channel_that_has_one(new_runnel, subscribe, replay):
    runnel = start(new_runnel, replay, routes=[
        {"source": "api", "topic": "a", "channel": "a", "keep": {"events": 3}},
        {"source": "api", "topic": "b", "channel": "b"}, {"source": "api", "topic": "marks", "channel": "marks"}])
    first = publish_unheard(runnel, subscribe, "b", 1)[0]
    publish_unheard(runnel, subscribe, "a", 10)
    publish_unheard(runnel, subscribe, "b", 5)
    stream = subscribe(runnel, "a", "b", last_event_id=first).await_live()
    assert [json.loads(gap.data)["channel"] for gap in stream.gaps()] == ["a"]
    assert stream.data() == ["7", "8", "9", "0", "1", "2", "3", "4"]


def test_no_gap_where_exactly_nothing_is_missing(new_runnel, subscribe, replay):
    """The cursor is the event just before the oldest that is kept."""
    runnel = start(new_runnel, replay, events=5)
    ids = publish_unheard(runnel, subscribe, "a", 20)
    stream = subscribe(runnel, "a", last_event_id=ids[14]).await_live()
    assert not stream.gaps()
    assert stream.data() == [str(n) for n in range(15, 20)]


@pytest.mark.parametrize("cursor", [
    "x", "0", "-", "1-", "-1", "1-2-3", " 1-2", "99999999999999999999-0", "1-99999999999", "1.5-0", "0x1-0", "１-２",
    "null", "a" * 1000,
])
def test_garbage_cursor_is_told_and_not_fatal(new_runnel, subscribe, cursor):
    """
    A cursor of another server: a status other than 200 would end an EventSource for good. So everything that is kept
    comes, after a gap that says why.
    """
    runnel = start(new_runnel, {"store": "memory"})
    publish_numbers(runnel, subscribe, "a", 3)
    stream = subscribe(runnel, "a", lastEventId=cursor).await_live()
    assert [json.loads(gap.data)["channel"] for gap in stream.gaps()] == ["a"]
    assert stream.data() == ["0", "1", "2"]


def test_cursor_of_the_future_is_a_gap(new_runnel, subscribe, replay):
    """From a log that was lost together with its clock: what comes now must still come."""
    runnel = start(new_runnel, replay)
    ids = publish_numbers(runnel, subscribe, "a", 1)
    future = f"{id_key(ids[0])[0] + 1000 * 86400 * 365}-0"
    stream = subscribe(runnel, "a", last_event_id=future).await_live()
    assert len(stream.gaps()) == 1
    runnel.publish("a", "now")
    stream.wait(lambda s: "now" in s.data())


def test_live_is_sent_at_once_and_carries_the_position(new_runnel, subscribe, replay):
    """A drop before the first event loses nothing: the cursor is there already."""
    runnel = start(new_runnel, replay)
    publish_numbers(runnel, subscribe, "b", 3)
    stream = subscribe(runnel, "a").await_live()
    live = stream.events[0]
    assert (live.type, live.data) == ("runnel.live", "")
    assert id_key(live.id) > (0, 0)
    stream.close()
    runnel.publish("a", "meanwhile")
    resumed = subscribe(runnel, "a", last_event_id=live.id).await_live()
    assert resumed.data() == ["meanwhile"]
    assert not resumed.gaps()
    assert id_key(resumed.messages[0].id) > id_key(live.id)


def test_live_comes_after_the_replay(new_runnel, subscribe, replay):
    runnel = start(new_runnel, replay)
    ids = publish_numbers(runnel, subscribe, "a", 5)
    stream = subscribe(runnel, "a", last_event_id=ids[1]).await_live()
    assert stream.types() == ["message"] * 3 + ["runnel.live"]
    assert id_key(stream.events[-1].id) >= id_key(ids[-1])


def test_beats_move_the_cursor(new_runnel, subscribe, replay):
    """A client of a quiet channel keeps up with the feed, so it never meets a false gap."""
    runnel = start(new_runnel, replay, routes=[
        {"source": "api", "topic": "busy", "channel": "busy", "keep": {"events": 2}},
        {"source": "api", "topic": "quiet", "channel": "quiet"}], stream={"heartbeat": "100ms"})
    quiet = subscribe(runnel, "quiet").await_live()
    newest = publish_numbers(runnel, subscribe, "busy", 50)[-1]
    beat = quiet.wait(lambda s: next((e for e in list(s.events)
                                      if e.type == "runnel.beat" and id_key(e.id) >= id_key(newest)), None))
    assert beat.data == ""
    quiet.close()
    resumed = subscribe(runnel, "quiet", "busy", last_event_id=beat.id).await_live()
    assert not resumed.gaps()
    assert resumed.data() == []
    runnel.publish("quiet", "at last")
    assert resumed.await_messages(1) == [("message", "at last")]


def test_resume_after_beats_without_any_event(new_runnel, subscribe, replay):
    runnel = start(new_runnel, replay, stream={"heartbeat": "100ms"})
    stream = subscribe(runnel, "a").await_live()
    stream.wait(lambda s: s.types().count("runnel.beat") >= 3)
    stream.drop()
    stream.wait(lambda s: s.opens == 2)
    stream.await_live(2)
    runnel.publish("a", "first")
    assert stream.await_messages(1) == [("message", "first")]
    assert not stream.gaps()


def test_resume_in_mid_replay(new_runnel, new_relay, subscribe, replay):
    """Cut while the history comes, again and again: it still comes once."""
    runnel = start(new_runnel, replay, events=10000, stream={"retry": "10ms", "page_bytes": "64K", "tail_bytes": "64K"})
    relay = new_relay(runnel.port)
    texts = [f"{n} " + "x" * 1000 for n in range(600)]
    for text in texts:
        runnel.publish("a", text)
    relay.cut_after(50_000)
    stream = subscribe(runnel, "a", via=relay, since="earliest")
    for n in range(8):
        wait_for(lambda: relay.cuts > n, "the relay to cut")
        relay.cut_after(50_000)
    stream.wait(lambda s: len(s.messages) >= len(texts))
    assert stream.data() == texts
    assert not stream.gaps()


def test_history_outlives_the_process_in_redis(new_runnel, new_redis, subscribe):
    server = new_redis().start()
    runnel = start(new_runnel, {"store": "redis"} | server.broker())
    stream = subscribe(runnel, "a").await_live()
    for n in range(10):
        runnel.publish("a", str(n))
    stream.await_messages(10)
    assert runnel.stop() == 0
    runnel.start()
    for n in range(10, 20):
        runnel.publish("a", str(n))
    stream.await_messages(20)
    assert stream.data() == [str(n) for n in range(20)]
    assert not stream.gaps()
    assert_rising(stream.ids())


def test_memory_log_says_that_its_history_is_lost(new_runnel, subscribe):
    """A new process with an empty log: everybody who was here before is told."""
    runnel = start(new_runnel, {"store": "memory"})
    stream = subscribe(runnel, "a").await_live()
    runnel.publish("a", "before")
    stream.await_messages(1)
    assert runnel.stop() == 0
    runnel.start()
    stream.await_live(2)
    runnel.publish("a", "after")
    stream.await_messages(2)
    assert stream.data() == ["before", "after"]
    assert len(stream.gaps()) == 1
    assert_rising(stream.ids())


def test_redis_log_that_was_flushed_is_a_gap(new_runnel, new_redis, subscribe):
    server = new_redis().start()
    runnel = start(new_runnel, {"store": "redis"} | server.broker())
    ids = publish_unheard(runnel, subscribe, "a", 5)
    with server.client() as client:
        client.flushall()
    publish_unheard(runnel, subscribe, "a", 2)
    stream = subscribe(runnel, "a", last_event_id=ids[1]).await_live()
    assert len(stream.gaps()) == 1
    assert stream.data() == ["0", "1"]
    assert_rising(ids + stream.ids())


def test_the_same_url_twice_is_two_streams(new_runnel):
    """No state is kept for a client: two with one cursor get the same."""
    runnel = start(new_runnel, {"store": "memory"})
    with Subscriber(runnel, "a") as one, Subscriber(runnel, "a") as two:
        one.await_live()
        two.await_live()
        runnel.publish("a", "x")
        assert one.await_messages(1) == two.await_messages(1)
