"""Another config while it runs: no stream ends, and what unchanged routes deliver is neither lost nor doubled."""

import json
import os
import signal
import time

import pytest

from harness.config_map import ConfigMapVolume
from harness.load import Load
from harness.runnel import write_config
from harness.waiting import wait_for

API = {"sources": {"api": {"type": "http"}}}


def route(source, topic, channel, **more):
    return {"source": source, "topic": topic, "channel": channel} | more


def reloads(runnel, result):
    return runnel.metric("runnel_config_reloads_total", result=result)


def config_line(runnel):
    """What /readyz says of the config; None where nothing."""
    answer = runnel.ready()
    assert answer.status == 200, answer.text
    for line in answer.text.splitlines():
        if line.startswith("ok config: "):
            return line.removeprefix("ok config: ")
    return None


@pytest.fixture
def simple(new_runnel):
    return new_runnel(**API, routes=[route("api", "t", "a")]).start()


@pytest.mark.sanitized
def test_routes_come_change_and_go_while_a_stream_stays(simple, subscribe):
    kept = subscribe(simple, "a", "b").await_live()
    assert simple.publish("t", "1") == 1
    assert simple.reload(routes=[route("api", "t", "a"), route("api", "t", "b", event="copy")])
    assert simple.publish("t", "2") == 2
    assert simple.reload(routes=[route("api", "t", "a", event="renamed")])
    assert simple.publish("t", "3") == 1
    assert simple.reload(routes=[route("api", "other", "a")])
    assert simple.publish("t", "4") == 0
    assert simple.publish("other", "5") == 1
    assert kept.await_messages(5) == [("message", "1"), ("message", "2"), ("copy", "2"), ("renamed", "3"),
                                      ("message", "5")]
    assert kept.opens == 1
    assert reloads(simple, "success") >= 3  # the watch may have seen a change before the signal came


@pytest.mark.sanitized
def test_bad_file_leaves_what_runs_and_says_why(simple, subscribe):
    stream = subscribe(simple, "a").await_live()
    good = simple.config_path.read_text()
    assert not simple.reload(routes=[{"source": "api", "topic": "t", "chanel": "a"}])
    assert r'routes[0].chanel: unknown key (did you mean \"channel\"?)' in simple.log()
    assert f"{simple.config_path}:" in config_line(simple)
    assert simple.metric("runnel_config_last_reload_successful") == 0
    assert simple.publish("t", "still") == 1
    simple.config_path.write_text(good)
    assert simple.reload_file()
    assert config_line(simple) is None
    assert simple.metric("runnel_config_last_reload_successful") == 1
    assert stream.await_messages(1) == [("message", "still")]
    assert stream.opens == 1


def test_patterns_are_checked_before_anything_changes(simple):
    assert not simple.reload(routes=[route("api", "{x", "a")])
    assert "routes[0].topic" in config_line(simple)
    assert simple.publish("t", "still") == 1


def test_all_keys_that_need_a_restart_are_named(simple):
    log = {"store": "redis", "prefix": "other", "url": "rediss://127.0.0.1:1", "username": "u", "password": "p",
           "server_name": "name.example", "verify": False, "connect_timeout": "1s", "idle_timeout": "1s",
           "retry_min": "1s", "retry_max": "2s"}
    assert simple.reload(http=simple.config["http"] | {"workers": 1}, replay=log,
                         admin=simple.config["admin"] | {"metrics_routes": 7})
    named = config_line(simple).removeprefix("waits for a restart: ").split(", ")
    assert {"http.workers", "admin.metrics_routes"} | {f"replay.{key}" for key in log} <= set(named)
    assert len(named) == simple.metric("runnel_config_restart_pending_keys")


