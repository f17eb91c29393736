"""What a document says about itself: the keys with a meaning, checked and brought into one form."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.visible import strip_invisible

MAX_VALUES = 1000  # of one document's metadata, nested ones counted: YAML aliases can multiply without end

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0", ""))


def normalise(source: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return metadata as JSON values, the keys that mean something to kbserver in one form.

    `title`: text · `valid_from`, `valid_until`: ISO 8601 date or moment · `supersedes`, `questions`, `tags`:
    list of texts · `pinned`: true or false. Any other key is passed on as it is. `folder` is the place of the
    document and cannot be given; empty values are left out.

    Raises:
        DocumentUnreadable: a key with a meaning holds something else, or there are over `MAX_VALUES` values.
    """
    values = _Values(source)
    metadata: dict[str, object] = {}
    for name, value in given.items():
        key = str(name)
        if value is None or value in ("", [], {}) or key == "folder":
            continue
        match key:
            case "title":
                metadata[key] = str(values.plain(value))
            case "valid_from" | "valid_until":
                metadata[key] = _moment(source, key, value)
            case "supersedes" | "questions" | "tags":
                metadata[key] = _texts(
                    source, key, value, split="," if key == "tags" else None
                )
            case "pinned":
                metadata[key] = _truth(source, key, value)
            case _:
                metadata[key] = values.plain(value)
    return metadata


class _Values:
    """Turns what YAML and JSON parsers give into JSON values, counting them."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._left = MAX_VALUES

    def plain(self, value: object) -> object:
        self._left -= 1
        if self._left < 0:
            raise DocumentUnreadable(
                self._source, f"more than {MAX_VALUES} values in its metadata"
            )
        if isinstance(value, Mapping):
            return {str(key): self.plain(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.plain(inner) for inner in value]
        if isinstance(value, dt.date | dt.time):
            return value.isoformat()
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        if value is None or isinstance(value, int | float):
            return value
        return strip_invisible(str(value))[0]


def _moment(source: str, key: str, value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    try:
        text = str(value).strip()
        return (
            dt.date.fromisoformat(text)
            if len(text) <= 10
            else dt.datetime.fromisoformat(text)
        ).isoformat()
    except ValueError:
        raise DocumentUnreadable(
            source, f"{key} is {str(value)[:40]!r}; write a date like 2026-12-31"
        ) from None


def _texts(source: str, key: str, value: object, *, split: str | None) -> list[str]:
    if isinstance(value, str):
        value = value.split(split) if split else [value]
    if not isinstance(value, list | tuple) or not all(
        isinstance(one, str | int | float) for one in value
    ):
        raise DocumentUnreadable(
            source, f"{key} is {str(value)[:40]!r}; write a list of texts"
        )
    return [text for one in value if (text := strip_invisible(str(one))[0].strip())]


def _truth(source: str, key: str, value: object) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise DocumentUnreadable(
        source, f"{key} is {str(value)[:40]!r}; write true or false"
    )
