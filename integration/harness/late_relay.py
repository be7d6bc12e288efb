"""A loopback relay that can hold back what clients send, and still delivers it when they are long dead."""

import socket
import threading

from .ports import free_port


class LateRelay:
    """Every connection to `port` is carried to `target`."""

    def __init__(self, target):
        self.port = free_port()
        self.held = 0  # bytes that were held back, so far
        self._target = target
        self._is_open = threading.Event()
        self._is_open.set()
        self._pending = []  # threads that carry to the target
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self):
        self._is_open.clear()

    def deliver(self):
        """Returns when the target has been sent all that dead clients have left behind."""
        self._is_open.set()
        for thread in list(self._pending):
            thread.join()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._is_open.set()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                return
            self._pending.append(threading.Thread(target=self._carry_up, args=(client, server), daemon=True))
            self._pending[-1].start()
            threading.Thread(target=self._carry_down, args=(server, client), daemon=True).start()

    def _carry_up(self, client, server):
        try:
            while data := client.recv(65536):
                if not self._is_open.is_set():
                    self.held += len(data)
                    self._is_open.wait()
                server.sendall(data)
        except OSError:
            pass  # a reset is an end too
        self._is_open.wait()
        try:
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _carry_down(self, server, client):
        """Goes on when the client is gone: the target must not be told by that."""
        try:
            while data := server.recv(65536):
                try:
                    client.sendall(data)
                except OSError:
                    pass
        except OSError:
            pass
        client.close()
        server.close()