@pytest.mark.sanitized
def test_keys_that_need_a_restart_are_named_and_the_rest_is_applied(simple):
    before = simple.metric("runnel_config_restart_pending_keys")
    http = simple.config["http"]
    assert simple.reload(http=http | {"workers": 1, "channels": 1},
                         replay={"store": "redis", "url": "redis://127.0.0.1:1"})
    assert config_line(simple) == "waits for a restart: http.workers, replay.store, replay.url"
    assert (before, simple.metric("runnel_config_restart_pending_keys")) == (0, 3)
    wait_for(lambda: simple.get("/events?channel=a&channel=b").status == 400, "the new http.channels")
    assert simple.publish("t", "the memory log goes on") == 1
    assert simple.reload(http=http, replay={"store": "memory"})
    assert config_line(simple) is None


# Under load. Each broker: the source, how to publish, and a topic for each of the routes below.


class RedisLoad:
    separator = "."
    wide = "*"

    def __init__(self, request):
        self.server = request.getfixturevalue("redis_server")
        self.client = self.server.client()
        self.source = self.server.source()

    def publish(self, topic, text):
        self.client.publish(topic, text)


class MqttLoad:
    separator = "/"
    wide = "#"

    def __init__(self, request):
        broker = request.getfixturevalue("mosquitto")
        self.publisher = broker.publisher()
        request.addfinalizer(self.publisher.close)
        self.source = broker.source(client_id="runnel")

    def publish(self, topic, text):
        self.publisher.publish(topic, text)


class StreamLoad:
    separator = "."
    wide = None  # a stream is read by its name

    def __init__(self, request):
        server = request.getfixturevalue("redis_server")
        self.client = server.client()
        self.source = server.broker() | {"type": "redis-stream", "field": "m"}

    def publish(self, topic, text):
        self.client.xadd(topic, {"m": text}, maxlen=100_000)


LOADS = {"redis": RedisLoad, "mqtt": MqttLoad, "redis-stream": StreamLoad}


@pytest.fixture(params=LOADS)
def load(request):
    return LOADS[request.param](request)


AHEAD_MAX = 10_000  # messages, of which each becomes at most three events: the log's queue has room for them


def start_under(load, new_runnel, replay, routes):
    keep = {"keep": {"events": 1_000_000, "for": "1h"}}
    return new_runnel(sources={"in": load.source}, routes=routes, replay=replay | keep).start()


def not_too_far_ahead(publish, stream):
    """Publishes as fast as it can while the stream is not far behind: what a full queue does has tests of its own."""

    def wait_and_publish(text):
        wait_for(lambda: int(text) - len(stream.messages) < AHEAD_MAX, "the stream to follow")
        publish(text)

    return wait_and_publish


def assert_all_once(stream, sent):
    stream.wait(lambda s: sent[-1] in s.data()[-1:] or len(s.messages) > len(sent))
    assert stream.opens == 1
    assert not stream.gaps()
    assert stream.data() == sent


def steps_around(load, kept):
    """Lists of routes, of which each has `kept`."""
    topic = f"a{load.separator}other"
    other = route("in", topic, "other")
    yield [kept, other]
    yield [other, kept]
    yield [route("in", topic, "another"), kept]
    if load.wide:
        yield [route("in", load.wide, "all"), kept]
        yield [kept, route("in", f"a{load.separator}{{x}}", "part")]
        yield [route("in", f"a{load.separator}{{x}}", "part"), route("in", load.wide, "all"), kept]
    yield [kept]


@pytest.mark.sanitized
def test_unchanged_route_under_load(new_runnel, replay, subscribe, load):
    topic = f"a{load.separator}kept"
    kept = route("in", topic, "kept")
    runnel = start_under(load, new_runnel, replay, [kept])
    stream = subscribe(runnel, "kept").await_live()
    with Load(not_too_far_ahead(lambda text: load.publish(topic, text), stream)) as running:
        for routes in steps_around(load, kept):
            so_far = len(running.sent)
            assert runnel.reload(routes=routes)
            wait_for(lambda: len(running.sent) > so_far + 20, "more messages")
        sent = running.stop()
    assert runnel.metric("runnel_source_reconnects_total") == 0, "the connection stayed"
    assert_all_once(stream, sent)


