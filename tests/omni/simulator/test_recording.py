"""Records: one JSON object a line, nothing secret, nothing lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kbserver.errors import OmniError
from kbserver.omni.simulator.recording import Recorder


def test_records_are_lines_of_json_appended_at_once(tmp_path: Path) -> None:
    path = tmp_path / "turns.jsonl"
    path.write_text('{"earlier": true}\n')
    heard: list[object] = []
    with Recorder(path, heard.append) as recorder:
        recorder.write(
            "turn",
            "call_1",
            heard="lone \ud800 surrogate",
            kb_token="s3cr3t",
            nested={"api_key": "s3cr3t"},
        )
        lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[1]["record"] == "turn" and lines[1]["call_id"] == "call_1"
    assert lines[1]["heard"] == "lone \ud800 surrogate"
    assert lines[1]["kb_token"] == "***" and lines[1]["nested"] == {"api_key": "***"}
    assert lines[1]["at"] > 1_700_000_000
    assert heard == [lines[1]]


def test_without_a_file_only_the_listener_hears() -> None:
    heard: list[object] = []
    with Recorder(listener=heard.append) as recorder:
        recorder.write("note", "call_1", note="x")
    assert len(heard) == 1


def test_a_file_that_cannot_be_written_is_an_error_with_a_next_step(
    tmp_path: Path,
) -> None:
    with pytest.raises(OmniError, match="give another path"):
        Recorder(tmp_path / "no" / "such" / "folder.jsonl")


def test_what_a_symbolic_link_names_is_not_written(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not ours\n")
    link = tmp_path / "turns.jsonl"
    link.symlink_to(other)
    with pytest.raises(OmniError, match="symbolic link.*give another path"):
        Recorder(link)
    assert other.read_text() == "not ours\n"
