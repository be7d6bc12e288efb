"""The jobs of the table. Each gives rows, verdicts and notes; what it needs comes with `bench`."""

import contextlib
import itertools
import shutil
import signal
import socket
import statistics
import subprocess
import time

from . import servers
from .measure import (check, check_finished, fan_in, fan_out, median, merge_histograms, publish, ratio, repeat,
                      start_load, touch_socket_memory, with_end)
from .process import CLIENT_CORE, Cpu, Failure, Process, machine_busy_s, pss_kib, wait_for

BARE, REDIS, MEMORY = servers.Bare.name, servers.RunnelRedis.name, servers.RunnelMemory.name
NCHAN, NCHAN_REDIS, NODE = servers.Nchan.name, servers.NchanRedis.name, servers.Node.name


class Result:
    """What a job found: a table of servers and columns, targets with what was measured, notes, data for plots."""

    def __init__(self, columns):
        self.columns = columns
        self.rows = {}
        self.verdicts = []
        self.notes = []
        self.data = {}

    def row(self, name, *values):
        self.rows[name] = values

    def target(self, text, measured, limit, unit="", at_least=False):
        is_reached = measured >= limit if at_least else measured <= limit
        self.verdicts.append({"target": text, "measured": f"{measured:.3g}{unit}", "is_reached": is_reached})

    def note(self, text):
        self.notes.append(text)


def _cpu_rows(result, samples):
    for name, taken in samples.items():
        beside = f"{ratio(taken, samples[BARE], 'cpu_us'):.2f}x" if BARE in samples else ""
        result.row(name, median(taken, "cpu_us"), beside, statistics.fmean(s["user_us"] for s in taken))


def broadcast(bench):
    """2,000 clients of one channel, 20 events/s: CPU a delivery"""
    clients, events = bench.sizes((2000, 100), (50, 20))
    samples = repeat(bench, servers.ALL, bench.turns(3),
                     lambda kind: fan_out(bench, kind, clients, events, rate=20 if not bench.is_quick else 100))
    result = Result(["CPU us a delivery", "beside the bare loop", "user us"])
    _cpu_rows(result, samples)
    result.target("at most 1.10x the bare loop (Redis log)", ratio(samples[REDIS], samples[BARE], "cpu_us"), 1.10, "x")
    result.target("user time at most 0.35 us (Redis log)",
                  statistics.fmean(s["user_us"] for s in samples[REDIS]), 0.35, " us")
    return result


def burst(bench):
    """200 clients of one channel, 5,000 events as fast as they are taken: CPU a delivery"""
    clients, events = bench.sizes((200, 5000), (20, 500))
    samples = repeat(bench, servers.ALL, bench.turns(3), lambda kind: fan_out(bench, kind, clients, events))
    result = Result(["CPU us a delivery", "beside the bare loop", "user us"])
    _cpu_rows(result, samples)
    result.target("at most 0.30 us a delivery (Redis log)", median(samples[REDIS], "cpu_us"), 0.30, " us")
    return result


def channels(bench):
    """5,000 channels of one client each, 100,000 events as fast as they come: CPU an event"""
    clients, events = bench.sizes((5000, 100000), (50, 1000))
    samples = repeat(bench, servers.ALL, bench.turns(2), lambda kind: fan_out(bench, kind, clients, events, clients))
    result = Result(["CPU us an event", "user us", "events/s"])
    for name, taken in samples.items():
        result.row(name, median(taken, "cpu_us"), median(taken, "user_us"),
                   statistics.median(s["deliveries"] / s["seconds"] for s in taken))
    result.target("at most 11 us an event with the Redis log", median(samples[REDIS], "cpu_us"), 11, " us")
    result.target("at most 8 us with the memory log", median(samples[MEMORY], "cpu_us"), 8, " us")
    return result


def _idle_kib(bench, kind, clients, channel_count):
    with kind(bench, clients=clients, channels=channel_count) as server:
        before = server.settled_pss_kib()
        load = start_load(bench, server.port, clients, channel_count, events=0, hold=True)
        try:
            server.await_streams(clients)
            return (server.settled_pss_kib() - before) / clients
        finally:
            load.end()


