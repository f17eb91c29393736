"""Documents as they will be spoken, beside what was left out. Changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from kbserver import extras
from kbserver.errors import DocumentUnreadable
from kbserver.ingest.blocks import Document
from kbserver.ingest.chunk import chunk
from kbserver.ingest.conversion import Conversion, ConversionLimits, ahead
from kbserver.ingest.formats.shared.source import Ocr
from kbserver.ingest.lint.prompt_injection import prompt_injection_in
from kbserver.ingest.reader import OCR_CONFIDENCE, passage_id, with_confidence
from kbserver.ingest.walk import FoundFile, Skipped, walk
from kbserver.languages import profile
from kbserver.retrieval.spoken.form import spoken_form_of
from kbserver.settings import DEFAULT_LANGUAGE
from kbserver.types import Passage

_TOKENS_A_CHARACTER = 0.25
"""Of English text and the default model: near enough to cut as an ingest would."""
_MAX_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Preview:
    """What of one document will be heard, and what will not."""

    source: str
    title: str
    spoken: tuple[str, ...]
    """A line for each passage, in reading order."""
    notes: tuple[str, ...]
    """What its conversion changed or left out."""
    withheld: tuple[str, ...]
    """Passages that speak to the model, by the words that do."""
    recognised: tuple[float | None, ...] = ()
    """For each line of `spoken` how surely it was recognised on a picture, in [0, 1];
    None if it was text."""

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values for `kbserver show --json`."""
        return asdict(self)


def preview(
    paths: Sequence[Path], *, language: str = DEFAULT_LANGUAGE
) -> Iterator[Preview | Skipped]:
    """Yield the documents of some folders and files, and the files that are not read.

    Args:
        language: of the documents, as for an ingest.

    Raises:
        IngestError: a path does not exist.
    """
    files: list[FoundFile] = []
    for found in walk(paths):
        if isinstance(found, FoundFile):
            files.append(found)
        else:
            yield found
    for documents in converted(files, language=language):
        if isinstance(documents, Skipped):
            yield documents
        else:
            yield from (_preview_of(document, language) for document in documents)


def converted(
    files: Sequence[FoundFile], *, language: str = DEFAULT_LANGUAGE
) -> Iterator[list[Document] | Skipped]:
    """Yield the documents of each file, or why it has none."""
    ocr = Ocr() if extras.is_installed("ocr") else None
    limits = ConversionLimits()
    cells = profile(language).cells
    with Conversion.of(files, limits, ocr, cells=cells) as conversion:
        begun = ((file, conversion.convert(file)) for file in files)
        for file, documents in ahead(begun, itemgetter(0)):
            try:
                yield documents.result()
            except DocumentUnreadable as exc:
                yield Skipped(file.source, exc.reason)


def passages_of(document: Document) -> Iterator[Passage]:
    """Cut a document about as an ingest would."""
    seen: Counter[str] = Counter()
    drafts = chunk(document, count_tokens=_about_tokens, max_tokens=_MAX_TOKENS)
    for draft in drafts:
        occurrence = seen[draft.text]
        seen[draft.text] += 1
        yield Passage(
            id=passage_id("", document.source, draft.text, occurrence),
            text=draft.text,
            title=draft.title,
            heading_path=draft.heading_path,
            source=document.source,
            position=draft.position,
            metadata=with_confidence(document.metadata, draft),
        )


def _preview_of(document: Document, language: str) -> Preview:
    spoken: list[str] = []
    recognised: list[Any] = []
    withheld: list[str] = []
    for passage in passages_of(document):
        text = "\n".join((passage.title, *passage.heading_path, passage.text))
        words = prompt_injection_in(text)
        if words is None:
            spoken.append(spoken_form_of(passage, language=language).line)
            recognised.append(passage.metadata.get(OCR_CONFIDENCE))
        else:
            withheld.append(words)
    return Preview(
        document.source,
        document.title,
        tuple(spoken),
        document.notes,
        tuple(withheld),
        tuple(recognised),
    )


def _about_tokens(text: str) -> int:
    return int(len(text) * _TOKENS_A_CHARACTER) + 2
