"""EventSource clients that resume as a browser does, many in one loop; each keeps a record of everything it was told."""

import asyncio
import contextlib
import socket
import time

from eventstream import Chunked, EventStream
from harness.reset import reset
from harness.subscriber import events_path

from .lives import LIE, Entry

MAX_HEAD = 65536

GARBAGE = ["x", "42", "-", "1-2-3", "99999999999999999999-0", "null", "1.5-0", "a" * 1000]
HOUR_S, YEAR_S = 3600, 365 * 86400


def bad_cursor(random):
    """A cursor of no log at all, of a log that was there before this one, or of one whose clock is ahead."""
    away_s = random.uniform(2 * HOUR_S, YEAR_S)
    other = [int(1000 * (time.time() + sign * away_s)) for sign in (-1, 1)]
    return random.choice([random.choice(GARBAGE), *(f"{ms}-{random.randrange(9)}" for ms in other)])


class Client:
    """
    `wires`: where it may connect, one after another. `random` draws when it drops its connection and how long it stays
    away. A slow one reads little at a time. A stranger comes back now and then with a cursor that no runnel gave it.
    """

    def __init__(self, network, name, channels, wires, random, is_slow=False, is_stranger=False):
        self.name = name
        self.channels = channels
        self.is_slow = is_slow
        self.is_stranger = is_stranger
        self.record = []      # Entry
        self.connections = 0  # that became streams
        self.drops = 0        # by its own will
        self.problems = []
        self.last_event_id = ""
        self.may_drop = True
        self._network = network
        self._wires = wires
        self._random = random
        self._at = random.randrange(len(wires))
        self._retry_s = 0.1
        self._lie = ""        # the last bad cursor
        self._task = network.spawn(self._run())

    def close(self):
        self._task.cancel()

    def has_cursor(self):
        """True where it has an id from runnel to resume by."""
        return self.last_event_id not in ("", self._lie)

    def _perhaps_lie(self):
        if self.is_stranger and self.may_drop and self.has_cursor() and self._random.random() < 0.4:
            self.last_event_id = self._lie = bad_cursor(self._random)
            self.record.append(Entry(LIE, "", self._lie, time.time(), self.connections))

    def _request(self, wire):
        lines = [f"GET {events_path(*self.channels)} HTTP/1.1", f"Host: 127.0.0.1:{wire.port}",
                 "Accept: text/event-stream"]
        lines += [f"Last-Event-ID: {self.last_event_id}"] if self.last_event_id else []
        return "\r\n".join(lines + ["", ""]).encode()

    async def _run(self):
        while True:
            wire = self._wires[self._at % len(self._wires)]
            self._at += 1
            away_s = 0
            self._perhaps_lie()
            try:
                away_s = await self._connect(wire)
            except (OSError, EOFError):
                pass
            except Exception as error:  # pylint: disable=broad-except
                self.problems.append(repr(error))
            await asyncio.sleep(self._retry_s * self._random.uniform(0.5, 1.5) + away_s)

    async def _connect(self, wire):
        """One connection up to its end; how long to stay away beside the retry time."""
        peer = socket.socket()
        drop = None
        away = []
        try:
            peer.setblocking(False)
            if self.is_slow:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await self._network.loop.sock_connect(peer, ("127.0.0.1", wire.port))
            await self._network.loop.sock_sendall(peer, self._request(wire))
            rest = await self._head(peer)
            self.connections += 1
            drop = self._network.loop.call_later(self._random.expovariate(1 / 8), self._drop, peer, away)
            await self._stream(peer, rest)
        finally:
            if drop is not None:
                drop.cancel()
            reset(peer)
        return sum(away)

    def _drop(self, peer, away):
        # Without an id there is nothing to resume by: what is missed then is nobody's fault.
        if self.may_drop and self.has_cursor():
            self.drops += 1
            away.append(self._random.choice([0, 0, 0.5, 3]))
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    async def _head(self, peer):
        head = b""
        while b"\r\n\r\n" not in head:
            data = await self._network.loop.sock_recv(peer, 4096)
            if not data:
                raise EOFError
            head += data
            if len(head) > MAX_HEAD:
                raise ValueError("the head does not end")
        head, _, rest = head.partition(b"\r\n\r\n")
        text = head.decode("latin-1").lower()
        if not text.startswith("http/1.1 200 ") or "content-type: text/event-stream" not in text:
            raise ValueError(f"not a stream: {text!r}")
        return rest

    async def _stream(self, peer, data):
        chunks, stream = Chunked(), EventStream(self.last_event_id)
        while True:
            now = time.time()
            for event in stream.feed(chunks.feed(data)):
                self.record.append(Entry(event.type, event.data, event.id, now, self.connections))
            self.last_event_id = stream.last_event_id
            if stream.retry_ms is not None:
                self._retry_s = stream.retry_ms / 1000
            if self.is_slow:
                await asyncio.sleep(0.05)
            data = await self._network.loop.sock_recv(peer, 1024 if self.is_slow else 65536)
            if not data:
                return
