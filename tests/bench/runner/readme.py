"""The newest figures in the README, between two marks."""

import re

from .report import machine_line, table
from .servers import ALL

BEGIN, END = "<!-- written by tests/bench/run -->\n", "<!-- end of what tests/bench/run writes -->\n"
ORDER = ["runnel, redis log", "runnel, memory log", *(kind.name for kind in ALL if not kind.name.startswith("runnel"))]

# job, what is shown of it, how its columns become one cell
SHOWN = [
    ("broadcast", "2,000 clients of one channel, 20 events/s: CPU us a delivery", "{0:.2f}"),
    ("burst", "200 clients of one channel, 5,000 events at once: CPU us a delivery", "{0:.2f}"),
    ("channels", "5,000 channels of one client, 100,000 events at once: CPU us an event", "{0:.1f}"),
    ("resume", "5,000 clients at once resume 100 events each: CPU us a delivery", "{0:.2f}"),
    ("latency", "100 clients, 50 events/s: publish to receipt, p50 / p99 ms", "{0:.2f} / {1:.2f}"),
    ("idle", "10,000 idle clients: KiB a client", "{0:.2f}"),
    ("connect", "10,000 connections as fast as they come: a second", "{0:,.0f}"),
]


def _rows(jobs):
    for name, title, form in SHOWN:
        if name in jobs:
            rows = jobs[name]["rows"]
            yield [title, *(form.format(*rows[server]) if server in rows else "" for server in ORDER)]


def section(results):
    yield machine_line(results)
    yield "Server on one core, clients on the other, 200-byte events from Redis pub/sub (nchan's come by HTTP), every"
    yield "event checked for gaps and doubles where there are any; medians. *bare* is a C loop that only sends: what the kernel costs."
    yield ""
    yield from table(["", *ORDER], _rows(results["jobs"]))
    if "cost" in results["plots"]:
        yield "![CPU a delivery against clients](tests/bench/results/cost.svg)"
        yield ""
    yield "All jobs, what they are to reach, and the latency plot:"
    yield "[tests/bench/results/latest.md](tests/bench/results/latest.md)."


def update(path, results):
    """Nothing where the marks are not there."""
    text = path.read_text("utf-8")
    new = BEGIN + "\n".join(section(results)) + "\n" + END
    path.write_text(re.sub(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: new, text, flags=re.DOTALL), "utf-8")
