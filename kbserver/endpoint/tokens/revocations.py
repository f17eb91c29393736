"""Signed tokens that are good no longer, though their time is not over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from kbserver.errors import SettingsError

log = logging.getLogger("kbserver.endpoint")

SETTLED_S = 10.0
"""For which a file must not change before what is gone from it counts as gone."""

_UNSEEN = str.maketrans("", "", "\0\ufeff")


class Revocations:
    """The `jti` of revoked tokens: those of a file, and those revoked in this process.

    The file has one a line; what follows `#` is a remark, and what editors and disks add unseen
    (byte order marks, NULs) counts as nothing. It is read again when it changes. A token
    that is new in it is revoked at once. One that is gone from it is good again only when the file
    has settled: a list that is being written in place opens nothing. Once read, it may vanish or
    become unreadable: the last list stays in force.
    """

    def __init__(
        self,
        file: Path | None = None,
        *,
        may_come: bool = False,
        settled_s: float = SETTLED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read the file.

        Args:
            may_come: whether the file may be missing so far.
            settled_s: how long the file must stay the same, in seconds.
            clock: monotonic seconds.

        Raises:
            SettingsError: it cannot be read, or is missing and may not be.
        """
        self._file = file
        self._settled_s = settled_s
        self._clock = clock
        # Times, size and inode when it was read.
        self._seen: tuple[int, ...] | None = None
        self._listed: frozenset[str] = frozenset()
        self._added: set[str] = set()
        self._pending: tuple[float, frozenset[str]] | None = None
        """When the file was read, and what it said; None once it has settled."""
        if file is None or (may_come and not file.exists()):
            return
        try:
            self._seen = _state(file)
            self._listed = _read(file)
            self._pending = self._clock(), self._listed
        except (OSError, UnicodeDecodeError) as exc:
            raise SettingsError(
                f"revocation list {str(file)!r}: {_reason(exc)}; "
                "create it, empty if nothing is revoked"
            ) from exc

    def add(self, jti: str) -> None:
        """Revoke a token in this process, until it ends; only the file outlasts it."""
        self._added.add(jti)

    def __contains__(self, jti: object) -> bool:
        if self._file is not None:
            self._look_again(self._file)
        return jti in self._added or jti in self._listed

    def _look_again(self, file: Path) -> None:
        try:
            self._follow(file)
        except (OSError, UnicodeDecodeError) as exc:
            self._pending = None
            if self._seen is None:  # logged already
                return
            self._seen = None
            log.error(
                "revocation list cannot be read (%s); the last one stays in force",
                type(exc).__name__,
            )

    def _follow(self, file: Path) -> None:
        seen = _state(file)
        settled = False
        if self._pending is not None:
            read_at, _ = self._pending
            settled = self._clock() >= read_at + self._settled_s
        if seen == self._seen and not settled:
            return
        says = _read(file)
        if settled and self._pending is not None and self._pending[1] == says:
            self._pending = None
            self._take_over(says)
        else:
            self._pending = self._clock(), says
            self._listed |= says
        self._seen = seen

    def _take_over(self, says: frozenset[str]) -> None:
        """Let the file's list be in force, with what is gone from it."""
        gone = len(self._listed - says)
        if gone:
            log.warning("tokens no longer revoked: %d; still: %d", gone, len(says))
        self._listed = says


def _state(file: Path) -> tuple[int, ...]:
    status = file.stat()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def _read(file: Path) -> frozenset[str]:
    listed = set()
    text = file.read_text(encoding="utf-8").translate(_UNSEEN)
    for line in text.splitlines():
        jti, _, _ = line.partition("#")
        listed.add(jti.strip())
    listed.discard("")
    return frozenset(listed)


def _reason(exc: OSError | UnicodeDecodeError) -> str:
    if isinstance(exc, OSError):
        return exc.strerror or type(exc).__name__
    return "not text"
