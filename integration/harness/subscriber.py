"""An EventSource on channels of a runnel, with what most tests ask of it."""

import urllib.parse

from eventstream import EventSource

from .waiting import PATIENCE


def events_path(*channels, **query):
    """/events/{channel} for one channel, /events?channel=… for more."""
    if len(channels) == 1:
        path = "/events/" + urllib.parse.quote(channels[0], safe="/")
        pairs = []
    else:
        path = "/events"
        pairs = [("channel", channel) for channel in channels]
    pairs += list(query.items())
    return path + ("?" + urllib.parse.urlencode(pairs) if pairs else "")


class Subscriber(EventSource):
    """`via`: a Relay or Proxy to go through. Keywords that are left are the query."""

    def __init__(self, runnel, *channels, via=None, last_event_id=None, headers=None, **query):
        through = via or runnel
        url = getattr(through, "url", f"http://127.0.0.1:{through.port}")
        super().__init__(url + events_path(*channels, **query), last_event_id, headers, getattr(through, "connect", None))

    def wait(self, until, timeout=PATIENCE):
        return super().wait(until, timeout)

    def await_live(self, times=1):
        """runnel.live has come: the replay has caught up."""
        self.wait(lambda s: s.types().count("runnel.live") >= times)
        return self

    def await_messages(self, count):
        """At least `count` events that are not runnel's own: (type, data) of all of them."""
        self.wait(lambda s: len(s.messages) >= count)
        return self.pairs()

    def pairs(self):
        return [(event.type, event.data) for event in self.messages]

    def data(self):
        return [event.data for event in self.messages]

    def ids(self):
        return [event.id for event in self.messages]

    def gaps(self):
        return [event for event in list(self.events) if event.type == "runnel.gap"]


def id_key(text):
    """Ids compare as two numbers."""
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)


def assert_rising(ids):
    keys = [id_key(text) for text in ids]
    assert all(one < two for one, two in zip(keys, keys[1:])), ids
