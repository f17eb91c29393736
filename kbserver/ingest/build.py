"""One ingest: read → compare → embed → write → publish. Read this first.

The live generation stays as it is until the new one is written, verified and published.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, get_args

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
from kbserver.extras import is_installed, require
from kbserver.index.documents import DocumentEntry
from kbserver.index.durable import disk_trouble
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.tokens import FORM, checked_language
from kbserver.index.manifest import MANIFEST, VectorChoice, VectorPrecision
from kbserver.index.names import UNFINISHED, checked_corpus
from kbserver.index.snapshot import Snapshot
from kbserver.index.store import Store
from kbserver.index.writer import IndexedPassage, SnapshotFacts, write_snapshot
from kbserver.ingest.chunk import TARGET_TOKENS
from kbserver.ingest.conversion import Conversion, ConversionLimits, ahead
from kbserver.ingest.embed import count_new, embed_rows
from kbserver.ingest.formats.ocr.cache import shorten
from kbserver.ingest.formats.shared.source import OCR_FLOOR, Ocr
from kbserver.ingest.journal import EmbeddingJournal, remove_journals
from kbserver.ingest.lint.language import language_hints
from kbserver.ingest.load import format_names
from kbserver.ingest.measure import measured, reading_warning
from kbserver.ingest.phonetic_part import phonetic_parts
from kbserver.ingest.reader import Begun, Reader, passage_id
from kbserver.ingest.report import Change, IngestReport, Interrupted, OnProgress
from kbserver.ingest.spoken_part import write_spooled_spoken_forms
from kbserver.ingest.spool import Spool
from kbserver.ingest.walk import FoundFile, Skipped, walk
from kbserver.languages import profile
from kbserver.retrieval.phonetic_field import MAX_PASSAGES, part_of
from kbserver.retrieval.reading import KEY
from kbserver.retrieval.spoken.table import PART as SPOKEN_FORMS
from kbserver.settings import DEFAULT_LANGUAGE, DEFAULT_MODEL
from kbserver.types import FloatMatrix

__all__ = ["Gate", "IngestOptions", "OnProgress", "ingest", "passage_id"]

_OCR_CACHE = ".ocr"
"""Folder below a corpus's: what was found on pictures, so that none is read again."""

CONVERSION = 6
"""Raised whenever files would be read or cut differently: all are then read again."""

K1 = 1.2
"""BM25's term saturation; quality is level from 1.0 to 1.5 on the public sets."""
B = 0.75
"""BM25's length normalisation; quality is level from 0.6 to 0.8 on the public sets."""

SHRINK_LIMIT = 0.3
"""Largest share of documents that may be lost: a folder unmounted or emptied by mistake
loses all of them, an honest clean-up loses a few percent."""

_GITIGNORE_SIGN = re.compile(r"[\\\[\]*?!# ]")


Gate: TypeAlias = Callable[[str], bool]
"""Called with a generation that is whole and not published; returns whether it may be."""


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
    """Of the documents, for stemming; one of `index.lexical.tokens.LANGUAGES`."""
    keep_suspicious: bool = False
    """Keep passages that address the language model; see docs/security.md."""
    index: VectorChoice | None = None
    """How embeddings are searched; None: as in the live generation, else `auto`."""
    precision: VectorPrecision | None = None
    """How embeddings are stored; None: as in the live generation, else float32."""
    models: Path | None = None
    """Where the model's export is kept; None: the user's own cache folder."""
    strict: bool = False
    """Publish nothing if something in the documents is seen and cannot be heard."""
    limits: ConversionLimits = field(default_factory=ConversionLimits)
    """What the conversion of one file may take."""
    ocr: bool | None = None
    """Recognise text on pictures and scanned pages; None: if its extra is installed."""
    ocr_floor: float = OCR_FLOOR
    """Confidence below which a page or line is named and not spoken."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one ingest works with, made before the first file is read."""

    store: Store
    corpus: str
    options: IngestOptions
    encoder: Encoder
    previous: Snapshot | None
    """The live generation; None if there is none or it cannot be used."""
    chunking: Mapping[str, Any]
    """What decides, beside the text and the model, how a document is cut."""
    index: VectorChoice
    """How embeddings are searched."""
    precision: VectorPrecision
    """How embeddings are stored."""
    scratch: Path
    """A folder for files that the end of the ingest removes."""
    ocr: Ocr | None
    """How text on pictures is recognised; None if it is not."""


