"""`kbserver query` and `kbserver routes`."""

import json
import subprocess
import sys

import pytest


def test_a_query_shows_the_context_the_hits_and_the_time_of_each_stage(kbserver, store):
    found = kbserver(
        "query", "how do i reset the router", "--label", "support", "--store", store
    )
    assert found.returncode == 0, found.stderr
    assert "ten seconds" in found.stdout and "router/reset.md" in found.stdout
    assert (
        "outcome full" in found.stdout
        and "lexical" in found.stdout
        and "embed" in found.stdout
    )


def test_a_script_gets_json_and_nothing_else_on_stdout(kbserver, store):
    found = kbserver(
        "query",
        "how do i cancel",
        "-l",
        "support",
        "--store",
        store,
        "--json",
        "--top-k",
        1,
        KBSERVER_DEADLINE_MS="5000",  # other tests want the cores as well
    )
    answer = json.loads(found.stdout)
    assert [hit["source"] for hit in answer["hits"]] == ["billing/cancel.txt"]
    assert set(answer["hits"][0]["arms"]) == {"lexical", "dense"}
    assert answer["trace"]["outcome"] == "full"


def test_an_unknown_label_is_answered_with_nothing_and_says_so(kbserver, store):
    found = kbserver("query", "how do i cancel", "--label", "sales", "--store", store)
    assert found.returncode == 0
    assert "(empty" in found.stdout and "unknown_label" in found.stdout
    assert (
        found.stderr
        == "the label 'sales' reaches nothing; give one that fits with --label: hotels, support\n"
    )


def test_routes_are_listed_in_order_and_one_label_is_explained(
    run, store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kbserver.toml").write_text(
        f"""store = "{store}"
[[routes]]
label = "billing-*"
corpora = ["support"]
min_score = 0.3
[[routes]]
label = "hotel-{{id}}"
corpora = ["hotels"]
scope = {{ folder = "hotels/{{id}}" }}
""",
        encoding="utf-8",
    )
    listed = run("routes").stdout.splitlines()
    assert listed[0].startswith("billing-*") and listed[1].startswith("hotel-{id}")
    explained = run("routes", "--explain", "hotel-7").stdout
    assert (
        "✗ billing-*" in explained
        and "✓ hotel-{id}" in explained
        and "'hotels/7'" in explained
    )
    assert "no route fits 'sales'" in run("routes", "--explain", "sales").stdout
    as_json = json.loads(run("routes", "--explain", "hotel-7", "--json").stdout)
    assert as_json["match"] == {
        "parameters": {"id": "7"},
        "scope": {"folder": "hotels/7"},
    }
    assert as_json["tried"][0]["settings"]["min_score"] == 0.3
    assert "min_score 0.035 (the default; hotels is not calibrated)" in explained
    assert "min_score 0.3" in run("routes", "--explain", "billing-1").stdout


def test_a_route_that_never_answers_is_named(run, store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    route = '[[routes]]\nlabel = "{}"\ncorpora = ["support"]\n'
    routes = route.format("*") + route.format("vip-*")
    (tmp_path / "kbserver.toml").write_text(f'store = "{store}"\n{routes}')
    said = run("routes").stderr
    assert "vip-* never answers: *, above it, fits the same labels" in said


@pytest.mark.parametrize(
    ("arguments", "code", "wanted"),
    [
        (["query", "x", "--store", "nowhere"], 3, "kbserver ingest"),
        (["routes", "--config", "missing.toml"], 2, "missing.toml"),
        (["query"], 2, "Missing argument"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_what_cannot_be_done_is_said_without_a_traceback(
    kbserver, arguments, code, wanted
):
    found = kbserver(*arguments)
    assert found.returncode == code
    assert wanted in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("argument", "wanted"), [("--version", "kbserver 0."), ("--help", "Usage")]
)
def test_it_runs_as_a_module(argument, wanted):
    command = [sys.executable, "-m", "kbserver", argument]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert wanted in found.stdout


def test_why_shows_what_was_heard_the_threshold_and_what_came_near(kbserver, store):
    arguments = ["query", "um how do i reset the router", "-l", "support", "--why"]
    found = kbserver(*arguments, "--store", store, "--min-score", 0.99)
    assert found.returncode == 0, found.stderr
    assert "outcome empty (below_min_score)" in found.stdout
    assert "heard        how do i reset the router" in found.stdout
    assert "min_score    0.990, of the route (or --min-score)" in found.stdout
    assert "too low   router/reset.md" in found.stdout
