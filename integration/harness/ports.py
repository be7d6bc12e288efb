"""Free ports that stay free until they are used."""

import socket

_held = []


def free_port():
    """
    A port of the loopback interface. A bound socket that never listens holds it for this session, so nobody else is
    given it; servers with SO_REUSEADDR or SO_REUSEPORT bind it beside that, again after each restart.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _held.append(holder)
    return holder.getsockname()[1]


def accepts(port):
    """True where somebody listens."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
