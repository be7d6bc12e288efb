"""A room of src/ includes only the rooms that this table allows, and libevent only where it belongs."""

import re

import sources

ALLOWED = {
    "base": [],
    "event": ["base"],
    "sse": ["base"],
    "config": ["base"],
    "generator": ["base", "config", "observability"],
    "observability": ["base"],
    "routing": ["base", "config", "sse"],
    "redis": ["base", "event", "config", "observability"],
    "replay": ["base", "event", "sse", "config", "redis", "observability"],
    "sources": ["base", "event", "config", "redis", "observability"],
    "streaming": ["base", "event", "sse", "config", "replay", "observability"],
    "http": ["base", "event", "sse", "config", "replay", "streaming", "observability"],
    "main": ["base", "event", "sse", "config", "observability", "routing", "redis", "replay", "sources",
             "streaming", "http"],
}
LIBEVENT = ["event", "redis", "sources", "streaming", "http", "main"]
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)


def problem_of(room, bracket, path):
    if bracket == "<":
        if path.startswith("event2/") and room not in LIBEVENT:
            return f"{room} may not use libevent (<{path}>)"
        return None
    first = path.split("/")[0]
    if "/" not in path or first not in ALLOWED:
        return f'"{path}" does not begin with a room of src/'
    if first != room and first not in ALLOWED[room]:
        return f'{room} may not include {first} ("{path}")'
    return None


def check(root):
    for file in sources.files(root, "src"):
        room = file.relative_to(f"{root}/src").parts[0]
        if room not in ALLOWED:
            yield f"{file}: {room} is not in the table of rooms"
            continue
        text = file.read_text()
        for match in INCLUDE.finditer(text):
            problem = problem_of(room, *match.groups())
            if problem:
                yield f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {problem}"


if __name__ == "__main__":
    sources.main(check)
