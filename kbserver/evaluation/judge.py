"""Hits → a judged ranking: which document each passage stands for, and whether it is what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kbserver.errors import SettingsError
from kbserver.evaluation.dataset import Dataset, Question
from kbserver.retrieval.spoken.plain_text import strip_markup
from kbserver.types import Hit, Passage

ANSWER = "(the answer)"
"""Stands for the document of a question that is judged by its answer: whatever passage holds it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One hit, judged."""

    document: str
    relevance: int
    score: float


class Judge:
    """Judges the hits of one corpus by a dataset's qrels and answers."""

    def __init__(self, dataset: Dataset, passages: Iterable[Passage]) -> None:
        """Find out what the qrels name: records, or files.

        Args:
            passages: all of the corpus, read once.

        Raises:
            SettingsError: there are qrels, and none of the documents they name is in the corpus.
        """
        self._dataset = dataset
        judged = {
            document
            for question in dataset.questions
            for document in dataset.qrels.get(question.id, {})
        }
        found: list[set[str]] = []
        example = ""
        for passage in passages if judged else ():
            names = _names(passage)
            found += [set() for _ in names[len(found) :]]
            for level, name in enumerate(names):
                if name in judged:
                    found[level].add(name)
            example = example or passage.source
        self._judged = set[str]().union(*found)
        self._level = max(
            range(len(found)), key=lambda level: len(found[level]), default=0
        )
        self.missing = sorted(judged - self._judged)
        """Documents that the qrels name and the corpus does not hold, sorted."""
        if judged and not self._judged:
            raise SettingsError(
                f"none of the {len(judged)} documents that the qrels name is in the corpus: they name "
                f"{min(judged)!r}, the corpus holds {example!r}; are these qrels of another corpus?"
            )

    def judge(self, question: Question, hits: Sequence[Hit]) -> tuple[Judged, ...]:
        """Return the hits in their order with the relevance of each; 0 for a question that wants nothing."""
        if self._dataset.judgement(question) == "answer":
            return tuple(self._by_answer(question, hits))
        relevant = self._dataset.qrels.get(question.id, {})
        documents = [self._document(hit.passage) for hit in hits]
        return tuple(
            Judged(document, max(0, relevant.get(document, 0)), hit.score)
            for document, hit in zip(documents, hits, strict=True)
        )

    def _by_answer(self, question: Question, hits: Sequence[Hit]) -> Iterator[Judged]:
        wanted = _key(question.answer)
        for hit in hits:
            holds = wanted in _key(hit.passage.text) or wanted in _key(
                strip_markup(hit.passage.text)
            )
            yield Judged(ANSWER if holds else hit.passage.id, int(holds), hit.score)

    def _document(self, passage: Passage) -> str:
        names = _names(passage)
        return next(
            (name for name in names if name in self._judged),
            names[min(self._level, len(names) - 1)],
        )


def _names(passage: Passage) -> list[str]:
    """Everything a document may be called in qrels: its path, path and record, the record's own id, its metadata's."""
    path, _, record = passage.source.partition("#")
    given = (passage.metadata.get("id"), passage.metadata.get("_id"))
    return [
        path,
        passage.source,
        record or passage.source,
        *(str(one) for one in given if one is not None),
    ]


def _key(text: str) -> str:
    return " ".join(text.split()).casefold()
