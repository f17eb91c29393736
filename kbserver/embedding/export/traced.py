"""The export of any sentence-transformers model, its graph traced by torch.

Slow to import, and for models whose graph is not written by hand (`export/bert.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import torch
from sentence_transformers import SentenceTransformer

from kbserver.embedding.export.graph import save_graph
from kbserver.embedding.export_meta import (
    EXPORT_FORMATS,
    GRAPH,
    TOKENIZER,
    ExportMeta,
    NotExportable,
    digests_of,
)
from kbserver.embedding.sentence_transformer import (
    identity_of,
    load_model,
    prompts_of,
    quiet,
)
from kbserver.embedding.source import ModelSource

_KNOWN_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_NEEDED_INPUTS = {"input_ids", "attention_mask"}
_OPSET = 17
_SAMPLE = ["how do i reset my pin", "ok", "", "Öffnungszeiten am Sonntag?"]


def export_traced(source: ModelSource, target: Path) -> ExportMeta:
    """Export a whole pipeline: transformer, pooling, any further module, unit length.

    Args:
        source: the model.
        target: an empty folder; gets the graph, `tokenizer.json` and `meta.json`.

    Raises:
        NotExportable: the model does not fit into an export, or this torch cannot export it.
        ModelError: sentence-transformers cannot load the model at all.
        OSError: the target cannot be written.
    """
    # Attention that is fused in torch has no operator in ONNX.
    model = load_model(source.folder, "cpu", attn_implementation="eager")
    sample: dict[str, Any] = model.preprocess(list(_SAMPLE))
    inputs = _inputs(source.name, sample)
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", None)
    if tokenizer is None:
        raise NotExportable(f"{source.name} has no fast tokenizer")
    try:
        _write_graph(model, inputs, sample, target)
    except (OSError, MemoryError):  # says nothing about the model
        raise
    except Exception as exc:  # torch does not say what it raises
        raise NotExportable(
            f"{source.name} cannot be exported to ONNX with torch {torch.__version__}: {exc}"
        ) from exc
    (target / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    query_prompt, passage_prompt = prompts_of(model)
    query_prompt = source.prompts.get("query", query_prompt)
    passage_prompt = source.prompts.get("passage", passage_prompt)
    meta = ExportMeta(
        format=EXPORT_FORMATS["fp32"],
        identity=identity_of(model, source.name, source.fingerprint),
        precision="fp32",
        query_prompt=query_prompt,
        passage_prompt=passage_prompt,
        inputs=inputs,
        pad_id=model.tokenizer.pad_token_id or 0,
        pad_left=model.tokenizer.padding_side == "left",
        difference=0.0,
        sha256=digests_of(target),
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


def _inputs(name: str, sample: dict[str, Any]) -> tuple[str, ...]:
    """The names of the tensors the model takes, which must be token ids and their mask."""
    tensors = {
        key: value for key, value in sample.items() if isinstance(value, torch.Tensor)
    }
    is_known = _NEEDED_INPUTS <= set(tensors) <= _KNOWN_INPUTS
    if not is_known or tensors["input_ids"].ndim != 2:
        found = ", ".join(tensors)
        raise NotExportable(f"{name} takes {found} as inputs, not token ids and a mask")
    return tuple(tensors)


def _write_graph(
    model: SentenceTransformer,
    inputs: tuple[str, ...],
    sample: dict[str, Any],
    target: Path,
) -> None:
    axes = {key: {0: "texts", 1: "tokens"} for key in inputs}
    axes["embedding"] = {0: "texts"}
    with quiet(), torch.no_grad(), TemporaryDirectory(dir=target) as scratch:
        file = f"{scratch}/{GRAPH}"
        torch.onnx.export(
            _Pipeline(model, inputs).eval(),
            tuple(sample[key] for key in inputs),
            file,
            input_names=list(inputs),
            output_names=["embedding"],
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,  # the newer exporter needs onnxscript and fixes the number of texts
        )
        save_graph(onnx.load(file), target)
