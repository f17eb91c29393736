"""sentence-transformers on torch, and the export that lets serving do without them. The only file importing torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import TracebackType
from typing import Any, Self

import numpy as np
import onnx
import torch
from sentence_transformers import SentenceTransformer
from transformers.masking_utils import (
    ALL_MASK_ATTENTION_FUNCTIONS,
    bidirectional_mask_function,
    eager_mask,
)
from transformers.utils import logging as transformers_logging

from kbserver.embedding.base import Progress
from kbserver.embedding.export.attention import fuse_attention
from kbserver.embedding.export.graph import save_graph
from kbserver.embedding.export.shapes import settle_shapes
from kbserver.embedding.onnx import (
    EXPORT_FORMATS,
    GRAPH,
    ExportMeta,
    NotExportable,
    OnnxEncoder,
    TokenIds,
    passage_too_long,
    sha256,
    speakable,
)
from kbserver.errors import ModelError
from kbserver.types import FloatMatrix, ModelIdentity

LARGEST_DIFFERENCE = 1e-4
"""An export whose vectors differ from torch's by more than this in any component is not used."""

UNBOUNDED_TOKENS = 8192
"""Where passages are cut for models that read any length."""

_BATCH = 32
_KNOWN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}

# What an export is checked on: short, long, over the limit, other scripts, odd white space, capitals, nothing.
_SAMPLES = (
    "how do i reset my pin",
    "ok",
    "",
    "  The BOILER shows\tF28 —\nwhat does that mean?  ",
    "Öffnungszeiten am Sonntag? ¿Cuánto cuesta la tarifa básica? 営業時間は何時ですか 🎉",
    "The engineer calls thirty minutes before the visit. " * 15,
    "One two three four five six seven eight nine ten. " * 200,
)


