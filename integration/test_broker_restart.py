"""Brokers that go and come back: streams stay open, subscriptions are made again."""

import pytest

from harness.mosquitto import await_published
from harness.subscriber import assert_rising
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized


def routes(source, topic):
    return [{"source": source, "topic": topic, "channel": "out"}]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_redis_restarts(new_runnel, redis_server, subscribe, end):
    runnel = new_runnel(sources={"shop": redis_server.source()},
                        routes=routes("shop", "literal") + routes("shop", "pattern.{x}")).start()
    stream = subscribe(runnel, "out").await_live()
    for n in range(3):
        redis_server.publish("literal", f"literal {n}")
        redis_server.publish("pattern.x", f"pattern {n}")
        stream.await_messages(2 * (n + 1))
        getattr(redis_server, end)()
        runnel.await_down("source shop")
        redis_server.start()
        runnel.await_ready()
    assert stream.data() == [f"{kind} {n}" for n in range(3) for kind in ("literal", "pattern")]
    assert stream.opens == 1, "the stream stayed open"
    assert runnel.metric("runnel_source_reconnects_total", source="shop") >= 3


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_mosquitto_restarts(new_runnel, mosquitto, subscribe, version, end):
    runnel = new_runnel(sources={"plant": mosquitto.source(version=version)}, routes=routes("plant", "a/{b}")).start()
    stream = subscribe(runnel, "out").await_live()
    for n in range(3):
        mosquitto.publish("a/b", str(n))
        stream.await_messages(n + 1)
        getattr(mosquitto, end)()
        runnel.await_down("source plant")
        mosquitto.start()
        runnel.await_ready()
    assert stream.data() == ["0", "1", "2"]
    assert stream.opens == 1


def test_persistent_session_gets_what_came_while_it_was_away(new_runnel, new_mosquitto, new_relay, subscribe):
    """QoS 1 and a client_id: the broker keeps what is published while the network is broken."""
    broker = new_mosquitto().start()
    relay = new_relay(broker.port)
    source = broker.source(url=f"mqtt://127.0.0.1:{relay.port}", client_id="runnel")
    runnel = new_runnel(sources={"plant": source}, routes=routes("plant", "a/{b}")).start()
    stream = subscribe(runnel, "out").await_live()
    sent = [str(n) for n in range(2000)]
    with broker.publisher() as publisher:
        for n, text in enumerate(sent):
            handle = publisher.send("a/b", text)
            if n % 400 == 399:
                relay.cut()
        await_published(handle)
    stream.wait(lambda s: set(sent) <= set(s.data()))
    assert list(dict.fromkeys(stream.data())) == sent, "all of them, in order; QoS 1 may repeat"
    assert_rising(stream.ids())


def test_broker_that_is_up_later(new_runnel, new_redis, new_mosquitto, subscribe):
    """runnel may start first."""
    redis_server, broker = new_redis(), new_mosquitto()
    runnel = new_runnel(
        sources={"shop": redis_server.source(), "plant": broker.source(), "api": {"type": "http"}},
        routes=routes("shop", "t") + routes("plant", "t") + routes("api", "t")).start_unready()
    answer = runnel.ready()
    assert answer.status == 503
    assert "down source shop" in answer.text and "down source plant" in answer.text
    assert runnel.admin("/healthz").status == 200
    stream = subscribe(runnel, "out").await_live()
    runnel.publish("t", "from api")
    stream.await_messages(1)
    redis_server.start()
    broker.start()
    runnel.await_ready()
    redis_server.publish("t", "from shop")
    stream.await_messages(2)
    broker.publish("t", "from plant")
    stream.await_messages(3)
    assert stream.data() == ["from api", "from shop", "from plant"]


def test_redis_that_falls_silent(new_runnel, redis_server, subscribe):
    """SIGSTOP: connected, and mute. The liveness PING finds it; the new connection waits until it answers."""
    source = redis_server.source(idle_timeout="300ms", connect_timeout="500ms", retry_max="200ms")
    runnel = new_runnel(sources={"shop": source}, routes=routes("shop", "t")).start()
    stream = subscribe(runnel, "out").await_live()
    redis_server.pause()
    runnel.await_down("source shop")
    redis_server.resume()
    runnel.await_ready()
    redis_server.publish("t", "again")
    stream.wait(lambda s: "again" in s.data())
    assert stream.opens == 1


def test_mosquitto_that_falls_silent(new_runnel, mosquitto, subscribe):
    source = mosquitto.source(keepalive="5s", connect_timeout="500ms", retry_max="200ms")
    runnel = new_runnel(sources={"plant": source}, routes=routes("plant", "t")).start()
    stream = subscribe(runnel, "out").await_live()
    mosquitto.pause()
    runnel.await_down("source plant")
    mosquitto.resume()
    runnel.await_ready()
    mosquitto.publish("t", "again")
    stream.wait(lambda s: "again" in s.data())
    assert stream.opens == 1


def test_client_kill(new_runnel, redis_server, subscribe):
    """An operator's CLIENT KILL is a lost connection like any other."""
    runnel = new_runnel(sources={"shop": redis_server.source()}, routes=routes("shop", "t")).start()
    stream = subscribe(runnel, "out").await_live()
    with redis_server.client() as client:
        client.client_kill_filter(_type="pubsub")
    wait_for(lambda: runnel.metric("runnel_source_reconnects_total", source="shop") >= 1, "the reconnection")
    runnel.await_ready()
    redis_server.publish("t", "after")
    assert stream.await_messages(1) == [("message", "after")]


def test_two_with_one_client_id_are_told_so(new_runnel, mosquitto):
    """They take the session from each other without end, and mosquitto gives no reason."""
    pair = [new_runnel(sources={"plant": mosquitto.source(client_id="same")},
                       routes=[{"source": "plant", "topic": "t", "channel": "a"}]) for _ in range(2)]
    for runnel in pair:
        runnel.start_unready()
    wait_for(lambda: any("sources.plant.client_id" in runnel.log() for runnel in pair), "one to say why")
