"""`runnel tail` behaves as a browser's EventSource does, against servers that do what servers do."""

import os
import signal
import socket
import ssl
import subprocess
import threading
import time

import pytest

from harness.ports import free_port
from harness.reset import reset_on_close
from harness.runnel import BINARY
from harness.scripted import until_closed
from harness.started import started

pytestmark = pytest.mark.sanitized

PATIENCE = 60
OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
OPEN_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Tail:
    """A `runnel tail` that runs, and its lines."""

    def __init__(self, *argv, env=None):
        self._child = subprocess.Popen(
            [BINARY, "tail", *[str(a) for a in argv]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="surrogateescape", env={**os.environ, **(env or {})})
        self.out, self.notices = [], []
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                         for pair in ((self._child.stdout, self.out), (self._child.stderr, self.notices))]
        for reader in self._readers:
            reader.start()

    def _read(self, pipe, lines):
        for line in pipe:
            with self._changed:
                lines.append(line.rstrip("\n"))
                self._changed.notify_all()

    def wait_for_notice(self, part):
        self._wait_for(self.notices, lambda line: part in line, part)

    def wait_for_line(self, line):
        self._wait_for(self.out, line.__eq__, line)

    def _wait_for(self, lines, is_it, what):
        with self._changed:
            found = self._changed.wait_for(lambda: any(map(is_it, lines)), PATIENCE)
        assert found, f"waited in vain for {what!r}: {self.out} {self.notices}"

    def interrupt(self):
        """Ctrl-C, and the exit status."""
        self._child.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        """The exit status, once all its lines are here."""
        status = self._child.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        assert not any("Sanitizer" in line or "runtime error" in line for line in self.notices), self.notices
        return status

    def close(self):
        if self._child.poll() is None:
            self._child.kill()
        self.wait()
        self._child.stdout.close()
        self._child.stderr.close()


@pytest.fixture
def tail():
    """tail(*argv): one that runs until the test is over."""
    yield from started(Tail)


class Request:
    """The head of a request, read from `peer`."""

    def __init__(self, peer):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = peer.recv(65536)
            if not piece:
                raise EOFError
            head += piece
        self.line, *lines = head.decode().rstrip("\r\n").split("\r\n")
        self.target = self.line.split(" ")[1]
        self.headers = dict(line.split(": ", 1) for line in lines)
        self.last_event_id = self.headers.get("Last-Event-ID")


@pytest.fixture
def server(scripted):
    """server(answer, ...): the n-th connection gets the n-th answer, bytes or a function of the peer; the last one's
    stays open. Hands out the server; its requests are in `.requests`, its URL is `.url`."""

    def start(*answers):
        requests = []

        def script(peer, number):
            requests.append(Request(peer))
            answer = answers[min(number, len(answers) - 1)]
            answer(peer) if callable(answer) else peer.sendall(answer)
            if number >= len(answers) - 1:
                until_closed(peer)

        made = scripted(script)
        made.requests = requests
        made.url = f"http://127.0.0.1:{made.port}/events/a"
        return made

    return start


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def redirect(status, location):
    return f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_events_are_lines_of_id_name_and_data(server, tail):
    s = server(OPEN + "id: 1-0\nevent: x\ndata: a b\n\ndata: ž\ndata:\ndata: \x1b[2J\tc\n\n".encode()
               + b"id\ndata: c\n\nevent: end\ndata:\n\n")
    t = tail(s.url)
    t.wait_for_line("-\tend\t")
    assert t.out == ["1-0\tx\ta b", "1-0\tmessage\tž", "1-0\tmessage\t", "1-0\tmessage\t\\x1b[2J\tc", "-\tmessage\tc",
                     "-\tend\t"]
    assert t.interrupt() == 0


def test_request_is_a_browsers(server, tail):
    s = server(OPEN + b"data: a\n\n")
    t = tail(s.url + "/ž?x=1#fragment", "--count", 1)
    assert t.wait() == 0
    request = s.requests[0]
    assert request.line == "GET /events/a/%C5%BE?x=1 HTTP/1.1"
    assert request.headers["Host"] == f"127.0.0.1:{s.port}"
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Cache-Control"] == "no-store"
    assert request.last_event_id is None


