"""The servers that are measured, each with what it needs beside it, on one core."""

import getpass
import json
import pathlib
import shutil
import socket
import subprocess
import urllib.request

from harness.ports import accepts, free_port

from .process import SERVER_CORE, Cpu, Failure, Process, children, pss_kib, settled, wait_for

HERE = pathlib.Path(__file__).resolve().parent.parent
NCHAN_MODULE = pathlib.Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
KEPT_EVENTS = 1000
CHANNELS_MAX = 200  # of one stream


class Server:
    """Started by `with`. `pids` are what is measured."""

    name = ""
    needs_redis = True

    def __init__(self, bench, **options):
        self.bench = bench
        self.options = options
        self.processes = []
        self.redis_port = self.port = None

    @classmethod
    def missing(cls, bench):
        """What this machine lacks to run it; None where nothing."""
        return None

    @property
    def pids(self):
        return [self.processes[-1].pid]

    def __enter__(self):
        try:
            if self.needs_redis:
                self.start_redis()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()
        self.processes = []

    def spawn(self, *argv, core=SERVER_CORE):
        process = Process(argv, core, self.bench.folder / f"{self.name}-{len(self.processes)}.log")
        self.processes.append(process)
        return process

    def start_redis(self):
        self.redis_port = free_port()
        self.spawn("redis-server", "--bind", "127.0.0.1", "--port", self.redis_port, "--save", "",
                   "--appendonly", "no", "--maxclients", "1000", "--dir", self.bench.folder,
                   core=self.options.get("core", SERVER_CORE))
        wait_for(lambda: accepts(self.redis_port), "redis-server")

    def start(self):
        raise NotImplementedError

    def await_streams(self, count):
        """
        Until `count` streams, whose heads the client has, get every event. Here they do by then: whoever is fed by Redis
        subscribed before it listened.
        """

    def cpu(self):
        return Cpu.of(self.pids)

    def cpu_at_rest(self):
        """Its CPU once it does nothing more of what it had to do. Reads /proc only: asking it would keep it busy."""
        settled(lambda: self.cpu().total, f"{self.name}'s CPU")
        return self.cpu()

    def pss_kib(self):
        return pss_kib(self.pids)

    def settled_pss_kib(self):
        return settled(self.pss_kib, f"{self.name}'s memory")

    def publish_target(self):
        return ["--redis", self.redis_port]


class Bare(Server):
    name = "bare"

    def start(self):
        self.port = int(self.spawn(
            self.bench.program("bare"), "--redis", self.redis_port, "--clients", self.options["clients"],
            "--channels", self.options.get("channels", 1)).line())


class Runnel(Server):
    """With the log that a subclass names."""

    store = ""

    def start(self):
        self.port, self.admin_port = free_port(), free_port()
        path = self.bench.folder / f"{self.name}.yaml"
        path.write_text(json.dumps(self.config()), "utf-8")
        self.spawn(self.bench.runnel, "serve", "-c", path, core=self.options.get("core", SERVER_CORE))
        wait_for(self.is_ready, "runnel to be ready")

    def config(self):
        keep = {"events": self.options.get("keep", KEPT_EVENTS), "for": "1h"}
        redis = f"redis://127.0.0.1:{self.redis_port}"
        replay = {"store": self.store, "keep": keep}
        if self.store == "redis":
            replay["url"] = redis
        return {
            "http": {"listen": f"127.0.0.1:{self.port}", "workers": self.options.get("workers", 1),
                     "channels": CHANNELS_MAX},
            "admin": {"listen": f"127.0.0.1:{self.admin_port}"},
            "replay": replay,
            "stream": {"tail_bytes": self.options.get("tail_bytes", "64M"),
                       "heartbeat": self.options.get("heartbeat", "15s"), "drain_delay": "0s"},
            "log": {"level": "warn"},
            "sources": {"bench": {"type": "redis", "url": redis}},
            "routes": [{"source": "bench", "topic": "bench.{n}", "channel": "bench.{n}"}],
        }

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as response:
            return response.read().decode()

    def is_ready(self):
        if not self.processes[-1].is_running():
            raise Failure(f"runnel ended: {self.processes[-1].errors()}")
        try:
            return self.get("/readyz") is not None
        except OSError:
            return False

    def metric(self, name):
        """Summed over its labels."""
        return sum(float(line.rpartition(" ")[2]) for line in self.get("/metrics").splitlines()
                   if line.startswith((name + " ", name + "{")))

    def await_streams(self, count):
        wait_for(lambda: self.metric("runnel_streams") == count, f"{count} streams")

    def restart(self):
        self.processes.pop().end()
        self.start()