def test_new_route_gets_what_comes_after_the_reload(new_runnel, subscribe, load):
    first, second = f"a{load.separator}1", f"a{load.separator}2"
    runnel = start_under(load, new_runnel, {"store": "memory"}, [route("in", first, "out")])
    stream = subscribe(runnel, "out").await_live()
    load.publish(first, "by the first")
    stream.await_messages(1)
    assert runnel.reload(routes=[route("in", second, "out")])
    if load.wide:  # else the new stream begins where it ends when it is first looked at
        load.publish(first, "nobody wants it")
    wait_for(lambda: (load.publish(second, "by the second"), len(stream.messages) > 1)[1], "the second topic")
    assert set(stream.data()) == {"by the first", "by the second"}


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_topics_that_come_together_bring_their_retained_messages(new_runnel, mosquitto, subscribe, version):
    """The broker sends those of the first one before it confirms the last one."""
    topics = [f"{version}/{n}" for n in range(20)]
    for topic in topics:
        mosquitto.publish(topic, topic, retain=True)
    routes = [route("in", "t", "out")]
    runnel = new_runnel(sources={"in": mosquitto.source(client_id="runnel", version=version)}, routes=routes).start()
    stream = subscribe(runnel, "out").await_live()
    assert runnel.reload(routes=routes + [route("in", topic, "out") for topic in topics])
    mosquitto.publish("t", "behind them")
    stream.wait(lambda s: "behind them" in s.data())
    assert sorted(stream.data()) == sorted([*topics, "behind them"])


@pytest.mark.parametrize("more", [{"version": "3.1.1", "client_id": "runnel"}, {"version": "5"}], ids=["3.1.1", "5"])
def test_mqtt_new_topic_brings_its_retained_message_after_a_reconnection(new_runnel, new_mosquitto, subscribe, more):
    """`retained: new` where the broker does not know what is new: that of the old topic does not come again."""
    broker = new_mosquitto(is_persistent=True).start()
    for topic in ("old", "new"):
        broker.publish(topic, topic, retain=True)
    routes = [route("in", "old", "out")]
    runnel = new_runnel(sources={"in": broker.source(retained="new", **more)}, routes=routes).start()
    stream = subscribe(runnel, "out", since="earliest")
    stream.await_messages(1)
    broker.stop()
    runnel.await_down("source in")
    broker.start()
    runnel.await_ready()
    assert runnel.reload(routes=[*routes, route("in", "new", "out")])
    stream.await_messages(2)
    broker.publish("old", "behind them")
    stream.wait(lambda s: "behind them" in s.data())
    assert stream.data() == ["old", "new", "behind them"]


def test_mqtt_session_of_a_source_that_changes_is_kept(new_runnel, replay, mosquitto, subscribe):
    """Another keepalive: the source is connected anew, and what is on its way is neither lost nor doubled."""
    load_source = mosquitto.source(client_id="runnel")
    runnel = new_runnel(sources={"in": load_source}, routes=[route("in", "a", "out")],
                        replay=replay | {"keep": {"events": 1_000_000, "for": "1h"}}).start()
    stream = subscribe(runnel, "out").await_live()
    with mosquitto.publisher() as publisher, Load(lambda text: publisher.publish("a", text)) as running:
        for keepalive in ("50s", "40s"):
            so_far = len(running.sent)
            assert runnel.reload(sources={"in": load_source | {"keepalive": keepalive}})
            wait_for(lambda: len(running.sent) > so_far + 200, "more messages")
            runnel.await_ready()
        assert runnel.reload(sources={"renamed": load_source}, routes=[route("renamed", "a", "out")])
        sent = running.stop()
    assert_all_once(stream, sent)


def test_mqtt_session_keeps_topics_of_before_without_a_message_twice(new_runnel, replay, mosquitto, subscribe):
    """Another keepalive and a topic less, in one reload: the broker goes on sending by both."""
    source = mosquitto.source(client_id="runnel")
    narrow, wide = route("in", "a/b", "out"), route("in", "a/{rest...}", "out")
    runnel = new_runnel(sources={"in": source}, routes=[narrow, wide],
                        replay=replay | {"keep": {"events": 1_000_000, "for": "1h"}}).start()
    stream = subscribe(runnel, "out").await_live()
    assert runnel.reload(sources={"in": source | {"keepalive": "50s"}}, routes=[narrow])
    runnel.await_ready()
    with mosquitto.publisher() as publisher:
        for n in range(100):
            publisher.publish("a/b", str(n))
    stream.wait(lambda s: s.data()[-1:] == ["99"])
    assert stream.data() == [str(n) for n in range(100)]


