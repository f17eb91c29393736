"""Files to passages: unchanged ones from the live generation, the others by converting and cutting them."""

from __future__ import annotations

import hashlib
import time
from base64 import b32encode
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from kbserver.embedding.base import Encoder
from kbserver.errors import DocumentUnreadable, ExtraMissing
from kbserver.files import sha256_of
from kbserver.index.documents import DocumentEntry
from kbserver.index.snapshot import Snapshot
from kbserver.ingest.blocks import Document
from kbserver.ingest.chunk import Draft, chunk, embedding_text
from kbserver.ingest.lint.hidden import is_about_hidden
from kbserver.ingest.lint.prompt_injection import said_to_the_model
from kbserver.ingest.load import load
from kbserver.ingest.report import IngestReport
from kbserver.ingest.spool import Prepared, Spool
from kbserver.ingest.walk import FoundFile, Skipped
from kbserver.types import Passage

_SETTLED_NS = 2_000_000_000  # the coarsest clock of a file system (FAT): a file touched later may change unseen


def passage_id(corpus: str, source: str, text: str, occurrence: int = 0) -> str:
    """Return the stable id of a passage: the same corpus, document path and text give the same id anywhere.

    Args:
        occurrence: how many passages of the same text come before it in its document.
    """
    key = "\0".join((corpus, source, text, str(occurrence)))
    return (
        b32encode(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest())
        .decode("ascii")[:16]
        .lower()
    )


