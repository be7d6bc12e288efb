"""What everybody knew in a run that failed, beside the processes' logs: for whoever looks into it, and for `judge`."""

import json
from dataclasses import asdict, dataclass

from .faults import Applied
from .lives import Entry
from .publishers import Message

DATA_SHOWN = 80


@dataclass
class Recorded:
    """A client."""
    name: str
    channels: list
    record: list
    problems: list


def _write(path, things):
    path.write_text("\n".join(json.dumps(thing) for thing in things), encoding="utf-8")


def _read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(folder, world):
    for client in world.clients:
        _write(folder / f"client-{client.name}.jsonl",
               (entry._asdict() | {"data": entry.data if not entry.is_message else entry.data[:DATA_SHOWN]}
                for entry in client.record))
    _write(folder / "published.jsonl", (asdict(m) for publisher in world.publishers for m in publisher.messages))
    _write(folder / "faults.jsonl", (asdict(applied) for applied in world.what_happened()))
    _write(folder / "world.json", [{"topology": world.topology, "log": world.ingest.log_path.name}])


def read(folder):
    """messages, clients, faults, the topology, the text of the ingesting process's log"""
    clients = []
    for path in sorted(folder.glob("client-*.jsonl")):
        name = path.name[len("client-"):-len(".jsonl")]
        clients.append(Recorded(name, name.partition(":")[2].split("+"), [Entry(**e) for e in _read(path)], []))
    world = _read(folder / "world.json")[0]
    log = (folder / world["log"]).read_text(encoding="utf-8", errors="replace")
    messages = [Message(**m) for m in _read(folder / "published.jsonl")]
    return messages, clients, [Applied(**f) for f in _read(folder / "faults.jsonl")], world["topology"], log
