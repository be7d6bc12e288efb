"""
Holds what every client was told against what was published. Pure: no process, no clock.

A message may be missing from a client's record only where
- nobody knows that it was taken (its publisher got no confirmation), and nobody has it; or
- its source is Redis pub/sub and it belongs to a run of messages that ends with a subscription: Redis keeps nothing
  for who is away (Outage); or
- its broker lost it: mosquitto was killed after it had confirmed the message and before it had saved it; or
- the client was told: a gap of that channel stands between the message's neighbours, and the log had really lost
  something.
"""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from .publishers import CONFIRMED, NOBODY, key_of

# Between a byte that a broker has sent and the fault that destroyed it on its way: a relay's turn on a busy machine.
LEAD_S = 1.0
# Between a subscription at the broker and runnel's log line about it.
NOTICE_S = 0.25

# What may lose events that the log had, or should have had, beside that: (target, kind), None for any kind.
LOSING = {("log", "flush"), ("log", "restore")}
# A narrow queue overflows when the log is away, and when a source's way flows again and brings everything at once.
LOSING_TOO = {
    "memory": {("ingest", "kill")},
    "narrow": {(target, None) for target in ("log", "wire-log-ingest", "shop", "wire-shop", "plant", "wire-plant", "ingest")},
}
ON_SHOPS_WAY = {"shop", "wire-shop", "ingest"}
SHOWN = 12


def id_of(text):
    ms, _, seq = text.partition("-")
    return int(ms), int(seq)


@dataclass
class Outage:
    """Redis pub/sub was not subscribed: messages published in [begin, end] may be gone."""
    begin: float
    end: float
    used: bool = False


@dataclass
class Verdict:
    published: int = 0
    deliveries: int = 0
    by_outage: int = 0      # messages that nobody has because the source was not subscribed
    by_broker: int = 0      # messages that the broker itself lost when it was killed
    unconfirmed: int = 0    # messages that nobody has and nobody was promised
    in_gaps: int = 0        # deliveries missing, and said
    gaps: int = 0           # runnel.gap events
    redelivered: Counter = field(default_factory=Counter)  # why -> messages that stand in the log twice
    lead_ms: int = 0        # the longest way of a message that a fault destroyed on its way
    errors: list = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)  # kind of error -> how many

    def error(self, kind, text):
        self.counts[kind] += 1
        if self.counts[kind] <= SHOWN:
            self.errors.append(f"{kind}: {text}")

    @property
    def lost(self):
        return self.counts["lost"]

    @property
    def doubled(self):
        return self.counts["doubled"]


