"""One measurement: a server, a load client, a publisher; complete, or a Failure."""

import os
import socket
import statistics
import time

from .process import CLIENT_CORE, SERVER_CORE, Failure, Process, wait_for


def _fill(sending):
    sending.setblocking(False)
    try:
        while True:
            sending.send(bytes(4096))
    except BlockingIOError:
        pass


def touch_socket_memory(connections):
    """
    Fills the kernel's buffers of so many connections, then gives them back. On a virtual machine a page that was
    never touched, or not lately, costs a fault of the host's, up to 15 us: that is no cost of the server under test.
    """
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    pairs = []
    try:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            for _ in range(connections):
                reading = socket.create_connection(listening.getsockname())
                pairs.append((listening.accept()[0], reading))
                pairs[-1][0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 << 10)  # stream.send_buffer_bytes
                _fill(pairs[-1][0])
    finally:
        for pair in pairs:
            for end in pair:
                end.close()
        os.sched_setaffinity(0, cores)


def start_load(bench, port, clients, channels=1, **options):
    """The load client, its streams open. Options as of load.c; True is a flag."""
    argv = [bench.program("load"), "--port", port, "--clients", clients, "--channels", channels]
    for name, value in options.items():
        argv += [f"--{name}"] if value is True else [f"--{name}", value]
    load = Process(argv, CLIENT_CORE)
    try:
        load.expect("ready", 120)
    except Failure:
        load.end()
        raise
    return load


def publish(bench, server, events, channels=1, rate=0, first=0, is_through=False):
    """Starts the publisher."""
    return Process([bench.program("publish"), *server.publish_target(), "--channels", channels, "--events", events,
                    "--rate", rate, "--first", first, *(["--through"] if is_through else [])], CLIENT_CORE)


def check(result, group="reading", gaps_max=0):
    """Every stream has had every event, once, in order, but for what so many gap events told of."""
    got = result[group]
    if result["broken"] or got["lost"] or got["doubled"] or got["gaps"] > gaps_max:
        raise Failure(f"lost {got['lost']}, doubled {got['doubled']}, gaps {got['gaps']}, broken {result['broken']}")


def check_finished(result):
    finished = result["reading"]["finished"] + result["stalled"]["finished"]
    if finished != result["clients"]:
        raise Failure(f"{result['clients'] - finished} of {result['clients']} streams did not get all their events")


def fan_out(bench, kind, clients, events, channels=1, rate=0, **options):
    """
    `events` over `channels`, of `clients` streams.
    CPU is the server's from the first publish to the last receipt.
    """
    with kind(bench, clients=clients, channels=channels, **options) as server:
        load = start_load(bench, server.port, clients, channels, events=events // channels, timeout=10)
        return _deliver(bench, server, load, clients, {"events": events, "channels": channels, "rate": rate})


def fan_in(bench, kind, clients, events, rate, active, quiet):
    """
    `events` over `active` channels, to all of which each stream listens, and to `quiet` more, none another's, without
    any. All channels have one event each before anybody connects.
    """
    fill = active + clients * quiet
    with kind(bench, clients=clients) as server:
        with_end(publish(bench, server, fill, fill), lambda p: p.json(120))
        wait_for(lambda: server.metric("runnel_replay_appends_total") == fill, "the log to have them")
        load = start_load(bench, server.port, clients, events=events, timeout=10, first=1, active=active, quiet=quiet,
                          path="/events?channel=bench.")
        return _deliver(bench, server, load, clients, {"events": events, "channels": active, "rate": rate, "first": 1,
                                                       "is_through": True})


def _deliver(bench, server, load, clients, published):
    """What it costs to bring what is published to the streams of `load`, which it ends."""
    try:
        server.await_streams(clients)
        before = server.cpu_at_rest()
        begin = time.monotonic()
        with_end(publish(bench, server, **published), lambda p: p.json(300))
        load.expect("done", 120)
        spent, seconds = server.cpu() - before, time.monotonic() - begin
        result = load.json()
    finally:
        load.end()
    check(result)
    check_finished(result)
    return _sample(result, spent, seconds, published["events"])


def _sample(result, spent, seconds, events):
    deliveries = result["reading"]["received"]
    return {
        "cpu_us": spent.total * 1e6 / deliveries, "user_us": spent.user * 1e6 / deliveries,
        "cpu_us_event": spent.total * 1e6 / events, "deliveries": deliveries, "seconds": seconds,
        "p50_ms": result["reading"]["p50_us"] / 1e3, "p99_ms": result["reading"]["p99_us"] / 1e3,
        "connects_per_s": result["connects_per_s"], "histogram": result["reading"]["histogram"],
    }


def with_end(process, use):
    try:
        return use(process)
    finally:
        process.end()


def repeat(bench, kinds, count, measure, of=""):
    """
    Samples of each kind, in turns: A B C, C B A, A B C, for who ran before leaves its mark on the machine.
    {name: [sample, …]}; kinds that are missing are left out. `of` tells samples of one kind apart in the record.
    """
    samples = {}
    present = [k for k in kinds if bench.has(k)]
    for turn in range(count):
        for kind in present if turn % 2 == 0 else reversed(present):
            bench.progress.step(f"{kind.name} ({turn + 1} of {count})")
            sample = measure(kind)
            samples.setdefault(kind.name, []).append(sample)
            bench.record(kind.name + of, sample)
    return samples


def median(samples, key):
    return statistics.median(s[key] for s in samples)


def ratio(samples, others, key):
    """Median of the ratios of turns, so that a noisy minute meets both."""
    return statistics.median(a[key] / b[key] for a, b in zip(samples, others))


def merge_histograms(samples):
    merged = {}
    for sample in samples:
        for us, count in sample["histogram"]:
            merged[us] = merged.get(us, 0) + count
    return sorted(merged.items())