def test_mqtt_source_is_not_ready_while_its_session_is_the_one_before_its(new_runnel, new_redis, mosquitto, subscribe):
    log = new_redis().start()
    source = mosquitto.source(client_id="runnel")
    routes = [route("in", "t", "out")]
    runnel = new_runnel(sources={"in": source}, routes=routes, replay={"store": "redis"} | log.broker()).start()
    log.pause()
    mosquitto.publish("t", "not acknowledged yet")
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 1, "the queue")
    other = mosquitto.source(client_id="another")
    for keepalive in ("50s", "40s"):
        assert runnel.reload(sources={"in": source | {"keepalive": keepalive}, "other": other},
                             routes=[*routes, route("other", "u", "out")])
        assert runnel.down_reason("source in") == "waits for the end of the one before it"
    wait_for(lambda: "ok source other" in runnel.ready().text, "the one that need not wait")
    assert runnel.reload(sources={"other": other}, routes=[route("other", "u", "out")])
    assert "source in" not in runnel.ready().text
    assert runnel.reload(sources={"in": source, "other": other}, routes=[*routes, route("other", "u", "out")])
    log.resume()
    runnel.await_ready()
    mosquitto.publish("t", "by the next one")
    stream = subscribe(runnel, "out", since="earliest")
    assert [data for _, data in stream.await_messages(2)] == ["not acknowledged yet", "by the next one"]


@pytest.mark.parametrize("first", ["connection", "source"])
def test_mqtt_source_that_ends_while_the_log_is_away_tells_the_next_one(new_runnel, new_redis, new_mosquitto, subscribe,
                                                                        first):
    """`first`: which one ends before the other. The broker has no acknowledgement, and sends it all again."""
    broker, log = new_mosquitto().start(), new_redis().start()
    source = broker.source(client_id="runnel", keepalive="5s")
    runnel = new_runnel(sources={"in": source}, routes=[route("in", "t", "out")],
                        replay={"store": "redis"} | log.broker()).start()
    log.pause()
    sent = [str(n) for n in range(5)]
    for text in sent:
        broker.publish("t", text)
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 5, "the queue")

    def await_end():
        wait_for(lambda: "Client runnel closed its connection" in broker.log(), "the end of the connection")

    if first == "connection":
        await_end()
    assert runnel.reload(sources={"in": source | {"keepalive": "50s"}})
    await_end()
    assert runnel.down_reason("source in") == "waits for the end of the one before it"
    log.resume()
    runnel.await_ready()
    wait_for(lambda: broker.log().count("Received PUBACK from runnel ") == len(sent), broker.log)
    broker.publish("t", "by the next one")
    stream = subscribe(runnel, "out", since="earliest")
    stream.wait(lambda s: s.data()[-1:] == ["by the next one"])
    assert stream.data() == [*sent, "by the next one"]


def test_changed_redis_stream_source_goes_on_where_it_was(new_runnel, replay, redis_server, subscribe):
    source = redis_server.broker() | {"type": "redis-stream", "field": "m"}
    runnel = new_runnel(sources={"in": source}, routes=[route("in", "s", "out")],
                        replay=replay | {"keep": {"events": 1_000_000, "for": "1h"}}).start()
    stream = subscribe(runnel, "out").await_live()
    with redis_server.client() as client, Load(lambda text: client.xadd("s", {"m": text})) as running:
        for timeout in ("20s", "10s"):
            so_far = len(running.sent)
            assert runnel.reload(sources={"in": source | {"idle_timeout": timeout}})
            wait_for(lambda: len(running.sent) > so_far + 20, "more messages")
        sent = running.stop()
    assert_all_once(stream, sent)


