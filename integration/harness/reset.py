"""Connections that end with RST, as where a network breaks."""

import contextlib
import socket
import struct


def reset_on_close(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset(peer):
    """Closes it so."""
    with contextlib.suppress(OSError):
        reset_on_close(peer)
    peer.close()
