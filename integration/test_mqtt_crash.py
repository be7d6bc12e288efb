"""runnel is killed again and again while QoS 1 messages come: with a persistent session every one of them arrives."""

import pytest

from harness.mosquitto import await_published
from harness.subscriber import assert_rising
from harness.waiting import wait_for


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_killed_while_it_stores(new_runnel, new_mosquitto, new_redis, subscribe, version):
    broker, server = new_mosquitto().start(), new_redis().start()
    log = {"store": "redis", "keep": {"events": 100_000, "for": "1h"}} | server.broker()
    writer = new_runnel(
        sources={"plant": broker.source(version=version, client_id="runnel", qos=1)}, replay=log,
        routes=[{"source": "plant", "topic": "a/{b}", "channel": "out"}]).start()
    reader = new_runnel(replay=log).start()
    stream = subscribe(reader, "out").await_live()
    sent = [str(n) for n in range(20_000)]
    with broker.publisher() as publisher:
        for n in range(5):
            for text in sent[4000 * n:4000 * (n + 1)]:
                handle = publisher.send("a/b", text)
            stream.wait(lambda s: len(s.messages) > 1500 * (n + 1))
            writer.kill()
            writer.start()
        await_published(handle)
    missing = set(sent)

    def all_came():
        missing.difference_update(stream.data())
        return not missing

    wait_for(all_came, lambda: f"{len(missing)} messages: {sorted(missing, key=int)[:20]}")
    assert list(dict.fromkeys(stream.data())) == sent, "in order; QoS 1 may repeat"
    assert_rising(stream.ids())
    assert not stream.gaps()
    assert stream.opens == 1


@pytest.mark.parametrize("version", ["3.1.1", "5"])
def test_killed_while_the_log_is_down(new_runnel, new_mosquitto, new_redis, subscribe, version):
    """Nothing is acknowledged that the log does not have."""
    broker, server = new_mosquitto().start(), new_redis(is_persistent=True).start()
    log = {"store": "redis"} | server.broker()
    runnel = new_runnel(
        sources={"plant": broker.source(version=version, client_id="runnel", qos=1)}, replay=log,
        routes=[{"source": "plant", "topic": "a/{b}", "channel": "out"}]).start()
    broker.publish("a/b", "stored")
    stream = subscribe(runnel, "out", since="earliest")
    stream.await_messages(1)
    server.kill()
    runnel.await_down("replay log")
    for n in range(100):
        broker.publish("a/b", str(n))
    wait_for(lambda: runnel.metric("runnel_source_messages_total", source="plant") >= 2, "it to hold a message")
    runnel.kill()
    server.start()
    runnel.start()
    stream.wait(lambda s: len(set(s.data())) >= 101)
    assert list(dict.fromkeys(stream.data())) == ["stored"] + [str(n) for n in range(100)]