def options_of(store: Store, corpus: str) -> IngestOptions:
    """Return the options a corpus was last built with, so that a re-ingest keeps them.

    The defaults for a new corpus. The manifest is read by itself, because a generation
    that cannot be served any more may still say how it was built.
    """
    try:
        file = store.path / corpus / store.live(corpus) / MANIFEST
        manifest = json.loads(file.read_bytes())
        chunking = manifest["chunking"]
        return IngestOptions(
            model=str(manifest["model"]["name"]),
            language=str(chunking["language"]),
            keep_suspicious=bool(chunking["keep_suspicious"]),
            ocr=_ocr_before(chunking),
            ocr_floor=float(chunking.get("ocr") or OCR_FLOOR),
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
    gate: Gate | None = None,
    on_progress: OnProgress | None = None,
) -> IngestReport:
    """Bring a corpus up to date with some folders and files, and publish the result.

    Args:
        paths: folders, and files that are taken whatever their name.
        corpus: its name; made if it is not there.
        encoder: the model of the options, opened and later closed by the caller:
            opening it takes most of the time of a small re-ingest.
        unsettled: files that are being written just now; they stay what they were in
            the live generation.
        gate: asked before a generation takes the place of the live one; if it says no, the
            generation waits unpublished.

    Returns:
        What was read, skipped and why, embedded and reused. `published` is False if
        nothing had changed.

    Raises:
        SettingsError: the language is not known.
        IngestError: a path does not exist, nothing could be read, or too many
            documents would be lost.
        StoreError: the store cannot be written, or another ingest holds the corpus.
        ModelError: the embedding model cannot be loaded.
        Interrupted: Ctrl-C; the next ingest finds what was embedded so far.
    """
    options = options or IngestOptions()
    progress = on_progress or _no_progress
    report = IngestReport(checked_corpus(corpus), dry_run=options.dry_run)
    checked_language(options.language)
    started = time.monotonic()
    try:
        files = find(paths, store, options, report)
        with ExitStack() as stack:
            if not options.dry_run:
                stack.enter_context(store.lock(corpus, wait_s=options.wait_s))
            if encoder is None:
                encoder = stack.enter_context(_open_encoder(store, options))
            plan = _plan(store, corpus, options, encoder, report, stack)
            _bring_up_to_date(plan, files, unsettled, gate, report, progress)
    except KeyboardInterrupt:
        raise Interrupted(report.kept) from None
    report.seconds = time.monotonic() - started
    return report


def _bring_up_to_date(
    plan: Plan,
    files: Sequence[FoundFile],
    unsettled: Collection[Path],
    gate: Gate | None,
    report: IngestReport,
    progress: OnProgress,
) -> None:
    """Take the five steps of an ingest."""
    report.model = plan.encoder.identity.name
    with ExitStack() as stack:
        pages = _Pages(progress)
        conversion = stack.enter_context(
            Conversion.of(
                files,
                plan.options.limits,
                plan.ocr,
                pages.one_more,
                cells=profile(plan.options.language).cells,
            )
        )
        reader = Reader(
            plan.corpus,
            plan.encoder,
            plan.chunking,
            plan.previous,
            report,
            conversion.convert,
        )
        spool = stack.enter_context(Spool(plan.scratch / "passages", reader.prepared))
        entries = read(files, reader, spool, unsettled, progress)
        conversion.close()
        if plan.ocr is not None and plan.ocr.cache:
            shorten(Path(plan.ocr.cache))
        changed = compare(plan, entries, spool, report)
        if changed:
            report.hints += language_hints(
                plan.options.language,
                spool,
                entries,
                [source for change, source in report.changes if change != "gone"],
            )
        report.is_refused = plan.options.strict and bool(report.unheard)
        if plan.options.dry_run or report.is_refused:
            return
        folder = plan.store.path / plan.corpus
        if not changed:
            remove_journals(folder)
            return
        with EmbeddingJournal(folder, plan.encoder.identity) as journal:
            embeddings = embed(plan, spool, journal, report, progress)
            with plan.store.publishing(plan.corpus):
                generation = write(plan, entries, spool, embeddings, report, progress)
                if gate is None or plan.previous is None or gate(generation):
                    publish(plan, generation, report)
                else:
                    hold(plan, generation, report)
        progress("write", len(spool), len(spool))


