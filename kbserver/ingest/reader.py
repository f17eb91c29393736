"""Files to passages: taken over from the live generation if unchanged, else read and cut."""

from __future__ import annotations

import hashlib
import time
from base64 import b32encode
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kbserver.embedding.base import Encoder
from kbserver.errors import DocumentUnreadable
from kbserver.files import sha256_of
from kbserver.index.documents import DocumentEntry
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.blocks import Document, is_not_spoken
from kbserver.ingest.chunk import Draft, chunk, embedding_text
from kbserver.ingest.conversion import Convert
from kbserver.ingest.formats.ocr.shown import (
    digest_of,
    root_of,
    shown_content,
    with_shown,
)
from kbserver.ingest.lengths import beginning_of, counting_for
from kbserver.ingest.lint.hidden import is_about_hidden
from kbserver.ingest.lint.prompt_injection import prompt_injection_in
from kbserver.ingest.report import IngestReport
from kbserver.ingest.spool import Prepared, Spool
from kbserver.ingest.walk import FoundFile, Skipped
from kbserver.languages import profile
from kbserver.types import Passage

OCR_CONFIDENCE = "ocr_confidence"
"""Key of a passage's metadata: the lowest with which a line of it was recognised."""

_TRUSTED_AGE_NS = 2_000_000_000
"""A file changed later than this before the ingest may change again at the same time
of last change: the coarsest clock of a file system, FAT's, ticks every 2 s."""


def passage_id(corpus: str, source: str, text: str, occurrence: int = 0) -> str:
    """Return the stable id of a passage, the same on every machine.

    Args:
        occurrence: how many passages of the same text precede it in its document.
    """
    key = "\0".join((corpus, source, text, str(occurrence)))
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return b32encode(digest).decode("ascii")[:16].lower()


@dataclass(frozen=True, slots=True)
class Begun:
    """A file that was looked at, and is being converted unless it stays what it was."""

    file: FoundFile
    digest: str = ""
    """SHA-256 of its bytes; "" if it was not opened."""
    documents: Future[list[Document]] | None = None
    """None if it stays what it was."""