# Sources


def test_sources_come_and_go(new_runnel, redis_server, mosquitto, subscribe):
    runnel = new_runnel(**API, routes=[route("api", "t", "out")]).start()
    stream = subscribe(runnel, "out").await_live()
    sources = {"shop": redis_server.source(), "plant": mosquitto.source()}
    assert runnel.reload(sources=sources, routes=[route(name, "t", "out") for name in sources])
    runnel.await_ready()
    assert runnel.admin("/publish/t", method="POST", body="x").status == 404
    assert redis_server.publish("t", "from redis") == 1
    stream.await_messages(1)
    mosquitto.publish("t", "from mqtt")
    stream.await_messages(2)
    assert runnel.reload(sources=API["sources"], routes=[route("api", "t", "out")])
    assert "shop" not in runnel.ready().text
    wait_for(lambda: redis_server.publish("t", "nobody listens") == 0, "the connection to end")
    assert runnel.publish("t", "from http") == 1
    assert [data for _, data in stream.await_messages(3)] == ["from redis", "from mqtt", "from http"]
    assert stream.opens == 1


def test_secret_in_a_file_is_read_again(new_runnel, new_redis, tmp_path, subscribe):
    server = new_redis(password="one").start()
    secret = tmp_path / "password"
    secret.write_text("wrong")
    source = {key: value for key, value in server.source().items() if key != "password"}
    runnel = new_runnel(sources={"shop": source | {"password_file": str(secret)}},
                        routes=[route("shop", "t", "out")]).start_unready()
    runnel.await_down("source shop")
    secret.write_text("one")
    assert runnel.reload_file()
    runnel.await_ready()


@pytest.mark.parametrize("source", [{"type": "http", "token_file": None},
                                    {"type": "redis", "url": "rediss://127.0.0.1:1", "ca_file": None}])
def test_file_that_is_a_pipe_is_refused(new_runnel, tmp_path, source):
    """Nobody may ever write to it: neither a later reload nor the end may wait for that."""
    os.mkfifo(tmp_path / "pipe")
    runnel = new_runnel(**API, routes=[route("api", "t", "a")]).start()
    assert not runnel.reload(sources={"api": {key: value or str(tmp_path / "pipe") for key, value in source.items()}})
    assert "is a pipe" in config_line(runnel)
    assert runnel.reload(**API)


def test_token_is_changed_without_a_moment_without_a_source(new_runnel):
    runnel = new_runnel(sources={"api": {"type": "http", "token": "old"}}, routes=[route("api", "t", "a")]).start()
    assert runnel.publish("t", "1", token="old") == 1
    assert runnel.reload(sources={"api": {"type": "http", "token": "new"}})
    assert runnel.admin("/publish/t", method="POST", body="2", headers={"Authorization": "Bearer old"}).status == 401
    assert runnel.publish("t", "3", token="new") == 1


