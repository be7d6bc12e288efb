"""deploy/compose.yaml, without an engine: by the Compose Specification's schema, and what its words lead to."""

import copy
import json
import re

import jsonschema
import pytest
import yaml

from harness.manifests import KUBERNETES, TOOLS, pods, render
from harness.ports import free_port
from harness.runnel import ROOT, run_command

pytestmark = pytest.mark.manifests

FOLDER = ROOT / "deploy"


@pytest.fixture
def compose():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator():
    schema = json.loads((TOOLS / "node_modules/dclint/schemas/compose.schema.json").read_text(encoding="utf-8"))
    return jsonschema.Draft7Validator(schema)


def misspelt(compose):
    """A copy for each key of a service, with that misspelt."""
    for name, service in compose["services"].items():
        for key in service:
            copied = copy.deepcopy(compose)
            copied["services"][name][key + "z"] = copied["services"][name].pop(key)
            yield copied


def test_schema(validator, compose):
    validator.validate(compose)


def test_every_misspelt_key_is_found(validator, compose):
    copies = list(misspelt(compose))
    assert len(copies) > 15
    assert not any(validator.is_valid(copied) for copied in copies)


def test_what_it_names_is_there(compose):
    services = compose["services"]
    build = services["runnel"]["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).is_file()
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            assert (FOLDER / volume.split(":")[0]).exists()
        for port in service.get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), "for this machine only"


def test_images_are_those_of_the_demo(compose):
    demo = {container["image"] for pod in pods(render(KUBERNETES / "demo")).values()
            for container in pod["spec"]["containers"] if not container["image"].startswith("runnel:")}
    assert {service["image"] for service in compose["services"].values() if "build" not in service} == demo


def test_runnel_with_its_words(compose, new_redis, new_mosquitto, tmp_path, new_runnel):
    """The command and the environment that it gets, with loopback for the names of the services."""
    runnel = compose["services"]["runnel"]
    [volume] = runnel["volumes"]
    source, target, _ = volume.split(":")
    path = runnel["command"][-1].replace(target, str(FOLDER / source))
    brokers = {"redis": new_redis().start(), "mosquitto": new_mosquitto().start()}
    names = {key: value for key, value in runnel["environment"].items() if value in brokers}
    assert len(names) == len(brokers)
    env = runnel["environment"] | {"RUNNEL_HTTP_PORT": str(free_port()), "RUNNEL_ADMIN_PORT": str(free_port())}
    for key, name in names.items():
        env |= {key: "127.0.0.1", key.replace("HOST", "PORT"): str(brokers[name].port)}
    checked = run_command("check", "-c", path, env=env)
    assert checked.returncode == 0, checked.stderr
    process = new_runnel(env=env)
    process.argv[-1] = path
    process.port, process.admin_port = int(env["RUNNEL_HTTP_PORT"]), int(env["RUNNEL_ADMIN_PORT"])
    process.start()
    check = runnel["healthcheck"]["test"]
    assert check[:3] == ["CMD", "/usr/bin/runnel", "health"]
    here = check[3].replace("8081", str(process.admin_port))
    assert run_command("health", here).returncode == 0
