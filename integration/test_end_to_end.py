"""From each source to an EventSource: names, data, ids, and the routing in between."""

import json

import pytest

from harness.mosquitto import await_published
from harness.subscriber import assert_rising

pytestmark = pytest.mark.sanitized

ORDERS = [{"source": "shop", "topic": "orders.{shop}.{what}", "channel": "orders/{shop}", "event": "{what}"}]


def http_source(**more):
    return {"type": "http"} | more


# Redis


def test_redis_literal_channel(new_runnel, redis_server, subscribe, replay):
    runnel = new_runnel(
        sources={"shop": redis_server.source()}, replay=replay,
        routes=[{"source": "shop", "topic": "news", "channel": "news"}]).start()
    stream = subscribe(runnel, "news").await_live()
    assert redis_server.publish("news", "hello") == 1
    assert stream.await_messages(1) == [("message", "hello")]


def test_redis_pattern_with_captures(new_runnel, redis_server, subscribe, replay):
    runnel = new_runnel(sources={"shop": redis_server.source()}, replay=replay, routes=ORDERS).start()
    north = subscribe(runnel, "orders/north").await_live()
    south = subscribe(runnel, "orders/south").await_live()
    redis_server.publish("orders.north.paid", "1")
    redis_server.publish("orders.south.sent", "2")
    redis_server.publish("orders.north.sent", "3")
    redis_server.publish("orders.north", "no third level")
    redis_server.publish("orders.south.late", "4")
    assert south.await_messages(2) == [("sent", "2"), ("late", "4")]
    assert north.await_messages(2) == [("paid", "1"), ("sent", "3")]


def test_redis_native_wildcards(new_runnel, redis_server, subscribe):
    runnel = new_runnel(
        sources={"shop": redis_server.source()},
        routes=[{"source": "shop", "topic": "log:[ab]?:*", "channel": "all", "event": "{topic}"}]).start()
    stream = subscribe(runnel, "all").await_live()
    for topic in ("log:a1:x", "log:c1:x", "log:b2:y:z", "log:b:x", "log:a3:end"):
        redis_server.publish(topic, "-")
    assert stream.await_messages(3) == [("log:a1:x", "-"), ("log:b2:y:z", "-"), ("log:a3:end", "-")]


def test_redis_overlapping_subscriptions_deliver_once(new_runnel, redis_server, subscribe):
    routes = [
        {"source": "shop", "topic": "orders.north.paid", "channel": "literal"},
        {"source": "shop", "topic": "orders.{shop}.{what}", "channel": "captured"},
        {"source": "shop", "topic": "orders.*", "channel": "wild"},
    ]
    runnel = new_runnel(sources={"shop": redis_server.source()}, routes=routes).start()
    stream = subscribe(runnel, "literal", "captured", "wild").await_live()
    redis_server.publish("orders.north.paid", "once")
    redis_server.publish("orders.end", "end")
    assert stream.await_messages(4) == [("message", "once")] * 3 + [("message", "end")]


def test_redis_in_order(new_runnel, redis_server, subscribe, replay):
    runnel = new_runnel(sources={"shop": redis_server.source()}, replay=replay, routes=ORDERS).start()
    stream = subscribe(runnel, "orders/a", "orders/b").await_live()
    numbers = [str(n) for n in range(3000)]
    with redis_server.client() as client, client.pipeline(transaction=False) as pipeline:
        for n, number in enumerate(numbers):
            pipeline.publish(f"orders.{'ab'[n % 2]}.n", number)
        pipeline.execute()
    stream.await_messages(len(numbers))
    assert stream.data() == numbers
    assert_rising(stream.ids())


def test_redis_with_password(new_runnel, new_redis, subscribe):
    server = new_redis(password="s3cret word").start()
    runnel = new_runnel(sources={"shop": server.source()}, routes=ORDERS).start()
    stream = subscribe(runnel, "orders/a").await_live()
    server.publish("orders.a.paid", "1")
    assert stream.await_messages(1) == [("paid", "1")]
    assert "s3cret" not in runnel.log()


