"""Brokers that answer nonsense, refuse, stop in mid-message or say nothing: the other sources keep working, readiness
names the culprit, one log line says why, and no secret comes out anywhere."""

import pytest

from harness import scripted as wire
from harness.certs import Authority
from harness.ports import free_port
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized

SECRET = "hunter2-very-secret"


@pytest.fixture
def beside(new_runnel, subscribe):
    """beside(bad source): a runnel with it and an http source; the latter's events still come."""
    def run(bad, topic="t", **sections):
        runnel = new_runnel(
            sources={"bad": bad, "api": {"type": "http", "token": SECRET + "-token"}},
            routes=[{"source": "bad", "topic": topic, "channel": "out"},
                    {"source": "api", "topic": "t", "channel": "out"}], **sections).start_unready()
        return runnel, subscribe(runnel, "out").await_live()
    return run


def assert_survives(runnel, stream):
    """It is down and says so; everything else works; nothing that is secret was written anywhere."""
    runnel.await_down("source bad")
    assert runnel.down_reason("source bad"), "it says why"
    assert runnel.admin("/healthz").status == 200
    runnel.publish("t", "still here", token=SECRET + "-token")
    assert stream.await_messages(1)[-1] == ("message", "still here")
    lines = wait_for(lambda: down_lines(runnel), "a log line that says why")
    assert all("source=bad" in line for line in lines)
    outputs = runnel.log() + runnel.ready().text + runnel.admin("/metrics").text
    assert SECRET not in outputs
    assert stream.opens == 1


def down_lines(runnel):
    return [line for line in runnel.log().splitlines() if "source.down" in line or "source.refused" in line]


def redis_at(port, **more):
    return {"type": "redis", "url": f"redis://127.0.0.1:{port}", "retry_max": "200ms"} | more


def mqtt_at(port, **more):
    return {"type": "mqtt", "url": f"mqtt://127.0.0.1:{port}", "retry_max": "200ms"} | more


def times(server, count):
    wait_for(lambda: server.connections >= count, f"{count} connections")


GARBAGE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\0" * 1000,
    b"*-5\r\n",
    b"$999999999999\r\n",
    b"*2147483647\r\n",
    b"-ERR no\r\n",
    b"*1\r\n" * 2000,
    b"+OK\r\n" * 1000,
    b":1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nt\r\n$1\r\n1\r\n",
    bytes(range(256)) * 16,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda value: repr(value[:12]))
def test_redis_that_answers_garbage(scripted, beside, garbage):
    def script(peer, _):
        wire.redis_command(peer)
        peer.sendall(garbage)
        wire.until_closed(peer)

    server = scripted(script)
    runnel, stream = beside(redis_at(server.port, password=SECRET, connect_timeout="300ms", idle_timeout="300ms"))
    times(server, 2)
    assert_survives(runnel, stream)


MQTT_GARBAGE = [
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"\0" * 1000,
    b"\x20\xff\xff\xff\xff\xff",
    b"\x20\x02\x00\x05",
    b"\x30\xff\xff\xff\x7f" + b"x" * 100,
    b"\xd0\x00" * 100,
    bytes(range(256)) * 16,
]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("garbage", MQTT_GARBAGE, ids=lambda value: repr(value[:12]))
def test_mqtt_broker_that_answers_garbage(scripted, beside, garbage, version):
    def script(peer, _):
        wire.mqtt_packet(peer)
        peer.sendall(garbage)
        wire.until_closed(peer)

    server = scripted(script)
    runnel, stream = beside(
        mqtt_at(server.port, version=version, username="u", password=SECRET, connect_timeout="500ms"))
    times(server, 2)
    assert_survives(runnel, stream)


def test_redis_wrong_password(new_redis, beside):
    server = new_redis(password="right").start()
    runnel, stream = beside(server.source(password=SECRET))
    assert_survives(runnel, stream)
    with server.client() as client:
        client.config_set("requirepass", SECRET)
    runnel.await_ready()
    server.password = SECRET
    server.publish("t", "at last")
    assert stream.await_messages(2)[1] == ("message", "at last")
    assert SECRET not in runnel.log()


def test_redis_password_in_the_url_is_no_less_secret(new_redis, beside):
    server = new_redis(password="right").start()
    runnel, stream = beside(redis_at(server.port, url=f"redis://user:{SECRET}@127.0.0.1:{server.port}"))
    assert_survives(runnel, stream)


def test_redis_that_wants_a_password_and_gets_none(new_redis, beside):
    server = new_redis(password="right").start()
    runnel, stream = beside(redis_at(server.port))
    assert_survives(runnel, stream)


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_wrong_password(new_mosquitto, beside, version):
    broker = new_mosquitto(user="u", password="right").start()
    runnel, stream = beside(broker.source(password=SECRET, version=version))
    assert_survives(runnel, stream)


def test_nobody_listens(beside):
    runnel, stream = beside(redis_at(free_port()))
    assert_survives(runnel, stream)


def test_host_that_does_not_resolve(beside):
    runnel, stream = beside({"type": "redis", "url": "redis://no-such-host.invalid:6379", "retry_max": "200ms"})
    assert_survives(runnel, stream)