def idle(bench):
    """10,000 idle clients: user memory a client (PSS growth)"""
    (clients,) = bench.sizes((10000,), (200,))
    result = Result(["KiB a client, of one channel", "KiB, each of a channel of its own"])
    for kind in (servers.RunnelRedis, *servers.PEERS):
        if bench.has(kind):
            bench.progress.step(kind.name)
            one, own = (_idle_kib(bench, kind, clients, count) for count in (1, clients))
            result.row(kind.name, one, own)
            bench.progress.say(f"{one:.2f} and {own:.2f} KiB")
    result.target("at most 0.6 KiB (one channel)", result.rows[REDIS][0], 0.6, " KiB")
    result.target("the same with a channel of its own for each client", result.rows[REDIS][1], 0.6, " KiB")
    return result


@contextlib.contextmanager
def _stream(port, path):
    """The lines of a stream, from behind the response's head on: it is open."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n".encode())
        with connection.makefile("rb") as lines:
            while lines.readline() not in (b"\r\n", b""):
                pass
            yield lines


def _read_ids(lines, count):
    """The ids of its first `count` events."""
    ids = []
    event_id = None
    for line in lines:
        if line.startswith(b"id: "):
            event_id = line[4:].strip().decode()
        elif line.startswith(b'data: {"n":'):
            ids.append(event_id)
            if len(ids) == count:
                return ids
    raise Failure("the tail ended")


def _warm_nchan(bench, server, events):
    """It has no `since`: the reader must be there first."""
    with _stream(server.port, "/events/bench.0") as lines:
        server.await_streams(1)
        with_end(publish(bench, server, events), lambda p: p.json())
        return _read_ids(lines, events)


def _warm_runnel(bench, server, events):
    """With the Redis log the process is a new one afterwards, that has nothing in memory."""
    with_end(publish(bench, server, events), lambda p: p.json())
    with _stream(server.port, "/events/bench.0?since=earliest") as lines:
        ids = _read_ids(lines, events)
    if server.store == "redis":
        server.restart()
    return ids


def _storm(bench, kind, clients, events, back):
    with kind(bench, clients=clients) as server:
        warm = _warm_runnel if isinstance(server, servers.Runnel) else _warm_nchan
        ids = warm(bench, server, events)
        pages = server.metric("runnel_pages_read_total") if isinstance(server, servers.Runnel) else 0
        before = server.cpu_at_rest()
        load = start_load(bench, server.port, clients, events=back, first=events - back, timeout=10,
                          header=f"Last-Event-ID: {ids[events - back - 1]}")
        try:
            load.expect("done", 120)
            spent = server.cpu() - before
            result = load.json()
        finally:
            load.end()
        pages = server.metric("runnel_pages_read_total") - pages if isinstance(server, servers.Runnel) else None
    check(result)
    check_finished(result)
    return {"cpu_us": spent.total * 1e6 / result["reading"]["received"],
            "user_us": spent.user * 1e6 / result["reading"]["received"], "pages": pages,
            "connects_per_s": result["connects_per_s"]}


def resume(bench):
    """5,000 clients arrive at once, each resumes 100 events back: CPU a delivery, with the connecting"""
    clients, events = bench.sizes((5000, 300), (50, 300))
    kinds = [servers.RunnelRedis, servers.RunnelMemory, servers.Nchan, servers.NchanRedis]
    samples = repeat(bench, kinds, bench.turns(2), lambda kind: _storm(bench, kind, clients, events, 100))
    result = Result(["CPU us a delivery", "user us", "reads of the log"])
    for name, taken in samples.items():
        pages = [s["pages"] for s in taken]
        result.row(name, median(taken, "cpu_us"), median(taken, "user_us"), "" if pages[0] is None else max(pages))
    result.target("at most 0.4 us a delivery (Redis log, cold)", median(samples[REDIS], "cpu_us"), 0.4, " us")
    result.target("the same with the memory log, the default", median(samples[MEMORY], "cpu_us"), 0.4, " us")
    result.target("at most 20 reads of the log in all", result.rows[REDIS][2], 20)
    return result


def latency(bench):
    """100 clients, 50 events/s: publish to receipt"""
    clients, events = bench.sizes((100, 350), (10, 50))
    samples = repeat(bench, servers.ALL, bench.turns(2), lambda kind: fan_out(bench, kind, clients, events, rate=50))
    result = Result(["p50 ms", "p99 ms"])
    for name, taken in samples.items():
        result.row(name, median(taken, "p50_ms"), median(taken, "p99_ms"))
        result.data[name] = merge_histograms(taken)
    for key, limit in (("p50_ms", 1.5), ("p99_ms", 2)):
        result.target(f"memory log: {key[:3]} at most {limit}x the bare loop",
                      ratio(samples[MEMORY], samples[BARE], key), limit, "x")
    if NCHAN_REDIS in samples:
        for key in ("p50_ms", "p99_ms"):
            result.target(f"Redis log: {key[:3]} at most 0.8x nchan with Redis",
                          ratio(samples[REDIS], samples[NCHAN_REDIS], key), 0.8, "x")
    return result


def _connect(bench, kind, clients):
    with kind(bench, clients=clients) as server:
        before = server.cpu_at_rest()
        load = start_load(bench, server.port, clients, events=0, hold=True)
        try:
            spent = server.cpu() - before
            load.expect("done")
            load.say("end")
            result = load.json()
        finally:
            load.end()
    return {"connects_per_s": result["connects_per_s"], "cpu_us": spent.total * 1e6 / clients}


def connect(bench):
    """10,000 connections as fast as they come"""
    (clients,) = bench.sizes((10000,), (200,))
    kinds = [servers.RunnelRedis, servers.Nchan, servers.Node]
    samples = repeat(bench, kinds, bench.turns(9), lambda kind: _connect(bench, kind, clients))
    result = Result(["connections/s", "server CPU us a connection"])
    for name, taken in samples.items():
        result.row(name, median(taken, "connects_per_s"), median(taken, "cpu_us"))
    if NCHAN in samples:
        result.target("at least nchan's rate", ratio(samples[REDIS], samples[NCHAN], "connects_per_s"), 1.0, "x", True)
    return result


class _Peak:
    """The highest PSS while a publisher runs."""

    def __init__(self, pids):
        self.pids = pids
        self.before = self.peak = pss_kib(pids)

    def watch(self, publisher, bench):
        begin = time.monotonic()
        while publisher.is_running():
            time.sleep(0.5)
            self.peak = max(self.peak, pss_kib(self.pids))
            bench.progress.tick(f"{time.monotonic() - begin:.0f} s, {(self.peak - self.before) / 1024:.1f} MiB")

    @property
    def growth_mib(self):
        return (self.peak - self.before) / 1024


def _stalled_run(bench, clients, stalled, events, rate, **options):
    touch_socket_memory(clients)
    with servers.RunnelRedis(bench, **options) as server:
        load = start_load(bench, server.port, clients, events=events, stalled=stalled, timeout=20)
        try:
            server.await_streams(clients)
            peak = _Peak(server.pids)
            publisher = publish(bench, server, events, rate=rate)
            with_end(publisher, lambda p: peak.watch(p, bench))
            load.expect("done", 60)
            if stalled:
                load.say("read")
            result = load.json(120)
        finally:
            load.end()
    check(result)
    check(result, "stalled", gaps_max=stalled)
    check_finished(result)
    return result | {"growth_mib": peak.growth_mib}


def stalled(bench):
    """1,000 of 2,000 clients stop reading, 1,000 events/s for 30 s; then they read again"""
    reading, idle_count, rate, seconds = bench.sizes((1000, 1000, 1000, 30), (20, 20, 500, 1))
    small, events = bench.sizes((100, 10000), (10, 5000))
    bench.progress.step("without stalled clients")
    alone = _stalled_run(bench, reading, 0, rate * seconds, rate)
    bench.progress.step("with them")
    beside = _stalled_run(bench, reading + idle_count, idle_count, rate * seconds, rate)
    bench.progress.step("with them, and little memory for the tails")
    short = _stalled_run(bench, 2 * small, small, events, 2 * rate, tail_bytes="1M")
    result = Result(["p50 ms of those who read", "p99 ms", "PSS growth MiB", "lost in silence", "gap events",
                     "events told by them", "events after a gap, at least"])
    for name, run in ((f"{reading:,} read", alone), (f"{reading:,} read, {idle_count:,} do not", beside),
                      (f"{small} read, {small} do not, stream.tail_bytes 1M", short)):
        result.row(name, run["reading"]["p50_us"] / 1e3, run["reading"]["p99_us"] / 1e3, run["growth_mib"],
                   run["reading"]["lost"] + run["stalled"]["lost"], run["stalled"]["gaps"], run["stalled"]["told"],
                   run["after_gap_min"])
    result.target("p99 of those who read at most doubles",
                  beside["reading"]["p99_us"] / alone["reading"]["p99_us"], 2, "x")
    result.target("memory grows by at most 16 MiB", beside["growth_mib"], 16, " MiB")
    result.target("every stalled client is told of its gap (small tail)", short["stalled"]["gaps"], small, "", True)
    result.target(f"and gets every event that the log keeps ({servers.KEPT_EVENTS})", short["after_gap_min"],
                  servers.KEPT_EVENTS, "", True)
    result.note("the slowest events are those of the first half second: those who do not read are not known yet and get "
                "everything, until about 160 KB are in the kernel's buffers of each. These buffers were filled and "
                "given back before each run, so that the host of a virtual machine has its memory ready")
    result.note("where the tails' memory (64 MiB) reaches further back than the log keeps, those who were stalled get "
                "all events and need no gap event; the third run has little of it")
    return result


class _Loops:
    """
    A loop for each channel: it publishes an event when all clients of the channel have had the one before, so that each
    is a send of its own. While one channel's event goes to its last clients another's is under way, so that a worker
    which is done with its share has more to do. The load client says which channel is done; nothing else is asked.
    """

    def __init__(self, server, load, channels):
        self.load = load
        self.published = [0] * channels
        self.redis = socket.create_connection(("127.0.0.1", server.redis_port))
        self.redis.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def publish(self, channel):
        payload = f'{{"n":{self.published[channel]},"t":{time.monotonic_ns()},"p":"'.encode().ljust(198, b"x") + b'"}'
        topic = b"bench.%d" % channel
        self.redis.sendall(b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
                           % (len(topic), topic, len(payload), payload))
        self.redis.recv(64)
        self.published[channel] += 1

    def run(self, events):
        """So many of each channel. How long they took, in seconds."""
        ends = [published + events for published in self.published]
        begin = time.monotonic()
        for channel in range(len(ends)):
            self.publish(channel)
        for _ in range(events * len(ends)):
            channel = int(self.load.line())
            if self.published[channel] < ends[channel]:
                self.publish(channel)
        return time.monotonic() - begin

    def end(self):
        self.redis.close()


WORKER_CHANNELS, WARM_EVENTS = 2, 3


def _workers_run(bench, count, clients, events):
    with servers.RunnelMemory(bench, workers=count, core=None, heartbeat="10m") as server:
        load = Process([bench.program("load"), "--port", server.port, "--clients", clients, "--channels", WORKER_CHANNELS,
                        "--events", events + WARM_EVENTS, "--count"], None)
        try:
            load.expect("ready", 60)
            load.expect("done")
            server.await_streams(clients)
            loops = _Loops(server, load, WORKER_CHANNELS)
            loops.run(WARM_EVENTS)
            before, server_before, busy = Cpu.of([load.pid]), server.cpu(), machine_busy_s()
            lasted = loops.run(events)
            busy = (machine_busy_s() - busy) / lasted
            share = (Cpu.of([load.pid]) - before).total / lasted
            spent = server.cpu() - server_before
            loops.end()
            load.say("end")
            result = load.json(120)
        finally:
            load.end()
    check(result, "stalled")
    check_finished(result)
    deliveries = clients * events
    return {"deliveries_per_s": deliveries / lasted, "client_share": share, "busy": busy,
            "cpu_us": spent.total * 1e6 / deliveries}


def workers(bench):
    """1 to 2 workers, both cores: deliveries a second"""
    clients, events = bench.sizes((10000, 40), (100, 5))
    samples = {1: [], 2: []}
    for turn in range(bench.turns(5)):
        for count in (1, 2):
            bench.progress.step(f"{count} workers ({turn + 1})")
            samples[count].append(_workers_run(bench, count, clients, events))
            bench.record(f"{count} workers", samples[count][-1])
    result = Result(["deliveries/s", "CPU us a delivery", "CPU of the client, cores", "of the whole machine, cores"])
    for count, taken in samples.items():
        result.row(f"{count} worker{'s' if count > 1 else ''}", median(taken, "deliveries_per_s"),
                   median(taken, "cpu_us"), median(taken, "client_share"), median(taken, "busy"))
    result.target("at least 1.7x", ratio(samples[2], samples[1], "deliveries_per_s"), 1.7, "x", True)
    result.note(f"{WORKER_CHANNELS} channels of {clients // WORKER_CHANNELS:,} clients each, with one worker as with two; a "
                "channel's next event is published when all its clients have the one before, so each is a send of its own, "
                "and meanwhile another channel's is under way. The client is not the limit: it reads nothing meanwhile, but "
                "looks once a millisecond how much waits (FIONREAD); its share of a core is in the table. Afterwards all is "
                "read, and every event checked for gaps and doubles.")
    if not bench.is_quick:
        gain = median(samples[2], "busy") / median(samples[1], "busy")
        result.note(f"busy cores of the whole machine: {gain:.2f}x as many, and no more can be gained")
    return result


GROWTH_RUNS = {100: (800, 200), 1000: (100, 50), 5000: (30, 10), 19000: (10, 3)}  # clients: events, events/s
CHANNELS_RUN = (1000, 200, 50)  # clients, events, events/s: the same whatever the channels
CHANNELS_ACTIVE, CHANNELS_QUIET = (1, 10, 100), (0, 99)


def _by_clients(bench, runs):
    kinds = [servers.Bare, servers.RunnelRedis, servers.Nchan, servers.Node]
    by_clients = {}
    for clients, (events, rate) in runs.items():
        for name, taken in repeat(bench, kinds, bench.turns(2), lambda kind, c=clients, e=events, r=rate:
                                  fan_out(bench, kind, c, e, rate=r), f", {clients} clients").items():
            by_clients.setdefault(name, {})[clients] = median(taken, "cpu_us")
    return by_clients


def _by_channels(bench, clients, events, rate):
    """{(active, quiet): us a delivery}"""
    actives, quiets = bench.sizes((CHANNELS_ACTIVE, CHANNELS_QUIET), ((1, 10), (0, 2)))
    samples = {}
    for turn in range(bench.turns(2)):
        for active, quiet in itertools.product(actives, quiets):
            bench.progress.step(f"{active} active channels, {quiet} quiet ones ({turn + 1})")
            sample = fan_in(bench, servers.RunnelRedis, clients, events, rate, active, quiet)
            samples.setdefault((active, quiet), []).append(sample)
            bench.record(f"{active} active channels, {quiet} quiet ones", sample)
    return {key: median(taken, "cpu_us") for key, taken in samples.items()}


def growth(bench):
    """Cost as it grows: CPU a delivery by clients and by channels"""
    runs = bench.sizes(GROWTH_RUNS, {20: (50, 100), 60: (50, 100)})
    clients, events, rate = bench.sizes(CHANNELS_RUN, (20, 50, 100))
    by_clients = _by_clients(bench, runs)
    by_channels = _by_channels(bench, clients, events, rate)
    result = Result([*(f"{c} clients" for c in runs)])
    for name, values in by_clients.items():
        result.row(name, *values.values())
    result.data = {"clients": by_clients, "channels": [[*key, us] for key, us in by_channels.items()]}
    for what, values in (("clients", by_clients[REDIS]), ("channels", by_channels)):
        result.target(f"flat within 1.3x over {what}", max(values.values()) / min(values.values()), 1.3, "x")
    if BARE in by_clients:
        bare = by_clients[BARE]
        beside = ", ".join(f"{n:,}: {us / bare[n]:.2f}x" for n, us in by_clients[REDIS].items())
        result.note(f"beside the bare loop: {beside}; its own cost, the kernel's, is up to "
                    f"{max(bare.values()) / min(bare.values()):.2f}x its lowest")
    result.note(f"by channels (runnel, Redis log): {clients:,} clients listen to all the active ones, and each to the quiet "
                f"ones of its own; {rate} events/s in all, spread over the active ones, whatever their number: "
                + ", ".join(f"{active} active and {quiet} quiet {us:.2f} us" for (active, quiet), us in by_channels.items()))
    return result


def _probe(bench, server, clients, load, events, rate):
    """What those meet who come while a broadcast goes out."""
    probe = Process([bench.program("probe"), server.port, "/events/bench.0", 7], CLIENT_CORE)
    try:
        subprocess.run(["chrt", "-f", "-p", "10", str(probe.pid)], check=False, stderr=subprocess.DEVNULL)
        wait_for(lambda: server.metric("runnel_streams_opened_total") > clients, "the probe's first connection")
        with_end(publish(bench, server, events, rate=rate), lambda p: p.json(120))
        load.expect("done", 60)
        probe.say("end")
        return probe.json()
    finally:
        probe.end()


def newcomer(bench):
    """A broadcast to 19,000 clients: how long a new connection waits for its first byte"""
    clients, events, rate = bench.sizes((19000, 12, 3), (100, 30, 20))
    with servers.RunnelRedis(bench) as server:
        load = start_load(bench, server.port, clients, events=events, timeout=20)
        try:
            server.await_streams(clients)
            result_of_probe = _probe(bench, server, clients, load, events, rate)
            load_result = load.json()
        finally:
            load.end()
    check(load_result)
    check_finished(load_result)
    result = Result(["connections", "p50 ms", "p99 ms", "longest ms"])
    result.row(REDIS, result_of_probe["connections"], result_of_probe["p50_us"] / 1e3, result_of_probe["p99_us"] / 1e3,
               result_of_probe["max_us"] / 1e3)
    result.target("at most 20 ms", result_of_probe["max_us"] / 1e3, 20, " ms")
    return result


def _trace(bench, server, load, report, events):
    """strace's counts of what the events cost."""
    trace = Process(["strace", "-f", "-c", "-o", report, "-p", server.pids[0]], None, bench.folder / "strace.log")
    try:
        wait_for(lambda: "attached" in trace.errors(), "strace")
        with_end(publish(bench, server, 1), lambda p: p.json())  # so that strace has every thread before the rest
        server.cpu_at_rest()  # its metrics would be counted
        with_end(publish(bench, server, events - 1, rate=50, first=1), lambda p: p.json(60))
        load.expect("done", 60)
        result = load.json()
        trace.signal(signal.SIGINT)
        trace.wait()
    finally:
        trace.end()
    check(result)
    check_finished(result)