def test_redis_over_tls(new_runnel, new_redis, authority, subscribe):
    server = new_redis(tls=authority).start()
    runnel = new_runnel(
        sources={"shop": server.source()}, replay={"store": "redis"} | server.broker(), routes=ORDERS).start()
    stream = subscribe(runnel, "orders/a").await_live()
    numbers = [str(n) * 200 for n in range(500)]
    server.publish_all("orders.a.n", numbers)
    stream.await_messages(len(numbers))
    assert stream.data() == numbers


# MQTT


def plant_routes():
    return [{"source": "plant", "topic": "plant/{line}/+/temperature", "channel": "lines/{line}",
             "event": "temperature"}]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1])
def test_mqtt(new_runnel, mosquitto, subscribe, version, qos):
    source = mosquitto.source(version=version, qos=qos, client_id="runnel" if qos else "")
    runnel = new_runnel(sources={"plant": source}, routes=plant_routes()).start()
    stream = subscribe(runnel, "lines/seven").await_live()
    numbers = [str(n) for n in range(500)]
    with mosquitto.publisher() as publisher:
        publisher.publish("plant/seven/oven", "not a temperature", qos)
        publisher.publish("plant/eight/oven/temperature", "another line", qos)
        for number in numbers:
            handle = publisher.send("plant/seven/oven/temperature", number, qos)
        await_published(handle)
        assert stream.await_messages(len(numbers)) == [("temperature", number) for number in numbers]
    assert_rising(stream.ids())


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_into_both_logs(new_runnel, mosquitto, subscribe, replay, version):
    source = mosquitto.source(version=version, client_id="runnel")
    runnel = new_runnel(sources={"plant": source}, replay=replay, routes=plant_routes()).start()
    stream = subscribe(runnel, "lines/seven").await_live()
    mosquitto.publish("plant/seven/oven/temperature", "žluť\nblau".encode())
    assert stream.await_messages(1) == [("temperature", "žluť\nblau")]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_overlapping_subscriptions_deliver_once(new_runnel, mosquitto, subscribe, version):
    routes = [
        {"source": "plant", "topic": "a/{b}/c", "channel": "captured"},
        {"source": "plant", "topic": "a/#", "channel": "wild"},
        {"source": "plant", "topic": "a/b/c", "channel": "literal"},
    ]
    runnel = new_runnel(sources={"plant": mosquitto.source(version=version)}, routes=routes).start()
    stream = subscribe(runnel, "captured", "wild", "literal").await_live()
    mosquitto.publish("a/b/c", "once")
    mosquitto.publish("a/end", "end")
    assert stream.await_messages(4) == [("message", "once")] * 3 + [("message", "end")]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_over_tls_with_password(new_runnel, new_mosquitto, authority, subscribe, version):
    broker = new_mosquitto(user="runnel", password="pa55 word", tls=authority).start()
    runnel = new_runnel(sources={"plant": broker.source(version=version)}, routes=plant_routes()).start()
    stream = subscribe(runnel, "lines/seven").await_live()
    broker.publish("plant/seven/oven/temperature", "21")
    assert stream.await_messages(1) == [("temperature", "21")]
    assert "pa55" not in runnel.log()


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("policy, first, second", [
    ("pass", ["kept"], ["kept"]),
    ("drop", [], []),
    ("new", ["kept"], []),
])
def test_mqtt_retained(new_runnel, new_mosquitto, subscribe, version, policy, first, second):
    """What was retained before runnel came, and what a reconnection brings of it once more."""
    broker = new_mosquitto(is_persistent=True).start()
    broker.publish("a/b", "kept", retain=True)
    source = broker.source(version=version, retained=policy, client_id="runnel")
    runnel = new_runnel(
        sources={"plant": source}, routes=[{"source": "plant", "topic": "a/{b}", "channel": "a"}]).start()
    stream = subscribe(runnel, "a", since="earliest")
    broker.publish("a/b", "one")
    stream.await_messages(len(first) + 1)
    assert stream.data() == first + ["one"]
    broker.await_acknowledged("runnel")
    broker.stop()
    broker.start()
    runnel.await_ready()
    broker.publish("a/b", "two")
    stream.await_messages(len(first) + 1 + len(second) + 1)
    assert stream.data() == first + ["one"] + second + ["two"]


