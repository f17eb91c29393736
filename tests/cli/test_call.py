"""A conversation with an endpoint, as a user has it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import kbserver.cli
from kbserver.errors import OmniError
from tests.cli.conftest import ROOT, TOKEN
from tests.omni.conftest import Endpoint


def test_call_says_a_script_and_shows_every_turn(
    run, endpoint: Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "script.txt").write_text("how do i reset my pin\nwhat is the weather\n")
    result = run(
        "call",
        endpoint.url,
        "--label",
        "support",
        "--script",
        str(tmp_path / "script.txt"),
    )
    assert result.exit_code == 0
    for words in (
        "how do i reset my pin",
        "grounded",
        "kb-pin",
        "of 300 ms",
        "You reset your PIN",
        "miss (empty)",
    ):
        assert words in result.stdout
    assert "2 turns: 1 grounded, 1 miss" in result.stderr
    assert [body["session_label"] for body in endpoint.bodies] == ["support", "support"]
    assert TOKEN not in result.output


@pytest.mark.parametrize("how", [[], ["--audio"]])
def test_call_gives_json_lines_for_scripts_typed_or_spoken(
    run, endpoint: Endpoint, how: list[str]
) -> None:
    result = CliRunner().invoke(
        kbserver.cli.app,
        ["call", endpoint.url, "--json", *how],
        input="my refund\nreset my pin\n\n",
    )
    turns = [json.loads(line) for line in result.stdout.splitlines()]
    assert [turn["heard"] for turn in turns] == ["my refund", "reset my pin"]
    assert [turn["lookup"]["top_ids"] for turn in turns] == [["kb-refund"], ["kb-pin"]]
    assert bool(turns[0]["audio_ms"]) == bool(how)


def test_call_ends_with_1_and_the_next_step_where_the_endpoint_fails(
    run, endpoint: Endpoint, tmp_path: Path
) -> None:
    (tmp_path / "script.txt").write_text("how do i reset my pin\n")
    endpoint.status = 500
    result = run("call", endpoint.url, "--script", str(tmp_path / "script.txt"))
    assert result.exit_code == 1
    assert (
        "1 turn: 1 refused" in result.stderr
        and f"kbserver doctor {endpoint.url}" in result.stderr
    )


def test_call_stops_at_a_refused_token_and_says_what_the_server_says(
    run, endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "script.txt").write_text("one\ntwo\nthree\n")
    script = ["call", endpoint.url, "--script", str(tmp_path / "script.txt")]
    monkeypatch.setenv("KB_TOKEN", "another-token")
    result = run(*script)
    assert result.exit_code == 1 and "1 turn: 1 refused" in result.stderr
    assert "unauthorized" in result.stdout
    assert "compare KB_TOKEN" in result.stderr
    monkeypatch.delenv("KB_TOKEN")
    assert "set KB_TOKEN" in run(*script).stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_call_on_a_terminal_wraps_between_words_and_hangs_up_at_ctrl_c(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    environment = os.environ | {
        "KB_TOKEN": TOKEN,
        "COLUMNS": "44",
        "LINES": "25",  # a dumb terminal has 80 columns unless it is told both
        "TERM": "dumb",
        "PYTHONPATH": str(ROOT),
    }
    call = subprocess.Popen(
        [sys.executable, "-m", "kbserver", "call", endpoint.url],
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = ""
    try:
        for words, answer in (
            ("hangs up", b"how do i reset my pin\n"),
            ("of 300 ms", b""),
            ("Security", b""),
        ):
            while words not in shown:
                shown += os.read(ours, 4096).decode()
            os.write(ours, answer)
        while not shown.endswith("you      "):
            shown += os.read(ours, 4096).decode()
        call.send_signal(signal.SIGINT)  # while it waits for the next line
        assert call.wait(60) == 130
    finally:
        call.kill()
        call.wait()
        os.close(ours)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert "agent    You reset your PIN in the app under" in lines
    assert (
        lines[lines.index("agent    You reset your PIN in the app under") + 1]
        == "         Security."
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://kb.example.com/kb"], "use https"),
        (["https://kb.example.com/kb", "--script", "nowhere.txt"], "nowhere.txt"),
    ],
)
def test_an_address_or_a_script_that_cannot_be_used_is_an_error(
    run, arguments: list[str], words: str
) -> None:
    with pytest.raises(OmniError, match=words):
        run("call", *arguments)
