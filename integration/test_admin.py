"""The admin port: health, readiness, metrics, and events by POST."""

import socket
import subprocess

import pytest

from harness.http import raw, read_to_end

pytestmark = pytest.mark.sanitized

ROUTES = [{"source": "api", "topic": "{c...}", "channel": "{c}"}]


def start(new_runnel, source=None, **sections):
    return new_runnel(sources={"api": {"type": "http"} | (source or {})}, routes=ROUTES, **sections).start()


def test_health_and_readiness(new_runnel):
    runnel = start(new_runnel)
    assert runnel.admin("/healthz").status == 200
    answer = runnel.ready()
    assert answer.status == 200
    assert answer.text.splitlines() == ["ready", "ok replay log", "ok source api"]


def test_metrics_are_wellformed(new_runnel, redis_server, mosquitto, subscribe):
    runnel = new_runnel(
        sources={"shop": redis_server.source(), "plant": mosquitto.source(), "api": {"type": "http"}},
        routes=[{"source": name, "topic": "t", "channel": "a"} for name in ("shop", "plant", "api")]).start()
    stream = subscribe(runnel, "a").await_live()
    runnel.publish("t", "x")
    redis_server.publish("t", "y")
    mosquitto.publish("t", "z")
    stream.await_messages(3)
    answer = runnel.admin("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    check = subprocess.run(["promtool", "check", "metrics"], input=answer.body, capture_output=True, check=False)
    assert check.returncode == 0, check.stderr.decode()
    assert check.stderr == b""
    for name in ("api", "shop", "plant"):
        assert runnel.metric("runnel_source_messages_total", source=name) == 1
    assert runnel.metric("runnel_replay_appends_total") == 3
    assert runnel.metric("runnel_deliveries_total") >= 3
    assert runnel.metric("runnel_streams") == 1


def test_publish(new_runnel, subscribe):
    runnel = start(new_runnel)
    stream = subscribe(runnel, "a/b c").await_live()
    answer = runnel.admin("/publish/a%2Fb%20c", method="POST", body="x")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.body.strip() == b'{"events":1}'
    assert stream.await_messages(1) == [("message", "x")]


@pytest.mark.parametrize("headers, status", [
    ({}, 401),
    ({"Authorization": "Bearer wrong"}, 401),
    ({"Authorization": "Bearer"}, 401),
    ({"Authorization": "Bearer a-tokem"}, 401),
    ({"Authorization": "Bearer a-token2"}, 401),
    ({"Authorization": "Basic a-token"}, 401),
    ({"Authorization": "Bearer a-token"}, 200),
    ({"Authorization": "bearer a-token"}, 200),
])
def test_token(new_runnel, headers, status):
    runnel = start(new_runnel, {"token": "a-token"})
    answer = runnel.admin("/publish/a", method="POST", body="x", headers=headers)
    assert answer.status == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "a-token" not in runnel.log() + runnel.admin("/metrics").text + runnel.ready().text + answer.text


def test_token_from_a_file(new_runnel, tmp_path):
    path = tmp_path / "token"
    path.write_text("from-file\n")
    runnel = start(new_runnel, {"token_file": str(path)})
    assert runnel.admin("/publish/a", method="POST", body="x").status == 401
    assert runnel.publish("a", "x", token="from-file") == 1


def test_token_from_the_environment(new_runnel):
    runnel = start(new_runnel, {"token": "${TEST_TOKEN}"}, env={"TEST_TOKEN": "from-env:#'\""})
    assert runnel.publish("a", "x", token="from-env:#'\"") == 1


def test_refusals(new_runnel):
    runnel = start(new_runnel, admin={"body_bytes": "1K"})
    assert runnel.admin("/publish/a", method="POST", body="x" * 1024).status == 200
    assert runnel.admin("/publish/a", method="POST", body="x" * 1025).status == 413
    assert runnel.admin("/publish/a").status == 405
    assert runnel.admin("/publish/", method="POST", body="x").status == 404, "no topic"
    assert runnel.admin("/nothing").status == 404
    assert runnel.admin("/metrics", method="POST", body="x").status == 405
    assert runnel.admin("/healthz").status == 200


def test_no_http_source_no_publish(new_runnel):
    runnel = new_runnel(routes=[]).start()
    assert runnel.admin("/publish/a", method="POST", body="x").status == 404


def test_garbage_on_the_admin_port(new_runnel):
    runnel = start(new_runnel)
    for garbage in (b"\0" * 100, b"GET\r\n\r\n", b"POST /publish/a HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"):
        raw_answer(runnel, garbage)
    assert runnel.admin("/healthz").status == 200


def raw_answer(runnel, data):
    """Whatever comes; half a request is ended by our own end of sending."""
    with socket.create_connection(("127.0.0.1", runnel.admin_port), timeout=60) as peer:
        peer.sendall(data)
        peer.shutdown(socket.SHUT_WR)
        return read_to_end(peer)


def test_streams_are_not_served_on_the_admin_port(new_runnel):
    runnel = start(new_runnel)
    assert runnel.admin("/events/a").status == 404
    assert b" 404 " in raw(runnel.port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").split(b"\r\n")[0]
    assert b" 404 " in raw(runnel.port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").split(b"\r\n")[0]


def test_labels_hold_any_name(new_runnel):
    """People name sources and write topics: quotes and backslashes are escaped, so that the page stays wellformed."""
    name = 'we"ird\\name žluť {x="1"}'
    runnel = new_runnel(sources={name: {"type": "http"}},
                        routes=[{"source": name, "topic": 't"\\{x}', "channel": "a"}]).start()
    body = runnel.admin("/metrics").body
    check = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert check.returncode == 0, check.stderr.decode()
    assert 'source="we\\"ird\\\\name žluť {x=\\"1\\"}"'.encode() in body
