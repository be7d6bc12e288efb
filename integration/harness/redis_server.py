"""A private Redis server."""

import redis

from .ports import free_port
from .process import Process
from .waiting import wait_for


class RedisServer(Process):
    def __init__(self, folder, password="", is_persistent=False, tls=None):
        """`tls`: an Authority; the server then speaks nothing else."""
        self.port = free_port()
        self.password = password
        self.tls = tls
        self.data = folder / f"redis-{self.port}"
        self.data.mkdir()
        argv = ["redis-server", "--bind", "127.0.0.1", "--dir", self.data, "--daemonize", "no", "--save", "",
                "--appendonly", "yes" if is_persistent else "no", "--appendfsync", "always",
                "--maxclients", "1000"]
        argv += ["--requirepass", password] if password else []
        if tls:
            cert, key = tls.issue(f"redis-{self.port}")
            argv += ["--port", "0", "--tls-port", self.port, "--tls-cert-file", cert, "--tls-key-file", key,
                     "--tls-ca-cert-file", tls.cert, "--tls-auth-clients", "no"]
        else:
            argv += ["--port", self.port]
        super().__init__(argv, folder / f"redis-{self.port}.log")

    def start(self):
        super().start()
        wait_for(self._answers, lambda: "redis-server to answer\n" + self.log())
        return self

    def _answers(self):
        assert self.is_running(), self.log()
        try:
            with self.client() as client:
                return client.ping()
        except (redis.ConnectionError, redis.TimeoutError):
            return False

    def client(self, **kwargs):
        """A redis-py client; use it in a `with`."""
        if self.tls:
            kwargs |= {"ssl": True, "ssl_ca_certs": str(self.tls.cert)}
        return redis.Redis("127.0.0.1", self.port, password=self.password or None, socket_timeout=30, **kwargs)

    def broker(self, **more):
        """The broker keys of runnel's config."""
        scheme = "rediss" if self.tls else "redis"
        keys = {"url": f"{scheme}://127.0.0.1:{self.port}", "retry_max": "500ms"}
        keys |= {"password": self.password} if self.password else {}
        keys |= {"ca_file": str(self.tls.cert)} if self.tls else {}
        return keys | more

    def source(self, **more):
        return {"type": "redis"} | self.broker(**more)

    def publish(self, channel, payload):
        """PUBLISH; returns how many subscriptions got it."""
        with self.client() as client:
            return client.publish(channel, payload)

    def publish_all(self, channel, payloads):
        """One PUBLISH each over one pipeline, in order."""
        with self.client() as client, client.pipeline(transaction=False) as pipeline:
            for payload in payloads:
                pipeline.publish(channel, payload)
            return pipeline.execute()
