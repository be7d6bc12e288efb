"""An EventSource for the tests, written from the specification (WHATWG HTML, section 9.2).

It shares nothing with runnel's own parser, and it is strict where a browser is lenient: a body whose
transfer framing is broken fails the test that waits on it. Only the standard library.
"""

import codecs
import re
import socket
import struct
import threading
import time
import urllib.parse
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    type: str
    data: str
    id: str  # the last event id in force once this event was dispatched
    received: float = 0.0  # time.monotonic()


class EventStream:
    """9.2.6: bytes in, events out, however the bytes are split."""

    _LINE_END = re.compile("\r\n?|\n")

    def __init__(self, last_event_id=""):
        self.last_event_id = last_event_id
        self.retry_ms = None
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._text = ""
        self._at_start = True
        self._after_cr = False
        self._id_buffer = last_event_id
        self._type_buffer = ""
        self._data_lines = []

    def feed(self, data):
        """The events that `data` completes."""
        text = self._decoder.decode(data)
        if text and self._at_start:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        if text and self._after_cr:
            # The CR has ended its line already; an LF behind it belongs to the same line end.
            self._after_cr = False
            text = text.removeprefix("\n")
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, self._text = self._LINE_END.split(self._text + text)
        events = [self._line(line) for line in lines]
        return [event for event in events if event is not None]

    def _line(self, line):
        if line == "":
            return self._dispatch()
        name, _, value = line.partition(":")
        self._field(name, value.removeprefix(" "))
        return None

    def _field(self, name, value):
        if name == "event":
            self._type_buffer = value
        elif name == "data":
            self._data_lines.append(value)
        elif name == "id" and "\0" not in value:
            self._id_buffer = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.retry_ms = int(value)

    def _dispatch(self):
        self.last_event_id = self._id_buffer
        lines, self._data_lines = self._data_lines, []
        event_type, self._type_buffer = self._type_buffer or "message", ""
        # The data buffer is empty only where there was no data line: each adds at least an LF.
        return Event(event_type, "\n".join(lines), self.last_event_id) if lines else None


class FramingError(Exception):
    """The peer broke HTTP: no test may pass over it."""


class Chunked:
    """RFC 9112, 7.1: the payload of a chunked body, however the bytes are split."""

    def __init__(self):
        self.ended = False
        self._rest = b""
        self._left = None  # bytes of the current chunk still to come, its CRLF included

    def feed(self, data):
        self._rest += data
        payload = []
        while self._rest and not self.ended and self._step(payload):
            pass
        return b"".join(payload)

    def _step(self, payload):
        if self._left is None:
            return self._size_line()
        if self._left > 2:
            piece = self._rest[: self._left - 2]
            payload.append(piece)
            self._rest, self._left = self._rest[len(piece) :], self._left - len(piece)
            return True
        return self._chunk_end()

    def _size_line(self):
        line, end, rest = self._rest.partition(b"\r\n")
        if not end:
            return False
        if not re.fullmatch(rb"[0-9A-Fa-f]+(;.*)?", line):
            raise FramingError(f"not a chunk size: {line[:80]!r}")
        self._left, self._rest = int(line.partition(b";")[0], 16) + 2, rest
        if self._left == 2:
            self._left = None
            return self._last_chunk()
        return True

    def _last_chunk(self):
        # runnel sends no trailers, so the body ends with one empty line.
        self.ended = self._rest.startswith(b"\r\n")
        if not self.ended and self._rest[:2] not in (b"", b"\r"):
            raise FramingError(f"trailers are not expected: {self._rest[:80]!r}")
        if not self.ended:
            self._rest = b"0\r\n" + self._rest  # look again when there is more
        return False

    def _chunk_end(self):
        if len(self._rest) < 2:
            return False
        if not self._rest.startswith(b"\r\n"):
            raise FramingError(f"a chunk is longer than its size: {self._rest[:80]!r}")
        self._rest, self._left = self._rest[2:], None
        return True


class Identity:
    """A body that lasts until the connection ends, or for Content-Length bytes."""

    def __init__(self, size=None):
        self.ended = size == 0
        self._left = size

    def feed(self, data):
        if self._left is None:
            return data
        payload, self._left = data[: self._left], self._left - min(len(data), self._left)
        self.ended = self._left == 0
        return payload


class Response:
    """The head of a response, and its body as it comes. Raises OSError where the peer goes away."""

    _HEAD_SIZE_MAX = 64 * 1024

    def __init__(self, connection):
        self._connection = connection
        head, self._early = self._read_head()
        status_line, *lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.[01] ([0-9]{3})( .*)?", status_line)
        if not match:
            raise FramingError(f"not a status line: {status_line[:80]!r}")
        self.status = int(match[1])
        self.head = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not re.fullmatch(r"[!#-'*+.0-9A-Z^-z|~-]+", name):
                raise FramingError(f"not a header line: {line[:80]!r}")
            self.head[name.lower()] = value.strip(" \t")
        self._body = self._body_of_head()

    def _read_head(self):
        received = b""
        while b"\r\n\r\n" not in received:
            data = self._connection.recv(65536)
            if not data:
                raise ConnectionError("the connection ended within the head")
            received += data
            if len(received) > self._HEAD_SIZE_MAX:
                raise FramingError("the head does not end")
        head, _, early = received.partition(b"\r\n\r\n")
        return head, early

    def _body_of_head(self):
        if self.head.get("transfer-encoding", "").lower() == "chunked":
            return Chunked()
        size = self.head.get("content-length")
        return Identity(int(size) if size is not None else None)

    def read(self):
        """The next piece of the body, b"" at its end."""
        while True:
            if self._body.ended:
                return b""
            data, self._early = self._early or self._connection.recv(65536), b""
            if not data:
                if isinstance(self._body, Chunked):
                    raise ConnectionError("the connection ended within a chunked body")
                return b""
            payload = self._body.feed(data)
            if payload:
                return payload