class SentenceTransformerEncoder:
    """Any sentence-transformers model on torch: CUDA, Apple's MPS or the CPU. Calls run one after another."""

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
    ) -> None:
        """Load a model folder.

        Args:
            folder: as sentence-transformers saves it.
            name: what the user calls the model.
            fingerprint: of the folder (`models.ModelSource`).
            device: `auto` (CUDA, then MPS, then CPU) or torch's own name for one.
            threads: torch's threads on the CPU, for the whole process; None leaves its default.

        Raises:
            ModelError: sentence-transformers cannot load it.
        """
        if threads is not None:
            torch.set_num_threads(threads)
        self._model = _load(folder, best_device() if device == "auto" else device)
        self._query_prompt, self._passage_prompt = _prompts(self._model)
        self._identity = ModelIdentity(
            name, fingerprint, _dim(self._model), _max_tokens(self._model)
        )
        self._lock = Lock()  # a fast tokenizer's cutting is changed by every call

    @property
    def identity(self) -> ModelIdentity:
        """Which model this is."""
        return self._identity

    @property
    def backend(self) -> str:
        """`torch` and the device."""
        return f"torch {self._model.device}"

    def embed_queries(self, texts: Sequence[str]) -> FloatMatrix:
        """Return one unit vector a query, shape (len(texts), dim), float32; over-long queries are cut."""
        with self._lock:
            return self._encode(
                [speakable(text) for text in texts], self._query_prompt, "query"
            )

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
            for row in rows:
                tokens = self.count_tokens(texts[row])
                if tokens > self._identity.max_tokens:
                    raise passage_too_long(row, texts[row], tokens, self._identity)
            with self._lock:
                batch = [speakable(texts[row]) for row in rows]
                embeddings[rows] = self._encode(batch, self._passage_prompt, "document")
            if on_progress is not None:
                on_progress(len(rows))
        return embeddings

    def count_tokens(self, text: str) -> int:
        """How many tokens the model reads of this text as a passage, with prompt and special tokens, uncut."""
        with self._lock:
            return _count_tokens(
                self._model.tokenizer, speakable(self._passage_prompt + text)
            )

    def close(self) -> None:
        """Nothing to free: the model goes with the last reference to it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _encode(self, texts: list[str], prompt: str, task: str) -> FloatMatrix:
        if not texts:
            return np.empty((0, self._identity.dim), np.float32)
        embeddings: FloatMatrix = self._model.encode(
            texts,
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
    return "mps" if torch.backends.mps.is_available() else "cpu"


def export_onnx(
    folder: Path, target: Path, *, name: str, fingerprint: str
) -> ExportMeta:
    """Write a model folder's whole pipeline (transformer, pooling, any further module, unit length) for `OnnxEncoder`.

    Args:
        folder: as sentence-transformers saves it.
        target: an empty folder; gets `model.onnx` with `weights.bin`, `tokenizer.json` and `meta.json`.
        name: what the user calls the model.
        fingerprint: of the folder.

    Raises:
        NotExportable: the model does not fit into such an export, or the export's vectors are not the model's.
        ModelError: sentence-transformers cannot load the model at all.
        OSError: the target cannot be written.
    """
    model = _load(
        folder, "cpu", attn_implementation="eager"
    )  # fused attention has no operator in ONNX
    sample: dict[str, Any] = model.preprocess(list(_SAMPLES[:4]))
    inputs = tuple(
        key for key, value in sample.items() if isinstance(value, torch.Tensor)
    )
    if (
        not {"input_ids", "attention_mask"} <= set(inputs) <= _KNOWN_INPUTS
        or sample["input_ids"].ndim != 2
    ):
        raise NotExportable(
            f"{name} takes {', '.join(inputs)} as inputs, not token ids and a mask"
        )
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise NotExportable(f"{name} has no fast tokenizer")
    axes = {key: {0: "batch", 1: "tokens"} for key in inputs} | {
        "embedding": {0: "batch"}
    }
    try:
        with (
            _quiet(),
            _padding_masks(),
            torch.no_grad(),
            TemporaryDirectory(dir=target) as scratch,
        ):
            torch.onnx.export(
                _Pipeline(model, inputs).eval(),
                tuple(sample[key] for key in inputs),
                f"{scratch}/{GRAPH}",
                input_names=list(inputs),
                output_names=["embedding"],
                dynamic_axes=axes,
                opset_version=17,
                dynamo=False,  # the newer exporter needs onnxscript and fixes the batch size of these models
            )
            graph = onnx.load(f"{scratch}/{GRAPH}")
            trials = [_tokens(model, _SAMPLES[:count], inputs) for count in (1, 4, 5)]
            settle_shapes(graph, trials)
            fuse_attention(graph, trials[-1])
            save_graph(graph, target)
    except (OSError, MemoryError):  # says nothing about the model
        raise
    except Exception as exc:  # torch does not say what it raises
        raise NotExportable(f"{name} cannot be exported to ONNX: {exc}") from exc
    (target / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    query_prompt, passage_prompt = _prompts(model)
    meta = ExportMeta(
        format=EXPORT_FORMATS["fp32"],
        identity=ModelIdentity(name, fingerprint, _dim(model), _max_tokens(model)),
        precision="fp32",
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        inputs=inputs,
        pad_id=model.tokenizer.pad_token_id or 0,
        pad_left=model.tokenizer.padding_side == "left",
        difference=0.0,
        sha256={file.name: sha256(file) for file in sorted(target.iterdir())},
    )
    meta.write(target)
    meta = meta.model_copy(update={"difference": _largest_difference(model, target)})
    if not meta.difference <= LARGEST_DIFFERENCE:  # so that NaN is refused as well
        raise NotExportable(
            f"{name} exported to ONNX gives vectors that differ by {meta.difference:.1e} from its own; "
            f"at most {LARGEST_DIFFERENCE:.0e} is taken"
        )
    meta.write(target)
    return meta


class _Pipeline(torch.nn.Module):
    """A SentenceTransformer as a plain function of tensors, ending in unit vectors."""

    def __init__(self, model: SentenceTransformer, inputs: Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.inputs = inputs

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor:
        features = self.model(dict(zip(self.inputs, tensors, strict=True)))
        embedding = features["sentence_embedding"][:, : self.model.truncate_dim]
        return torch.nn.functional.normalize(embedding, p=2, dim=1)


def _load(folder: Path, device: str, **model_kwargs: str) -> SentenceTransformer:
    try:
        with _quiet():
            # float32 also where the weights are stored as halves: the same vectors on every device.
            return SentenceTransformer(
                str(folder),
                device=device,
                local_files_only=True,
                model_kwargs={"dtype": torch.float32} | model_kwargs,
            ).eval()
    except Exception as exc:  # anything a model folder's own code and files can cause
        step = (
            ""
            if device == "cpu"
            else f"; if this machine has no {device}, say --device cpu"
        )
        raise ModelError(
            f"{folder}: sentence-transformers cannot load this model: {exc}{step}"
        ) from exc


def _prompts(model: SentenceTransformer) -> tuple[str, str]:
    """The texts put before queries and before passages, from the model's config_sentence_transformers.json.

    sentence-transformers itself overlooks `passage` when `document` is not in the file; e5's authors mean it.
    """
    prompts = model.prompts
    default = prompts.get(model.default_prompt_name or "") or ""
    named = (prompts.get(name) for name in ("document", "passage", "corpus"))
    return prompts.get("query") or default, next(filter(None, named), default)


def _dim(model: SentenceTransformer) -> int:
    return int(model.encode("", show_progress_bar=False).shape[0])


def _max_tokens(model: SentenceTransformer) -> int:
    return int(min(model.max_seq_length or UNBOUNDED_TOKENS, UNBOUNDED_TOKENS))


def _count_tokens(tokenizer: Any, text: str) -> int:
    if callable(tokenizer):
        return len(tokenizer(text, truncation=False, verbose=False)["input_ids"])
    return len(
        tokenizer.encode(text).ids
    )  # models of static embeddings hold a plain `tokenizers.Tokenizer`


def _largest_difference(model: SentenceTransformer, target: Path) -> float:
    """Compare an export with its model on the samples, one by one and, as passages of mixed length, in batches."""
    with OnnxEncoder(target) as exported:
        query_prompt, passage_prompt = _prompts(model)
        fitting = [
            text
            for text in _SAMPLES
            if exported.count_tokens(text) <= exported.identity.max_tokens
        ]
        pairs = [
            (exported.embed_queries(_SAMPLES), list(_SAMPLES), query_prompt, "query"),
            (exported.embed_passages(fitting), fitting, passage_prompt, "document"),
        ]
    return max(
        float(
            np.abs(
                ours
                - model.encode(
                    texts,
                    prompt=prompt,
                    task=task,
                    normalize_embeddings=True,
                    show_progress_bar=False,
                )
            ).max()
        )
        for ours, texts, prompt, task in pairs
    )


def _tokens(
    model: SentenceTransformer, texts: Sequence[str], names: Sequence[str]
) -> dict[str, TokenIds]:
    """What the graph is given for some texts in one run."""
    made: dict[str, Any] = model.preprocess(list(texts))
    return {name: made[name].numpy() for name in names}


@contextmanager
def _padding_masks() -> Iterator[None]:
    """Have attention's mask made of the padding alone, in models that read all of a text at once.

    transformers makes it for any pattern, from the places of all pairs of tokens: eighty operators of an exported graph.
    """

    def mask(**pattern: Any) -> torch.Tensor:
        padding, dtype = pattern["attention_mask"], pattern["dtype"]
        if (
            pattern["mask_function"] is not bidirectional_mask_function
            or padding is None
        ):
            return eager_mask(**pattern)
        hidden: torch.Tensor = (1.0 - padding.to(dtype))[
            :, None, None, :
        ] * torch.finfo(dtype).min
        return hidden

    ALL_MASK_ATTENTION_FUNCTIONS["eager"] = mask
    try:
        yield
    finally:
        ALL_MASK_ATTENTION_FUNCTIONS["eager"] = eager_mask


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep loading bars, notices about the graph and deprecations of others' code from the user's terminal."""
    loggers = [
        logging.getLogger(name)
        for name in ("transformers", "sentence_transformers", "torch.onnx")
    ]
    levels = [logger.level for logger in loggers]
    bars = transformers_logging.is_progress_bar_enabled()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]
