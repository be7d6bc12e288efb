"""File descriptors: a soft refusal at the limit, and nothing left behind by connections that come and go."""

import os
import re
import resource
import socket

import pytest

from eventstream import EventSource
from harness.raw_stream import RawStream
from harness.reset import reset_on_close
from harness.subscriber import events_path
from harness.waiting import wait_for

LIMIT = 256
ROUNDS = int(os.environ.get("RUNNEL_TEST_CONNECTS", "100000"))
BATCH = 200
HTTP = {"sources": {"in": {"type": "http"}}, "routes": [{"source": "in", "topic": "{name...}", "channel": "{name}"}]}


def descriptors(runnel):
    return len(os.listdir(f"/proc/{runnel.pid}/fd"))


def limit(runnel, descriptors_max):
    """To that many, hard and soft."""
    runnel.argv = ["prlimit", f"--nofile={descriptors_max}:{descriptors_max}", *runnel.argv]
    return runnel


def test_too_few_to_start_are_said(new_runnel):
    """With how many are needed; with those it serves."""
    runnel = limit(new_runnel(**HTTP), 24).start_process()
    assert runnel.wait() == 1
    [line] = runnel.log().splitlines()
    assert "event=serve.descriptors" in line and "limit=24" in line and "ulimit -n" in line, line
    needed = int(re.search(r"needed=(\d+)", line)[1])
    assert limit(new_runnel(**HTTP), needed - 1).start_process().wait() == 1
    runnel = limit(new_runnel(**HTTP), needed).start()
    with RawStream(runnel, "a") as stream:
        stream.read_until(lambda s: "runnel.live" in s.types())


def test_as_many_as_are_needed_serve_every_kind_of_source(new_runnel, new_redis, new_mosquitto):
    redis, mosquitto = new_redis().start(), new_mosquitto().start()
    sources = {"shop": redis.source(), "log": redis.source() | {"type": "redis-stream"}, "in": {"type": "http"},
               "plant": mosquitto.source(client_id="x")}
    routes = [{"source": name, "topic": "t", "channel": "a"} for name in sources]
    settings = {"sources": sources, "routes": routes, "replay": {"store": "redis"} | redis.broker()}
    runnel = limit(new_runnel(**settings), 24).start_process()
    assert runnel.wait() == 1
    needed = int(re.search(r"needed=(\d+)", runnel.log())[1])
    runnel = limit(new_runnel(**settings), needed).start()
    with RawStream(runnel, "a") as stream:
        stream.read_until(lambda s: "runnel.live" in s.types())
        runnel.publish("t", "x")
        stream.read_until(lambda s: s.data() == ["x"])


def test_at_the_limit_it_refuses_softly_and_recovers(new_runnel):
    runnel = limit(new_runnel(**HTTP, stream={"retry": "50ms"}), LIMIT).start()
    before = descriptors(runnel)
    assert resource.prlimit(runnel.pid, resource.RLIMIT_NOFILE) == (LIMIT, LIMIT)
    streams = [RawStream(runnel, "a") for _ in range(2 * LIMIT)]
    try:
        def settled():
            for stream in streams:
                stream.read()
            return all(b"\r\n\r\n" in stream.head or stream.is_at_end for stream in streams)

        wait_for(settled, lambda: f"an answer to each: {sum(1 for s in streams if not s.head)} have none")
        served = [s for s in streams if not s.is_at_end and "runnel.unavailable" not in s.types()]
        refused = [s for s in streams if s not in served]
        assert served and refused
        for stream in refused:
            stream.read_until(lambda s: s.is_at_end)
            assert stream.head.startswith(b"HTTP/1.1 200 "), "a browser does not come back after anything else"
            assert "runnel.unavailable" in stream.types() and stream.retry_ms > 0
        # The admin port is for the operator, above all when it is tight.
        assert runnel.admin("/healthz").status == 200
        assert runnel.metric("runnel_streams") == len(served)
        runnel.publish("a", "to all of them")
    finally:
        for stream in streams:
            stream.close()
    wait_for(lambda: descriptors(runnel) <= before, lambda: f"{descriptors(runnel)} descriptors, {before} before")
    with EventSource(f"http://127.0.0.1:{runnel.port}{events_path('a')}") as source:
        source.wait(lambda s: "runnel.live" in s.types())
        runnel.publish("a", "again")
        source.wait(lambda s: [m.data for m in s.messages] == ["again"])


def one_batch(runnel, number):
    """BATCH connections, half of them become streams; each ends in one of several ways."""
    peers = []
    for n in range(BATCH):
        peer = socket.create_connection(("127.0.0.1", runnel.port))
        peers.append(peer)
        if n % 2 == 0:
            path = events_path(f"channel-{number % 50}", "shared") if n % 4 else events_path("shared")
            peer.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        elif n % 3 == 0:
            peer.sendall(b"GET /eve")
    for n, peer in enumerate(peers):
        if n % 8 == 0:
            assert peer.recv(100).startswith(b"HTTP/1.1 200 ")
        if n % 5 == 0:
            reset_on_close(peer)
        peer.close()


@pytest.mark.sanitized
def test_connections_that_come_and_go_leave_nothing(new_runnel):
    runnel = new_runnel(**HTTP).start()

    def settled():
        return runnel.metric("runnel_streams") == 0

    def batches(count):
        for number in range(count):
            one_batch(runnel, number)
            runnel.publish("shared", "x" * 100)
            wait_for(lambda: runnel.metric("runnel_streams") < 4 * BATCH, "streams to end")
        wait_for(settled, lambda: f"{runnel.metric('runnel_streams')} streams")

    batches(10)  # what is kept for reuse is there by now, and the channel's log is part full
    wait_for(lambda: descriptors(runnel) < 60, lambda: f"{descriptors(runnel)} descriptors")
    fds, memory = descriptors(runnel), runnel.private_kib()
    batches(ROUNDS // BATCH)
    wait_for(lambda: descriptors(runnel) <= fds, lambda: f"{descriptors(runnel)} descriptors, {fds} before")
    # Allocators keep some; a stream that is never freed would be 500 bytes each: some 40 MiB for 100,000.
    grown = runnel.private_kib() - memory
    assert is_sanitized(runnel) or grown < 4096, f"{grown} KiB more than {memory}"


def is_sanitized(runnel):
    """Sanitizers keep freed memory for a while; the leak check at the end says more there."""
    with open(f"/proc/{runnel.pid}/maps", encoding="ascii", errors="replace") as maps:
        return "san.so" in maps.read()
