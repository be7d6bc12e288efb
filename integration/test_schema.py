"""config/runnel.schema.json says to an editor what `runnel check` says: judged by another's validator."""

import json
import re

import jsonschema
import pytest

from harness import yaml12
from harness.runnel import ROOT, run_command

SCHEMA = json.loads((ROOT / "config/runnel.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
SAMPLES = sorted((ROOT / "config").glob("*.yaml"))


def schema_takes(text):
    return VALIDATOR.is_valid(yaml12.load(text))


def check(path, text):
    path.write_text(text, encoding="utf-8")
    return run_command("check", "-c", path, env={"WORD": "x", "FIVE": "5"})


def test_it_is_a_schema():
    jsonschema.Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_the_configs_of_the_repository_are_valid(path):
    assert [error.message for error in VALIDATOR.iter_errors(yaml12.load(path.read_text(encoding="utf-8")))] == []


GOOD = {
    "nothing": "",
    "groups without keys": "http:\nstream:\nsources:\nroutes:\n",
    "numbers and texts": 'http: { listen: 8080, workers: auto, channels: "5", head_bytes: 4096, page: "true" }',
    "variables": "http: { listen: '${HOST:-}:${PORT:-8080}', workers: '${FIVE}' }\nlog: { level: '${LEVEL:-info}' }",
    "no admin port": "admin: { listen: off }",
    "IPv6": 'http: { listen: "[::1]:8080" }',
    "memory": "replay: { store: memory, memory_bytes: 1G, keep: { events: 5, for: 1h } }",
    "redis": "replay: { store: redis, url: 'rediss://me:se%40cret@redis:6380/3', verify: false, prefix: a }",
    "a store by variable": "replay: { store: '${STORE:-redis}', url: 'redis://h' }",
    "a password of digits": "replay: { store: redis, url: 'redis://h', password: 12345 }",
    "mqtt 3.1.1": "sources: { a: { type: mqtt, version: 3.1.1, url: 'mqtt://h', keepalive: 7000ms } }",
    "mqtt 5": "sources: { a: { type: mqtt, version: 5, url: 'mqtts://h', client_id: c, session_expiry: 1d } }",
    "a type by variable": "sources: { a: { type: '${TYPE:-http}', token: x } }",
    "redis-stream": "sources: { a: { type: redis-stream, url: 'redis://h', from: '$', field: f } }",
    "escaped": "sources: { a: { type: http, token: '$${x$' } }",
    "operands": "sources: { a: { type: http } }\nroutes:\n- source: a\n  topic: t\n  channel: c\n  when:\n"
                "  - { json: /a, equals: null }\n  - { json: '', in: [1, x, true] }\n  - { json: /b, gt: -1.5e3 }\n"
                "  - { json: /c, exists: true }\n  - { json: /d, not_equals: '5' }\n  - json: /e\n    lt: ${FIVE}",
    "proxies": 'http: { trusted_proxies: [10.0.0.0/8, 127.0.0.1, "::1", "fd00::/8"], proxy_protocol: true }',
    "channels": 'http: { allow_channels: [news, "orders/{shop}", "lines/*", 5], unknown_channels: empty }',
    "channels of the routes": "http: { allow_channels: routes }\nsources: { a: { type: http } }\n"
                              "routes: [ { source: a, topic: t, channel: c } ]",
    "origins": 'http: { cors_origins: ["*", "https://shop.example:8443", "${ORIGIN:-https://a}"] }',
}

_ROUTE = "sources: {{ a: {{ type: http }} }}\nroutes: [ {{ source: a, topic: t, channel: c, {} }} ]"
BAD = {
    "a list": "[]",
    "a text": "runnel",
    "a misspelt section": "htttp: { listen: 8080 }",
    "a misspelt key": "http: { lissten: 8080 }",
    "a group that is a number": "replay: { keep: 5 }",
    "a port that is none": "http: { listen: 65536 }",
    "a port in a text that is none": 'http: { listen: ":65536" }',
    "a name to listen at": 'http: { listen: "localhost:80" }',
    "a list for a scalar": "http: { channels: [1] }",
    "a null for a scalar": "http: { channels: null }",
    "too many workers": "http: { workers: 257 }",
    "workers in words": "http: { workers: many }",
    "yes": "http: { page: yes }",
    "a number below": "http: { channels: 0 }",
    "a text below": 'http: { channels: "0" }',
    "a negative number": "http: { channels: -1 }",
    "a fraction": "http: { channels: 1.5 }",
    "a size in megabytes": "stream: { tail_bytes: 64MB }",
    "a size too small": "stream: { tail_bytes: 3K }",
    "a size too large": "stream: { tail_bytes: 1025G }",
    "a duration without a unit": "stream: { heartbeat: 15 }",
    "a duration with a blank": "stream: { heartbeat: 15 s }",
    "a duration too short": "stream: { heartbeat: 9ms }",
    "a duration too long": "stream: { heartbeat: 61m }",
    "a word that is none": "stream: { slow: chase }",
    "a variable without a name": "stream: { slow: '${}' }",
    "a variable that is not closed": "stream: { slow: '${WORD' }",
    "an origin with a path": 'http: { cors_origins: ["https://a/"] }',
    "a network that is none": "http: { trusted_proxies: [localhost] }",
    "one network": "http: { trusted_proxies: 10.0.0.0/8 }",
    "one channel": "http: { allow_channels: news }",
    "one origin": "http: { cors_origins: 'https://a' }",
    "a store that is none": "replay: { store: disk }",
    "redis without url": "replay: { store: redis }",
    "memory with url": "replay: { store: memory, url: 'redis://h' }",
    "memory with url, by default": "replay: { url: 'redis://h' }",
    "redis with a memory bound": "replay: { store: redis, url: 'redis://h', memory_bytes: 1G }",
    "an mqtt url for the log": "replay: { store: redis, url: 'mqtt://h' }",
    "an empty prefix": "replay: { store: redis, url: 'redis://h', prefix: '' }",
    "certificates without TLS": "replay: { store: redis, url: 'redis://h', verify: false }",
    "a certificate without key": "replay: { store: redis, url: 'rediss://h', cert_file: /dev/null }",
    "two passwords": "replay: { store: redis, url: 'redis://h', password: a, password_file: /etc/hostname }",
    "a source without type": "sources: { a: { url: 'redis://h' } }",
    "a source of another type": "sources: { a: { type: kafka } }",
    "a source that is nothing": "sources: { a: }",
    "a source without url": "sources: { a: { type: mqtt } }",
    "a list of sources": "sources: [ { type: http } ]",
    "a name that is none": 'sources: { "a\\tb": { type: http } }',
    "qos for redis": "sources: { a: { type: redis, url: 'redis://h', qos: 1 } }",
    "a token for mqtt": "sources: { a: { type: mqtt, url: 'mqtt://h', token: x } }",
    "a url for http": "sources: { a: { type: http, url: 'redis://h' } }",
    "a field for pub/sub": "sources: { a: { type: redis, url: 'redis://h', field: x } }",
    "qos 2": "sources: { a: { type: mqtt, url: 'mqtt://h', qos: 2 } }",
    "mqtt 3": "sources: { a: { type: mqtt, url: 'mqtt://h', version: 3 } }",
    "a keepalive of half seconds": "sources: { a: { type: mqtt, url: 'mqtt://h', keepalive: 5500ms } }",
    "an http url": "sources: { a: { type: redis, url: 'http://h' } }",
    "a url with a port that is none": "sources: { a: { type: redis, url: 'redis://h:65536' } }",
    "a url with two @": "sources: { a: { type: redis, url: 'redis://a@b@c' } }",
    "a url with a path for mqtt": "sources: { a: { type: mqtt, url: 'mqtt://h/1' } }",
    "an expiry without client id": "sources: { a: { type: mqtt, url: 'mqtt://h', session_expiry: 1h } }",
    "two tokens": "sources: { a: { type: http, token: x, token_file: /etc/hostname } }",
    "routes that are a map": "routes: { source: a }",
    "a route that is a text": "routes: [ a ]",
    "a route without source": "routes: [ { topic: t, channel: c } ]",
    "an empty topic": "sources: { a: { type: http } }\nroutes: [ { source: a, topic: '', channel: c } ]",
    "a topic that is a map": "sources: { a: { type: http } }\nroutes: [ { source: a, topic: {shop}, channel: c } ]",
    "a misspelt key of a route": _ROUTE.format("chanel: c"),
    "a misspelt key of keep": _ROUTE.format("keep: { since: 1h }"),
    "a condition on nothing": _ROUTE.format("when: [ { gt: 3 } ]"),
    "a condition on two things": _ROUTE.format("when: [ { json: /a, capture: b, gt: 3 } ]"),
    "a condition that compares nothing": _ROUTE.format("when: [ { json: /a } ]"),
    "a condition that compares twice": _ROUTE.format("when: [ { json: /a, gt: 1, lt: 3 } ]"),
    "a condition that is a text": _ROUTE.format("when: [ total > 3 ]"),
    "an order of words": _ROUTE.format("when: [ { json: /a, gt: ten } ]"),
    "an order of quoted numbers": _ROUTE.format('when: [ { json: /a, gt: "10" } ]'),
    "one of no list": _ROUTE.format("when: [ { json: /a, in: 3 } ]"),
    "one of none": _ROUTE.format("when: [ { json: /a, in: [] } ]"),
    "perhaps": _ROUTE.format("when: [ { json: /a, exists: maybe } ]"),
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_both_take_what_is_right(tmp_path, text):
    assert [error.message for error in VALIDATOR.iter_errors(yaml12.load(text))] == []
    assert check(tmp_path / "runnel.yaml", text).returncode == 0


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_both_reject_what_is_wrong(tmp_path, text):
    assert not schema_takes(text)
    result = check(tmp_path / "runnel.yaml", text)
    assert result.returncode == 1 and "runnel.yaml:" in result.stderr, result


# Every kind of value in every place; what is out of range for one key is right for another.
VALUES = ["0", "1", "2", "5", "100", "65535", "65536", "10000000", "10000001", '"5"', "007", "-1", "1.5", "true", '"true"',
          "yes", "off", "auto", "5x", "5ms", "10ms", "999ms", "1000ms", "1s", "5s", "61m", "24h", "25h", "3650d", "3651d",
          "1K", "4K", "1M", "64M", "65M", "1024G", "1025G", "5MB", "''", "~", "[]", "{}", "debug", "redis"]


# Given by the frame, or more is asked of them than a schema can say.
ELSEWHERE = {"url", "retry_max", "retry_min", "client_id", "username", "source", "topic", "channel", "event", "data",
             "proxy_protocol"}


def leaves(schema, path=()):
    """The paths of all scalars of which the schema says all there is to say."""
    for name, inner in schema.get("properties", {}).items():
        if "properties" in inner:
            yield from leaves(inner, (*path, name))
        elif ("errorMessage" in inner or "anyOf" in inner) and "file" not in name and name not in ELSEWHERE:
            yield (*path, name)


def flow(paths, value):
    """The inside of a flow map that has the value at each path."""
    groups = {}
    for name, *rest in paths:
        groups.setdefault(name, []).append(rest)
    return ", ".join(f"{name}: {{ {flow(rest, value)} }}" if rest[0] else f"{name}: {value}"
                     for name, rest in groups.items())


_REDIS_KEYS = "url: 'rediss://h', retry_max: 1h"
CONTEXTS = {  # what must stand around the keys, and their schema
    **{section: (section + ": {{ {} }}", inner) for section, inner in SCHEMA["properties"].items()
       if section not in ("replay", "sources", "routes")},
    "replay-memory": ("replay: {{ {} }}", SCHEMA["definitions"]["replay-memory"]),
    "replay-redis": (f"replay: {{{{ store: redis, {_REDIS_KEYS}, {{}} }}}}", SCHEMA["definitions"]["replay-redis"]),
    "redis": (f"sources: {{{{ a: {{{{ type: redis, {_REDIS_KEYS}, {{}} }}}} }}}}", SCHEMA["definitions"]["source-redis"]),
    "mqtt": ("sources: {{ a: {{ type: mqtt, url: 'mqtts://h', client_id: c, username: u, retry_max: 1h, {} }} }}",
             SCHEMA["definitions"]["source-mqtt"]),
    "route": (_ROUTE, SCHEMA["properties"]["routes"]["items"]),
}


def dotted(path):
    return ".".join(str(step) for step in path).replace("routes.0", "routes[0]")


@pytest.mark.parametrize("context", CONTEXTS)
def test_both_agree_on_every_value_of_every_key(tmp_path, context):
    frame, schema = CONTEXTS[context]
    paths = [path for path in leaves(schema) if path[-1] not in ("store", "type")]
    assert paths
    for value in VALUES:
        text = frame.format(flow(paths, value))
        rejected = {dotted(error.absolute_path) for error in VALIDATOR.iter_errors(yaml12.load(text))}
        problems = set(re.findall(r"^[^:]*:\d+:\d+: ([^:]+): ", check(tmp_path / "runnel.yaml", text).stderr, re.MULTILINE))
        assert rejected == problems, value
