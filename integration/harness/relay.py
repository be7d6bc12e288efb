"""A loopback relay between a client and runnel that can cut what it carries."""

import selectors
import socket
import threading

from .ports import free_port
from .reset import reset


class Relay:
    """Its own thread; every connection to `port` is carried to `target`."""

    def __init__(self, target):
        self.port = free_port()
        self.connections = 0  # so far
        self.cuts = 0         # so far
        self._target = target
        self._budget = None   # bytes that may still go to clients before everything is cut
        self._lock = threading.Lock()
        self._peers = {}      # socket -> the other end
        self._upstream = set()
        self._ended = set()   # what will bring no more bytes
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._wake, self._waker = socket.socketpair()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        """Every connection breaks now."""
        self._waker.send(b"c")

    def cut_after(self, size):
        """Everything breaks when `size` more bytes went to clients: in the middle of an event, most likely."""
        with self._lock:
            self._budget = size

    def close(self):
        self._waker.send(b"q")
        self._thread.join()

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._wake:
                    words = self._wake.recv(100)
                    for _ in range(words.count(b"c")):
                        self._cut_all()
                    if b"q" in words:
                        self._cut_all()
                        self._finish()
                        return
                elif key.fileobj in self._peers:
                    self._carry(key.fileobj)

    def _accept(self):
        client, _ = self._listener.accept()
        self.connections += 1
        try:
            server = socket.create_connection(("127.0.0.1", self._target), timeout=30)
        except OSError:
            reset(client)
            return
        client.settimeout(30)
        self._peers |= {client: server, server: client}
        self._upstream.add(server)
        for peer in (client, server):
            self._selector.register(peer, selectors.EVENT_READ)

    def _carry(self, source):
        other = self._peers[source]
        try:
            data = source.recv(4096)
            allowed = self._spend(len(data)) if source in self._upstream else len(data)
            other.sendall(data[:allowed])
            if not data:
                self._carry_end(source, other)
        except OSError:
            self._drop(source, broken=True)
            return
        if allowed < len(data):
            self._cut_all()

    def _carry_end(self, source, other):
        """The other direction may go on."""
        if other in self._ended:
            self._drop(source, broken=False)
            return
        other.shutdown(socket.SHUT_WR)
        self._ended.add(source)
        self._selector.unregister(source)

    def _spend(self, size):
        with self._lock:
            if self._budget is None:
                return size
            allowed = min(size, self._budget)
            self._budget = None if allowed < size else self._budget - allowed
            return allowed

    def _drop(self, peer, broken):
        for end in (peer, self._peers.pop(peer)):
            self._peers.pop(end, None)
            self._upstream.discard(end)
            if end in self._ended:
                self._ended.remove(end)
            else:
                self._selector.unregister(end)
            reset(end) if broken else end.close()

    def _cut_all(self):
        while self._peers:
            self._drop(next(iter(self._peers)), broken=True)
        self.cuts += 1

    def _finish(self):
        self._selector.close()
        for end in (self._listener, self._wake, self._waker):
            end.close()
