"""
Holds what every client was told against what was published. Pure: no process, no clock.

A message may be missing from a client's record only where
- nobody knows that it was taken (its publisher got no confirmation), and nobody has it; or
- its source is Redis pub/sub and it belongs to a run of messages that ends with a subscription: Redis keeps nothing
  for who is away (Outage); or
- its broker lost it: mosquitto was killed after it had confirmed the message and before it had saved it; or
- the client was told: a gap of that channel stands between the message's neighbours, and the log had really lost
  something, or the client had come with a cursor of its own invention.

A gap begins where the client stands, and a loss is told once on a channel, or in parts that follow each other; again
only on another connection, to a client that has not got behind the gap yet. A channel that was deleted is told to
those who lack some of what it had.

A message may stand in the log twice only where
- it came by MQTT, and the first copy was stored when its acknowledgement can have been missing at the break (Break); or
- the log lost its history in between, and with it that it has the message: then a gap stands between the two.
"""

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from harness.subscriber import id_key

from .holdups import HoldUps, downs
from .lives import lives_of
from .publishers import CONFIRMED, NOBODY, key_of

# Between a byte that a broker has sent and the fault that destroyed it on its way: a relay's turn on a busy machine.
LEAD_S = 1.0
# Between the log's taking a message and its PUBACK at the broker, at rest: 100 ms in which runnel reads more before it
# wants the log's answer to all of it, and a relay's turn.
ACK_S = 1.0
# Between a subscription at the broker and runnel's log line about it.
NOTICE_S = 0.25

# What may lose events that the log had, or should have had.
LOSING = {("log", "flush"), ("log", "delete"), ("log", "restore"), ("log", "failover"), ("log", "overflow")}
# Of these, what makes nothing be stored again.
FORGETTING_NOTHING = {"overflow", "delete"}
LOSING_TOO = {"memory": {("ingest", "kill")}}
LOG_LOST = "log lost"
ON_SHOPS_WAY = {"shop", "wire-shop", "ingest", "network"}
ON_LOGS_WAY = {"log", "wire-log-ingest"}
ON_ACKS_WAY = ON_LOGS_WAY | {"ingest", "plant", "wire-plant", "network"}
SHOWN = 12


@dataclass
class Outage:
    """Redis pub/sub was not subscribed until `up`: messages published from `begin` on may be gone, up to the last one."""
    begin: float
    up: float

    @property
    def end(self):
        return self.up + NOTICE_S

    def explains(self, run):
        """Nothing was delivered between what is missing and the new subscription."""
        if not run.messages or run.ends < self.up - LEAD_S:
            return False
        return self.begin - LEAD_S <= run.messages[0].begin <= self.end


@dataclass
class Break:
    """
    MQTT QoS 1 delivers again what was not acknowledged at the break: what the log took from `since` on, or, where it
    stood still then, only afterwards, up to `until`.
    """
    why: str
    at: float
    since: float
    until: float

    def explains(self, first, again):
        return self.since <= first <= self.until and self.at < again + NOTICE_S


@dataclass
class Run:
    """Neighbours in the order of publication that nobody has."""
    messages: list
    ends: float = float("inf")  # when the next one was published that somebody has


@dataclass
class Verdict:
    published: int = 0
    deliveries: int = 0
    by_outage: int = 0      # messages that nobody has because the source was not subscribed
    by_broker: int = 0      # messages that the broker itself lost when it was killed
    unconfirmed: int = 0    # messages that nobody has and nobody was promised
    in_gaps: int = 0        # deliveries missing, and said
    gaps: int = 0           # runnel.gap events
    bad_cursors: int = 0    # that clients came with, and were told of
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


def _is_left(loss, after, told):
    """
    Whether a client that stands at `after` is due a gap for it. An overflow is many losses. Who met a log that went
    back before its process knew of that was told of a part, and stands in the loss still.
    """
    return told is None or loss.kind == "overflow" or (after >= told and after[0] / 1000 < loss.end)


