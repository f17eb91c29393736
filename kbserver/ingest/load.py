"""One file to documents: the door to every converter."""

from __future__ import annotations

import importlib
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias, cast

from kbserver.errors import DocumentUnreadable, ExtraMissing, IngestError
from kbserver.ingest.blocks import Block, Document, counted
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.visible import strip_invisible

Converter: TypeAlias = Callable[[SourceFile], list[Document]]
"""Turns one file into its documents, or raises whatever its parser raises."""

SizeClass: TypeAlias = Literal["text", "records", "binary"]
"""Which size limit of the walk a format falls under: all of it is text, it streams, or pictures swell it."""


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one kind are read."""

    name: str
    converter: str
    """`module:function`; the module is imported when the first such file comes."""
    size_class: SizeClass
    extra: str | None = None
    """The extra that installs what the module imports."""


_FORMATS = {
    "Markdown": Format("Markdown", "markdown:convert", "text"),
    "text": Format("text", "text:convert", "text"),
    "HTML": Format("HTML", "html:convert", "text"),
    "PDF": Format("PDF", "pdf.pages:convert", "binary"),
    "DOCX": Format("DOCX", "docx:convert", "binary"),
    "CSV": Format("CSV", "csv:convert", "records"),
    "JSON": Format("JSON", "json:convert", "records"),
    "JSONL": Format("JSONL", "json:convert_lines", "records"),
    "XLSX": Format("XLSX", "xlsx:convert", "binary", extra="office"),
    "PPTX": Format("PPTX", "pptx:convert", "binary", extra="office"),
    "RST": Format("reStructuredText", "rst:convert", "text", extra="rst"),
    "EPUB": Format("EPUB", "epub:convert", "binary"),
    "mail": Format("mail", "eml:convert", "binary"),
}

FORMATS: dict[str, Format] = {
    suffix: _FORMATS[name]
    for name, suffixes in {
        "Markdown": ".md .markdown .mdown .mkd .mdx",
        "text": ".txt .text",
        "HTML": ".html .htm .xhtml",
        "PDF": ".pdf",
        "DOCX": ".docx .docm",
        "CSV": ".csv .tsv",
        "JSON": ".json",
        "JSONL": ".jsonl .ndjson",
        "XLSX": ".xlsx .xlsm",
        "PPTX": ".pptx",
        "RST": ".rst .rest",
        "EPUB": ".epub",
        "mail": ".eml",
    }.items()
    for suffix in suffixes.split()
}
"""Every file suffix that is read, in lower case."""

_WORD = re.compile(r"\w")
_TAKEN_FROM = re.compile(
    r"(?:source(?: url)?|original|permalink|canonical url|retrieved from):\s*<?(https?://\S+?)>?",
    re.I,
)


def load(path: Path, source: str) -> list[Document]:
    """Read one file.

    Args:
        path: where it is.
        source: what it is called in the corpus: posix path below the ingested folder.

    Returns:
        One document, or one for each record of a file that holds records; each has some text, its folder in
        `metadata["folder"]` and no invisible characters. A line that only names the page it was taken from is
        `metadata["url"]` and no text.

    Raises:
        DocumentUnreadable: this file cannot be read; `reason` says why, the parser's own error is the cause.
        ExtraMissing: its format needs an optional dependency.
    """
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        raise DocumentUnreadable(source, unknown_type(path))
    convert = _converter(form)
    try:
        if path.stat().st_size == 0:
            raise DocumentUnreadable(source, "empty")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            documents = convert(SourceFile(path, source))
    except IngestError:
        raise
    except OSError as exc:
        raise DocumentUnreadable(
            source, (exc.strerror or "cannot be read").lower()
        ) from exc
    except RecursionError as exc:
        raise DocumentUnreadable(source, "nested too deeply") from exc
    except MemoryError as exc:
        raise DocumentUnreadable(
            source, "too large for the memory of this machine"
        ) from exc
    except Exception as exc:  # a parser met something its author did not foresee: one bad file, not the end
        raise DocumentUnreadable(
            source, f"corrupt or not a {form.name} file ({_first_line(exc)})"
        ) from exc
    finished = [_finished(document) for document in _noted_once(documents)]
    readable = [document for document in finished if _has_words(document)]
    if not readable:
        raise DocumentUnreadable(source, "no text in it")
    return readable


def unknown_type(path: Path) -> str:
    """Say that files of this kind are not read, and what to do about the ones that people often have."""
    suffix = path.suffix.lower()
    newer = {
        ".doc": ".docx",
        ".xls": ".xlsx",
        ".ppt": ".pptx",
        ".rtf": ".docx",
        ".odt": ".docx",
        ".ods": ".xlsx",
    }
    if suffix in newer:
        return f"unknown type {suffix}: save it as {newer[suffix]}"
    return f"unknown type {suffix}" if suffix else "unknown type: no suffix"


def _converter(form: Format) -> Converter:
    module, function = form.converter.split(":")
    try:
        return cast(
            Converter,
            getattr(
                importlib.import_module(f"kbserver.ingest.formats.{module}"), function
            ),
        )
    except ModuleNotFoundError as exc:
        if form.extra is None or (exc.name or "").startswith("kbserver"):
            raise
        raise ExtraMissing(f"reading {form.name}", form.extra) from exc


def _noted_once(documents: Iterable[Document]) -> Iterator[Document]:
    """What a converter says of a file stands in each of its records: leave it in the first."""
    said: set[str] = set()
    for document in documents:
        yield replace(
            document, notes=tuple(note for note in document.notes if note not in said)
        )
        said.update(document.notes)


def _finished(document: Document) -> Document:
    """Bring a converter's document into the form that all share."""
    title, removed = strip_invisible(" ".join(document.title.split()))
    blocks: list[Block] = []
    taken_from: dict[str, object] = {}
    for block in document.blocks:
        if block.kind == "paragraph" and (
            address := _TAKEN_FROM.fullmatch(block.text.strip())
        ):
            taken_from.setdefault(
                "url", address[1]
            )  # as a passage it would win by its title and tell nothing
            continue
        text, in_text = strip_invisible(block.text)
        lead_in, _ = strip_invisible(block.lead_in)
        removed += in_text
        text = text.strip() if block.kind != "code" else text.strip("\n").rstrip()
        if text or block.kind == "heading":
            blocks.append(Block(block.kind, text, block.level, lead_in.strip()))
    folder = str(PurePosixPath(document.source.split("#", 1)[0]).parent)
    metadata = {
        **taken_from,
        **document.metadata,
        "folder": "" if folder == "." else folder,
    }
    notes = (
        (*document.notes, f"removed {counted(removed, 'invisible character')}")
        if removed
        else document.notes
    )
    return replace(
        document,
        title=title.strip(),
        blocks=tuple(blocks),
        metadata=metadata,
        notes=notes,
    )


def _has_words(document: Document) -> bool:
    return any(_WORD.search(block.text) for block in document.blocks)


def _first_line(exc: Exception) -> str:
    text = unicodedata.normalize("NFC", str(exc)).strip().split("\n", 1)[0][:120]
    return text or type(exc).__name__
