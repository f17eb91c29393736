"""One ingest: find → load → chunk → embed and word what is new → write a generation → publish it. Read this first.

Whatever happens, the live generation stays what it was until the new one is written, verified and published.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from kbserver.embedding.base import Encoder
from kbserver.embedding.models import open_encoder
from kbserver.errors import (
    IngestError,
    ShrinkRefused,
    SnapshotCorrupt,
    SnapshotMismatch,
    StoreError,
    StoreMissing,
)
from kbserver.index.documents import DocumentEntry
from kbserver.index.durable import disk_trouble
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.tokens import checked_language
from kbserver.index.manifest import MANIFEST, VectorChoice, VectorPrecision
from kbserver.index.names import UNFINISHED, checked_corpus
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.index.writer import IndexedPassage, SnapshotFacts, write_snapshot
from kbserver.ingest.chunk import TARGET_TOKENS
from kbserver.ingest.embed import count_new, embed_rows
from kbserver.ingest.journal import EmbeddingJournal
from kbserver.ingest.phonetic_part import phonetic_parts
from kbserver.ingest.reader import Reader, passage_id
from kbserver.ingest.report import IngestReport, Interrupted, OnProgress
from kbserver.ingest.spoken_part import write_spooled_spoken_forms
from kbserver.ingest.spool import Spool
from kbserver.ingest.walk import FoundFile, Skipped, walk
from kbserver.retrieval.spoken.table import PART as SPOKEN_FORMS
from kbserver.settings import DEFAULT_LANGUAGE, DEFAULT_MODEL

__all__ = ["IngestOptions", "OnProgress", "ingest", "passage_id"]

CONVERSION = 3
"""Raised whenever files would now be read or cut differently: unchanged files are then read again."""

K1, B = (
    1.2,
    0.75,
)  # of the words; a plateau from 1.0 to 1.5 and .6 to .8 on the mean of the public sets

_GITIGNORE_SIGN = re.compile(r"[\\\[\]*?!# ]")

SHRINK_LIMIT = 0.3  # a folder unmounted or emptied by mistake loses all of it; honest clean-ups lose a few percent


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How documents become a generation."""

    model: str = DEFAULT_MODEL
    device: str = "auto"
    target_tokens: int = TARGET_TOKENS
    ignore: tuple[str, ...] = ()
    allow_shrink: bool = False
    dry_run: bool = False
    keep: int = 3
    """Generations left after publishing; older ones are removed."""
    wait_s: float = 0.0
    """How long to wait for another ingest of the same corpus."""
    language: str = DEFAULT_LANGUAGE
    """Of the documents, for stemming; one of `index.tokens.LANGUAGES`."""
    keep_suspicious: bool = False
    """Do not withhold passages that speak to the model; see docs/security.md."""
    index: VectorChoice | None = None
    """How embeddings are searched; None: as in the live generation, else by their number."""
    vectors: VectorPrecision | None = None
    """How embeddings are stored; None: as in the live generation, else float32."""
    models: Path | None = None
    """Where the model's export is kept; None: the user's own cache folder."""


def options_of(store: Store, corpus: str) -> IngestOptions:
    """Return what a corpus was last built with, so that a plain re-ingest changes nothing; the defaults for a new one.

    A generation that cannot be served any more is built anew, and its manifest may still say how.
    """
    try:
        manifest = json.loads(
            (store.path / corpus / store.live(corpus) / MANIFEST).read_bytes()
        )
        chunking = manifest["chunking"]
        return IngestOptions(
            model=str(manifest["model"]["name"]),
            language=str(chunking["language"]),
            keep_suspicious=bool(chunking["keep_suspicious"]),
        )
    except (StoreError, OSError, ValueError, LookupError, TypeError):
        return IngestOptions()


def ingest(
    paths: Sequence[Path],
    *,
    store: Store,
    corpus: str,
    options: IngestOptions | None = None,
    encoder: Encoder | None = None,
    unsettled: Collection[Path] = (),
    on_progress: OnProgress | None = None,
) -> IngestReport:
    """Bring a corpus up to date with some folders and files, and publish the result.

    Args:
        paths: folders, and files that are taken whatever their name.
        corpus: its name; made if it is not there.
        encoder: the model of the options, opened by the caller, who also closes it: opening one takes most of the
            time of a small re-ingest.
        unsettled: files that are being written just now: they stay what they were in the live generation.

    Returns:
        What was read, skipped and why, embedded and reused. `published` is False if nothing had changed.

    Raises:
        SettingsError: the language is not known.
        IngestError: a path does not exist, nothing could be read, or too many documents would be lost.
        StoreError: the store cannot be written, or another ingest holds the corpus.
        ModelError: the embedding model cannot be loaded.
        Interrupted: Ctrl-C; what was embedded so far is kept for the next ingest.
    """
    options, progress = (
        options or IngestOptions(),
        on_progress or (lambda stage, done, total: None),
    )
    report = IngestReport(checked_corpus(corpus), dry_run=options.dry_run)
    checked_language(options.language)
    begun = time.monotonic()
    try:
        files = _found(paths, store, options, report)
        with ExitStack() as stack:
            if not options.dry_run:
                stack.enter_context(store.lock(corpus, wait_s=options.wait_s))
            encoder = encoder or stack.enter_context(_open(store, options))
            _bring_up_to_date(
                files, unsettled, store, options, encoder, report, progress, stack
            )
    except KeyboardInterrupt:
        raise Interrupted(report.kept) from None
    report.seconds = time.monotonic() - begun
    return report


