"""The processes of a run and the wires between them; applies faults to them."""

import random
import re
import shutil
import time
from dataclasses import dataclass
from datetime import datetime

from harness.mosquitto import Mosquitto
from harness.redis_server import RedisServer
from harness.runnel import Runnel
from harness.waiting import wait_for

from .clients import Client
from .network import Network, Wire
from .publishers import HttpPublisher, MqttPublisher, RedisPublisher

CHANNELS = {"a": 50, "b": 30, "c": 19, "quiet": 1}
RATES = {"shop": 40, "plant": 30, "hooks": 12}
SLOW_EVERY = 8  # one client in so many is slow

_STATE_LINE = re.compile(r"time=(\S+) .*\bevent=source\.(up|down)\b.*\bsource=(\w+)")


@dataclass
class Applied:
    """A fault as it really was, by time.time()."""
    target: str
    kind: str
    begin: float
    end: float = float("inf")
    saved: float = 0.0  # plant.kill: when the broker had saved its state last


class World:
    """
    `topology`: edges (ingest and two edges on a Redis log), one (a single process on it), narrow (the same, and
    only 60 events may wait for the log), memory (without it). `rate`: times RATES.
    """

    def __init__(self, folder, topology, clients, seed, keep_events=100_000, rate=1, stream=None):
        self.topology = topology
        self.applied = []
        self.started = time.time()
        self._folder = folder
        self._keep_events = keep_events
        self._rate = rate
        self._stream = {"heartbeat": "1s", "retry": "100ms"} | (stream or {})
        self._copy = folder / "older-log"
        self._wires = {}
        self._random = random.Random(f"world {seed} {topology}")
        self.runnels, self.publishers, self.clients = {}, [], []
        self.shop = self.plant = self.log = None
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
        self.log = RedisServer(self._folder, is_persistent=True).start() if self.topology != "memory" else None

    def _wire(self, name, target):
        self._wires[name] = Wire(self.network, target)
        return self._wires[name]

    def _replay(self, process):
        keep = {"keep": {"events": self._keep_events, "for": "1h"}, "channel_bytes": "256M", "memory_bytes": "1G"}
        if self.log is None:
            return keep | {"store": "memory"}
        del keep["channel_bytes"], keep["memory_bytes"]
        if self.topology == "narrow":
            keep["queue"] = {"events": 60}
        wire = self._wire(f"wire-log-{process}", self.log.port)
        return keep | {"store": "redis", "url": f"redis://127.0.0.1:{wire.port}", "connect_timeout": "1s",
                       "idle_timeout": "1s", "retry_min": "20ms", "retry_max": "300ms"}

    def _sources(self):
        times = {"connect_timeout": "1s", "retry_min": "20ms", "retry_max": "300ms"}
        shop = self._wire("wire-shop", self.shop.port)
        plant = self._wire("wire-plant", self.plant.port)
        return {
            "shop": {"type": "redis", "url": f"redis://127.0.0.1:{shop.port}", "idle_timeout": "1s"} | times,
            "plant": {"type": "mqtt", "url": f"mqtt://127.0.0.1:{plant.port}", "client_id": "runnel", "qos": 1,
                      "keepalive": "5s"} | times,
            "hooks": {"type": "http", "token": "secret"},
        }

    def _processes(self):
        routes = [{"source": "shop", "topic": "shop.{channel}", "channel": "{channel}", "event": "shop"},
                  {"source": "plant", "topic": "plant/{channel}", "channel": "{channel}", "event": "plant"},
                  {"source": "hooks", "topic": "{channel}", "channel": "{channel}", "event": "hooks"}]
        self.ingest = Runnel(self._folder, sources=self._sources(), routes=routes, stream=self._stream,
                             replay=self._replay("ingest"))
        self.runnels["ingest"] = self.ingest
        if self.topology == "edges":
            for name in ("edge1", "edge2"):
                self.runnels[name] = Runnel(self._folder, stream=self._stream, replay=self._replay(name))
        for name, runnel in self.runnels.items():
            self._wire(f"wire-{name}", runnel.port)
            runnel.start()

    def _publishers(self, seed):
        made = []
        for kind, server in ((RedisPublisher, self.shop), (MqttPublisher, self.plant), (HttpPublisher, self.ingest)):
            made.append(kind(server, weights=CHANNELS, rate=self._rate * RATES[kind.source],
                             random=random.Random(f"{seed} {kind.source}")))
        return made

    def _client(self, number):
        names = list(CHANNELS)
        choice = [["a"], ["b"], ["c"], ["a", "b"], names, ["quiet", "c"], ["quiet"]][number % 7]
        served = [f"wire-{name}" for name in self.runnels]
        return Client(self.network, f"{number}:{'+'.join(choice)}", choice, [self._wires[name] for name in served],
                      random.Random(self._random.random()), is_slow=number % SLOW_EVERY == SLOW_EVERY - 1)

    def await_clients(self):
        """Every client has an id to resume by."""
        wait_for(lambda: all(client.last_event_id for client in self.clients), "all clients to be live")

    # --- faults ---

    def begin(self, fault):
        done = Applied(fault.target, fault.kind, time.time())
        self.applied.append(done)
        getattr(self, "_begin_" + fault.kind.replace("-", "_"))(fault.target)
        if fault.kind == "kill" and fault.target == "plant":
            done.saved = self.plant.saved()
        return done

    def end(self, fault, done):
        finish = getattr(self, "_end_" + fault.kind.replace("-", "_"), None)
        if finish is not None:
            finish(fault.target)
        done.end = time.time()

    def _process(self, name):
        return self.runnels.get(name) or getattr(self, name)

    def _begin_kill(self, target):
        self._process(target).kill()

    def _end_kill(self, target):
        if target in self.runnels:
            self.runnels[target].start_unready()
        else:
            self._process(target).start()

    def _begin_stop(self, target):
        self._process(target).pause()

    def _end_stop(self, target):
        self._process(target).resume()

    def _begin_reset(self, target):
        self._wires[target].reset()

    def _begin_stall(self, target):
        self._wires[target].stall()

    def _end_stall(self, target):
        self._wires[target].flow()

    def _begin_cut_normal(self, target):
        self._command(target, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def _begin_cut_pubsub(self, target):
        self._command(target, "CLIENT", "KILL", "TYPE", "pubsub")

    def _begin_flush(self, target):
        self._command(target, "FLUSHALL")

    def _command(self, target, *words):
        with self._process(target).client() as client:
            client.execute_command(*words)

    def _begin_restore(self, _target):
        """The file only grows at its end, so a copy of it is the log's state of now."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self.log.data, self._copy)

    def _end_restore(self, _target):
        self.log.kill()
        shutil.rmtree(self.log.data)
        shutil.copytree(self._copy, self.log.data)
        self.log.start()

    # --- the end ---

    def await_ready(self):
        for runnel in self.runnels.values():
            runnel.await_ready()

    def source_states(self, source):
        """(time, is_up) of a source, as the ingesting process logged them."""
        text = self.ingest.log()
        found = []
        for line in text.splitlines():
            match = _STATE_LINE.match(line)
            if match and match[3] == source:
                assert "suppressed=" not in line, line
                stamp = datetime.fromisoformat(match[1].replace("Z", "+00:00")).timestamp()
                found.append((stamp, match[2] == "up"))
        return found

    def close(self):
        """Ends everything; a runnel that complains fails."""
        errors = []
        ends = [client.close for client in self.clients] + [publisher.close for publisher in self.publishers]
        ends += [runnel.end for runnel in self.runnels.values()]
        ends += [server.end for server in (self.shop, self.plant, self.log) if server is not None]
        for end in ends + [wire.close for wire in self._wires.values()] + [self.network.close]:
            try:
                end()
            except Exception as error:  # pylint: disable=broad-except
                errors.append(error)
        if errors:
            raise errors[0]
