"""/metrics says exactly what was published, filtered, failed, lost, held back, delivered, and how late."""

import subprocess
import time

import pytest

from harness.raw_stream import RawStream, read_all
from harness.waiting import wait_for

pytestmark = pytest.mark.sanitized

API = {"api": {"type": "http"}}
ROUTES = [{"source": "api", "topic": "{c}", "channel": "{c}"}]
INFINITE = "+Inf"
CLOCK_S = 0.005  # the loops read theirs once a turn, in ms


def deliveries(runnel, kind, le=INFINITE):
    return runnel.metric("runnel_delivery_seconds_bucket", kind=kind, le=le)


def mean_delivery_s(runnel, kind):
    return runnel.metric("runnel_delivery_seconds_sum", kind=kind) / deliveries(runnel, kind)


def assert_settled(runnel, count, kind="live"):
    """So many deliveries, each with its time; what is sent is counted a moment later."""
    wait_for(lambda: deliveries(runnel, kind) >= count, "them to be counted")
    assert runnel.metric("runnel_deliveries_total") == count
    assert deliveries(runnel, kind) == runnel.metric("runnel_delivery_seconds_count", kind=kind) == count


def test_every_message_is_counted_once_by_what_became_of_it(new_runnel, replay, subscribe):
    routes = [
        {"source": "api", "name": "paid", "topic": "orders", "channel": "orders", "event": "{json:/type}",
         "when": [{"json": "/total", "gt": 0}]},
        {"source": "api", "topic": "orders", "channel": "all"},
    ]
    runnel = new_runnel(sources=API, replay=replay, routes=routes).start()
    streams = [subscribe(runnel, "orders").await_live() for _ in range(3)] + [subscribe(runnel, "all").await_live()]
    for n in range(20):
        runnel.publish("orders", f'{{"type":"t","total":{n + 1}}}')
    for _ in range(7):
        runnel.publish("orders", '{"type":"t","total":0}')
    for _ in range(5):
        runnel.publish("orders", '{"total":1}')
    for _ in range(4):
        runnel.publish("orders", b"\xff")
    for _ in range(2):
        runnel.publish("elsewhere", "x")
    for stream in streams[:3]:
        stream.await_messages(20)
    streams[3].await_messages(32)

    def paid(reason):
        return runnel.metric("runnel_route_misses_total", source="api", route="paid", reason=reason)

    assert runnel.metric("runnel_source_messages_total", source="api") == 38
    assert runnel.metric("runnel_unrouted_messages_total", source="api") == 2
    assert runnel.metric("runnel_route_events_total", route="paid") == 20
    assert (paid("when"), paid("extract"), paid("utf8")) == (7 + 4, 5, 0)
    assert runnel.metric("runnel_route_events_total", source="api", route="orders -> all") == 32
    assert runnel.metric("runnel_route_misses_total", route="orders -> all", reason="utf8") == 4
    assert runnel.metric("runnel_replay_appends_total") == 52
    assert runnel.metric("runnel_replay_append_seconds_count") == 52
    assert runnel.metric("runnel_source_dropped_total") == runnel.metric("runnel_replay_dropped_total") == 0
    assert_settled(runnel, 3 * 20 + 32)
    received = sum(len(event.data) for stream in streams for event in stream.messages)
    assert runnel.metric("runnel_sent_bytes_total") > received


def test_many_events_in_one_send_are_counted_each(new_runnel, replay, redis_server, subscribe):
    """More than a batch of the feed, of a socket and of a page."""
    runnel = new_runnel(sources={"shop": redis_server.source()}, replay=replay,
                        routes=[{"source": "shop", "topic": "t", "channel": "out"}]).start()
    streams = [subscribe(runnel, "out").await_live() for _ in range(4)]
    redis_server.publish_all("t", [str(n) for n in range(3000)])
    for stream in streams:
        stream.await_messages(3000)
    assert_settled(runnel, 12_000)
    assert runnel.metric("runnel_sends_total") < 12_000
    assert deliveries(runnel, "live", "60") == 12_000


def test_a_replay_is_no_late_delivery(new_runnel, replay, subscribe):
    runnel = new_runnel(sources=API, replay=replay, routes=ROUTES).start()
    first = subscribe(runnel, "a").await_live()
    for n in range(10):
        runnel.publish("a", str(n))
    first.await_messages(10)
    resumed = subscribe(runnel, "a", last_event_id=first.ids()[3]).await_live()
    assert resumed.data() == [str(n) for n in range(4, 10)]
    newest = subscribe(runnel, "a", last=2).await_live()
    everything = subscribe(runnel, "a", since="earliest").await_live()
    runnel.publish("a", "live")
    for stream, count in ((first, 11), (resumed, 7), (newest, 3), (everything, 11)):
        stream.await_messages(count)
    wait_for(lambda: deliveries(runnel, "live") == 10 + 4, "the live ones to be counted")
    assert deliveries(runnel, "replay") == 6 + 2 + 10
    assert runnel.metric("runnel_replays_total") == 3
    for start in ("now", "resume", "since", "last"):
        assert runnel.metric("runnel_streams_opened_total", start=start) == 1, start
    assert runnel.metric("runnel_pages_read_total") == runnel.metric("runnel_page_seconds_count") > 0


