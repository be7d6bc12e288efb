"""The Redis of the log goes and comes back: appends wait, streams beat on, then everything goes on in order."""

import threading

import pytest

from harness.mosquitto import await_published
from harness.subscriber import assert_rising
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized


def start(new_runnel, server, sources, stream=None, **replay):
    log = {"store": "redis", "connect_timeout": "500ms", "idle_timeout": "300ms"} | server.broker(retry_max="200ms")
    return new_runnel(
        sources=sources, replay=log | replay, stream={"heartbeat": "100ms", "retry": "10ms"} | (stream or {}),
        routes=[{"source": name, "topic": "t", "channel": "out"} for name in sources]).start()


def beats(stream):
    return stream.types().count("runnel.beat")


def go_down(server, how):
    getattr(server, how)()
    return {"kill": server.start, "stop": server.start, "pause": server.resume}[how]


def store_one(runnel, source, stream):
    """Its id. The feed may tell of it before the appender is told: then it would still take a place in the queue."""
    source.publish("t", "before")
    stream.await_messages(1)
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 0, "the log's reply")
    return stream.ids()[0]


@pytest.mark.parametrize("how", ["kill", "stop", "pause"])
def test_appends_wait_and_go_on_in_order(new_runnel, new_redis, mosquitto, subscribe, how):
    server = new_redis(is_persistent=True).start()
    runnel = start(new_runnel, server, {"plant": mosquitto.source(client_id="runnel", qos=1)})
    stream = subscribe(runnel, "out").await_live()
    mosquitto.publish("t", "before")
    stream.await_messages(1)
    come_back = go_down(server, how)
    runnel.await_down("replay log")
    for n in range(200):
        mosquitto.publish("t", str(n))
    seen = beats(stream)
    stream.wait(lambda s: beats(s) >= seen + 3)
    assert stream.data() == ["before"]
    come_back()
    runnel.await_ready()
    mosquitto.publish("t", "after")
    stream.wait(lambda s: "after" in s.data())
    assert stream.data() == ["before"] + [str(n) for n in range(200)] + ["after"]
    assert_rising(stream.ids())
    assert stream.opens == 1
    assert not stream.gaps()
    assert stream.ids() == subscribe(runnel, "out", since="earliest").await_live().ids(), "nothing stands in it twice"


def test_redis_pubsub_waits_in_memory(new_runnel, new_redis, subscribe):
    source, server = new_redis().start(), new_redis(is_persistent=True).start()
    runnel = start(new_runnel, server, {"shop": source.source()})
    stream = subscribe(runnel, "out").await_live()
    server.kill()
    runnel.await_down("replay log")
    sent = [str(n) for n in range(500)]
    source.publish_all("t", sent)
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 500, "500 events to wait")
    server.start()
    runnel.await_ready()
    stream.await_messages(500)
    assert stream.data() == sent
    assert not stream.gaps()


def test_full_queue_is_a_gap_that_is_said(new_runnel, new_redis, subscribe):
    """A source that cannot wait loses what overflows; that is counted, and the clients are told."""
    source, server = new_redis().start(), new_redis(is_persistent=True).start()
    runnel = start(new_runnel, server, {"shop": source.source()}, queue={"events": 100})
    stream = subscribe(runnel, "out").await_live()
    cursor = store_one(runnel, source, stream)
    server.kill()
    runnel.await_down("replay log")
    source.publish_all("t", [str(n) for n in range(500)])
    wait_for(lambda: runnel.metric("runnel_source_dropped_total", source="shop") == 400,
             lambda: f"400 losses {runnel.metrics()}")
    server.start()
    runnel.await_ready()
    stream.wait(lambda s: s.gaps())
    source.publish("t", "after")
    stream.wait(lambda s: "after" in s.data())
    assert stream.data() == ["before"] + [str(n) for n in range(100)] + ["after"]
    assert len(stream.gaps()) == 1
    resumed = subscribe(runnel, "out", last_event_id=cursor).await_live()
    assert len(resumed.gaps()) == 1
    assert resumed.data() == stream.data()[1:]


