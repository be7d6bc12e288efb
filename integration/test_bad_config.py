"""A config that is wrong: every problem at once, each with its place and its remedy, and nothing is started."""

import socket

import pytest

from harness.ports import free_port
from harness.runnel import run_command, write_config

pytestmark = pytest.mark.sanitized

BAD_FILE = """\
http:
  listen: "127.0.0.1:99999"
  workers: many
  hed_bytes: 16K
stream:
  heartbeat: 15
  retry: 0s
  slow: chase
replay:
  store: rediss
  keep: { events: 0, for: 1x }
log:
  level: loud
sources:
  shop:
    type: redis
    url: http://127.0.0.1:6379
    password: secret-one
    password_file: /nonexistent
  plant:
    type: mqtt
    url: mqtt://127.0.0.1
    qos: 2
    token: secret-two
  api: { type: http, token: "${RUNNEL_TEST_NOT_SET}" }
routes:
  - source: shopp
    topic: "orders.{shop"
    channel: "orders/{shop}"
  - source: plant
    topic: "plant/{line}/+/temperature"
    channel: "lines/{lime}"
    event: "{json:type}"
    when: [ { json: /total, gt: ten }, { capture: line } ]
  - topic: t
"""


PROBLEMS = [
    '2:11: http.listen: "127.0.0.1:99999" is no address (expected a port, or address:port with a numeric address)',
    '3:12: http.workers: "many" is no number (expected auto, or a number from 1 to 256)',
    '4:3: http.hed_bytes: unknown key (did you mean "head_bytes"?)',
    '6:14: stream.heartbeat: "15" has no unit: ms, s, m, h or d (expected a duration from 10ms to 1h)',
    '7:10: stream.retry: "0s" is out of range (expected a duration from 1ms to 1h)',
    '8:9: stream.slow: "chase" is not understood (expected catch-up, skip or close; did you mean "close"?)',
    '10:10: replay.store: "rediss" is not understood (expected memory or redis; did you mean "redis"?)',
    '11:19: replay.keep.events: "0" is out of range (expected a number from 1 to 100000000)',
    '11:27: replay.keep.for: "1x" is no duration: digits and ms, s, m, h or d (expected a duration from 10ms to 3650d)',
    '13:10: log.level: "loud" is not understood (expected debug, info, warn or error)',
    '17:10: sources.shop.url: has another scheme (expected redis://[user:password@]host[:port][/database], or rediss:// for TLS)',
    '19:5: sources.shop.password_file: given beside password (expected one of them)',
    '19:20: sources.shop.password_file: "/nonexistent" does not exist',
    '23:10: sources.plant.qos: "2" is out of range (expected a number from 0 to 1)',
    '24:5: sources.plant.token: only for an http source',
    '25:29: sources.api.token: the environment has no variable RUNNEL_TEST_NOT_SET (expected one, or a default: ${RUNNEL_TEST_NOT_SET:-…})',
    '27:13: routes[0].source: unknown source "shopp" (did you mean "shop"?)',
    '32:14: routes[1].channel: "lime" is unknown (did you mean {line}?)',
    '33:12: routes[1].event: "type" is no JSON pointer: it begins with a slash, as in /order/total, and is empty for the whole payload',
    '34:33: routes[1].when[0].gt: "ten" is no number',
    '34:40: routes[1].when[1]: compares with nothing (expected one of equals, not_equals, in, not_in, gt, gte, lt, lte or exists)',
    '35:5: routes[2].source: missing (expected the name of a source)',
    '35:5: routes[2].channel: missing (expected a text)',
]


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "runnel.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write


def serve(path, **kwargs):
    return run_command("serve", "-c", path, **kwargs)


def check(path, **kwargs):
    return run_command("check", "-c", path, **kwargs)


def problems(result, path):
    """The lines of stderr without the file's name."""
    assert result.returncode == 1, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert all(line.startswith(f"{path}:") for line in lines), result.stderr
    return [line.removeprefix(f"{path}:") for line in lines]


@pytest.mark.parametrize("command", [check, serve])
def test_every_problem_at_once(config, command):
    path = config(BAD_FILE)
    result = command(path)
    assert problems(result, path) == PROBLEMS
    assert "secret" not in result.stderr


@pytest.mark.parametrize("command", [check, serve])
def test_no_such_file(tmp_path, command):
    path = tmp_path / "nothing.yaml"
    assert problems(command(path), path) == [" does not exist"]