def test_the_time_counts_from_the_receipt_also_at_an_edge(new_runnel, new_redis, subscribe):
    """What waited for the log was late, and the process that only sends it knows."""
    shop, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "idle_timeout": "1m", "connect_timeout": "1m"} | server.broker()
    ingest = new_runnel(sources={"shop": shop.source()}, replay=log,
                        routes=[{"source": "shop", "topic": "t", "channel": "out"}]).start()
    edge = new_runnel(replay=log).start()
    stream = subscribe(edge, "out").await_live()
    begin = time.monotonic()
    server.pause()
    shop.publish("t", "waits")
    wait_for(lambda: ingest.metric("runnel_replay_queue_oldest_timestamp_seconds") > 0, "it to wait")
    assert ingest.metric("runnel_replay_queue_events") == 1
    assert ingest.metric("runnel_memory_bytes", use="queue") > 0
    waiting = time.monotonic()
    wait_for(lambda: time.monotonic() > waiting + 0.1, "some time to pass")
    least = time.monotonic() - waiting
    server.resume()
    stream.await_messages(1)
    most = time.monotonic() - begin
    assert_settled(edge, 1)
    assert least - CLOCK_S <= mean_delivery_s(edge, "live") <= most + CLOCK_S
    wait_for(lambda: ingest.metric("runnel_replay_append_seconds_count") == 1, "the log's answer")
    assert least - CLOCK_S <= ingest.metric("runnel_replay_append_seconds_sum")
    assert ingest.metric("runnel_replay_queue_oldest_timestamp_seconds") == 0
    assert ingest.metric("runnel_memory_bytes", use="queue") == 0
    assert "runnel_source_up" not in "".join(edge.metrics()), "it has no source"


def test_what_a_full_queue_loses_and_what_it_holds_back(new_runnel, new_redis, subscribe):
    shop, server = new_redis().start(), new_redis().start()
    log = {"store": "redis", "queue": {"events": 10}, "idle_timeout": "1m", "connect_timeout": "1m"} | server.broker()
    runnel = new_runnel(sources=API | {"shop": shop.source()}, replay=log,
                        routes=[{"source": name, "topic": "t", "channel": "out"} for name in ("api", "shop")]).start()
    stream = subscribe(runnel, "out").await_live()
    assert runnel.metric("runnel_replay_queue_limit_events") == 10
    server.pause()
    shop.publish_all("t", [str(n) for n in range(25)])
    wait_for(lambda: runnel.metric("runnel_source_dropped_total", source="shop", reason="queue_full") == 15,
             "15 losses")
    assert runnel.admin("/publish/t", method="POST", body="x").status == 503
    assert runnel.metric("runnel_source_held_back_total", source="api") == 1
    assert runnel.metric("runnel_route_events_total", source="shop") == 10, "a lost message has made no event"
    server.resume()
    stream.wait(lambda s: s.gaps())
    stream.await_messages(10)
    assert runnel.metric("runnel_gaps_total", reason="expired") == 1
    assert runnel.metric("runnel_replay_feed_gaps_total", reason="lost") == 1
    assert runnel.metric("runnel_source_messages_total", source="shop") == 10
    assert runnel.reload(replay=log | {"queue": {"events": 20, "bytes": "1M"}})
    assert runnel.metric("runnel_replay_queue_limit_events") == 20
    assert runnel.metric("runnel_memory_limit_bytes", use="queue") == 1 << 20


def test_a_broken_feed_is_counted_and_loses_nothing(new_runnel, new_redis, subscribe):
    server = new_redis(is_persistent=True).start()
    runnel = new_runnel(sources=API, routes=ROUTES, replay={"store": "redis"} | server.broker()).start()
    stream = subscribe(runnel, "a").await_live()
    runnel.publish("a", "1")
    assert runnel.metric("runnel_replay_feed_gaps_total") == 0
    server.kill()
    runnel.await_down("replay log")
    assert runnel.metric("runnel_replay_up") == 0
    server.start()
    runnel.await_ready()
    runnel.publish("a", "2")
    stream.await_messages(2)
    assert runnel.metric("runnel_replay_up") == 1
    assert runnel.metric("runnel_replay_feed_gaps_total", reason="reconnected") >= 1
    assert runnel.metric("runnel_gaps_total") == 0
    assert_settled(runnel, 2)