def find(
    paths: Sequence[Path],
    store: Store,
    options: IngestOptions,
    report: IngestReport,
) -> list[FoundFile]:
    """Return the files below the paths, except the store's own if it lies there.

    Raises:
        IngestError: a path does not exist, or there is no file to read.
    """
    files: list[FoundFile] = []
    ignore = (*options.ignore, *_patterns_of(store, paths))
    for found in walk(paths, ignore=ignore):
        if isinstance(found, FoundFile):
            files.append(found)
        else:
            report.skipped.append(found)
    if not files:
        names = ", ".join(map(str, paths))
        raise IngestError(f"{names}: {_nothing_read(report)}")
    return files


def read(
    files: Sequence[FoundFile],
    reader: Reader,
    spool: Spool,
    unsettled: Collection[Path],
    progress: OnProgress,
) -> list[DocumentEntry]:
    """Append the passages of every file to the spool, and return the documents."""
    entries: list[DocumentEntry] = []
    begun = _begun(files, reader, unsettled)
    for number, one in enumerate(ahead(begun, lambda one: one.file)):
        progress("read", number, len(files))
        entries += reader.finish(one, spool)
    progress("read", len(files), len(files))
    reader.report_unknown_supersedes({entry.source for entry in entries})
    return entries


def compare(
    plan: Plan,
    entries: Sequence[DocumentEntry],
    spool: Spool,
    report: IngestReport,
) -> bool:
    """Report what changed since the live generation; return whether anything did.

    Raises:
        ShrinkRefused: more than `SHRINK_LIMIT` of the documents would be lost.
        IngestError: nothing could be read.
    """
    report.passages = len(spool)
    before: dict[str, str] = {}
    if plan.previous is not None:
        before = {
            entry.source: entry.content_hash for entry in plan.previous.documents()
        }
    now = {entry.source: entry.content_hash for entry in entries}
    _count_changes(before, now, report)
    if not plan.options.allow_shrink:
        _refuse_to_shrink(before, now, report.corpus)
    if not len(spool):
        raise IngestError(_nothing_read(report))

    if plan.previous is not None and not _differs(plan, plan.previous, report):
        report.generation = plan.previous.manifest.generation
        report.reused = len(spool)
        return False
    if plan.options.dry_run:
        report.embedded = count_new(spool, plan.previous, plan.encoder)
        report.reused = len(spool) - report.embedded
    return True


def embed(
    plan: Plan,
    spool: Spool,
    journal: EmbeddingJournal,
    report: IngestReport,
    progress: OnProgress,
) -> FloatMatrix:
    """Return one embedding a row of the spool, shape (passages, dim), float32.

    Raises:
        StoreError: the disk is full.
    """
    report.kept = journal.kept
    reusable = plan.previous
    if reusable is not None and _is_coarser(reusable, plan.precision):
        reusable = None
    return embed_rows(
        spool,
        previous=reusable,
        journal=journal,
        encoder=plan.encoder,
        file=plan.scratch / "embeddings.npy",
        report=report,
        progress=progress,
    )


def write(
    plan: Plan,
    entries: Sequence[DocumentEntry],
    spool: Spool,
    embeddings: FloatMatrix,
    report: IngestReport,
    progress: OnProgress,
) -> str:
    """Write the new generation and return its name; nothing serves it yet.

    Raises:
        StoreError: the disk is full, or the store is read-only.
    """
    spoken_forms = plan.scratch / SPOKEN_FORMS
    write_spooled_spoken_forms(
        spool,
        spoken_forms,
        language=plan.options.language,
        previous=plan.previous,
        progress=progress,
    )
    lexical_texts = (prepared.lexical for prepared in spool)
    parts = phonetic_parts(lexical_texts, len(spool), profile(plan.options.language))
    rows = (
        IndexedPassage(prepared.passage, prepared.embedded, prepared.lexical)
        for prepared in spool
    )
    reading = measured(spool, embeddings, plan.encoder, plan.options.language)
    facts = SnapshotFacts(
        model=plan.encoder.identity,
        chunking=plan.chunking,
        bm25=Bm25Parameters(k1=K1, b=B, language=plan.options.language),
        vectors=plan.index,
        precision=plan.precision,
        extra={KEY: reading.as_dict()},
    )
    if warning := reading_warning(reading, report.model):
        report.notes.append(Skipped(plan.corpus, warning))
    progress("write", 0, len(spool))
    folder = write_snapshot(
        plan.store.path,
        plan.corpus,
        rows,
        embeddings,
        facts,
        documents=entries,
        parts={**parts, SPOKEN_FORMS: spoken_forms.rename},
    )
    return folder.name


