"""What the lints share: which files there are, and C without its comments and literals."""

import pathlib
import re
import sys

NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def files(root, *folders):
    """The .c and .h files below the folders of root, sorted."""
    for folder in folders:
        yield from sorted(p for p in (pathlib.Path(root) / folder).rglob("*") if p.suffix in (".c", ".h"))


def without_noise(text):
    """Comments and literals become blanks; lines keep their numbers."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def report(problems):
    """Prints the problems and gives the exit status."""
    problems = list(problems)
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def main(check):
    sys.exit(report(check(".")))
