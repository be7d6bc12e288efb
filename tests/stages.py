"""The stages of tests/run: builds, runs ctest and pytest, counts what their reports say."""

import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
STAGES = ["lint", "unit", "fuzz", "integration", "image"]
JOBS = str(os.cpu_count() or 2)
AT_ONCE = str(int(JOBS) + 2)  # most tests wait for something
SILENCE_S = 1200  # a step that says nothing for so long hangs: it is broken, and the others still run
NOTHING, SOME, ALL = range(3)

SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=66:second_deadlock_stack=1",
}


class Run:
    """Counts over all steps; a step is one command."""

    def __init__(self, reports):
        self.reports = reports
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.troubles = []
        self.built = {}

    def trouble(self, text):
        self.failed += 1
        self.troubles.append(text)

    def command(self, name, command, environment=None):
        """Runs it with its output passed through; its exit status, None where it hung."""
        print(f"== {name}", flush=True)
        begin = time.monotonic()
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, start_new_session=True,
                              env={**os.environ, **SANITIZERS, **(environment or {})}) as process:
            status = pass_on(process)
            if status is None:
                end_group(process)
        print(f"== {name}: {'silent for too long' if status is None else f'status {status}'}, "
              f"{time.monotonic() - begin:.0f} s", flush=True)
        return status

    def tests(self, name, command, report, environment=None):
        """A step that writes a junit report: counts its tests."""
        status = self.command(name, command, environment)
        cases = read_report(report)
        failures = [case for case, outcome in cases if outcome == "failed"]
        self.passed += sum(outcome == "passed" for _, outcome in cases)
        self.skipped += sum(outcome == "skipped" for _, outcome in cases)
        for case in failures:
            self.trouble(f"{name}: {case}")
        if not cases:
            self.trouble(f"{name}: no test was run")
        elif status != 0 and not failures:
            self.trouble(f"{name}: the run broke")

    def build(self, preset):
        """Configures and builds once, as much as can be built: NOTHING, SOME or ALL of it."""
        if preset not in self.built:
            self.built[preset] = NOTHING
            if self.command(f"configure {preset}", ["cmake", "--preset", preset, "--log-level=WARNING"]) == 0:
                status = self.command(f"build {preset}", [
                    "cmake", "--build", "--preset", preset, "-j", JOBS, "--", "--quiet", "-k", "0"])
                self.built[preset] = ALL if status == 0 else SOME
            if self.built[preset] != ALL:
                self.trouble(f"build {preset}")
        return self.built[preset]

    def ctest(self, preset, label):
        """What is not built fails by its own name."""
        if self.build(preset) == NOTHING:
            return
        report = self.reports / f"ctest-{preset}-{label}.xml"
        self.tests(f"{label} ({preset})", [
            *fixed_addresses(preset), "ctest", "--test-dir", f"build/{preset}", "-L", f"^{label}$", "-j", AT_ONCE,
            "--output-on-failure", "--no-tests=error", "--output-junit", str(report)], report)

    def pytest(self, preset, marks, together="loadscope"):
        """`together`: what runs in one process, for what its tests share: a module, or "load", nothing."""
        if self.build(preset) != ALL:
            return
        report = self.reports / f"pytest-{preset}-{marks.replace(' ', '-')}.xml"
        self.tests(f"pytest {marks} ({preset})", [
            *fixed_addresses(preset), "/usr/bin/python3", "-m", "pytest", "integration", "-ra", "--durations=20",
            "--timeout=300", "-n", AT_ONCE, "--dist", together,
            "-o", "junit_family=xunit2", f"--junitxml={report}", "-m", marks], report,
            {"RUNNEL_BIN": str(ROOT / f"build/{preset}/src/main/runnel")})

    def lint(self):
        self.ctest("dev", "lint")

    def unit(self):
        for preset in ("dev", "asan", "tsan"):
            self.ctest(preset, "unit")

    def fuzz(self):
        self.ctest("fuzz", "fuzz")

    def integration(self):
        install = ROOT / "integration/install"
        if install.exists() and self.command("integration/install", [str(install)]) != 0:
            self.trouble("integration/install")
        self.pytest("release", "not chaos and not image")
        self.pytest("dev", "chaos", together="load")
        for preset in ("asan", "tsan"):
            self.pytest(preset, "sanitized")

    def image(self):
        self.pytest("release", "image")


def end_group(process):
    """The process and what it started, all in the session that was made for it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def pass_on(process):
    """Its output, until there is no more; its exit status, None where it said nothing for too long."""
    output = process.stdout.fileno()
    while select.select([output], [], [], SILENCE_S)[0]:
        piece = os.read(output, 65536)
        if not piece:
            return process.wait()
        sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    return process.poll()


def fixed_addresses(preset):
    """gcc 12's sanitizers know fewer address layouts than newer kernels use."""
    command = ["setarch", os.uname().machine, "-R"]
    if preset not in ("asan", "tsan", "fuzz") or not shutil.which("setarch"):
        return []
    tried = subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False)
    return command if tried.returncode == 0 else []


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.get("status") in ("notrun", "fail"):
        return "failed"  # ctest's word for a program that was not built is "skipped"
    return "skipped" if case.find("skipped") is not None else "passed"


def read_report(path):
    """Pairs of a test's name and its outcome; none where there is no report."""
    try:
        tree = xml.etree.ElementTree.parse(path)
    except (FileNotFoundError, xml.etree.ElementTree.ParseError):
        return []
    return [(f"{case.get('classname')}.{case.get('name')}" if case.get("classname") != case.get("name")
             else case.get("name"), outcome_of(case)) for case in tree.iter("testcase")]


def main(arguments):
    unknown = set(arguments) - set(STAGES)
    if unknown:
        print(f"tests/run: no such stage: {' '.join(sorted(unknown))} (see tests/run --help)", file=sys.stderr)
        return 2
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as reports:
        run = Run(pathlib.Path(reports))
        for stage in STAGES:
            if not arguments or stage in arguments:
                getattr(run, stage)()
    print(f"== all: {time.monotonic() - begin:.0f} s, {run.skipped} skipped")
    for trouble in run.troubles:
        print(f"FAILED {trouble}")
    print(f"{run.passed} passed, {run.failed} failed", flush=True)
    return 1 if run.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
