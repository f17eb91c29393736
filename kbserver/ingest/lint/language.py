"""What language documents are in, or seem to be, where it is another than their corpus has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kbserver.index.documents import DocumentEntry
from kbserver.ingest.blocks import counted
from kbserver.ingest.spool import Spool
from kbserver.languages.detection import Seen, language_named, language_of

_PASSAGES = 200
"""Of the corpus that are looked at, from all of it."""
_PASSAGES_OF_A_DOCUMENT = 6
_SHOWN = 3
_KEYS = ("language", "lang", "locale")
"""Of metadata: what a document says of itself goes before what it looks like."""
_ALIKE = {"porter": "english", "dutch_porter": "dutch"}
_TOLD_APART_BADLY = frozenset({"danish", "norwegian"})


def language_hints(
    language: str,
    spool: Spool,
    entries: Iterable[DocumentEntry],
    changed: Iterable[str],
) -> list[str]:
    """Return what to tell the owner of the documents; [] if nothing.

    Args:
        language: of the corpus; with `none` nothing is told, for it suits all.
        changed: sources of the documents that are new or changed: the others were told of.
    """
    if language == "none":
        return []
    hints: list[str] = []
    seen = language_of(_sample(spool, range(len(spool)), _PASSAGES))
    if seen is not None and _is_another(seen, language):
        hints.append(
            f"these documents look {seen.name}, and the corpus is {language}: "
            f"ingest them with --language {seen.language}"
        )
        language = seen.language
    looked_at = set(changed)
    others: dict[_Found, list[str]] = {}
    for entry in entries:
        if entry.source not in looked_at or not entry.passages:
            continue
        found = _found(spool, entry)
        if found is not None and _is_another(found.seen, language):
            others.setdefault(found, []).append(entry.source)
    for found, sources in others.items():
        if hints and len(others) == 1 and len(sources) == len(looked_at):
            continue
        some = ", ".join(sources[:_SHOWN])
        more = ", …" if len(sources) > _SHOWN else ""
        hints.append(
            f"{counted(len(sources), 'document')} beside them in {found} ({some}{more}): "
            "a corpus of their own in the same route finds and says them better"
        )
    return hints


class _Found(NamedTuple):
    """The language of one document."""

    seen: Seen
    is_said: bool
    """By its own front matter, or a field of its record."""

    def __str__(self) -> str:
        if self.is_said:
            return f"{self.seen.name}, as they say themselves"
        return self.seen.name


def _found(spool: Spool, entry: DocumentEntry) -> _Found | None:
    metadata = spool[entry.first_row].passage.metadata
    for key in _KEYS:
        written = metadata.get(key)
        said = language_named(written) if isinstance(written, str) else None
        if said is not None:
            return _Found(said, True)
    rows = range(entry.first_row, entry.first_row + entry.passages)
    seen = language_of(_sample(spool, rows, _PASSAGES_OF_A_DOCUMENT))
    if seen is None:
        return None
    return _Found(seen, False)


def _is_another(seen: Seen, language: str) -> bool:
    both = {seen.language, _ALIKE.get(language, language)}
    return len(both) > 1 and both != _TOLD_APART_BADLY


def _sample(spool: Spool, rows: Sequence[int], most: int) -> Iterator[str]:
    step = max(len(rows) // most, 1)
    for row in rows[::step][:most]:
        yield spool[row].passage.text
