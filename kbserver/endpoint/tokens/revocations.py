"""Which signed tokens are good no longer, though their time is not over."""

from __future__ import annotations

import logging
from pathlib import Path

from kbserver.errors import SettingsError

log = logging.getLogger("kbserver.endpoint")


class Revocations:
    """The `jti` of tokens that are good no longer: those of a file, and those revoked in this process.

    The file has one a line; what follows `#` is a remark. It is read again whenever it changes. Once read, it may
    vanish or become unreadable: the last list stays in force.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Read the file.

        Raises:
            SettingsError: it cannot be read.
        """
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._listed: frozenset[str] = frozenset()
        self._added: set[str] = set()
        if file is not None:
            try:
                self._read(file)
            except (OSError, UnicodeDecodeError) as exc:
                reason = exc.strerror if isinstance(exc, OSError) else "not text"
                raise SettingsError(
                    f"revocation list {str(file)!r}: {reason}; create it, empty if nothing is revoked"
                ) from exc

    def add(self, jti: str) -> None:
        """Revoke a token in this process, until it ends; write its `jti` into the file to make it last."""
        self._added.add(jti)

    def __contains__(self, jti: object) -> bool:
        if self._file is not None:
            try:
                self._read(self._file)
            except (OSError, UnicodeDecodeError) as exc:
                if self._seen is not None:  # said once, not at every turn
                    self._seen = None
                    log.error(
                        "revocation list cannot be read (%s); the last one stays in force",
                        type(exc).__name__,
                    )
        return jti in self._added or jti in self._listed

    def _read(self, file: Path) -> None:
        status = file.stat()
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            lines = (
                line.partition("#")[0].strip()
                for line in file.read_text(encoding="utf-8").splitlines()
            )
            self._listed = frozenset(line for line in lines if line)
            self._seen = seen
