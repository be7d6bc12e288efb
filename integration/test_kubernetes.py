"""
deploy/kubernetes, as far as it goes without a cluster: rendered, checked against the API's types, consistent with
itself and with what runnel does; and the demo's own processes, run side by side on this machine.
"""

import math
import re
import shutil
import subprocess

import pytest
import yaml

from harness import http
from harness.manifests import (KUBERNETES, config_of, is_selected, misspelt, of_kind, one, pods, render, typecheck)
from harness.ports import free_port
from harness.process import Process
from harness.runnel import ROOT, run_command
from harness.waiting import wait_for

pytestmark = pytest.mark.manifests

OVERLAYS = ["demo", "production"]
RUNNELS = [(overlay, name) for overlay in OVERLAYS for name in ("runnel-edge", "runnel-ingest")]
SECRETS = "/run/secrets/runnel/"


def overlay(name):
    return render(KUBERNETES / name)


def with_component(tmp_path, name):
    """The production overlay with a component on it, as a user's own overlay has it."""
    folder = tmp_path / "deploy"
    shutil.copytree(KUBERNETES, folder)
    (folder / "mine").mkdir()
    (folder / "mine/kustomization.yaml").write_text(
        f"resources: [../production]\ncomponents: [../components/{name}]\n")
    return render(folder / "mine")


def runnel_container(pod):
    [container] = [c for c in pod["spec"]["containers"] if c["name"] == "runnel"]
    return container


def seconds(text):
    """Of a duration in runnel's config."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit]


def mebibytes(text):
    """Of a size in runnel's config or in Kubernetes' words."""
    number, unit = re.fullmatch(r"(\d+)([KMG])i?", text).groups()
    return int(number) * {"K": 1 / 1024, "M": 1, "G": 1024}[unit]


def setting(config, key):
    """A key's value in a config, or its default by the reference."""
    section, name = key.split(".")
    reference = (ROOT / "config/reference.md").read_text(encoding="utf-8").split(f"\n## {section}\n")[1]
    default = re.search(rf"^\| `{name}` \|.*?\| `([^`|]+)` \| [^|]*\|$", reference, re.MULTILINE)[1]
    return config.get(section, {}).get(name, default)


# Types


def test_types(tmp_path):
    """All at once: the compiler takes longer to start than to check."""
    rendered = {name: overlay(name) for name in OVERLAYS}
    rendered |= {name: with_component(tmp_path / name, name) for name in ("gateway", "scale-by-streams")}
    names, manifests = zip(*((name, manifest) for name, all_of_it in rendered.items() for manifest in all_of_it))
    assert [(names[problem["index"]], problem["problem"]) for problem in typecheck(manifests)] == []


def test_every_misspelt_key_is_found():
    places, manifests = zip(*misspelt(overlay("demo") + overlay("production")))
    assert len(places) > 200
    found = {places[problem["index"]] for problem in typecheck(manifests)}
    assert set(places) - found == set()


# runnel's own config


@pytest.mark.parametrize("name, deployment", RUNNELS)
def test_config_is_good(tmp_path, name, deployment):
    """Its secrets are files of the mounted Secret; with those there, `runnel check` finds nothing."""
    manifests = overlay(name)
    pod = pods(manifests)[deployment]
    text = config_of(manifests, pod)
    mounts = {mount["mountPath"]: mount["name"] for mount in runnel_container(pod)["volumeMounts"]}
    assert mounts["/etc/runnel"] == "config"
    for path in re.findall(r"_file: (\S+)", text):
        assert path.startswith(SECRETS) and mounts[SECRETS.rstrip("/")] == "secrets"
        (tmp_path / path.removeprefix(SECRETS)).write_text("secret\n")
    assert not re.search(r"\b(password|token):", text)
    config = tmp_path / "runnel.yaml"
    config.write_text(text.replace(SECRETS, f"{tmp_path}/"))
    checked = run_command("check", "-c", config)
    assert checked.returncode == 0, checked.stderr


