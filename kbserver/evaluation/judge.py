"""Hits → a judged ranking: which document each passage stands for, and whether it is relevant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kbserver.errors import SettingsError
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.retrieval.spoken.plain_text import strip_markup
from kbserver.types import Hit, Passage

ANSWER = "(the answer)"
"""Stands for the document of a question judged by its answer: whichever passage holds it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One hit, judged."""

    document: str
    relevance: int
    score: float


class Judge:
    """Judges the hits of one corpus by a dataset's qrels and answers."""

    def __init__(self, dataset: Dataset, passages: Iterable[Passage]) -> None:
        """Find out whether the qrels name files or records.

        Args:
            passages: all of the corpus, read once.

        Raises:
            SettingsError: there are qrels, and none of the documents they name is in the corpus.
        """
        self._dataset = dataset
        judged = _documents_judged(dataset)
        # For each sort of name: the judged ones that the corpus holds.
        found: list[set[str]] = []
        example = ""
        if judged:
            for passage in passages:
                example = example or passage.source
                _add_names(found, passage, judged)
        self._judged = set[str]().union(*found)
        self._sort = _fullest(found)
        self.missing = sorted(judged - self._judged)
        """Documents that the qrels name and the corpus does not hold, sorted."""
        if judged and not self._judged:
            raise SettingsError(
                f"none of the {len(judged)} documents that the qrels name is in the corpus: "
                f"they name {min(judged)!r}, the corpus holds {example!r}; are these qrels of "
                "another corpus?"
            )

    def judge(self, question: Question, hits: Sequence[Hit]) -> tuple[Judged, ...]:
        """Return the hits in their order, each with its relevance.

        The relevance is 0 for a question to which the right answer is none.
        """
        if self._dataset.judgement(question) == "answer":
            return tuple(_by_answer(question.answer, hit) for hit in hits)
        relevant = self._dataset.qrels.get(question.id, {})
        return tuple(self._by_qrels(relevant, hit) for hit in hits)

    def _by_qrels(self, relevant: Mapping[str, int], hit: Hit) -> Judged:
        document = self._document(hit.passage)
        relevance = max(0, relevant.get(document, 0))
        return Judged(document, relevance, hit.score)

    def _document(self, passage: Passage) -> str:
        """The passage's name in the qrels, else its name of the sort that most of them are of."""
        names = _names(passage)
        for name in names:
            if name in self._judged:
                return name
        sort = min(self._sort, len(names) - 1)
        return names[sort]


def _documents_judged(dataset: Dataset) -> set[str]:
    judged: set[str] = set()
    for question in dataset.questions:
        judged.update(dataset.qrels.get(question.id, {}))
    return judged


def _add_names(found: list[set[str]], passage: Passage, judged: set[str]) -> None:
    for sort, name in enumerate(_names(passage)):
        if sort == len(found):
            found.append(set())
        if name in judged:
            found[sort].add(name)


def _fullest(found: Sequence[set[str]]) -> int:
    """The place of the largest set, the first of equal ones; 0 for none."""
    sizes = [len(names) for names in found]
    if not sizes:
        return 0
    return sizes.index(max(sizes))


def _names(passage: Passage) -> list[str]:
    """Every name a document may have in qrels, one of each sort.

    Its path, path and record, the record's own id, the ids in its metadata.
    """
    path, _, record = passage.source.partition("#")
    names = [path, passage.source, record or passage.source]
    for key in ("id", "_id"):
        given = passage.metadata.get(key)
        if given is not None:
            names.append(str(given))
    return names


def _by_answer(answer: str, hit: Hit) -> Judged:
    """Relevant if the passage holds the words of the answer, with its markup or without."""
    wanted = _key(answer)
    text = hit.passage.text
    if wanted in _key(text) or wanted in _key(strip_markup(text)):
        return Judged(ANSWER, 1, hit.score)
    return Judged(hit.passage.id, 0, hit.score)


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
