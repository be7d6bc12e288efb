"""The runs as a table (Markdown)."""

import platform
from collections import Counter
from datetime import datetime, timezone

HEAD = ["seed", "topology", "faults", "drops", "published", "delivered", "lost", "doubled", "disordered", "false gaps",
        "silent", "hangs", "gaps said", "in gaps", "source away", "broker lost", "bad cursors", "redelivered"]

GROUPS = {"kills": ["kill"], "stops": ["stop"], "resets": ["reset"], "stalls": ["stall"], "slow ways": ["slow"],
          "cut connections": ["cut-normal", "cut-pubsub"], "reloads": ["reload"],
          "logs that refused": ["readonly", "oom", "pause"],
          "logs flushed, restored or failed over": ["flush", "restore", "failover"], "channels deleted": ["delete"]}

# What must be 0 -> the kinds of the checker's errors that it counts.
ZEROS = {"deliveries lost, and no gap told of it": ["lost"], "bad cursors that no gap told of": ["silent"],
         "messages doubled": ["doubled"], "out of order, or invented": ["order", "invented"],
         "gaps that are none": ["false gap"], "clients that hang, runs that broke": ["hangs", "broken"]}

NOTES = """\
Four sources (Redis pub/sub, MQTT QoS 1, Redis Streams, http) number every message; clients drop, are slow, and some come
with cursors that no runnel gave them. *edges*: one process that ingests, two that serve, one of them a second reader of
the streams; *one*: a single process; *narrow*: of which only 60 events may wait for the log; *memory*: the memory log.

- **faults**: see the table below. **drops**: by clients of their own will.
- **lost**, **doubled**, **disordered**, **false gaps**, **silent** (a bad cursor that was not told of), **hangs**: what
  must be 0.
- **gaps said**: `runnel.gap` events, without those that bad cursors were due; **in gaps**: deliveries that are missing
  and were said to be. Only where the log lost its history, or a channel's: `+lost`, or in memory and its process killed;
  and where runnel logged that its queue overflowed.
- **source away**: Redis pub/sub messages published in a measured interval without a subscription.
  **broker lost**: confirmed by mosquitto, which was killed before it had saved them.
- **redelivered**: messages that stand in the log twice, by cause: MQTT's QoS 1 says "at least once", and a log that
  lost its history lost with it what it had just stored (then a gap stands between the two).
"""


def _name(one):
    return one.topology + ("+lost" if one.is_losing else "")


def cells(one):
    v = one.verdict
    redelivered = ", ".join(f"{count} {why}" for why, count in sorted(v.redelivered.items())) or "0"
    return [one.seed, _name(one), sum(one.faults.values()), one.drops, v.published, v.deliveries, v.lost, v.doubled,
            v.counts["order"] + v.counts["invented"], v.counts["false gap"], v.counts["silent"],
            v.counts["hangs"] + v.counts["broken"], v.gaps, v.in_gaps, v.by_outage, v.by_broker, v.bad_cursors, redelivered]


def row(one):
    return "| " + " | ".join(str(cell) for cell in cells(one)) + " |"


def table(runs):
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join(lines + [row(one) for one in runs])


def total(runs):
    sums = [sum(column) for column in zip(*[[c for c in cells(one)[2:-1]] for one in runs])]
    return "| **all** | | " + " | ".join(f"**{cell}**" for cell in sums) + " | |"


def fault_table(runs):
    """What was broken, and how often."""
    sums = sum((one.faults for one in runs), Counter())
    targets = sorted({name.partition(" ")[0] for name in sums})
    kinds = sorted({name.partition(" ")[2] for name in sums})
    lines = ["| faults | " + " | ".join(kinds) + " |", "|" + "---|" * (len(kinds) + 1)]
    for target in targets:
        counts = [str(sums[f"{target} {kind}"] or "") for kind in kinds]
        lines.append(f"| {target} | " + " | ".join(counts) + " |")
    return "\n".join(lines)


def _grouped(faults):
    """How many of which kind, targets aside."""
    counts = Counter()
    for name, count in faults.items():
        kind = name.partition(" ")[2]
        counts[next((group for group, kinds in GROUPS.items() if kind in kinds), kind)] += count
    return ", ".join(f"{group} {count:,}" for group, count in counts.most_common())


def totals(runs, binary):
    """What the README shows, as it was judged in the runs."""
    faults = sum((one.faults for one in runs), Counter())
    errors = sum((one.verdict.counts for one in runs), Counter())
    minutes, worlds = sum(one.seconds for one in runs) / 60, len({_name(one) for one in runs})
    rows = [(f"seeds on {datetime.now(timezone.utc):%Y-%m-%d}, {binary}", ""), ("---", "---"),
            ("runs, faults", f"{len(runs)} runs of {len({one.seed for one in runs})} seeds in {worlds} worlds, {minutes:.0f}"
             f" minutes: {faults.total():,} faults ({_grouped(faults)}),"
             f" and {sum(one.drops for one in runs):,} drops by clients"),
            ("messages", f"{sum(one.verdict.published for one in runs):,} published,"
             f" {sum(one.verdict.deliveries for one in runs):,} delivered and checked")]
    rows += [(name, f"{sum(errors[kind] for kind in kinds):,}") for name, kinds in ZEROS.items()]
    rows.append(("runs that were flagged", f"{sum(1 for one in runs if one.verdict.errors)}"))
    return "\n".join(f"| {name} | {value} |" for name, value in rows)


def write_report(path, runs, took_s, binary):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# Chaos: every message accounted for\n\nMade by `integration/chaos/run` in {took_s / 60:.0f} minutes"
                    f" (Python {platform.python_version()}).\n\n{totals(runs, binary)}\n\n{NOTES}\n{table(runs)}\n{total(runs)}"
                    f"\n\n{fault_table(runs)}\n")
