"""What language the documents seem to be in, where it is another than their corpus was given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kbserver.index.documents import DocumentEntry
from kbserver.ingest.blocks import counted
from kbserver.ingest.spool import Spool
from kbserver.languages.detection import Seen, language_of

_PASSAGES = 200
"""Of the corpus that are looked at, from all of it."""
_PASSAGES_OF_A_DOCUMENT = 6
_SHOWN = 3
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
    others: dict[str, list[str]] = {}
    for entry in entries:
        if entry.source not in looked_at:
            continue
        rows = range(entry.first_row, entry.first_row + entry.passages)
        found = language_of(_sample(spool, rows, _PASSAGES_OF_A_DOCUMENT))
        if found is not None and _is_another(found, language):
            others.setdefault(found.name, []).append(entry.source)
    for name, sources in others.items():
        if hints and len(others) == 1 and len(sources) == len(looked_at):
            continue
        some = ", ".join(sources[:_SHOWN])
        more = ", …" if len(sources) > _SHOWN else ""
        hints.append(
            f"{counted(len(sources), 'document')} beside them in {name} ({some}{more}): "
            "a corpus of their own in the same route finds and says them better"
        )
    return hints


def _is_another(seen: Seen, language: str) -> bool:
    both = {seen.language, _ALIKE.get(language, language)}
    return len(both) > 1 and both != _TOLD_APART_BADLY


def _sample(spool: Spool, rows: Sequence[int], most: int) -> Iterator[str]:
    step = max(len(rows) // most, 1)
    for row in rows[::step][:most]:
        yield spool[row].passage.text
