"""The machine and its software, named."""

import os
import pathlib
import platform
import re
import subprocess


def _first_line(*command):
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.splitlines()[0] if done.stdout else ""


def _version(*command):
    found = re.search(r"\d+\.\d+[\w.]*", _first_line(*command))
    return found.group() if found else ""


def _git(root, *words):
    done = subprocess.run(["git", "-C", root, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False)
    return done.stdout.strip()


def commit(root):
    """With a + where the tree has something else; what a run of the benchmark writes does not count."""
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)tests/bench/results",
                   ":(exclude)README.md")
    return _git(root, "rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _os_name():
    for line in pathlib.Path("/etc/os-release").read_text("utf-8").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def describe(runnel):
    cpu = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    memory = re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text("utf-8"))
    software = {
        "runnel": _version(str(runnel), "--version"), "redis-server": _version("redis-server", "--version"),
        "nginx": _version("nginx", "-v"), "Node": _version("node", "--version"),
        "nchan": _version("dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"),
    }
    return {
        "cpu": f"{cpu.group(1) if cpu else platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{int(memory.group(1)) / 1024 / 1024:.0f} GiB",
        "system": f"{_os_name()}, Linux {platform.release()}",
        "software": {name: version for name, version in software.items() if version},
    }
