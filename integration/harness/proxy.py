"""nginx, haproxy and Caddy, each with the config of deploy/proxies and only its places and times changed."""

import http.client
import os
import re
import socket
import ssl
import subprocess

from .ports import accepts, free_port
from .process import Process, bound
from .runnel import ROOT
from .waiting import wait_for

SHIPPED = ROOT / "deploy/proxies"
NAME = "events.example.com"


class Proxy(Process):
    """`servers`: runnels. `timeout_ms` takes the place of the shipped silence that means death, 60s."""

    shipped = ""

    def __init__(self, folder, authority, servers, timeout_ms=60_000):
        self.port = free_port()
        self.url = f"https://{NAME}:{self.port}"
        self.servers = servers
        self.timeout_ms = timeout_ms
        self.folder = folder / f"{type(self).__name__.lower()}-{self.port}"
        self.folder.mkdir()
        self.cert, self.key = authority.issue(f"proxy-{self.port}", f"DNS:{NAME}")
        self.ca = authority.cert
        self._trust = ssl.create_default_context(cafile=str(self.ca))
        self._text = (SHIPPED / self.shipped).read_text("utf-8")
        self.derive()
        self.config = self.folder / self.shipped
        self.config.write_text(self._text, "utf-8")
        super().__init__(self.command(), folder / f"{self.folder.name}.log",
                         {"HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)})

    def derive(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    def replace(self, pattern, replacement, count=1):
        """Exactly `count` times: where the shipped file changes, this notices."""
        self._text, found = re.subn(pattern, replacement, self._text, flags=re.MULTILINE)
        assert found == count, f"{self.shipped}: {pattern} stands there {found} times"

    def start(self):
        super().start()
        wait_for(self._is_up, lambda: f"{self.shipped} to be up\n{self.log()}")
        return self

    def _is_up(self):
        assert self.is_running(), self.log()
        return accepts(self.port)

    def connect(self, _host=None, _port=None):
        """A TLS connection, HTTP/1.1."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return self._trust.wrap_socket(plain, server_hostname=NAME)

    def status(self, path):
        """(status, body) of a whole answer."""
        connection = http.client.HTTPConnection(NAME, self.port)
        connection.sock = self.connect()
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


class Nginx(Proxy):
    shipped = "nginx.conf"

    def derive(self):
        self.replace(r"^pid .*;", f"pid {self.folder}/pid;")
        self.replace(r"^error_log .*;", "error_log stderr warn;")
        temporary = "".join(f"    {kind}_temp_path {self.folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        self.replace(r"^http \{\n", "http {\n" + temporary)
        self.replace(r"worker_rlimit_nofile 65536;", "worker_rlimit_nofile 20000;")
        self.replace(r"worker_connections 32768;", "worker_connections 10000;")
        self.replace(r"listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;")
        self.replace(r"/etc/ssl/certs/events.example.com.pem", str(self.cert))
        self.replace(r"/etc/ssl/private/events.example.com.key", str(self.key))
        self.replace(r"(proxy_read_timeout|send_timeout) 60s;", rf"\1 {self.timeout_ms}ms;", 2)
        places = "".join(f" server 127.0.0.1:{s.port} max_fails=0;" for s in self.servers)
        self.replace(r"( server 10\.0\.0\.1\d:8080 max_fails=0;\s*){2}", places + "\n")

    def command(self):
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", self.config, "-g", "daemon off;"]

    def end(self):
        """Not by SIGKILL: its workers would outlive that."""
        if self.is_running():
            self.resume()
            self.stop()


class Haproxy(Proxy):
    shipped = "haproxy.cfg"

    def derive(self):
        bundle = self.folder / "bundle.pem"
        bundle.write_bytes(self.cert.read_bytes() + self.key.read_bytes())
        if os.geteuid() != 0:
            self.replace(r"^    (user|group) haproxy\n", "", 2)
        self.replace(r"bind :443 ", f"bind 127.0.0.1:{self.port} ")
        self.replace(r"maxconn 50000", "maxconn 9000")
        self.replace(r"/etc/haproxy/events.example.com.pem", str(bundle))
        self.replace(r"/etc/haproxy/unavailable.http", str(SHIPPED / "unavailable.http"), 3)
        self.replace(r"timeout (client|server) 60s", rf"timeout \1 {self.timeout_ms}ms", 2)
        self.replace(r"inter 1s", "inter 200ms")
        places = "".join(f"    server runnel-{n} 127.0.0.1:{s.port} port {s.admin_port}\n"
                         for n, s in enumerate(self.servers))
        self.replace(r"(    server runnel-\d 10\.0\.0\.1\d:8080 port 8081\n){2}", places)

    def command(self):
        return ["/usr/sbin/haproxy", "-db", "-f", self.config]

    def _is_up(self):
        """Also its health checks have had their first answer: servers count as up until then."""
        return super()._is_up() and not re.search("is DOWN", self.log())


class ProxyProtocolHaproxy(Haproxy):
    """Says the client's address by PROXY protocol v2, as a comment in the file has it."""

    def derive(self):
        super().derive()
        self.replace(r"^    http-request set-header X-Forwarded-For .*$", "")
        self.replace(r"default-server check", "default-server send-proxy-v2 check")


class Plain(Proxy):
    """Without TLS, as behind another balancer."""

    def derive(self):
        super().derive()
        self.url = f"http://127.0.0.1:{self.port}"

    def connect(self, _host=None, _port=None):
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


class PlainHaproxy(Plain, Haproxy):
    def derive(self):
        super().derive()
        self.replace(r" ssl crt \S+ alpn h2,http/1\.1$", "")


class PlainNginx(Plain, Nginx):
    def derive(self):
        super().derive()
        self.replace(r" ssl http2;", ";")
        self.replace(r"^ *ssl_.*;\n", "", 3)


class Caddy(Proxy):
    """With one runnel: all servers have the same port for health checks."""

    shipped = "Caddyfile"

    def derive(self):
        [server] = self.servers
        self.replace(r"^events\.example\.com \{", f"https://{NAME}:{self.port} {{\n\tbind 127.0.0.1")
        self.replace(r"^\tadmin off$", "\tadmin off\n\tauto_https disable_redirects")
        self.replace(r"/etc/caddy/events.example.com.pem", str(self.cert))
        self.replace(r"/etc/caddy/events.example.com.key", str(self.key))
        self.replace(r"10\.0\.0\.11:8080 10\.0\.0\.12:8080", f"127.0.0.1:{server.port}")
        self.replace(r"health_port 8081", f"health_port {server.admin_port}")
        self.replace(r"health_interval 1s", "health_interval 200ms")
        self.replace(r"read_timeout 60s", f"read_timeout {self.timeout_ms}ms")

    def command(self):
        return ["caddy", "run", "--config", self.config, "--adapter", "caddyfile"]


class CurlStream:
    """A stream by curl, so with HTTP/2 where that is asked for. Lines of the body as they come."""

    def __init__(self, proxy, path, version, headers=(), address="127.0.0.1"):
        self.head_path = proxy.folder / f"head-{id(self)}"
        argv = ["curl", "-sN", f"--http{version}", "--cacert", str(proxy.ca), "-D", str(self.head_path),
                "--resolve", f"{NAME}:{proxy.port}:127.0.0.1", "--interface", address]
        for header in headers:
            argv += ["-H", header]
        self._child = subprocess.Popen(bound([*argv, proxy.url + path]),
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def await_line(self, line):
        """Reads up to that line, which must come."""
        while True:
            found = self._child.stdout.readline()
            assert found, f"the stream ended before {line!r}"
            if found.rstrip(b"\n") == line.encode():
                return

    def head(self):
        """(protocol and status, {name: value})"""
        first, *lines = self.head_path.read_text("latin-1").rstrip().splitlines()
        return first, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def close(self):
        self._child.kill()
        self._child.wait()
        self._child.stdout.close()
