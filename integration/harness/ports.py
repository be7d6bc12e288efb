"""Free ports that stay free until they are used."""

import contextlib
import socket

_held = []


def free_port():
    """
    A port of the loopback interface. A bound socket that never listens holds it, so nobody else is given it; servers
    with SO_REUSEADDR or SO_REUSEPORT bind it beside that, again after each restart.
    """
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _held.append(holder)
    return holder.getsockname()[1]


@contextlib.contextmanager
def ports_of_a_test():
    """Gives back what was taken within: paho waits by select(), which descriptors above 1023 break."""
    before = len(_held)
    try:
        yield
    finally:
        for holder in _held[before:]:
            holder.close()
        del _held[before:]


def accepts(port):
    """True where somebody listens."""
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
