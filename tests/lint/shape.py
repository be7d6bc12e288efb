"""The shape of a file: its length, the guard of a header, nothing left for later."""

import re

import sources

LINES_MAX = 800
LATER = re.compile(r"\b(TO[D]O|FIXME|XXX)\b")


def check(root):
    for file in sources.files(root, "src", "tests"):
        text = file.read_text()
        lines = text.splitlines()
        if len(lines) > LINES_MAX:
            yield f"{file}: {len(lines)} lines, at most {LINES_MAX}: it holds more than one noun"
        if file.suffix == ".h" and lines[:1] != ["#pragma once"]:
            yield f"{file}:1: a header begins with #pragma once"
        for number, line in enumerate(lines, 1):
            if LATER.search(line):
                yield f"{file}:{number}: nothing is left for later"


if __name__ == "__main__":
    sources.main(check)
