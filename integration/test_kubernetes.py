"""
deploy/kubernetes, as far as it goes without a cluster: rendered, checked against the API's types, consistent with
itself and with what runnel does.
"""

import math
import re
import shutil

import pytest
import yaml

from harness.manifests import (
    KUBERNETES, config_of, is_selected, misspelt, of_kind, one, pods, render, runnel_container, typecheck)
from harness.runnel import ROOT, run_command

pytestmark = pytest.mark.manifests

OVERLAYS = ["demo", "production"]
RUNNELS = [(overlay, name) for overlay in OVERLAYS for name in ("runnel-edge", "runnel-ingest")]
SECRETS = "/run/secrets/runnel/"


def overlay(name):
    return render(KUBERNETES / name)


def overlay_of_ones_own(tmp_path, kustomization, **files):
    folder = tmp_path / "deploy"
    shutil.copytree(KUBERNETES, folder)
    (folder / "mine").mkdir()
    for name, text in {"kustomization": kustomization, **files}.items():
        (folder / f"mine/{name}.yaml").write_text(text)
    return render(folder / "mine")


def with_component(tmp_path, name):
    return overlay_of_ones_own(tmp_path, f"resources: [../production]\ncomponents: [../components/{name}]\n")


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
    bounds = ("tail_bytes", "page_bytes", "unsent_bytes", "mailbox_bytes")
    each = sum(mebibytes(setting(config, f"stream.{key}")) for key in bounds)
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


def test_the_operators_page_shows_a_good_overlay(tmp_path):
    page = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    shown = re.search(r"`deploy/kubernetes/mine/kustomization.yaml`:\n\n```yaml\n(.*?)```", page, re.DOTALL)[1]
    manifests = overlay_of_ones_own(tmp_path, shown, ingest="my: ingest\n", edge="my: edge\n")
    for name, pod in pods(manifests).items():
        assert runnel_container(pod)["image"].startswith("images.example.com/runnel:")
        assert config_of(manifests, pod) == f"my: {name.removeprefix('runnel-')}\n"
    ingress = one(manifests, "Ingress", "runnel")["spec"]
    assert ingress["rules"][0]["host"] == ingress["tls"][0]["hosts"][0] == "events.mine.example"


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
