"""Joins hits that are neighbours in one document: chunking cut them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kbserver.retrieval.spoken.form import join_spoken_forms
from kbserver.types import Hit

MAX_JOINED_CHARACTERS = 1200
"""About a minute and a quarter of speech; the context would cut a longer text again."""


def join_neighbours(hits: Sequence[Hit]) -> list[Hit]:
    """Join hits that stand next to each other in one document, below the same headings.

    Args:
        hits: best first.

    Returns:
        Hits best first. A joined hit has the id, the score and the rank of its better part, and the
        texts of both in reading order. It holds at most `MAX_JOINED_CHARACTERS`.
    """
    joined: list[_Run] = []
    for hit in hits:
        for run in joined:
            if run.take(hit):
                break
        else:
            joined.append(_Run(hit))
    return [run.hit for run in joined]


class _Run:
    """A hit, with the neighbours that were joined to it."""

    def __init__(self, hit: Hit) -> None:
        self.hit = hit
        self._first = hit.passage.position
        self._last = hit.passage.position

    def take(self, hit: Hit) -> bool:
        """Join a hit if it is the next neighbour on either side; False if it is not."""
        position = hit.passage.position
        if position == self._first - 1:
            before, after = hit, self.hit
        elif position == self._last + 1:
            before, after = self.hit, hit
        else:
            return False
        if not _same_section(hit, self.hit):
            return False
        text = f"{before.passage.text}\n\n{after.passage.text}"
        if len(text) > MAX_JOINED_CHARACTERS:
            return False
        self._first = min(self._first, position)
        self._last = max(self._last, position)
        passage = replace(self.hit.passage, text=text, position=self._first)
        spoken_form = join_spoken_forms(passage, before, after)
        self.hit = replace(self.hit, passage=passage, spoken_form=spoken_form)
        return True


def places_to_read(rows: Sequence[int], *, top_k: int) -> list[int]:
    """Return the places of the rows that can have a part in the `top_k` best joined hits.

    The passages of a document have consecutive rows in reading order. A row that is not beside a
    better one joins none of those. Once there are `top_k` such rows, only the rows beside them can
    change the result.

    Args:
        rows: best first.
        top_k: how many joined hits are wanted.

    Returns:
        Places in `rows`, ascending. The other rows cannot change `join_neighbours(…)[:top_k]`.
    """
    places: list[int] = []
    read: set[int] = set()
    apart = 0
    for place, row in enumerate(rows):
        beside = row - 1 in read or row + 1 in read
        if not beside:
            if apart == top_k:
                continue
            apart += 1
        places.append(place)
        read.add(row)
    return places


def _same_section(one: Hit, other: Hit) -> bool:
    return (
        one.corpus == other.corpus
        and one.passage.source == other.passage.source
        and one.passage.heading_path == other.passage.heading_path
    )