def _bring_up_to_date(
    files: Sequence[FoundFile],
    unsettled: Collection[Path],
    store: Store,
    options: IngestOptions,
    encoder: Encoder,
    report: IngestReport,
    progress: OnProgress,
    stack: ExitStack,
) -> None:
    """The steps of an ingest, in order. What is opened is closed with the stack."""
    corpus, report.model = report.corpus, encoder.identity.name
    chunking = _chunking(encoder, options)
    previous = _previous(store, report, stack)
    index, vectors = _vectors(options, previous)
    scratch = _scratch(store, corpus, options, stack)
    reader = Reader(corpus, encoder, chunking, previous, report)
    spool = stack.enter_context(Spool(scratch / "passages", reader.prepared))

    entries: list[DocumentEntry] = []
    moving = {path.resolve() for path in unsettled}
    for number, file in enumerate(files):
        progress("read", number, len(files))
        is_moving = bool(moving) and file.path.resolve() in moving
        entries += (
            reader.as_before(file, spool) if is_moving else reader.read(file, spool)
        )
    progress("read", len(files), len(files))
    report.passages = len(spool)
    reader.note_superseded_strangers({entry.source for entry in entries})

    _compare(entries, previous, options, report)
    if not len(spool):
        raise IngestError(_nothing_read(report))
    if previous is not None and not _differs(
        report, previous, chunking, encoder, index, vectors
    ):
        report.generation, report.reused = previous.manifest.generation, len(spool)
        return
    if options.dry_run:
        report.embedded = count_new(spool, previous, encoder)
        report.reused = len(spool) - report.embedded
        return

    journal = stack.enter_context(
        EmbeddingJournal(store.path / corpus, encoder.identity)
    )
    report.kept = journal.kept
    embeddings = embed_rows(
        spool,
        previous=None
        if previous is not None and _coarser(previous, vectors)
        else previous,
        journal=journal,
        encoder=encoder,
        file=scratch / "embeddings.npy",
        report=report,
        progress=progress,
    )
    spoken_forms = scratch / SPOKEN_FORMS
    write_spooled_spoken_forms(
        spool, spoken_forms, previous=previous, progress=progress
    )
    progress("write", 0, len(spool))
    folder = write_snapshot(
        store.path,
        corpus,
        (
            IndexedPassage(prepared.passage, prepared.embedded, prepared.lexical)
            for prepared in spool
        ),
        embeddings,
        SnapshotFacts(
            model=encoder.identity,
            chunking=chunking,
            bm25=Bm25Parameters(k1=K1, b=B, language=options.language),
            vectors=index,
            precision=vectors,
        ),
        documents=entries,
        parts={
            **phonetic_parts((prepared.lexical for prepared in spool), len(spool)),
            SPOKEN_FORMS: spoken_forms.rename,
        },
    )
    store.publish(corpus, folder.name)
    report.generation, report.published = folder.name, True
    journal.remove()
    store.prune(corpus, keep=options.keep)
    progress("write", len(spool), len(spool))


def _open(store: Store, options: IngestOptions) -> Encoder:
    return open_encoder(
        options.model,
        cache=options.models,
        store=store.path,
        device=options.device,
        for_queries=False,
    )


def _chunking(encoder: Encoder, options: IngestOptions) -> dict[str, Any]:
    """What decides, beside the text and the model, what a document's passages are."""
    return {
        "conversion": CONVERSION,
        "max_tokens": encoder.identity.max_tokens,
        "target_tokens": options.target_tokens,
        "language": options.language,
        "keep_suspicious": options.keep_suspicious,
    }


def _vectors(
    options: IngestOptions, previous: Snapshot | None
) -> tuple[VectorChoice, VectorPrecision]:
    """How embeddings are searched and stored: as the options say, else as before."""
    before = previous.manifest.vectors if previous is not None else None
    index = options.index or (before.choice if before is not None else "auto")
    return index, options.vectors or (
        before.precision if before is not None else "float32"
    )


