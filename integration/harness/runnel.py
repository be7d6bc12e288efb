"""runnel itself: a config from a dict, its ports, its end without any complaint."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess

from . import http
from .ports import free_port
from .process import Process
from .waiting import wait_for

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("RUNNEL_BIN", str(ROOT / "build/dev/src/main/runnel"))

_COMPLAINT = re.compile(r"(Address|Leak|Thread|UndefinedBehavior|Memory)Sanitizer|runtime error:|Assertion .* failed")
_SAMPLE = re.compile(r'^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$')


def write_config(path, config):
    """JSON is YAML, and quotes everything that is text."""
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def run_command(*argv, env=None, patience=60):
    """A command of runnel that ends by itself."""
    return subprocess.run([BINARY, *[str(a) for a in argv]], capture_output=True, text=True, timeout=patience,
                          env={**os.environ, **(env or {})}, check=False)


class Runnel(Process):
    """
    `sections` are the top-level keys of the config, laid over free loopback ports and two workers. `start()` returns
    when it is ready, so its brokers must be up; `start_unready()` when it serves.
    """

    def __init__(self, folder, env=None, **sections):
        assert os.access(BINARY, os.X_OK), f"{BINARY} is not there: build it, or say RUNNEL_BIN=…"
        self.port, self.admin_port = free_port(), free_port()
        # A test's end waits for the drain of its streams.
        config = {
            "stream": {"drain": "100ms", "drain_delay": "0ms"} | sections.pop("stream", {}),
            "http": {"listen": f"127.0.0.1:{self.port}", "workers": 2} | sections.pop("http", {}),
            "admin": {"listen": f"127.0.0.1:{self.admin_port}"} | sections.pop("admin", {}),
        } | sections
        self.config = config
        self.config_path = write_config(folder / f"runnel-{self.port}.yaml", config)
        super().__init__([BINARY, "serve", "-c", self.config_path], folder / f"runnel-{self.port}.log", env)

    def start(self):
        return self.start_unready().await_ready()

    def start_process(self):
        """Returns at once."""
        return super().start()

    def start_unready(self):
        self.start_process()
        wait_for(self._serves, lambda: "runnel to serve\n" + self.log())
        return self

    def await_ready(self):
        wait_for(lambda: self.ready().status == 200, lambda: f"readiness\n{self.ready().text}\n{self.log()}")
        return self

    def await_down(self, component):
        """/readyz is 503 and names `component` as down."""
        def is_down():
            answer = self.ready()
            return answer.status == 503 and self.down_reason(component, answer.text) is not None

        wait_for(is_down, lambda: f"{component} to be down\n{self.ready().text}\n{self.log()}")

    def down_reason(self, component, text=None):
        """Why /readyz says that it is down; None where it does not."""
        for line in (text or self.ready().text).splitlines():
            state, _, rest = line.partition(" ")
            name, _, why = rest.partition(": ")
            if (state, name) == ("down", component):
                return why
        return None

    def _serves(self):
        assert self.is_running(), f"runnel ended with {self.wait()}\n{self.log()}"
        try:
            return self.admin("/healthz").status == 200
        except OSError:
            return False

    def reload(self, **sections):
        """
        Lays `sections` over the config, as one step for whoever reads the file, and asks for a reload. Returns when
        it is done: True where the new config serves, False where it was refused and the old one does.
        """
        before = self._reloads()
        self.config |= sections
        write_config(self.config_path.with_suffix(".new"), self.config).replace(self.config_path)
        self.signal(signal.SIGHUP)
        return self._await_reload(before)

    def reload_file(self):
        """The same for the file as it stands."""
        before = self._reloads()
        self.signal(signal.SIGHUP)
        return self._await_reload(before)

    def _reloads(self):
        return {result: self.metric("runnel_config_reloads_total", result=result) for result in ("success", "failure")}

    def _await_reload(self, before):
        wait_for(lambda: self._reloads() != before, lambda: "the reload\n" + self.log())
        return self._reloads()["failure"] == before["failure"]

    def admin(self, path, **kwargs):
        return http.request(self.admin_port, path, **kwargs)

    def get(self, path, **kwargs):
        """A whole answer of the public port; not for streams."""
        return http.request(self.port, path, **kwargs)

    def ready(self):
        return self.admin("/readyz")

    def publish(self, topic, payload, token=None):
        """Through the http source; back when the log has it. Asserts that it was taken."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.admin(f"/publish/{topic}", method="POST", body=payload, headers=headers)
        assert answer.status == 200, answer
        return json.loads(answer.body)["events"]

    def metrics(self):
        """{name or name{labels}: value}"""
        samples = {}
        for line in self.admin("/metrics").text.splitlines():
            match = _SAMPLE.match(line)
            if match:
                labels = f"{{{match['labels']}}}" if match["labels"] else ""
                samples[match["name"] + labels] = float(match["value"])
        return samples

    def metric(self, name, **labels):
        """The sum of a metric's samples that carry `labels`."""
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(value for sample, value in self.metrics().items()
                   if sample.partition("{")[0] == name and all(label in sample for label in wanted))

    def assert_clean(self):
        complaint = _COMPLAINT.search(self.log())
        assert complaint is None, self.log()[max(0, complaint.start() - 200):][:8000]

    def end(self):
        """The end that every test checks: a clean exit on SIGTERM, unless the test ended it itself."""
        if self._child is None:
            return
        try:
            if self.is_running():
                with contextlib.suppress(ProcessLookupError):
                    self.resume()
                try:
                    status = self.stop()
                except subprocess.TimeoutExpired:
                    raise AssertionError("runnel did not end on SIGTERM\n" + self.log()) from None
                assert status == 0, f"exit status {status}\n{self.log()}"
        finally:
            super().end()
            self.assert_clean()
