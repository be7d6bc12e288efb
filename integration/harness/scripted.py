"""Servers that misbehave by script."""

import contextlib
import socket
import threading

from .ports import free_port


class Scripted:
    """
    Listens; runs `script(peer, number)` for each connection in a thread of its own and closes it then. `number`
    counts from 0. What a script raises because the peer went is nothing; anything else fails close().
    """

    def __init__(self, script, port=None):
        self.port = port or free_port()
        self.connections = 0
        self._script = script
        self._errors = []
        self._peers = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.settimeout(60)
            self._peers.append(peer)
            number, self.connections = self.connections, self.connections + 1
            threading.Thread(target=self._serve, args=(peer, number), daemon=True).start()

    def _serve(self, peer, number):
        try:
            with peer:
                self._script(peer, number)
        except (OSError, EOFError):
            pass
        except Exception as error:  # pylint: disable=broad-except
            self._errors.append(error)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        assert not self._errors, self._errors


def receive(peer, size):
    """Exactly `size` bytes; EOFError where the peer ends before."""
    data = bytearray()
    while len(data) < size:
        piece = peer.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def until_closed(peer):
    """Reads and forgets until the peer closes."""
    while peer.recv(65536):
        pass


# Redis: the commands as the client sends them


def redis_command(peer):
    """One RESP array of bulk strings, as a list of bytes."""
    return [_redis_bulk(peer) for _ in range(_redis_number(peer, b"*"))]


def _redis_number(peer, kind):
    line = bytearray()
    while not line.endswith(b"\r\n"):
        line += receive(peer, 1)
    assert line[:1] == kind, bytes(line)
    return int(line[1:-2])


def _redis_bulk(peer):
    data = receive(peer, _redis_number(peer, b"$") + 2)
    return data[:-2]


# MQTT: packets by their fixed header


def mqtt_packet(peer):
    """(type, flags, body)"""
    first = receive(peer, 1)[0]
    size, shift = 0, 0
    while True:
        byte = receive(peer, 1)[0]
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return first >> 4, first & 15, receive(peer, size)


def mqtt_accept(peer):
    """The dialogue of MQTT 3.1.1 up to the first SUBACK."""
    kind, _, _ = mqtt_packet(peer)
    assert kind == 1, kind
    peer.sendall(b"\x20\x02\x00\x00")
    kind, _, body = mqtt_packet(peer)
    assert kind == 8, kind
    filters, at = 0, 2
    while at < len(body):
        at += 2 + int.from_bytes(body[at:at + 2], "big") + 1
        filters += 1
    peer.sendall(bytes([0x90, 2 + filters]) + body[:2] + bytes([1] * filters))


def mqtt_publish(topic, payload, packet_id=None):
    """A PUBLISH of MQTT 3.1.1; QoS 1 where it has a packet id."""
    body = len(topic).to_bytes(2, "big") + topic
    body += packet_id.to_bytes(2, "big") if packet_id else b""
    body += payload
    assert len(body) < 128
    return bytes([0x32 if packet_id else 0x30, len(body)]) + body