def test_the_secret_that_is_asked_for_has_what_the_configs_want():
    manifests = overlay("production")
    wanted = {path for name in ("runnel-edge", "runnel-ingest")
              for path in re.findall(rf"_file: {SECRETS}(\S+)", config_of(manifests, pods(manifests)[name]))}
    command = (KUBERNETES / "production/pod.yaml").read_text()
    assert set(re.findall(r"--from-file=(\S+)", command)) == wanted


@pytest.mark.parametrize("name, deployment", RUNNELS)
def test_ports_are_those_of_the_config(name, deployment):
    manifests = overlay(name)
    pod = pods(manifests)[deployment]
    config = yaml.safe_load(config_of(manifests, pod))
    ports = {port["name"]: f":{port['containerPort']}" for port in runnel_container(pod)["ports"]}
    listens = {"admin": config["admin"]["listen"], "http": config["http"]["listen"]}
    assert ports == {key: value for key, value in listens.items() if not value.startswith("127.")}
    assert ("http" in ports) == (deployment == "runnel-edge")


@pytest.mark.parametrize("name, deployment", RUNNELS)
def test_grace_period_holds_the_drain(name, deployment):
    manifests = overlay(name)
    pod = pods(manifests)[deployment]
    config = yaml.safe_load(config_of(manifests, pod))
    drain = sum(seconds(setting(config, key)) for key in ("stream.drain_delay", "stream.drain"))
    assert pod["spec"]["terminationGracePeriodSeconds"] >= drain + 10, "for the sources, and what hangs"


@pytest.mark.parametrize("name, deployment", RUNNELS)
def test_memory_limit_holds_what_the_config_allows(name, deployment):
    """The formula of deploy/README.md."""
    manifests = overlay(name)
    pod = pods(manifests)[deployment]
    config = yaml.safe_load(config_of(manifests, pod))
    workers = config["http"]["workers"]
    each = sum(mebibytes(setting(config, f"stream.{key}")) for key in ("tail_bytes", "page_bytes", "unsent_bytes"))
    connections = config["http"].get("connections", 5000) * 10 / 1024  # 10 KiB: runnel's 0.4, the kernel's the rest
    queue = 64 if "sources" in config else 0
    resources = runnel_container(pod)["resources"]
    assert mebibytes(resources["limits"]["memory"]) >= workers * each + connections + queue + 32
    assert resources["requests"]["memory"] == resources["limits"]["memory"] and "cpu" not in resources["limits"]


# One manifest and another


