"""What the store holds, beside what it did for callers: documents and passages."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from kbserver.console.reading.generations import listed
from kbserver.console.reading.turns import seen_judgements, seen_routes
from kbserver.console.resources import Asked, Json, NotThere
from kbserver.durations import duration_s
from kbserver.errors import SettingsError, StoreError, StoreMissing
from kbserver.index.documents import DocumentEntry, read_documents
from kbserver.index.manifest import MANIFEST
from kbserver.index.passages import PassageTable
from kbserver.record.tallies import DAY_S
from kbserver.record.turns import Row
from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.settings import DEFAULT_LANGUAGE
from kbserver.types import Passage

MOST_QUESTIONS = 20
"""Turns that found a document, which its page shows."""

MOST_LOOKED_AT = 2_000
"""Of the turns that found a document, the newest."""

_USES = """
SELECT document, sum(turns) AS turns, sum(first_places) AS first_places,
    max(last_answered) AS last_answered, sum(near_misses) AS near_misses
FROM day_uses
WHERE corpus = :corpus AND day >= :since
    AND (:routes IS NULL OR route IN (SELECT value FROM json_each(:routes)))
GROUP BY document
"""
_CORPORA = """
SELECT DISTINCT corpus FROM day_uses
WHERE :routes IS NULL OR route IN (SELECT value FROM json_each(:routes))
"""
_FOUND_BY = """
WITH its AS (
    SELECT n FROM passages WHERE corpus = :corpus AND document = :document
), found AS (
    SELECT DISTINCT turn FROM candidates WHERE passage IN its
    ORDER BY turn DESC LIMIT :looked_at
)
SELECT turns.id, turns.at, turns.route, words.query, max(candidates.score) AS score,
    max(candidates.answered) AS answered