def _coarser(previous: Snapshot, wanted: VectorPrecision) -> bool:
    """Whether the live generation's embeddings are rounded more than is wanted."""
    finest_first = get_args(VectorPrecision)
    return finest_first.index(previous.manifest.vectors.precision) > finest_first.index(
        wanted
    )


def _previous(store: Store, report: IngestReport, stack: ExitStack) -> Snapshot | None:
    """The live generation, or None if there is none or it cannot be used.

    Every file of it is checked: an embedding taken over from a damaged one would get a good checksum in the next.
    """
    try:
        return stack.enter_context(store.open(report.corpus, verify=True))
    except StoreMissing:
        return None
    except (SnapshotMismatch, SnapshotCorrupt) as exc:
        report.notes.append(
            Skipped(report.corpus, f"everything is read and embedded again: {exc}")
        )
        return None


def _found(
    paths: Sequence[Path], store: Store, options: IngestOptions, report: IngestReport
) -> list[FoundFile]:
    """The files to read: those below the paths, but for the store itself if it lies there.

    Raises:
        IngestError: there are none.
    """
    files: list[FoundFile] = []
    where = store.path.resolve()
    roots = [path.resolve() for path in paths]
    inside = [
        where.relative_to(root).as_posix()
        for root in roots
        if where != root and where.is_relative_to(root)
    ]
    own = ["/" + _GITIGNORE_SIGN.sub(r"\\\g<0>", path) + "/" for path in inside]
    for found in walk(paths, ignore=(*options.ignore, *own)):
        if isinstance(found, FoundFile):
            files.append(found)
        else:
            report.skipped.append(found)
    if not files:
        raise IngestError(f"{', '.join(map(str, paths))}: {_nothing_read(report)}")
    return files


def _scratch(
    store: Store, corpus: str, options: IngestOptions, stack: ExitStack
) -> Path:
    """A folder beside the generations, swept by the next writer if this one is killed; elsewhere for a dry run."""
    beside = None if options.dry_run else store.path / corpus
    with disk_trouble("write to the store", store.path / corpus):
        return Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix=f"{UNFINISHED}work-", dir=beside)
            )
        )


def _compare(
    entries: Sequence[DocumentEntry],
    previous: Snapshot | None,
    options: IngestOptions,
    report: IngestReport,
) -> None:
    """Count what changed since the live generation, and refuse to lose too much of it.

    Raises:
        ShrinkRefused: over `SHRINK_LIMIT` of its documents would be gone; moved ones are not.
    """
    now = {entry.source: entry.content_hash for entry in entries}
    before = (
        {entry.source: entry.content_hash for entry in previous.documents()}
        if previous
        else {}
    )
    report.documents = len(now)
    report.changes += [("new", source) for source in now if source not in before]
    report.changes += [
        ("changed", source)
        for source in now
        if source in before and before[source] != now[source]
    ]
    report.changes += [("gone", source) for source in before if source not in now]
    counts = Counter(change for change, _ in report.changes)
    report.added, report.changed, report.removed = (
        counts["new"],
        counts["changed"],
        counts["gone"],
    )
    report.unchanged = report.documents - report.added - report.changed
    here = set(now.values())
    lost = [
        source
        for source, digest in before.items()
        if source not in now and digest not in here
    ]
    if len(lost) > SHRINK_LIMIT * len(before) and not options.allow_shrink:
        raise ShrinkRefused(
            f"{report.corpus}: {len(lost)} of {len(before)} documents would be lost ({lost[0]}, …), more than "
            f"{SHRINK_LIMIT:.0%}; is the folder complete? If so, ingest it with --allow-shrink; --dry-run beside it "
            "lists them. Nothing was changed"
        )


def _differs(
    report: IngestReport,
    previous: Snapshot,
    chunking: Mapping[str, Any],
    encoder: Encoder,
    index: VectorChoice,
    vectors: VectorPrecision,
) -> bool:
    """Whether a new generation would be another than the live one."""
    if dict(previous.manifest.chunking) != dict(chunking):
        return True
    if (previous.manifest.vectors.choice, previous.manifest.vectors.precision) != (
        index,
        vectors,
    ):
        return True
    if previous.manifest.model.fingerprint != encoder.identity.fingerprint:
        return True
    return bool(report.added or report.changed or report.removed)


def _nothing_read(report: IngestReport) -> str:
    left_out = [*report.skipped, *report.withheld]
    why = "; ".join(f"{one.source}: {one.reason}" for one in left_out[:3])
    skipped = (
        f" ({len(left_out)} skipped: {why}{', …' if len(left_out) > 3 else ''})"
        if why
        else ""
    )
    return f"no document could be read{skipped}; name a folder of Markdown, text, HTML, PDF, DOCX, CSV or JSON"
