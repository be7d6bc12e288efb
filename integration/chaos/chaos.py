"""One run: a world, its publishers and clients, the faults of a seed, and the verdict."""

import heapq
import itertools
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass

from harness.waiting import wait_for

from .checker import Checker, Verdict
from .publishers import key_of
from .schedule import draw
from .world import World

SETTLE_S = 90  # bounds a run that hangs; says nothing about speed


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
    """Each fault at its time, in this thread: what takes longer delays what follows."""
    numbers = itertools.count()
    queue = [(fault.begin, next(numbers), fault, None) for fault in faults]
    heapq.heapify(queue)
    while queue:
        at, _, fault, done = heapq.heappop(queue)
        time.sleep(max(0, start + at - time.monotonic()))
        if done is not None:
            world.end(fault, done)
            continue
        say(str(fault))
        done = world.begin(fault)
        heapq.heappush(queue, (max(fault.end, time.monotonic() - start), next(numbers), fault, done))


def await_last(world, keys):
    """Every client has the last message of every source on each of its channels."""
    seen = {client.name: set() for client in world.clients}
    read = dict.fromkeys(seen, 0)

    def missing():
        found = []
        for client in world.clients:
            news = client.record[read[client.name]:]  # it grows meanwhile
            read[client.name] += len(news)
            seen[client.name].update(key_of(entry.data) for entry in news if not entry.type.startswith("runnel."))
            found += [(client.name, key) for key in keys if key[1] in client.channels and key not in seen[client.name]]
        return found

    try:
        wait_for(lambda: not missing(), "", SETTLE_S)
    except AssertionError:
        return missing()
    return []


def run(folder, seed, seconds, topology="edges", is_losing=False, clients=40, say=print):
    faults = draw(seed, seconds, topology, is_losing)
    say(f"seed {seed}, {topology}{', losing' if is_losing else ''}, {seconds} s, {len(faults)} faults, {clients} clients")
    world = World(folder, topology, clients, seed)
    try:
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
        begin = time.monotonic()
        keys = [key for publisher in world.publishers for key in publisher.finish()]
        unsettled = await_last(world, keys)
        settle_s = time.monotonic() - begin
        verdict = judge(world, unsettled)
        if verdict.errors:
            write_records(folder, world)
    finally:
        world.close()
    return Run(seed, topology, is_losing, seconds, Counter(f"{f.target} {f.kind}" for f in faults), verdict,
               sum(client.drops for client in world.clients), settle_s)


def write_records(folder, world):
    """What everybody knew, for whoever looks into it: beside the processes' logs."""
    for client in world.clients:
        lines = [json.dumps(entry._asdict() | {"data": entry.data[:80]}) for entry in client.record]
        (folder / f"client-{client.name}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    published = [message for publisher in world.publishers for message in publisher.messages]
    (folder / "published.jsonl").write_text("\n".join(json.dumps(asdict(m)) for m in published), encoding="utf-8")
    (folder / "faults.jsonl").write_text("\n".join(json.dumps(asdict(a)) for a in world.applied), encoding="utf-8")


def judge(world, unsettled):
    messages = [message for publisher in world.publishers for message in publisher.messages]
    states = {name: world.source_states(name) for name in ("shop", "plant")}
    checker = Checker(messages, world.clients, world.applied, states, world.topology)
    verdict = checker.check()
    for publisher in world.publishers:
        for problem in publisher.problems:
            verdict.error("broken", f"the publisher of {publisher.source}: {problem}")
    for name, key in unsettled:
        verdict.error("hangs", f"{name} waits for {key}")
    return verdict
