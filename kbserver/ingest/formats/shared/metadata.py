"""What a document says about itself: the known keys, checked and brought into one form."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping

from kbserver.errors import DocumentUnreadable
from kbserver.ingest.formats.shared.visible import strip_invisible

MAX_VALUES = 1000
"""Of one document's metadata, nested ones counted: YAML aliases multiply without end."""

KNOWN_KEYS = frozenset(
    (
        "title",
        "valid_from",
        "valid_until",
        "supersedes",
        "questions",
        "pinned",
        "tags",
    )
)
"""Keys that mean something to kbserver."""

_VALIDITY = {
    **dict.fromkeys(("publishdate", "publishat", "publishon"), "valid_from"),
    **dict.fromkeys(
        ("expirydate", "unpublishdate", "unpublishat", "unpublishon"),
        "valid_until",
    ),
}
"""What site generators (Hugo, Grav) call the time in which they show a page."""
_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0", ""))


def normalise(source: str, given: Mapping[str, object]) -> dict[str, object]:
    """Return metadata as JSON values, the keys that mean something in one form.

    `title`: text · `valid_from`, `valid_until`: ISO 8601 date or moment · `supersedes`,
    `questions`, `tags`: list of texts · `pinned`: true or false. Any other key is passed
    on as it is. `folder` is the place of the document and cannot be given; empty values
    are left out.

    Raises:
        DocumentUnreadable: a key with a meaning holds something else, or there are over
            `MAX_VALUES` values.
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
            case "tags":
                if isinstance(value, str):
                    value = value.split(",")
                metadata[key] = _texts(source, key, value)
            case "supersedes" | "questions":
                if isinstance(value, str):
                    value = [value]
                metadata[key] = _texts(source, key, value)
            case "pinned":
                metadata[key] = _truth(source, key, value)
            case _:
                metadata[key] = values.plain(value)
    return metadata


def require_few_values(source: str, given: Mapping[str, object]) -> None:
    """Refuse what YAML aliases multiply, before the text of any value is looked at.

    Raises:
        DocumentUnreadable: there are over `MAX_VALUES` values.
    """
    _Values(source).plain(given)


def with_validity(given: Mapping[str, object]) -> dict[str, object]:
    """Return front matter with what site generators call a page's validity as ours.

    They take a page away when the day of its `expiryDate` begins.
    """
    renamed: dict[str, object] = {}
    for name, value in given.items():
        key = _VALIDITY.get(re.sub(r"[_-]", "", str(name)).lower(), "")
        if key and value and key not in given:
            renamed[key] = _start_of_day(value)
        else:
            renamed[name] = value
    return renamed


def _start_of_day(value: object) -> object:
    """Return a day as its first moment, anything else as it is."""
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    try:
        day = dt.date.fromisoformat(str(value).strip())
    except ValueError:
        return value
    return dt.datetime.combine(day, dt.time())


class _Values:
    """Turns what YAML and JSON parsers return into JSON values, counting them."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._left = MAX_VALUES

    def plain(self, value: object) -> object:
        """Return a value that JSON can hold."""
        self._left -= 1
        if self._left < 0:
            reason = f"more than {MAX_VALUES} values in its metadata"
            raise DocumentUnreadable(self._source, reason)
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
        text, _ = strip_invisible(str(value))
        return text


def _moment(source: str, key: str, value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    text = str(value).strip()
    try:
        if len(text) <= 10:
            return dt.date.fromisoformat(text).isoformat()
        return dt.datetime.fromisoformat(text).isoformat()
    except ValueError:
        raise _wrong(source, key, value, "a date like 2026-12-31") from None


def _texts(source: str, key: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple):
        raise _wrong(source, key, value, "a list of texts")
    texts: list[str] = []
    for one in value:
        if not isinstance(one, str | int | float):
            raise _wrong(source, key, value, "a list of texts")
        text, _ = strip_invisible(str(one))
        text = text.strip()
        if text:
            texts.append(text)
    return texts


def _truth(source: str, key: str, value: object) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise _wrong(source, key, value, "true or false")


def _wrong(source: str, key: str, value: object, wanted: str) -> DocumentUnreadable:
    return DocumentUnreadable(source, f"{key} is {str(value)[:40]!r}; write {wanted}")
