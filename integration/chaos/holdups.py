"""When what carries messages stood still: by a fault, or as the ingesting process found out by itself. Pure."""

from .faults import Applied

# From the end of a hold-up until what it held up has gone on: what follows sooner overlaps it.
REST_S = 0.25
# Of the faults: what holds nothing up, or only as far as the log says so itself.
PASSING = {"slow", "reload", "overflow", "cut-pubsub", "flush", "delete", "restore", "failover"}


def downs(name, states):
    """From each loss to the next return."""
    found, begin = [], None
    for stamp, is_up in states:
        if is_up and begin is not None:
            found.append(Applied(name, "down", begin, stamp))
        if is_up or begin is None:
            begin = None if is_up else stamp
    return found + ([Applied(name, "down", begin)] if begin is not None else [])


class HoldUps:
    def __init__(self, applied, log_states):
        held = [fault for fault in applied if fault.kind not in PASSING] + downs("log", log_states)
        self._by_begin = sorted(held, key=lambda one: one.begin)

    def since(self, stamp, targets):
        """Where one of these stood still then: since when, with all that overlaps. Else `stamp`."""
        for one in reversed(self._by_begin):
            if one.target in targets and one.begin <= stamp <= one.end + REST_S:
                stamp = one.begin
        return stamp

    def until(self, stamp, targets):
        """Until when, likewise."""
        for one in self._by_begin:
            if one.target in targets and one.begin - REST_S <= stamp <= one.end:
                stamp = one.end
        return stamp
