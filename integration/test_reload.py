"""Another config while it runs: no stream ends, and what unchanged routes deliver is neither lost nor doubled."""

import json
import os
import signal

import pytest

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
    assert reloads(simple, "success") == 3


@pytest.mark.sanitized
def test_bad_file_leaves_what_runs_and_says_why(simple, subscribe):
    stream = subscribe(simple, "a").await_live()
    good = simple.config_path.read_text()
    assert not simple.reload(routes=[{"source": "api", "topic": "t", "chanel": "a"}])
    assert "routes[0].chanel: unknown key (did you mean \\\"channel\\\"?)" in simple.log()
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
