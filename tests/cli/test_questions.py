"""The bar of the commands that ask many questions."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from kbserver.cli import questions


def test_the_bar_counts_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=80)
    monkeypatch.setattr(questions, "err", console)
    with questions.asked() as on_progress:
        on_progress(3, 7)
    assert "3/7" in written.getvalue()


def test_nothing_is_written_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(questions, "err", Console(file=written))
    with questions.asked() as on_progress:
        on_progress(3, 7)
    assert written.getvalue().strip() == ""
