"""Chromium and Firefox, really: their own EventSource against runnel, with connections that break."""

import pytest

from harness.browser import Browser
from harness.page_server import PageServer
from harness.subscriber import assert_rising, events_path, id_key
from harness.waiting import wait_for

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><meta charset=utf-8><title>EventSource</title>
<script>
'use strict';
const state = window.state = {events: [], opens: 0, errors: 0, readyState: null};
function listen(url, names, options) {
  const source = window.source = new EventSource(url, options);
  source.onopen = () => state.opens++;
  source.onerror = () => { state.errors++; state.readyState = source.readyState; };
  const record = event => state.events.push({type: event.type, data: event.data, id: event.lastEventId});
  source.onmessage = record;
  for (const name of names) source.addEventListener(name, record);
}
</script>
"""


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request, tmp_path_factory):
    made = Browser(tmp_path_factory.mktemp("browser"), request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def page():
    made = PageServer(PAGE)
    yield made
    made.close()


@pytest.fixture
def start(new_runnel, page):
    def run(replay, http=None, **sections):
        return new_runnel(
            sources={"api": {"type": "http"}}, replay=replay, http={"cors_origins": [page.origin]} | (http or {}),
            routes=[{"source": "api", "topic": "named/{event}", "channel": "a", "event": "{event}"},
                    {"source": "api", "topic": "{channel}", "channel": "{channel}"}],
            **{"stream": {"retry": "50ms", "heartbeat": "500ms"}} | sections).start()
    return run


def listen(browser, page, port, *channels, names=(), **query):
    browser.open(page.origin + "/")
    names = list(names) + ["runnel.live", "runnel.beat", "runnel.gap", "runnel.unavailable"]
    browser.eval(f"listen('http://127.0.0.1:{port}{events_path(*channels, **query)}', {names})")
    browser.wait("state.events.some(e => e.type === 'runnel.live')")


def messages(browser):
    return [event for event in browser.eval("state.events") if not event["type"].startswith("runnel.")]


def data(browser):
    return [event["data"] for event in messages(browser)]


def await_messages(browser, count):
    browser.wait(f"state.events.filter(e => !e.type.startsWith('runnel.')).length >= {count}")
    return messages(browser)


def test_names_data_and_ids(browser, page, start, replay):
    runnel = start(replay)
    listen(browser, page, runnel.port, "a", names=["note", "žluť"])
    sent = [("a", "message", "plain"), ("named/note", "note", "one\ntwo\n\nfour\n"),
            ("named/%C5%BElu%C5%A5", "žluť", "Grüße 馬 😀"), ("a", "message", ""), ("a", "message", "a\r\nb\rc"),
            ("a", "message", "\ufeff data: x\nid: 9-9\nretry: 1"), ("named/unheard", "unheard", "nobody listens"),
            ("a", "message", "x" * 500_000)]
    for topic, _, text in sent:
        runnel.publish(topic, text)
    heard = [(name, text.replace("\r\n", "\n").replace("\r", "\n")) for _, name, text in sent if name != "unheard"]
    events = await_messages(browser, len(heard))
    assert [(event["type"], event["data"]) for event in events] == heard
    assert_rising([event["id"] for event in events])


def test_control_events_never_reach_onmessage(browser, page, start):
    runnel = start({"store": "memory"}, stream={"heartbeat": "50ms", "retry": "50ms"})
    listen(browser, page, runnel.port, "a")
    browser.wait("state.events.filter(e => e.type === 'runnel.beat').length >= 3")
    assert not messages(browser)


@pytest.mark.parametrize("channels", [["a"], ["a", "b", "c"]], ids=["one", "three"])
def test_connection_breaks_in_mid_stream(browser, page, start, replay, new_relay, channels):
    """The browser's own reconnection: afterwards every event is there exactly once, in order."""
    runnel = start(replay)
    relay = new_relay(runnel.port)
    listen(browser, page, relay.port, *channels)
    sent = []

    def publish():
        runnel.publish(channels[len(sent) % len(channels)], str(len(sent)))
        sent.append(str(len(sent)))

    for n in range(6):
        relay.cut_after(400 + 61 * n)
        while relay.cuts <= n:
            publish()
        for _ in range(30):
            publish()
        wait_for(lambda: relay.connections > n + 1, "the browser to come back")
    events = await_messages(browser, len(sent))
    assert [event["data"] for event in events] == sent
    assert_rising([event["id"] for event in events])
    assert browser.eval("state.opens") > 6
    assert browser.eval("state.events.filter(e => e.type === 'runnel.gap').length") == 0


