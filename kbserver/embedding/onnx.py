"""The light path: an exported model on ONNX Runtime, without torch. Opens in under a second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from tokenizers import Tokenizer

from kbserver.embedding.base import Progress
from kbserver.errors import IngestError, ModelError
from kbserver.files import sha256_of
from kbserver.types import FloatMatrix, ModelIdentity

EXPORT_FORMATS = {"fp32": 2, "int8": 5}
"""By precision; raised whenever the graph or `meta.json` changes, so that older exports are made anew."""

GRAPH = "model.onnx"

LEAST_COSINE = 0.995
"""Rounded weights whose vectors are further from the exact ones on average are not used: with all-MiniLM-L6-v2's .999 of the
ten nearest passages .97 stay, with .994 .90."""

_REFERENCE_SLACK = 0.005  # a single text may be rounded worse than the mean of all

_WINDOW = 4096
"""Passages tokenised and sorted at a time: long enough that batches hold equal lengths, short in memory (4 MB)."""

BATCH_TOKENS = 1024
"""Tokens a run: 4 passages of 220. What a run touches stays in the caches: 4 are faster than 8 by a tenth, than 32
by a fifth, in a tenth of their memory (benchmarks/encoders.py)."""

QUERIES_PER_RUN = 4
"""Queries a run: two runs side by side on two cores do 319 a second with one each, 422 with two, 458 with four and 455 with
eight (benchmarks/encoders.py)."""

TokenIds = NDArray[np.int64]


class Reference(BaseModel):
    """A text and its exact vector, to be compared with where the export is opened."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    vector: tuple[float, ...]


class ExportMeta(BaseModel):
    """What `meta.json` beside an exported graph says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    identity: ModelIdentity
    precision: str
    """`fp32`, or `int8`: rounded weights, for queries only."""
    query_prompt: str
    passage_prompt: str
    inputs: tuple[str, ...]
    """Names of the graph's inputs, each int64 of shape (batch, tokens)."""
    pad_id: int
    pad_left: bool
    difference: float
    """Largest difference of any component from sentence-transformers' own vectors, measured at the export."""
    time_of_exact: float = 1.0
    """What a query takes, of the time with exact weights: measured when the weights were rounded."""
    reference: Reference | None = None
    """Of rounded weights: processors multiply rounded numbers in several ways, and those before AVX-512 VNNI cut large sums."""
    sha256: dict[str, str]
    """Digest of every other file of the folder, by name."""

    @classmethod
    def read(cls, folder: Path) -> ExportMeta:
        """Read `meta.json` and check every file against it.

        Raises:
            ModelError: it is missing, of another format, or a file is not the one it names.
        """
        try:
            meta = cls.model_validate_json((folder / "meta.json").read_bytes())
        except (OSError, ValidationError) as exc:
            raise ModelError(f"{folder}: no exported model: {exc}") from exc
        if meta.format != (current := EXPORT_FORMATS.get(meta.precision)):
            raise ModelError(
                f"{folder}: exported in format {meta.format}, this version reads {current}"
            )
        for name, wanted in meta.sha256.items():
            found = sha256(folder / name)
            if found != wanted:
                raise ModelError(
                    f"{folder / name}: SHA-256 is {found}, its meta.json says {wanted}"
                )
        return meta

    def write(self, folder: Path) -> None:
        """Write `meta.json` into a folder that already holds the files it names."""
        (folder / "meta.json").write_text(
            self.model_dump_json(indent=2) + "\n", encoding="utf-8"
        )


def sha256(file: Path) -> str:
    """Return the hex SHA-256 of a file, or "missing" if it cannot be read."""
    try:
        return sha256_of(file)
    except OSError:
        return "missing"


class NotExportable(ModelError):
    """A model that does not fit into an export; it can still be used with torch."""


