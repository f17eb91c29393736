"""What fails in turn after turn, said once."""

from __future__ import annotations

import logging

log = logging.getLogger("kbserver")


class Complaints:
    """Logs what failed in a corpus, once for each kind of failure."""

    def __init__(self, corpus: str) -> None:
        self._corpus = corpus
        self._known: set[tuple[str, type[Exception]]] = set()

    def __call__(self, what: str, exc: Exception) -> None:
        """Say that something failed, unless the same has failed in the same way before."""
        if (what, type(exc)) not in self._known:
            self._known.add((what, type(exc)))
            log.error("corpus %s: %s failed", self._corpus, what, exc_info=exc)
