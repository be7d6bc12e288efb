"""A rolling update under load, small; the full one is integration/rolling/run."""

import pytest

from harness.scripted import until_closed
from rolling.fleet import Fleet
from rolling.rolling import PROXIES, Plan, roll


@pytest.mark.slow
@pytest.mark.parametrize("proxy", list(PROXIES))
def test_rolling_update_loses_and_doubles_nothing(tmp_path, proxy):
    plan = Plan(clients=300, rate=100, channels=20, drain="1s", retry="300ms", proxy=proxy)
    run = roll(tmp_path, plan)
    assert run.faults() == {"lost": 0, "doubled": 0, "gaps": 0, "dead": 0}, run.result
    rounds = run.published / 2 / plan.channels
    assert run.result["events"] == plan.clients * 2 * rounds
    assert run.result["connects"] >= 2 * plan.clients, "each client was moved at least once"


def event(name, number):
    return f'event: {name}\nid: 1-{number}\ndata: {{"n":"{number}","t":"1"}}\n\n'


def chunks(text, size):
    """A chunked body, cut without regard to lines."""
    pieces = [text[begin:begin + size].encode() for begin in range(0, len(text), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
START = "retry: 10\n\nevent: runnel.live\nid: 1-0\ndata:\n\n"
NONE = {"events": 6, "lost": 0, "doubled": 0, "gaps": 0, "dead": 0, "connects": 2}


@pytest.mark.parametrize("first, second, expected", [
    ([1, 2], [3], NONE),
    ([1, 2], [4], {"lost": 2}),
    ([2], [1, 3], {"lost": 2, "doubled": 2}),
    ([1, 2], [2, 3], {"doubled": 2}),
    ([1, 2], [], {"lost": 2}),
    ([1, 2, "gap"], [3], {"gaps": 1}),
    ([1, 2], None, {"dead": 1, "lost": 2}),
])
def test_fleet_counts_over_all_its_connections(scripted, first, second, expected):
    """That what the test above finds to be 0 would be counted."""
    requests = []

    def body(numbers):
        gap = "event: runnel.gap\ndata: {}\n\n" if "gap" in numbers else ""
        return gap + "".join(event(name, n) for n in numbers if n != "gap" for name in ("plant", "shop"))

    def serve(peer, number):
        requests.append(peer.recv(4096).decode())
        if number == 0:
            peer.sendall(HEAD + chunks(START + body(first), 7) + b"0\r\n\r\n")
        elif second is None:
            peer.sendall(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        else:
            peer.sendall(HEAD + chunks(body(second), 5))
            until_closed(peer)

    fleet = Fleet(scripted(serve).port, 1, 1, ["plant", "shop"], timeout_s=1)
    try:
        fleet.await_ready()
        result = fleet.finish(3)
    finally:
        fleet.close()
    assert {name: result[name] for name in expected} == expected
    assert fleet.status == (0 if expected is NONE else 1)
    assert "GET /events?channel=plant/0&channel=shop/0 HTTP/1.1\r\n" in requests[0]
    assert "Last-Event-ID" not in requests[0]
    assert f"Last-Event-ID: 1-{[n for n in first if n != 'gap'][-1]}\r\n" in requests[1]


def test_fleet_comes_back_after_a_refusal_on_a_connection_that_stays(scripted):
    """As nginx answers while no runnel is there: the end is known by the length."""
    refusal = b"retry: 10\nevent: runnel.unavailable\ndata: {}\n\n"

    def serve(peer, number):
        peer.recv(4096)
        if number == 0:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(refusal) + refusal)
        else:
            peer.sendall(HEAD + chunks(START + event("plant", 1), 11))
        until_closed(peer)

    fleet = Fleet(scripted(serve).port, 1, 1, ["plant"])
    try:
        fleet.await_ready()
        result = fleet.finish(1)
    finally:
        fleet.close()
    assert (result["refused"], result["connects"], result["events"], fleet.status) == (1, 2, 1, 0)
