"""`kbserver calls`, over a record of a test's own."""

import csv
import io
import json
import time

import pytest

from kbserver.cli import calls
from kbserver.errors import SettingsError, StoreError, StoreMissing
from kbserver.record.database import FILE, open_for_writing
from tests.cli.conftest import NOW, silent
from tests.record.conftest import turn


def test_turns_are_listed_oldest_first_with_how_they_ended(ask, fill):
    call = fill(turn(1, at=NOW - 90), silent(2, query="is it <b>free</b>"))
    first, second = ask("calls").stdout.splitlines()
    assert first.endswith(f"{1:020x}  {call}  *  full  0.80 router/reset.md")
    assert "call-1  *  empty (below_min_score)  near: 0.10 billing.md" in second
    assert "“is it <b>free</b>”" in second


def test_only_what_is_wanted_is_listed(ask, fill):
    fill(turn(1, at=NOW - 7200), silent(2), turn(3, at=NOW, route="vip-*"))

    def found(*options):
        lines = ask("calls", "--json", *options).stdout.splitlines()
        return [int(json.loads(line)["id"], 16) for line in lines]

    assert found() == [1, 2, 3]
    assert found("--since", "1h") == [2, 3]
    assert found("--outcome", "below_min_score") == [2]
    assert found("--route", "vip-*") == [3]
    assert found("--most", "1") == [3]
    assert "look further back than --since 1s" in ask("calls", "--since", "1s").stderr


def test_one_turn_is_shown_whole(ask, fill):
    fill(silent(2, query="um pay it", probe="doctor", leaned=True))
    assert "[kbserver doctor, no caller]" in ask("calls").stdout
    shown = ask("calls", f"{2:020x}").stdout
    for part in (
        "call call-1",
        "said       um pay it",
        "empty (below_min_score)   7.2 of 150 ms, in time   leaned",
        "searched   support, generation 000001-a: min_score 0.150 (default)",
        "near       0.100  billing.md  (p9)",
        "asked by kbserver doctor, no caller",
        "kbserver show p9",
    ):
        assert part in shown
    assert (
        json.loads(ask("calls", f"{2:020x}", "--json").stdout)["query"] == "um pay it"
    )


def test_a_call_is_all_its_turns(ask, fill):
    call = fill(turn(1, at=NOW), turn(2, at=NOW, label="call-2"), turn(3, at=NOW))
    assert len(ask("calls", call).stdout.splitlines()) == 2


def test_what_is_not_there_says_what_to_do(run, own_store, fill):
    with pytest.raises(StoreMissing, match="kbserver serve"):
        run("calls", "--store", str(own_store))
    fill(turn(1, at=NOW))
    with pytest.raises(StoreMissing, match="kbserver calls"):
        run("calls", "f" * 20, "--store", str(own_store))
    with pytest.raises(StoreError, match='mode = "words"'):
        run("calls", "--search", "router", "--store", str(own_store))
    with pytest.raises(SettingsError, match="no text in UTF-8"):
        run("calls", "--route", "\udcff", "--store", str(own_store))
    with pytest.raises(SettingsError, match="not a duration"):
        run("calls", "--since", "yesterday", "--store", str(own_store))


def test_exports_go_to_standard_output_or_a_file(ask, fill, tmp_path):
    fill(turn(1, at=NOW), turn(2, at=NOW))
    rows = list(csv.DictReader(io.StringIO(ask("calls", "--export", "csv").stdout)))
    assert [row["document"] for row in rows] == ["router/reset.md"] * 2
    file = tmp_path / "turns.jsonl"
    ask("calls", "--export", "jsonl", "--output", str(file))
    lines = file.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"{1:020x}", f"{2:020x}"]


def test_an_export_that_cannot_be_says_which_can(run, own_store, fill):
    fill(turn(1, at=NOW))
    with pytest.raises(SettingsError, match="jsonl, csv, parquet"):
        run("calls", "--export", "xml", "--store", str(own_store))
    with pytest.raises(SettingsError, match="--output"):
        run("calls", "--export", "parquet", "--store", str(own_store))


def test_a_forgotten_call_is_gone(ask, fill):
    fill(turn(1, at=NOW, query="my zyzzyva"), turn(2, at=NOW, label="call-2"))
    assert "1 turns of 'call-1' are erased" in ask("calls", "--forget", "call-1").stdout
    assert "no turn of 'call-1'" in ask("calls", "--forget", "call-1").stdout
    assert len(ask("calls").stdout.splitlines()) == 1


def test_following_goes_on_with_turns_as_they_come(fill, own_store, monkeypatch):
    from kbserver.record.database import open_for_reading
    from kbserver.record.turns import Wanted

    fill(turn(1), turn(2))
    coming = [(), (turn(3),), (turn(4), turn(5))]
    monkeypatch.setattr(time, "sleep", lambda seconds: fill(*coming.pop(0)))
    reader = open_for_reading(own_store / ".record")
    following = calls._following(reader, Wanted(), 1)
    assert [int(next(following)["id"], 16) for _ in range(4)] == [2, 3, 4, 5]
    reader.close()


def test_how_calls_ended_is_shown_where_it_was_told(ask, fill, own_store):
    call = fill(turn(1, at=NOW), turn(2, at=NOW, label="call-2"))
    connection = open_for_writing(own_store / ".record")
    connection.execute(
        "INSERT INTO feedback VALUES (?, '', ?, 'handed_over')", (call, NOW)
    )
    connection.close()
    result = ask("calls")
    assert [one.endswith("[handed over]") for one in result.stdout.splitlines()] == [
        True,
        False,
    ]
    assert "of 1 calls whose end was told: 100% handed over" in result.stderr
    assert "feedback   handed over" in ask("calls", f"{1:020x}").stdout


def test_a_record_that_is_damaged_within_is_said(run, fill, own_store):
    fill(*(turn(n, at=NOW) for n in range(200)))
    file = own_store / ".record" / FILE
    content = bytearray(file.read_bytes())
    content[8192:] = bytes([7]) * (len(content) - 8192)
    file.write_bytes(content)
    with pytest.raises(StoreError, match="sets a damaged file aside"):
        run("calls", "--store", str(own_store))
