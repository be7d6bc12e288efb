"""Small HTTP: whole answers, and raw bytes where the request is the test."""

import http.client
import socket
import time

from .waiting import PATIENCE


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8")

    def __repr__(self):
        return f"<{self.status} {self.body[:200]!r}>"


def request(port, path, method="GET", body=None, headers=None):
    """A whole request; not for streams. A text as the body is sent as UTF-8."""
    body = body.encode() if isinstance(body, str) else body
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        names = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, names, answer.read())
    finally:
        connection.close()


def raw(port, data):
    """Sends bytes, returns everything up to the server's close."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as peer:
        peer.sendall(data)
        return read_to_end(peer)


def read_to_end(peer):
    """Fails where the peer does not close, however much it sends."""
    end = time.monotonic() + PATIENCE
    received = bytearray()
    while True:
        assert time.monotonic() < end, f"not closed: {bytes(received)!r}"
        try:
            piece = peer.recv(65536)
        except ConnectionResetError:
            return bytes(received)
        if not piece:
            return bytes(received)
        received += piece


def parse_answer(data):
    """Answer of raw bytes with a Content-Length or up to the close."""
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return Answer(int(lines[0].split()[1]), {name.lower(): value for name, value in headers.items()}, body)
