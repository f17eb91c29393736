"""One file to documents: the door to every converter."""

from __future__ import annotations

import importlib
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath, PurePosixPath
from typing import Literal, TypeAlias, cast

from kbserver.errors import DocumentUnreadable, ExtraMissing, IngestError
from kbserver.ingest.blocks import Block, BlockKind, Document, counted
from kbserver.ingest.formats.shared.raised import settle_raised
from kbserver.ingest.formats.shared.signs import spoken_boxes
from kbserver.ingest.formats.shared.source import Ocr, SourceFile
from kbserver.ingest.formats.shared.visible import strip_invisible
from kbserver.ingest.formats.zip import Allowance, Unread, members

Converter: TypeAlias = Callable[[SourceFile], list[Document]]
"""Turns one file into its documents, or raises whatever its parser raises."""

SizeClass: TypeAlias = Literal["text", "records", "binary"]
"""Which size limit of the walk holds: all is text, it streams, or pictures swell it."""


@dataclass(frozen=True, slots=True)
class Format:
    """How files of one kind are read."""

    name: str
    suffixes: str
    """Of its files, in lower case, separated by spaces."""
    converter: str
    """`module:function` below `formats`; imported when the first such file comes."""
    size_class: SizeClass
    extra: str | None = None
    """The extra that installs what the module imports."""
    holds_files: bool = False
    """Whether it is an archive: its files are read one by one, each by its format."""


_REGISTRY = (
    Format("Markdown", ".md .markdown .mdown .mkd .mdx", "markdown:convert", "text"),
    Format("text", ".txt .text", "text:convert", "text"),
    Format("HTML", ".html .htm .xhtml", "html:convert", "text"),
    Format("PDF", ".pdf", "pdf.pages:convert", "binary"),
    Format("DOCX", ".docx .docm", "docx.document:convert", "binary"),
    Format("CSV", ".csv .tsv", "csv:convert", "records"),
    Format("JSON", ".json", "json:convert", "records"),
    Format("JSONL", ".jsonl .ndjson", "json:convert_lines", "records"),
    Format("XLSX", ".xlsx .xlsm", "xlsx:convert", "binary", extra="office"),
    Format("PPTX", ".pptx", "pptx:convert", "binary", extra="office"),
    Format("reStructuredText", ".rst .rest", "rst:convert", "text", extra="rst"),
    Format("EPUB", ".epub", "epub:convert", "binary"),
    Format("ODT", ".odt .ott .fodt", "odf.text:convert", "binary"),
    Format("ODS", ".ods .ots .fods", "odf.sheet:convert", "binary"),
    Format("ODP", ".odp .otp .fodp", "odf.slides:convert", "binary"),
    Format("RTF", ".rtf", "rtf.document:convert", "binary"),
    Format("mail", ".eml", "eml:convert", "binary"),
    Format("MBOX", ".mbox .mbx", "mbox:convert", "records"),
    Format("MSG", ".msg", "msg:convert", "binary", extra="outlook"),
    Format("XML", ".xml", "xml:convert", "records"),
    Format("PNG", ".png", "ocr.picture:convert", "binary", extra="ocr"),
    Format("JPEG", ".jpg .jpeg", "ocr.picture:convert", "binary", extra="ocr"),
    Format("TIFF", ".tif .tiff", "ocr.picture:convert", "binary", extra="ocr"),
    Format("WebP", ".webp", "ocr.picture:convert", "binary", extra="ocr"),
    Format("ZIP", ".zip", "zip:members", "records", holds_files=True),
)

FORMATS: dict[str, Format] = {
    suffix: form for form in _REGISTRY for suffix in form.suffixes.split()
}
"""Every file suffix that is read, in lower case."""

NEEDS_MEMORY = (
    "needs more memory than a file may take: split it, or raise --file-memory"
)

