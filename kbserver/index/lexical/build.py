"""Build the lexical index: count the terms, score the counts, write the postings by term."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kbserver.index.arrays import new_array, save_array
from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.formula import idf, saturation
from kbserver.index.lexical.kin import MARK, analysed, parts_by_term
from kbserver.index.lexical.postings import STEM
from kbserver.index.strings import write_strings

BLOCK_TOKENS = 4_000_000
"""Tokens counted at once: about 100 MB while it lasts."""


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
    block_tokens: int = BLOCK_TOKENS,
) -> None:
    """Write the BM25 index of some texts into a folder; `bm25.Bm25Index.open` reads it.

    A million passages take about 700 MB while it lasts.

    Args:
        texts: one a row, in row order; read once, so that they need not be in memory together.
        folder: exists; files named `bm25.*` are written into it.
        parameters: k1, b and the language of the texts.
        analyse: cuts a text into terms; None: `kin.analysed` in the language of the parameters.
            Marked terms stand behind the others and do not count as length.
        max_share: a term in more than this share of the texts tells nothing and is left out.
        block_tokens: counted at once.
    """
    parameters = parameters or Bm25Parameters()
    language, form = parameters.language, parameters.form
    has_own_terms = analyse is None
    if analyse is None:
        analyse = partial(analysed, language=language, form=form)
    numbers = _Numbers()
    blocks: list[_Counts] = []
    lengths = array("q")
    sizes = array("q")
    tokens = array("i")
    first = 0
    for text in texts:
        terms = analyse(text)
        lengths.append(_plain(terms))
        sizes.append(len(terms))
        tokens.extend([numbers[term] for term in terms])
        if len(tokens) >= block_tokens:
            blocks.append(_counted(tokens, sizes, first))
            tokens = array("i")
            first = len(lengths)
    blocks.append(_counted(tokens, sizes, first))
    if has_own_terms:
        parts = parts_by_term(numbers, language=language, form=form)
        _add_parts(blocks, numbers, parts)

    size = len(lengths)
    all_lengths = np.frombuffer(lengths, dtype=np.int64)
    ordered = write_strings(numbers, folder / f"{STEM}.terms.bin")
    by_bytes = np.array([numbers[term] for term in ordered], dtype=np.int64)
    frequencies = _frequencies(blocks, len(numbers))
    _leave_out(frequencies > max_share * size, frequencies, blocks)
    starts = np.zeros(len(numbers) + 1, dtype=np.int64)
    np.cumsum(frequencies[by_bytes], out=starts[1:])
    save_array(folder / f"{STEM}.starts.npy", starts)
    free = np.empty(len(numbers), dtype=np.int64)
    free[by_bytes] = starts[:-1]
    scores = _write_postings(blocks, frequencies, free, all_lengths, parameters, folder)
    save_array(folder / f"{STEM}.maxima.npy", _maxima(scores, starts))
    facts = {"size": size, "parameters": asdict(parameters)}
    (folder / f"{STEM}.json").write_text(json.dumps(facts), "utf-8")


class _Numbers(dict[str, int]):
    """Numbers terms as they are met."""

    def __missing__(self, term: str) -> int:
        self[term] = number = len(self)
        return number


def _plain(terms: list[str]) -> int:
    """How many terms stand before the marked ones."""
    plain = len(terms)
    while plain and terms[plain - 1].startswith(MARK):
        plain -= 1
    return plain


def _add_parts(
    blocks: list[_Counts], numbers: _Numbers, parts: Mapping[str, Sequence[str]]
) -> None:
    """Count the parts of each compound wherever it stands, in place.

    Args:
        blocks: all of them, as only now every word is known.
        numbers: of the terms; gets those of the parts.
        parts: terms by the compound's.
    """
    if not parts:
        return
    given: list[list[int]] = [[] for _ in numbers]
    for term, its_parts in parts.items():
        given[numbers[term]] = [numbers[part] for part in its_parts]
    ends = np.cumsum([0, *map(len, given)])
    flat = np.array([number for one in given for number in one], dtype=np.int64)
    for at, block in enumerate(blocks):
        lengths = ends[block.terms + 1] - ends[block.terms]
        within = np.arange(lengths.sum()) - np.repeat(
            np.cumsum(lengths) - lengths, lengths
        )
        added = flat[np.repeat(ends[block.terms], lengths) + within]
        terms = np.concatenate([block.terms.astype(np.int64), added])
        rows = np.concatenate([block.rows, np.repeat(block.rows, lengths)])
        counts = np.concatenate([block.counts, np.repeat(block.counts, lengths)])
        pairs, places = np.unique(terms << 32 | rows, return_inverse=True)
        blocks[at] = _Counts(
            terms=(pairs >> 32).astype(np.int32),
            rows=pairs.astype(np.int32),
            counts=np.bincount(places, weights=counts).astype(np.int32),
        )


def _counted(tokens: array[int], sizes: array[int], first: int) -> _Counts:
    """Count the tokens of the rows from `first` on, of which each has so many."""
    sizes_of_block = np.frombuffer(sizes, dtype=np.int64)[first:]
    rows = np.repeat(np.arange(first, len(sizes)), sizes_of_block)
    terms = np.frombuffer(tokens, dtype=np.int32).astype(np.int64)
    pairs, counts = np.unique(terms << 32 | rows, return_counts=True)
    return _Counts(
        terms=(pairs >> 32).astype(np.int32),
        rows=pairs.astype(np.int32),
        counts=counts.astype(np.int32),
    )


def _frequencies(blocks: list[_Counts], terms: int) -> NDArray[np.int64]:
    """In how many rows each term stands, shape (terms,)."""
    frequencies = np.zeros(terms, dtype=np.int64)
    for block in blocks:
        frequencies += np.bincount(block.terms, minlength=terms)
    return frequencies


def _leave_out(
    common: NDArray[np.bool_], frequencies: NDArray[np.int64], blocks: list[_Counts]
) -> None:
    """Take the common terms out of the frequencies and the blocks, in place."""
    if not common.any():
        return
    frequencies[common] = 0
    for number, block in enumerate(blocks):
        kept = ~common[block.terms]
        blocks[number] = _Counts(*(column[kept] for column in block))


def _write_postings(
    blocks: list[_Counts],
    frequencies: NDArray[np.int64],
    free: NDArray[np.int64],
    lengths: NDArray[np.int64],
    parameters: Bm25Parameters,
    folder: Path,
) -> NDArray[np.generic]:
    """Write rows and scores, and return the scores, mapped.

    Args:
        blocks: emptied one by one, while the mapped arrays take the memory.
        frequencies: in how many rows each term stands.
        free: where the next posting of each term goes; moved on.
        lengths: terms of each row.
        parameters: k1 and b.
        folder: where the two files go.
    """
    count = int(frequencies.sum())
    rows = new_array(folder / f"{STEM}.rows.npy", np.int32, (count,))
    scores = new_array(folder / f"{STEM}.scores.npy", np.float32, (count,))
    size = len(lengths)
    idfs = np.array([idf(frequency, size) for frequency in frequencies.tolist()])
    mean_length = 1.0
    if count:
        mean_length = lengths.mean()
    while blocks:
        block = blocks.pop(0)
        shares = saturation(block.counts, lengths[block.rows], mean_length, parameters)
        runs = np.flatnonzero(np.diff(block.terms, prepend=-1))  # where a term begins
        run_lengths = np.diff(runs, append=block.terms.size)
        within = np.arange(block.terms.size) - np.repeat(runs, run_lengths)
        places = free[block.terms] + within
        rows[places] = block.rows
        scores[places] = idfs[block.terms] * shares
        free[block.terms[runs]] += run_lengths
    return scores


def _maxima(
    scores: NDArray[np.generic], starts: NDArray[np.int64]
) -> NDArray[np.float32]:
    """The largest score of each term, 0 for a term without postings."""
    maxima = np.zeros(len(starts) - 1, dtype=np.float32)
    held = np.diff(starts) > 0
    if held.any():
        maxima[held] = np.maximum.reduceat(scores, starts[:-1][held])
    return maxima