def publish(plan: Plan, generation: str, report: IngestReport) -> None:
    """Make a generation the live one, and remove what it replaces.

    Raises:
        StoreError: the store cannot be written.
    """
    plan.store.publish(plan.corpus, generation)
    report.generation = generation
    report.published = True
    remove_journals(plan.store.path / plan.corpus)
    plan.store.prune(plan.corpus, keep=plan.options.keep)


def hold(plan: Plan, generation: str, report: IngestReport) -> None:
    """Let a generation wait beside the live one, which stays.

    Raises:
        StoreError: the store cannot be written.
    """
    plan.store.hold(plan.corpus)
    report.held = generation
    report.generation = plan.store.live(plan.corpus)
    plan.store.prune(plan.corpus, keep=plan.options.keep + 1)


def _begun(
    files: Sequence[FoundFile], reader: Reader, unsettled: Collection[Path]
) -> Iterator[Begun]:
    """Begin to read each file, except those that are being written."""
    being_written = {path.resolve() for path in unsettled}
    for file in files:
        if being_written and file.path.resolve() in being_written:
            yield Begun(file)
        else:
            yield reader.begin(file)


class _Pages:
    """Counts the pages that are recognised, in several threads."""

    def __init__(self, progress: OnProgress) -> None:
        self._progress = progress
        self._numbers = itertools.count(1)

    def one_more(self) -> None:
        """Report that a page begins to be recognised."""
        number = next(self._numbers)
        self._progress("recognise", number, number)


