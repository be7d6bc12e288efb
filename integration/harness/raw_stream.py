"""A stream without a thread: bytes as they come, for clients that stop reading and for very many of them."""

import selectors
import socket
import time

from eventstream import Chunked, EventStream

from .subscriber import events_path
from .waiting import PATIENCE


class RawStream:
    """Connects, from the address `source`, and asks for `channels`; reads only when it is told to."""

    def __init__(self, runnel, *channels, receive_buffer=None, headers=None, version="1.1", source=None, **query):
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", runnel.port))
        self.socket.setblocking(False)
        self.head = b""
        self.events = []
        self.is_at_end = False  # the peer closed
        self._is_chunked = version == "1.1"
        self._chunks = Chunked()
        self._stream = EventStream()
        lines = [f"GET {events_path(*channels, **query)} HTTP/{version}", "Host: x"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())

    @property
    def retry_ms(self):
        return self._stream.retry_ms

    @property
    def ended_cleanly(self):
        """By the last chunk and then the close."""
        return self.is_at_end and (self._chunks.ended or not self._is_chunked)

    def read(self):
        """Takes what has arrived."""
        while not self.is_at_end:
            try:
                data = self.socket.recv(1 << 18)
            except BlockingIOError:
                return
            self._take(data)

    def _take(self, data):
        self.is_at_end = not data
        if b"\r\n\r\n" not in self.head:
            self.head, end, data = (self.head + data).partition(b"\r\n\r\n")
            self.head += end
        self.events += self._stream.feed(self._chunks.feed(data) if self._is_chunked else data)

    def messages(self):
        return [event for event in self.events if not event.type.startswith("runnel.")]

    def data(self):
        return [event.data for event in self.messages()]

    def types(self):
        return [event.type for event in self.events]

    def read_until(self, condition, patience=PATIENCE):
        read_all([self], condition, patience)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()


def read_all(streams, condition, patience=PATIENCE):
    """Reads all of them until `condition(stream)` holds for each; fails where one ends before."""
    deadline = time.monotonic() + patience
    with selectors.DefaultSelector() as selector:
        waiting = set()
        for stream in streams:
            stream.read()
            if not condition(stream):
                waiting.add(stream)
                selector.register(stream.socket, selectors.EVENT_READ, stream)
        while waiting:
            for key, _ in selector.select(1):
                stream = key.data
                stream.read()
                if condition(stream):
                    waiting.discard(stream)
                    selector.unregister(stream.socket)
                else:
                    assert not stream.is_at_end, f"ended: {stream.head!r} {stream.events[-3:]}"
            assert time.monotonic() < deadline, f"{len(waiting)} of {len(streams)} streams still wait"