class Checker:
    def __init__(self, messages, clients, applied, states, topology):
        """`states`: source -> [(time, is_up)], as runnel logged them."""
        self.messages = {message.key: message for message in messages}
        self.verdict = Verdict(published=len(self.messages))
        self._in_order = messages
        self._clients = clients
        self._applied = applied
        self._losers = LOSING | LOSING_TOO.get(topology, set())
        self._losing = [fault for fault in applied if self._loses_history(fault)]
        self._plant_ends = [stamp for stamp, is_up in states["plant"] if not is_up]
        self._ids = defaultdict(set)  # key -> ids under which anybody got it
        self._outages = self._find_outages(states["shop"])
        self._missing_ok = set()      # keys that nobody has, with reason

    def check(self):
        for client in self._clients:
            self._read(client)
        self._check_copies()
        self._check_outages()
        self._check_absent()
        for client in self._clients:
            self._check_client(client)
        return self.verdict

    def _loses_history(self, fault):
        return not self._losers.isdisjoint({(fault.target, fault.kind), (fault.target, None)})

    # --- what anybody got ---

    def _read(self, client):
        for problem in client.problems:
            self.verdict.error("broken", f"{client.name}: {problem}")
        newest = (0, 0)
        for entry in client.record:
            if entry.type in ("runnel.gap", "runnel.unavailable"):
                continue
            stamp = id_of(entry.id)
            if entry.type.startswith("runnel."):
                if stamp < newest:
                    self.verdict.error("order", f"{client.name}: {entry} after {newest}")
            else:
                self.verdict.deliveries += 1
                self._ids[key_of(entry.data)].add(stamp)
                if stamp <= newest:
                    self.verdict.error("order", f"{client.name}: {entry[:1] + entry[2:]} after {newest}")
            newest = max(newest, stamp)
        for key in self._ids.keys() - self.messages.keys():
            self.verdict.error("invented", f"{client.name}: {key}")

    # --- in the log twice ---

    def _check_copies(self):
        """MQTT QoS 1 may deliver again what was not acknowledged when the session's connection broke."""
        for key, ids in self._ids.items():
            times = sorted(ids)
            for first, again in zip(times, times[1:]):
                why = self._redelivery(first[0] / 1000, again[0] / 1000) if key[0] == "plant" else None
                if why is None:
                    self.verdict.error("doubled", f"{key} stands in the log under {times}")
                else:
                    self.verdict.redelivered[why] += 1

    def _redelivery(self, first, again):
        """What stood between the two; None: there is no excuse."""
        def is_killed(target):
            return any((f.target, f.kind) == (target, "kill") and f.begin < again and f.end > first - LEAD_S
                       for f in self._applied)

        if is_killed("ingest"):
            return "runnel killed"
        if is_killed("plant"):
            return "broker killed"
        is_lost = any(first - LEAD_S < end < again + NOTICE_S for end in self._plant_ends)
        return "connection lost" if is_lost else None

    # --- in nobody's record ---

    def _find_outages(self, states):
        """From each loss of the subscription (log line, or the process's death) to the next that was confirmed."""
        events = [(stamp, is_up) for stamp, is_up in states]
        events += [(f.begin, False) for f in self._applied if f.target == "ingest" and f.kind == "kill"]
        outages, begin = [], None
        for stamp, is_up in sorted(events):
            if is_up and begin is not None:
                outages.append(Outage(self._really_began(begin), stamp + NOTICE_S))
                begin = None
            elif not is_up and begin is None:
                begin = stamp
        if begin is not None:
            outages.append(Outage(self._really_began(begin), float("inf")))
        return outages

    def _really_began(self, noticed):
        """
        What stalls a message on its way, and still did when the connection or the process went, began the outage:
        stalls of the source's way, and, where the process was killed, of the log's, for which messages wait in memory.
        """
        killed = any(f.target == "ingest" and f.kind == "kill" and f.begin == noticed for f in self._applied)
        ways = ON_SHOPS_WAY | ({"log", "wire-log-ingest"} if killed else set())
        begin = noticed
        for fault in sorted(self._applied, key=lambda f: f.begin, reverse=True):
            if fault.target in ways and fault.begin <= begin <= fault.end + LEAD_S:
                begin = fault.begin
        return begin

    def _check_outages(self):
        """Messages lost together are neighbours in the order of publication, all within one outage."""
        run = []
        for message in [m for m in self._in_order if m.source == "shop"] + [None]:
            if message is not None and message.key not in self._ids:
                run.append(message)
                continue
            if message is not None and message.state == NOBODY:
                self.verdict.error("broken", f"{message} was delivered, though nobody was subscribed")
            self._account_run([m for m in run if m.state in (CONFIRMED, NOBODY)])
            run = []

    def _account_run(self, run):
        while run:
            outage = next((o for o in self._outages if o.begin - LEAD_S <= run[0].begin <= o.end and not o.used), None)
            if outage is None:
                return  # not the source's doing: each of them has to be found in a gap
            outage.used = True
            inside = [m for m in run if m.begin <= outage.end]
            self.verdict.lead_ms = max(self.verdict.lead_ms, int(1000 * (outage.begin - run[0].begin)))
            self.verdict.by_outage += len(inside)
            self._missing_ok.update(m.key for m in inside)
            run = run[len(inside):]

    def _check_absent(self):
        kills = [f for f in self._applied if f.target == "plant" and f.kind == "kill"]
        for key, message in self.messages.items():
            if key in self._ids or key in self._missing_ok:
                continue
            if message.state != CONFIRMED and message.source != "shop":
                self.verdict.unconfirmed += 1
                self._missing_ok.add(key)
            elif message.source == "shop" and message.state not in (CONFIRMED, NOBODY):
                self.verdict.unconfirmed += 1
                self._missing_ok.add(key)
            elif message.source == "plant" and any(f.saved <= message.end and message.begin <= f.begin for f in kills):
                self.verdict.by_broker += 1
                self._missing_ok.add(key)

    # --- one client's record ---

    def _check_client(self, client):
        places = defaultdict(dict)  # (source, channel) -> number -> its first place in the record
        gaps = defaultdict(list)    # channel -> places
        for place, entry in enumerate(client.record):
            if entry.type == "runnel.gap":
                self._check_gap(client, entry, place, gaps)
            elif not entry.type.startswith("runnel."):
                source, channel, number = key_of(entry.data)
                places[source, channel].setdefault(number, place)
        for source in {message.source for message in self._in_order}:
            for channel in client.channels:
                self._check_sequence(client, (source, channel), places[source, channel], gaps[channel])

    def _check_gap(self, client, entry, place, gaps):
        gap = json.loads(entry.data)
        self.verdict.gaps += 1
        gaps[gap["channel"]].append((place, gap))
        after_s = id_of(gap["after"])[0] / 1000
        if not any(f.begin < entry.time and after_s < f.end + LEAD_S for f in self._losing):
            self.verdict.error("false gap", f"{client.name}: {gap} at {entry.time:.3f}")

    def _check_sequence(self, client, stream, places, gaps):
        delivered = sorted(places)
        for one, two in zip(delivered, delivered[1:]):
            if places[one] > places[two]:
                self.verdict.error("order", f"{client.name}: {stream} has {two} before {one}")
        count = sum(1 for key in self.messages if key[:2] == stream)
        for number in range(1, count + 1):
            if number not in places and (*stream, number) not in self._missing_ok:
                self._check_missing(client, stream, number, (delivered, places), gaps)

    def _check_missing(self, client, stream, number, have, gaps):
        delivered, places = have
        at = bisect_left(delivered, number)
        first = places[delivered[at - 1]] if at > 0 else -1
        last = places[delivered[at]] if at < len(delivered) else len(client.record)
        ids = self._ids.get((*stream, number), ())
        for place, gap in gaps:
            if first < place < last and all(id_of(gap["after"]) < one <= id_of(gap["resumes"]) for one in ids):
                self.verdict.in_gaps += 1
                return
        message = self.messages[(*stream, number)]
        self.verdict.error("lost", f"{client.name}: {stream} {number}, published at {message.begin:.3f}"
                                   f" {message.state}, ids {sorted(ids)}; record places {first}..{last} of"
                                   f" {len(client.record)}")