class Reader:
    """Reads the files of one ingest into a spool."""

    def __init__(
        self,
        corpus: str,
        encoder: Encoder,
        chunking: Mapping[str, Any],
        previous: Snapshot | None,
        report: IngestReport,
    ) -> None:
        """Say how files are read.

        Args:
            chunking: parameters of the new generation.
            previous: the live generation; taken over from only if it was cut with the same parameters for the same
                model.
            report: what is skipped, noted and withheld is written here.
        """
        self._corpus = corpus
        self._encoder = encoder
        self._chunking = chunking
        self._report = report
        self._live: dict[
            str, list[DocumentEntry]
        ] = {}  # of the live generation, by file
        self._questions: dict[
            int, list[str]
        ] = {}  # extra phrasings, by row of the live generation
        self._previous = previous
        same_model = (
            previous is not None
            and previous.manifest.model.fingerprint == encoder.identity.fingerprint
        )
        if (
            previous is not None
            and same_model
            and dict(previous.manifest.chunking) == dict(chunking)
        ):
            for entry in previous.documents():
                self._live.setdefault(
                    str(entry.extra.get("file", entry.source)), []
                ).append(entry)
                for position, questions in entry.extra.get("questions", {}).items():
                    self._questions[entry.first_row + int(position)] = questions
        self._begun_ns = time.time_ns()
        self._supersedes: list[
            tuple[str, str]
        ] = []  # of the documents read anew, by whom and whom

    def read(self, file: FoundFile, spool: Spool) -> list[DocumentEntry]:
        """Append the passages of a file, and return its documents; a file that cannot be read is reported."""
        before = self._live.get(file.source, ())
        mtime_ns = file.mtime_ns if file.mtime_ns < self._begun_ns - _SETTLED_NS else 0
        facts = {"file": file.source, "size": file.size, "mtime_ns": mtime_ns}
        try:
            digest = (
                before[0].content_hash
                if before and _same_stat(before[0], file)
                else sha256_of(file.path)
            )
            if before and digest == before[0].content_hash:
                return list(self._taken_over(before, facts, spool))
            documents = load(file.path, file.source)
            if (
                sha256_of(file.path) != digest
            ):  # written while it was read: what was read may be half of it
                return self.as_before(file, spool)
            return [self._cut(document, digest, facts, spool) for document in documents]
        except DocumentUnreadable as exc:
            self._report.skipped.append(Skipped(file.source, exc.reason))
        except ExtraMissing as exc:
            self._report.skipped.append(Skipped(file.source, str(exc)))
        except OSError as exc:  # removed or closed to us since it was found
            self._report.skipped.append(
                Skipped(file.source, (exc.strerror or "cannot be read").lower())
            )
        return []

    def as_before(self, file: FoundFile, spool: Spool) -> list[DocumentEntry]:
        """Append the passages a file has in the live generation, without a look at it; it is being written."""
        before = self._live.get(file.source, ())
        if not before:
            self._report.skipped.append(Skipped(file.source, "being written just now"))
        return list(
            self._taken_over(
                before, {"file": file.source, "size": 0, "mtime_ns": 0}, spool
            )
        )

    def note_superseded_strangers(self, sources: Collection[str]) -> None:
        """Report what documents read anew supersede and what is not there: a path mistyped would speak both.

        Args:
            sources: of all documents.
        """
        known = {*sources, *(source.split("#", 1)[0] for source in sources)}
        self._report.notes += [
            Skipped(
                newer,
                f"supersedes {older!r}, which is no document here; write its path below the folder",
            )
            for newer, older in self._supersedes
            if older not in known
        ]

    def prepared(self, row: int) -> Prepared:
        """Return the passage of a row of the live generation."""
        if self._previous is None:
            raise IndexError(f"row {row} of no generation")
        return self._prepared(self._previous.passage(row), self._questions.get(row, ()))

    def _taken_over(
        self, before: Sequence[DocumentEntry], facts: dict[str, object], spool: Spool
    ) -> Iterator[DocumentEntry]:
        for entry in before:
            first = len(spool)
            for row in range(entry.first_row, entry.first_row + entry.passages):
                spool.take_over(row)
            withheld = entry.extra.get("withheld", ())
            self._report.withheld += [Skipped(entry.source, said) for said in withheld]
            extra = (
                facts
                if entry.extra.keys() == facts.keys()
                else {**entry.extra, **facts}
            )
            yield DocumentEntry(
                entry.source, entry.content_hash, first, entry.passages, extra
            )

    def _cut(
        self, document: Document, digest: str, facts: dict[str, object], spool: Spool
    ) -> DocumentEntry:
        first, seen = len(spool), Counter[str]()
        metadata = {
            key: value for key, value in document.metadata.items() if key != "questions"
        }
        older = metadata.get("supersedes", ())
        self._supersedes += (
            [(document.source, str(one)) for one in older]
            if isinstance(older, list)
            else []
        )
        questions: dict[str, list[str]] = {}
        withheld: list[str] = []
        for draft in chunk(
            document,
            count_tokens=self._encoder.count_tokens,
            max_tokens=self._chunking["max_tokens"],
            target_tokens=self._chunking["target_tokens"],
        ):
            passage = self._passage(draft, document.source, metadata, seen)
            said = (
                None
                if self._chunking["keep_suspicious"]
                else said_to_the_model(draft.embedded)
            )
            if said is not None:
                withheld.append(said)
                continue
            if draft.questions:
                questions[str(len(spool) - first)] = list(draft.questions)
            spool.add(self._prepared(passage, draft.questions))
        self._report.notes += [
            Skipped(document.source, note) for note in document.notes
        ]
        self._report.withheld += [Skipped(document.source, said) for said in withheld]
        hidden = [note for note in document.notes if is_about_hidden(note)]
        kept = {"questions": questions, "withheld": withheld, "hidden": hidden}
        extra = {**facts, **{key: value for key, value in kept.items() if value}}
        return DocumentEntry(document.source, digest, first, len(spool) - first, extra)

    def _passage(
        self, draft: Draft, source: str, metadata: dict[str, object], seen: Counter[str]
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
            metadata=metadata,
        )

    def _prepared(self, passage: Passage, questions: Sequence[str]) -> Prepared:
        """Add what finds a passage: its title, headings, and the extra phrasings written down for it."""
        embedded = embedding_text(passage.title, passage.heading_path, passage.text)
        found_by = "\n".join((*questions, embedded))
        if (
            questions
            and self._encoder.count_tokens(found_by)
            <= self._encoder.identity.max_tokens
        ):
            embedded = found_by
        return Prepared(passage, embedded, found_by)


def _same_stat(entry: DocumentEntry, file: FoundFile) -> bool:
    return (entry.extra.get("size"), entry.extra.get("mtime_ns")) == (
        file.size,
        file.mtime_ns,
    )