def test_burst_that_the_log_is_too_slow_for(new_runnel, new_redis, subscribe):
    """
    The log is up all the time and only does not keep up. What overflows the queue at the end of the burst is told
    although no event follows, to who is there and to who comes back.
    """
    source, server = new_redis().start(), new_redis().start()
    runnel = start(new_runnel, server, {"shop": source.source()}, queue={"events": 100}, idle_timeout="1m",
                   connect_timeout="1m")
    stream = subscribe(runnel, "out").await_live()
    quiet = subscribe(runnel, "quiet").await_live()
    cursor = store_one(runnel, source, stream)
    server.pause()
    source.publish_all("t", [str(n) for n in range(500)])
    wait_for(lambda: runnel.metric("runnel_source_dropped_total", source="shop") == 400,
             lambda: f"400 losses {runnel.metrics()}")
    server.resume()
    stream.wait(lambda s: s.gaps())
    assert stream.data() == ["before"] + [str(n) for n in range(100)]
    quiet.wait(lambda s: s.gaps())
    resumed = subscribe(runnel, "out", last_event_id=cursor).await_live()
    assert resumed.data() == stream.data()[1:] and len(resumed.gaps()) == 1
    source.publish("t", "after")
    stream.wait(lambda s: "after" in s.data())
    assert len(stream.gaps()) == 1 and stream.opens == 1


def test_channel_that_the_log_cannot_store(new_runnel, new_redis, subscribe):
    """Somebody else's key has the stream's name: the publisher hears of it, the channel's clients too, and no other."""
    server = new_redis().start()
    runnel = new_runnel(sources={"api": {"type": "http"}}, replay={"store": "redis"} | server.broker(),
                        routes=[{"source": "api", "topic": "{c}", "channel": "{c}"}]).start()
    edge = new_runnel(replay={"store": "redis"} | server.broker()).start()
    bad, good = subscribe(runnel, "bad").await_live(), subscribe(runnel, "good").await_live()
    far = subscribe(edge, "bad").await_live()
    cursor = bad.last_event_id
    with server.client() as client:
        client.set("{runnel}:c:bad", "x")
    answer = runnel.admin("/publish/bad", method="POST", body="lost")
    assert answer.status == 500 and "runnel's log says why" in answer.text
    assert runnel.publish("good", "1") == 1
    good.await_messages(1)
    for stream in (bad, far):
        stream.wait(lambda s: s.gaps())
    for process in (runnel, edge):
        resumed = subscribe(process, "bad", last_event_id=cursor).await_live()
        assert len(resumed.gaps()) == 1 and not resumed.data()
    with server.client() as client:
        client.delete("{runnel}:c:bad")
    runnel.publish("bad", "stored")
    for stream in (bad, far):
        stream.wait(lambda s: "stored" in s.data())
        assert len(stream.gaps()) == 1 and stream.opens == 1
    resumed = subscribe(edge, "bad", last_event_id=cursor).await_live()
    assert len(resumed.gaps()) == 1 and resumed.data() == ["stored"]
    assert not good.gaps()
    assert runnel.metric("runnel_replay_dropped_total") == 1


def test_mqtt_waits_at_its_broker(new_runnel, new_redis, mosquitto, subscribe):
    """More than the queue takes at once: the broker keeps it, nothing is lost."""
    server = new_redis(is_persistent=True).start()
    runnel = start(new_runnel, server, {"plant": mosquitto.source(client_id="runnel", qos=1)}, queue={"events": 50})
    stream = subscribe(runnel, "out").await_live()
    server.kill()
    runnel.await_down("replay log")
    sent = [str(n) for n in range(1000)]
    runnel.pause()  # what comes slowly is left at the broker before the queue is full
    with mosquitto.publisher() as publisher:
        for text in sent:
            handle = publisher.send("t", text)
        await_published(handle)
    runnel.resume()
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 50, "a full queue")
    server.start()
    runnel.await_ready()
    stream.wait(lambda s: set(sent) <= set(s.data()))
    assert list(dict.fromkeys(stream.data())) == sent
    assert runnel.metric("runnel_source_dropped_total", source="plant") == 0


