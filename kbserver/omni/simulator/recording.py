"""Every session's turns as JSON lines, without secrets."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO, TypeAlias

from kbserver.errors import OmniError
from kbserver.files import without_following
from kbserver.omni.configure import mask_secrets

Record: TypeAlias = Mapping[str, Any]
"""One line: `record` names its kind (`session`, `configure`, `turn`, `note`, `end`, ...), `call_id`
its session; of a client that was `refused` it is empty."""


class Recorder:
    """Appends records to a file and hands each to a listener, if there are. A context manager."""

    def __init__(
        self, path: Path | None = None, listener: Callable[[Record], None] | None = None
    ) -> None:
        """Open the file for appending.

        Raises:
            OmniError: the file cannot be written, or is a symbolic link.
        """
        self._listener = listener
        self._file: TextIO | None = None
        if path is None:
            return
        try:
            self._file = open(path, "a", encoding="utf-8", opener=without_following)
        except OSError as exc:
            reason = str(exc)
            if exc.errno == errno.ELOOP:
                reason = "it is a symbolic link, which is not followed"
            raise OmniError(
                f"the record {path} cannot be written: {reason}; give another path"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, kind: str, call_id: str, **facts: Any) -> None:
        """Write one record; values of keys that name a secret become `***`."""
        record: dict[str, Any] = {"record": kind, "call_id": call_id}
        record["at"] = round(time.time(), 3)
        record |= facts
        hidden = mask_secrets(record)
        if isinstance(hidden, dict):
            record = hidden
        if self._file is not None:
            # ASCII, because a client may send lone surrogates.
            self._file.write(json.dumps(record, ensure_ascii=True, default=str) + "\n")
            self._file.flush()
        if self._listener is not None:
            self._listener(record)