# HTTP


def test_http(new_runnel, subscribe, replay):
    runnel = new_runnel(
        sources={"api": http_source()}, replay=replay,
        routes=[{"source": "api", "topic": "notes/{who}", "channel": "notes/{who}", "event": "note"}]).start()
    stream = subscribe(runnel, "notes/anna").await_live()
    assert runnel.publish("notes/anna", "Grüße 😀") == 1
    assert runnel.publish("nowhere", "nobody asked") == 0
    assert runnel.publish("notes/anna", "") == 1
    assert stream.await_messages(2) == [("note", "Grüße 😀"), ("note", "")]


# The event, whatever the source


def api(new_runnel, routes, **sections):
    routes = [{"source": "api"} | route for route in routes]
    return new_runnel(sources={"api": http_source()}, routes=routes, **sections).start()


@pytest.mark.parametrize("payload, data", [
    ("one", "one"),
    ("one\ntwo", "one\ntwo"),
    ("one\r\ntwo\rthree", "one\ntwo\nthree"),
    ("\n", "\n"),
    ("\n\n\nfour\n\n", "\n\n\nfour\n\n"),
    (" leading blank", " leading blank"),
    ("  two\n  more", "  two\n  more"),
    ("tab\there", "tab\there"),
    ("žluťoučký kůň 馬 😀", "žluťoučký kůň 馬 😀"),
    ("", ""),
])
def test_data_comes_out_as_it_went_in(new_runnel, subscribe, payload, data):
    runnel = api(new_runnel, [{"topic": "{name}", "channel": "{name}"}])
    stream = subscribe(runnel, "c").await_live()
    runnel.publish("c", payload.encode())
    assert stream.await_messages(1) == [("message", data)]


def test_fan_out_and_fan_in(new_runnel, subscribe):
    runnel = api(new_runnel, [
        {"topic": "a.{x}", "channel": "everything", "event": "a"},
        {"topic": "b.{x}", "channel": "everything", "event": "b"},
        {"topic": "{any}.{x}", "channel": "only/{x}"},
    ])
    every = subscribe(runnel, "everything").await_live()
    only = subscribe(runnel, "only/1").await_live()
    assert [runnel.publish(topic, topic) for topic in ("a.1", "b.1", "b.2", "c.1")] == [2, 2, 2, 1]
    assert every.await_messages(3) == [("a", "a.1"), ("b", "b.1"), ("b", "b.2")]
    assert only.await_messages(3) == [("message", "a.1"), ("message", "b.1"), ("message", "c.1")]


def test_json_pointer_and_filter(new_runnel, subscribe):
    runnel = api(new_runnel, [{
        "topic": "orders", "channel": "orders/{json:/shop/id}", "event": "{json:/type}",
        "data": '{json:/text} from {source} by {topic}, {{json}}',
        "when": [{"json": "/total", "gt": 10}, {"json": "/type", "in": ["paid", "sent"]}],
    }])
    stream = subscribe(runnel, "orders/7").await_live()

    def publish(**order):
        return runnel.publish("orders", json.dumps(order))

    assert publish(type="paid", total=11, text="one", shop={"id": 7}) == 1
    assert publish(type="paid", total=10, text="too little", shop={"id": 7}) == 0
    assert publish(type="lost", total=99, text="another type", shop={"id": 7}) == 0
    assert publish(type="sent", total=99, text="no shop") == 0
    assert runnel.publish("orders", "{") == 0
    assert publish(type="sent", total=10.5, text="zwölf\n", shop={"id": "7"}) == 1
    assert stream.await_messages(2) == [
        ("paid", "one from api by orders, {json}"), ("sent", "zwölf\n from api by orders, {json}")]
    assert runnel.metric("runnel_route_misses_total", reason="when") == 3, "what is no JSON meets no condition"
    assert runnel.metric("runnel_route_misses_total", reason="extract") == 1


