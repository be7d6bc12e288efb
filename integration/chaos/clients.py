"""EventSource clients that resume as a browser does, many in one loop; each keeps a record of everything it was told."""

import asyncio
import contextlib
import socket
import time
from collections import namedtuple

from eventstream import Chunked, EventStream
from harness.subscriber import events_path

from .network import abort

Entry = namedtuple("Entry", "type data id time connection")

MAX_HEAD = 65536


class Client:
    """
    `wires`: where it may connect, one after another. `random` draws when it drops its connection and how long it stays
    away. A slow one reads little at a time.
    """

    def __init__(self, network, name, channels, wires, random, is_slow=False):
        self.name = name
        self.channels = channels
        self.is_slow = is_slow
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
        self._task = network.spawn(self._run())

    def close(self):
        self._task.cancel()

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
            abort(peer)
        return sum(away)

    def _drop(self, peer, away):
        # Without an id there is nothing to resume by: what is missed then is nobody's fault.
        if self.may_drop and self.last_event_id:
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
