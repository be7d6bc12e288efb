"""Payloads and topics that try to write fields of their own. Nothing may come out that was not sent."""

import base64
import json

import pytest

from harness import scripted as wire
from harness.http import raw
from harness.subscriber import events_path
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized

INJECTION = "id: 99999999999999-0\nevent: forged\ndata: forged\nretry: 1\n\nevent: forged\ndata: forged\n\n"

PAYLOADS = {
    "bare CR": "a\rdata: forged\r\rid: 9-9\rb",
    "CRLF": "a\r\nevent: forged\r\n\r\ndata: forged",
    "mixed line ends": "a\n\r\n\r\r\nb",
    "LF injection": INJECTION,
    "CR injection": INJECTION.replace("\n", "\r"),
    "CRLF injection": INJECTION.replace("\n", "\r\n"),
    "NUL": "a\0b\0",
    "only NUL": "\0",
    "BOM": "\ufeffdata: forged",
    "BOM after a line end": "a\n\ufeffid: 9-9\n\ufeff",
    "blank lines": "\n\n\na\n\n\nb\n\n\n",
    "trailing CR": "a\r",
    "trailing CRLF": "a\r\n",
    "colon": ": a comment\n:",
    "field names": "data:\nid:\nevent:\nretry:\ndata\nid",
    "Unicode line ends": "a\u2028b\u2029c\u0085d\x0be\x0cf",
    "controls": "".join(chr(n) for n in range(1, 32)) + "\x7f\x80\x9f",
    "noncharacters": "\ufffe\uffff\U0010ffff",
    "chunk syntax": "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
}

NOT_UTF8 = {
    "lone high surrogate": b"\xed\xa0\x80",
    "lone low surrogate": b"a\xed\xbf\xbfb",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "overlong LF": b"a\xc0\x8adata: forged",
    "overlong CR in three": b"a\xe0\x80\x8db",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "cut short": b"abc\xe2\x82",
    "stray continuation": b"\x80",
    "latin-1": b"M\xfcnchen",
    "binary": bytes(range(256)),
}


