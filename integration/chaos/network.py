"""The loop that carries all traffic of a run: relays that reset and stall, and the clients' sockets."""

import asyncio
import socket
import threading
import time

from harness.ports import free_port
from harness.reset import reset


TICK_S = 0.05
LATE_S = 0.1  # a tick that comes so much too late is noted


class Network:
    """An asyncio loop in a thread of its own. What is not `async` here may be called from any thread."""

    def __init__(self):
        self.late = []  # (begin, end): it stood still, and with it every way, for the machine was busy
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.spawn(self._watch())

    async def _watch(self):
        while True:
            begin = time.time()
            await asyncio.sleep(TICK_S)
            if time.time() - begin > TICK_S + LATE_S:
                self.late.append((begin, time.time()))

    def call(self, function, *arguments):
        """Runs it in the loop; its result."""
        async def run():
            return function(*arguments)
        return self.wait(run())

    def wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)

    def spawn(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def close(self):
        self.wait(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel_all(self):
        tasks = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Wire:
    """
    A relay from a port of its own to `target`: reset() breaks all connections, stall() holds every byte back, slow()
    carries each piece late.
    """

    def __init__(self, network, target):
        self.port = free_port()
        self._network = network
        self._target = target
        self._flow = asyncio.Event()
        self._delay_s = 0
        self._pairs = {}  # the task that carries a connection -> its two sockets
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listener.setblocking(False)
        network.call(self._flow.set)
        network.spawn(self._accept())

    def reset(self):
        self._network.call(self._cancel_pairs)

    def stall(self):
        self._network.call(self._flow.clear)

    def flow(self):
        self._network.call(self._flow.set)

    def slow(self, delay_s):
        self._delay_s = delay_s

    def retarget(self, target):
        """Where new connections lead to."""
        self._target = target

    def close(self):
        self._network.call(self._cancel_pairs)
        self._network.call(self._listener.close)

    def _cancel_pairs(self):
        for task in list(self._pairs):
            task.cancel()

    async def _accept(self):
        while True:
            client, _ = await self._network.loop.sock_accept(self._listener)
            task = asyncio.ensure_future(self._carry(client))
            self._pairs[task] = client
            task.add_done_callback(self._pairs.pop)

    async def _carry(self, client):
        server = socket.socket()
        for peer in (client, server):
            peer.setblocking(False)
        halves = []
        end = reset
        try:
            await self._flow.wait()
            await self._network.loop.sock_connect(server, ("127.0.0.1", self._target))
            for peer in (client, server):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            halves = [asyncio.ensure_future(self._pump(client, server)),
                      asyncio.ensure_future(self._pump(server, client))]
            await asyncio.gather(*halves)
            end = socket.socket.close
        except OSError:
            pass
        finally:
            for half in halves:
                half.cancel()
            await asyncio.gather(*halves, return_exceptions=True)
            end(client)
            end(server)

    async def _pump(self, source, sink):
        """Until the end, which is carried like the bytes: the other direction may go on. An error is both's."""
        loop = self._network.loop
        while True:
            data = await loop.sock_recv(source, 65536)
            await asyncio.sleep(self._delay_s)
            await self._flow.wait()
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            await loop.sock_sendall(sink, data)
