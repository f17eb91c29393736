"""One replay: what callers asked → two generations → what they would hear now. Read this first.

Calls are asked in order, so that a follow-up leans on the turns before it; on the path of a turn,
of one corpus alone, with all the time it needs. Each generation is served by itself, one after the
other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal, TypeAlias

from kbserver.endpoint.app import KBServer
from kbserver.evaluation.ask import Variant
from kbserver.evaluation.asker import Answer, Asker, run_aside
from kbserver.evaluation.compare import Comparison, compare
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.evaluation.dialogues import (
    Asked,
    Dialogue,
    Origin,
    of_documents,
    of_judged,
    recorded,
)
from kbserver.evaluation.evaluate import Evaluation, evaluate
from kbserver.evaluation.require import REPLAYED, Requirement
from kbserver.extras import require
from kbserver.index.documents import Differences, DocumentEntry, differences
from kbserver.index.snapshot import Snapshot
from kbserver.record.qrels import JudgedQuestion
from kbserver.record.releases.asked import AskedCall
from kbserver.settings import Settings

COMPARED = ("ndcg@10", "recall@3", "mrr@10")
"""Measures of judged questions that are compared, generation with generation."""

_AS_SERVED = Variant("as served")

Kind: TypeAlias = Literal["same", "changed", "silent", "answered", "gone"]
"""What became of one question.

same: the same document first, or silence as before. changed: another document first. silent: it
was answered, and is no more. answered: it was not, and is now. gone: the document that answered
first is not there any more, whatever is answered now.
"""

OnProgress: TypeAlias = Callable[[int, int], None]
"""Called with how many of how many turns were asked."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One question with both answers."""

    asked: Asked
    before: Answer
    after: Answer
    kind: Kind
    weight: int
    behind: tuple[str, ...] = ()
    """What was said before it."""


