"""The API: formats, errors, and a document that says all of it."""

import csv
import io
import json
import re

import pytest

from kbserver.console.api import ROOT, document
from kbserver.console.tables import ACTIONS, RESOURCES

from .conftest import NOW, VIEW, turn


def test_rows_come_as_json_as_json_lines_and_as_csv(web, fill):
    fill(turn(1, at=NOW - 60), turn(2, at=NOW - 30, query='=cmd("x")'))
    whole = web("GET", "/api/v1/turns").json()
    assert [one["id"] for one in whole["turns"]] == [f"{n:020x}" for n in (2, 1)]
    lines = web("GET", "/api/v1/turns?format=jsonl")
    assert lines.headers["content-type"] == "application/jsonl"
    assert [json.loads(one) for one in lines.text.splitlines()] == whole["turns"]
    table = web("GET", "/api/v1/turns?format=csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    first, _ = csv.DictReader(io.StringIO(table.text, newline=""))
    assert (first["query"], first["document"]) == ('\'=cmd("x")', "router/reset.md")


def test_a_row_with_lists_becomes_a_line_of_csv(web, fill):
    fill(turn(1, at=NOW - 60))
    table = web("GET", "/api/v1/calls?format=csv")
    (row,) = csv.DictReader(io.StringIO(table.text, newline=""))
    assert json.loads(row["routes"]) == ["*"]
    assert json.loads(row["newest"])[0]["outcome"] == "full"


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("turns?rout=x", "rout"),
        ("turns?format=xml", "format"),
        ("summary?format=csv", "format"),
        ("turns?cursor=x", "cursor"),
        ("turns?since=1y", "since"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_an_error_with_its_name(web, path, param):
    answer = web("GET", f"/api/v1/{path}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400,
        "parameter",
        param,
    )


def test_what_is_not_there_is_an_error_in_json(web):
    for path in ("turns/0", "calls/0", "nothing"):
        answer = web("GET", f"/api/v1/{path}")
        assert answer.status_code == 404 and "error" in answer.json()


def test_a_search_without_words_says_how_to_keep_them(web, fill):
    fill(turn(1, at=NOW - 60))
    answer = web("GET", "/api/v1/turns?search=router")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "no_words")


def test_the_document_names_every_path_with_its_parameters(web):
    found = web("GET", f"{ROOT}/openapi.json", token=VIEW).json()
    assert found == json.loads(json.dumps(document(RESOURCES, ACTIONS)))
    assert found["openapi"] == "3.1.0"
    named = {
        (re.sub(r"\{(\w+):\w+\}", r"{\1}", one.path), "get") for one in RESOURCES
    } | {
        (re.sub(r"\{(\w+):\w+\}", r"{\1}", one.path), one.method.lower())
        for one in ACTIONS
    }
    there = {(path, way) for path, ways in found["paths"].items() for way in ways}
    assert {(f"/{path}", way) for path, way in named} == there
    names = [
        operation["operationId"]
        for ways in found["paths"].values()
        for operation in ways.values()
    ]
    assert len(names) == len(set(names))
    turns = found["paths"]["/turns"]["get"]["parameters"]
    assert {one["name"] for one in turns} >= {"since", "route", "cursor", "format"}
