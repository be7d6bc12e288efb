"""SIGTERM and its like: streams end as HTTP ends them, each with its own retry time, and the process with status 0."""

import re
import signal
import socket
import time

import pytest

from harness.http import raw, read_to_end
from harness.ports import accepts
from harness.raw_stream import RawStream, read_all
from harness.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.sanitized


def start(new_runnel, replay=None, stream=None, **sections):
    return new_runnel(sources={"api": {"type": "http"}}, replay=replay or {"store": "memory"},
                      routes=[{"source": "api", "topic": "t", "channel": "a"}],
                      stream={"drain": "1s"} | (stream or {}), **sections).start()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_streams_end_cleanly(new_runnel, replay, streams, number):
    runnel = start(new_runnel, replay)
    streams += [RawStream(runnel, "a") for _ in range(50)]
    read_all(streams, lambda s: "runnel.live" in s.types())
    runnel.publish("t", "x")
    read_all(streams, lambda s: s.data() == ["x"])
    before = {s.retry_ms for s in streams}
    runnel.signal(number)
    read_all(streams, lambda s: s.is_at_end)
    assert all(s.ended_cleanly for s in streams)
    assert all(set(s.types()) <= {"message", "runnel.live", "runnel.beat", "runnel.unavailable"} for s in streams)
    assert all(s.data() == ["x"] for s in streams)
    assert before == {2000}
    assert len({s.retry_ms for s in streams}) > 1, "not all at the same moment"
    assert runnel.wait() == 0


def test_what_was_taken_is_delivered_first(new_runnel, replay, streams):
    """Every event that a publisher was told about is in the log, also of the last moment."""
    runnel = start(new_runnel, replay)
    streams.append(RawStream(runnel, "a"))
    read_all(streams, lambda s: "runnel.live" in s.types())
    texts = [str(n) for n in range(100)]
    for text in texts:
        runnel.publish("t", text)
    runnel.signal(signal.SIGTERM)
    read_all(streams, lambda s: s.is_at_end)
    assert streams[0].data() == texts
    assert runnel.wait() == 0


def test_slow_client_does_not_hold_the_end(new_runnel, streams):
    runnel = start(new_runnel, stream={"send_buffer_bytes": "8K"})
    streams.append(RawStream(runnel, "a", receive_buffer=4096))
    read_all(streams, lambda s: "runnel.live" in s.types())
    for _ in range(100):
        runnel.publish("t", "x" * 20_000)
    runnel.signal(signal.SIGTERM)
    assert runnel.wait() == 0


def test_half_a_request_does_not_hold_the_end(new_runnel):
    runnel = start(new_runnel, http={"head_timeout": "1h"})
    with socket.create_connection(("127.0.0.1", runnel.port)) as peer:
        peer.sendall(b"GET /events/a HTTP/1.1\r\n")
        wait_for(lambda: runnel.metric("runnel_http_connections") == 1, "the half request")
        runnel.signal(signal.SIGTERM)
        assert runnel.wait() == 0


def test_brokers_that_are_down_do_not_hold_the_end(new_runnel, new_redis, new_mosquitto):
    shop, plant, log = new_redis(), new_mosquitto(), new_redis()
    runnel = new_runnel(
        sources={"shop": shop.source(), "plant": plant.source()},
        replay={"store": "redis"} | log.broker(),
        routes=[{"source": name, "topic": "t", "channel": "a"} for name in ("shop", "plant")]).start_unready()
    assert runnel.stop() == 0


def test_silent_brokers_do_not_hold_the_end(new_runnel, redis_server, mosquitto):
    runnel = new_runnel(
        sources={"shop": redis_server.source(), "plant": mosquitto.source(client_id="x")},
        routes=[{"source": name, "topic": "t", "channel": "a"} for name in ("shop", "plant")]).start()
    redis_server.pause()
    mosquitto.pause()
    assert runnel.stop() == 0


def await_draining(runnel):
    wait_for(lambda: runnel.down_reason("process") == "draining", "readiness to be off")


def test_all_is_served_until_balancers_have_noticed(new_runnel, streams):
    runnel = start(new_runnel, stream={"drain_delay": "1h"})
    streams.append(RawStream(runnel, "a"))
    read_all(streams, lambda s: "runnel.live" in s.types())
    runnel.signal(signal.SIGTERM)
    await_draining(runnel)
    assert runnel.admin("/healthz").status == 200
    streams.append(RawStream(runnel, "a"))
    read_all(streams, lambda s: "runnel.live" in s.types())
    runnel.publish("t", "x")
    read_all(streams, lambda s: s.data() == ["x"])
    runnel.signal(signal.SIGTERM)
    assert runnel.wait() == 0


def test_streams_end_after_the_delay(new_runnel, streams):
    runnel = start(new_runnel, stream={"drain_delay": "300ms"})
    streams += [RawStream(runnel, "a") for _ in range(3)]
    read_all(streams, lambda s: "runnel.live" in s.types())
    begin = time.monotonic()
    runnel.signal(signal.SIGTERM)
    read_all(streams, lambda s: s.is_at_end)
    assert time.monotonic() - begin >= 0.3
    assert all(s.ended_cleanly for s in streams)
    assert runnel.wait() == 0


def test_connections_are_refused_while_streams_end(new_runnel, streams):
    """A balancer then takes another server at once; who has half a request in is told when to come back."""
    runnel = start(new_runnel, stream={"drain": "1h"})
    streams.append(RawStream(runnel, "a"))
    read_all(streams, lambda s: "runnel.live" in s.types())
    with socket.create_connection(("127.0.0.1", runnel.port)) as peer:
        peer.sendall(b"GET /events/a HTTP/1.1\r\n")
        wait_for(lambda: runnel.metric("runnel_http_connections") == 1, "the half request")
        runnel.signal(signal.SIGTERM)
        wait_for(lambda: not accepts(runnel.port), "the port to be closed")
        peer.sendall(b"Host: x\r\n\r\n")
        assert b"runnel.unavailable" in read_to_end(peer)
    assert runnel.metric("runnel_streams") == 1
    runnel.signal(signal.SIGTERM)
    assert runnel.wait() == 0


