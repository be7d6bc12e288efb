"""
A client's record, cut where it came with a cursor that it cannot have from this log: what follows stands for itself,
and must begin with a gap of every channel.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from harness.subscriber import id_key

LIE = "lie"  # the type of the entry that says so: its id is the cursor

_CURSOR = re.compile(r"\d{1,15}-\d{1,6}$", re.ASCII)  # what runnel can read, among the bad cursors


class Entry(NamedTuple):
    """What a client was told, or LIE."""
    type: str
    data: str
    id: str
    time: float
    connection: int

    @property
    def is_message(self):
        return self.type != LIE and not self.type.startswith("runnel.")


@dataclass
class Life:
    name: str
    channels: list
    record: list
    bad_cursor: str = ""  # it began with; "": with none
    is_last: bool = True

    @property
    def after(self):
        """What the gaps that its cursor is due say; None where it is due none."""
        if not self.bad_cursor:
            return None
        return self.bad_cursor if _CURSOR.match(self.bad_cursor) else "0-0"

    @cached_property
    def newest(self):
        """The newest id it was told."""
        return max((id_key(entry.id) for entry in self.record if not self.says_nothing(entry)), default=(0, 0))

    @cached_property
    def _stands(self):
        """The newest id it had been told before each place."""
        found, newest = [], (0, 0)
        for entry in self.record:
            found.append(newest)
            newest = newest if self.says_nothing(entry) else max(newest, id_key(entry.id))
        return found

    def newest_before(self, place):
        return self._stands[place]

    def was_cut_short(self, place, gaps):
        """
        Whether the gap at `place` is the last of those before it (place, gap) once more: the connection ended before the
        client had got behind it.
        """
        if not gaps:
            return False
        last, gap = gaps[-1]
        is_behind = self._stands[place] >= id_key(gap["resumes"])
        return self.record[last].connection != self.record[place].connection and not is_behind

    def is_due(self, gap):
        return gap["after"] == self.after

    def covers(self, gap, stamp):
        """Whether what has that id is among what the gap says is missing."""
        after = (0, 0) if self.is_due(gap) else id_key(gap["after"])
        return after < stamp <= id_key(gap["resumes"])

    def says_nothing(self, entry):
        """True where the entry has no id of its own."""
        return entry.type in ("runnel.gap", "runnel.unavailable") or entry.id == self.bad_cursor


def lives_of(client):
    found = [Life(client.name, client.channels, [])]
    for entry in client.record:
        if entry.type == LIE:
            found[-1].is_last = False
            found.append(Life(client.name, client.channels, [], entry.id))
        else:
            found[-1].record.append(entry)
    return found
