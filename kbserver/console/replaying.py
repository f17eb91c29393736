"""Replays that pages begin: one at a time, in a thread of the console's own process."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from kbserver.errors import StoreBusy, said_by
from kbserver.settings import Settings


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is."""

    corpus: str
    after: str
    done: int = 0
    total: int = 0
    problem: str = ""
    """Why it ended early; empty if it did not."""

    def as_dict(self) -> dict[str, object]:
        """JSON values."""
        return {
            "corpus": self.corpus,
            "after": self.after,
            "done": self.done,
            "total": self.total,
            "problem": self.problem,
        }


class Replaying:
    """The replay that is at work, if one is."""

    def __init__(self, settings: Settings) -> None:
        """Begin nothing yet."""
        self._settings = settings
        self._thread: threading.Thread | None = None
        self._progress: Progress | None = None
        self._lock = threading.Lock()

    @property
    def state(self) -> dict[str, object] | None:
        """How far the replay at work is, or what the last one ended early by; None for neither."""
        progress = self._progress
        if progress is None:
            return None
        return progress.as_dict()

    def begin(self, corpus: str, before: str, after: str, since: str) -> None:
        """Begin a replay; its report is in the record when it is over.

        Raises:
            StoreBusy: another is at work.
        """
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise StoreBusy("a replay is at work; wait until it is over")
            self._progress = Progress(corpus, after)
            self._thread = threading.Thread(
                target=self._replay,
                args=(corpus, before, after, since),
                name="kbserver-replay",
                daemon=True,
            )
            self._thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until the replay at work is over."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _replay(self, corpus: str, before: str, after: str, since: str) -> None:
        # SciPy is imported with it, and is no hard dependency.
        try:
            from kbserver.evaluation.gate import Gate

            def progress(done: int, total: int) -> None:
                self._progress = Progress(corpus, after, done, total)

            gate = Gate(self._settings, corpus, (), since)
            gate.report(gate.replayed(before, after, progress))
            self._progress = None
        except Exception as exc:  # shown on the page
            self._progress = Progress(corpus, after, problem=said_by(exc))
