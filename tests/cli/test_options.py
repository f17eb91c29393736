"""An option that several commands have is one option: the same name, the same words."""

from __future__ import annotations

import pytest
import typer
from typer.core import TyperOption

from kbserver.cli import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]  # a group
OPTIONS = {
    (name, parameter.opts[0]): parameter
    for name, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter, TyperOption)
}


def helps(option: str) -> set[str]:
    return {
        parameter.help or ""
        for (_, name), parameter in OPTIONS.items()
        if name == option
    }


def commands_with(option: str) -> set[str]:
    return {command for command, name in OPTIONS if name == option}


@pytest.mark.parametrize("option", ["--wait", "--token-file"])
def test_an_option_has_one_help_text(option: str) -> None:
    assert len(commands_with(option)) > 1
    assert len(helps(option)) == 1


def test_commands_that_only_need_the_store_say_so_of_the_configuration() -> None:
    only_store = {
        command
        for (command, name), parameter in OPTIONS.items()
        if name == "--config" and "only its `store`" in parameter.help
    }
    assert only_store == {
        *(
            "ingest",
            "lint",
            "corpora",
            "rollback",
            "prune",
            "verify",
            "export",
            "import",
            "publish",
            "show",
            "words",
        )
    }
    assert len(helps("--config")) == 2


def test_json_is_a_flag_everywhere() -> None:
    assert len(commands_with("--json")) >= 12
    flags = [parameter for (_, name), parameter in OPTIONS.items() if name == "--json"]
    assert all(flag.is_flag and flag.default is False for flag in flags)
