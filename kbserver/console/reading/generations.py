"""What a store holds, generation by generation, also where one cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kbserver.errors import StoreError
from kbserver.index.store import Store


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """A line of the listing."""

    corpus: str
    generation: str
    live: bool
    documents: int = 0
    passages: int = 0
    bytes: int = 0
    language: str = ""
    """As `--language` names it."""
    model: str = ""
    created_at: str = ""
    """ISO 8601, UTC."""
    problem: str = ""
    """Why nothing more is known of the generation."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values; `problem` only if there is one."""
        facts: dict[str, Any] = {
            "corpus": self.corpus,
            "generation": self.generation,
            "live": self.live,
            "documents": self.documents,
            "passages": self.passages,
            "bytes": self.bytes,
            "language": self.language,
            "model": self.model,
            "created_at": self.created_at,
        }
        if self.problem:
            facts["problem"] = self.problem
        return facts


def listed(store: Store, corpus: str) -> list[ListedGeneration]:
    """Return the generations of a corpus, oldest first; one with the problem if none is known."""
    try:
        generations = store.generations(corpus)
    except StoreError as exc:
        return [ListedGeneration(corpus, "–", False, problem=str(exc))]
    return [_described(store, corpus, name) for name in generations]


def _described(store: Store, corpus: str, generation: str) -> ListedGeneration:
    try:
        live = store.live(corpus) == generation
    except StoreError:
        live = False
    try:
        manifest = store.manifest(corpus, generation)
    except StoreError as exc:
        return ListedGeneration(corpus, generation, live, problem=str(exc))
    return ListedGeneration(
        corpus,
        generation,
        live,
        manifest.documents,
        manifest.passages,
        manifest.bytes,
        manifest.language,
        manifest.model.name,
        manifest.created_at,
    )
