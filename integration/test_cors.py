"""Cross-origin requests by the rules of WHATWG Fetch; real browsers are asked in test_browsers.py."""

import pytest

from harness.http import parse_answer, raw
from harness.raw_stream import RawStream
from harness.runnel import run_command, write_config

pytestmark = pytest.mark.sanitized

ONE, OTHER = "https://one.example", "https://other.example"


@pytest.fixture
def start(new_runnel):
    def run(*origins, **http):
        return new_runnel(http={"cors_origins": list(origins)} | http).start()
    return run


def ask(runnel, origin, method="GET", path="/nothing", *lines):
    head = [f"{method} {path} HTTP/1.1", "Host: x", *([f"Origin: {origin}"] if origin else []), *lines, "", ""]
    return parse_answer(raw(runnel.port, "\r\n".join(head).encode()))


def cors(headers):
    """The fields that say something about it."""
    return {name: value for name, value in headers.items() if name.startswith("access-control-") or name == "vary"}


def stream_headers(runnel, origin):
    stream = RawStream(runnel, "a", headers={"Origin": origin} if origin else None)
    try:
        stream.read_until(lambda s: "runnel.live" in s.types() or s.is_at_end)
        return parse_answer(stream.head).headers
    finally:
        stream.close()


def test_listed_origins_may_read(start):
    """The answer differs by origin, which caches must know, also where there is none."""
    runnel = start(ONE, "http://localhost:3000")
    for origin in (ONE, "http://localhost:3000"):
        assert cors(stream_headers(runnel, origin)) == {"access-control-allow-origin": origin, "vary": "Origin"}
    for origin in (OTHER, ONE + ".evil", ONE + ":443", ONE.upper(), "http://one.example", "null", None):
        assert cors(stream_headers(runnel, origin)) == {"vary": "Origin"}


def test_all_origins_may_read(start):
    runnel = start("*")
    for origin in (ONE, "null", None):
        assert cors(stream_headers(runnel, origin)) == {"access-control-allow-origin": "*"}


def test_without_origins_nobody_may(start):
    runnel = start()
    assert cors(stream_headers(runnel, ONE)) == {}
    assert cors(ask(runnel, ONE, "OPTIONS", "/events/a").headers) == {}


def test_credentials(start):
    runnel = start(ONE, cors_credentials=True)
    assert cors(stream_headers(runnel, ONE)) == {
        "access-control-allow-origin": ONE, "access-control-allow-credentials": "true", "vary": "Origin"}
    assert cors(stream_headers(runnel, OTHER)) == {"vary": "Origin"}


def test_errors_and_refusals_can_be_read_too(start):
    """Else a page could not tell them from a network that is down."""
    runnel = start(ONE, cors_credentials=True, allow_channels=["a"], connections=1)
    allowed = {"access-control-allow-origin": ONE, "access-control-allow-credentials": "true", "vary": "Origin"}
    for path, status in (("/nothing", 404), ("/events", 400), ("/events/b", 403)):
        answer = ask(runnel, ONE, "GET", path)
        assert (answer.status, cors(answer.headers)) == (status, allowed)
    first = RawStream(runnel, "a")
    try:
        first.read_until(lambda s: "runnel.live" in s.types())
        assert cors(stream_headers(runnel, ONE)) == allowed
    finally:
        first.close()


def test_preflight(start):
    runnel = start(ONE)
    wanted = ("Access-Control-Request-Method: GET", "Access-Control-Request-Headers: cache-control,last-event-id")
    answer = ask(runnel, ONE, "OPTIONS", "/events/a", *wanted)
    assert answer.status == 204 and answer.body == b""
    assert cors(answer.headers) == {
        "access-control-allow-origin": ONE, "access-control-allow-methods": "GET, HEAD",
        "access-control-allow-headers": "Last-Event-ID, Cache-Control", "access-control-max-age": "86400",
        "vary": "Origin"}
    refused = ask(runnel, OTHER, "OPTIONS", "/events/a", *wanted)
    assert (refused.status, cors(refused.headers)) == (204, {"vary": "Origin"})


def test_preflight_with_credentials(start):
    answer = ask(start(ONE, cors_credentials=True), ONE, "OPTIONS", "/events/a", "Access-Control-Request-Method: GET")
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "*" not in "".join(cors(answer.headers).values())


def test_credentials_for_all_origins_are_a_mistake(tmp_path):
    config = write_config(tmp_path / "c.yaml", {"http": {"cors_origins": ["*"], "cors_credentials": True}})
    result = run_command("check", "-c", config)
    assert result.returncode != 0
    assert 'http.cors_credentials: not with the origin "*"' in result.stderr + result.stdout