def test_publish_by_http_while_the_log_is_down(new_runnel, new_redis, subscribe):
    """It answers only when the log has it; a full queue is 503."""
    server = new_redis(is_persistent=True).start()
    runnel = start(new_runnel, server, {"api": {"type": "http"}}, queue={"events": 2})
    stream = subscribe(runnel, "out").await_live()
    server.kill()
    runnel.await_down("replay log")
    answers = []

    def publish(text):
        answers.append(runnel.admin("/publish/t", method="POST", body=text))

    threads = [threading.Thread(target=publish, args=(str(n),)) for n in range(2)]
    for thread in threads:
        thread.start()
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 2, "two events to wait")
    assert runnel.admin("/publish/t", method="POST", body="too much").status == 503
    assert not answers
    server.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200, 200]
    stream.await_messages(2)
    assert sorted(stream.data()) == ["0", "1"]


def test_clients_that_come_during_the_outage(new_runnel, new_redis, subscribe):
    """They are connected and told what there is when it is there."""
    server = new_redis(is_persistent=True).start()
    runnel = start(new_runnel, server, {"api": {"type": "http"}})
    runnel.publish("t", "one")
    runnel.publish("t", "two")
    cursor = subscribe(runnel, "out", since="earliest").await_live().ids()[0]
    server.kill()
    runnel.await_down("replay log")
    streams = [subscribe(runnel, "out", last_event_id=cursor), subscribe(runnel, "out", since="earliest")]
    for stream in streams:
        stream.wait(lambda s: s.opens >= 1)
    server.start()
    runnel.await_ready()
    runnel.publish("t", "three")
    for stream in streams:
        stream.wait(lambda s: "three" in s.data())
    assert [stream.data() for stream in streams] == [["two", "three"], ["one", "two", "three"]]
    assert not streams[0].gaps()


def test_feed_connection_is_killed(new_runnel, new_redis, subscribe):
    """Everybody is behind for a moment, and nobody misses anything."""
    server = new_redis().start()
    runnel = start(new_runnel, server, {"api": {"type": "http"}})
    streams = [subscribe(runnel, "out").await_live() for _ in range(10)]
    sent = [str(n) for n in range(300)]
    with server.client() as client:
        for n, text in enumerate(sent):
            if n % 50 == 25:
                client.client_kill_filter(_type="pubsub")
            if n % 50 == 40:
                client.client_kill_filter(_type="normal", skipme=True)
            runnel.publish("t", text)
    for stream in streams:
        stream.await_messages(len(sent))
        assert stream.data() == sent
        assert not stream.gaps()
        assert stream.opens == 1


def test_log_that_comes_back_empty(new_runnel, new_redis, subscribe):
    """
    Redis without persistence restarts: what was in it is gone, and that is said; ids rise on. Another process tells
    it, which has nothing of it in memory.
    """
    server = new_redis().start()
    runnel = start(new_runnel, server, {"api": {"type": "http"}})
    stream = subscribe(runnel, "out").await_live()
    for n, text in enumerate(["one", "two"]):
        runnel.publish("t", text)
        stream.await_messages(n + 1)
    server.kill()
    runnel.await_down("replay log")
    server.start()
    runnel.await_ready()
    runnel.publish("t", "three")
    stream.wait(lambda s: "three" in s.data())
    assert_rising(stream.ids())
    edge = start(new_runnel, server, {})
    resumed = subscribe(edge, "out", last_event_id=stream.ids()[0]).await_live()
    assert resumed.data() == ["three"]
    assert len(resumed.gaps()) == 1
