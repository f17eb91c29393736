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
from kbserver.settings import DEFAULT_LANGUAGE

CORPUS_FILE = "corpus.jsonl"
CORPUS_POINTER = "CORPUS"
"""Name of a file that holds the relative path of a `corpus.jsonl` that several sets share."""
LANGUAGE_FILE = "LANGUAGE"
"""Name of a file beside the documents that says their language, as `ingest --language` takes it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A corpus to ask, and the questions that lie beside its documents."""

    store: Path
    corpus: str
    documents: Path | None = None
    """What has to be ingested first; None if the corpus is in the store already."""
    queries: Path | None = None
    qrels: Path | None = None
    language: str = DEFAULT_LANGUAGE
    """Of the documents, as they are ingested."""

    def prepare(self, on_progress: OnProgress | None = None) -> None:
        """Bring the corpus up to date with its documents; unchanged ones are not read again.

        Raises:
            IngestError, StoreError, ModelError: see `ingest`.
        """
        if self.documents is not None:
            ingest(
                [self.documents],
                store=Store(self.store),
                corpus=self.corpus,
                options=IngestOptions(
                    allow_shrink=True, keep=1, wait_s=600.0, language=self.language
                ),
                on_progress=on_progress,
            )


def find_target(
    given: str, *, store: Path, cache: Path, corpus: str | None = None
) -> Target:
    """Find out what the user means.

    Args:
        given: the name of a corpus in `store`; or a store's folder, or a corpus's folder in
            one; or a folder on the field's layout (`corpus.jsonl`); or a folder with documents
            in `docs/`; or a folder of documents.
        store: where names are looked up.
        cache: the store that documents are ingested into.
        corpus: which corpus of a store is meant, if it holds several.

    Raises:
        SettingsError: nothing of the kind is there, or it could be several things.
    """
    is_name = os.sep not in given and not given.startswith(".")
    if is_name and given in _corpora(store):
        return Target(store, given)
    folder = Path(given)
    if not folder.is_dir():
        have = ", ".join(_corpora(store)) or "none"
        raise SettingsError(
            f"{given!r} is neither a folder nor a corpus of the store {store} (it holds: {have}); "
            f"name one of these, or a folder of documents, or one with a {CORPUS_FILE}"
        )
    if (folder / "LIVE").is_file():
        resolved = folder.resolve()
        return Target(resolved.parent, resolved.name)
    if (folder / CORPUS_FILE).is_file() or (folder / CORPUS_POINTER).is_file():
        return _on_layout(folder, _corpus_file(folder), cache)
    names = _corpora(folder)
    if names:
        return Target(folder, corpus or _only(names, folder))
    documents = folder / "docs"
    if documents.is_dir():
        return _on_layout(folder, documents, cache)
    return _on_layout(folder, folder, cache)


def cache_folder() -> Path:
    """The store that documents are ingested into for evaluation only, in the user's cache folder.

    Source: XDG Base Directory Specification, `XDG_CACHE_HOME`.
    """
    base = Path.home() / ".cache"
    configured = os.environ.get("XDG_CACHE_HOME")
    if configured:
        base = Path(configured)
    return base / "kbserver" / "evaluation"


def _only(names: list[str], store: Path) -> str:
    if len(names) > 1:
        raise SettingsError(
            f"the store {store} holds {', '.join(names)}; say which one with --corpus"
        )
    return names[0]


def _on_layout(folder: Path, documents: Path, cache: Path) -> Target:
    qrels = folder / "qrels"
    return Target(
        store=cache,
        corpus=_corpus_name(documents),
        documents=documents,
        queries=_first_there(folder / "queries.jsonl"),
        qrels=_first_there(qrels / "test.tsv", qrels, folder / "qrels.tsv"),
        language=_language(folder / LANGUAGE_FILE),
    )


def _language(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return DEFAULT_LANGUAGE
    except (OSError, UnicodeDecodeError) as exc:
        raise SettingsError(f"cannot read {file}: {exc}") from exc


def _first_there(*paths: Path) -> Path | None:
    for path in paths:
        if path.exists():
            return path
    return None


def _corpus_file(folder: Path) -> Path:
    here = folder / CORPUS_FILE
    if here.is_file():
        return here
    pointer = folder / CORPUS_POINTER
    elsewhere = folder / pointer.read_text(encoding="utf-8").strip()
    if not elsewhere.is_file():
        raise SettingsError(f"{pointer}: names {elsewhere}, and there is no such file")
    return elsewhere


def _corpus_name(documents: Path) -> str:
    """A readable name that no other folder has: `wixqa-1f0c1617`."""
    resolved = documents.resolve()
    folder = resolved
    if resolved.is_file() or resolved.name == "docs":
        folder = resolved.parent
    readable = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-")
    readable = readable[:40] or "documents"
    digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()
    return f"{readable}-{digest[:8]}"


def _corpora(store: Path) -> list[str]:
    try:
        return Store(store).corpora()
    except StoreError:
        return []