def _count_calls(bench, kind, clients, events):
    """{name: calls}"""
    report = bench.folder / "strace.txt"
    with kind(bench) as server:
        load = start_load(bench, server.port, clients, events=events, timeout=20)
        try:
            server.await_streams(clients)
            _trace(bench, server, load, report, events)
        finally:
            load.end()
    calls = {}
    for line in report.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3])
    return calls


def syscalls(bench):
    """Calls of the kernel on the hot path, single events to 100 clients (strace -c)"""
    clients, events = bench.sizes((100, 100), (20, 20))
    if not shutil.which("strace"):
        raise Failure("needs strace")
    result = Result(["calls", "a delivery", "an event"])
    for kind in (servers.RunnelMemory, servers.RunnelRedis):
        bench.progress.step(kind.name)
        calls = _count_calls(bench, kind, clients, events)
        for name, count in calls.items():
            result.row(f"{kind.store} log: {name}", count, count / (clients * events), count / events)
        sends = calls.get("sendto", 0)
        result.target(f"{kind.store} log: one sendto a delivery", sends / (clients * events), 1.02)
        result.target(f"{kind.store} log: the others are by turn, not by delivery: at most 20 an event, whatever the clients",
                      (sum(calls.values()) - sends) / events, 20)
    return result


ALL = [broadcast, burst, channels, idle, resume, latency, connect, stalled, workers, growth, newcomer, syscalls]
