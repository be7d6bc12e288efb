"""Functions and words that have no place here, each with what to use instead."""

import re

import sources

CALLS = {
    "strcpy": "memcpy or a buf", "strcat": "a buf", "sprintf": "snprintf", "vsprintf": "vsnprintf",
    "gets": "fgets", "atoi": "str_to_u64", "atol": "str_to_u64", "atoll": "str_to_u64",
    "atof": "strtod", "strtok": "a struct str", "gmtime": "gmtime_r", "localtime": "localtime_r",
    "ctime": "strftime", "asctime": "strftime", "rand": "backoff_random", "srand": "backoff_random",
    "alloca": "malloc", "usleep": "a timer of the loop", "sleep": "a timer of the loop",
}
CALL = re.compile(r"(?<![\w.>])(" + "|".join(CALLS) + r")\s*\(")
EXIT = re.compile(r"(?<![\w.>])(_?exit)\s*\(")
VOLATILE = re.compile(r"\bvolatile\b")
ASSERT = re.compile(r"\bassert\s*\(([^;]*)\)\s*;")
SIDE_EFFECT = re.compile(r"\+\+|--|(?<![=!<>])=(?!=)")


def matches(path, text):
    """Pairs of a position and a problem."""
    for match in CALL.finditer(text):
        yield match.start(), f"{match.group(1)} is banned, use {CALLS[match.group(1)]}"
    for match in VOLATILE.finditer(text):
        yield match.start(), "volatile is banned, use _Atomic"
    for match in ASSERT.finditer(text):
        if SIDE_EFFECT.search(match.group(1)):
            yield match.start(), "assert with a side effect"
    if path.parts[:1] == ("src",) and path.parts[:2] != ("src", "main"):
        for match in EXIT.finditer(text):
            yield match.start(), f"{match.group(1)} is main's"


def check(root):
    for file in sources.files(root, "src", "tests"):
        text = sources.without_noise(file.read_text())
        for position, problem in matches(file.relative_to(root), text):
            yield f"{file}:{text.count(chr(10), 0, position) + 1}: {problem}"


if __name__ == "__main__":
    sources.main(check)