FROM found CROSS JOIN turns ON turns.n = found.turn AND turns.probe IS NULL
CROSS JOIN candidates ON candidates.turn = turns.n AND candidates.passage IN its
LEFT JOIN words ON words.turn = turns.n
WHERE :routes IS NULL OR route IN (SELECT value FROM json_each(:routes))
GROUP BY turns.n ORDER BY turns.n DESC LIMIT :most
"""
_WHERE_IS = """
SELECT DISTINCT corpus, document FROM passages
WHERE passage = :passage AND (:corpus IS NULL OR corpus = :corpus)
"""
_NEVER = {"turns": 0, "first_places": 0, "last_answered": None, "near_misses": 0}
_SORTS = ("turns", "near_misses", "first_places", "passages", "wrong")


def generations(asked: Asked) -> Json:
    """Return every generation of every corpus, newest first.

    Raises:
        Forbidden: the visitor's token is bound to labels.
    """
    asked.check_sees_all()
    wanted = asked.text("corpus")
    found = []
    for corpus in corpora_of(asked):
        if wanted in (None, corpus):
            its = [one.as_dict() for one in listed(asked.source.store, corpus)]
            found += reversed(its)
    return {"generations": found}


def documents(asked: Asked) -> Json:
    """Return the documents of the live generation of a corpus, with what each did for callers.

    A visitor whose token is bound to labels sees those that its routes found.

    Raises:
        InvalidRequest: a parameter cannot be used.
        NotThere: there is no such corpus, or none that the visitor sees.
        StoreError: the corpus cannot be read.
    """
    known = seen_corpora(asked)
    corpus = asked.text("corpus") or next(iter(known), None)
    if corpus is None:
        empty: list[Row] = []
        return {"corpora": known, "corpus": None, "documents": empty, "next": None}
    if corpus not in known:
        raise NotThere(f"corpus {corpus}")
    rows = list(_chosen(asked, _rows(asked, corpus)))
    sort = asked.text("sort") or _SORTS[0]
    if sort not in _SORTS:
        raise asked.wrong("sort", f"is none of {', '.join(_SORTS)}")
    rows.sort(key=lambda row: (-row[sort], row["document"]))
    first = asked.whole("cursor")
    limit = asked.limit()
    following: str | None = None
    if len(rows) > first + limit:
        following = str(first + limit)
    return {
        "corpora": known,
        "corpus": corpus,
        "generation": asked.source.store.live(corpus),
        "count": len(rows),
        "documents": rows[first : first + limit],
        "next": following,
    }


def document(asked: Asked) -> Json:
    """Return one document of a live generation: as spoken, since when so, which questions find it.

    Raises:
        NotThere: it is not in the live generation, or the visitor does not see it.
    """
    corpus, name = asked.wanted("corpus"), asked.wanted("document")
    if corpus not in seen_corpora(asked):
        raise NotThere(f"corpus {corpus}")
    rows = [one for one in _rows(asked, corpus) if one["document"] == name]
    if not rows:
        raise NotThere(f"document {name}")
    store = asked.source.store
    folder = store.path / corpus / store.live(corpus)
    passages = _passages_of(folder, name)
    with asked.source.record() as record:
        values = {
            "corpus": corpus,
            "document": name,
            "routes": _as_json(seen_routes(asked, record)),
            "most": MOST_QUESTIONS,
            "looked_at": MOST_LOOKED_AT,
        }
        found_by = [dict(one) for one in record.execute(_FOUND_BY, values)]
        judged = [
            one.as_dict()
            for one in seen_judgements(asked, record, corpus)
            if one.document == name
        ]
    for one in found_by:
        one["answered"] = bool(one["answered"])
    return {
        "document": rows[0]
        | {
            "corpus": corpus,
            "generation": folder.name,
            "unchanged_since": _unchanged_since(folder, name),
            "passages_of": [_spoken(one, folder) for one in passages],
            "metadata": _metadata(passages),
            "found_by": found_by,
            "judged": judged,
        }
    }


def passage(asked: Asked) -> Json:
    """Return one passage by its id, of the live generation or the newest that has it.

    Raises:
        NotThere: no generation has it, or the visitor does not see its document.
    """
    id = asked.wanted("id")
    known = seen_corpora(asked)
    for corpus, name in _places_of(asked, id):
        if corpus not in known or not _sees(asked, corpus, name):
            continue
        for folder, live in _folders(asked, corpus):
            for one in _passages_of(folder, name):
                if one.id == id:
                    place = {"corpus": corpus, "generation": folder.name, "live": live}
                    return {
                        "passage": _spoken(one, folder) | place | {"document": name}
                    }
    raise NotThere(f"passage {id}")


def seen_corpora(asked: Asked) -> list[str]:
    """Return the corpora that the visitor sees: all, or those that its routes searched."""
    known = corpora_of(asked)
    if asked.visitor.sees_all:
        return known
    with asked.source.record() as record:
        routes = _as_json(seen_routes(asked, record))
        found = {name for (name,) in record.execute(_CORPORA, {"routes": routes})}
    return [name for name in known if name in found]


def corpora_of(asked: Asked) -> list[str]:
    """Return the names of the store's corpora; [] without a store."""
    try:
        return asked.source.store.corpora()
    except StoreMissing:
        return []


def _rows(asked: Asked, corpus: str) -> list[Json]:
    """Return a row for every document that the visitor sees, in the order of the store."""
    store = asked.source.store
    store.manifest(corpus)  # says what is wrong with it, if anything is
    with asked.source.record() as record:
        routes = seen_routes(asked, record)
        uses = _uses(record, corpus, asked.since("30d"), routes)
        judged = seen_judgements(asked, record, corpus)
    wrong = Counter(one.document for one in judged if one.verdict == "wrong")
    rows = []
    for entry in _entries(store.path / corpus / store.live(corpus)):
        used = uses.get(entry.source)
        if used is None and not asked.visitor.sees_all:
            continue
        rows.append(
            {
                "document": entry.source,
                "passages": entry.passages,
                **(used or _NEVER),
                "wrong": wrong[entry.source],
            }
        )
    return rows