_SAVE_AS = {
    ".doc": ".docx",
    ".xls": ".xlsx",
    ".ppt": ".pptx",
    ".pages": ".docx",
    ".numbers": ".xlsx",
    ".key": ".pptx",
    ".pst": ".mbox",
    ".7z": ".zip",
    ".rar": ".zip",
    ".tar": ".zip",
    ".tgz": ".zip",
    ".gz": ".zip",
}
_STRUCK = re.compile(r"(?<!~)~~(?=[^\s~])([^~\n]*[^\s~])~~(?!~) ?")
"""Struck-out text as it is typed where nothing renders it."""
_LEADERS = re.compile(
    r"(?<=[^\s.…·_])[ \t]*(?:(?:[.·][ \t]?){4,}|…{2,}|_{4,})[ \t]*(?=[\w$€£(])"
)
"""Dots that lead the eye from a name to its price."""
_MAY_LEAD = re.compile(r"[.·…_][ \t]?[.·…_]")
"""In every such run; most lines are sooner looked through for it."""
_FOR_PROGRAMS = (".yaml", ".yml", ".toml", ".ini")
_WORD = re.compile(r"\w")
_TAKEN_FROM = re.compile(
    r"(?:source(?: url)?|original|permalink|canonical url|retrieved from):"
    r"\s*<?(https?://\S+?)>?",
    re.I,
)


def load(
    path: Path,
    source: str,
    ocr: Ocr | None = None,
    going_on: Callable[[], None] | None = None,
) -> list[Document]:
    """Read one file, or each file of an archive.

    Args:
        path: where it is.
        source: its name in the corpus: posix path below the ingested folder.
        ocr: how text on pictures is recognised; None if it is not.
        going_on: called before each step that may take as long as a whole file.

    Returns:
        One document, or one for each record of a file of records; those of a file in an
        archive are called `archive.zip/folder/file.docx`. Each has some text,
        its folder in `metadata["folder"]` and no invisible characters. A line that
        only names the page it was taken from becomes `metadata["url"]`.

    Raises:
        DocumentUnreadable: the file cannot be read; `reason` says why, and the
            parser's own error is the cause.
        ExtraMissing: its format needs an optional dependency.
    """
    file = SourceFile(path, source, ocr=ocr)
    if going_on is not None:
        file = replace(file, going_on=going_on)
    return _load(file, Allowance())


def _load(file: SourceFile, allowance: Allowance) -> list[Document]:
    """Read one file, which may stand in an archive."""
    source = file.source
    form = FORMATS.get(file.path.suffix.lower())
    if form is None:
        raise DocumentUnreadable(source, unknown_type(file.path))
    documents = _convert(form, file, allowance)
    if form.holds_files:
        return documents
    finished = [_finished(document) for document in _noted_once(documents)]
    readable = [document for document in finished if _has_words(document)]
    if not readable:
        raise DocumentUnreadable(source, "no text in it")
    return readable


def format_names(conjunction: str = "and", *, needs_extra: bool = False) -> str:
    """Return the names of the formats as prose: `Markdown, text and HTML`.

    Args:
        conjunction: stands before the last name.
        needs_extra: name the formats that need an extra, instead of those that do not.
    """
    *names, last = [
        form.name for form in _REGISTRY if (form.extra is not None) == needs_extra
    ]
    return f"{', '.join(names)} {conjunction} {last}"


def unknown_type(path: PurePath) -> str:
    """Say that files of this kind are not read, and what to save common ones as."""
    suffix = path.suffix.lower()
    if not suffix:
        return "unknown type: no suffix"
    if suffix in _SAVE_AS:
        return f"unknown type {suffix}: save it as {_SAVE_AS[suffix]}"
    if suffix in _FOR_PROGRAMS:
        what = "it speaks to programs (settings, OpenAPI)"
        return f"unknown type {suffix}: {what}; save what callers need as Markdown"
    return f"unknown type {suffix}"


def _convert(form: Format, file: SourceFile, allowance: Allowance) -> list[Document]:
    """Run a format's converter; whatever its parser raises becomes DocumentUnreadable."""
    source = file.source
    if form.holds_files:
        convert: Converter = partial(_load_members, allowance=allowance)
    else:
        convert = _converter(form)
    try:
        if file.size == 0:
            raise DocumentUnreadable(source, "empty")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return convert(file)
    except IngestError:
        raise
    except OSError as exc:
        reason = (exc.strerror or "cannot be read").lower()
        raise DocumentUnreadable(source, reason) from exc
    except RecursionError as exc:
        raise DocumentUnreadable(source, "nested too deeply") from exc
    except MemoryError as exc:
        reason = NEEDS_MEMORY
        raise DocumentUnreadable(source, reason) from exc
    except Exception as exc:  # parsers raise anything on bad files; go on with others
        reason = f"corrupt or not a {form.name} file ({_first_line(exc)})"
        raise DocumentUnreadable(source, reason) from exc