class EventSource:
    """A browser's EventSource in a thread of its own: it resumes with Last-Event-ID until it is closed.

        with EventSource(url) as source:
            source.wait(3)                                       # three events, of any name
            source.drop()
            source.wait(lambda s: s.opens == 2)                  # it came back
            source.wait(lambda s: "runnel.live" in s.types())

    A status other than 200 or another content type ends it for good, as in a browser; then `ended`
    is true, `status` and `head` tell the refusal and `refusal` holds its body. It does not follow
    redirects. Every attribute may be read at any time; `wait` is how to read them without a race.
    """

    def __init__(self, url, last_event_id=None, headers=None, connect=None):
        """`connect(host, port)`: how to reach it, in place of plain TCP."""
        self.url = url
        self._connect = connect or (lambda host, port: socket.create_connection((host, port or 80), timeout=10))
        self.events = []
        self.status = None  # of the newest response
        self.head = None  # its headers, names in lower case
        self.refusal = b""
        self.opens = 0  # responses that were event streams
        self.last_event_id = last_event_id or ""
        self.retry_ms = 1000  # until the stream says otherwise
        self.ended = False
        self._headers = dict(headers or {})
        self._changed = threading.Condition()
        self._connection = None
        self._closed = False
        self._broken = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def types(self):
        """The names of all events, in order."""
        return [event.type for event in list(self.events)]

    @property
    def messages(self):
        """The events that are not runnel's own (runnel.live, runnel.beat, runnel.gap, …)."""
        return [event for event in list(self.events) if not event.type.startswith("runnel.")]

    def wait(self, until, timeout=10):
        """Blocks until there are `until` events, or until(self) is true; returns the events, or what
        until(self) returned. TimeoutError where that does not happen."""
        if isinstance(until, int):
            count = until
            return self.wait(lambda s: len(s.events) >= count and list(s.events), timeout)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                if self._broken is not None:
                    raise self._broken
                value = until(self)
                if value:
                    return value
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise TimeoutError(self._describe("ended" if self.ended else "timed out"))
                self._changed.wait(left)

    def _describe(self, what):
        return (
            f"{what}: {self.url} status={self.status} opens={self.opens} refusal={self.refusal!r}"
            f" last_event_id={self.last_event_id!r} events={len(self.events)} {self.events[-5:]}"
        )

    def drop(self):
        """Aborts the connection (a reset, not a clean end). Once this returns nothing more of it is
        recorded; the client comes back by itself after the retry time."""
        with self._changed:
            connection, self._connection = self._connection, None
            if connection is not None:
                self._abort(connection)

    def close(self):
        """Ends the client; returns when its thread is over."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.drop()
        if self._thread.ident is not None:
            self._thread.join()

    @staticmethod
    def _abort(connection):
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closes the socket
        except OSError:
            pass  # the peer was faster

    def _run(self):
        try:
            while not self._closed:
                self._connect_once()
                with self._changed:
                    if self.ended:
                        break
                    self._changed.wait_for(lambda: self._closed, self.retry_ms / 1000)
        except FramingError as error:
            self._broken = error
        finally:
            with self._changed:
                self.ended = True
                self._changed.notify_all()

    def _connect_once(self):
        """One connection from its beginning to its end; network errors only end it."""
        parts = urllib.parse.urlsplit(self.url)
        try:
            connection = self._connect(parts.hostname, parts.port)
        except OSError:
            return
        with connection:
            with self._changed:
                if self._closed:
                    return
                self._connection = connection
            try:
                connection.settimeout(None)
                connection.sendall(self._request(parts))
                self._receive(connection, Response(connection))
            except OSError:
                pass
            finally:
                with self._changed:
                    if self._connection is connection:
                        self._connection = None

    def _request(self, parts):
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self.last_event_id:
            headers["Last-Event-ID"] = self.last_event_id
        headers.update(self._headers)
        lines = [f"GET {target} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines + ["", ""]).encode()

    def _receive(self, connection, response):
        content_type = response.head.get("content-type", "").partition(";")[0].strip().lower()
        if response.status != 200 or content_type != "text/event-stream":
            self._refused(connection, response)
            return
        with self._changed:
            if self._connection is not connection:
                return
            self.status, self.head = response.status, response.head
            self.opens += 1
            self._changed.notify_all()
        stream = EventStream(self.last_event_id)
        while True:
            payload = response.read()
            if not payload or not self._record(connection, stream, payload):
                return

    def _record(self, connection, stream, payload):
        """False where the connection was dropped meanwhile: its bytes do not count any more."""
        now = time.monotonic()
        with self._changed:
            if self._connection is not connection:
                return False
            for event in stream.feed(payload):
                self.events.append(Event(event.type, event.data, event.id, now))
            self.last_event_id = stream.last_event_id
            if stream.retry_ms is not None:
                self.retry_ms = stream.retry_ms
            self._changed.notify_all()
        return True

    def _refused(self, connection, response):
        body = b""
        while len(body) < 65536:
            piece = response.read()
            if not piece:
                break
            body += piece
        with self._changed:
            if self._connection is connection:
                self.status, self.head, self.refusal = response.status, response.head, body
                self.ended = True
                self._changed.notify_all()