@pytest.mark.parametrize("reason", ["expired", "unknown"])
def test_gaps_are_counted_by_what_the_client_was_told(new_runnel, subscribe, reason):
    runnel = new_runnel(sources=API, routes=ROUTES, replay={"keep": {"events": 2}}, stream={"tail_bytes": "4K"}).start()
    stream = subscribe(runnel, "a").await_live()
    for n in range(20):
        runnel.publish("a", "x" * 10_000)
        stream.await_messages(n + 1)
    cursor = {"expired": stream.ids()[0], "unknown": "17000000000000-0"}[reason]
    resumed = subscribe(runnel, "a", last_event_id=cursor).await_live()
    assert len(resumed.gaps()) == 1 and f'"{reason}"' in resumed.gaps()[0].data
    assert runnel.metric("runnel_gaps_total", reason=reason) == runnel.metric("runnel_gaps_total") == 1


def test_who_does_not_read_is_behind_until_it_does(new_runnel, replay):
    runnel = new_runnel(sources=API, routes=ROUTES, replay=replay, stream={"send_buffer_bytes": "16K"}).start()
    stream = RawStream(runnel, "a", receive_buffer=4096)
    read_all([stream], lambda s: "runnel.live" in s.types())

    def behind(waits_for):
        return runnel.metric("runnel_streams_behind", waits_for=waits_for)

    assert runnel.metric("runnel_streams_behind") == 0
    sent = 0
    while behind("socket") == 0:
        runnel.publish("a", "x" * 10_000)
        sent += 1
    assert runnel.metric("runnel_streams") == 1
    assert runnel.metric("runnel_memory_bytes", use="unsent") > 0
    read_all([stream], lambda s: len(s.messages()) == sent)
    wait_for(lambda: runnel.metric("runnel_streams_behind") == 0, "it to be live")
    assert runnel.metric("runnel_memory_bytes", use="unsent") == 0
    assert_settled(runnel, sent)
    stream.close()
    wait_for(lambda: runnel.metric("runnel_streams") == 0, "it to be gone")
    assert runnel.metric("runnel_streams_closed_total", reason="client") == 1


def test_limits_stand_beside_what_they_bound(new_runnel):
    runnel = new_runnel(sources=API, routes=ROUTES, replay={"memory_bytes": "1M"}, http={"workers": 2, "connections": 77},
                        stream={"tail_bytes": "2M", "page_bytes": "1M", "unsent_bytes": "3M", "mailbox_bytes": "4M"}).start()
    runnel.publish("a", "x")
    mib = 1 << 20

    def limits():
        return {use: runnel.metric("runnel_memory_limit_bytes", use=use) / mib
                for use in ("tails", "pages", "unsent", "mailboxes", "queue", "log")}

    assert limits() == {"tails": 4, "pages": 2, "unsent": 6, "mailboxes": 8, "queue": 0, "log": 1}
    assert runnel.metric("runnel_streams_limit") == 77
    assert 0 < runnel.metric("runnel_memory_bytes", use="log") < mib
    assert runnel.reload(replay={"memory_bytes": "8M"}, http={"workers": 2, "connections": 78},
                         stream={"tail_bytes": "3M", "page_bytes": "2M", "unsent_bytes": "5M", "mailbox_bytes": "6M"})
    assert limits() == {"tails": 6, "pages": 4, "unsent": 10, "mailboxes": 12, "queue": 0, "log": 8}
    assert runnel.metric("runnel_streams_limit") == 78


def test_routes_beyond_the_bound_are_counted_together(new_runnel):
    routes = [{"source": "api", "topic": f"t{n}", "channel": "out", "name": f"r{n}"} for n in range(5)]
    runnel = new_runnel(sources=API, routes=routes, admin={"metrics_routes": 2}).start()
    for n in range(5):
        runnel.publish(f"t{n}", "x")
    counted = {sample: value for sample, value in runnel.metrics().items()
               if sample.startswith("runnel_route_events_total")}
    assert counted == {'runnel_route_events_total{source="api",route="r0"}': 1,
                       'runnel_route_events_total{source="api",route="r1"}': 1,
                       'runnel_route_events_total{source="api",route="other"}': 3}


def test_routes_that_a_reload_took_away_make_room_for_others(new_runnel):
    """Of the start's config too, and though the source stays as it was."""
    def routes(name):
        return [{"source": "api", "topic": "t", "channel": "out", "name": name}]

    runnel = new_runnel(sources=API, routes=routes("first"), admin={"metrics_routes": 2}).start()
    for name in ("second", "third", "fourth"):
        assert runnel.reload(routes=routes(name))
        runnel.publish("t", "x")
        assert runnel.metric("runnel_route_events_total", source="api", route=name) == 1


def test_the_text_is_as_prometheus_wants_it(new_runnel, replay, subscribe):
    routes = [{"source": "api", "topic": "{c...}", "channel": "{c}", "name": 'odd "name" \\ of\na route'}]
    runnel = new_runnel(sources=API, routes=routes, replay=replay).start()
    stream = subscribe(runnel, "a").await_live()
    runnel.publish("a", "x")
    stream.await_messages(1)
    text = runnel.admin("/metrics").text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60,
                          check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert 'route="odd \\"name\\" \\\\ of\\na route"' in text
