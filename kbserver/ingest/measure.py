"""How well the embedding model reads the passages of one ingest; see `retrieval.reading`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import numpy as np

from kbserver.embedding.base import Encoder
from kbserver.embedding.known import MULTILINGUAL_E5_SMALL, known_model
from kbserver.ingest.neutral_questions import neutral_questions
from kbserver.ingest.spool import Spool
from kbserver.languages.letters import LETTER
from kbserver.retrieval.reading import PLAIN_TRUST, Reading
from kbserver.types import FloatMatrix, FloatVector

_SAMPLE = 200  # passages
_WORDS = 2_000  # different words looked at
_NEAR_ZERO = 0.05
"""A background this small is none: the scores of English stay what they are."""

_neutral: dict[tuple[str, str], FloatVector] = {}

_WORD = re.compile(f"{LETTER}{{2,}}")
_CHARACTER = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def measured(
    spool: Spool, embeddings: FloatMatrix, encoder: Encoder, language: str
) -> Reading:
    """Measure a sample of the passages.

    Args:
        spool: the passages, at least one.
        embeddings: theirs, shape (passages, dim).
        encoder: what embedded them.
        language: of the corpus.
    """
    count = min(_SAMPLE, len(spool))
    rows = np.linspace(0, len(spool) - 1, count).astype(int).tolist()
    words = _words(spool[row].embedded for row in rows)
    unread, pieces = _cut(words, encoder)
    sample = np.asarray(embeddings[rows], np.float32)
    background = float(sample.mean(axis=0) @ _neutral_question(encoder, language))
    known = known_model(encoder.identity.name)
    if abs(background) < _NEAR_ZERO:
        background, gain = 0.0, 1.0
    elif known is not None and known.gain is not None:
        gain = known.gain
    else:
        gain = 1.0 / (1.0 - min(background, 0.9))
    return Reading(
        unread=unread,
        pieces=pieces,
        background=background,
        gain=gain,
        alike=_alike(sample),
        multilingual=known is not None and known.multilingual,
    )


def reading_warning(reading: Reading, model: str) -> str | None:
    """Say that a model reads a corpus badly and what to do; None if it reads it well."""
    trust = reading.trust
    if trust > PLAIN_TRUST:  # a few odd words in a small corpus
        return None
    effect = f"its meaning counts for {trust:.0%} only"
    if trust == 0.0:
        effect = "passages are found by their words alone"
    return (
        f"{model} was not made for this language (it cuts a word into {reading.pieces:.1f} pieces, "
        f"{reading.unread:.0%} of them single letters or unknown): {effect}; a model that reads "
        f"it finds more: --model {MULTILINGUAL_E5_SMALL.name}"
    )


def _neutral_question(encoder: Encoder, language: str) -> FloatVector:
    """The mean of the neutral questions' embeddings; worked out once in a process."""
    key = (encoder.identity.fingerprint, language)
    found = _neutral.get(key)
    if found is None:
        found = encoder.embed_queries(neutral_questions(language)).mean(axis=0)
        _neutral[key] = found
    return found


def _words(texts: Iterable[str]) -> list[str]:
    """The first different words of some texts."""
    found = (word for text in texts for word in _WORD.findall(text))
    letters = (word for word in found if not any(sign.isdigit() for sign in word))
    return list(islice(dict.fromkeys(letters), _WORDS))


def _cut(words: list[str], encoder: Encoder) -> tuple[float, float]:
    """Return the share of pieces that say nothing, and the pieces of a word on average."""
    pieces = [encoder.pieces(word) for word in words]
    count = sum(map(len, pieces))
    if not count:
        return 0.0, 1.0
    unread = sum(_says_nothing(piece) for word in pieces for piece in word)
    return unread / count, count / len(words)


def _says_nothing(piece: str) -> bool:
    """Whether a piece is unknown, or a letter of a script whose letters are no words."""
    return len(piece) < 2 and not _CHARACTER.fullmatch(piece)


def _alike(sample: FloatMatrix) -> float:
    """The mean cosine of two different passages; 0 if there is only one."""
    count = len(sample)
    if count < 2:
        return 0.0
    total = float(np.square(sample.sum(axis=0)).sum() - np.square(sample).sum())
    return total / (count * (count - 1))
