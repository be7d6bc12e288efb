"""The benchmark's harness, small: that it measures what it says, not how fast anything is."""

import json
import os
import pathlib
import shutil
import subprocess
import threading
import xml.etree.ElementTree

import pytest

from harness.runnel import BINARY, ROOT

BUILD = pathlib.Path(BINARY).resolve().parents[2]
YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
MAY_TRACE = shutil.which("strace") and (os.geteuid() == 0 or not YAMA.exists() or YAMA.read_text("ascii").strip() == "0")
JOBS = ["broadcast", "burst", "channels", "idle", "resume", "latency", "connect", "stalled", "workers", "growth", "newcomer",
        *(["syscalls"] if MAY_TRACE else [])]
NO_PEERS_NO_TARGET = {"connect"}  # its only target is a peer's rate


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The folder of a quick run's results."""
    out = tmp_path_factory.mktemp("bench")
    done = subprocess.run([ROOT / "tests/bench/run", *JOBS, "--quick", "--alone", "--build", BUILD, "--out", out],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout
    return out


def test_quick_run_has_every_job_with_its_servers_and_targets(quick):
    results = json.loads((quick / "latest.json").read_text("utf-8"))
    assert list(results["jobs"]) == JOBS
    assert results["machine"]["cpu"] and results["machine"]["software"]["runnel"]
    assert {name for name, job in results["jobs"].items() if not job["verdicts"]} == NO_PEERS_NO_TARGET
    for job in results["jobs"].values():
        assert job["rows"] and job["commit"]
        assert all(len(values) == len(job["columns"]) for values in job["rows"].values())
    assert {"bare", "runnel, redis log", "runnel, memory log"} <= set(results["jobs"]["latency"]["rows"])
    assert len(results["jobs"]["latency"]["samples"]["bare"]) == 1


def test_quick_run_writes_markdown_and_plots(quick):
    text = (quick / "latest.md").read_text("utf-8")
    assert "| job | to reach | measured | reached |" in text
    for name in ("cost", "latency"):
        assert f"({name}.svg)" in text
        assert xml.etree.ElementTree.parse(quick / f"{name}.svg").getroot().tag.endswith("svg")


def test_one_job_again_keeps_the_others(quick):
    text = (quick / "latest.json").read_text("utf-8")
    before, earlier = json.loads(text)["jobs"], json.loads(text)["earlier"].get("resume", [])
    subprocess.run([ROOT / "tests/bench/run", "resume", "--quick", "--alone", "--build", BUILD, "--out", quick],
                   stdout=subprocess.DEVNULL, timeout=60, check=True)
    results = json.loads((quick / "latest.json").read_text("utf-8"))
    after = results["jobs"]
    assert list(after) == JOBS
    assert after["latency"] == before["latency"]
    assert after["resume"] != before["resume"]
    values = {verdict["target"]: verdict["measured"] for verdict in before["resume"]["verdicts"]}
    assert results["earlier"]["resume"] == [*earlier, {"commit": before["resume"]["commit"], "when": before["resume"]["date"],
                                                       "values": values}]
    assert f"before, at {before['resume']['commit']}" in (quick / "latest.md").read_text("utf-8")


@pytest.fixture
def wrong_publisher(tmp_path):
    """wrong_publisher(first): a build whose publisher goes on at event `first` after the first ten."""
    def build(first):
        (tmp_path / "src/main").mkdir(parents=True)
        (tmp_path / "src/main/runnel").symlink_to(BUILD / "src/main/runnel")
        shutil.copytree(BUILD / "tests/bench", tmp_path / "tests/bench", ignore=lambda folder, names: [
            name for name in names if not name.startswith("bench_") or (pathlib.Path(folder) / name).is_dir()])
        real = BUILD / "tests/bench/bench_publish"
        (tmp_path / "tests/bench/bench_publish").write_text(
            f'#!/bin/sh\n{real} "$@" --events 10 >/dev/null\nexec {real} "$@" --first {first} --events {20 - first}\n')
        return tmp_path
    return build


@pytest.mark.parametrize("first, failure", [(11, "lost 50, doubled 0"), (9, "lost 0, doubled 50")])
def test_job_fails_where_every_client_misses_an_event_or_gets_one_twice(wrong_publisher, tmp_path, first, failure):
    out = tmp_path / "out"
    done = subprocess.run([ROOT / "tests/bench/run", "broadcast", "--quick", "--alone", "--build", wrong_publisher(first),
                           "--out", out], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1 and f"FAILED: {failure}" in done.stdout, done.stdout
    results = json.loads((out / "latest.json").read_text("utf-8"))
    assert not results["jobs"] and results["earlier"]["broadcast"][0]["failure"].startswith(failure)


def event(n):
    return f'id: 1-{n}\ndata: {{"n":{n},"t":1}}\n\n'


HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def run_load(scripted, pieces, *options):
    """bench_load of three events, or as the options say, and what it says, with a server that sends `pieces`."""
    is_over = threading.Event()

    def serve(connection, _number):
        connection.recv(4096)
        for piece in pieces:
            connection.sendall(piece)
        is_over.wait(30)

    server = scripted(serve)
    try:
        done = subprocess.run([BUILD / "tests/bench/bench_load", "--port", str(server.port), "--events", "3",
                               "--timeout", "1", *options], stdout=subprocess.PIPE, text=True, timeout=30, check=False)
    finally:
        is_over.set()
    return done, json.loads(done.stdout.splitlines()[-1])["reading"]


@pytest.mark.parametrize("numbers, expected", [
    ([0, 1, 2], {"received": 3, "lost": 0, "doubled": 0}),
    ([0, 2], {"received": 2, "lost": 1, "doubled": 0}),
    ([1, 2], {"received": 2, "lost": 1, "doubled": 0}),
    ([0, 1, 1, 2], {"received": 3, "lost": 0, "doubled": 1}),
    ([0, 1, 0, 2], {"received": 3, "lost": 0, "doubled": 1}),
])
@pytest.mark.parametrize("pieces", [1, 7])
def test_load_client_counts_what_is_lost_and_doubled(scripted, numbers, expected, pieces):
    stream = (HEAD + "".join(map(event, numbers))).encode()
    step = -(-len(stream) // pieces)
    done, result = run_load(scripted, [stream[begin:begin + step] for begin in range(0, len(stream), step)])
    assert {key: result[key] for key in expected} == expected
    assert (done.returncode == 0) == (numbers == [0, 1, 2])


@pytest.mark.parametrize("numbers, received, lost, doubled", [
    ([0, 1, 2, 3, 4, 5], 6, 0, 0),
    ([1, 0, 2, 4, 3, 5], 6, 0, 0),
    ([0, 1, 3, 4, 5], 5, 1, 0),
    ([0, 1, 2, 3, 1, 4, 5], 6, 0, 1),
])
def test_load_client_keeps_the_active_channels_apart(scripted, numbers, received, lost, doubled):
    """Two: the even and the odd numbers."""
    stream = (HEAD + "".join(map(event, numbers))).encode()
    done, result = run_load(scripted, [stream], "--active", "2", "--events", "6", "--path", "/events?channel=bench.")
    assert (result["received"], result["lost"], result["doubled"]) == (received, lost, doubled)
    assert (done.returncode == 0) == (lost + doubled == 0)


def test_load_client_sees_a_double_behind_the_last_event(scripted):
    """So far behind that one read does not bring both."""
    stream = HEAD + "".join(map(event, range(3))) + (": " + "x" * 1000 + "\n\n") * 400 + event(2)
    done, result = run_load(scripted, [stream.encode()])
    assert (done.returncode, result["received"], result["doubled"]) == (1, 3, 1)


@pytest.mark.parametrize("words", [
    ["--port", "65536"], ["--clients", "many"], ["--clients", "4294967296"], ["--speed", "1"], ["--port"], ["--clients", "1"],
])
def test_options_that_are_wrong_end_it(words):
    result = subprocess.run([BUILD / "tests/bench/bench_load", *words], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and result.stderr, result
