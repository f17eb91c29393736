"""Content whose time is over: by `valid_until`, or, as a hint, by the years it mentions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator

from kbserver.ingest.lint.findings import Finding, around
from kbserver.types import Passage

_LONG_GONE_YEARS = 3
_PROMISE = re.compile(
    r"\b(?:until|till|by|before|through|ends?|expires?|valid|offer|from|starting"
    r"|effective|new for|prices?|updated|as of)\b"
    r"[^.\n]{0,40}?\b((?:19|20)\d{2})\b",
    re.I,
)


def expired(passages: Iterable[Passage], today: dt.date) -> Iterator[Finding]:
    """Yield a finding for each expired document, a hint for mentions of old years."""
    over: set[str] = set()
    for passage in passages:
        until = passage.metadata.get("valid_until")
        if isinstance(until, str) and until[:10] < today.isoformat():
            if passage.source not in over:
                over.add(passage.source)
                words = f"valid_until {until}: it is not spoken any more"
                yield Finding("expired", passage.source, words)
            continue
        for found in _PROMISE.finditer(passage.text):
            if int(found[1]) <= today.year - _LONG_GONE_YEARS:
                words = around(passage.text, *found.span())
                yield Finding("old year", passage.source, words, passage=passage.id)
                break
