"""The tests' own relay: what it does between two ends is what a network would."""

import socket

from harness.waiting import PATIENCE


def test_end_of_one_direction_leaves_the_other(scripted, new_relay):
    def answer_at_the_end(peer, _number):
        while peer.recv(100):
            pass
        peer.sendall(b"late")

    relay = new_relay(scripted(answer_at_the_end).port)
    with socket.create_connection(("127.0.0.1", relay.port), timeout=PATIENCE) as peer, peer.makefile("rb") as answer:
        peer.sendall(b"x")
        peer.shutdown(socket.SHUT_WR)
        assert answer.read() == b"late"
