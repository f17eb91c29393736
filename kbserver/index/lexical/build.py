"""Build the lexical index. The only file that imports bm25s: serving needs the scores, not the engine."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from bm25s.scoring import _score_idf_lucene, _score_tfc_lucene
from numpy.typing import NDArray

from kbserver.index.lexical.bm25 import STEM, Bm25Parameters
from kbserver.index.lexical.tokens import tokenize
from kbserver.index.strings import write_strings

_BLOCK_TOKENS = 4_000_000  # counted at once: about 100 MB while it lasts


class _Counts(NamedTuple):
    """How often each term stands in each row of a block; by term, then by row."""

    terms: NDArray[np.int32]
    rows: NDArray[np.int32]
    counts: NDArray[np.int32]


def build_lexical(
    texts: Iterable[str],
    folder: Path,
    parameters: Bm25Parameters | None = None,
    *,
    analyse: Callable[[str], list[str]] | None = None,
    max_share: float = 1.0,
) -> None:
    """Write the BM25 index of some texts into a folder; `lexical.Bm25Index.open` reads it.

    The formula is bm25s's. Its own loop over the texts takes six times as long as counting with NumPy, and
    would need 4 GB for a million passages; this takes about 700 MB.

    Args:
        texts: one a row, in row order; read once, so that they need not be in memory together.
        folder: exists; files named `bm25.*` are written into it.
        parameters: k1, b and the language of the texts.
        analyse: cuts a text into terms; None: `tokens.tokenize` in the language of the parameters.
        max_share: a term in more than this share of the texts is left out: it tells nothing and costs most.
    """
    parameters = parameters or Bm25Parameters()
    analyse = analyse or partial(tokenize, language=parameters.language)
    numbers = _Numbers()
    blocks: list[_Counts] = []
    lengths = array("q")
    tokens = array("i")
    first = 0
    for text in texts:
        terms = analyse(text)
        lengths.append(len(terms))
        tokens.extend([numbers[term] for term in terms])
        if len(tokens) >= _BLOCK_TOKENS:
            blocks.append(_counted(tokens, lengths, first))
            tokens, first = array("i"), len(lengths)
    blocks.append(_counted(tokens, lengths, first))

    most = max_share * len(lengths)
    _write(
        blocks,
        np.frombuffer(lengths, dtype=np.int64),
        numbers,
        folder,
        parameters,
        most,
    )
    facts = {"size": len(lengths), "parameters": asdict(parameters)}
    (folder / f"{STEM}.json").write_text(json.dumps(facts), "utf-8")


class _Numbers(dict[str, int]):
    """Numbers terms as they are met."""

    def __missing__(self, term: str) -> int:
        self[term] = number = len(self)
        return number


def _counted(tokens: array[int], lengths: array[int], first: int) -> _Counts:
    """Count the tokens of the rows from `first` on."""
    rows = np.repeat(
        np.arange(first, len(lengths)), np.frombuffer(lengths, dtype=np.int64)[first:]
    )
    pairs = np.frombuffer(tokens, dtype=np.int32).astype(np.int64) << 32 | rows
    pairs, counts = np.unique(pairs, return_counts=True)
    return _Counts(
        (pairs >> 32).astype(np.int32), pairs.astype(np.int32), counts.astype(np.int32)
    )


def _write(
    blocks: list[_Counts],
    lengths: NDArray[np.int64],
    numbers: dict[str, int],
    folder: Path,
    parameters: Bm25Parameters,
    most: float,
) -> None:
    """Score the counts and write the postings, term by term in the order of their bytes."""
    ordered = write_strings(numbers, folder / f"{STEM}.terms.bin")
    by_bytes = np.array([numbers[term] for term in ordered], dtype=np.int64)
    frequencies = np.zeros(len(ordered), dtype=np.int64)
    for block in blocks:
        frequencies += np.bincount(block.terms, minlength=len(ordered))
    common = frequencies > most
    frequencies[common] = 0
    if common.any():
        blocks = [
            _Counts(*(column[~common[block.terms]] for column in block))
            for block in blocks
        ]
    starts = np.zeros(len(ordered) + 1, dtype=np.int64)
    np.cumsum(frequencies[by_bytes], out=starts[1:])
    np.save(folder / f"{STEM}.starts.npy", starts)
    idf = np.array(
        [_score_idf_lucene(df, len(lengths)) for df in frequencies.tolist()],
        dtype=np.float64,
    )

    postings = int(starts[-1])
    rows = _new_array(folder / f"{STEM}.rows.npy", np.int32, postings)
    scores = _new_array(folder / f"{STEM}.scores.npy", np.float32, postings)
    free = np.empty(
        len(ordered), dtype=np.int64
    )  # where the next posting of a term goes
    free[by_bytes] = starts[:-1]
    mean = lengths.mean() if postings else 1.0
    while blocks:
        block = blocks.pop(
            0
        )  # let go one by one, while the mapped arrays take the memory
        weight = _score_tfc_lucene(
            block.counts, lengths[block.rows], mean, parameters.k1, parameters.b
        )
        runs = np.flatnonzero(
            np.diff(block.terms, prepend=-1)
        )  # where the block's next term begins
        run_lengths = np.diff(runs, append=block.terms.size)
        within = np.arange(block.terms.size) - np.repeat(runs, run_lengths)
        places = free[block.terms] + within
        rows[places] = block.rows
        scores[places] = idf[block.terms] * weight
        free[block.terms[runs]] += run_lengths
    np.save(folder / f"{STEM}.maxima.npy", _maxima(scores, starts))


def _maxima(
    scores: NDArray[np.generic], starts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The largest score of each term, 0 for a term without postings."""
    maxima = np.zeros(len(starts) - 1, dtype=np.float32)
    some = np.diff(starts) > 0
    if some.any():
        maxima[some] = np.maximum.reduceat(scores, starts[:-1][some])
    return maxima


def _new_array(file: Path, dtype: type[np.generic], size: int) -> NDArray[np.generic]:
    """Make a file for an array that may be larger than is good for memory."""
    if size == 0:
        np.save(file, np.empty(0, dtype=dtype))  # nothing cannot be mapped
        return np.empty(0, dtype=dtype)
    return np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=(size,))
