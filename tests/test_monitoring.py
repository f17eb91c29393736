"""The rules and the dashboard in deploy/ read metrics that the server has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kbserver.endpoint.app import KBServer
from kbserver.settings import read_settings

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERTS = DEPLOY / "alerts.yml"
DASHBOARD = DEPLOY / "grafana.json"


def rules() -> list[dict]:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    return group["rules"]


def panels() -> list[dict]:
    return json.loads(DASHBOARD.read_text())["panels"]


def expressions() -> Iterator[str]:
    for rule in rules():
        yield rule["expr"]
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (one["expr"] for one in board["annotations"]["list"])
    yield from (
        one["definition"] for one in board["templating"]["list"] if "definition" in one
    )


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """The labels of every sample the server can have, by name."""
    server = KBServer(read_settings(store=tmp_path_factory.mktemp("store"), open=True))
    found = {}
    for metric in server.metrics.registry.collect():
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
        for ending in endings.get(metric.type, [""]):
            found[metric.name + ending] = set()
        for sample in metric.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_metric_that_is_read_is_one_of_the_server(samples):
    read = {
        name
        for expression in expressions()
        for name in re.findall(r"\b(?:kbserver|process)_\w+", expression)
    }
    assert len(read) > 20
    assert read - set(samples) == set()


def test_every_label_that_is_read_is_one_of_the_server(samples):
    server_labels = {label for labels in samples.values() for label in labels}
    used = {
        label
        for expression in expressions()
        for label in re.findall(r"(\w+)\s*(?:=~|!=|=)\s*\"", expression)
    }
    assert used <= server_labels | {"instance", "job", "route", "result", "corpus"}


def test_an_alert_says_what_to_do_and_how_soon():
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert len(rule["annotations"]["summary"]) > 15, rule["alert"]
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names))


def test_panels_have_places_of_their_own():
    taken = set()
    for panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, panel["title"]
                taken.add((x, y))
    assert len({panel["id"] for panel in panels()}) == len(panels())


promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not installed (Debian: apt install prometheus)",
)


@promtool
def test_promtool_reads_the_rules():
    checked = subprocess.run(
        ["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr + checked.stdout


@promtool
def test_promtool_reads_every_expression_of_the_dashboard(tmp_path):
    """As rules; Grafana's variables stand where a pattern may."""
    lines = [
        expression
        for expression in expressions()
        if not expression.startswith("label_values")
    ]
    rules = [
        {"record": f"test:{number}", "expr": line.replace("$", "x")}
        for number, line in enumerate(lines)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "test", "rules": rules}]}))
    checked = subprocess.run(
        ["promtool", "check", "rules", str(file)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr + checked.stdout


@promtool
def test_promtool_reads_the_page(tmp_path):
    server = KBServer(read_settings(store=tmp_path, open=True))
    page, _ = server.metrics.page()
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True
    )
    assert checked.returncode == 0, checked.stderr.decode()
