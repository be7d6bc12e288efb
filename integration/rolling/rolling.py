"""One run: edges behind haproxy, an ingest process with MQTT and a Redis Stream, one Redis log, all replaced in turn."""

import contextlib
from dataclasses import dataclass, field

from harness.certs import Authority
from harness.mosquitto import Mosquitto
from harness.proxy import PlainHaproxy, PlainNginx
from harness.redis_server import RedisServer
from harness.runnel import Runnel

from .fleet import Fleet
from .publisher import Publisher

SEQUENCES = ["plant", "shop"]
PROXIES = {"haproxy": PlainHaproxy, "nginx": PlainNginx}


@dataclass
class Plan:
    clients: int
    rate: int      # events a second, of both sources together
    channels: int  # of each source; a client has one of each
    drain: str
    proxy: str = "haproxy"
    retry: str = "2s"
    edges: int = 3


@dataclass
class Run:
    plan: Plan
    published: int = 0
    result: dict = None
    samples: list = field(default_factory=list)
    marks: list = field(default_factory=list)  # (second, what was replaced)

    def peak(self, what):
        return max(sample[what] for sample in self.samples)

    def faults(self):
        """What must be 0."""
        return {name: self.result[name] for name in ("lost", "doubled", "gaps", "dead")}


class World:
    def __init__(self, folder, plan, ends):
        self.folder, self.plan, self._ends = folder, plan, ends
        self.log = self._add(RedisServer(folder).start())
        self.app = self._add(RedisServer(folder).start())
        self.broker = self._add(Mosquitto(folder).start())
        self.ingest = self._add(self._ingest().start())
        self.edges = [self._add(self._edge().start()) for _ in range(plan.edges)]
        self.proxy = self._add(PROXIES[plan.proxy](folder, Authority(folder), self.edges).start())

    def _add(self, thing):
        self._ends.callback(thing.end)
        return thing

    def _replay(self):
        return {"store": "redis", "keep": {"events": 100_000}} | self.log.broker()

    def _ingest(self):
        return Runnel(
            self.folder, replay=self._replay(), http={"workers": 1}, stream={"drain": "0s", "drain_delay": "0s"},
            sources={"plant": self.broker.source(client_id="ingest"),
                     "shop": {"type": "redis-stream", "from": "0"} | self.app.broker()},
            routes=[{"source": "plant", "topic": "plant/{c}", "channel": "plant/{c}", "event": "plant"},
                    {"source": "shop", "topic": "orders", "channel": "shop/{json:/c}", "event": "shop"}])

    def _edge(self):
        """The health checks of the proxy come every 200 ms here."""
        return Runnel(self.folder, replay=self._replay(), http={"workers": 1},
                      stream={"drain": self.plan.drain, "drain_delay": "1s", "retry": self.plan.retry})


def replace(runnel):
    """The old process goes, the new one comes at the same address: as a pod of replicas=1, or a unit that restarts."""
    status = runnel.stop()
    assert status == 0, f"exit status {status}\n{runnel.log()}"
    runnel.start()


def roll(folder, plan):
    run = Run(plan)
    with contextlib.ExitStack() as ends:
        world = World(folder, plan, ends)
        fleet = Fleet(world.proxy.port, plan.clients, plan.channels, SEQUENCES)
        ends.callback(fleet.close)
        fleet.await_ready()
        publisher = Publisher(world.broker, world.app, plan.channels, plan.rate).start()
        ends.callback(publisher.close)
        fleet.await_whole()
        for name, process in [("ingest", world.ingest), *((f"edge {n + 1}", e) for n, e in enumerate(world.edges)),
                              ("ingest", world.ingest)]:
            run.marks.append((fleet.second, name))
            replace(process)
            fleet.await_whole()
        run.result = fleet.finish(publisher.finish())
        run.published, run.samples = publisher.published, fleet.samples
    return run