def test_break_before_the_first_event(browser, page, start, replay, new_relay):
    """What comes while it is away is not lost: runnel.live has moved the browser's cursor."""
    runnel = start(replay)
    relay = new_relay(runnel.port)
    listen(browser, page, relay.port, "a")
    relay.cut()
    runnel.publish("a", "meanwhile")
    assert await_messages(browser, 1)[0]["data"] == "meanwhile"


def test_beat_moves_the_cursor(browser, page, start, new_relay):
    """A quiet channel beside one whose history is short: after a break there is no false gap."""
    runnel = start({"store": "memory", "keep": {"events": 2}}, stream={"heartbeat": "100ms", "retry": "50ms"})
    relay = new_relay(runnel.port)
    listen(browser, page, relay.port, "quiet")
    for n in range(20):
        runnel.publish("busy", str(n))
    runnel.publish("quiet", "first")
    position = await_messages(browser, 1)[0]["id"]
    for n in range(20):
        runnel.publish("busy", str(n))
    moved = browser.wait(f"state.events.filter(e => e.type === 'runnel.beat').map(e => e.id).reverse()"
                         f".find(id => id > '{position}')")
    assert id_key(moved) > id_key(position)
    opens = browser.eval("state.opens")
    relay.cut()
    browser.wait(f"state.opens > {opens}")
    runnel.publish("quiet", "second")
    assert [event["data"] for event in await_messages(browser, 2)] == ["first", "second"]
    assert browser.eval("state.events.filter(e => e.type === 'runnel.gap').length") == 0


def test_gap_reaches_the_page(browser, page, start):
    """A cursor from long ago, as a page that was asleep has it."""
    runnel = start({"store": "memory", "keep": {"events": 3}})
    for n in range(10):
        runnel.publish("a", str(n))
    listen(browser, page, runnel.port, "a", lastEventId="1-0")
    events = await_messages(browser, 3)
    assert [event["data"] for event in events] == ["7", "8", "9"]
    gaps = browser.eval("state.events.filter(e => e.type === 'runnel.gap').map(e => JSON.parse(e.data))")
    assert [gap["channel"] for gap in gaps] == ["a"]
    assert gaps[0]["resumes"] == events[0]["id"]


def test_restart_of_runnel(browser, page, start, new_redis):
    """SIGTERM ends the streams, the browser comes back by itself, and nothing is missing."""
    runnel = start({"store": "redis"} | new_redis().start().broker())
    listen(browser, page, runnel.port, "a")
    for n in range(5):
        runnel.publish("a", str(n))
    await_messages(browser, 5)
    assert runnel.stop() == 0
    runnel.start()
    for n in range(5, 10):
        runnel.publish("a", str(n))
    await_messages(browser, 10)
    assert data(browser) == [str(n) for n in range(10)]
    assert browser.eval("source.readyState") == 1


def test_soft_refusal_is_no_end(browser, page, start):
    """Full: the browser keeps trying, and is in as soon as there is room."""
    runnel = start({"store": "memory"}, http={"connections": 1, "workers": 1})
    listen(browser, page, runnel.port, "a")
    browser.eval("window.first = source, listen(source.url, ['runnel.live', 'runnel.unavailable'])")
    browser.wait("state.events.some(e => e.type === 'runnel.unavailable')")
    lives = browser.eval("first.close(), state.events.filter(e => e.type === 'runnel.live').length")
    browser.wait(f"state.events.filter(e => e.type === 'runnel.live').length > {lives}")


def test_another_origin_is_refused(browser, page, new_runnel):
    """Without its name in cors_origins a page of another origin reads nothing."""
    runnel = new_runnel().start()
    browser.open(page.origin + "/")
    browser.eval(f"listen('http://127.0.0.1:{runnel.port}/events/a', [])")
    browser.wait("state.errors > 0")
    assert browser.eval("state.opens") == 0
    assert browser.eval("state.readyState") == 2


def test_credentials_of_another_origin(browser, page, start):
    """withCredentials needs cors_credentials; so do fetch clients, whose headers make the browser ask first."""
    with_cookies = "{withCredentials: true}"
    wanted = "{credentials: 'include', headers: {'Last-Event-ID': '1-1', 'Cache-Control': 'no-cache'}}"
    for is_allowed in (True, False):
        runnel = start({"store": "memory"}, http={"cors_credentials": is_allowed})
        url = f"http://127.0.0.1:{runnel.port}/events/a"
        browser.open(page.origin + "/")
        browser.eval(f"listen('{url}', [], {with_cookies})")
        browser.wait("state.opens > 0" if is_allowed else "state.readyState === 2")
        browser.eval(f"fetch('{url}', {wanted}).then(r => state.fetched = r.status, () => state.fetched = 'refused')"
                     ".then(() => true)")
        assert browser.wait("state.fetched") == (200 if is_allowed else "refused")