def test_source_that_can_never_work_is_refused(new_runnel, redis_server, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    runnel = new_runnel(**API, routes=[route("api", "t", "a")]).start()
    bad = {"type": "redis", "url": f"rediss://127.0.0.1:{redis_server.port}", "ca_file": str(tmp_path / "ca.pem")}
    assert not runnel.reload(sources=API["sources"] | {"shop": bad})
    assert "TLS" in config_line(runnel)
    assert "shop" not in runnel.ready().text.replace(config_line(runnel), "")
    assert runnel.publish("t", "still") == 1


def test_reload_that_waits_for_a_broker_is_seen(new_runnel, new_mosquitto):
    plant = new_mosquitto().start()
    runnel = new_runnel(sources={"plant": plant.source()}, routes=[route("plant", "old", "out")]).start()
    plant.pause()
    write_config(runnel.config_path, runnel.config | {"routes": [route("plant", "new", "out")]})
    runnel.signal(signal.SIGHUP)
    wait_for(lambda: (config_line(runnel) or "").startswith("being applied"), "the reload to begin")
    assert reloads(runnel, "success") == 0
    plant.resume()
    wait_for(lambda: reloads(runnel, "success") == 1, "its end")
    assert config_line(runnel) is None


@pytest.mark.sanitized
def test_reload_while_a_broker_is_down(new_runnel, new_redis, new_mosquitto, subscribe):
    shop, plant = new_redis().start(), new_mosquitto().start()
    sources = {"shop": shop.source(), "plant": plant.source(client_id="x")}
    runnel = new_runnel(sources=sources, routes=[route(name, "old", "out") for name in sources]).start()
    stream = subscribe(runnel, "out").await_live()
    shop.kill()
    plant.kill()
    runnel.await_down("source shop")
    runnel.await_down("source plant")
    assert runnel.reload(routes=[route(name, "new", "out") for name in sources])
    shop.start()
    plant.start()
    runnel.await_ready()
    assert shop.publish("old", "not wanted") == 0
    assert shop.publish("new", "from redis") == 1
    plant.publish("old", "not wanted")
    plant.publish("new", "from mqtt")
    assert sorted(data for _, data in stream.await_messages(2)) == ["from mqtt", "from redis"]
    assert stream.opens == 1


# Limits and the like


def test_keep_is_applied(simple, subscribe):
    for n in range(10):
        simple.publish("t", str(n))
    assert simple.reload(replay={"keep": {"events": 3}})
    simple.publish("t", "10")
    assert subscribe(simple, "a", since="earliest").await_live().data() == ["8", "9", "10"]
    assert simple.reload(routes=[route("api", "t", "a", keep={"events": 2})])
    simple.publish("t", "11")
    assert subscribe(simple, "a", since="earliest").await_live().data() == ["10", "11"]


def test_stream_settings_reach_open_streams(simple, subscribe):
    stream = subscribe(simple, "a").await_live()
    assert simple.reload(stream=simple.config["stream"] | {"heartbeat": "50ms"})
    stream.wait(lambda s: s.types().count("runnel.beat") >= 3)
    assert stream.opens == 1


def test_streams_above_a_new_limit_stay(simple, subscribe):
    streams = [subscribe(simple, "a").await_live() for _ in range(3)]
    assert simple.reload(http=simple.config["http"] | {"connections": 1})
    wait_for(lambda: "runnel.unavailable" in simple.get("/events/a").text, "the new limit")
    simple.publish("t", "x")
    for stream in streams:
        assert stream.await_messages(1) == [("message", "x")]
        assert stream.opens == 1


# The signal, and the file that is watched


@pytest.mark.sanitized
def test_storm_of_hangups(simple, subscribe):
    stream = subscribe(simple, "a").await_live()
    for n in range(20):
        channels = ("a", "b") if n % 2 else ("a",)
        new = simple.config | {"routes": [route("api", "t", c) for c in channels]}
        write_config(simple.config_path.with_suffix(".new"), new).replace(simple.config_path)
        for _ in range(10):
            simple.signal(signal.SIGHUP)
        assert simple.publish("t", str(n)) in (1, 2)
    assert simple.reload(routes=[route("api", "t", "a")])
    simple.publish("t", "end")
    stream.wait(lambda s: s.data()[-1:] == ["end"])
    assert stream.data() == [*map(str, range(20)), "end"]
    assert stream.opens == 1


def test_hangup_while_it_drains_changes_nothing(new_runnel, subscribe):
    runnel = new_runnel(**API, routes=[route("api", "t", "a")], stream={"drain": "1h"}).start()
    stream = subscribe(runnel, "a").await_live()
    runnel.signal(signal.SIGTERM)
    wait_for(lambda: runnel.ready().status == 503, "the drain")
    runnel.signal(signal.SIGHUP)
    wait_for(lambda: "config.ignored" in runnel.log(), "the signal")
    assert stream.opens == 1
    runnel.signal(signal.SIGTERM)
    assert runnel.wait() == 0


def test_term_while_it_reloads(new_runnel, redis_server):
    """The broker does not answer, so that the reload is under way when the end comes."""
    runnel = new_runnel(sources={"shop": redis_server.source()}, routes=[route("shop", "t", "a")]).start()
    redis_server.pause()
    write_config(runnel.config_path, runnel.config | {"routes": [route("shop", "u", "a")]})
    runnel.signal(signal.SIGHUP)
    assert runnel.stop() == 0


@pytest.mark.parametrize("change", ["in place", "renamed over"])
def test_changed_file_is_noticed(simple, change):
    text = json.dumps(simple.config | {"routes": [route("api", "t", c) for c in ("a", "b")]})
    if change == "in place":
        half = len(text) // 2
        with open(simple.config_path, "w", encoding="utf-8") as file:
            file.write(text[:half])
            file.flush()
            os.fsync(file.fileno())
            file.write(text[half:])
    else:
        new = simple.config_path.with_suffix(".new")
        new.write_text(text)
        new.replace(simple.config_path)
    wait_for(lambda: simple.publish("t", "x") == 2, "the reload")


def test_file_that_became_a_pipe_is_refused(simple):
    simple.config_path.unlink()
    os.mkfifo(simple.config_path)
    assert not simple.reload_file()
    assert "is a pipe" in config_line(simple)


def test_empty_file_is_one_that_is_being_written(simple):
    good = simple.config_path.read_text()
    simple.config_path.write_text("")
    assert not simple.reload_file()
    assert simple.publish("t", "still") == 1
    simple.config_path.write_text(good)
    assert simple.reload_file()


def test_half_a_file_is_tried_again_when_it_is_whole(simple):
    text = json.dumps(simple.config | {"routes": [route("api", "t", c) for c in ("a", "b")]})
    simple.config_path.write_text(text[:len(text) // 2])
    wait_for(lambda: reloads(simple, "failure") == 1, "the refusal")
    assert simple.publish("t", "x") == 1
    simple.config_path.write_text(text)
    wait_for(lambda: simple.publish("t", "x") == 2, "the reload")
    wait_for(lambda: simple.metric("runnel_config_last_reload_successful") == 1, "its end, at the workers too")


def test_file_that_goes_is_told_when_it_has_stayed_away(simple):
    begin = time.monotonic()
    simple.config_path.unlink()
    wait_for(lambda: reloads(simple, "failure") == 1, "the refusal")
    assert time.monotonic() - begin >= 0.35, "looked at twice, 200 ms after each other"


def test_config_map_is_noticed(new_runnel, tmp_path, subscribe):
    volume = ConfigMapVolume(tmp_path / "volume", "runnel.yaml")
    runnel = new_runnel(**API, routes=[route("api", "t", "a")])
    volume.write(json.dumps(runnel.config))
    runnel.argv[runnel.argv.index("-c") + 1] = str(volume.file)
    runnel.start()
    stream = subscribe(runnel, "a").await_live()
    for channels in (["a", "b"], ["a"], ["a", "b", "c"]):
        volume.write(json.dumps(runnel.config | {"routes": [route("api", "t", c) for c in channels]}))
        wait_for(lambda: runnel.publish("t", "x") == len(channels), f"{len(channels)} channels")
    assert reloads(runnel, "success") == 3
    assert reloads(runnel, "failure") == 0
    assert stream.opens == 1


def test_folder_that_goes_is_told_and_one_that_comes_back_is_read(new_runnel, tmp_path):
    runnel = new_runnel(**API, routes=[route("api", "t", "a")])
    folder = tmp_path / "etc"
    folder.mkdir()
    write_config(folder / "runnel.yaml", runnel.config)
    runnel.argv[runnel.argv.index("-c") + 1] = str(folder / "runnel.yaml")
    runnel.start()
    folder.rename(tmp_path / "gone")
    wait_for(lambda: reloads(runnel, "failure") == 1, "the refusal")
    assert "does not exist" in config_line(runnel)
    folder.mkdir()
    write_config(folder / "runnel.yaml", runnel.config | {"routes": [route("api", "t", c) for c in ("a", "b")]})
    wait_for(lambda: runnel.publish("t", "x") == 2, "the new config")
    wait_for(lambda: config_line(runnel) is None, "the end of the reload")
