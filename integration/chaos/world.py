"""The processes of a run, and the wires between them."""

import random

from harness.mosquitto import Mosquitto
from harness.redis_server import RedisServer
from harness.runnel import Runnel
from harness.waiting import wait_for

from .clients import Client
from .faults import Applied, Faults
from .logs import IDLE_S
from .network import Network, Wire
from .publishers import HttpPublisher, MqttPublisher, PubsubPublisher, StreamPublisher

CHANNELS = {"a": 50, "b": 30, "c": 19, "quiet": 1}
RATES = {"shop": 40, "plant": 30, "hooks": 12, "queue": 15}
SLOW_EVERY = 8  # one client in so many is slow, and another one a stranger


class World:
    """
    `topology`: edges (ingest and two edges on a Redis log, of which one reads the queue as well), one (a single
    process on it), narrow (the same, and only 60 events may wait for the log), memory (without it). `has_spare`: the
    log has a replica. `rate`: times RATES.
    """

    def __init__(self, folder, topology, clients, seed, has_spare=False, has_strangers=True, keep_events=100_000,
                 rate=1, stream=None):
        self.topology = topology
        channels = random.Random(f"channels {seed} {topology}").sample(list(CHANNELS), len(CHANNELS))
        self.faults = Faults(self, folder, channels)
        self.wires = {}
        self._has_spare = has_spare
        self._has_strangers = has_strangers
        self._folder = folder
        self._keep_events = keep_events
        self._rate = rate
        self._stream = {"heartbeat": "1s", "retry": "100ms"} | (stream or {})
        self._random = random.Random(f"world {seed} {topology}")
        self.runnels, self.publishers, self.clients = {}, [], []
        self.shop = self.plant = self.queue = self.log = self.spare = None
        self._ingest_sources = {}
        self.network = Network()
        try:
            self._brokers()
            self._processes()
            self.publishers = self._publishers(seed)
            self.clients = [self._client(n) for n in range(clients)]
        except BaseException:
            self.close()
            raise

    # --- what there is ---

    def _brokers(self):
        self.shop = RedisServer(self._folder).start()
        self.plant = Mosquitto(self._folder, is_persistent=True).start()
        self.queue = RedisServer(self._folder, is_persistent=True).start()
        if self.topology != "memory":
            self.log = RedisServer(self._folder, is_persistent=True).start()
        if self.log is not None and self._has_spare:
            self.spare = RedisServer(self._folder, is_persistent=True).start()
            self._wire("replication", self.log.port)
            self._follow(self.spare)

    def _follow(self, replica):
        with replica.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", str(self.wires["replication"].port))

    def swap_logs(self):
        """What was the spare is the log: new connections lead there, and the old one follows it."""
        self.log, self.spare = self.spare, self.log
        for name, wire in self.wires.items():
            if name.startswith("wire-log-") or name == "replication":
                wire.retarget(self.log.port)
        self._follow(self.spare)

    def _wire(self, name, target):
        self.wires[name] = Wire(self.network, target)
        return self.wires[name]

    def _replay(self, process):
        keep = {"keep": {"events": self._keep_events, "for": "1h"}, "channel_bytes": "256M", "memory_bytes": "1G"}
        if self.log is None:
            return keep | {"store": "memory"}
        del keep["channel_bytes"], keep["memory_bytes"]
        if self.topology == "narrow":
            keep["queue"] = {"events": 60}
        wire = self._wire(f"wire-log-{process}", self.log.port)
        return keep | {"store": "redis", "url": f"redis://127.0.0.1:{wire.port}", "connect_timeout": "1s",
                       "idle_timeout": f"{IDLE_S}s", "retry_min": "20ms", "retry_max": "300ms"}

    def _sources(self):
        times = {"connect_timeout": "1s", "retry_min": "20ms", "retry_max": "300ms"}
        shop, plant, queue = (self._wire(f"wire-{name}", getattr(self, name).port)
                              for name in ("shop", "plant", "queue"))
        return {
            "shop": {"type": "redis", "url": f"redis://127.0.0.1:{shop.port}", "idle_timeout": f"{IDLE_S}s"} | times,
            "plant": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{plant.port}", "client_id": "runnel", "qos": 1,
                      "keepalive": "5s"} | times,
            "queue": {"type": "redis-stream", "url": f"redis://127.0.0.1:{queue.port}", "field": "payload",
                      "idle_timeout": f"{IDLE_S}s"} | times,
            "hooks": {"type": "http", "token": "secret"},
        }

    def _routes(self):
        yield {"source": "shop", "topic": "shop.{channel}", "channel": "{channel}", "event": "shop"}
        yield {"source": "plant", "topic": "plant/{channel}", "channel": "{channel}", "event": "plant"}
        yield {"source": "hooks", "topic": "{channel}", "channel": "{channel}", "event": "hooks"}
        for channel in CHANNELS:
            yield {"source": "queue", "topic": f"queue.{channel}", "channel": channel, "event": "queue"}

    def _runnel(self, name, sources):
        routes = [route for route in self._routes() if route["source"] in sources]
        sections = {"sources": sources, "routes": routes} if sources else {}
        self.runnels[name] = Runnel(self._folder, stream=self._stream, replay=self._replay(name), **sections)
        self._wire(f"wire-{name}", self.runnels[name].port)

    def reload(self, is_more):
        """A source and two routes come, or go again. What else there is must not notice."""
        sources, routes = self._ingest_sources, list(self._routes())
        if is_more:
            sources = sources | {"more": sources["shop"]}
            routes.insert(0, {"source": "more", "topic": "shop.{channel}", "channel": "more/{channel}"})
            routes.append({"source": "plant", "topic": "more/#", "channel": "more/all"})
        assert self.ingest.reload(sources=sources, routes=routes), self.ingest.log()

    def _processes(self):
        sources = self._ingest_sources = self._sources()
        self._runnel("ingest", sources)
        self.ingest = self.runnels["ingest"]
        if self.topology == "edges":
            self._runnel("edge1", {"queue": sources["queue"]})
            self._runnel("edge2", {})
        for runnel in self.runnels.values():
            runnel.start()

    def _publishers(self, seed):
        made = []
        for kind, server in ((PubsubPublisher, self.shop), (MqttPublisher, self.plant), (HttpPublisher, self.ingest),
                             (StreamPublisher, self.queue)):
            made.append(kind(server, weights=CHANNELS, rate=self._rate * RATES[kind.source],
                             random=random.Random(f"{seed} {kind.source}")))
        return made

    def _client(self, number):
        names = list(CHANNELS)
        choice = [["a"], ["b"], ["c"], ["a", "b"], names, ["quiet", "c"], ["quiet"]][number % 7]
        wires = [self.wires[f"wire-{name}"] for name in self.runnels]
        return Client(self.network, f"{number}:{'+'.join(choice)}", choice, wires, random.Random(self._random.random()),
                      is_slow=number % SLOW_EVERY == SLOW_EVERY - 1,
                      is_stranger=self._has_strangers and number % SLOW_EVERY == 1)

    def await_clients(self):
        """Every client has an id to resume by."""
        wait_for(lambda: all(client.has_cursor() for client in self.clients), "all clients to be live")

    def process(self, name):
        return self.runnels.get(name) or getattr(self, name)

    def what_happened(self):
        """The faults, and when the ways stood still by themselves."""
        return self.faults.applied + [Applied("network", "late", *times) for times in self.network.late]

    def await_ready(self):
        for runnel in self.runnels.values():
            runnel.await_ready()

    # --- the end ---

    def close(self):
        """Ends everything; a runnel that complains fails."""
        errors = []
        ends = [client.close for client in self.clients] + [publisher.close for publisher in self.publishers]
        ends += [runnel.end for runnel in self.runnels.values()]
        ends += [server.end for server in (self.shop, self.plant, self.queue, self.log, self.spare) if server is not None]
        for end in ends + [wire.close for wire in self.wires.values()] + [self.network.close]:
            try:
                end()
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)
        if errors:
            raise errors[0]