def _no_progress(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def _open_encoder(store: Store, options: IngestOptions) -> Encoder:
    return open_encoder(
        options.model,
        cache=options.models,
        store=store.path,
        device=options.device,
        for_queries=False,
    )


def _plan(
    store: Store,
    corpus: str,
    options: IngestOptions,
    encoder: Encoder,
    report: IngestReport,
    stack: ExitStack,
) -> Plan:
    """Open what an ingest works with; the stack closes it."""
    previous = _previous(store, report, stack)
    index: VectorChoice = "auto"
    precision: VectorPrecision = "float32"
    if previous is not None:
        index = previous.manifest.vectors.choice
        precision = previous.manifest.vectors.precision
    ocr = _ocr(store, corpus, options)
    chunking: dict[str, Any] = {}
    if ocr is not None:
        chunking["ocr"] = ocr.floor
    elif options.ocr is False:
        chunking["ocr"] = False
    return Plan(
        store=store,
        corpus=corpus,
        options=options,
        encoder=encoder,
        previous=previous,
        chunking={
            "conversion": CONVERSION,
            "max_tokens": encoder.identity.max_tokens,
            "target_tokens": options.target_tokens,
            "language": options.language,
            "terms": FORM,
            "keep_suspicious": options.keep_suspicious,
            **chunking,
        },
        index=options.index or index,
        precision=options.precision or precision,
        scratch=_scratch(store, corpus, options, stack),
        ocr=ocr,
    )


def _ocr(store: Store, corpus: str, options: IngestOptions) -> Ocr | None:
    """Return how text on pictures is recognised; None if it is not.

    Raises:
        ExtraMissing: it shall be, and the engine is not installed.
    """
    if options.ocr is False or (options.ocr is None and not is_installed("ocr")):
        return None
    require("ocr", "recognising text on pictures (--no-ocr leaves it out)")
    cache = ""
    if not options.dry_run:
        cache = os.fspath((store.path / corpus / _OCR_CACHE).absolute())
    return Ocr(floor=options.ocr_floor, cache=cache)


def _ocr_before(chunking: Mapping[str, Any]) -> bool | None:
    """Return whether text on pictures was recognised; None if that was not decided."""
    if "ocr" not in chunking:
        return None
    return chunking["ocr"] is not False


def _previous(store: Store, report: IngestReport, stack: ExitStack) -> Snapshot | None:
    """Return the live generation, or None if there is none or it cannot be used.

    Every file of it is verified: the next generation would give a damaged embedding
    that it takes over a good checksum.
    """
    try:
        return stack.enter_context(store.open(report.corpus, verify=True))
    except StoreMissing:
        return None
    except (SnapshotMismatch, SnapshotCorrupt) as exc:
        reason = f"everything is read and embedded again: {exc}"
        report.notes.append(Skipped(report.corpus, reason))
        return None


def _scratch(
    store: Store, corpus: str, options: IngestOptions, stack: ExitStack
) -> Path:
    """Make a folder for files of this ingest; outside the store for a dry run.

    It stands beside the generations, where the next writer removes it if this process
    is killed.
    """
    beside = store.path / corpus
    parent = None if options.dry_run else beside
    with disk_trouble("write to the store", beside):
        folder = tempfile.TemporaryDirectory(prefix=f"{UNFINISHED}work-", dir=parent)
        return Path(stack.enter_context(folder))


def _patterns_of(store: Store, paths: Sequence[Path]) -> list[str]:
    """Return the ignore patterns that leave the store out where it lies below a path."""
    patterns = []
    store_path = store.path.resolve()
    for path in paths:
        root = path.resolve()
        if store_path != root and store_path.is_relative_to(root):
            below = store_path.relative_to(root).as_posix()
            escaped = _GITIGNORE_SIGN.sub(r"\\\g<0>", below)
            patterns.append(f"/{escaped}/")
    return patterns


def _count_changes(
    before: Mapping[str, str], now: Mapping[str, str], report: IngestReport
) -> None:
    """Report which documents are new, changed and gone.

    Args:
        before: content hash by source in the live generation.
        now: the same of the documents just read.
    """
    new = [source for source in now if source not in before]
    changed = [
        source for source in now if source in before and before[source] != now[source]
    ]
    gone = [source for source in before if source not in now]
    changes: list[tuple[Change, str]] = []
    changes += [("new", source) for source in new]
    changes += [("changed", source) for source in changed]
    changes += [("gone", source) for source in gone]
    report.documents = len(now)
    report.changes += changes
    report.added = len(new)
    report.changed = len(changed)
    report.removed = len(gone)
    report.unchanged = report.documents - report.added - report.changed


def _refuse_to_shrink(
    before: Mapping[str, str], now: Mapping[str, str], corpus: str
) -> None:
    """Refuse to lose too many documents; a document that moved is not lost.

    Raises:
        ShrinkRefused: more than `SHRINK_LIMIT` of them would be gone.
    """
    contents = set(now.values())
    lost = [
        source
        for source, content in before.items()
        if source not in now and content not in contents
    ]
    if len(lost) > SHRINK_LIMIT * len(before):
        raise ShrinkRefused(
            f"{corpus}: {len(lost)} of {len(before)} documents would be lost "
            f"({lost[0]}, …), more than {SHRINK_LIMIT:.0%}; is the folder complete? "
            "If so, ingest it with --allow-shrink; --dry-run beside it lists them. "
            "Nothing was changed"
        )


def _differs(plan: Plan, previous: Snapshot, report: IngestReport) -> bool:
    """Return whether a new generation would be another than the live one."""
    manifest = previous.manifest
    vectors = manifest.vectors
    if dict(manifest.chunking) != dict(plan.chunking):
        return True
    if (vectors.choice, vectors.precision) != (plan.index, plan.precision):
        return True
    if manifest.model.fingerprint != plan.encoder.identity.fingerprint:
        return True
    if not previous.has_part(SPOKEN_FORMS):  # those it has are by other rules
        return True
    if previous.lengths is None:
        return True
    sounds = part_of(profile(plan.options.language))
    if previous.size <= MAX_PASSAGES and not previous.has_part(sounds):
        return True
    return bool(report.added or report.changed or report.removed)


def _is_coarser(previous: Snapshot, wanted: VectorPrecision) -> bool:
    """Return whether the live generation stores embeddings less precisely than wanted."""
    finest_first = get_args(VectorPrecision)
    stored = previous.manifest.vectors.precision
    return finest_first.index(stored) > finest_first.index(wanted)


def _nothing_read(report: IngestReport) -> str:
    skipped = [*report.skipped, *report.withheld]
    details = ""
    if skipped:
        reasons = "; ".join(f"{one.source}: {one.reason}" for one in skipped[:3])
        if len(skipped) > 3:
            reasons += ", …"
        details = f" ({len(skipped)} skipped: {reasons})"
    return (
        f"no document could be read{details}; "
        f"name a folder of {format_names('or')} files"
    )
