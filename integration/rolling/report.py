"""The runs as a table and a plot."""

import os
import platform
import re
from datetime import datetime, timezone

from chaos.plot import svg

BEGIN, END = "<!-- integration/rolling/run -->\n", "<!-- end of integration/rolling/run -->\n"

HEAD = ["", "clients", "events published", "deliveries", "lost", "doubled", "gaps", "gave up", "streams opened",
        "soft refusals", "peak of connects a second", "longest delivery"]

NOTES = """\
- Three edges behind a proxy of [deploy/proxies](../../../deploy/proxies), one ingest process with an MQTT source (QoS 1,
  persistent session) and a redis-stream source, one Redis log. One after another is replaced under load: the ingest
  process, the three edges, the ingest process again; each is ended by SIGTERM and started anew at its address.
- **drain**: `stream.drain`, over which the streams of a process are ended.
- Each client is an EventSource of two channels, one of each source. Events are numbered by channel, and each client checks
  every number, over all its connections. **lost**, **doubled**, **gaps**, **gave up** (a status other than 200) must be 0.
- **soft refusals**: `runnel.unavailable`, by a process that ends or by the proxy: the client comes back later.
- **longest delivery**: from the publisher to a client that was being moved, its reconnection included.
"""


def _name(run):
    return f"{run.plan.proxy}, drain {run.plan.drain}"


def _row(run):
    r = run.result
    return [_name(run), f"{r['clients']:,}", f"{run.published:,}", f"{r['events']:,}", r["lost"], r["doubled"], r["gaps"],
            r["dead"], f"{r['opens']:,}", r["refused"], run.peak("connects"), f"{r['max_us'] / 1e6:.1f} s"]


def table(runs):
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in _row(run)) + " |" for run in runs])


def _series(runs, what):
    return {_name(run): [(s["second"], s[what]) for s in run.samples] for run in runs}


def plot(runs):
    return svg({"connects a second": _series(runs, "connects"), "streams open": _series(runs, "open"),
                "deliveries a second": _series(runs, "events")})


def update_page(path, runs):
    """The table between the two marks of deploy/README.md."""
    text = path.read_text("utf-8")
    new, found = re.subn(BEGIN + ".*?" + END, lambda _: BEGIN + table(runs) + "\n" + END, text, flags=re.DOTALL)
    assert found == 1, path
    path.write_text(new, "utf-8")


def write(folder, runs):
    folder.mkdir(exist_ok=True)
    (folder / "reconnects.svg").write_text(plot(runs), "utf-8")
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    marks = "\n".join(f"- {_name(run)}: " + ", ".join(f"{name} at {second} s" for second, name in run.marks)
                      for run in runs)
    plan = runs[0].plan
    (folder / "latest.md").write_text(
        f"# A rolling update\n\n{plan.clients:,} clients, {plan.rate} events a second, {plan.channels * 2} channels;"
        f" {when}, {os.cpu_count()} cores for everything, Python {platform.python_version()}. Made by"
        f" `integration/rolling/run`.\n\n{table(runs)}\n\n![Connects a second](reconnects.svg)\n\n{marks}\n\n{NOTES}", "utf-8")