def test_on_error_pass(new_runnel, subscribe):
    runnel = api(new_runnel, [{"topic": "t", "channel": "c", "event": "{json:/type}", "on_error": "pass"}])
    stream = subscribe(runnel, "c").await_live()
    runnel.publish("t", "no json")
    runnel.publish("t", '{"type": "x"}')
    assert stream.await_messages(2) == [("message", "no json"), ("x", '{"type": "x"}')]


def test_keep_bounds_the_history(new_runnel, subscribe, replay):
    runnel = api(new_runnel, [
        {"topic": "short", "channel": "short", "keep": {"events": 3}}, {"topic": "long", "channel": "long"},
    ], replay=replay)
    for n in range(20):
        runnel.publish("short", str(n))
        runnel.publish("long", str(n))
    assert subscribe(runnel, "long", since="earliest").await_live().data() == [str(n) for n in range(20)]
    short = subscribe(runnel, "short", since="earliest").await_live().data()
    assert short == ["17", "18", "19"]


def test_every_worker_serves_every_event(new_runnel, subscribe, replay):
    runnel = api(new_runnel, [{"topic": "t", "channel": "c"}], http={"workers": 4}, replay=replay)
    streams = [subscribe(runnel, "c") for _ in range(40)]
    for stream in streams:
        stream.await_live()
    for n in range(10):
        runnel.publish("t", str(n))
    for stream in streams:
        stream.await_messages(10)
        assert stream.data() == [str(n) for n in range(10)]
    assert len({tuple(stream.ids()) for stream in streams}) == 1, "everybody sees the same ids"


def test_channels_do_not_mix(new_runnel, subscribe):
    runnel = api(new_runnel, [{"topic": "{c}", "channel": "{c}"}])
    streams = {name: subscribe(runnel, name).await_live() for name in ("a", "A", "b", "á", "a b", "a%2Fb")}
    for name in ("a", "A", "b", "%C3%A1", "a%20b", "a%252Fb"):
        runnel.publish(name, name)
    expected = {"a": "a", "A": "A", "b": "b", "á": "%C3%A1", "a b": "a%20b", "a%2Fb": "a%252Fb"}
    for name, stream in streams.items():
        assert stream.await_messages(1) == [("message", expected[name])]
    runnel.publish("a", "second")
    assert streams["a"].await_messages(2)[1] == ("message", "second")
    assert [len(stream.messages) for stream in streams.values()] == [2, 1, 1, 1, 1, 1]


def test_the_head_of_a_stream(new_runnel, subscribe):
    runnel = api(new_runnel, [{"topic": "t", "channel": "c"}], stream={"retry": "3s"})
    stream = subscribe(runnel, "c").await_live()
    assert stream.status == 200
    assert stream.head["content-type"].partition(";")[0] == "text/event-stream"
    assert stream.head["cache-control"] == "no-cache, no-transform"
    assert stream.head["x-accel-buffering"] == "no"
    assert stream.head["transfer-encoding"] == "chunked"
    assert stream.retry_ms == 3000


def test_an_edge_process_serves_the_same_channels(new_runnel, new_redis, subscribe):
    """A process without sources on the same Redis log: same events, same ids, and one resumes at the other."""
    server = new_redis().start()
    log = {"store": "redis"} | server.broker()
    writer = api(new_runnel, [{"topic": "t", "channel": "c"}], replay=log)
    edge = new_runnel(replay=log).start()
    here, there = subscribe(writer, "c").await_live(), subscribe(edge, "c").await_live()
    for n in range(100):
        writer.publish("t", str(n))
    here.await_messages(100)
    there.await_messages(100)
    assert here.data() == there.data() == [str(n) for n in range(100)]
    assert here.ids() == there.ids()
    resumed = subscribe(edge, "c", last_event_id=here.ids()[49]).await_live()
    assert resumed.data() == [str(n) for n in range(50, 100)]
    assert not resumed.gaps()
