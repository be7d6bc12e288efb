"""EventSource clients outside of browsers: three of npm, and curl."""

import json
import queue
import subprocess
import threading

import pytest

from eventstream import EventStream
from harness.browser import FOLDER
from harness.process import bound
from harness.started import started
from harness.subscriber import assert_rising, events_path
from harness.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.browser

LIBRARIES = ["eventsource", "eventsource-client", "reconnecting-eventsource"]


class Lines:
    """A command's lines, as they come."""

    def __init__(self, argv, cwd=None):
        self._child = subprocess.Popen(bound(argv), cwd=cwd, stdout=subprocess.PIPE)
        self._lines = queue.Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self._child.stdout:
            self._lines.put(line)

    def next(self):
        return self._lines.get(timeout=PATIENCE)

    def close(self):
        self._child.kill()
        self._child.wait()
        self._thread.join()
        self._child.stdout.close()


@pytest.fixture
def lines():
    """lines(argv, cwd): a command that runs until the test is over."""
    yield from started(Lines)


def start(new_runnel, replay):
    """Keeps all that can be published while a client takes its time to come back."""
    return new_runnel(
        sources={"api": {"type": "http"}}, replay=replay | {"keep": {"events": 100_000}}, stream={"retry": "50ms"},
        routes=[{"source": "api", "topic": "named/{event}", "channel": "a", "event": "{event}"},
                {"source": "api", "topic": "{channel}", "channel": "{channel}"}]).start()


def client(lines, library, port, *channels):
    url = f"http://127.0.0.1:{port}{events_path(*channels)}"
    made = lines(["node", "client.mjs", library, url, "message", "note", "runnel.live", "runnel.gap"], FOLDER)
    await_type(made, "runnel.live")
    return made


def await_type(made, name):
    while True:
        event = json.loads(made.next())
        if event["type"] == name:
            return event


def take(made, count):
    """The next events that are not runnel's own."""
    events = []
    while len(events) < count:
        event = json.loads(made.next())
        assert event["type"] != "runnel.gap", event
        if not event["type"].startswith(("runnel.", "(")):
            events.append(event)
    return events


@pytest.mark.parametrize("library", LIBRARIES)
def test_names_data_and_ids(new_runnel, lines, library):
    runnel = start(new_runnel, {"store": "memory"})
    made = client(lines, library, runnel.port, "a")
    sent = [("a", "message", "plain"), ("named/note", "note", "one\ntwo\n\nfour"), ("a", "message", "Grüße 馬 😀"),
            ("a", "message", "data: x\nid: 9-9")]
    for topic, _, text in sent:
        runnel.publish(topic, text)
    events = take(made, len(sent))
    assert [(event["type"], event["data"]) for event in events] == [(name, text) for _, name, text in sent]
    assert_rising([event["id"] for event in events])


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("channels", [["a"], ["a", "b", "c"]], ids=["one", "three"])
def test_connection_breaks_in_mid_stream(new_runnel, new_relay, lines, replay, library, channels):
    runnel = start(new_runnel, replay)
    relay = new_relay(runnel.port)
    made = client(lines, library, relay.port, *channels)
    sent = []
    for n in range(5):
        relay.cut_after(300 + 37 * n)
        while relay.cuts <= n or len(sent) < 40 * (n + 1):
            runnel.publish(channels[len(sent) % len(channels)], str(len(sent)))
            sent.append(str(len(sent)))
    assert [event["data"] for event in take(made, len(sent))] == sent


def test_curl(new_runnel, lines, replay):
    """`curl -N` shows the stream as it is, and resumes with a header."""
    runnel = start(new_runnel, replay)
    url = f"http://127.0.0.1:{runnel.port}/events/a"
    made = lines(["curl", "-sN", url])
    stream, events = EventStream(), []

    def read_until(count):
        while len(events) < count:
            events.extend(stream.feed(made.next()))

    read_until(1)
    assert events[0].type == "runnel.live"
    runnel.publish("a", "one\ntwo")
    runnel.publish("named/note", "žluť")
    read_until(3)
    assert [(event.type, event.data) for event in events[1:]] == [("message", "one\ntwo"), ("note", "žluť")]
    again = lines(["curl", "-sN", "-H", f"Last-Event-ID: {events[1].id}", url])
    stream = EventStream()
    resumed = []
    while len(resumed) < 2:
        resumed.extend(stream.feed(again.next()))
    assert [(event.type, event.data, event.id) for event in resumed][0] == ("note", "žluť", events[2].id)


def test_curl_sees_the_first_bytes_at_once(new_runnel, lines):
    """A proxy or a page waits for something to come."""
    made = lines(["curl", "-sN", f"http://127.0.0.1:{start(new_runnel, {'store': 'memory'}).port}/events/a"])
    assert made.next() == b"retry: 50\n"
    wait_for(lambda: made.next() == b"event: runnel.live\n", "runnel.live")
