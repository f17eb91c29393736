"""Every session's turns as JSON lines, without secrets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from kbserver.errors import OmniError
from kbserver.omni.configure import mask_secrets

Record: TypeAlias = Mapping[str, Any]
"""One line: `record` names its kind (`session`, `configure`, `turn`, `note`, `end`, ...), `call_id` its session; that of
a client that was `refused` is empty."""


class Recorder:
    """Appends records to a file and hands each to a listener. A context manager; both are optional."""

    def __init__(
        self, path: Path | None = None, listener: Callable[[Record], None] | None = None
    ) -> None:
        """Open the file for appending.

        Raises:
            OmniError: the file cannot be written.
        """
        self._listener = listener
        try:
            self._file = path.open("a", encoding="utf-8") if path else None
        except OSError as exc:
            raise OmniError(
                f"the record {path} cannot be written: {exc}; give another path"
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
        """Write one record; whatever is named like a secret becomes `***`."""
        hidden = mask_secrets(
            {"record": kind, "call_id": call_id, "at": round(time.time(), 3)} | facts
        )
        record: Record = hidden if isinstance(hidden, Mapping) else {}
        if self._file is not None:
            # A caller's words may hold anything a client sent, lone surrogates included.
            self._file.write(json.dumps(record, ensure_ascii=True, default=str) + "\n")
            self._file.flush()
        if self._listener is not None:
            self._listener(record)