@pytest.mark.parametrize("name", OVERLAYS)
def test_services_lead_somewhere(name):
    manifests = overlay(name)
    for service in of_kind(manifests, "Service"):
        selected = [pod for pod in pods(manifests).values()
                    if is_selected(pod["metadata"]["labels"], service["spec"]["selector"])]
        assert selected, service["metadata"]["name"]
        for pod in selected:
            names = {port["name"] for container in pod["spec"]["containers"] for port in container.get("ports", [])}
            assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_clients_come_to_edges_only():
    manifests = overlay("production")
    [path] = one(manifests, "Ingress", "runnel")["spec"]["rules"][0]["http"]["paths"]
    service = one(manifests, "Service", path["backend"]["service"]["name"])
    assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    assert [name for name, pod in pods(manifests).items()
            if is_selected(pod["metadata"]["labels"], service["spec"]["selector"])] == ["runnel-edge"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_deployments_select_their_pods_and_no_others(name):
    manifests = overlay(name)
    for deployment in of_kind(manifests, "Deployment"):
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert [other for other, pod in pods(manifests).items()
                if is_selected(pod["metadata"]["labels"], selector)] == [deployment["metadata"]["name"]]


@pytest.mark.parametrize("name", OVERLAYS)
def test_volumes_are_there(name):
    manifests = overlay(name)
    for pod in pods(manifests).values():
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        mounted = {mount["name"] for container in pod["spec"]["containers"]
                   for mount in container.get("volumeMounts", [])}
        assert mounted == set(volumes)
        for volume in volumes.values():
            assert "configMap" not in volume or one(manifests, "ConfigMap", volume["configMap"]["name"])
        for container in pod["spec"]["containers"]:
            assert all("subPath" not in mount for mount in container.get("volumeMounts", [])), "would never be updated"


@pytest.mark.parametrize("name, deployment", RUNNELS)
def test_a_changed_config_reaches_the_pods_that_run(name, deployment):
    """The config map keeps its name, and is mounted as the folder in which the kubelet swaps it."""
    manifests = overlay(name)
    pod = pods(manifests)[deployment]
    assert {"name": "config", "configMap": {"name": deployment}} in pod["spec"]["volumes"]
    assert {"name": "config", "mountPath": "/etc/runnel", "readOnly": True} in runnel_container(pod)["volumeMounts"]


@pytest.mark.parametrize("name", OVERLAYS)
def test_pods_are_restricted(name):
    """The Pod Security Standard of that name, which the namespaces enforce, and a root that cannot be written."""
    manifests = overlay(name)
    [namespace] = of_kind(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for pod in pods(manifests).values():
        context = pod["spec"]["securityContext"]
        assert context["runAsNonRoot"] and context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod["spec"])
        for container in pod["spec"]["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            assert container["resources"]["limits"]["memory"]
        uses_a_token = pod["spec"].get("automountServiceAccountToken", True)
        account = pod["spec"].get("serviceAccountName")
        assert not uses_a_token or one(manifests, "ServiceAccount", account)["automountServiceAccountToken"] is False


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_image_is_this_version(name):
    version = run_command("--version").stdout.split()[1]
    user = re.search(r"^USER (\d+):(\d+)$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE).groups()
    for deployment in ("runnel-edge", "runnel-ingest"):
        pod = pods(overlay(name))[deployment]
        assert runnel_container(pod)["image"] == f"runnel:{version}"
        context = pod["spec"]["securityContext"]
        assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user


def test_network_policies_let_through_what_is_needed():
    manifests = overlay("production")
    for name, pod in pods(manifests).items():
        policies = [policy["spec"] for policy in of_kind(manifests, "NetworkPolicy")
                    if is_selected(pod["metadata"]["labels"], policy["spec"]["podSelector"]["matchLabels"])]
        assert {kind for policy in policies for kind in policy["policyTypes"]} == {"Ingress", "Egress"}
        goes = {port["port"] for policy in policies for rule in policy.get("egress", []) for port in rule["ports"]}
        config = config_of(manifests, pod)
        assert goes == {53} | {int(port) for port in re.findall(r"url: \S+:(\d+)", config)}
        comes = {port["port"] for policy in policies for rule in policy.get("ingress", []) for port in rule["ports"]}
        assert comes == {port["name"] for port in runnel_container(pod)["ports"]}


def test_autoscaler_and_disruption_budget_are_of_the_edges():
    manifests = overlay("production")
    autoscaler = one(manifests, "HorizontalPodAutoscaler", "runnel-edge")["spec"]
    edge = one(manifests, "Deployment", autoscaler["scaleTargetRef"]["name"])
    assert edge["metadata"]["name"] == "runnel-edge"
    assert "replicas" not in edge["spec"], "each apply would set it back"
    assert runnel_container(edge["spec"]["template"])["resources"]["requests"]["cpu"], "what the percentage is of"
    budget = one(manifests, "PodDisruptionBudget", "runnel-edge")["spec"]
    assert budget["selector"] == edge["spec"]["selector"]
    assert budget["maxUnavailable"] < autoscaler["minReplicas"]


def test_updates():
    """An edge more, never one less; never two that read the sources."""
    edge = one(overlay("production"), "Deployment", "runnel-edge")["spec"]
    assert edge["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    for name in OVERLAYS:
        ingest = one(overlay(name), "Deployment", "runnel-ingest")["spec"]
        assert ingest["replicas"] == 1 and ingest["strategy"] == {"type": "Recreate"}


def test_ingress_buffers_nothing_and_outlasts_the_heartbeat():
    manifests = overlay("production")
    prefix = "nginx.ingress.kubernetes.io/"
    annotations = {key.removeprefix(prefix): value
                   for key, value in one(manifests, "Ingress", "runnel")["metadata"]["annotations"].items()}
    # No type knows their names.
    assert set(annotations) == {"proxy-buffering", "proxy-read-timeout", "proxy-connect-timeout", "proxy-next-upstream"}
    config = yaml.safe_load(config_of(manifests, pods(manifests)["runnel-edge"]))
    assert annotations["proxy-buffering"] == "off"
    assert int(annotations["proxy-read-timeout"]) >= 3 * seconds(setting(config, "stream.heartbeat"))


def test_gateway_in_place_of_the_ingress(tmp_path):
    manifests = with_component(tmp_path, "gateway")
    assert of_kind(manifests, "Ingress") == []
    [rule] = one(manifests, "HTTPRoute", "runnel")["spec"]["rules"]
    [backend] = rule["backendRefs"]
    assert backend["port"] in {port["port"] for port in one(manifests, "Service", backend["name"])["spec"]["ports"]}
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}


def test_monitor_finds_the_metrics():
    manifests = overlay("production")
    monitor = one(manifests, "ServiceMonitor", "runnel")["spec"]
    [service] = [s for s in of_kind(manifests, "Service")
                 if is_selected(s["metadata"]["labels"], monitor["selector"]["matchLabels"])]
    [endpoint] = monitor["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    assert all(is_selected(pod["metadata"]["labels"], service["spec"]["selector"]) for pod in pods(manifests).values())


def test_alert_rules_are_those_of_prometheus():
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text(encoding="utf-8"))
    assert one(overlay("production"), "PrometheusRule", "runnel")["spec"] == rules, "run deploy/kubernetes/make-rules"


def test_the_metric_to_scale_by_exists(tmp_path, new_runnel):
    [autoscaler] = of_kind(with_component(tmp_path, "scale-by-streams"), "HorizontalPodAutoscaler")
    by_cpu, by_streams = autoscaler["spec"]["metrics"]
    assert by_cpu["type"] == "Resource"
    assert by_streams["pods"]["metric"]["name"] in new_runnel().start().metrics()


def test_the_operators_page_explains_what_is_set():
    """Each `key: value` on the left of its table is in the manifests or in runnel's config."""
    page = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    table = page.split("### Why it is set as it is")[1].split("\n\n")[1].splitlines()[2:]
    said = [words for row in table for words in re.findall(r"`([^`]+: [^`]+)`", row.split(" | ")[0])]
    assert len(said) > 20
    manifests = yaml.safe_dump(overlay("production"), width=math.inf)
    for words in said:
        words = re.sub(r"^(stream|http)\.", "", words)
        assert words.replace('"', "'") in manifests or words in manifests, words


# The demo, without a cluster


class Demo:
    """Its processes on this machine: what is rendered, with loopback for the names of the Services."""

    def __init__(self, folder, new_runnel):
        self.manifests = overlay("demo")
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


class ConfigMapVolume:
    """As the kubelet lays it out: each version in a folder of its own, and a link that is swapped for all files at once."""

    def __init__(self, folder, name):
        self.file = folder / name
        self._versions = 0
        folder.mkdir()
        self.file.symlink_to(f"..data/{name}")

    def write(self, text):
        folder = self.file.parent
        previous = [path for path in folder.glob("..version*")]
        self._versions += 1
        version = folder / f"..version{self._versions}"
        version.mkdir()
        (version / self.file.name).write_text(text, encoding="utf-8")
        (folder / "..data_tmp").symlink_to(version.name)
        (folder / "..data_tmp").rename(folder / "..data")
        for path in previous:
            shutil.rmtree(path)


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