class Checker:
    def __init__(self, messages, clients, applied, states, topology):
        """`states`: "shop", "plant", "log" -> [(time, is_up)], as runnel logged them."""
        self.messages = {message.key: message for message in messages}
        self.verdict = Verdict(published=len(self.messages))
        self._in_order = messages
        self._clients = clients
        self._applied = applied
        self._losers = LOSING | LOSING_TOO.get(topology, set())
        self._losing = [fault for fault in applied if self._loses_history(fault)]
        self._lives = [life for client in clients for life in lives_of(client)]
        self._hold_ups = HoldUps(applied, states["log"])
        self._breaks = self._find_breaks(states["plant"])
        self._ids = defaultdict(set)  # key -> ids under which anybody got it
        self._outages = self._find_outages(states["shop"])
        self._missing_ok = set()      # keys that nobody has, with reason
        self._gap_between = set()     # keys that may come twice, with a gap between
        self._told = defaultdict(dict)  # (a life, channel) -> loss -> up to which id it was told; by id()

    def check(self):
        for client in self._clients:
            for problem in client.problems:
                self.verdict.error("broken", f"{client.name}: {problem}")
        for life in self._lives:
            self._read(life)
        self._check_copies()
        self._check_outages()
        self._check_absent()
        for life in self._lives:
            self._check_life(life)
        return self.verdict

    def _loses_history(self, fault):
        return (fault.target, fault.kind) in self._losers

    # --- what anybody got ---

    def _read(self, life):
        newest = (0, 0)
        for entry in life.record:
            if life.says_nothing(entry):
                continue
            stamp = id_key(entry.id)
            if entry.is_message:
                self.verdict.deliveries += 1
                self._ids[key_of(entry.data)].add(stamp)
            if stamp < newest or (entry.is_message and stamp == newest):
                self.verdict.error("order", f"{life.name}: {entry[:1] + entry[2:]} after {newest}")
            newest = max(newest, stamp)
        for key in self._ids.keys() - self.messages.keys():
            self.verdict.error("invented", f"{life.name}: {key}")

    # --- in the log twice ---

    def _check_copies(self):
        for key, ids in self._ids.items():
            times = sorted(ids)
            for first, again in zip(times, times[1:]):
                why = self._why_again(key, first[0] / 1000, again[0] / 1000)
                if why is None:
                    self.verdict.error("doubled", f"{key} stands in the log under {times}")
                else:
                    self.verdict.redelivered[why] += 1

    def _why_again(self, key, first, again):
        """What stood between the two; None: there is no excuse."""
        why = self._redelivery(first, again) if key[0] == "plant" else None
        forgetting = (f for f in self._losing if f.kind not in FORGETTING_NOTHING)
        if why is None and any(f.begin < again and f.end > first - LEAD_S for f in forgetting):
            self._gap_between.add(key)
            return LOG_LOST
        return why

    def _redelivery(self, first, again):
        return next((one.why for one in self._breaks if one.explains(first, again)), None)

    def _find_breaks(self, plant_states):
        """A broker that was killed has forgotten the acknowledgements since it saved its state."""
        kills = [f for f in self._applied if f.kind == "kill"]
        found = [self._break("runnel killed", f.begin, f.begin, f.begin) for f in kills if f.target == "ingest"]
        found += [self._break("broker killed", f.begin, min(f.saved, f.begin), f.dead)
                  for f in kills if f.target == "plant"]
        return found + [self._break("connection lost", down.begin, down.begin, down.end)
                        for down in downs("plant", plant_states)]

    def _break(self, why, at, lacks_since, end):
        since = self._hold_ups.since(lacks_since, ON_ACKS_WAY) - ACK_S
        return Break(why, at, since, self._hold_ups.until(end, ON_LOGS_WAY) + LEAD_S)

    # --- in nobody's record ---

    def _find_outages(self, states):
        """From each loss of the subscription (log line, or the process's death) to the next that was confirmed."""
        events = [(stamp, is_up) for stamp, is_up in states]
        events += [(f.begin, False) for f in self._applied if f.target == "ingest" and f.kind == "kill"]
        outages, begin = [], None
        for stamp, is_up in sorted(events, key=lambda event: event[0]):
            if is_up and begin is not None:
                outages.append(Outage(self._really_began(begin), stamp))
                begin = None
            elif not is_up and begin is None:
                begin = stamp
        if begin is not None:
            outages.append(Outage(self._really_began(begin), float("inf")))
        return outages

    def _really_began(self, noticed):
        """
        What stalls a message on its way, and still did when the connection or the process went, began the outage:
        stalls of the source's way, and, where the process was killed, of the log's, for which messages wait in memory:
        those that were made, those that the harness suffered, and those that runnel found out about by itself.
        """
        killed = any(f.target == "ingest" and f.kind == "kill" and f.begin == noticed for f in self._applied)
        return self._hold_ups.since(noticed, ON_SHOPS_WAY | (ON_LOGS_WAY if killed else set()))

    def _missing_runs(self):
        runs = [Run([])]
        for message in self._in_order:
            if message.source != "shop":
                continue
            if message.key not in self._ids:
                if message.state in (CONFIRMED, NOBODY):
                    runs[-1].messages.append(message)
                continue
            if message.state == NOBODY:
                self.verdict.error("broken", f"{message} was delivered, though nobody was subscribed")
            if runs[-1].messages:
                runs[-1].ends = message.end
                runs.append(Run([]))
        return runs

    def _check_outages(self):
        """
        Messages lost together are neighbours in the order of publication, all within one outage, and its end is their
        end. What is left over is not the source's doing: each of them has to be found in a gap.
        """
        runs = self._missing_runs()
        for outage in self._outages:
            explained = [run for run in runs if outage.explains(run)]
            if explained:
                self._account(min(explained, key=lambda run: abs(run.ends - outage.up)), outage)

    def _account(self, run, outage):
        inside = [m for m in run.messages if m.begin <= outage.end]
        self.verdict.lead_ms = max(self.verdict.lead_ms, int(1000 * (outage.begin - inside[0].begin)))
        self.verdict.by_outage += len(inside)
        self._missing_ok.update(m.key for m in inside)
        run.messages = run.messages[len(inside):]

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
            elif message.source == "plant" and any(f.saved <= message.end and message.begin <= f.dead for f in kills):
                self.verdict.by_broker += 1
                self._missing_ok.add(key)

    # --- one client's record ---

    def _check_life(self, life):
        places = defaultdict(dict)  # (source, channel) -> number -> its first place in the record
        gaps = defaultdict(list)    # channel -> places
        for place, entry in enumerate(life.record):
            if entry.type == "runnel.gap":
                self._check_gap(life, entry, place, gaps)
            elif entry.is_message:
                self._note_place(life, key_of(entry.data), place, places, gaps)
        self._check_told(life, gaps)
        for source in {message.source for message in self._in_order}:
            for channel in life.channels:
                self._check_sequence(life, (source, channel), places[source, channel], gaps[channel])

    def _note_place(self, life, key, place, places, gaps):
        source, channel, number = key
        first = places[source, channel].setdefault(number, place)
        is_told = any(first < at for at, _ in gaps[channel])
        if first != place and key in self._gap_between and not is_told:
            self.verdict.error("doubled", f"{life.name}: {key} again at place {place}, and no gap since {first}")

    def _check_gap(self, life, entry, place, gaps):
        gap = json.loads(entry.data)
        if not life.is_due(gap):
            self.verdict.gaps += 1
            why = self._false(life, gap, place, gaps[gap["channel"]])
            if why is not None:
                self.verdict.error("false gap", f"{life.name}: {gap} at {entry.time:.3f}: {why}")
        gaps[gap["channel"]].append((place, gap))

    def _false(self, life, gap, place, before):
        """What is wrong with it, after those before it on its channel; None: the log has lost something."""
        after, time = id_key(gap["after"]), life.record[place].time
        if after < life.newest_before(place):
            return f"the client has {life.newest_before(place)}"
        losses = [f for f in self._losing if f.begin < time and self._took(f, gap["channel"], after)]
        if not losses:
            return "nothing was lost"
        told = self._told[id(life), gap["channel"]]
        fresh = [f for f in losses if _is_left(f, after, told.get(id(f)))]
        if fresh:
            told[id(min(fresh, key=lambda f: f.end))] = id_key(gap["resumes"])
        return None if fresh or life.was_cut_short(place, before) else "that loss was told"

    def _took(self, loss, channel, after):
        """Whether it may have taken something from a channel that a client lacks who stands at `after`."""
        if loss.kind != "delete":
            return after[0] / 1000 < loss.end + LEAD_S
        if loss.channel != channel:
            return False
        stored = (one for key, ids in self._ids.items() if key[1] == channel for one in ids)
        if any(after < one and one[0] / 1000 <= loss.end for one in stored):
            return True
        # Or something that nobody got in time.
        unseen = (m for m in self._in_order if m.channel == channel and m.key not in self._ids)
        return any(after[0] / 1000 - LEAD_S < m.begin < loss.end for m in unseen)

    def _check_told(self, life, gaps):
        """A bad cursor: before anything moves it, every channel's gap."""
        moved = next((n for n, entry in enumerate(life.record) if not life.says_nothing(entry)), None)
        if life.after is None or moved is None:
            return
        told = {channel for channel in life.channels for place, gap in gaps[channel]
                if place < moved and life.is_due(gap)}
        self.verdict.bad_cursors += 1
        for channel in set(life.channels) - told:
            self.verdict.error("silent", f"{life.name}: came with {life.bad_cursor!r} and got {life.record[moved]}"
                                         f" before a gap of {channel}")

    def _check_sequence(self, life, stream, places, gaps):
        # Who came late may have missed a message and got its redelivery, which is behind its turn.
        delivered = sorted(n for n, place in places.items()
                           if id_key(life.record[place].id) == min(self._ids[(*stream, n)]))
        for one, two in zip(delivered, delivered[1:]):
            if places[one] > places[two]:
                self.verdict.error("order", f"{life.name}: {stream} has {two} before {one}")
        count = sum(1 for key in self.messages if key[:2] == stream)
        if not life.is_last:
            count = max(places, default=0)
        for number in range(1, count + 1):
            if number not in places and (*stream, number) not in self._missing_ok:
                self._check_missing(life, stream, number, (delivered, places), gaps)

    def _check_missing(self, life, stream, number, have, gaps):
        delivered, places = have
        at = bisect_left(delivered, number)
        first = places[delivered[at - 1]] if at > 0 else -1
        last = places[delivered[at]] if at < len(delivered) else len(life.record)
        ids = self._ids.get((*stream, number), ())
        if ids and not life.is_last:
            ids = {one for one in ids if one <= life.newest}  # what was stored again later is the next life's
            if not ids:
                return
        if ids:
            told = [gap for _, gap in gaps if any(life.covers(gap, one) for one in ids)]
            is_told = all(any(life.covers(gap, one) for gap in told) for one in ids)
        else:
            told = [gap for place, gap in gaps if first < place < last]
            is_told = bool(told)
        if is_told:
            self.verdict.in_gaps += not all(life.is_due(gap) for gap in told)
            return
        message = self.messages[(*stream, number)]
        self.verdict.error("lost", f"{life.name}: {stream} {number}, published at {message.begin:.3f}"
                                   f" {message.state}, ids {sorted(ids)}; record places {first}..{last} of"
                                   f" {len(life.record)}")
