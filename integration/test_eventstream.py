"""The tests' own EventSource, checked before anything is checked with it."""

import contextlib
import socket
import threading

import pytest

from eventstream import Chunked, Event, EventSource, EventStream, FramingError

# (what, stream, events, last event id at the end, retry in ms)
CASES = [
    ("nothing", b"", [], "", None),
    ("one event", b"data: a\n\n", [("message", "a", "")], "", None),
    ("no blank after the colon", b"data:a\n\n", [("message", "a", "")], "", None),
    ("one blank is taken off", b"data:  a\n\n", [("message", " a", "")], "", None),
    ("a tab stays", b"data:\ta\n\n", [("message", "\ta", "")], "", None),
    ("lines are joined", b"data: a\ndata: b\n\n", [("message", "a\nb", "")], "", None),
    ("an empty data line", b"data\n\n", [("message", "", "")], "", None),
    ("two empty data lines", b"data\ndata\n\n", [("message", "\n", "")], "", None),
    ("an empty data field", b"data:\n\n", [("message", "", "")], "", None),
    ("not ended", b"data: a\n", [], "", None),
    ("no data, no event", b"event: x\n\ndata: a\n\n", [("message", "a", "")], "", None),
    ("a name", b"event: x\ndata: a\n\n", [("x", "a", "")], "", None),
    ("the last name counts", b"event: x\nevent: y\ndata: a\n\n", [("y", "a", "")], "", None),
    ("an empty name", b"event: x\nevent\ndata: a\n\n", [("message", "a", "")], "", None),
    ("an id", b"id: 7\ndata: a\n\n", [("message", "a", "7")], "7", None),
    ("an id lasts", b"id: 7\ndata: a\n\ndata: b\n\n", [("message", "a", "7"), ("message", "b", "7")], "7", None),
    ("an id alone", b"id: 7\n\n", [], "7", None),
    ("an id that is not ended", b"id: 7\n\nid: 8\n", [], "7", None),
    ("an empty id", b"id: 7\n\nid\ndata: a\n\n", [("message", "a", "")], "", None),
    ("an id with NUL", b"id: 7\nid: 8\x00\ndata: a\n\n", [("message", "a", "7")], "7", None),
    ("data with NUL", b"data: a\x00b\n\n", [("message", "a\0b", "")], "", None),
    ("retry", b"retry: 1500\n\n", [], "", 1500),
    ("retry counts at once", b"retry: 1500\n", [], "", 1500),
    ("retry that is no number", b"retry: 10\nretry: 1e3\nretry: -1\nretry: 5 \nretry:\n", [], "", 10),
    ("a comment", b": data: a\n:\n\n", [], "", None),
    ("an unknown field", b"dat: a\nDATA: b\n data: c\ndata : d\n\n", [], "", None),
    ("CR", b"data: a\rdata: b\r\r", [("message", "a\nb", "")], "", None),
    ("CRLF", b"data: a\r\ndata: b\r\n\r\n", [("message", "a\nb", "")], "", None),
    ("all line ends", b"data: a\rdata: b\ndata: c\r\n\r\ndata: d\n\r", [("message", "a\nb\nc", ""), ("message", "d", "")], "", None),
    ("CR LF LF is a line end and a blank line", b"data: a\r\n\n", [("message", "a", "")], "", None),
    ("a byte order mark", b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")], "", None),
    ("only one byte order mark", b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", [], "", None),
    ("a byte order mark later", b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [("message", "a", "")], "", None),
    ("UTF-8", "data: ž€😀\n\n".encode(), [("message", "ž€😀", "")], "", None),
    ("not UTF-8", b"data: a\xffb\xe2\x82\n\n", [("message", "a\ufffdb\ufffd", "")], "", None),
    ("a surrogate", b"data: \xed\xa0\x80\n\n", [("message", "\ufffd\ufffd\ufffd", "")], "", None),
    ("other line ends of Unicode", "data: a\u2028b\u0085c\x0bd\x0ce\n\n".encode(), [("message", "a\u2028b\u0085c\x0bd\x0ce", "")], "", None),
    (
        "the specification's stocks",
        b"data: YHOO\ndata: +2\ndata: 10\n\n",
        [("message", "YHOO\n+2\n10", "")],
        "",
        None,
    ),
    (
        "the specification's four blocks",
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [("message", "first event", "1"), ("message", "second event", ""), ("message", " third event", "")],
        "",
        None,
    ),
    (
        "the specification's empty data",
        b"data\n\ndata\ndata\n\ndata:",
        [("message", "", ""), ("message", "\n", "")],
        "",
        None,
    ),
]


def pieces_of(data, size):
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
@pytest.mark.parametrize("what,data,events,last_event_id,retry_ms", CASES, ids=[c[0] for c in CASES])
def test_stream(what, data, events, last_event_id, retry_ms, size):
    stream = EventStream()
    seen = [event for piece in pieces_of(data, size) for event in stream.feed(piece)]
    assert [(e.type, e.data, e.id) for e in seen] == events
    assert stream.last_event_id == last_event_id
    assert stream.retry_ms == retry_ms


def test_stream_dispatches_at_a_cr_without_waiting_for_more():
    assert EventStream().feed(b"data: a\r\r") == [Event("message", "a", "")]


def test_stream_takes_up_the_last_event_id_of_the_connection_before():
    assert EventStream("7").feed(b"data: a\n\n") == [Event("message", "a", "7")]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_chunked_body(size):
    body, framed = Chunked(), b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n2\r\n\r\n\r\n0\r\n\r\n"
    assert b"".join(body.feed(piece) for piece in pieces_of(framed, size)) == b"abc0123456789\r\n"
    assert body.ended


@pytest.mark.parametrize("framed", [b"x\r\n", b"\r\n", b"-1\r\n", b"1\r\nab\r\n", b"0\r\nx: y\r\n\r\n"])
def test_chunked_body_that_is_broken(framed):
    with pytest.raises(FramingError):
        Chunked().feed(framed)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


@contextlib.contextmanager
def serve(*scripts):
    """Answers the n-th connection with the n-th script, then ends it; hands out the request heads."""
    requests = []
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        with contextlib.suppress(OSError):
            for script in scripts:
                connection, _ = listener.accept()
                with connection:
                    head = piece = connection.recv(65536)
                    while piece and not head.endswith(b"\r\n\r\n"):
                        piece = connection.recv(65536)
                        head += piece
                    requests.append(head.decode())
                    script(connection)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/events/a", requests
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def sends(data):
    return lambda connection: connection.sendall(data)


def sends_and_stays(data):
    def script(connection):
        connection.sendall(data)
        with contextlib.suppress(OSError):
            connection.recv(1)

    return script


def test_source_resumes_after_the_end_of_a_response():
    first = HEAD + b"\r\nretry: 1\nid: 5\ndata: a\n\nid: 6\ndata: half"
    second = HEAD + b"\r\ndata: b\n\n"
    with serve(sends(first), sends_and_stays(second)) as (url, requests):
        with EventSource(url, headers={"X-Test": "1"}) as source:
            events = source.wait(2)
    assert [(e.data, e.id) for e in events] == [("a", "5"), ("b", "5")]
    assert events[0].received <= events[1].received
    assert source.opens == 2 and source.retry_ms == 1
    assert "Last-Event-ID" not in requests[0] and "X-Test: 1\r\n" in requests[0]
    assert "Last-Event-ID: 5\r\n" in requests[1]
    assert requests[0].startswith("GET /events/a HTTP/1.1\r\n")


def test_source_that_is_dropped_comes_back():
    first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n18\r\nretry: 1\nid: 5\ndata: a\n\n\r\n"
    with serve(sends_and_stays(first), sends_and_stays(HEAD + b"\r\n")) as (url, requests):
        with EventSource(url, last_event_id="3") as source:
            source.wait(1)
            source.drop()
            source.wait(lambda s: s.opens == 2)
            assert source.status == 200
            assert source.head["content-type"] == "text/event-stream"
    assert "Last-Event-ID: 3\r\n" in requests[0]
    assert "Last-Event-ID: 5\r\n" in requests[1]


def test_source_comes_back_after_a_cut_in_a_chunked_body():
    first = HEAD + b"Transfer-Encoding: chunked\r\n\r\n20\r\nretry: 1\nid: 5\ndata: a\n\n"
    with serve(sends(first), sends_and_stays(HEAD + b"\r\n")) as (url, requests):
        with EventSource(url) as source:
            source.wait(lambda s: s.opens == 2)
    assert "Last-Event-ID: 5\r\n" in requests[1]


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/event-stream\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ],
)
def test_source_that_is_refused_ends(head):
    with serve(sends_and_stays(head + b"Content-Length: 3\r\n\r\nno\n")) as (url, _):
        with EventSource(url) as source:
            source.wait(lambda s: s.ended)
            assert source.refusal == b"no\n" and source.opens == 0
            with pytest.raises(TimeoutError):
                source.wait(1, timeout=60)


def test_source_fails_the_test_where_the_framing_is_broken():
    with serve(sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n")) as (url, _):
        with EventSource(url) as source:
            with pytest.raises(FramingError):
                source.wait(1)


def test_source_times_out_where_nothing_comes():
    with serve(sends_and_stays(HEAD + b"\r\n")) as (url, _):
        with EventSource(url) as source:
            with pytest.raises(TimeoutError):
                source.wait(1, timeout=0.05)
