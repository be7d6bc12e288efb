"""The manifests of deploy/kubernetes: rendered by kubectl, checked against the types of the Kubernetes API."""

import copy
import functools
import json
import subprocess

import yaml

from .runnel import ROOT

KUBERNETES = ROOT / "deploy/kubernetes"
TOOLS = ROOT / "integration/manifests"
# Below these a manifest may hold any keys.
_FREE = {"annotations", "data", "labels", "limits", "matchLabels", "requests"}


def typecheck(manifests):
    """What the types of the API say against them: a list of {"index", "problem"}."""
    done = subprocess.run(["node", TOOLS / "typecheck.mjs"], input=json.dumps(manifests), text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@functools.cache
def _render(folder):
    done = subprocess.run([TOOLS / "node_modules/.bin/kubectl", "kustomize", folder], text=True, capture_output=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return list(yaml.safe_load_all(done.stdout))


def render(folder):
    """A list of manifests, the caller's own."""
    return copy.deepcopy(_render(folder))


def of_kind(manifests, kind, name=None):
    return [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]


def one(manifests, kind, name):
    [found] = of_kind(manifests, kind, name)
    return found


def pods(manifests):
    """The pod templates of all Deployments by the Deployments' names."""
    return {m["metadata"]["name"]: m["spec"]["template"] for m in of_kind(manifests, "Deployment")}


def runnel_container(pod):
    [container] = [c for c in pod["spec"]["containers"] if c["name"] == "runnel"]
    return container


def is_selected(labels, selector):
    return selector.items() <= labels.items()


def config_of(manifests, pod):
    """runnel's config in the pod's config map, as text."""
    [name] = [v["configMap"]["name"] for v in pod["spec"]["volumes"] if v["name"] == "config"]
    return one(manifests, "ConfigMap", name)["data"]["runnel.yaml"]


def mappings(node, path=()):
    """Pairs of a path and each mapping there whose keys have a meaning."""
    if isinstance(node, list):
        for item in node:
            yield from mappings(item, path + ("[]",))
    elif isinstance(node, dict) and not is_free(path):
        yield path, node
        for key, value in node.items():
            yield from mappings(value, path + (key,))


def is_free(path):
    # A Service's selector is a map of labels, others' have keys.
    return bool(path) and (path[-1] in _FREE or path == ("Service", "spec", "selector"))


def misspelt(manifests):
    """Copies with one key misspelt each, every key at every kind of place once: pairs of the place and the copy."""
    seen = set()
    for manifest in manifests:
        for path, mapping in mappings(manifest, (manifest["kind"],)):
            for key in list(mapping):
                place = ".".join(path + (key,))
                if place not in seen:
                    seen.add(place)
                    yield place, with_key_renamed(manifest, mapping, key)


def with_key_renamed(manifest, mapping, key):
    mapping[key + "z"] = mapping.pop(key)
    renamed = copy.deepcopy(manifest)
    mapping[key] = mapping.pop(key + "z")
    return renamed
