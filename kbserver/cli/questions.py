"""What the commands that ask many questions share: the progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from kbserver.cli.terminal import err

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with the number of answers that are there, and of all."""


@contextmanager
def asked() -> Iterator[OnProgress]:
    """Show on a terminal how many questions were asked; nothing without a terminal."""
    columns = (
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("asking", total=None)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield show
