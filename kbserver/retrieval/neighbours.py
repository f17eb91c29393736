"""Neighbouring passages that both hit are one: what was cut apart at ingest is spoken in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kbserver.retrieval.spoken.form import join_spoken_forms
from kbserver.types import Hit

MAX_JOINED_CHARACTERS = 1200  # about a minute and a quarter of speech; longer is cut again when it is composed


def join_neighbours(hits: Sequence[Hit]) -> list[Hit]:
    """Join hits that stand next to each other in one document, below the same headings.

    Args:
        hits: best first.

    Returns:
        Hits best first. A joined one has the id, the score and the rank of its better part, and both texts in reading
        order; nothing is joined beyond `MAX_JOINED_CHARACTERS`.
    """
    joined: list[Hit] = []
    spans: list[tuple[int, int]] = []  # first and last position of each
    for hit in hits:
        passage = hit.passage
        for place, (other, (first, last)) in enumerate(zip(joined, spans, strict=True)):
            before = passage.position == first - 1
            if not (before or passage.position == last + 1) or not _same_place(
                hit, other
            ):
                continue
            one, next_one = (hit, other) if before else (other, hit)
            text = f"{one.passage.text}\n\n{next_one.passage.text}"
            if len(text) <= MAX_JOINED_CHARACTERS:
                position = min(first, passage.position)
                both = replace(other.passage, text=text, position=position)
                joined[place] = replace(
                    other,
                    passage=both,
                    spoken_form=join_spoken_forms(both, one, next_one),
                )
                spans[place] = (position, max(last, passage.position))
                break
        else:
            joined.append(hit)
            spans.append((passage.position, passage.position))
    return joined


def places_to_read(rows: Sequence[int], *, top_k: int) -> list[int]:
    """Say which of some ranked rows can have a part in the `top_k` best hits once neighbours are joined.

    The passages of a document have consecutive rows, in reading order: a row that is not beside a better one is joined with
    none of those, and once there are `top_k` of that kind, only what is beside them can change anything.

    Args:
        rows: best first.

    Returns:
        Places in `rows`, ascending: what the others hold, `join_neighbours(…)[:top_k]` does not show.
    """
    places: list[int] = []
    read: set[int] = set()
    apart = 0
    for place, row in enumerate(rows):
        beside = row - 1 in read or row + 1 in read
        if beside or apart < top_k:
            places.append(place)
            read.add(row)
            apart += not beside
    return places


def _same_place(one: Hit, other: Hit) -> bool:
    return (one.corpus, one.passage.source, one.passage.heading_path) == (
        other.corpus,
        other.passage.source,
        other.passage.heading_path,
    )
