"""What breaks when: drawn from a seed, the same for the same seed."""

import random
from dataclasses import dataclass

QUIET_END_S = 3  # nothing begins in the last seconds, and everything is over by then
EVERY_S = 0.6    # the mean time between two faults

# A log that goes back in time tells nobody by itself: it is found out by a process that has seen what it had. So the one
# that appends lives on until it has had the time to look at the log, whatever stands between.
REWINDING = {("log", "restore"), ("log", "failover")}
WITNESS_S = 8


@dataclass(frozen=True)
class Fault:
    begin: float  # seconds from the start
    end: float    # when it is over: the same for what takes no time
    target: str
    kind: str

    def __str__(self):
        return f"{self.begin:6.1f}-{self.end:<6.1f} {self.target:<12} {self.kind}"


# kind -> (weight, shortest, longest)
PROCESS = {"kill": (3, 0, 2.5), "stop": (2, 0.3, 4)}
RELOADED = PROCESS | {"reload": (2, 0.3, 3)}
WIRE = {"reset": (2, 0, 0), "stall": (2, 0.3, 4), "slow": (1, 0.3, 4)}
REDIS = PROCESS | {"cut-normal": (1, 0, 0), "cut-pubsub": (2, 0, 0)}
REFUSING = {"readonly": (1, 0.3, 3), "oom": (1, 0.3, 3), "pause": (1, 0.3, 4)}
LOSING = {"flush": (2, 0, 0), "delete": (3, 0, 0), "restore": (2, 0.5, 3), "failover": (3, 0.2, 3)}


def targets(topology, is_losing):
    """target -> its kinds of fault."""
    found = {"ingest": RELOADED, "shop": REDIS, "plant": PROCESS, "queue": REDIS,
             "wire-shop": WIRE, "wire-plant": WIRE, "wire-queue": WIRE, "wire-ingest": WIRE}
    if topology != "memory":
        found |= {"log": REDIS | REFUSING | (LOSING if is_losing else {}), "wire-log-ingest": WIRE}
    if topology == "edges":
        for name in ("edge1", "edge2"):
            found |= {name: PROCESS, f"wire-{name}": WIRE, f"wire-log-{name}": WIRE}
    return found


def draw(seed, seconds, topology, is_losing=False):
    """The faults of a run, by begin. A target has one at a time; different ones overlap as they like."""
    source = random.Random(f"{seed} {topology} {is_losing}")
    choices = [(target, kind, *limits) for target, kinds in targets(topology, is_losing).items()
               for kind, limits in kinds.items()]
    faults, busy, now, witnessed = [], {}, 0.5, 0
    while True:
        now += source.expovariate(1 / EVERY_S)
        target, kind, _, least, most = source.choices(choices, [choice[2] for choice in choices])[0]
        end = now + source.uniform(least, most)
        if now > seconds - QUIET_END_S:
            return faults
        is_free = busy.get(target, 0) < now and not ((target, kind) == ("ingest", "kill") and now < witnessed)
        if end < seconds - QUIET_END_S and is_free:
            busy[target] = end + 0.2
            witnessed = end + WITNESS_S if (target, kind) in REWINDING else witnessed
            faults.append(Fault(round(now, 3), round(end, 3), target, kind))