def _load_members(archive: SourceFile, allowance: Allowance) -> list[Document]:
    """Read the files of an archive; those that cannot be read are noted."""
    unread = Unread()
    documents: list[Document] = []
    for file in members(archive, _unknown_member, allowance, unread):
        try:
            documents += _load(file, allowance)
        except DocumentUnreadable as exc:
            unread.add(file.source, exc.reason)
        except ExtraMissing as exc:
            unread.add(file.source, str(exc))
    if not documents:
        raise DocumentUnreadable(archive.source, unread.summary())
    first = documents[0]
    documents[0] = replace(first, notes=(*first.notes, *unread.notes()))
    return documents


def _unknown_member(path: PurePosixPath) -> str | None:
    if path.suffix.lower() in FORMATS:
        return None
    return unknown_type(path)


def _converter(form: Format) -> Converter:
    module, function = form.converter.split(":")
    try:
        imported = importlib.import_module(f"kbserver.ingest.formats.{module}")
    except ModuleNotFoundError as exc:
        if form.extra is None or (exc.name or "").startswith("kbserver"):
            raise
        raise ExtraMissing(f"reading {form.name}", form.extra) from exc
    return cast(Converter, getattr(imported, function))


def _noted_once(documents: Iterable[Document]) -> Iterator[Document]:
    """Keep a note about the whole file in the first of its records only."""
    seen: set[str] = set()
    for document in documents:
        notes = tuple(note for note in document.notes if note not in seen)
        yield replace(document, notes=notes)
        seen.update(document.notes)


def _finished(document: Document) -> Document:
    """Bring a converter's document into the form that all share."""
    title, removed = strip_invisible(" ".join(document.title.split()))
    struck = 0
    blocks: list[Block] = []
    taken_from: dict[str, object] = {}
    for block in document.blocks:
        address = _taken_from(block)
        if address:
            # not text: its passage would win by its title and say nothing
            taken_from.setdefault("url", address)
            continue
        text, in_text = strip_invisible(block.text)
        if block.kind != "code" and "~~" in text:
            text, in_marks = _STRUCK.subn("", text)
            struck += in_marks
        lead_in, _ = strip_invisible(block.lead_in)
        removed += in_text
        if block.kind == "code":
            text = text.strip("\n").rstrip()
        else:
            text = _settled(text.strip(), block.kind)
        if text or block.kind == "heading":
            lead_in = _settled(lead_in.strip(), "paragraph")
            if (text, lead_in) != (block.text, block.lead_in):
                block = replace(block, text=text, lead_in=lead_in)
            blocks.append(block)
    notes = document.notes
    if removed:
        notes = (*notes, f"removed {counted(removed, 'invisible character')}")
    if struck:
        notes = (*notes, f"left out {counted(struck, 'struck-out text')}")
    folder = {"folder": _folder(document.source)}
    return replace(
        document,
        title=title.strip(),
        blocks=tuple(blocks),
        metadata={**taken_from, **document.metadata, **folder},
        notes=notes,
    )


def _settled(text: str, kind: BlockKind) -> str:
    """Return a text with words for what its raised digits and boxes say.

    The signs in a table's cells are words already.
    """
    if _MAY_LEAD.search(text) is not None:
        text = _LEADERS.sub(": ", text)
    text = settle_raised(text)
    if kind != "table_row":
        text = spoken_boxes(text)
    return text


def _taken_from(block: Block) -> str:
    """Return the address of a block that only names a page, else ""."""
    if block.kind != "paragraph":
        return ""
    found = _TAKEN_FROM.fullmatch(block.text.strip())
    if found is None:
        return ""
    return found[1]


def _folder(source: str) -> str:
    """Return the folder of a source, "" at the top."""
    folder = str(PurePosixPath(source.split("#", 1)[0]).parent)
    if folder == ".":
        return ""
    return folder


def _has_words(document: Document) -> bool:
    return any(_WORD.search(block.text) for block in document.blocks)


def _first_line(exc: Exception) -> str:
    text = unicodedata.normalize("NFC", str(exc)).strip()
    return text.split("\n", 1)[0][:120] or type(exc).__name__
