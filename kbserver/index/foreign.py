"""A generation from elsewhere: looked through without being trusted, then made the store's own.

What an archive may hold is known by name, so that a model, say, cannot be among it. The vector
index is built anew from the embeddings: the library that reads one takes its word for the sizes
inside it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from kbserver.index.arrays import open_array
from kbserver.index.backends import LEXICAL, VECTOR_CHOICES, VECTORS, build_vectors
from kbserver.index.documents import HASHES, LINES, DocumentEntry
from kbserver.index.embeddings import (
    Embeddings,
    as_embeddings,
    check_lengths,
    decoded,
    open_lengths,
    shape_of,
)
from kbserver.index.lexical.postings import Postings
from kbserver.index.lexical.tokens import LANGUAGES, checked_language
from kbserver.index.lines import LineTable
from kbserver.index.manifest import Manifest, facts_of_files, write_manifest
from kbserver.index.names import checked_corpus, is_generation
from kbserver.index.scopes import ScopeTable
from kbserver.index.snapshot import EMBEDDINGS
from kbserver.index.validity import Validity
from kbserver.types import ModelIdentity, Passage

VECTOR_INDEX = "vectors."
"""How the names of a vector index's files begin."""

_MOST_FILES = 100  # an ingest writes some thirty
_TABLE = r"[a-z]{1,32}\.(?:jsonl|offsets\.npy)"
_POSTINGS = r"bm25\.(?:json|terms\.bin|(?:terms|starts|rows|scores|maxima)\.npy)"
_PART = r"[a-z]{1,32}(?:\.\d{1,9})?"
_NAME = re.compile(
    rf"{_POSTINGS}|{_TABLE}|{_PART}/(?:{_POSTINGS}|{_TABLE})"
    r"|embeddings\.npy|embedded\.sha256|vectors\.[a-z]{1,32}"
    r"|scopes\.(?:values\.bin|(?:values|starts|rows)\.npy)|valid_(?:from|until)\.npy"
    r"|lengths\.npy",
    re.ASCII,
)

_LONGEST_LINE = 1 << 20  # bytes of a record; the longest passage has some 60,000
_DEEPEST = 32  # lists and objects inside one another
_LONGEST_VECTOR = 2.0  # int8 lengthens a unit vector by sqrt(dim) / 254
_BLOCK_ROWS = 50_000  # embeddings decoded at once: 75 MB at 384 dimensions
_DIGEST_BYTES = 32

_PASSAGE = {field.name for field in fields(Passage)}
_DOCUMENT = {field.name for field in fields(DocumentEntry)}


def check_manifest(manifest: Manifest) -> None:
    """Check what a manifest says of names and kinds; its numbers are checked when it is parsed.

    Raises:
        ValueError: something is not what an ingest writes.
        StoreError: the corpus's name is none.
    """
    checked_corpus(manifest.corpus)
    if not is_generation(manifest.generation):
        raise ValueError(f"{manifest.generation!r} cannot be the name of a generation")
    if len(manifest.files) > _MOST_FILES:
        raise ValueError(
            f"its manifest names {len(manifest.files)} files, up to {_MOST_FILES} are read"
        )
    for name in manifest.files:
        if not _NAME.fullmatch(name):
            raise ValueError(f"its manifest names {name!r}, which no ingest writes")
    vectors = manifest.vectors
    language = manifest.chunking.get("language", "none")
    for what, kind, known in (
        ("language", language, LANGUAGES),
        ("vector index", vectors.kind, VECTORS),
        ("vector index", vectors.choice, VECTOR_CHOICES),
        ("lexical index", manifest.lexical, LEXICAL),
    ):
        if kind not in known:
            raise ValueError(
                f"its manifest says {what} {kind!r:.80}, this kbserver has {', '.join(known)}"
            )


def adopt(
    folder: Path, manifest: Manifest, *, generation: str, model: ModelIdentity
) -> None:
    """Check the files of a folder, build its vector index and write its manifest.

    Args:
        folder: holds the files that the manifest names but for the vector index, and no others.
        manifest: as it came; its checksums hold.
        generation: the name it gets here.
        model: what its embeddings come from, by the name it has here.

    Raises:
        ValueError: a file is missing, or holds what no ingest writes.
        OSError: the disk is full, or a file cannot be read.
    """
    try:
        _check_embeddings(folder / EMBEDDINGS, manifest)
        _check_tables(folder, manifest)
        _check_records(folder, manifest)
    except OSError as exc:
        if not isinstance(exc, FileNotFoundError):
            raise
        raise ValueError(f"{Path(exc.filename).name} is missing") from exc
    except Exception as exc:  # bytes that are made up can raise any
        raise ValueError(str(exc) or type(exc).__name__) from exc
    rows = manifest.passages
    choice = manifest.vectors.choice
    built = build_vectors(choice, folder / EMBEDDINGS, folder, rows=rows)
    chunking = dict(manifest.chunking)
    if "keep_suspicious" in chunking:  # the next ingest here would do as it says
        chunking["keep_suspicious"] = False
    adopted = replace(
        manifest,
        generation=generation,
        chunking=chunking,
        model=model,
        vectors=replace(built, precision=manifest.vectors.precision),
        files=facts_of_files(folder),
    )
    write_manifest(adopted, folder)


