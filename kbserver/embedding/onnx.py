"""Embeds with an exported model on ONNX Runtime, without torch. Opens in under a second."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kbserver.embedding.base import Progress
from kbserver.embedding.export_meta import GRAPH, TOKENIZER, ExportMeta, Reference
from kbserver.errors import IngestError, ModelError
from kbserver.types import FloatMatrix, ModelIdentity

UNBOUNDED_TOKENS = 8192
"""Tokens where texts are cut for a model that reads any length."""

LEAST_COSINE = 0.995
"""Quantised weights are refused if the mean cosine to the exact vectors is below this."""

BATCH_TOKENS = 1024
"""Tokens of one run of passages: what a run touches then stays in the processor's caches."""

QUERIES_PER_RUN = 4
"""Queries of one run: more at once are not embedded faster."""

_REFERENCE_SLACK = 0.005  # of LEAST_COSINE: one text may lose more than the mean of all
_WINDOW = 4096  # passages sorted by length at a time: 4 MB of token ids
_SILENT = 3  # log severity: errors only, as no user can act on ONNX Runtime's warnings

_UNKNOWN = ("[UNK]", "<unk>")

TokenIds = NDArray[np.int64]


class OnnxEncoder:
    """An exported model. One session, safe to run from many threads: each run takes one core.

    Runs side by side beat one run on several threads for queries and passages alike, so `threads`
    is how many batches of passages run at once; a query runs in its caller's thread.
    """

    side_by_side = True
    queries_per_call = QUERIES_PER_RUN

    def __init__(
        self, folder: Path, *, threads: int = 1, name: str | None = None
    ) -> None:
        """Open an export.

        Args:
            folder: holds `model.onnx`, `tokenizer.json` and `meta.json`.
            threads: how many batches of passages run at once.
            name: what the user calls the model, if not what it was exported as.

        Raises:
            ModelError: a file is missing, changed or not what ONNX Runtime can load, or this
                processor gives other vectors with quantised weights.
        """
        self._meta = ExportMeta.read(folder)
        self._identity = self._meta.identity
        if name is not None:
            self._identity = replace(self._identity, name=name)
        self._folder = folder
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._pool_lock = Lock()
        try:
            self._cutting = _uncut(folder)
            self._cutting.enable_truncation(self._identity.max_tokens)
            self._session = open_session(folder / GRAPH)
        except Exception as exc:  # neither library says what it raises
            raise ModelError(
                f"{folder}: the exported model cannot be loaded ({exc}); delete that folder"
            ) from exc
        if self._meta.reference is not None:
            self._check(self._meta.reference)

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def backend(self) -> str:
        """`onnx` and the precision."""
        return f"onnx {self._meta.precision}"

    @property
    def folder(self) -> Path:
        """Where the export lies."""
        return self._folder

    @property
    def time_of_exact(self) -> float:
        """Time of a query as a share of its time at fp32, as `meta.json` says."""
        return self._meta.time_of_exact

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim), float32; long ones are cut."""
        tokens = [self._query_tokens(text) for text in texts]
        if len(tokens) == 1:
            return self._run(tokens)
        embeddings = np.empty((len(texts), self._identity.dim), np.float32)
        for rows in _little_padded(tokens, most=QUERIES_PER_RUN):
            embeddings[rows] = self._run([tokens[row] for row in rows])
        return embeddings

    def inputs_of(self, text: str) -> dict[str, TokenIds]:
        """Return the graph's inputs for one query by name, each of shape (1, tokens)."""
        return self._inputs([self._query_tokens(text)])

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        """Return one unit vector a passage, shape (len(texts), dim), float32, in the order given.

        Raises:
            IngestError: a passage is longer than the model reads.
        """
        embeddings = np.empty((len(texts), self._identity.dim), np.float32)
        for start in range(0, len(texts), _WINDOW):
            tokens = self._passage_tokens(texts[start : start + _WINDOW], start)
            window = embeddings[start : start + _WINDOW]
            with closing(self._run_batches(tokens)) as batches:
                for rows, vectors in batches:
                    window[rows] = vectors
                    if on_progress is not None:
                        on_progress(len(rows))
        return embeddings

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a passage of this text has, uncut, with prompt and specials."""
        whole = without_surrogates(self._meta.passage_prompt + text)
        return len(self._tokenizer.encode(whole).ids)

    def pieces(self, text: str) -> list[str]:
        """Return what the tokenizer cuts a text into; "" for what it does not know."""
        encoding = self._tokenizer.encode(
            without_surrogates(text), add_special_tokens=False
        )
        return plain_pieces(encoding.tokens)

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
        """The tokenizer for passages, which does not cut. Most servers never load it: 10 MB."""
        return _uncut(self._folder)

    def _check(self, reference: Reference) -> None:
        """Compare a vector made on this processor with the exact one."""
        vector = self.embed_queries([reference.text])[0]
        cosine = float(vector @ np.asarray(reference.vector, np.float32))
        # Written with `not`, so that NaN is refused as well.
        if not cosine >= LEAST_COSINE - _REFERENCE_SLACK:
            raise ModelError(
                f"{self._folder}: on this processor a vector is at a cosine of {cosine:.3f} "
                "to the exact one, made on another"
            )

    def _passage_pool(self) -> ThreadPoolExecutor:
        with self._pool_lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(
                    self._threads, thread_name_prefix="kbserver-embed-passages"
                )
            return self._pool

    def _run_batches(
        self, tokens: Sequence[TokenIds]
    ) -> Generator[tuple[list[int], FloatMatrix], None, None]:
        """Run all texts in batches of like length; yield rows and vectors as they are done."""
        pool = self._passage_pool()
        running: dict[Future[FloatMatrix], list[int]] = {}
        try:
            for rows in _batches_of_like_length(tokens):
                batch = [tokens[row] for row in rows]
                running[pool.submit(self._run, batch)] = rows
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:  # Ctrl-C or a failure: a batch that has not begun must not keep the cores
            for future in running:
                future.cancel()

    def _passage_tokens(self, texts: Sequence[str], first: int) -> list[TokenIds]:
        prompt = self._meta.passage_prompt
        encodings = self._tokenizer.encode_batch(
            [without_surrogates(prompt + text) for text in texts]
        )
        tokens = [np.asarray(encoding.ids, np.int64) for encoding in encodings]
        for row, ids in enumerate(tokens):
            if ids.size > self._identity.max_tokens:
                raise passage_too_long(
                    first + row, texts[row], ids.size, self._identity
                )
        return tokens

    def _query_tokens(self, text: str) -> TokenIds:
        encoding = self._cutting.encode(
            without_surrogates(self._meta.query_prompt + text)
        )
        return np.asarray(encoding.ids, np.int64)

    def _run(self, tokens: Sequence[TokenIds]) -> FloatMatrix:
        embeddings: FloatMatrix = self._session.run(None, self._inputs(tokens))[0]
        return embeddings

    def _inputs(self, tokens: Sequence[TokenIds]) -> dict[str, TokenIds]:
        if len(tokens) == 1:
            input_ids = tokens[0][np.newaxis]
            attention_mask = np.ones_like(input_ids)
        else:
            input_ids, attention_mask = self._padded(tokens)
        known = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": np.zeros_like(input_ids),  # each text is one segment
        }
        return {name: known[name] for name in self._meta.inputs}

    def _padded(self, tokens: Sequence[TokenIds]) -> tuple[TokenIds, TokenIds]:
        """Return ids and attention mask, each of shape (texts, tokens of the longest)."""
        longest = max(ids.size for ids in tokens)
        input_ids = np.full((len(tokens), longest), self._meta.pad_id, np.int64)
        attention_mask = np.zeros_like(input_ids)
        for row, ids in enumerate(tokens):
            place = slice(ids.size)
            if self._meta.pad_left:
                place = slice(longest - ids.size, None)
            input_ids[row, place] = ids
            attention_mask[row, place] = 1
        return input_ids, attention_mask


def plain_pieces(tokens: Sequence[str]) -> list[str]:
    """Return tokens without their marks of beginning or going on; "" for an unknown one.

    A token that is a mark alone, as before a word in pieces, is left out.
    """
    pieces = []
    for token in tokens:
        if token in _UNKNOWN:
            pieces.append("")
            continue
        piece = token.removeprefix("##").removeprefix("\u2581")
        if piece:
            pieces.append(piece)
    return pieces


def passage_too_long(
    row: int, text: str, tokens: int, model: ModelIdentity
) -> IngestError:
    """Return the error for a passage that the model would have to cut."""
    return IngestError(
        f"passage {row} ({text[:40]!r}...) is {tokens} tokens long, {model.name} reads at most "
        f"{model.max_tokens}; cut it before it is embedded, its end would be lost in silence"
    )


def without_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON may carry and no tokenizer takes, by question marks."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def open_session(file: Path) -> Any:
    """Open a graph with ONNX Runtime; it runs in the thread that calls."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Spinning threads keep the cores from the event loop: throughput halved on two cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _SILENT
    return onnxruntime.InferenceSession(
        str(file), options, providers=["CPUExecutionProvider"]
    )


def _uncut(folder: Path) -> Tokenizer:
    """Load an export's tokenizer, which neither cuts nor pads whatever its file says."""
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _longest_first(tokens: Sequence[TokenIds]) -> list[int]:
    return sorted(range(len(tokens)), key=lambda row: -tokens[row].size)


def _little_padded(tokens: Sequence[TokenIds], *, most: int) -> Iterator[list[int]]:
    """Yield rows in runs of at most `most`, none less than half as long as its run's longest."""
    run: list[int] = []
    for row in _longest_first(tokens):
        is_full = len(run) == most
        if run and (is_full or 2 * tokens[row].size < tokens[run[0]].size):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _batches_of_like_length(tokens: Sequence[TokenIds]) -> Iterator[list[int]]:
    """Yield rows in batches of one row or at most `BATCH_TOKENS`, longest first.

    Little is padded that way, and the peak of memory comes early.
    """
    order = _longest_first(tokens)
    start = 0
    while start < len(order):
        longest = tokens[order[start]].size
        rows = max(1, BATCH_TOKENS // longest)
        yield order[start : start + rows]
        start += rows