@pytest.mark.parametrize("frame", [lambda data: data, chunk], ids=["bare", "chunked"])
def test_bytes_may_come_one_by_one(server, tail, frame):
    head = OPEN_CHUNKED if frame is chunk else OPEN

    def dribble(peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head + frame("id: 1\r\ndata: ž\r\rdata: ".encode()) + frame(b"b\n\nevent: x\rdata: c\r\r"):
            peer.sendall(bytes([byte]))

    t = tail(server(dribble).url)
    t.wait_for_line("1\tx\tc")
    assert t.out == ["1\tmessage\tž", "1\tmessage\tb", "1\tx\tc"]


def test_event_of_a_megabyte_comes_whole(server, tail):
    data = b"x" * (1 << 20)
    t = tail(server(OPEN_CHUNKED + chunk(b"data: " + data + b"\n") + chunk(b"\n")).url, "--count", 1)
    assert t.wait() == 0
    assert t.out == ["-\tmessage\t" + data.decode()]


def test_drop_is_resumed_after_the_last_event(server, tail):
    s = server(OPEN + b"retry: 10\nid: 1-0\ndata: a\n\nid: 2-0\ndata: b\n\n", OPEN + b"data: c\n\n")
    t = tail(s.url)
    t.wait_for_line("2-0\tmessage\tc")
    assert t.out == ["1-0\tmessage\ta", "2-0\tmessage\tb", "2-0\tmessage\tc"]
    assert [r.last_event_id for r in s.requests] == [None, "2-0"]
    assert any(n.endswith("again in 10 ms after 2-0") for n in t.notices)


def test_end_of_a_chunked_response_is_resumed(server, tail):
    def end(peer):
        peer.sendall(OPEN_CHUNKED + chunk(b"retry: 10\nid: 1-0\ndata: a\n\n") + b"0\r\n\r\n")
        until_closed(peer)

    s = server(end, OPEN + b"data: b\n\n")
    tail(s.url).wait_for_line("1-0\tmessage\tb")
    assert s.requests[1].last_event_id == "1-0"


def test_event_that_was_cut_is_not_shown_and_does_not_move_the_id(server, tail):
    s = server(OPEN + b"retry: 10\nid: 1-0\ndata: a\n\nid: 2-0\nevent: x\ndata: half",
               OPEN_CHUNKED + b"100\r\nid: 2-0\ndata: half\n",
               OPEN + b"\ndata: b\n\n")
    t = tail(s.url)
    t.wait_for_line("1-0\tmessage\tb")
    assert t.out == ["1-0\tmessage\ta", "1-0\tmessage\tb"]
    assert [r.last_event_id for r in s.requests] == [None, "1-0", "1-0"]


def test_id_without_data_moves_the_cursor_and_an_empty_one_wipes_it(server, tail):
    s = server(OPEN + b"retry: 10\nid: 1-0\n\n", OPEN + b"id\n\n", OPEN + b"data: a\n\n")
    tail(s.url).wait_for_line("-\tmessage\ta")
    assert [r.last_event_id for r in s.requests] == [None, "1-0", None]


def test_retry_time_is_waited_for(server, tail):
    times = []

    def drop(peer):
        peer.sendall(OPEN + b"retry: 300\n\n")
        times.append(time.monotonic())

    def answer(peer):
        times.append(time.monotonic())
        peer.sendall(OPEN + b"data: a\n\n")

    assert tail(server(drop, answer).url, "--count", 1).wait() == 0
    assert times[1] - times[0] >= 0.3


@pytest.mark.parametrize("said,waited", [(0, 10), (9, 10), (10, 10), (11, 11)])
def test_retry_time_has_a_floor(server, tail, said, waited):
    s = server(OPEN + b"retry: %d\n\n" % said, OPEN + b"data: a\n\n")
    t = tail(s.url, "--count", 1)
    assert t.wait() == 0
    assert any(n.endswith(f"again in {waited} ms") for n in t.notices)


def test_reset_is_resumed(server, tail):
    def reset(peer):
        peer.sendall(OPEN + b"retry: 10\ndata: a\n\n")
        assert is_read.wait(PATIENCE)
        reset_on_close(peer)

    is_read = threading.Event()
    t = tail(server(reset, OPEN + b"data: b\n\n").url)
    t.wait_for_line("-\tmessage\ta")
    is_read.set()
    t.wait_for_line("-\tmessage\tb")


def test_connection_is_kept_under_watch(server, tail):
    s = server(OPEN)
    tail(s.url).wait_for_notice("open")
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    # remote address, state established, and the timer that runs: 02 is keepalive's
    timers = [row[5] for row in rows if row[2].endswith(f":{s.port:04X}") and row[3] == "01"]
    assert len(timers) == 1 and timers[0].startswith("02:")


def test_server_that_is_not_there_yet_is_waited_for(scripted, tail):
    port = free_port()
    t = tail(f"http://127.0.0.1:{port}/", "--count", 1)
    t.wait_for_notice("Connection refused; again in 3000 ms")

    def script(peer, _):
        Request(peer)
        peer.sendall(OPEN + b"data: a\n\n")
        until_closed(peer)

    scripted(script, port)
    assert t.wait() == 0


def test_name_with_several_addresses_is_tried_at_each(server, tail):
    s = server(OPEN + b"data: a\n\n")  # on 127.0.0.1 only, where localhost may mean ::1 first
    assert tail(f"http://localhost:{s.port}/", "--count", 1).wait() == 0


def test_last_event_id_is_what_the_user_says_until_the_stream_says_another(server, tail):
    s = server(OPEN + b"retry: 10\n\n", OPEN + b"id: 6\n\n", OPEN + b"data: a\n\n")
    tail("--last-event-id", "5", s.url, "--count=1").wait_for_line("6\tmessage\ta")
    assert [r.last_event_id for r in s.requests] == ["5", "5", "6"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_followed(server, tail, status):
    s = server(redirect(status, "/elsewhere?x=1"), OPEN + b"data: a\n\n")
    assert tail(s.url, "--last-event-id=5", "--count", 1).wait() == 0
    assert [r.target for r in s.requests] == ["/events/a", "/elsewhere?x=1"]
    assert [r.last_event_id for r in s.requests] == ["5", "5"]


def test_redirect_to_another_server_is_followed_anew_after_a_drop(server, tail):
    other = server(OPEN + b"retry: 10\nid: 1\n\n", OPEN + b"data: a\n\n")
    s = server(redirect(302, other.url), redirect(302, other.url))
    assert tail(s.url, "--count", 1).wait() == 0
    assert [r.last_event_id for r in s.requests] == [None, "1"]
    assert [r.last_event_id for r in other.requests] == [None, "1"]


def test_redirects_without_end_are_given_up(server, tail):
    s = server(redirect(302, "/again"))
    t = tail(s.url)
    assert t.wait() == 1
    assert "too many redirects" in t.notices[-1]
    assert s.connections == 21


@pytest.mark.parametrize("location", ["", "ftp://127.0.0.1/", "http://"])
def test_redirect_to_nowhere_is_an_error(server, tail, location):
    t = tail(server(redirect(302, location)).url)
    assert t.wait() == 1
    assert "leads nowhere" in t.notices[-1]


@pytest.mark.parametrize("status,reason", [(400, "Bad Request"), (401, "Unauthorized"), (404, "Not Found"),
                                           (500, "Internal Server Error"), (503, "Service Unavailable"),
                                           (206, "Partial Content")])
def test_status_other_than_200_is_the_end(server, tail, status, reason):
    s = server(f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n".encode())
    t = tail(s.url)
    assert t.wait() == 1
    assert t.out == [] and t.notices == [f"runnel tail: {s.url}: {status} {reason}"]
    assert s.connections == 1


def test_the_servers_own_words_for_a_refusal_are_shown(server, tail):
    t = tail(server(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\n"
                    b"not \x1b[2J here\n").url)
    assert t.wait() == 1
    assert t.notices[-1].endswith("403 Forbidden: not \\x1b[2J here")


def test_refusal_ends_it_after_a_drop_too(server, tail):
    s = server(OPEN + b"retry: 10\n\n", b"HTTP/1.1 404 Not\x1b[2J Found\r\n\r\n")
    t = tail(s.url)
    assert t.wait() == 1
    assert t.notices[-1].endswith("404 Not\\x1b[2J Found")


def test_no_content_is_a_servers_way_to_say_stop(server, tail):
    t = tail(server(OPEN + b"retry: 10\n\n", b"HTTP/1.1 204 No Content\r\n\r\n").url)
    assert t.wait() == 0
    assert t.notices[-1].endswith("204 No Content")


@pytest.mark.parametrize("line,said", [(b"Content-Type: text/html; charset=utf-8\r\n", "text/html"),
                                       (b"Content-Type: text/event-stream2\r\n", "text/event-stream2"), (b"", "none")])
def test_content_type_other_than_an_event_streams_is_the_end(server, tail, line, said):
    t = tail(server(b"HTTP/1.1 200 OK\r\n" + line + b"\r\ndata: a\n\n").url)
    assert t.wait() == 1
    assert t.out == [] and t.notices[-1].endswith(f"200 OK, but no event stream; content type: {said}")


def test_content_type_may_have_parameters_and_any_case(server, tail):
    s = server(b"HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream;charset=utf-8\r\n\r\ndata: a\n\n")
    assert tail(s.url, "--count", 1).wait() == 0


def test_answer_that_is_not_http_is_an_error(server, tail):
    t = tail(server(b"-ERR unknown command 'GET'\r\n\r\n").url)
    assert t.wait() == 1
    assert "the answer is not HTTP" in t.notices[-1]


def test_chunk_that_is_broken_is_a_drop(server, tail):
    s = server(OPEN_CHUNKED + chunk(b"retry: 10\nid: 1\n\n") + b"nonsense\r\n", OPEN + b"data: a\n\n")
    tail(s.url).wait_for_line("1\tmessage\ta")


CONTROL = (b"event: runnel.live\nid: 1-0\ndata:\n\nevent: runnel.beat\nid: 2-0\ndata:\n\n"
           b"event: runnel.gap\ndata: {}\n\ndata: a\n\ndata: b\n\n")


def test_control_events_are_shown_but_beats_and_do_not_count(server, tail):
    t = tail(server(OPEN + CONTROL).url, "--count", 1)
    assert t.wait() == 0
    assert t.out == ["1-0\trunnel.live\t", "2-0\trunnel.gap\t{}", "2-0\tmessage\ta"]


@pytest.mark.parametrize("option", ["-v", "--verbose"])
def test_beats_are_shown_when_asked_for(server, tail, option):
    t = tail(server(OPEN + CONTROL).url, "--count", 2, option)
    assert t.wait() == 0
    assert t.out == ["1-0\trunnel.live\t", "2-0\trunnel.beat\t", "2-0\trunnel.gap\t{}", "2-0\tmessage\ta",
                     "2-0\tmessage\tb"]


def test_ctrl_c_ends_it_well_wherever_it_is(server, scripted, tail):
    streaming = tail(server(OPEN).url)
    streaming.wait_for_notice("open")
    assert streaming.interrupt() == 0

    waiting = tail(server(OPEN + b"retry: 86400000\n\n", b"").url)
    waiting.wait_for_notice("again in 86400000 ms")
    assert waiting.interrupt() == 0

    arrived = threading.Event()
    unanswered = tail(f"http://127.0.0.1:{scripted(lambda peer, _: (arrived.set(), until_closed(peer))).port}/")
    assert arrived.wait(PATIENCE)
    assert unanswered.interrupt() == 0


def test_reader_that_has_seen_enough_ends_it_well(server):
    def answer(peer):
        peer.sendall(OPEN + b"data: a\n\n")
        is_closed.wait(PATIENCE)
        peer.sendall(b"data: b\n\n")

    is_closed = threading.Event()
    child = subprocess.Popen([BINARY, "tail", server(answer).url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout.readline() == b"-\tmessage\ta\n"
    child.stdout.close()
    is_closed.set()
    assert child.wait(PATIENCE) == 0


def test_output_that_cannot_be_written_is_an_error(server):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BINARY, "tail", server(OPEN + b"data: a\n\n").url], stdout=full,
                              stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert b"No space left on device" in done.stderr


@pytest.mark.parametrize("argv", [
    [], ["--nonsense", "http://h/"], ["http://h/", "http://h/"], ["h"], ["ftp://h/"], ["http://user:secret@h/"],
    ["http://h/", "--count"], ["http://h/", "--count", "0"], ["http://h/", "--count", "x"], ["http://h/", "--count="],
    ["http://h/", "--last-event-id"], ["http://h/", "--last-event-id", "a\nX: y"],
])
def test_usage_error_is_two(tail, argv):
    t = tail(*argv)
    assert t.wait() == 2
    assert t.out == [] and any(line.startswith("usage: runnel tail ") for line in t.notices)


def test_help_is_not_an_error(tail):
    t = tail("--help")
    assert t.wait() == 0
    assert t.notices == [] and t.out[0].startswith("usage: runnel tail ")


@pytest.fixture
def tls_server(scripted, authority):
    """tls_server(answer, alternative): like server, with a certificate for `alternative`."""

    def start(*answers, alternative="IP:127.0.0.1", name="server"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(name, alternative))

        def script(peer, number):
            with context.wrap_socket(peer, server_side=True, suppress_ragged_eofs=True) as secure:
                Request(secure)
                secure.sendall(answers[min(number, len(answers) - 1)])
                if number >= len(answers) - 1:
                    until_closed(secure)

        return scripted(script)

    return start


def trust(authority):
    return {"SSL_CERT_FILE": str(authority.cert)}


def test_tls_with_a_certificate_for_the_address(tls_server, authority, tail):
    s = tls_server(OPEN + b"data: a\n\n")
    assert tail(f"https://127.0.0.1:{s.port}/", "--count", 1, env=trust(authority)).wait() == 0


def test_tls_with_a_certificate_for_the_name(tls_server, authority, tail):
    s = tls_server(OPEN + b"data: a\n\n", alternative="DNS:localhost")
    assert tail(f"https://localhost:{s.port}/", "--count", 1, env=trust(authority)).wait() == 0


def test_tls_drop_is_resumed(tls_server, authority, tail):
    s = tls_server(OPEN + b"retry: 10\n\n", OPEN + b"data: a\n\n")
    assert tail(f"https://127.0.0.1:{s.port}/", "--count", 1, env=trust(authority)).wait() == 0


@pytest.mark.parametrize("host,alternative,said", [("127.0.0.1", "DNS:localhost", "IP address mismatch"),
                                                   ("localhost", "DNS:example.org", "hostname mismatch")])
def test_tls_with_a_certificate_for_another_is_an_error(tls_server, authority, tail, host, alternative, said):
    s = tls_server(OPEN + b"data: a\n\n", alternative=alternative)
    t = tail(f"https://{host}:{s.port}/", env=trust(authority))
    assert t.wait() == 1
    assert t.out == [] and said in t.notices[-1].lower().replace("ip", "IP")


def test_tls_with_a_certificate_of_nobody_known_is_an_error(tls_server, tail):
    t = tail(f"https://127.0.0.1:{tls_server(OPEN).port}/")
    assert t.wait() == 1
    assert t.out == [] and "TLS: " in t.notices[-1]


@pytest.mark.parametrize("answer", [OPEN, b""], ids=["that answers", "that hangs up"])
def test_a_port_without_tls_is_an_error(scripted, tail, answer):
    def script(peer, _):
        peer.recv(4096)
        peer.sendall(answer)
        if answer:
            until_closed(peer)

    t = tail(f"https://127.0.0.1:{scripted(script).port}/")
    assert t.wait() == 1
    assert "TLS: " in t.notices[-1] and "the port may be one without TLS" in t.notices[-1]


def test_redirect_from_https_to_http_is_an_error(tls_server, authority, server, tail):
    plain = server(OPEN + b"data: a\n\n")
    s = tls_server(redirect(302, plain.url))
    t = tail(f"https://127.0.0.1:{s.port}/", env=trust(authority))
    assert t.wait() == 1
    assert "from https to http" in t.notices[-1] and plain.connections == 0
