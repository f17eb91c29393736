"""What the commands that ask many questions share: a bar, and the extra they need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TypeAlias

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from kbserver.cli.terminal import err
from kbserver.errors import SettingsError

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with how many of how many answers are there."""


def needs_extra() -> None:
    """Check that the libraries of the evaluation are installed.

    Raises:
        SettingsError: one is not; the message names the extra.
    """
    for module in ("ir_measures", "scipy"):
        if find_spec(module) is None:
            raise SettingsError(
                f"this command needs {module}: pip install 'kbserver[evaluation]'"
            )


@contextmanager
def asked() -> Iterator[OnProgress]:
    """Show on a terminal how many questions were asked; nothing where nobody looks."""
    with Progress(
        TextColumn("{task.description:<20}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=err, disable=not err.is_terminal,
    ) as progress:  # fmt: skip
        task = progress.add_task("asking", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