def test_a_folder(tmp_path):
    assert problems(check(tmp_path), tmp_path) == [" is a directory"]


@pytest.mark.parametrize("text, place", [
    ("routes: [", "2:1: YAML syntax"),
    ("a: b: c", "1:5: YAML syntax"),
    ("http: {listen: 1", "2:1: YAML syntax"),
    ("\thttp: {}", "1:1: YAML syntax"),
    ("http: {listen: 1}\nhttp: {listen: 2}", "2:1: http"),
    ("- http", "1:1: is a list"),
    ("just text", "1:1: is a text"),
    (b"http: \xff", "1:7: not UTF-8"),
    ("a: &a [*a]", "1:8: "),
    ("--- {}\n--- {}", "2:1: a second document"),
    ("http: !!binary aaaa", "1:7: a YAML tag"),
])
def test_what_is_no_config(config, text, place):
    path = config(text)
    lines = problems(check(path), path)
    assert lines[0].startswith(place), lines


def test_empty_file_is_a_config(config):
    """Everything has a default but sources and routes, and of those there may be none."""
    for text in ("", "{}", "# nothing\n"):
        assert check(config(text)).returncode == 0


def test_huge_and_deep_files_end_soon(config):
    for text in ("[" * 200_000, "a: " + "x" * 30_000_000, "{" * 100_000, "- &a [" * 50_000):
        path = config(text)
        assert len(problems(check(path), path)) == 1


def test_alias_bomb(config):
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    path = config("\n".join(levels))
    assert problems(check(path), path)


def test_files_with_secrets(config, tmp_path):
    """Their content is in no message."""
    (tmp_path / "empty").write_text("")
    (tmp_path / "binary").write_bytes(b"very-secret\0")
    (tmp_path / "huge").write_bytes(b"very-secret" * 100_000)
    for name in ("empty", "binary", "huge", "missing", "."):
        path = config(f"sources:\n  s: {{ type: http, token_file: {tmp_path / name} }}\n")
        result = check(path)
        assert problems(result, path)[0].startswith("2:"), name
        assert "very-secret" not in result.stderr


def test_names_of_sources(config):
    names = ['""', r'"a\tb"', "x" * 65]
    path = config("sources:\n" + "".join(f"  {name}: {{ type: redis, url: redis://h }}\n" for name in names))
    assert [line.split(" cannot")[0].split()[0] for line in problems(check(path), path)] == [
        "2:3:", "3:3:", "4:3:"]


def test_two_http_sources(config):
    path = config("sources:\n  a: { type: http }\n  b: { type: http }\n")
    assert problems(check(path), path)[0].startswith("3:")


def test_http_source_without_admin_port(config):
    path = config("admin: { listen: off }\nsources:\n  a: { type: http }\n")
    assert problems(check(path), path)


@pytest.mark.parametrize("section", ["http", "admin"])
def test_port_in_use(tmp_path, section):
    """Said with the address, and nothing is half started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"http": {"listen": f"127.0.0.1:{free_port()}"}, "admin": {"listen": f"127.0.0.1:{free_port()}"}}
        ports[section]["listen"] = f"127.0.0.1:{port}"
        result = serve(write_config(tmp_path / "runnel.yaml", ports))
    assert result.returncode == 1
    errors = [line for line in result.stderr.splitlines() if "level=error" in line]
    assert f"port={port}" in errors[0] and "Address already in use" in errors[0], result.stderr
    assert "serve.started" not in result.stderr


def test_address_that_is_not_ours(tmp_path):
    result = serve(write_config(tmp_path / "runnel.yaml", {
        "http": {"listen": f"192.0.2.1:{free_port()}"}, "admin": {"listen": "off"}}))
    assert result.returncode == 1
    assert "192.0.2.1" in result.stderr


def test_file_of_the_log_that_is_no_certificate(tmp_path):
    """Said with the file, and with nothing else."""
    garbage = tmp_path / "ca.pem"
    garbage.write_text("garbage")
    result = serve(write_config(tmp_path / "runnel.yaml", {
        "http": {"listen": f"127.0.0.1:{free_port()}"}, "admin": {"listen": "off"},
        "replay": {"store": "redis", "url": f"rediss://127.0.0.1:{free_port()}", "ca_file": str(garbage)}}))
    assert result.returncode == 1
    assert [line for line in result.stderr.splitlines() if "ca.pem" not in line] == [], result.stderr