def _check_embeddings(file: Path, manifest: Manifest) -> None:
    found = as_embeddings(open_array(file))
    if found is None:
        raise ValueError(f"{file.name}: no embeddings")
    wanted = (manifest.passages, manifest.model.dim)
    if shape_of(found) != wanted:
        raise ValueError(
            f"{file.name}: shape {shape_of(found)}, its manifest says {wanted}"
        )
    if _precision(found) != manifest.vectors.precision:
        raise ValueError(
            f"{file.name}: {_precision(found)}, its manifest says {manifest.vectors.precision}"
        )
    for start in range(0, len(found), _BLOCK_ROWS):
        # One mapping for all of them would fill the memory.
        block = decoded(found[start : start + _BLOCK_ROWS])
        lengths = np.linalg.norm(block.astype(np.float64), axis=1)
        if not (lengths <= _LONGEST_VECTOR).all():  # NaN compares as False
            row = start + int(np.argmin(lengths <= _LONGEST_VECTOR))
            raise ValueError(f"{file.name}: row {row} is no unit vector")


def _precision(embeddings: Embeddings) -> str:
    if embeddings.dtype.names:
        return "int8"
    return embeddings.dtype.name


def _check_tables(folder: Path, manifest: Manifest) -> None:
    """Check everything that refers to rows by their number."""
    rows = manifest.passages
    ScopeTable.open(folder).check(rows)
    validity = Validity.open(folder)
    if validity is not None:
        validity.check(rows)
    lengths = open_lengths(folder)
    if lengths is not None:
        check_lengths(lengths, rows)
    for name in manifest.files:
        file = folder / name
        if file.name == "bm25.json":
            postings, parameters = Postings.open(file.parent)
            checked_language(parameters.language)
            postings.check(rows)
        elif name != LINES and file.suffix == ".jsonl":
            LineTable.open(file.with_suffix("")).check(rows)
    hashes = (folder / HASHES).stat().st_size
    if hashes != rows * _DIGEST_BYTES:
        raise ValueError(f"{HASHES}: {hashes} bytes for {rows} passages")


def _check_records(folder: Path, manifest: Manifest) -> None:
    """Read every passage and every document."""
    rows = manifest.passages
    read = sum(1 for _ in _records(folder / "passages.jsonl", _PASSAGE))
    if read != rows:
        raise ValueError(f"passages.jsonl: {read} lines, its manifest says {rows}")
    documents = 0
    for record in _records(folder / LINES, _DOCUMENT):
        first, passages = record["first_row"], record["passages"]
        if not 0 <= first <= first + passages <= rows:
            raise ValueError(
                f"{LINES}: rows that are not there in {record['source']!r}"
            )
        documents += 1
    if documents != manifest.documents:
        raise ValueError(
            f"{LINES}: {documents} lines, its manifest says {manifest.documents}"
        )


def _records(file: Path, wanted: set[str]) -> Iterator[dict[str, Any]]:
    """Yield the JSON object of each line once it is seen to be what an ingest writes."""
    with file.open("rb") as stream:
        number = 0
        while line := stream.readline(_LONGEST_LINE + 1):
            number += 1
            if len(line) > _LONGEST_LINE:
                raise ValueError(
                    f"{file.name}: line {number} is longer than {_LONGEST_LINE:,} bytes"
                )
            try:
                record = json.loads(
                    line.decode("utf-8", "surrogatepass"), parse_constant=_refuse
                )
                right = _is_record(record, wanted)
            except (ValueError, RecursionError) as exc:
                raise ValueError(f"{file.name}: line {number}: {exc}") from exc
            if not right:
                raise ValueError(
                    f"{file.name}: line {number} is not what an ingest writes"
                )
            yield record


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _is_record(record: object, wanted: set[str]) -> bool:
    if not isinstance(record, dict) or record.keys() != wanted:
        return False
    for key, value in record.items():
        if not _FITS.get(key, _is_text)(value):
            return False
    return _is_plain(record, _DEEPEST)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_extra(value: object) -> bool:
    """Whether the next ingest can read what is remembered of a document."""
    if not isinstance(value, dict):
        return False
    questions = value.get("questions", {})
    lists = [value.get("withheld", []), value.get("hidden", [])]
    if not isinstance(questions, dict) or not all(map(str.isdecimal, questions)):
        return False
    return all(map(_is_texts, [*lists, *questions.values()]))


_FITS = {
    "heading_path": _is_texts,
    "position": _is_count,
    "metadata": _is_object,
    "first_row": _is_count,
    "passages": _is_count,
    "extra": _is_extra,
}
"""What a field must be; one that is not named here is a text."""


def _is_plain(value: object, deepest: int) -> bool:
    """Whether JSON can be written of a value again, and any step can walk through it."""
    if isinstance(value, float):
        return math.isfinite(value)
    inside: list[object] = []
    if isinstance(value, Mapping):
        inside = list(value.values())
    elif isinstance(value, list):
        inside = value
    if not inside:
        return True
    return deepest > 0 and all(_is_plain(one, deepest - 1) for one in inside)
