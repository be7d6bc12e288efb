"""What the ingesting process logged of its sources and of the replay log."""

import re
from datetime import datetime

from .faults import Applied

IDLE_S = 1  # runnel asks who was silent for so long, and gives up after as much again

_LINE = re.compile(r"time=(\S+) .*\bevent=(\S+)(.*)")


class Logged:
    def __init__(self, text):
        self._text = text

    def _lines(self, *events):
        """(time, event, the rest of the line)"""
        for line in self._text.splitlines():
            match = _LINE.match(line)
            if match and match[2] in events:
                yield datetime.fromisoformat(match[1].replace("Z", "+00:00")).timestamp(), match[2], match[3]

    def states(self):
        """For "shop", "plant" and "log", as far as appending goes: (time, is_up)."""
        found = {name: self._states(line for line in self._lines("source.up", "source.down")
                                    if re.search(rf"\bsource={name}\b", line[2])) for name in ("shop", "plant")}
        return found | {"log": self._states(line for line in self._lines("replay.up", "replay.down")
                                            if '"the feed: ' not in line[2])}

    def _states(self, lines):
        """A Redis that did not answer in time was silent before, though not before the process was there."""
        starts = [stamp for stamp, _, _ in self._lines("serve.started")]
        states = []
        for stamp, event, rest in lines:
            assert "suppressed=" not in rest, rest
            if "the peer did not answer in time" in rest:
                start = max((at for at in starts if at <= stamp), default=0)
                stamp = max(stamp - 2 * IDLE_S, states[-1][0] if states else 0, start)
            states.append((stamp, event.endswith(".up")))
        return states

    def overflows(self):
        """
        What did not find room to wait for the log, as the faults that they are. A line may speak for the second around
        it, and for those suppressed since the one before it; what is lost shows behind the events that waited, so not
        before the log takes them.
        """
        states = self.states()["log"]
        found, before = [], 0
        for stamp, _, rest in self._lines("source.dropped"):
            begin = min(stamp - 1, before) if "suppressed=" in rest else stamp - 1
            found.append(Applied("log", "overflow", begin, _stored_again(states, stamp)))
            before = stamp
        return found


def _stored_again(states, stamp):
    """When the log took events again that did not at `stamp`."""
    was_up = next((is_up for at, is_up in reversed(states) if at <= stamp), True)
    return stamp + 1 if was_up else next((at for at, is_up in states if is_up and at > stamp), float("inf"))
