"""What is evaluated: a corpus of a store, or documents that are ingested for it."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from kbserver.errors import SettingsError, StoreError
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, OnProgress, ingest

CORPUS_FILE = "corpus.jsonl"
CORPUS_POINTER = "CORPUS"
"""A file that holds the relative path of a `corpus.jsonl` shared by several sets of questions."""


@dataclass(frozen=True, slots=True)
class Target:
    """A corpus to ask, and the questions that lie beside its documents."""

    store: Path
    corpus: str
    documents: Path | None = None
    """What has to be ingested first; None if the corpus is in the store already."""
    queries: Path | None = None
    qrels: Path | None = None

    def prepare(self, on_progress: OnProgress | None = None) -> None:
        """Bring the corpus up to date with its documents; what has not changed is not read again.

        Raises:
            IngestError, StoreError, ModelError: see `ingest`.
        """
        if self.documents is not None:
            options = IngestOptions(allow_shrink=True, keep=1, wait_s=600.0)
            ingest([self.documents], store=Store(self.store), corpus=self.corpus, options=options,
                   on_progress=on_progress)  # fmt: skip


def find_target(
    given: str, *, store: Path, cache: Path, corpus: str | None = None
) -> Target:
    """Find out what the user means.

    Args:
        given: the name of a corpus in `store`; or a store's folder, or a corpus's folder in one; or a folder on the
            field's layout (`corpus.jsonl`); or a folder with documents in `docs/`; or a folder of documents.
        store: where names are looked up.
        cache: the store that documents are ingested into.
        corpus: which corpus of a store is meant, if it holds several.

    Raises:
        SettingsError: nothing of the kind is there, or it could be several things.
    """
    folder = Path(given)
    if os.sep not in given and not given.startswith(".") and given in _corpora(store):
        return Target(store, given)
    if not folder.is_dir():
        have = ", ".join(_corpora(store)) or "none"
        raise SettingsError(
            f"{given!r} is neither a folder nor a corpus of the store {store} (it holds: {have}); name one of these, "
            f"or a folder of documents, or one with a {CORPUS_FILE}"
        )
    if (folder / "LIVE").is_file():
        return Target(folder.resolve().parent, folder.resolve().name)
    if (folder / CORPUS_FILE).is_file() or (folder / CORPUS_POINTER).is_file():
        return _on_layout(folder, _corpus_file(folder), cache)
    if names := _corpora(folder):
        if corpus is None and len(names) > 1:
            raise SettingsError(
                f"the store {folder} holds {', '.join(names)}; say which one with --corpus"
            )
        return Target(folder, corpus or names[0])
    documents = folder / "docs"
    return _on_layout(folder, documents if documents.is_dir() else folder, cache)


def cache_folder() -> Path:
    """The store that documents are ingested into for evaluation only, in the user's cache folder.

    Source: XDG Base Directory Specification, `XDG_CACHE_HOME`.
    """
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "kbserver" / "evaluation"


def _on_layout(folder: Path, documents: Path, cache: Path) -> Target:
    queries, qrels = folder / "queries.jsonl", folder / "qrels.tsv"
    tests, judged = folder / "qrels" / "test.tsv", folder / "qrels"
    found = next((path for path in (tests, judged, qrels) if path.exists()), None)
    return Target(
        cache,
        _corpus_name(documents),
        documents,
        queries if queries.is_file() else None,
        found,
    )


def _corpus_file(folder: Path) -> Path:
    here = folder / CORPUS_FILE
    if here.is_file():
        return here
    elsewhere = folder / (folder / CORPUS_POINTER).read_text(encoding="utf-8").strip()
    if not elsewhere.is_file():
        raise SettingsError(
            f"{folder / CORPUS_POINTER}: names {elsewhere}, and there is no such file"
        )
    return elsewhere


def _corpus_name(documents: Path) -> str:
    """A name that says what it is and that no other folder has: `wixqa-1f0c1617`."""
    resolved = documents.resolve()
    said = (
        resolved.parent.name
        if resolved.is_file() or resolved.name == "docs"
        else resolved.name
    )
    readable = re.sub(r"[^a-z0-9]+", "-", said.lower()).strip("-")[:40] or "documents"
    return f"{readable}-{hashlib.sha256(os.fsencode(resolved)).hexdigest()[:8]}"


def _corpora(store: Path) -> list[str]:
    try:
        return Store(store).corpora()
    except StoreError:
        return []
