"""Embeds with sentence-transformers on torch: any model, on CUDA, Apple's MPS or the CPU."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers.utils import logging as transformers_logging

from kbserver.embedding.base import Progress
from kbserver.embedding.onnx import (
    UNBOUNDED_TOKENS,
    passage_too_long,
    plain_pieces,
    without_surrogates,
)
from kbserver.errors import ModelError
from kbserver.types import FloatMatrix, ModelIdentity

_BATCH = 32
_TALKATIVE = ("transformers", "sentence_transformers", "torch.onnx")


class SentenceTransformerEncoder:
    """A sentence-transformers model on torch. Calls run one after another."""

    queries_per_call = _BATCH
    side_by_side = False  # a call uses all cores by itself

    def __init__(
        self,
        folder: Path,
        *,
        name: str,
        fingerprint: str,
        device: str = "auto",
        threads: int | None = None,
        prompts: Mapping[str, str] | None = None,
    ) -> None:
        """Load a model folder.

        Args:
            folder: as sentence-transformers saves it.
            name: what the user calls the model.
            fingerprint: of the folder (`source.ModelSource`).
            device: `auto` (CUDA, then MPS, then CPU) or torch's own name for one.
            threads: torch's threads on the CPU, for the whole process; None leaves its default.
            prompts: of a `query` and a `passage`, if not what the folder says.

        Raises:
            ModelError: sentence-transformers cannot load it.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        if device == "auto":
            device = best_device()
        self._model = load_model(folder, device)
        given = prompts or {}
        query_prompt, passage_prompt = prompts_of(self._model)
        self._query_prompt = given.get("query", query_prompt)
        self._passage_prompt = given.get("passage", passage_prompt)
        self._identity = identity_of(self._model, name, fingerprint)
        self._lock = Lock()  # every call changes how a fast tokenizer cuts

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def backend(self) -> str:
        """`torch` and the device."""
        return f"torch {self._model.device}"

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim), float32; long ones are cut."""
        with self._lock:
            return self._encode(texts, self._query_prompt, "query")

    def embed_passages(
        self, texts: Sequence[str], *, on_progress: Progress | None = None
    ) -> FloatMatrix:
        """Return one unit vector a passage, shape (len(texts), dim), float32, in the order given.

        Raises:
            IngestError: a passage is longer than the model reads.
        """
        embeddings = np.empty((len(texts), self._identity.dim), np.float32)
        longest_first = sorted(range(len(texts)), key=lambda row: -len(texts[row]))
        for start in range(0, len(texts), _BATCH):
            rows = longest_first[start : start + _BATCH]
            batch = [texts[row] for row in rows]
            for row, text in zip(rows, batch, strict=True):
                tokens = self.count_tokens(text)
                if tokens > self._identity.max_tokens:
                    raise passage_too_long(row, text, tokens, self._identity)
            with self._lock:
                embeddings[rows] = self._encode(batch, self._passage_prompt, "document")
            if on_progress is not None:
                on_progress(len(rows))
        return embeddings

    def count_tokens(self, text: str) -> int:
        """Return how many tokens a passage of this text has, uncut, with prompt and specials."""
        whole = without_surrogates(self._passage_prompt + text)
        with self._lock:
            return _count_tokens(self._model.tokenizer, whole)

    def pieces(self, text: str) -> list[str]:
        """Return what the tokenizer cuts a text into; "" for what it does not know."""
        tokenizer = self._model.tokenizer
        with self._lock:
            if callable(tokenizer):
                return plain_pieces(tokenizer.tokenize(without_surrogates(text)))
            encoding = tokenizer.encode(text, add_special_tokens=False)
        return plain_pieces(encoding.tokens)

    def close(self) -> None:
        """Do nothing: the model goes with the last reference to it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _encode(self, texts: Sequence[str], prompt: str, task: str) -> FloatMatrix:
        if not texts:
            return np.empty((0, self._identity.dim), np.float32)
        embeddings: FloatMatrix = self._model.encode(
            [without_surrogates(text) for text in texts],
            prompt=prompt,
            task=task,
            batch_size=_BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return embeddings.astype(np.float32, copy=False)


def best_device() -> str:
    """Return the fastest device torch finds here: `cuda`, `mps` or `cpu`."""
    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def load_model(folder: Path, device: str, **options: str) -> SentenceTransformer:
    """Load a model folder in float32, so that vectors are the same on every device.

    Args:
        folder: as sentence-transformers saves it.
        device: torch's name for one.
        options: further `model_kwargs`.

    Raises:
        ModelError: sentence-transformers cannot load it.
    """
    try:
        with quiet():
            return SentenceTransformer(
                str(folder),
                device=device,
                local_files_only=True,
                model_kwargs={"dtype": torch.float32} | options,
            ).eval()
    except Exception as exc:  # anything a model folder's own code and files can cause
        message = f"{folder}: sentence-transformers cannot load this model: {exc}"
        if device != "cpu":
            message += f"; if this machine has no {device}, say --device cpu"
        raise ModelError(message) from exc


def prompts_of(model: SentenceTransformer) -> tuple[str, str]:
    """Return the prompts of queries and of passages, as the model's folder gives them.

    sentence-transformers overlooks `passage` when `document` is missing; e5's authors mean it.
    """
    prompts = model.prompts
    default = prompts.get(model.default_prompt_name or "") or ""
    query = prompts.get("query") or default
    for name in ("document", "passage", "corpus"):
        if prompt := prompts.get(name):
            return query, prompt
    return query, default


def identity_of(
    model: SentenceTransformer, name: str, fingerprint: str
) -> ModelIdentity:
    """Return the identity of a loaded model."""
    dim = model.encode("", show_progress_bar=False).shape[0]
    max_tokens = min(model.max_seq_length or UNBOUNDED_TOKENS, UNBOUNDED_TOKENS)
    return ModelIdentity(name, fingerprint, int(dim), int(max_tokens))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep progress bars, notices and deprecations of other packages from the user's terminal."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    levels = [logger.level for logger in loggers]
    had_bars = transformers_logging.is_progress_bar_enabled()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if had_bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # theirs


def _count_tokens(tokenizer: Any, text: str) -> int:
    if callable(tokenizer):
        return len(tokenizer(text, truncation=False, verbose=False)["input_ids"])
    # Models of static embeddings hold a plain `tokenizers.Tokenizer`.
    return len(tokenizer.encode(text).ids)
