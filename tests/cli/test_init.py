"""The program as a whole: its commands, its help, its errors."""

from __future__ import annotations

import re
import sys

import pytest
import typer
from typer.testing import CliRunner

import kbserver.cli
from kbserver.cli import app, main
from kbserver.errors import StoreMissing
from kbserver.extras import EXTRAS
from kbserver.ingest.load import FORMATS

COMMANDS = {
    "ingest", "corpora", "rollback", "prune", "verify", "export", "import", "lint", "serve",
    "query", "routes", "eval", "calibrate", "token", "configure", "show", "simulate", "call",
    "doctor", "calls", "gaps", "documents", "diff", "console", "judge",
    "replay", "connect", "words", "publish", "follow", "revoke",
}  # fmt: skip


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(
        app, list(arguments), env={"COLUMNS": "200", "TERM": "dumb"}
    )
    assert result.exit_code == 0
    return result.output


def names_of_commands() -> list[str]:
    return list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group


def test_every_command_is_registered_once() -> None:
    registered = [
        command.name or command.callback.__name__ for command in app.registered_commands
    ]
    assert sorted(registered) == sorted(COMMANDS)
    assert set(names_of_commands()) == COMMANDS


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_explains_itself(command: str) -> None:
    assert len(shown(command, "--help").splitlines()) > 10


def test_the_help_names_the_extras_and_what_needs_them() -> None:
    text = " ".join(shown("--help").split())
    for name, extra in EXTRAS.items():
        assert f"kbserver[{name}]" in text
        assert extra.needed_by in text


def test_the_help_of_ingest_names_every_format() -> None:
    text = re.sub(r"[│\s]+", " ", shown("ingest", "--help"))
    for form in FORMATS.values():
        assert form.name in text


def test_the_version_is_printed() -> None:
    assert re.fullmatch(r"kbserver \d+\.\d+\S*\n", shown("--version"))


def test_an_error_is_one_line_and_its_exit_code(monkeypatch, capsys) -> None:
    def fail() -> None:
        raise StoreMissing("no store here; make one")

    monkeypatch.setattr(kbserver.cli, "app", fail)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == StoreMissing.exit_code
    assert capsys.readouterr().err == "error: no store here; make one\n"


def test_an_interrupt_leaves_with_130(monkeypatch, capsys) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(kbserver.cli, "app", interrupt)
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 130
    assert "interrupted" in capsys.readouterr().err


def test_no_command_imports_what_is_heavy_before_it_runs() -> None:
    import subprocess

    code = (
        "import sys, kbserver.cli; "
        "print(*{'torch', 'faiss', 'numpy', 'onnxruntime', 'uvicorn'} & set(sys.modules))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == ""
