"""Who is too slow for the feed, a worker or the whole process, reads from the log what it did not take: nothing is lost."""

import pytest

from harness.subscriber import assert_rising
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized

CHANNELS = [f"c{n}" for n in range(6)]
KEEP = {"keep": {"events": 100_000, "for": "1h"}}
ROUTES = [{"source": "shop", "topic": "{c}", "channel": "{c}"}]


class Burst:
    """Large events to all channels in turn, over one connection to `source`, and what they were."""

    def __init__(self, source):
        self._source = source
        self.sent = []  # (channel, text)

    def publish(self, count, size):
        with self._source.client() as client, client.pipeline(transaction=False) as pipeline:
            for number in range(len(self.sent), len(self.sent) + count):
                channel, text = CHANNELS[number % len(CHANNELS)], f"{number} ".ljust(size, "x")
                self.sent.append((channel, text))
                pipeline.publish(channel, text)
            pipeline.execute()

    def assert_all_came(self, streams):
        """To each all of its channels, in order, each once, over one connection."""
        for stream, channels in streams:
            sent = [text for channel, text in self.sent if channel in channels]
            stream.wait(lambda s, sent=sent: len(s.messages) >= len(sent))
            assert numbers(stream.data()) == numbers(sent)
            assert stream.data() == sent
            assert_rising(stream.ids())
            assert not stream.gaps() and stream.opens == 1


def numbers(texts):
    """Says more than the whole texts where they differ."""
    return [int(text.split()[0]) for text in texts]


def open_streams(subscribe, runnel):
    """Of one channel, of several and of all, and enough of each for both workers to have some."""
    picks = [CHANNELS[:1], CHANNELS[1:4], CHANNELS] * 4
    return [(subscribe(runnel, *channels).await_live(), channels) for channels in picks]


@pytest.mark.parametrize("bound", [{"mailbox_events": 1}, {"mailbox_bytes": "4K"}], ids=["events", "bytes"])
def test_full_mailboxes_lose_nothing(new_runnel, new_redis, replay, subscribe, bound):
    """Tails and pages are small, so that it is really the log that the workers read."""
    source = new_redis().start()
    runnel = new_runnel(sources={"shop": source.source()}, routes=ROUTES, replay=replay | KEEP,
                        stream={"tail_bytes": "16K", "page_bytes": "16K"} | bound).start()
    streams = open_streams(subscribe, runnel)
    burst = Burst(source)

    def is_any_dropped():
        runnel.pause()  # so that much comes at once
        burst.publish(120, 3000)
        runnel.resume()
        return runnel.metric("runnel_mailbox_dropped_total") > 0

    wait_for(is_any_dropped, "a mailbox to be full")
    burst.assert_all_came(streams)
    burst.publish(1, 10)
    burst.assert_all_came(streams)
    wait_for(lambda: runnel.metric("runnel_memory_bytes", use="mailboxes") == 0, "the mailboxes to be read")


def feeds(server):
    """Who is subscribed there, by Redis's number for the connection."""
    with server.client() as client:
        return {row["id"] for row in client.client_list(_type="pubsub")}


def test_redis_closes_the_feed_of_who_reads_too_slowly(new_runnel, new_redis, subscribe):
    """By client-output-buffer-limit: it keeps little of the feed for who does not take it."""
    source, server = new_redis().start(), new_redis().start()
    log = {"store": "redis"} | KEEP | server.broker(retry_max="200ms")
    runnel = new_runnel(sources={"shop": source.source()}, routes=ROUTES, replay=log).start()
    others = feeds(server)
    edge = new_runnel(replay=log).start()
    streams = open_streams(subscribe, runnel) + open_streams(subscribe, edge)
    [feed] = feeds(server) - others
    with server.client() as client:
        client.config_set("client-output-buffer-limit", "pubsub 64kb 0 0")
    burst = Burst(source)

    def is_closed():
        burst.publish(60, 20_000)
        return feed not in feeds(server)

    edge.pause()
    wait_for(is_closed, "Redis to close the feed")
    edge.resume()
    wait_for(lambda: edge.metric("runnel_replay_feed_gaps_total", reason="reconnected") > 0, "the feed to be back")
    burst.assert_all_came(streams)
    burst.publish(6, 10)
    burst.assert_all_came(streams)