def as_read(text):
    """What the format can carry: every line end is LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


ROUTES = [{"topic": "raw", "channel": "out"}, {"topic": "base64", "channel": "out", "not_utf8": "base64"}]


class ByRedis:
    def __init__(self, fixtures):
        self._server = fixtures("redis_server")
        self.source = self._server.source()

    def send(self, _, topic, payload):
        self._server.publish(topic, payload)


class ByMqtt:
    def __init__(self, fixtures):
        self._broker = fixtures("mosquitto")
        self.source = self._broker.source()

    def send(self, _, topic, payload):
        self._broker.publish(topic, payload)


class ByHttp:
    def __init__(self, _):
        self.source = {"type": "http"}

    def send(self, runnel, topic, payload):
        runnel.publish(topic, payload)


@pytest.fixture(params=[ByRedis, ByMqtt, ByHttp])
def way(request):
    return request.param(request.getfixturevalue)


def start(new_runnel, way, routes, **sections):
    routes = [{"source": "s"} | route for route in routes]
    return new_runnel(sources={"s": way.source}, routes=routes, **sections).start()


def test_text(new_runnel, way, subscribe, replay):
    runnel = start(new_runnel, way, ROUTES, replay=replay)
    stream = subscribe(runnel, "out").await_live()
    for payload in PAYLOADS.values():
        way.send(runnel, "raw", payload.encode())
    way.send(runnel, "raw", b"end")
    stream.wait(lambda s: "end" in s.data())
    assert dict(zip(PAYLOADS, stream.data())) == {name: as_read(text) for name, text in PAYLOADS.items()}
    assert stream.types() == ["runnel.live"] + ["message"] * (len(PAYLOADS) + 1)
    again = subscribe(runnel, "out", since="earliest").await_live()
    assert again.pairs() == stream.pairs(), "the replay is the same as it was live"
    assert again.ids() == stream.ids()
    assert again.retry_ms == stream.retry_ms == 2000


def test_not_utf8(new_runnel, way, subscribe):
    runnel = start(new_runnel, way, ROUTES)
    stream = subscribe(runnel, "out").await_live()
    for payload in NOT_UTF8.values():
        way.send(runnel, "raw", payload)
        way.send(runnel, "base64", payload)
    way.send(runnel, "raw", b"end")
    stream.wait(lambda s: "end" in s.data())
    expected = {name: base64.b64encode(payload).decode() for name, payload in NOT_UTF8.items()}
    assert dict(zip(expected, stream.data())) == expected
    assert len(stream.messages) == len(NOT_UTF8) + 1
    assert runnel.metric("runnel_route_misses_total", reason="utf8") == len(NOT_UTF8)


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n", "x"], ids=["LF", "CR", "CRLF", "none"])
def test_a_megabyte(new_runnel, way, subscribe, replay, line_end):
    """max_bytes is 1M by default: exactly that passes, a byte more does not. Nothing but line ends is the worst."""
    runnel = start(new_runnel, way, ROUTES, replay=replay)
    stream = subscribe(runnel, "out").await_live()
    size = 1024 * 1024
    text = line_end * (size // len(line_end))
    way.send(runnel, "raw", text.encode())
    if not isinstance(way, ByHttp):
        way.send(runnel, "raw", b"x" * (size + 1))
    way.send(runnel, "raw", b"end")
    stream.await_messages(2)
    assert stream.data()[0] == as_read(text)
    assert stream.data()[1] == "end"
    assert subscribe(runnel, "out", since="earliest").await_live().data() == stream.data()


def test_extractions_write_no_fields(new_runnel, way, subscribe):
    """What a payload puts into an event's or a channel's name."""
    runnel = start(new_runnel, way, [
        {"topic": "named", "channel": "out", "event": "{json:/event}", "data": "named"},
        {"topic": "chosen", "channel": "{json:/channel}", "data": "chosen"},
        {"topic": "raw", "channel": "out"},
    ])
    stream = subscribe(runnel, "out", "out\ufffd", "a b").await_live()
    for name in ("x\ndata: forged", "x\rid: 9-9", "x\r\n\r\n", "\0", "\ud800", "a\0b"):
        way.send(runnel, "named", json.dumps({"event": name}).encode())
        way.send(runnel, "chosen", json.dumps({"channel": "out" + name}).encode())
    for channel in ("", "\n", "a\x7fb", "a\u2028b", "c" * 256):
        way.send(runnel, "chosen", json.dumps({"channel": channel}).encode())
    way.send(runnel, "named", json.dumps({"event": "data: x: žluť"}).encode())
    way.send(runnel, "chosen", json.dumps({"channel": "a b"}).encode())
    way.send(runnel, "raw", b"end")
    assert stream.await_messages(3) == [("data: x: žluť", "named"), ("message", "chosen"), ("message", "end")]


@pytest.mark.parametrize("topic", [
    b"t.a\nb", b"t.a\rdata: forged", b"t.a\0b", b"t.\r\n\r\n", b"t.\xff", b"t.", b"t.\xed\xa0\x80"])
def test_redis_topics(new_runnel, redis_server, subscribe, topic):
    """A Redis channel is any bytes: as a capture it makes no channel and no event name of them."""
    routes = [{"topic": "t.{x}", "channel": "by/{x}"},
              {"topic": "t.*", "channel": "out", "event": "{topic}"},
              {"topic": "t.*", "channel": "topics", "data": "{topic}"},
              {"topic": "end", "channel": "out"}]
    runnel = new_runnel(sources={"s": redis_server.source()},
                        routes=[{"source": "s"} | route for route in routes]).start()
    stream = subscribe(runnel, "out", "topics").await_live()
    redis_server.publish(topic, "evil")
    redis_server.publish("t.good", "good")
    redis_server.publish("end", "end")
    stream.wait(lambda s: "end" in s.data())
    assert stream.pairs() == topic_pairs(topic) + [("t.good", "good"), ("message", "t.good"), ("message", "end")]


def topic_pairs(topic):
    """What may come of it: its text as data where it is text, and as an event's name where it is one."""
    try:
        text = topic.decode("utf-8")
    except UnicodeDecodeError:
        return []
    named = [] if set(text) & set("\r\n\0") else [(text, "evil")]
    return named + [("message", as_read(text))]


