"""Who the client is: the connection, or what trusted proxies say. Limits count by it, and the log shows it."""

import re
import socket
import struct

import pytest

from harness.http import parse_answer, read_to_end
from harness.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.sanitized

V2 = b"\r\n\r\n\0\r\nQUIT\n"


@pytest.fixture
def start(new_runnel):
    def run(**http):
        return new_runnel(http=http, log={"level": "debug"}).start()
    return run


def ask(runnel, *lines, before=b"", source="127.0.0.1"):
    """Asks for a path of its own; the address that the log has for it, None where nothing was answered."""
    ask.count += 1
    path = f"/n{ask.count}"
    head = "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode()
    with socket.create_connection(("127.0.0.1", runnel.port), PATIENCE, source_address=(source, 0)) as peer:
        peer.sendall(before + head)
        answer = read_to_end(peer)
    if not answer:
        return None
    assert parse_answer(answer).status in (400, 404)
    if b"HTTP/1.1 400" in answer:
        return 400
    line = re.compile(rf"event=http\.request address=(\S+) path={path} status=404")
    return wait_for(lambda: line.search(runnel.log()), lambda: f"{path} in\n{runnel.log()}")[1]


ask.count = 0


def v1(source, family="TCP4"):
    return f"PROXY {family} {source} {'::1' if ':' in source else '127.0.0.1'} 1 2\r\n".encode()


def v2(source, command=0x21, tlvs=b""):
    is_v6 = ":" in source
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, "::1" if is_v6 else "127.0.0.1")
    body = addresses + struct.pack(">HH", 1, 2) + tlvs
    return V2 + struct.pack(">BBH", command, 0x21 if is_v6 else 0x11, len(body)) + body


def test_without_trusted_proxies_it_is_the_connection(start):
    runnel = start()
    assert ask(runnel, "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1") == "127.0.0.1"
    assert ask(runnel, source="127.0.0.9") == "127.0.0.9"
    assert ask(runnel, before=v1("192.0.2.1")) == 400


def test_x_forwarded_for(start):
    runnel = start(trusted_proxies=["127.0.0.1", "10.0.0.0/8"])
    assert ask(runnel) == "127.0.0.1"
    assert ask(runnel, "X-Forwarded-For: 192.0.2.1") == "192.0.2.1"
    assert ask(runnel, "X-Forwarded-For: 203.0.113.1, 192.0.2.1, 10.1.2.3") == "192.0.2.1"
    assert ask(runnel, "X-Forwarded-For: 203.0.113.1", "x-forwarded-for: 2001:db8::1") == "2001:db8::1"
    assert ask(runnel, "X-Forwarded-For: 192.0.2.1, unknown") == "127.0.0.1"
    assert ask(runnel, "Forwarded: for=192.0.2.1") == "127.0.0.1"
    assert ask(runnel, "X-Forwarded-For: 192.0.2.1", source="127.0.0.2") == "127.0.0.2"


def test_forwarded(start):
    runnel = start(trusted_proxies=["127.0.0.0/8"], forwarded="forwarded")
    assert ask(runnel, 'Forwarded: for=192.0.2.1;proto=https, for="10.1.1.1:80"', "X-Forwarded-For: 192.0.2.7") == \
        "10.1.1.1"
    assert ask(runnel, 'Forwarded: For="[2001:db8::1]:4711"', "Forwarded: for=127.0.0.5") == "2001:db8::1"


@pytest.mark.parametrize("header", [v1, v2])
def test_proxy_protocol(start, header):
    runnel = start(trusted_proxies=["127.0.0.1"], proxy_protocol=True)
    assert ask(runnel, before=header("192.0.2.1")) == "192.0.2.1"
    assert ask(runnel, before=header("192.0.2.1"), *["X-Forwarded-For: 192.0.2.9"]) == "192.0.2.1"
    assert ask(runnel, "X-Forwarded-For: 192.0.2.9", before=header("127.0.0.1")) == "192.0.2.9"


def test_proxy_protocol_of_ipv6_and_of_health_checks(start):
    runnel = start(trusted_proxies=["127.0.0.1"], proxy_protocol=True)
    assert ask(runnel, before=v1("2001:db8::1", "TCP6")) == "2001:db8::1"
    assert ask(runnel, before=v2("2001:db8::1", tlvs=b"\x04\0\x02xx")) == "2001:db8::1"
    assert ask(runnel, before=v2("192.0.2.1", command=0x20)) == "127.0.0.1"
    assert ask(runnel, before=V2 + b"\x20\0\0\0") == "127.0.0.1"
    assert ask(runnel, before=b"PROXY UNKNOWN\r\n") == "127.0.0.1"


def test_proxy_protocol_is_asked_of_trusted_proxies_only(start):
    runnel = start(trusted_proxies=["127.0.0.1"], proxy_protocol=True)
    assert ask(runnel, source="127.0.0.2") == "127.0.0.2"
    assert ask(runnel, source="127.0.0.2", before=v1("192.0.2.1")) == 400
    assert ask(runnel, source="127.0.0.2", before=v2("192.0.2.1")) == 400
    bad = [b"", v1("192.0.2.256"), v1("192.0.2.1", "TCP6"), v2("192.0.2.1", command=0x22), b"PROXY " + b"x" * 200]
    for count, header in enumerate(bad, 1):
        assert ask(runnel, before=header) is None
        wait_for(lambda: runnel.metric("runnel_http_refused_total", reason="proxy_header") == count, "it to be counted")


def test_limits_count_by_the_client(start):
    """Two clients of one proxy do not share a limit; the connections of the proxy itself have none."""
    runnel = start(trusted_proxies=["127.0.0.1"], proxy_protocol=True, connections_per_address=1, ipv6_prefix=64)

    def stream(source):
        peer = socket.create_connection(("127.0.0.1", runnel.port), PATIENCE)
        peers.append(peer)
        peer.sendall((v2(source) if source else V2 + b"\x20\0\0\0") + b"GET /events/a HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b""
        while b"runnel.live" not in received and b"runnel.unavailable" not in received:
            received += peer.recv(65536)
        return b"runnel.live" in received

    peers = []
    try:
        assert stream("192.0.2.1") and stream("192.0.2.2") and stream("2001:db8::1")
        assert not stream("192.0.2.1")
        assert not stream("2001:db8::ffff:1"), "the same /64"
        assert stream("2001:db8:0:1::1")
        assert stream(None) and stream(None)
        assert "http.refused address=192.0.2.1 reason=address" in runnel.log()
    finally:
        for peer in peers:
            peer.close()


def test_half_requests_of_one_client_of_a_proxy(start):
    """Who says nothing behind a proxy that does not speak HTTP does not take the places of others."""
    runnel = start(workers=1, trusted_proxies=["127.0.0.1"], proxy_protocol=True, connections_per_address=1,
                   head_timeout="1h")
    peers = [socket.create_connection(("127.0.0.1", runnel.port), PATIENCE) for _ in range(40)]
    try:
        for peer in peers:
            peer.sendall(v2("192.0.2.1"))
        wait_for(lambda: runnel.metric("runnel_http_refused_total", reason="address") == 40 - 17, "those to be closed")
        assert ask(runnel, before=v2("192.0.2.2")) == "192.0.2.2"
    finally:
        for peer in peers:
            peer.close()
    wait_for(lambda: runnel.metric("runnel_http_connections") == 0, "them to be gone")