class RunnelRedis(Runnel):
    name = "runnel, redis log"
    store = "redis"


class RunnelMemory(Runnel):
    name = "runnel, memory log"
    store = "memory"


class Nchan(Server):
    name = "nchan"
    needs_redis = False
    redis_lines = ""

    @classmethod
    def missing(cls, bench):
        if not shutil.which("nginx") or not NCHAN_MODULE.exists():
            return "nginx with libnginx-mod-nchan"
        return None

    @property
    def pids(self):
        """The workers; the master does nothing."""
        return children(self.processes[-1].pid)

    def start(self):
        self.port = free_port()
        folder = self.bench.folder / self.name.replace(" ", "-").replace("+", "and")
        folder.mkdir(exist_ok=True)
        (folder / "nginx.conf").write_text(self.config(folder), "utf-8")
        self.spawn("nginx", "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log")
        wait_for(lambda: accepts(self.port), "nginx")

    def config(self, folder):
        return f"""
load_module {NCHAN_MODULE};
daemon off; master_process on; worker_processes 1; worker_rlimit_nofile 20000; user {getpass.getuser()};
pid {folder}/nginx.pid; error_log {folder}/error.log error;
events {{ worker_connections 40000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  nchan_shared_memory_size 2048m;
  {self.upstream()}
  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    tcp_nodelay on;
    nchan_message_buffer_length {KEPT_EVENTS}; nchan_message_timeout 1h; {self.redis_lines}
    location ~ ^/pub/(.+)$ {{ nchan_publisher; nchan_channel_id $1; }}
    location ~ ^/events/(.+)$ {{
      nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message newest;
    }}
  }}
}}
"""

    def upstream(self):
        return ""

    def publish_target(self):
        return ["--http", self.port]


class NchanRedis(Nchan):
    name = "nchan, redis"
    needs_redis = True
    redis_lines = "nchan_redis_pass bench;"

    def start(self):
        super().start()
        wait_for(self.is_subscribed, "nchan to subscribe at Redis")

    def is_subscribed(self):
        with socket.create_connection(("127.0.0.1", self.redis_port)) as redis:
            redis.sendall(b"PUBSUB CHANNELS\r\n")
            return not redis.recv(64).startswith(b"*0")

    def upstream(self):
        return f"upstream bench {{ nchan_redis_server redis://127.0.0.1:{self.redis_port}; }}"


class Node(Server):
    name = "Node"

    @classmethod
    def missing(cls, bench):
        if not shutil.which("node") or not shutil.which("npm"):
            return "node and npm"
        if not (HERE / "node/node_modules/ioredis").exists():
            installed = subprocess.run(["npm", "ci", "--ignore-scripts", "--loglevel=error"], check=False,
                                       cwd=HERE / "node", stdout=subprocess.DEVNULL)
            if installed.returncode != 0:
                return "ioredis (npm ci failed)"
        return None

    def start(self):
        self.port = int(self.spawn("node", HERE / "node/server.mjs", self.redis_port).line())


PEERS = [Nchan, NchanRedis, Node]
ALL = [Bare, RunnelRedis, RunnelMemory, *PEERS]
