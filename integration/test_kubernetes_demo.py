"""
deploy/kubernetes/demo without a cluster: its own processes, configs and probes, side by side on this machine.
"""

import re
import subprocess

import pytest
import yaml

from harness import http
from harness.config_map import ConfigMapVolume
from harness.manifests import KUBERNETES, config_of, of_kind, pods, render, runnel_container
from harness.ports import free_port
from harness.process import Process
from harness.waiting import wait_for

pytestmark = pytest.mark.manifests


class Demo:
    """Its processes on this machine: what is rendered, with loopback for the names of the Services."""

    def __init__(self, folder, new_runnel):
        self.manifests = render(KUBERNETES / "demo")
        self._folder, self._new_runnel = folder, new_runnel
        self.ports = {"redis": free_port(), "mosquitto": free_port()}
        self.processes = []

    def here(self, text):
        for name, port in self.ports.items():
            text = re.sub(rf"\b{name}:\d+", f"127.0.0.1:{port}", text)
        return text

    def config(self, deployment):
        config = yaml.safe_load(self.here(config_of(self.manifests, pods(self.manifests)[deployment])))
        del config["http"]["listen"], config["admin"]["listen"]
        return config

    def runnel(self, deployment):
        return self._new_runnel(**self.config(deployment))

    def start(self, deployment, container, arrange):
        [words] = [c["args"] for c in pods(self.manifests)[deployment]["spec"]["containers"] if c["name"] == container]
        self.processes.append(Process(arrange(words), self._folder / f"{container}.log", cwd=self._folder))
        return self.processes[-1].start()

    def start_brokers(self):
        conf = self._folder / "mosquitto.conf"
        [data] = [m["data"] for m in of_kind(self.manifests, "ConfigMap") if "mosquitto.conf" in m["data"]]
        listener = f"listener {self.ports['mosquitto']} 127.0.0.1"
        conf.write_text("user root\n" + data["mosquitto.conf"].replace("listener 1883", listener))
        self.start("mosquitto", "mosquitto", lambda words: [*words[:-1], conf])
        return self.start("redis", "redis", lambda words: [
            *(str(self.ports["redis"]) if word == "6379" else word for word in words), "--bind", "127.0.0.1"])

    def start_samples(self):
        for container, name in (("orders", "redis"), ("temperatures", "mosquitto")):
            def arrange(words, name=name):
                at = words.index("-h") + 1
                assert words[at] == name
                return [*words[:at], "127.0.0.1", "-p", self.ports[name], *words[at + 1:]]
            self.start("samples", container, arrange)

    def publish(self, text):
        subprocess.run(["redis-cli", "-p", str(self.ports["redis"]), "PUBLISH", "orders.north.paid", text], check=True)

    def end(self):
        for process in reversed(self.processes):
            process.end()

    def probe(self, runnel, deployment, kind):
        """What the kubelet would see."""
        get = runnel_container(pods(self.manifests)[deployment])[kind]["httpGet"]
        return http.request({"admin": runnel.admin_port, "http": runnel.port}[get["port"]], get["path"]).status


@pytest.fixture
def demo(tmp_path, new_runnel):
    made = Demo(tmp_path, new_runnel)
    yield made
    made.end()


def test_demo(demo, subscribe):
    """Samples come through; each probe means what it is for."""
    redis = demo.start_brokers()
    ingest, edge = demo.runnel("runnel-ingest").start(), demo.runnel("runnel-edge").start()
    demo.start_samples()
    stream = subscribe(edge, "orders/north", "lines/7/temperature")
    stream.wait(lambda s: {"paid", "temperature"} <= set(s.types()))

    def probes(kind):
        return [demo.probe(ingest, "runnel-ingest", kind), demo.probe(edge, "runnel-edge", kind)]

    assert probes("startupProbe") == probes("livenessProbe") == probes("readinessProbe") == [200, 200]
    redis.stop()
    ingest.await_down("replay log")
    edge.await_down("replay log")
    assert probes("livenessProbe") == [200, 200], "a restart would mend nothing"
    assert probes("readinessProbe") == [503, 200], "clients are kept, and new ones taken"


def test_a_changed_config_map_is_applied_without_a_restart(demo, tmp_path, subscribe):
    demo.start_brokers()
    ingest = demo.runnel("runnel-ingest")
    volume = ConfigMapVolume(tmp_path / "etc-runnel", "runnel.yaml")
    before = ingest.config_path.read_text(encoding="utf-8")
    volume.write(before)
    ingest.argv[-1] = str(volume.file)
    ingest.start()
    stream = subscribe(ingest, "orders/north", "shops/north").await_live()
    demo.publish("one")
    stream.await_messages(1)
    volume.write(before.replace("orders/{shop}", "shops/{shop}"))
    wait_for(lambda: ingest.metric("runnel_config_reloads_total", result="success") == 1, ingest.log)
    demo.publish("two")
    assert stream.await_messages(2) == [("paid", "one"), ("paid", "two")]
    volume.write("routes: [nonsense]")
    wait_for(lambda: ingest.metric("runnel_config_last_reload_successful") == 0, ingest.log)
    demo.publish("three")
    assert stream.await_messages(3)[2] == ("paid", "three")
    assert stream.opens == 1 and demo.probe(ingest, "runnel-ingest", "readinessProbe") == 200


def test_a_pod_that_never_reached_the_log_gets_no_clients(demo):
    """So an update to a config with a wrong password stops there."""
    edge = demo.runnel("runnel-edge").start_unready()
    assert demo.probe(edge, "runnel-edge", "startupProbe") == 200
    assert demo.probe(edge, "runnel-edge", "livenessProbe") == 200
    assert demo.probe(edge, "runnel-edge", "readinessProbe") == 503
