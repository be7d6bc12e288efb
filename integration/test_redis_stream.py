"""The redis-stream source: every entry of a stream becomes its events once, whoever is killed, wherever."""

import json
import queue
import random
import threading

import pytest

from harness.late_relay import LateRelay
from harness.runnel import run_command
from harness.started import started
from harness.subscriber import assert_rising
from harness.waiting import wait_for

ROUTE = {"source": "shop", "topic": "orders", "channel": "out"}
KEEP = {"events": 100_000, "for": "1h"}
ROUND = 2000


def stream_source(server, **more):
    return {"type": "redis-stream", "field": "n"} | server.broker() | more


def add(server, texts, key="orders", **options):
    """XADD each of them as the field n; their ids."""
    with server.client() as client, client.pipeline(transaction=False) as pipeline:
        for text in texts:
            pipeline.xadd(key, {"n": text}, **options)
        return [entry.decode() for entry in pipeline.execute()]


def numbers(begin, end):
    return [str(n) for n in range(begin, end)]


# Where it begins, what it makes


@pytest.mark.sanitized
def test_from_the_end(new_runnel, redis_server, subscribe, replay):
    add(redis_server, ["before"])
    runnel = new_runnel(sources={"shop": stream_source(redis_server)}, replay=replay, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    add(redis_server, numbers(0, 500))
    stream.await_messages(500)
    assert stream.data() == numbers(0, 500)
    assert_rising(stream.ids())


@pytest.mark.sanitized
def test_from_the_beginning(new_runnel, redis_server, subscribe, replay):
    add(redis_server, numbers(0, 300))
    runnel = new_runnel(
        sources={"shop": stream_source(redis_server, **{"from": "0"})}, replay=replay, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out", since="earliest")
    add(redis_server, numbers(300, 350))
    stream.await_messages(350)
    assert stream.data() == numbers(0, 350)


def test_from_an_id(new_runnel, redis_server, subscribe):
    ids = add(redis_server, numbers(0, 10))
    runnel = new_runnel(
        sources={"shop": stream_source(redis_server, **{"from": ids[5]})}, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out", since="earliest")
    stream.await_messages(4)
    add(redis_server, ["end"])
    stream.await_messages(5)
    assert stream.data() == numbers(6, 10) + ["end"]


@pytest.mark.sanitized
def test_all_fields_are_json(new_runnel, redis_server, subscribe):
    routes = [
        {"source": "shop", "topic": "orders", "channel": "orders/{json:/shop}", "event": "{json:/what}",
         "when": [{"json": "/what", "exists": True}]},
        {"source": "shop", "topic": "orders", "channel": "raw", "not_utf8": "base64"},
    ]
    source = stream_source(redis_server)
    del source["field"]
    runnel = new_runnel(sources={"shop": source}, routes=routes).start()
    stream = subscribe(runnel, "orders/north", "raw").await_live()
    fields = {"shop": "north", "what": "paid", "note": "a \"b\"\\\n\x01\u00e4\u2028", "": "empty"}
    with redis_server.client() as client:
        client.xadd("orders", fields)
        client.xadd("orders", {"shop": "north", "bytes": b"\xff"})
    stream.await_messages(3)
    assert [event.type for event in stream.messages] == ["paid", "message", "message"]
    assert json.loads(stream.data()[0]) == fields
    assert stream.data()[0] == stream.data()[1]
    assert stream.data()[2] == "eyJzaG9wIjoibm9ydGgiLCJieXRlcyI6Iv8ifQ==", "as bytes of the route's choice"


def test_entries_without_the_field_are_left_out(new_runnel, redis_server, subscribe):
    runnel = new_runnel(sources={"shop": stream_source(redis_server)}, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    with redis_server.client() as client:
        client.xadd("orders", {"m": "no"})
        client.xadd("orders", {"m": "no", "n": "yes"})
    assert stream.await_messages(1) == [("message", "yes")]
    assert runnel.metric("runnel_unrouted_messages_total", source="shop") == 1
    assert runnel.metric("runnel_source_messages_total", source="shop") == 2


def test_several_streams_and_routes(new_runnel, redis_server, subscribe, replay):
    routes = [{"source": "shop", "topic": topic, "channel": channel}
              for topic, channel in (("a", "one"), ("b", "one"), ("b", "two"), (r"c:\*\[\\\]", "three"))]
    runnel = new_runnel(sources={"shop": stream_source(redis_server)}, replay=replay, routes=routes).start()
    stream = subscribe(runnel, "one", "two", "three").await_live()
    add(redis_server, ["1"], "a")
    stream.await_messages(1)
    add(redis_server, ["2"], "b")
    stream.await_messages(3)
    add(redis_server, ["3"], r"c:*[\]")
    stream.await_messages(4)
    assert stream.data() == ["1", "2", "2", "3"]


@pytest.mark.sanitized
def test_bad_configs_say_why(tmp_path):
    config = tmp_path / "runnel.yaml"
    config.write_text("""sources: {s: {type: redis-stream, url: "redis://h", from: "now"}}
routes:
  - {source: s, topic: "a.*", channel: c}
  - {source: s, topic: "a.{b}", channel: c}
""")
    result = run_command("check", "-c", config)
    assert result.returncode == 1
    assert "1:53: sources.s.from: \"now\" is no place in a stream (expected $, 0, or an id" in result.stderr
    assert "3:24: routes[0].topic: must be the key of one stream" in result.stderr
    assert "4:24: routes[1].topic: must be the key of one stream" in result.stderr


# What goes wrong


def test_wrong_type_is_said(new_runnel, redis_server, subscribe):
    with redis_server.client() as client:
        client.set("orders", "text")
        runnel = new_runnel(sources={"shop": stream_source(redis_server)}, routes=[ROUTE]).start_unready()
        runnel.await_down("source shop")
        wait_for(lambda: "stream orders: WRONGTYPE" in (runnel.down_reason("source shop") or ""),
                 lambda: runnel.down_reason("source shop"))
        client.delete("orders")
    runnel.await_ready()
    stream = subscribe(runnel, "out").await_live()
    add(redis_server, ["1"])
    assert stream.await_messages(1) == [("message", "1")]


def test_trimmed_entries_are_a_gap(new_runnel, new_redis, subscribe):
    """What the stream lost while runnel was away is counted, and every client is told."""
    broker, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, replay=log, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    add(broker, ["read"])
    stream.await_messages(1)
    runnel.kill()
    add(broker, numbers(0, 20))
    with broker.client() as client:
        client.xtrim("orders", maxlen=5, approximate=False)
    runnel.start()
    stream.await_messages(6)
    assert stream.data() == ["read"] + numbers(15, 20)
    stream.wait(lambda s: s.gaps())
    gap = json.loads(stream.gaps()[0].data)
    assert (gap["channel"], gap["after"], gap["resumes"]) == ("out", stream.ids()[0], stream.ids()[1])
    assert runnel.metric("runnel_source_dropped_total", source="shop", reason="trimmed") == 15


def test_deleted_stream_is_one_gap(new_runnel, new_redis, subscribe):
    """What was told is not told again by each restart."""
    broker, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, replay=log, routes=[ROUTE]).start()
    stream = subscribe(new_runnel(replay=log).start(), "out").await_live()
    add(broker, numbers(0, 5))
    stream.await_messages(5)
    with broker.client() as client:
        client.delete("orders")
    stream.wait(lambda s: s.gaps())
    for _ in "ab":
        runnel.kill()
        runnel.start()
    add(broker, ["end"])
    stream.await_messages(6)
    assert stream.data() == numbers(0, 5) + ["end"]
    assert len(stream.gaps()) == 1


def test_stream_made_anew_is_read_from_its_beginning(new_runnel, new_redis, subscribe):
    """In one step, with the ids of the old one and no fewer; what was read of it before that was seen comes again."""
    broker = new_redis().start()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    new = [f"new {n}" for n in range(1, 11)]
    with broker.client() as client:
        for n in range(1, 6):
            client.xadd("orders", {"n": str(n)}, id=f"{n}-0")
        stream.await_messages(5)
        with client.pipeline(transaction=True) as pipeline:
            pipeline.delete("orders")
            for n, text in enumerate(new, 1):
                pipeline.xadd("orders", {"n": text}, id=f"{n}-0")
            pipeline.execute()
    stream.wait(lambda s: s.data()[-10:] == new)
    stream.wait(lambda s: s.gaps())
    assert stream.data()[:5] == numbers(1, 6)
    assert len(stream.gaps()) == 1


def test_broker_restarts(new_runnel, new_redis, subscribe):
    broker = new_redis(is_persistent=True).start()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    add(broker, numbers(0, 100))
    broker.kill()
    runnel.await_down("source shop")
    broker.start()
    add(broker, numbers(100, 200))
    stream.await_messages(200)
    assert stream.data() == numbers(0, 200)
    assert not stream.gaps()


# Once


class Writer(threading.Thread):
    """Adds numbers, a few at a time, as far as it may; `sent` of them are there."""

    def __init__(self, server, pace=50):
        super().__init__(daemon=True)
        self._server, self._pace = server, pace
        self._limits = queue.SimpleQueue()
        self.sent = 0
        self.start()

    def go_on(self, limit):
        self._limits.put(limit)

    def end(self):
        self._limits.put(None)
        self.join()

    def run(self):
        while (limit := self._limits.get()) is not None:
            while self.sent < limit:
                until = min(self.sent + self._pace, limit)
                add(self._server, numbers(self.sent, until))
                self.sent = until


@pytest.fixture
def writing():
    """writing(server): a Writer."""
    yield from started(Writer)


def assert_once(stream, count):
    wait_for(lambda: len(stream.messages) >= count,
             lambda: f"{len(stream.messages)} of {count} messages, the last: {stream.data()[-3:]}")
    assert stream.data() == numbers(0, count)
    assert_rising(stream.ids())
    assert not stream.gaps()


def kill_between(stream, writer, runnel, chance, rounds):
    """Kills and starts it in the midst of each round of ROUND entries; how often it had not brought all of them."""
    interrupted = 0
    for n in range(rounds):
        begin = n * ROUND
        seen = begin + chance.randrange(ROUND // 2)
        writer.go_on(begin + ROUND)
        stream.wait(lambda s, seen=seen: len(s.messages) > seen)
        runnel.kill()
        interrupted += len(stream.messages) < begin + ROUND
        runnel.start()
    return interrupted


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_again_and_again(new_runnel, new_redis, subscribe, writing, seed):
    """SIGKILL in the midst of it, at moments of the seed's; an EventSource of another process sees all of it."""
    broker, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, replay=log, routes=[ROUTE]).start()
    reader = new_runnel(replay=log).start()
    stream = subscribe(reader, "out").await_live()
    assert kill_between(stream, writing(broker), runnel, random.Random(seed), 8) >= 4
    assert_once(stream, 8 * ROUND)
    assert stream.opens == 1


def test_killed_with_its_clients(new_runnel, new_redis, subscribe, writing):
    """The process that is killed is the one that the clients are connected to: they resume."""
    broker, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, replay=log, stream={"retry": "50ms"},
                        routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    kill_between(stream, writing(broker), runnel, random.Random(4), 5)
    assert_once(stream, 5 * ROUND)
    assert stream.opens >= 5


def test_killed_while_the_log_is_stopped(new_runnel, new_redis, subscribe):
    """What the killed process had sent is carried out when its successor may already have asked where to go on."""
    broker, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    source = stream_source(broker, **{"from": "0"})
    runnel = new_runnel(sources={"shop": source}, replay=log, routes=[ROUTE])
    reader = new_runnel(replay=log).start()
    stream = subscribe(reader, "out").await_live()
    for n in range(8):
        add(broker, numbers(n * ROUND, (n + 1) * ROUND))
        runnel.start_unready()
        stream.wait(lambda s, n=n: len(s.messages) > n * ROUND)
        server.pause()
        runnel.kill()
        runnel.start_unready()
        server.resume()
        stream.wait(lambda s, n=n: len(s.messages) > n * ROUND + ROUND // 2)
        runnel.kill()
    runnel.start()
    assert_once(stream, 8 * ROUND)


@pytest.fixture
def new_late_relay():
    """new_late_relay(port): carries a port of its own to that one."""
    yield from started(LateRelay)


@pytest.mark.parametrize("share", [0.1, 1])
def test_what_a_dead_process_had_sent_arrives_late(new_runnel, new_redis, new_late_relay, subscribe, share):
    """When its successor has stored that much of the same: nothing comes twice, nothing is left out."""
    broker, server = new_redis().start(), new_redis().start()
    relay = new_late_relay(server.port)
    log = {"store": "redis", "keep": KEEP} | server.broker()
    source = stream_source(broker, **{"from": "0"})
    dead = new_runnel(sources={"shop": source}, replay=log | {"url": f"redis://127.0.0.1:{relay.port}"},
                      routes=[ROUTE])
    successor = new_runnel(sources={"shop": source}, replay=log, routes=[ROUTE])
    stream = subscribe(new_runnel(replay=log).start(), "out").await_live()
    dead.start()
    add(broker, numbers(0, 10))
    stream.await_messages(10)
    relay.hold()
    add(broker, numbers(10, ROUND))
    wait_for(lambda: relay.held > 0, "it to send something")
    dead.kill()
    successor.start()
    stream.wait(lambda s: len(s.messages) >= 10 + share * (ROUND - 10))
    relay.deliver()
    add(broker, numbers(ROUND, ROUND + 10))
    assert_once(stream, ROUND + 10)


def test_log_restarts_in_between(new_runnel, new_redis, subscribe, writing):
    broker, server = new_redis().start(), new_redis(is_persistent=True).start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, replay=log, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    writing(broker).go_on(4 * ROUND)
    stream.wait(lambda s: len(s.messages) > ROUND)
    server.kill()
    assert len(stream.messages) < 4 * ROUND
    runnel.await_down("replay log")
    server.start()
    assert_once(stream, 4 * ROUND)


def test_log_that_is_away_makes_the_stream_wait(new_runnel, new_redis, subscribe):
    """Nothing waits in runnel's memory but a little: the stream keeps it."""
    broker, server = new_redis().start(), new_redis(is_persistent=True).start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    runnel = new_runnel(sources={"shop": stream_source(broker)}, replay=log, routes=[ROUTE]).start()
    stream = subscribe(runnel, "out").await_live()
    add(broker, numbers(0, 1000))
    stream.await_messages(1000)
    server.kill()
    runnel.await_down("replay log")
    add(broker, numbers(1000, 5000))
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") > 0, "it to read on")
    assert runnel.metric("runnel_replay_queue_events") <= 2 * 2 * 256
    server.start()
    assert_once(stream, 5000)
    assert runnel.metric("runnel_source_dropped_total") == 0


def test_two_processes_of_one_source(new_runnel, new_redis, subscribe, writing):
    """Nobody should have to run it so, and still each entry comes once."""
    broker, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "keep": KEEP} | server.broker()
    both = [new_runnel(sources={"shop": stream_source(broker)}, replay=log, routes=[ROUTE]).start() for _ in "ab"]
    reader = new_runnel(replay=log).start()
    stream = subscribe(reader, "out").await_live()
    writing(broker).go_on(2 * ROUND)
    stream.wait(lambda s: len(s.messages) > ROUND)
    both[0].kill()
    assert_once(stream, 2 * ROUND)
