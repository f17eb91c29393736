"""What goes wrong in turn after turn, said in the log once a minute."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from kbserver.lru import LruCache

log = logging.getLogger("kbserver.endpoint")

PAUSE_S = 60.0
"""Between two lines in the log that say the same."""

_BYTES = 100_000  # of some 200 messages that are not said again yet


@dataclass(slots=True)
class _Said:
    at: float
    """Monotonic seconds."""
    unsaid: int = 0
    """How often it would have been said since."""


class Complaints:
    """Logs errors, each message once a minute, with the number of times in between."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Know of none yet; `clock` gives monotonic seconds."""
        self._clock = clock
        self._said: LruCache[str, _Said] = LruCache(_BYTES)

    def __call__(self, message: str, error: BaseException | None = None) -> None:
        """Log a message, with the traceback of an error, unless it was said a moment ago."""
        now = self._clock()
        said = self._said.get(message)
        if said is not None and now - said.at < PAUSE_S:
            said.unsaid += 1
            return
        more = ""
        if said is not None and said.unsaid:
            more = f" ({said.unsaid} more times since this was last said)"
        self._said.put(message, _Said(now))
        log.error("%s%s", message, more, exc_info=error)
