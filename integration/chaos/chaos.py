"""One run: a world, its publishers and clients, the faults of a seed, and the verdict."""

import heapq
import itertools
import time
import traceback
from collections import Counter
from dataclasses import dataclass

from harness.waiting import wait_for

from . import records
from .checker import Checker, Verdict
from .logs import Logged
from .publishers import key_of
from .schedule import draw
from .world import World

SETTLE_S = 90  # bounds a run that hangs; says nothing about speed
LOST_ENDS_MAX = 2


@dataclass
class Run:
    seed: int
    topology: str
    is_losing: bool
    seconds: float
    faults: Counter
    verdict: Verdict
    drops: int
    settle_s: float  # from the last message to its last delivery


def _apply(world, faults, start, say):
    """
    Each fault at its time, in this thread: what takes longer delays what follows, and on the same target until the one
    before is over.
    """
    numbers = itertools.count()
    queue = [(fault.begin, next(numbers), fault, None) for fault in faults]
    ends = {}  # target -> when what is under way there is to end
    heapq.heapify(queue)
    while queue:
        at, _, fault, done = heapq.heappop(queue)
        time.sleep(max(0, start + at - time.monotonic()))
        if done is not None:
            world.faults.end(fault, done)
            del ends[fault.target]
        elif fault.target in ends:
            heapq.heappush(queue, (ends[fault.target], next(numbers), fault, None))
        else:
            say(str(fault))
            done = world.faults.begin(fault)
            ends[fault.target] = max(fault.end, time.monotonic() - start)
            heapq.heappush(queue, (ends[fault.target], next(numbers), fault, done))


def await_last(world, keys):
    """Every client has the last message of every source on each of its channels."""
    seen = {client.name: set() for client in world.clients}
    read = dict.fromkeys(seen, 0)

    def missing():
        found = []
        for client in world.clients:
            news = client.record[read[client.name]:]  # it grows meanwhile
            read[client.name] += len(news)
            seen[client.name].update(key_of(entry.data) for entry in news if entry.is_message)
            found += [(client.name, key) for key in keys if key[1] in client.channels and key not in seen[client.name]]
        return found

    try:
        wait_for(lambda: not missing(), "", SETTLE_S)
    except AssertionError:
        return missing()
    return []


def _live(world, faults, seconds, say):
    """The life of a world: what was not settled at its end, and how long settling took."""
    world.await_clients()
    for publisher in world.publishers:
        publisher.start()
    start = time.monotonic()
    _apply(world, faults, start, say)
    time.sleep(max(0, start + seconds - time.monotonic()))
    for publisher in world.publishers:
        publisher.stop()
    for client in world.clients:
        client.may_drop = False
        client.is_slow = False
    world.await_ready()
    world.await_clients()
    begin = time.monotonic()
    unsettled = await_last(world, [key for publisher in world.publishers for key in publisher.finish()])
    for _ in range(LOST_ENDS_MAX):
        if not _is_lost(world, unsettled):
            break
        # Redis pub/sub lost it, on a machine that is too busy to answer in time; the checker looks for the outage.
        unsettled = await_last(world, [key for publisher in world.publishers for key in publisher.finish()])
    return unsettled, time.monotonic() - begin


def _is_lost(world, unsettled):
    """True where all that is waited for came by pub/sub, and nobody has it."""
    keys = {key for _, key in unsettled}
    seen = {key_of(entry.data) for client in world.clients for entry in client.record if entry.is_message}
    return bool(keys) and all(key[0] == "shop" for key in keys) and keys.isdisjoint(seen)


def run(folder, seed, seconds, topology="edges", is_losing=False, clients=40, say=print):
    faults = draw(seed, seconds, topology, is_losing)
    say(f"seed {seed}, {topology}{', losing' if is_losing else ''}, {seconds} s, {len(faults)} faults, {clients} clients")
    world = World(folder, topology, clients, seed, has_spare=is_losing)
    settle_s, verdict = 0, Verdict()
    try:
        try:
            unsettled, settle_s = _live(world, faults, seconds, say)
            verdict = judge(world, unsettled)
        except Exception:  # pylint: disable=broad-except
            verdict.error("broken", traceback.format_exc())
        if verdict.errors:
            records.write(folder, world)
    finally:
        _close(world, verdict)
    return Run(seed, topology, is_losing, seconds, Counter(f"{f.target} {f.kind}" for f in faults), verdict,
               sum(client.drops for client in world.clients), settle_s)


def _close(world, verdict):
    """What complains at its end is an error of this run, and no end of the series."""
    try:
        world.close()
    except Exception:  # pylint: disable=broad-except
        verdict.error("broken", traceback.format_exc())


def judge(world, unsettled):
    messages = [message for publisher in world.publishers for message in publisher.messages]
    logged = Logged(world.ingest.log())
    applied = world.what_happened() + logged.overflows()
    verdict = Checker(messages, world.clients, applied, logged.states(), world.topology).check()
    for publisher in world.publishers:
        for problem in publisher.problems:
            verdict.error("broken", f"the publisher of {publisher.source}: {problem}")
    for name, key in unsettled:
        verdict.error("hangs", f"{name} waits for {key}")
    return verdict
