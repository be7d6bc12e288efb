"""The log's Redis stands still for half a minute. In a module of its own: the others' tests do not wait for it."""

import time

import pytest

from harness.subscriber import assert_rising
from harness.waiting import wait_for

pytestmark = pytest.mark.slow


def beats(stream):
    return stream.types().count("runnel.beat")


def acknowledged(mosquitto):
    return mosquitto.log().count("Received PUBACK from runnel ")


def test_log_stands_still_for_30_seconds(new_runnel, new_redis, mosquitto, subscribe):
    """
    With all timeouts as they are by default. The time is the condition; half the MQTT keepalive is over too then, and
    the connection dropped, so the broker sends again what waits here already.
    """
    server, source = new_redis(is_persistent=True).start(), new_redis().start()
    sources = {"plant": mosquitto.source(client_id="runnel", qos=1), "shop": source.source()}
    runnel = new_runnel(sources=sources, replay={"store": "redis"} | server.broker(), stream={"heartbeat": "1s"}, routes=[
        {"source": name, "topic": "t", "channel": name, "event": name} for name in sources]).start()
    stream = subscribe(runnel, *sources).await_live()
    server.pause()
    end = time.monotonic() + 30
    sent = []
    while time.monotonic() < end:
        sent.append(str(len(sent)))
        mosquitto.publish("t", sent[-1])
        source.publish("t", sent[-1])
        seen = beats(stream)
        stream.wait(lambda s, seen=seen: beats(s) > seen)
    runnel.await_down("replay log")
    assert acknowledged(mosquitto) == 0
    assert len(sent) > 10 and not stream.messages
    server.resume()
    runnel.await_ready()
    stream.await_messages(2 * len(sent))
    wait_for(lambda: acknowledged(mosquitto) == len(sent), mosquitto.log)
    for name in sources:
        assert [data for event, data in stream.pairs() if event == name] == sent
    assert_rising(stream.ids())
    assert stream.opens == 1 and not stream.gaps()
    assert stream.ids() == subscribe(runnel, *sources, since="earliest").await_live().ids(), "nothing stands in it twice"