def test_mqtt_topics_of_a_broker_that_does_not_check(new_runnel, scripted, subscribe):
    """mosquitto refuses such topics itself, another broker may not."""
    def script(peer, number):
        wire.mqtt_accept(peer)
        if number == 0:
            peer.sendall(wire.mqtt_publish(b"t/a\nid: 9-9\ndata: forged", b"evil"))
        peer.sendall(wire.mqtt_publish(b"t/good", b"good"))
        wire.until_closed(peer)

    server = scripted(script)
    source = {"type": "mqtt", "url": f"mqtt://127.0.0.1:{server.port}", "version": "3.1.1", "retry_max": "200ms"}
    runnel = new_runnel(sources={"s": source}, routes=[
        {"source": "s", "topic": "t/{x}", "channel": "out", "event": "{topic}"}]).start_unready()
    stream = subscribe(runnel, "out", since="earliest")
    stream.await_messages(1)
    assert set(stream.pairs()) == {("t/good", "good")}


def test_a_topic_in_a_request_path(new_runnel, subscribe):
    runnel = new_runnel(sources={"s": {"type": "http"}}, routes=[
        {"source": "s", "topic": "{x...}", "channel": "out", "event": "{x}"}]).start()
    stream = subscribe(runnel, "out").await_live()
    for topic in ("a%0Adata:%20forged", "a%0D", "a%00", "%ff", "%"):
        runnel.admin(f"/publish/{topic}", method="POST", body="evil")
    runnel.publish("data:%20fine", "good")
    assert stream.await_messages(1) == [("data: fine", "good")]


@pytest.mark.parametrize("channel", [
    "a%0Ab", "a%0Db", "%00", "a%7Fb", "%C2%85", "%E2%80%A8", "%FF", "%ED%A0%80", "", "c" * 256])
def test_a_channel_in_a_request(new_runnel, channel):
    """No name of a channel reaches a head, a log line or a control event unless it is one."""
    runnel = new_runnel(sources={"s": {"type": "http"}}, routes=[]).start()
    for target in (f"/events/{channel}", f"/events?channel={channel}", f"/events?channel=a&channel={channel}"):
        answer = raw(runnel.port, f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        status = answer.split(b" ", 2)[1]
        assert status in (b"400", b"404"), (target, answer)


def test_a_channel_with_syntax_in_its_name(new_runnel, subscribe):
    """Legal names that look like something else, also inside the JSON of a gap."""
    for name in ('"}', "a\\b", "data: x", "<script>", "ž馬😀", "a/b//c/", "%41", "a&b=c", "c" * 255):
        assert name in events_path(name) or "%" in events_path(name)
        runnel = new_runnel(sources={"s": {"type": "http"}}, replay={"keep": {"events": 1}}, routes=[
            {"source": "s", "topic": "t", "channel": name.replace("{", "{{").replace("}", "}}")}]).start()
        for n in range(3):
            runnel.publish("t", str(n))
        stream = subscribe(runnel, name, last_event_id="1-0").await_live()
        assert json.loads(stream.gaps()[0].data)["channel"] == name
        assert stream.data() == ["2"]


def test_the_log_line_of_evil_input_is_one_line(new_runnel, redis_server, subscribe):
    runnel = new_runnel(log={"level": "debug"}, sources={"s": redis_server.source()}, routes=[
        {"source": "s", "topic": "*", "channel": "{topic}"}]).start()
    stream = subscribe(runnel, "end").await_live()
    redis_server.publish("x\nlevel=error forged=1\n", "secret payload")
    raw(runnel.port, b"GET /\nforged=2 HTTP/1.1\r\nforged: 3\n\r\n\r\n")
    redis_server.publish("end", "end")
    stream.await_messages(1)
    wait_for(lambda: "end" in stream.data(), "the end")
    lines = runnel.log().splitlines()
    assert not [line for line in lines if line.startswith(("level=error", "forged"))]
    assert "secret payload" not in runnel.log()
