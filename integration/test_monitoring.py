"""The dashboard and the alert rules of deploy/ speak of what runnel counts, and promtool understands them."""

import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
RULES = ROOT / "deploy/prometheus/rules.yaml"
RULES_TEST = ROOT / "deploy/prometheus/rules_test.yaml"
DASHBOARD = json.loads((ROOT / "deploy/grafana/runnel.json").read_text("utf-8"))

# What every time series has beside the labels of metrics.def.
COMMON_LABELS = {"namespace", "job", "instance", "version", "le"}
OWNER_LABELS = {"PROCESS": set(), "SOURCE": {"source"}, "ROUTE": {"source", "route"}}
HISTOGRAM = ("_bucket", "_count", "_sum")
# Grafana's variables, as they stand in expressions.
VARIABLES = {"$__rate_interval": "5m", "$__range": "3h", "$namespace": ".*", "$instance": ".*"}


def read_definitions():
    """{metric: {label: its values, None where anything may be}} of metrics.def."""
    text = (ROOT / "src/observability/metrics.def").read_text("utf-8")
    labels = {label: (name, set(re.findall(rf'^VALUE\({label}, \w+, "([^"]+)"\)', text, re.MULTILINE)))
              for label, name in re.findall(r'^LABEL\(\w+, (\w+), "(\w+)"\)', text, re.MULTILINE)}
    metrics = {name: {} for name in re.findall(r'^SYSTEM\(\w+, "(\w+)"', text, re.MULTILINE)}
    rows = re.findall(r'^METRIC\(\w+, "(\w+)", (\w+), (\w+), (\w+),', text, re.MULTILINE)
    for name, kind, owner, label in rows:
        known = dict.fromkeys(OWNER_LABELS[owner])
        if label != "NONE":
            known[labels[label][0]] = labels[label][1]
        for series in [name + suffix for suffix in HISTOGRAM] if kind == "SECONDS" else [name]:
            metrics[series] = known
    return metrics


def panels():
    return [p for p in DASHBOARD["panels"] if p["type"] != "row"]


def dashboard_expressions():
    found = [t["expr"] for p in panels() for t in p["targets"]]
    found += [a["expr"] for a in DASHBOARD["annotations"]["list"]]
    queries = [v["query"]["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
    return found + [re.fullmatch(r"label_values\((.*), \w+\)", q)[1] for q in queries]


def rules_text():
    return RULES.read_text("utf-8")


def mistakes(text, metrics):
    """Metrics, labels and values in `text` that do not exist."""
    for name, selector in re.findall(r"\b((?:runnel|process)_\w+)(?:\{([^}]*)\})?", text):
        if name not in metrics:
            yield f"no metric {name}"
            continue
        for label, operator, value in re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', selector):
            known = metrics[name].get(label)
            if label in COMMON_LABELS:
                continue
            if label not in metrics[name]:
                yield f"{name} has no label {label}"
            elif known is not None and not set(value.split("|") if "~" in operator else [value]) <= known:
                yield f"{name} has no {label} {value}"


def test_metrics_labels_and_values_of_the_dashboard_exist():
    metrics = read_definitions()
    assert len(dashboard_expressions()) > 50
    assert [m for e in dashboard_expressions() for m in mistakes(e, metrics)] == []


def test_metrics_labels_and_values_of_the_rules_exist():
    metrics = read_definitions()
    for name in [m for m in metrics if m.endswith("_bucket")]:
        metrics[name.removesuffix("_bucket")] = {}  # what the descriptions call it
    used = set(re.findall(r"\brunnel_\w+", rules_text()))
    assert len(used) > 20
    assert list(mistakes(rules_text(), metrics)) == []
    assert list(mistakes(RULES_TEST.read_text("utf-8"), metrics)) == []


@pytest.mark.parametrize("wrong", ["runnel_stream", 'runnel_streams{reason="slow"}', "runnel_delivery_seconds",
                                   'runnel_gaps_total{reason=~"slow|sloww"}', 'runnel_gaps_total{reason!="x"}'])
def test_a_misspelt_name_is_found(wrong):
    assert list(mistakes(f"rate({wrong}[5m])", read_definitions())) != []


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_are_valid():
    promtool("check", "rules", str(RULES))


def test_rules_fire_as_their_tests_say():
    promtool("test", "rules", str(RULES_TEST))


def test_every_rule_has_a_test_that_fires_it():
    alerts = re.findall(r"- alert: (\w+)", rules_text())
    tested = re.findall(r'alertname="(\w+)"', RULES_TEST.read_text("utf-8"))
    assert len(alerts) == len(set(alerts))
    assert set(alerts) == set(tested)


def test_every_rule_says_what_it_means():
    for rule in re.split(r"\n\s*- alert: ", rules_text())[1:]:
        name = rule.partition("\n")[0]
        assert re.search(r"severity: (critical|warning|info) ", rule), name
        assert "summary: " in rule and "description: " in rule, name


def test_every_expression_of_the_dashboard_parses(tmp_path):
    """As recording rules, with Grafana's variables replaced."""
    rules = []
    for number, expression in enumerate(dashboard_expressions()):
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression
        rules.append({"record": f"expression:{number}", "expr": expression})
    path = tmp_path / "rules.yaml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    promtool("check", "rules", str(path))


def test_panels_of_the_dashboard_have_ids_of_their_own_and_do_not_overlap():
    ids = [p["id"] for p in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_dashboard_works_with_any_data_source():
    variables = [v["name"] for v in DASHBOARD["templating"]["list"]]
    assert variables == ["datasource", "namespace", "instance"]
    for panel in panels():
        assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}", panel["title"]
            assert "$instance" in target["expr"] and "$namespace" in target["expr"], panel["title"]