def test_interrupt_does_not_wait_for_balancers(new_runnel, streams):
    runnel = start(new_runnel, stream={"drain_delay": "1h"})
    streams.append(RawStream(runnel, "a"))
    read_all(streams, lambda s: "runnel.live" in s.types())
    runnel.signal(signal.SIGINT)
    read_all(streams, lambda s: s.is_at_end)
    assert runnel.wait() == 0


def test_second_signal_ends_at_once(new_runnel, streams):
    runnel = start(new_runnel, stream={"drain": "1h"})
    streams += [RawStream(runnel, "a") for _ in range(5)]
    read_all(streams, lambda s: "runnel.live" in s.types())
    runnel.signal(signal.SIGTERM)
    wait_for(lambda: not accepts(runnel.port), "streams to be ended")
    assert runnel.is_running()
    runnel.signal(signal.SIGTERM)
    assert runnel.wait() == 0


def test_log_gets_what_the_sources_took(new_runnel, new_redis, subscribe):
    """The log hangs when the end comes, and answers again before the sources end."""
    shop, log = new_redis().start(), new_redis().start()
    runnel = new_runnel(sources={"shop": shop.source()}, replay={"store": "redis"} | log.broker(),
                        stream={"drain_delay": "2s"},
                        routes=[{"source": "shop", "topic": "t", "channel": "a"}]).start()
    log.pause()
    texts = [str(n) for n in range(50)]
    shop.publish_all("t", texts)
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == len(texts), "the queue")
    runnel.signal(signal.SIGTERM)
    await_draining(runnel)
    log.resume()
    assert runnel.wait() == 0
    source = subscribe(runnel.start(), "a", since="earliest").await_live()
    assert source.data() == texts


def test_what_a_silent_log_did_not_get_is_told(new_runnel, new_redis):
    shop, log = new_redis().start(), new_redis().start()
    runnel = new_runnel(sources={"shop": shop.source()}, replay={"store": "redis"} | log.broker(),
                        routes=[{"source": "shop", "topic": "t", "channel": "a"}]).start()
    log.pause()
    shop.publish_all("t", ["1", "2", "3"])
    wait_for(lambda: runnel.metric("runnel_replay_queue_events") == 3, "the queue")
    assert runnel.stop() == 0
    line = next(line for line in runnel.log().splitlines() if "serve.log_incomplete" in line)
    assert "the replay log did not store them in time" in line
    assert re.search(r"events\W+3\b", line), line


def test_restarts_neither_lose_nor_double_mqtt_messages(new_runnel, new_redis, mosquitto, subscribe):
    """What was taken is acknowledged before the end, what was not comes again."""
    runnel = new_runnel(sources={"plant": mosquitto.source(client_id="x")},
                        replay={"store": "redis", "keep": {"events": 10_000}} | new_redis().start().broker(),
                        routes=[{"source": "plant", "topic": "t", "channel": "a"}]).start()
    with mosquitto.publisher() as publisher:
        for number in range(3):
            for text in range(1000):
                sent = publisher.send("t", f"{number} {text}")
            assert runnel.stop() == 0
            runnel.start()
        sent.wait_for_publish(PATIENCE)
    texts = [f"{number} {text}" for number in range(3) for text in range(1000)]
    source = subscribe(runnel, "a", since="earliest")
    source.wait(lambda s: texts[-1] in s.data())
    assert source.data() == texts


def test_age_ends_streams_and_clients_resume(new_runnel, replay, subscribe):
    runnel = start(new_runnel, replay | {"keep": {"events": 1_000_000}},
                   stream={"max_connection_age": "400ms", "retry": "1ms"})
    sources = [subscribe(runnel, "a").await_live() for _ in range(5)]
    texts = []

    def publish_until_all_came_back():
        texts.append(str(len(texts)))
        runnel.publish("t", texts[-1])
        return all(source.opens >= 3 for source in sources)

    wait_for(publish_until_all_came_back, "the streams to end at their age")
    for source in sources:
        source.await_messages(len(texts))
        assert source.data() == texts
    assert runnel.metric("runnel_streams_closed_total", reason="age") >= 10


def test_nohup_keeps_it_from_ending_with_its_terminal(new_runnel, streams):
    runnel = new_runnel(sources={"api": {"type": "http"}}, routes=[{"source": "api", "topic": "t", "channel": "a"}])
    runnel.argv = ["nohup", *runnel.argv]
    runnel.start()
    streams.append(RawStream(runnel, "a"))
    read_all(streams, lambda s: "runnel.live" in s.types())
    runnel.signal(signal.SIGHUP)
    runnel.publish("t", "still here")
    read_all(streams, lambda s: s.data() == ["still here"])
    assert runnel.stop() == 0


def test_it_ends_while_it_starts(new_runnel, redis_server):
    runnel = new_runnel(sources={"shop": redis_server.source()},
                        routes=[{"source": "shop", "topic": "t", "channel": "a"}]).start_unready()
    assert runnel.stop() == 0


def test_restart_on_the_same_port_at_once(new_runnel, streams):
    """Connections in TIME_WAIT are no reason not to come back."""
    runnel = start(new_runnel)
    for _ in range(3):
        streams.append(RawStream(runnel, "a"))
        read_all(streams[-1:], lambda s: "runnel.live" in s.types())
        assert runnel.stop() == 0
        runnel.start()
    assert raw(runnel.port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200 ")