def test_redis_that_does_not_speak_tls(redis_server, authority, beside):
    runnel, stream = beside(redis_at(
        redis_server.port, url=f"rediss://127.0.0.1:{redis_server.port}", ca_file=str(authority.cert),
        connect_timeout="1s"))
    assert_survives(runnel, stream)


def test_redis_with_a_certificate_of_another_authority(new_redis, authority, tmp_path, beside):
    server = new_redis(tls=authority).start()
    other = Authority(tmp_path, "other")
    runnel, stream = beside(server.source(ca_file=str(other.cert)))
    assert_survives(runnel, stream)


def test_redis_with_a_certificate_for_another_name(new_redis, authority, beside):
    server = new_redis(tls=authority).start()
    runnel, stream = beside(server.source(server_name="redis.example.org"))
    assert_survives(runnel, stream)


def test_unverified_tls_works_and_says_so(new_runnel, new_redis, authority, subscribe):
    server = new_redis(tls=authority).start()
    source = server.source(verify=False)
    del source["ca_file"]
    runnel = new_runnel(sources={"s": source}, routes=[{"source": "s", "topic": "t", "channel": "out"}]).start()
    stream = subscribe(runnel, "out").await_live()
    server.publish("t", "x")
    stream.await_messages(1)
    assert [line for line in runnel.log().splitlines() if "level=warn" in line and "verif" in line]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_mqtt_with_a_certificate_of_another_authority(new_mosquitto, authority, tmp_path, beside, version):
    broker = new_mosquitto(tls=authority).start()
    other = Authority(tmp_path, "other")
    runnel, stream = beside(broker.source(ca_file=str(other.cert), version=version))
    assert_survives(runnel, stream)


def test_redis_that_closes_in_mid_message(scripted, beside):
    """The half message is no message; the whole one before it is."""
    def script(peer, number):
        command = wire.redis_command(peer)
        while command[0].upper() not in (b"SUBSCRIBE", b"PSUBSCRIBE"):
            peer.sendall(b"+OK\r\n")
            command = wire.redis_command(peer)
        peer.sendall(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nt\r\n:1\r\n")
        peer.sendall(b"*3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$7\r\nwhole %d\r\n" % (number % 10))
        peer.sendall(b"*3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$100\r\nhalf")

    server = scripted(script)
    _, stream = beside(redis_at(server.port))
    stream.await_messages(3)
    assert all(text.startswith("whole ") for text in stream.data())
    assert stream.opens == 1


def test_mqtt_broker_that_closes_in_mid_message(scripted, beside):
    def script(peer, number):
        wire.mqtt_accept(peer)
        peer.sendall(wire.mqtt_publish(b"t", b"whole %d" % (number % 10), packet_id=7))
        peer.sendall(wire.mqtt_publish(b"t", b"half of a message")[:-5])

    server = scripted(script)
    _, stream = beside(mqtt_at(server.port, version="3.1.1"))
    stream.await_messages(3)
    assert all(text.startswith("whole ") for text in stream.data())
    assert stream.opens == 1


@pytest.mark.parametrize("make", [redis_at, mqtt_at])
def test_broker_that_accepts_and_is_silent(scripted, beside, make):
    server = scripted(lambda peer, _: wire.until_closed(peer))
    runnel, stream = beside(make(server.port, password=SECRET, username="u", connect_timeout="300ms"))
    times(server, 2)
    assert_survives(runnel, stream)


@pytest.mark.parametrize("make", [redis_at, mqtt_at])
def test_broker_that_closes_at_once(scripted, beside, make):
    server = scripted(lambda *_: None)
    runnel, stream = beside(make(server.port))
    times(server, 5)
    assert_survives(runnel, stream)


def test_redis_that_sends_a_byte_at_a_time(scripted, beside):
    def script(peer, _):
        command = wire.redis_command(peer)
        while command[0].upper() not in (b"SUBSCRIBE", b"PSUBSCRIBE"):
            peer.sendall(b"+OK\r\n")
            command = wire.redis_command(peer)
        text = b"*3\r\n$9\r\nsubscribe\r\n$1\r\nt\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nt\r\n$4\r\nslow\r\n"
        for byte in text:
            peer.sendall(bytes([byte]))
        wire.until_closed(peer)

    _, stream = beside(redis_at(scripted(script).port))
    assert stream.await_messages(1) == [("message", "slow")]


def test_log_redis_that_answers_garbage(scripted, new_runnel, subscribe):
    """The replay log itself: not ready, and streams that are open stay open."""
    def script(peer, _):
        wire.redis_command(peer)
        peer.sendall(b"*3\r\n" + b"$5\r\nhello" * 3)
        wire.until_closed(peer)

    server = scripted(script)
    runnel = new_runnel(
        sources={"api": {"type": "http"}}, routes=[{"source": "api", "topic": "t", "channel": "out"}],
        replay={"store": "redis", "password": SECRET, "url": f"redis://127.0.0.1:{server.port}",
                "connect_timeout": "300ms", "retry_max": "200ms"}).start_unready()
    times(server, 3)
    runnel.await_down("replay log")
    assert runnel.admin("/healthz").status == 200
    assert SECRET not in runnel.log()