class Reader:
    """Reads the files of one ingest into a spool: each is begun, then finished."""

    def __init__(
        self,
        corpus: str,
        encoder: Encoder,
        chunking: Mapping[str, Any],
        previous: Snapshot | None,
        report: IngestReport,
        convert: Convert,
    ) -> None:
        """Look up what can be taken over.

        Args:
            chunking: parameters of the new generation.
            previous: the live generation; taken over from only if it was cut with the
                same parameters for the same model.
            report: gets what is skipped, noted and withheld.
            convert: begins to read one file.
        """
        self._corpus = corpus
        self._encoder = encoder
        self._chunking = chunking
        self._report = report
        self._convert = convert
        self._previous = previous
        # documents of the live generation by their file
        self._live: dict[str, list[DocumentEntry]] = {}
        # extra phrasings by row of the live generation
        self._questions: dict[int, list[str]] = {}
        # (document, document that it supersedes) of every document read anew
        self._supersedes: list[tuple[str, str]] = []
        self._started_ns = time.time_ns()
        if previous is not None and self._was_cut_the_same(previous):
            self._look_up(previous)

    def begin(self, file: FoundFile) -> Begun:
        """Look at a file, and have it converted unless it is unchanged."""
        before = self._live.get(file.source, ())
        try:
            shown = _shown_now(before[0], file) if before else {}
            if before and not shown and _same_stat(before[0], file):
                digest = before[0].content_hash
            else:
                digest = sha256_of(file.path)
        except OSError as exc:  # removed or made unreadable since the walk
            return Begun(file, documents=_failed(exc))
        if before and with_shown(digest, shown) == before[0].content_hash:
            return Begun(file, digest)
        return Begun(file, digest, self._convert(file))

    def finish(self, begun: Begun, spool: Spool) -> list[DocumentEntry]:
        """Append the passages of a file and return its documents.

        A file that cannot be read is reported, and gives no document.
        """
        try:
            return self._finish(begun, spool)
        except DocumentUnreadable as exc:
            reason = exc.reason
        except OSError as exc:
            reason = _why(exc)
        self._report.skipped.append(Skipped(begun.file.source, reason))
        return []

    def _as_before(self, file: FoundFile, spool: Spool) -> list[DocumentEntry]:
        """Append the passages a file has in the live generation."""
        before = self._live.get(file.source, ())
        if not before:
            skipped = Skipped(file.source, "being written just now")
            self._report.skipped.append(skipped)
        facts: dict[str, object] = {"file": file.source, "stat": []}
        return list(self._taken_over(before, facts, spool))

    def report_unknown_supersedes(self, sources: Collection[str]) -> None:
        """Note each document read anew that supersedes a document that is not there.

        With a mistyped path, both the old and the new document would be spoken.

        Args:
            sources: of all documents.
        """
        files = (source.split("#", 1)[0] for source in sources)
        known = {*sources, *files}
        for newer, older in self._supersedes:
            if older not in known:
                reason = (
                    f"supersedes {older!r}, which is no document here; "
                    "write its path below the folder"
                )
                self._report.notes.append(Skipped(newer, reason))

    def prepared(self, row: int) -> Prepared:
        """Return the passage of a row of the live generation.

        Raises:
            IndexError: there is no such row.
        """
        if self._previous is None:
            raise IndexError(f"row {row} of no generation")
        questions = self._questions.get(row, ())
        return self._prepared(self._previous.passage(row), questions)

    def _was_cut_the_same(self, previous: Snapshot) -> bool:
        manifest = previous.manifest
        if manifest.model.fingerprint != self._encoder.identity.fingerprint:
            return False
        return dict(manifest.chunking) == dict(self._chunking)

    def _look_up(self, previous: Snapshot) -> None:
        """Remember the documents of the live generation and their extra phrasings."""
        for entry in previous.documents():
            file = str(entry.extra.get("file", entry.source))
            self._live.setdefault(file, []).append(entry)
            for position, questions in entry.extra.get("questions", {}).items():
                self._questions[entry.first_row + int(position)] = questions

    def _finish(self, begun: Begun, spool: Spool) -> list[DocumentEntry]:
        file = begun.file
        if not begun.digest and begun.documents is None:
            return self._as_before(file, spool)
        facts = self._facts(file)
        if begun.documents is None:
            before = self._live[file.source]
            return list(self._taken_over(before, facts, spool))
        documents = begun.documents.result()
        if sha256_of(file.path) != begun.digest:
            # the file was written meanwhile: the documents may be half of it
            return self._as_before(file, spool)
        return [
            self._cut(document, begun.digest, facts, spool) for document in documents
        ]

    def _facts(self, file: FoundFile) -> dict[str, object]:
        """Return what tells the next ingest whether a file is unchanged."""
        stat = _stat(file)
        youngest = max(file.mtime_ns, file.ctime_ns)
        if youngest >= self._started_ns - _TRUSTED_AGE_NS:
            stat = []
        return {"file": file.source, "stat": stat}

    def _taken_over(
        self,
        before: Sequence[DocumentEntry],
        facts: dict[str, object],
        spool: Spool,
    ) -> Iterator[DocumentEntry]:
        """Append the passages of documents of the live generation."""
        for entry in before:
            first = len(spool)
            for row in range(entry.first_row, entry.first_row + entry.passages):
                spool.take_over(row)
            self._report_withheld(entry.source, entry.extra.get("withheld", ()))
            self._report_notes(entry.source, entry.extra.get("unheard", ()))
            extra = facts
            if entry.extra.keys() != facts.keys():
                extra = {**entry.extra, **facts}
            yield DocumentEntry(
                entry.source, entry.content_hash, first, entry.passages, extra
            )

    def _cut(
        self,
        document: Document,
        digest: str,
        facts: dict[str, object],
        spool: Spool,
    ) -> DocumentEntry:
        """Append the passages of a document that was read anew."""
        first = len(spool)
        seen: Counter[str] = Counter()
        metadata = dict(document.metadata)
        metadata.pop("questions", None)
        older = metadata.get("supersedes", ())
        if isinstance(older, list):
            self._supersedes += [(document.source, str(one)) for one in older]

        questions: dict[str, list[str]] = {}
        withheld: list[str] = []
        for draft in self._drafts(document):
            # counted for withheld passages, too: keeping them must not change ids
            passage = self._passage(draft, document.source, metadata, seen)
            words = self._injection_in(draft)
            if words is not None:
                withheld.append(words)
                continue
            if draft.questions:
                questions[str(len(spool) - first)] = list(draft.questions)
            spool.add(self._prepared(passage, draft.questions))

        self._report_notes(document.source, document.notes)
        self._report_withheld(document.source, withheld)
        hidden = [note for note in document.notes if is_about_hidden(note)]
        kept = {
            "questions": questions,
            "withheld": withheld,
            "hidden": hidden,
            "unheard": list(filter(is_not_spoken, document.notes)),
            "shown": sorted(document.shown),
        }
        extra = {**facts, **{key: value for key, value in kept.items() if value}}
        passages = len(spool) - first
        whole = with_shown(digest, document.shown)
        return DocumentEntry(document.source, whole, first, passages, extra)

    def _drafts(self, document: Document) -> list[Draft]:
        sample = " ".join(block.text for block in islice(document.blocks, 40))
        return chunk(
            document,
            count_tokens=counting_for(sample, self._encoder.count_tokens),
            max_tokens=self._chunking["max_tokens"],
            target_tokens=self._chunking["target_tokens"],
        )

    def _injection_in(self, draft: Draft) -> str | None:
        """Return the words for which a draft is withheld, or None."""
        if self._chunking["keep_suspicious"]:
            return None
        return prompt_injection_in(draft.embedded)

    def _report_notes(self, source: str, notes: Sequence[str]) -> None:
        self._report.notes += [Skipped(source, note) for note in notes]

    def _report_withheld(self, source: str, withheld: Sequence[str]) -> None:
        self._report.withheld += [Skipped(source, words) for words in withheld]

    def _passage(
        self,
        draft: Draft,
        source: str,
        metadata: dict[str, object],
        seen: Counter[str],
    ) -> Passage:
        occurrence = seen[draft.text]
        seen[draft.text] += 1
        return Passage(
            id=passage_id(self._corpus, source, draft.text, occurrence),
            text=draft.text,
            title=draft.title,
            heading_path=draft.heading_path,
            source=source,
            position=draft.position,
            metadata=with_confidence(metadata, draft),
        )

    def _prepared(self, passage: Passage, questions: Sequence[str]) -> Prepared:
        """Add the texts that find a passage: title, headings and extra phrasings.

        The extra phrasings are embedded only if the model's window holds them all. What it does not
        hold of a text in a script that the model cannot read is found by its words alone. Days and
        months in full are for the words alone: the model knows what `Fri` means.
        """
        embedded = embedding_text(passage.title, passage.heading_path, passage.text)
        lexical = "\n".join((*questions, embedded))
        max_tokens = self._encoder.identity.max_tokens
        if questions and self._encoder.count_tokens(lexical) <= max_tokens:
            embedded = lexical
        embedded = beginning_of(embedded, self._encoder.count_tokens, max_tokens)
        days = profile(self._chunking["language"]).said.days(lexical)
        lexical = "\n".join((lexical, *days))
        return Prepared(passage, embedded, lexical)


def with_confidence(
    metadata: Mapping[str, object], draft: Draft
) -> Mapping[str, object]:
    """Return a document's metadata for one passage of it.

    With `ocr_confidence`, in [0, 1], if some of it was recognised on a picture.
    """
    if draft.confidence is None:
        return metadata
    return {**metadata, OCR_CONFIDENCE: draft.confidence}


def _failed(exc: OSError) -> Future[list[Document]]:
    failed: Future[list[Document]] = Future()
    failed.set_exception(exc)
    return failed


def _why(exc: OSError) -> str:
    return (exc.strerror or "cannot be read").lower()


def _shown_now(entry: DocumentEntry, file: FoundFile) -> dict[str, str]:
    """Return the digests of the files that a document showed, as they are now."""
    root = root_of(file.path, file.source)
    paths = entry.extra.get("shown", ())
    return {path: digest_of(shown_content(root / path)) for path in paths}


def _same_stat(entry: DocumentEntry, file: FoundFile) -> bool:
    return entry.extra.get("stat") == _stat(file)


def _stat(file: FoundFile) -> list[int]:
    """Return what changes with a file's content.

    A copy that keeps size and time of another file changes the other two.
    """
    return [file.size, file.mtime_ns, file.ctime_ns, file.inode]