def _chosen(asked: Asked, rows: Sequence[Json]) -> Iterator[Json]:
    named = (asked.text("search") or "").casefold()
    before: float | None = None
    unused = asked.text("unused")
    if unused is not None:
        try:
            before = asked.source.clock() - duration_s(unused)
        except SettingsError as exc:
            raise asked.wrong("unused", f"cannot be read: {exc}") from None
    for row in rows:
        is_unused = before is None or (row["last_answered"] or 0.0) < before
        if is_unused and named in row["document"].casefold():
            yield row


def _uses(
    record: sqlite3.Connection, corpus: str, since: float, routes: list[str] | None
) -> dict[str, Json]:
    values = {
        "corpus": corpus,
        "since": since - DAY_S,
        "routes": _as_json(routes),
    }
    uses = {}
    for row in record.execute(_USES, values):
        found = dict(row)
        uses[found.pop("document")] = found
    return uses


def _sees(asked: Asked, corpus: str, name: str) -> bool:
    if asked.visitor.sees_all:
        return True
    return any(row["document"] == name for row in _rows(asked, corpus))


def _places_of(asked: Asked, id: str) -> Iterator[tuple[str, str]]:
    """Yield corpus and document of a passage: as recorded, else of what is live."""
    values = {"passage": id, "corpus": asked.text("corpus")}
    with asked.source.record() as record:
        places = [tuple(row) for row in record.execute(_WHERE_IS, values)]
    yield from places
    if not places:
        wanted = asked.text("corpus")
        for corpus in seen_corpora(asked):
            if wanted not in (None, corpus):
                continue
            for folder, live in _folders(asked, corpus):
                if live:
                    its = PassageTable.open(folder)
                    yield from ((corpus, one.source) for one in its if one.id == id)


def _folders(asked: Asked, corpus: str) -> Iterator[tuple[Path, bool]]:
    """Yield the folder of each generation and whether it is live, the live one first."""
    store = asked.source.store
    live = store.live(corpus)
    yield store.path / corpus / live, True
    for name in reversed(store.generations(corpus)):
        if name != live:
            yield store.path / corpus / name, False


@lru_cache(maxsize=4)
def _entries(folder: Path) -> tuple[DocumentEntry, ...]:
    """Return the documents of a generation, which never change."""
    return tuple(read_documents(folder))


def _passages_of(folder: Path, name: str) -> list[Passage]:
    """Return the passages of a document; [] if the generation does not hold it, or not whole."""
    with suppress(OSError, ValueError, IndexError, KeyError, TypeError):
        for entry in _entries(folder):
            if entry.source == name:
                end = entry.first_row + entry.passages
                return PassageTable.open(folder)[entry.first_row : end]
    return []


def _unchanged_since(folder: Path, name: str) -> str | None:
    """Return the oldest generation in a row up to this one that has the document as it is."""
    since: str | None = None
    wanted: str | None = None
    names = sorted(entry.name for entry in folder.parent.iterdir() if entry.is_dir())
    for generation in reversed([one for one in names if one <= folder.name]):
        hashes: dict[str, str] = {}
        with suppress(OSError, ValueError, StoreError):
            entries = _entries(folder.parent / generation)
            hashes = {entry.source: entry.content_hash for entry in entries}
        found = hashes.get(name)
        if found is None or wanted not in (None, found):
            break
        since, wanted = generation, found
    return since


def _spoken(one: Passage, folder: Path) -> Json:
    form = spoken_form_of(one, language=_language(folder))
    return {
        "passage": one.id,
        "title": one.title,
        "heading_path": list(one.heading_path),
        "text": one.text,
        "spoken": form.line,
    }


def _language(folder: Path) -> str:
    """Return the language of a generation, English if its manifest cannot be read."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return str(manifest["chunking"]["language"])
    return DEFAULT_LANGUAGE


def _metadata(passages: Sequence[Passage]) -> Json:
    if not passages:
        return {}
    return {key: str(value) for key, value in passages[0].metadata.items()}


def _as_json(routes: list[str] | None) -> str | None:
    if routes is None:
        return None
    return json.dumps(routes)
