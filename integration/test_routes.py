"""runnel routes: what a message would become, said without a broker."""

import subprocess

import pytest

from eventstream import EventStream
from harness.runnel import BINARY, write_config

pytestmark = pytest.mark.sanitized

CONFIG = {
    "sources": {
        "shop": {"type": "redis", "url": "redis://127.0.0.1:1"},
        "plant": {"type": "mqtt", "url": "mqtt://127.0.0.1:1"},
        "hook": {"type": "http", "token": "secret"},
    },
    "routes": [
        {"source": "shop", "topic": "orders.{shop}.{what}", "channel": "orders/{shop}", "event": "{json:/type}",
         "when": [{"json": "/total", "gt": 0}]},
        {"source": "shop", "topic": "orders.*", "channel": "all", "max_bytes": 100},
        {"source": "plant", "topic": "plant/{line}/#", "channel": "lines/{line}", "not_utf8": "base64"},
        {"source": "hook", "topic": "{x}", "channel": "{x}", "event": "{json:/e}", "data": "{json:/d}"},
    ],
}


@pytest.fixture
def routes(tmp_path):
    config = write_config(tmp_path / "runnel.yaml", CONFIG)

    def run(*arguments, stdin=b""):
        result = subprocess.run([BINARY, "routes", "-c", config, *arguments], input=stdin, capture_output=True,
                                timeout=60, check=False)
        assert b"Sanitizer" not in result.stderr, result.stderr
        return result
    return run


def comments(result):
    """What is said of each route, without the file's name."""
    lines = result.stdout.decode().splitlines()
    return [line.split("/runnel.yaml:")[-1] for line in lines if line.startswith(":")]


def events(result):
    """As a parser of event streams gets them from the output: type, data."""
    stream = EventStream()
    got = stream.feed(result.stdout)
    assert [event.id for event in got] == sorted({event.id for event in got})
    return [(event.type, event.data) for event in got]


def test_each_route_that_matches_gives_its_event_as_a_browser_gets_it(routes):
    payload = '{"type": "paid", "total": 12}'
    result = routes("shop", "orders.berlin.paid", payload)
    assert result.returncode == 0, result
    assert events(result) == [("paid", payload), ("message", payload)]
    first, second = comments(result)
    assert first.endswith(": orders.{shop}.{what} -> channel orders/berlin")
    assert second.endswith(": orders.* -> channel all")
    assert int(first.split(":")[0]) < int(second.split(":")[0])
    assert result.stderr == b""


def test_a_route_that_matches_without_an_event_says_why(routes):
    result = routes("shop", "orders.berlin.paid", '{"type": "paid", "total": 0}')
    assert result.returncode == 0
    assert events(result) == [("message", '{"type": "paid", "total": 0}')]
    assert "no event (when)" in comments(result)[0]
    result = routes("shop", "orders.berlin.paid", "x" * 101)
    assert result.returncode == 1
    assert events(result) == []
    assert ["(when)" in comments(result)[0], "(size)" in comments(result)[1]] == [True, True]
    for payload, why in (("{}", "extract"), ('{"e": "runnel.gap", "d": 1}', "event")):
        result = routes("hook", "a", payload)
        assert (result.returncode, events(result)) == (1, [])
        assert f"({why})" in comments(result)[0]
    result = routes("hook", "a\nb", '{"e": "e", "d": 1}')
    assert (result.returncode, events(result)) == (1, [])
    assert "(channel)" in comments(result)[0]


def test_the_payload_comes_from_stdin_where_it_is_a_dash(routes):
    result = routes("plant", "plant/7/oven", "-", stdin=b"one\r\ntwo\n\n: x\rid: 1")
    assert result.returncode == 0
    assert events(result) == [("message", "one\ntwo\n\n: x\nid: 1")]
    result = routes("plant", "plant/7/oven", "-", stdin=b"\xff\x00")
    assert events(result) == [("message", "/wA=")]
    result = routes("plant", "plant/7/oven")
    assert events(result) == [("message", "")]
    result = routes("plant", "plant/7/oven", "-5")
    assert events(result) == [("message", "-5")]


def test_a_topic_that_nobody_wants_says_so(routes):
    result = routes("shop", "invoices.berlin")
    assert result.returncode == 1
    assert comments(result) == [": no route of this source matches the topic"]


def test_an_unknown_source_gets_a_suggestion(routes):
    result = routes("shpo", "orders.x")
    assert result.returncode == 2
    assert result.stderr.decode() == 'runnel routes: no source is called "shpo" (did you mean "shop"?)\n'
    result = routes("zzzzzzzz", "orders.x")
    assert result.returncode == 2
    assert '"shop", "plant", "hook"' in result.stderr.decode()


@pytest.mark.parametrize("arguments", [[], ["shop"], ["shop", "a", "b", "c"]])
def test_wrong_usage_is_told(routes, arguments):
    result = routes(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith(b"usage: runnel routes -c FILE SOURCE TOPIC [PAYLOAD]\n")
    assert result.stdout == b""


def test_a_bad_config_is_told_and_nothing_routed(tmp_path):
    bad = {**CONFIG, "routes": [{"source": "shop", "topic": "a.{b", "channel": "c"}]}
    config = write_config(tmp_path / "bad.yaml", bad)
    result = subprocess.run([BINARY, "routes", "-c", config, "shop", "a.b"], capture_output=True, timeout=60,
                            check=False)
    assert result.returncode == 1
    assert b"routes[0].topic: a { is never closed" in result.stderr
    assert result.stdout == b""
