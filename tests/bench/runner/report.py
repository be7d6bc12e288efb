"""
The results as JSON, Markdown and plots. Each job's newest result stays until it is run again; what it reached before, or
that it failed, is kept too, so that nobody repeats a job until it passes without its being seen.
"""

import json

from . import plot

LOAD_OWN = 3  # what the benchmark itself may leave behind


def load(folder):
    path = folder / "latest.json"
    results = json.loads(path.read_text("utf-8")) if path.exists() else {"jobs": {}}
    return {"earlier": {}} | results


def replace(results, name, job):
    """The newest result of a job, before which there may be another."""
    old = results["jobs"].get(name)
    if old:
        values = {v["target"]: v["measured"] for v in old["verdicts"]}
        results["earlier"].setdefault(name, []).append({"commit": _commit(old), "when": old["date"], "values": values})
    results["jobs"][name] = job


def keep_failure(results, name, entry):
    results["earlier"].setdefault(name, []).append(entry)


def _commit(job):
    return job.get("commit") or "a commit that is not known"


def _cell(value):
    if not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield "| " + " | ".join(_cell(v) for v in row) + " |"
    yield ""


def _earlier(entry):
    told = entry.get("failure") or "; ".join(f"{target}: {value}" for target, value in entry["values"].items())
    return f"- before, at {entry['commit']}, {entry['when']}: {'FAILED, ' if 'failure' in entry else ''}{told}"


def _job(job, earlier):
    yield f"### {job['title']}"
    yield ""
    yield from table(["", *job["columns"]], ([name, *values] for name, values in job["rows"].items()))
    for note in job["notes"]:
        yield f"- {note}"
    yield f"- measured at {_commit(job)}, {job['date']}, {job['seconds']:.0f} s, load before {job['load']:.2f}"
    yield from map(_earlier, earlier)
    yield ""


def verdicts(results):
    """Every target: one table."""
    rows = []
    for job in results["jobs"].values():
        title = job["title"]
        for verdict in job["verdicts"]:
            rows.append([title, verdict["target"], verdict["measured"], "yes" if verdict["is_reached"] else "**no**"])
            title = ""
    yield from table(["job", "to reach", "measured", "reached"], rows)


def machine_line(results):
    """What it was measured on, and whether that had other work to do."""
    machine = results["machine"]
    software = ", ".join(f"{name} {version}" for name, version in machine["software"].items())
    load = max((job["load"] for job in results["jobs"].values()), default=0)
    busy = "" if load < LOAD_OWN else (f" **Other work ran on the machine meanwhile (load up to {load:.0f}): read "
                                       "ratios, and those with care.**")
    return f"{machine['cpu']}, {machine['memory']}, {machine['system']}; {software}. {_commits(results['jobs'])}{busy}"


def _commits(jobs):
    by_commit = {}
    for name, job in jobs.items():
        by_commit.setdefault(_commit(job), []).append(name)
    if len(by_commit) <= 1:
        return "".join(f"Measured at {commit}." for commit in by_commit)
    return "Measured at " + "; ".join(f"{commit}: {', '.join(names)}" for commit, names in by_commit.items()) + "."


def markdown(results):
    yield "# Benchmark"
    yield ""
    yield machine_line(results)
    yield ""
    yield ("Servers and Redis on core 0, clients and publisher on core 1, 200-byte JSON payloads, one worker each; in the "
           "job of 1 to 2 workers everything shares both cores. Events come by Redis pub/sub, with nchan by HTTP. CPU is "
           "the server's own, user and system. Every event is checked for gaps and doubles at every client; idle clients "
           "and the job of connections have no events. Made by `tests/bench/run`.")
    yield ""
    yield from verdicts(results)
    for name, job in results["jobs"].items():
        yield from _job(job, results["earlier"].get(name, []))
    for name in results["plots"]:
        yield f"![{name}]({name}.svg)"
        yield ""


def _plots(results):
    jobs = results["jobs"]
    if jobs.get("growth", {}).get("data", {}).get("clients"):
        yield "cost", plot.cost_by_clients(jobs["growth"]["data"]["clients"])
    if jobs.get("latency", {}).get("data"):
        yield "latency", plot.latency(jobs["latency"]["data"])


def save(folder, results):
    folder.mkdir(parents=True, exist_ok=True)
    plots = dict(_plots(results))
    results["plots"] = list(plots)
    for name, svg in plots.items():
        (folder / f"{name}.svg").write_text(svg, "utf-8")
    (folder / "latest.json").write_text(_small_json(results), "utf-8")
    (folder / "latest.md").write_text("\n".join(markdown(results)).rstrip() + "\n", "utf-8")


def _small_json(results):
    """Jobs and servers on lines of their own, histograms not spread over hundreds."""
    jobs = ",\n".join(f"  {json.dumps(name)}: {json.dumps(job)}" for name, job in results["jobs"].items())
    rest = {name: value for name, value in results.items() if name != "jobs"}
    return json.dumps(rest, indent=1)[:-2] + f',\n "jobs": {{\n{jobs}\n }}\n}}\n'
