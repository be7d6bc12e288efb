"""Applies faults to a world, and puts right what they broke."""

import itertools
import shutil
import time
from dataclasses import dataclass

SLOW_S = 0.15  # how much later a slow way carries each piece
NOBODY = ("127.0.0.1", "1")


@dataclass
class Applied:
    """A fault as it really was, by time.time()."""
    target: str
    kind: str
    begin: float
    end: float = float("inf")
    saved: float = 0.0  # plant.kill: when the broker had saved its state last
    dead: float = 0.0   # and when it was dead: until then it may have confirmed more
    channel: str = ""   # log.delete: whose stream


class Faults:
    def __init__(self, world, folder, channels):
        self.applied = []
        self._world = world
        self._copy = folder / "older-log"
        self._channels = itertools.cycle(channels)  # whose stream is deleted, one after another

    def begin(self, fault):
        done = Applied(fault.target, fault.kind, time.time())
        self.applied.append(done)
        if fault.kind == "delete":
            done.channel = next(self._channels)
        getattr(self, "_begin_" + fault.kind.replace("-", "_"))(fault.target)
        if fault.kind == "kill" and fault.target == "plant":
            done.saved, done.dead = self._world.plant.saved(), time.time()
        return done

    def end(self, fault, done):
        finish = getattr(self, "_end_" + fault.kind.replace("-", "_"), None)
        if finish is not None:
            finish(fault.target)
        done.end = time.time()

    # --- processes ---

    def _begin_kill(self, target):
        self._world.process(target).kill()

    def _end_kill(self, target):
        if target in self._world.runnels:
            self._world.runnels[target].start_unready()
        else:
            self._world.process(target).start()

    def _begin_stop(self, target):
        self._world.process(target).pause()

    def _end_stop(self, target):
        self._world.process(target).resume()

    def _begin_reload(self, _target):
        self._world.reload(is_more=True)

    def _end_reload(self, _target):
        self._world.reload(is_more=False)

    # --- ways ---

    def _begin_reset(self, target):
        self._world.wires[target].reset()

    def _begin_stall(self, target):
        self._world.wires[target].stall()

    def _end_stall(self, target):
        self._world.wires[target].flow()

    def _begin_slow(self, target):
        self._world.wires[target].slow(SLOW_S)

    def _end_slow(self, target):
        self._world.wires[target].slow(0)

    # --- Redis ---

    def _command(self, target, *words):
        with self._world.process(target).client() as client:
            client.execute_command(*words)

    def _begin_cut_normal(self, target):
        self._command(target, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def _begin_cut_pubsub(self, target):
        self._command(target, "CLIENT", "KILL", "TYPE", "pubsub")

    def _begin_readonly(self, target):
        self._command(target, "REPLICAOF", *NOBODY)

    def _end_readonly(self, target):
        self._command(target, "REPLICAOF", "NO", "ONE")

    def _begin_oom(self, target):
        self._command(target, "CONFIG", "SET", "maxmemory", "1")

    def _end_oom(self, target):
        self._command(target, "CONFIG", "SET", "maxmemory", "0")

    def _begin_pause(self, target):
        """Reads are answered, writes are not; the connections stay."""
        self._command(target, "CLIENT", "PAUSE", "60000", "WRITE")

    def _end_pause(self, target):
        self._command(target, "CLIENT", "UNPAUSE")

    # --- the log's history ---

    def _begin_flush(self, target):
        self._command(target, "FLUSHALL")

    def _begin_delete(self, target):
        self._command(target, "DEL", f"{{runnel}}:c:{self.applied[-1].channel}")

    def _begin_restore(self, _target):
        """The file only grows at its end, so a copy of it is the log's state of now."""
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._world.log.data, self._copy)

    def _end_restore(self, _target):
        log = self._world.log
        log.kill()
        shutil.rmtree(log.data)
        shutil.copytree(self._copy, log.data)
        log.start()

    def _begin_failover(self, _target):
        """The replica falls behind."""
        self._world.wires["replication"].stall()

    def _end_failover(self, _target):
        """It is promoted all the same; who was connected to the old master meets a replica."""
        self._command("spare", "REPLICAOF", "NO", "ONE")
        self._world.swap_logs()
        self._world.wires["replication"].flow()