class OnnxEncoder:
    """An exported model. One session, safe to run from many threads: each run takes one core and no GIL.

    Runs side by side beat one run on several threads for queries and passages alike (benchmarks/encoders.py),
    so `threads` is how many batches of passages run at once; queries run in the threads of those who ask.
    """

    side_by_side = True
    queries_per_call = QUERIES_PER_RUN

    def __init__(
        self, folder: Path, *, threads: int = 1, name: str | None = None
    ) -> None:
        """Open an export written by `sentence_transformer.export_onnx`.

        Args:
            folder: holds `model.onnx`, `tokenizer.json` and `meta.json`.
            threads: how many batches of passages run at once.
            name: what the user calls the model, if not what it was exported as.

        Raises:
            ModelError: a file is missing, changed or not what ONNX Runtime can load.
        """
        self._meta = ExportMeta.read(folder)
        self._identity = (
            replace(self._meta.identity, name=name) if name else self._meta.identity
        )
        try:
            # The published tokenizer.json cuts and pads to 128 tokens: both off, or text beyond that is lost.
            self._cutting = _uncut(Tokenizer.from_file(str(folder / "tokenizer.json")))
            self._cutting.enable_truncation(self._identity.max_tokens)
            self._session = open_session(folder / GRAPH)
        except Exception as exc:  # neither library says what it raises
            raise ModelError(
                f"{folder}: the exported model cannot be loaded ({exc}); delete that folder"
            ) from exc
        self._folder = folder
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._pool_lock = Lock()
        if (reference := self._meta.reference) is not None:
            cosine = float(
                self.embed_queries([reference.text])[0]
                @ np.asarray(reference.vector, np.float32)
            )
            if not cosine >= LEAST_COSINE - _REFERENCE_SLACK:
                raise ModelError(
                    f"{folder}: on this processor a vector is at a cosine of {cosine:.3f} to the exact one, made on another"
                )

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def backend(self) -> str:
        """`onnx` and the precision."""
        return f"onnx {self._meta.precision}"

    @property
    def time_of_exact(self) -> float:
        """What a query takes, of the time with exact weights, as measured where the weights were rounded."""
        return self._meta.time_of_exact

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim), float32; over-long queries are cut."""
        tokens = [self._query_tokens(text) for text in texts]
        if len(tokens) == 1:
            return self._run(tokens)
        embeddings = np.empty((len(texts), self._identity.dim), np.float32)
        for rows in _little_padded(tokens, most=QUERIES_PER_RUN):
            embeddings[rows] = self._run([tokens[row] for row in rows])
        return embeddings

    def inputs_of(self, text: str) -> dict[str, TokenIds]:
        """What the graph is given for a query, by the names of its inputs, each of shape (1, tokens)."""
        return self._inputs([self._query_tokens(text)])

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        """Return one unit vector a passage, shape (len(texts), dim), float32, in the order given.

        Raises:
            IngestError: a passage is longer than the model reads.
        """
        embeddings = np.empty((len(texts), self._identity.dim), np.float32)
        pool = self._passage_pool()
        for start in range(0, len(texts), _WINDOW):
            tokens = self._tokenise(texts[start : start + _WINDOW], start)
            running: dict[Future[FloatMatrix], list[int]] = {}
            try:
                for rows in _batches_of_like_length(tokens):
                    batch = [tokens[row] for row in rows]
                    running[pool.submit(self._run, batch)] = [
                        start + row for row in rows
                    ]
                while running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        at = running.pop(future)
                        embeddings[at] = future.result()
                        if on_progress is not None:
                            on_progress(len(at))
            finally:  # Ctrl-C or a failure: what has not begun must not keep the cores
                for future in running:
                    future.cancel()
        return embeddings

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads of this text as a passage, with prompt and special tokens, uncut."""
        return len(
            self._tokenizer.encode(speakable(self._meta.passage_prompt + text)).ids
        )

    def close(self) -> None:
        """Free the threads; the session goes with the last reference to it."""
        with self._pool_lock:
            if self._pool is not None:
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        """The one that does not cut: for passages, so most servers never need it (30 ms, 10 MB)."""
        return _uncut(Tokenizer.from_file(str(self._folder / "tokenizer.json")))

    def _passage_pool(self) -> ThreadPoolExecutor:
        with self._pool_lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(
                    self._threads, thread_name_prefix="kbserver-embed-passages"
                )
            return self._pool

    def _tokenise(self, texts: Sequence[str], first: int) -> list[TokenIds]:
        encodings = self._tokenizer.encode_batch(
            [speakable(self._meta.passage_prompt + text) for text in texts]
        )
        tokens = [np.asarray(encoding.ids, np.int64) for encoding in encodings]
        for row, ids in enumerate(tokens):
            if ids.size > self._identity.max_tokens:
                raise passage_too_long(
                    first + row, texts[row], ids.size, self._identity
                )
        return tokens

    def _query_tokens(self, text: str) -> TokenIds:
        return np.asarray(
            self._cutting.encode(speakable(self._meta.query_prompt + text)).ids,
            np.int64,
        )

    def _run(self, tokens: Sequence[TokenIds]) -> FloatMatrix:
        embeddings: FloatMatrix = self._session.run(None, self._inputs(tokens))[0]
        return embeddings

    def _inputs(self, tokens: Sequence[TokenIds]) -> dict[str, TokenIds]:
        if len(tokens) == 1:
            input_ids = tokens[0][np.newaxis]
            attention_mask = np.ones_like(input_ids)
        else:
            input_ids, attention_mask = self._padded(tokens)
        # Texts are single sentences to the model: segment 0 throughout.
        known = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),
        }
        return {name: known[name] for name in self._meta.inputs}

    def _padded(
        self, tokens: Sequence[TokenIds]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and attention mask, shape (texts, tokens of the longest)."""
        longest = max(ids.size for ids in tokens)
        input_ids = np.full((len(tokens), longest), self._meta.pad_id, np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(tokens):
            place = (
                slice(longest - ids.size, None)
                if self._meta.pad_left
                else slice(ids.size)
            )
            input_ids[row, place] = ids
            attention_mask[row, place] = 1
        return input_ids, attention_mask


def passage_too_long(
    row: int, text: str, tokens: int, model: ModelIdentity
) -> IngestError:
    """The error for a passage that the model would have to cut."""
    return IngestError(
        f"passage {row} ({text[:40]!r}...) is {tokens} tokens long, {model.name} reads at most {model.max_tokens}; "
        "cut it before it is embedded, its end would be lost in silence"
    )


def speakable(text: str) -> str:
    """Replace lone surrogates, which JSON may carry and no tokenizer takes, by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _uncut(tokenizer: Tokenizer) -> Tokenizer:
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def open_session(file: Path) -> Any:
    """Open a graph with ONNX Runtime, to be run on the thread that asks."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Spinning threads keep the cores from the event loop: throughput halved on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = (
        3  # errors; warnings are about the graph and nothing a user can act on
    )
    return onnxruntime.InferenceSession(
        str(file), options, providers=["CPUExecutionProvider"]
    )


def _little_padded(tokens: Sequence[TokenIds], *, most: int) -> Iterator[list[int]]:
    """Give the rows in runs of at most `most`, none of them less than half as long as the longest of its run."""
    run: list[int] = []
    for row in sorted(range(len(tokens)), key=lambda row: -tokens[row].size):
        if run and (len(run) == most or 2 * tokens[row].size < tokens[run[0]].size):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _batches_of_like_length(tokens: Sequence[TokenIds]) -> Iterator[list[int]]:
    """Give the rows in batches of at most `BATCH_TOKENS` or one row, longest first: little padding, an early peak."""
    order = sorted(range(len(tokens)), key=lambda row: -tokens[row].size)
    start = 0
    while start < len(order):
        rows = max(1, BATCH_TOKENS // tokens[order[start]].size)
        yield order[start : start + rows]
        start += rows