@dataclass(frozen=True, slots=True)
class Lost:
    """A document that is gone."""

    document: str
    questions: int
    """Turns, of those asked again, that it answered first."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The judged questions, evaluated on both generations."""

    questions: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    compared: Sequence[Comparison]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a release would change for callers."""

    corpus: str
    before: str
    after: str
    source: Origin
    """What was asked; `judged` stands for judged questions and those of documents."""
    documents: Differences
    moved: Mapping[str, str]
    """Documents that have another name and the same content: they are not gone."""
    lost: Sequence[Lost]
    """Every document that is gone, most asked first."""
    replayed: Sequence[Replayed]
    left_out: int = 0
    """Recorded turns that were not asked again, being the oldest of too many."""
    judged: Judged | None = None
    failures: Sequence[str] = field(default=())
    """What was required and does not hold."""

    @property
    def turns(self) -> int:
        """How many turns were asked again, each as often as it came."""
        return sum(one.weight for one in self.replayed)

    def count(self, *kinds: Kind) -> int:
        """How many turns ended so."""
        return sum(one.weight for one in self.replayed if one.kind in kinds)

    def measures(self) -> dict[str, float]:
        """Return what can be required.

        `gone`: documents. `changed`, `silent`, `newly_answered`: shares of the turns; a turn whose
        document is gone is changed or silent, too. Then the measures of the judged questions on
        the new generation. What was not asked is not there.
        """
        found: dict[str, float] = {"gone": len(self.lost)}
        if self.turns:
            silent = [one for one in self.replayed if _fell_silent(one)]
            gone = [one for one in self.replayed if one.kind == "gone"]
            others = [one for one in gone if not _fell_silent(one)]
            found["changed"] = (self.count("changed") + _weight(others)) / self.turns
            found["silent"] = _weight(silent) / self.turns
            found["newly_answered"] = self.count("answered") / self.turns
        if self.judged is not None:
            judged = self.judged.after.items()
            found |= {name: value for name, value in judged if name not in REPLAYED}
        return found

    def checked(self, requirements: Iterable[Requirement]) -> Replay:
        """Return the replay with what it misses of some requirements."""
        measures = self.measures()
        missed = [one.missed_by(measures.get(one.measure)) for one in requirements]
        failures = [failure for failure in missed if failure is not None]
        return replace(self, failures=tuple(failures))


def replay(
    settings: Settings,
    corpus: str,
    before: Snapshot,
    after: Snapshot,
    *,
    calls: Sequence[AskedCall],
    judged: Sequence[JudgedQuestion] = (),
    left_out: int = 0,
    on_progress: OnProgress = lambda done, total: None,
) -> Replay:
    """Ask two generations of a corpus the same questions, and compare.

    Args:
        settings: routes, thresholds and models, as they are served with.
        before: the generation that is served.
        after: the one that would be; both of the store of the settings.
        calls: recorded ones; without any, judged questions and those of the documents are asked.
        judged: evaluated on both in any case.
        left_out: recorded turns that are not among `calls`.

    Raises:
        StoreError, ModelError: a generation cannot be served.
        ExtraMissing: there are judged questions, and no package to measure them.
    """
    if judged:
        require("evaluation", "measuring judged questions")
    changes = differences(before.documents(), after.documents())
    moved = _moved(before.documents(), after.documents(), changes)
    dialogues = recorded(calls, corpus, settings)
    source: Origin = "recorded"
    if not dialogues:
        source = "judged"
        dialogues = [
            *of_judged(judged, corpus, settings),
            *of_documents([before, after], corpus, settings),
        ]
    names = [one.manifest.generation for one in (before, after)]
    total = len(names) * sum(len(one.turns) for one in dialogues)
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        on_progress(done, total)

    answers = []
    evaluations = []
    for name in names:
        asker = Asker(settings, corpus, name, one_more)
        evaluating = partial(_evaluated, settings, corpus, judged)
        found, evaluation = run_aside(asker.ask(dialogues, evaluating))
        answers.append(found)
        evaluations.append(evaluation)
    gone = {name for name in changes.gone if name not in moved}
    was, now = answers
    replayed = list(_compared(dialogues, was, now, gone, moved))
    return Replay(
        corpus=corpus,
        before=names[0],
        after=names[1],
        source=source,
        documents=changes,
        moved=moved,
        lost=_lost(gone, replayed),
        replayed=replayed,
        left_out=left_out,
        judged=_judged(*evaluations),
    )


async def _evaluated(
    settings: Settings,
    corpus: str,
    judged: Sequence[JudgedQuestion],
    server: KBServer,
) -> Evaluation | None:
    """Measure the judged questions; None if there are none."""
    if not judged:
        return None
    served = server.corpora.served(corpus)
    base = settings.turn_settings()
    return await evaluate(
        server,
        corpus,
        _dataset(judged, served.snapshot),
        [_AS_SERVED],
        base=base,
        min_score=served.min_score(base, in_scope=False),
        timed=0,
    )


def kind_of(
    before: Answer, after: Answer, gone: Iterable[str], moved: Mapping[str, str]
) -> Kind:
    """Say what became of a question.

    Args:
        gone: documents that are not there any more.
        moved: new names of documents that only have another name.
    """
    if before.first is None:
        if after.first is None:
            return "same"
        return "answered"
    if before.first in gone:
        return "gone"
    if after.first is None:
        return "silent"
    if moved.get(before.first, before.first) == after.first:
        return "same"
    return "changed"


def _fell_silent(one: Replayed) -> bool:
    return one.before.first is not None and one.after.first is None


def _weight(replayed: Iterable[Replayed]) -> int:
    return sum(one.weight for one in replayed)


def _compared(
    dialogues: Sequence[Dialogue],
    before: Sequence[Sequence[Answer]],
    after: Sequence[Sequence[Answer]],
    gone: set[str],
    moved: Mapping[str, str],
) -> Iterator[Replayed]:
    for dialogue, was, now in zip(dialogues, before, after, strict=True):
        said = [turn.query for turn in dialogue.turns]
        for place in range(dialogue.counted, len(dialogue.turns)):
            yield Replayed(
                dialogue.turns[place],
                was[place],
                now[place],
                kind_of(was[place], now[place], gone, moved),
                dialogue.weight,
                tuple(said[:place]),
            )


def _lost(gone: Iterable[str], replayed: Iterable[Replayed]) -> list[Lost]:
    asked = dict.fromkeys(gone, 0)
    for one in replayed:
        if one.before.first in asked:
            asked[one.before.first] += one.weight
    lost = [Lost(document, count) for document, count in asked.items()]
    return sorted(lost, key=lambda one: (-one.questions, one.document))


def _moved(
    before: Iterable[DocumentEntry],
    after: Iterable[DocumentEntry],
    changes: Differences,
) -> dict[str, str]:
    """Return the new name of each document that has another name and the same content."""
    gone = set(changes.gone)
    names: dict[tuple[str, str], str] = {}
    for entry in after:
        names[entry.content_hash, _record_of(entry)] = entry.source
    moved = {}
    for entry in before:
        new = names.get((entry.content_hash, _record_of(entry)))
        if entry.source in gone and new is not None:
            moved[entry.source] = new
    return moved


def _record_of(entry: DocumentEntry) -> str:
    """Return which record of its file a document is: all of them have the file's hash."""
    return entry.source.partition("#")[2]


def _dataset(judged: Iterable[JudgedQuestion], snapshot: Snapshot) -> Dataset:
    """Return judged questions for an evaluation of one generation.

    A question whose every right document is gone finds none of them, which is what it measures;
    if that is all of them, nothing tells what their names stand for, and it is left out.
    """
    questions = []
    qrels = {}
    held = {entry.source for entry in snapshot.documents()}
    listed = list(judged)
    any_held = any(held & one.documents.keys() for one in listed)
    for one in listed:
        kind = one.kind
        questions.append(Question(one.id, one.text, kind, history=one.history))
        if any_held and one.documents:
            qrels[one.id] = dict(one.documents)
    return Dataset(tuple(questions), qrels)


def _judged(before: Evaluation | None, after: Evaluation | None) -> Judged | None:
    if before is None or after is None:
        return None
    was, now = (one.variants[_AS_SERVED.name].per_query for one in (before, after))
    compared = [compare(was, now, measure) for measure in COMPARED]
    return Judged(
        len(after.dataset.questions),
        before.summary(_AS_SERVED.name),
        after.summary(_AS_SERVED.name),
        [row for row in compared if row is not None],
    )
