"""The runs as a table (Markdown)."""

import platform
from datetime import datetime, timezone

HEAD = ["seed", "topology", "faults", "drops", "published", "delivered", "lost", "doubled", "disordered", "false gaps",
        "hangs", "gaps said", "in gaps", "source away", "broker lost", "redelivered"]

NOTES = """\
- **faults**: SIGKILL and SIGSTOP of runnel, its log and the brokers, killed connections, resets and stalls on the way.
  `+lost` topologies: the log is also flushed or restored to an older state. **drops**: by clients of their own will.
- **lost**, **doubled**, **disordered**, **false gaps**, **hangs**: what must be 0.
- **gaps said**: `runnel.gap` events; **in gaps**: deliveries that are missing and were said to be. Only where the log
  lost its history: flushed, restored, or in memory and its process killed.
- **source away**: Redis pub/sub messages published in a measured interval without a subscription.
  **broker lost**: confirmed by mosquitto, which was killed before it had saved them.
- **redelivered**: MQTT QoS 1 messages that stand in the log twice, by cause.
"""


def _name(one):
    return one.topology + ("+lost" if one.is_losing else "")


def cells(one):
    v = one.verdict
    redelivered = ", ".join(f"{count} {why}" for why, count in sorted(v.redelivered.items())) or "0"
    return [one.seed, _name(one), sum(one.faults.values()), one.drops, v.published, v.deliveries, v.lost, v.doubled,
            v.counts["order"] + v.counts["invented"], v.counts["false gap"], v.counts["hangs"] + v.counts["broken"],
            v.gaps, v.in_gaps, v.by_outage, v.by_broker, redelivered]


def row(one):
    return "| " + " | ".join(str(cell) for cell in cells(one)) + " |"


def table(runs):
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + [row(one) for one in runs])


def total(runs):
    sums = [sum(column) for column in zip(*[[c for c in cells(one)[2:-1]] for one in runs])]
    return "| **all** | | " + " | ".join(f"**{cell}**" for cell in sums) + " | |"


def write_report(path, runs, took_s):
    path.parent.mkdir(exist_ok=True)
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    seconds = sum(one.seconds for one in runs)
    path.write_text(f"# Chaos: every message accounted for\n\n{len(runs)} runs, {seconds / 60:.0f} minutes of faults"
                    f" in {took_s / 60:.0f} minutes, {when}, Python {platform.python_version()}. Made by"
                    f" `integration/chaos/run`.\n\n{table(runs)}\n{total(runs)}\n\n{NOTES}")
