"""Whether a generation is whole and finds its own passages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kbserver.errors import KbServerError, said_by
from kbserver.index.embeddings import decoded
from kbserver.index.lexical.tokens import tokenize
from kbserver.index.manifest import check_file, read_manifest, repair
from kbserver.index.snapshot import Snapshot

_SAMPLE = 200  # passages searched for: they show a wrong index, and take a second
_TOP_K = 10
# A twin may stand in a passage's place; int8 moves scores by half of this.
_SAME_SCORE = 5e-3


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found; `ok` when nothing is wrong."""

    corpus: str
    generation: str
    files: int
    bytes: int
    sampled: int
    """Passages that were searched for by their own embedding and words."""
    found: int
    """So many of them were among the best ten of both."""
    problems: tuple[str, ...]
    """One sentence each, with the file or row it is about."""

    @property
    def ok(self) -> bool:
        """Whether the generation may be served."""
        return not self.problems


def check_snapshot(folder: Path) -> CheckReport:
    """Compare every file with its checksum; if all are right, search for a sample of passages.

    Whatever goes wrong is a problem of the report: damage can raise anything.
    """
    try:
        manifest = read_manifest(folder)
        checked = [check_file(manifest, folder, name) for name in manifest.files]
    except Exception as exc:
        problem = _told(folder, exc)
        return CheckReport(folder.parent.name, folder.name, 0, 0, 0, 0, (problem,))
    step = repair(folder)
    problems = [f"{problem}; {step}" for problem in checked if problem is not None]
    sampled = found = 0
    if not problems:
        try:
            with Snapshot.open(folder) as snapshot:
                rows = range(0, snapshot.size, max(1, snapshot.size // _SAMPLE))
                lost = list(_lost(snapshot, rows))
                sampled, found = len(rows), len(rows) - len(lost)
                problems += lost
        except Exception as exc:
            problems.append(_told(folder, exc))
    return CheckReport(
        manifest.corpus,
        manifest.generation,
        len(manifest.files),
        manifest.bytes,
        sampled,
        found,
        tuple(problems),
    )


def _told(folder: Path, error: Exception) -> str:
    """One sentence about what went wrong with a generation, with the next step."""
    if isinstance(error, KbServerError):
        return str(error)
    return f"{folder}: cannot be checked ({said_by(error)}); {repair(folder)}"


def _lost(snapshot: Snapshot, rows: Iterable[int]) -> Iterator[str]:
    """One sentence for each of the rows that does not find itself."""
    for row in rows:
        passage = snapshot.passage(row)
        embedding = decoded(snapshot.embeddings[row])
        own = float(snapshot.vectors.score_rows(embedding, np.array([row]))[0])
        nearest = snapshot.vectors.search(embedding, top_k=_TOP_K)
        if row not in nearest.rows and own > float(nearest.scores[-1]) + _SAME_SCORE:
            yield f"row {row} ({passage.source}): not among the ten nearest to its own embedding"
            continue
        terms = tokenize(
            passage.text,
            language=snapshot.lexical.language,
            form=snapshot.lexical.form,
        )
        if terms and not snapshot.lexical.score_terms(terms, np.array([row])).any():
            yield f"row {row} ({passage.source}): not found by any of its own words"
