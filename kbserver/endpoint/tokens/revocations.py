"""Signed tokens that are good no longer, though their time is not over."""

from __future__ import annotations

import logging
from pathlib import Path

from kbserver.errors import SettingsError

log = logging.getLogger("kbserver.endpoint")


class Revocations:
    """The `jti` of revoked tokens: those of a file, and those revoked in this process.

    The file has one a line; what follows `#` is a remark. It is read again when it changes. Once
    read, it may vanish or become unreadable: the last list stays in force.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Read the file.

        Raises:
            SettingsError: it cannot be read.
        """
        self._file = file
        # Time, size and inode when it was read.
        self._seen: tuple[int, int, int] | None = None
        self._listed: frozenset[str] = frozenset()
        self._added: set[str] = set()
        if file is None:
            return
        try:
            self._read(file)
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
            self._read_again(self._file)
        return jti in self._added or jti in self._listed

    def _read_again(self, file: Path) -> None:
        try:
            self._read(file)
        except (OSError, UnicodeDecodeError) as exc:
            if self._seen is None:  # logged already
                return
            self._seen = None
            log.error(
                "revocation list cannot be read (%s); the last one stays in force",
                type(exc).__name__,
            )

    def _read(self, file: Path) -> None:
        status = file.stat()
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen == self._seen:
            return
        listed = set()
        for line in file.read_text(encoding="utf-8").splitlines():
            jti, _, _ = line.partition("#")
            listed.add(jti.strip())
        listed.discard("")
        self._listed = frozenset(listed)
        self._seen = seen


def _reason(exc: OSError | UnicodeDecodeError) -> str:
    if isinstance(exc, OSError):
        return exc.strerror or type(exc).__name__
    return "not text"
