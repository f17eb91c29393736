"""The fp32 export of a model: written by hand where its graph is known, else traced by torch."""

from __future__ import annotations

import logging
from pathlib import Path

from kbserver.embedding import deferred
from kbserver.embedding.export.bert import INPUTS, write_graph
from kbserver.embedding.export.pipeline import NotWritable, read_pipeline
from kbserver.embedding.export.verification import (
    LARGEST_DIFFERENCE,
    Oracle,
    StoredVectors,
    largest_difference,
)
from kbserver.embedding.export_meta import (
    EXPORT_FORMATS,
    TOKENIZER,
    ExportMeta,
    NotExportable,
    digests_of,
)
from kbserver.embedding.known import MULTILINGUAL_E5_SMALL
from kbserver.embedding.source import ModelSource
from kbserver.types import ModelIdentity

log = logging.getLogger("kbserver.embedding")


def export_exact(source: ModelSource, target: Path) -> ExportMeta:
    """Export a model for `OnnxEncoder`, and prove that the vectors are its own.

    Args:
        source: the model.
        target: an empty folder; gets the graph, `tokenizer.json` and `meta.json`.

    Raises:
        NotExportable: the model does not fit into an export, or the export's vectors differ.
        ModelError: sentence-transformers is needed and cannot load the model.
        OSError: the target cannot be written.
    """
    try:
        return _proved(_written(source, target), source, target)
    except NotWritable as exc:
        log.info("%s: its graph is traced by torch, as %s", source.name, exc)
    except NotExportable as exc:
        log.warning("%s; torch traces it instead", exc)
    for file in target.iterdir():
        file.unlink()
    traced = deferred.traced_module()
    return _proved(traced.export_traced(source, target), source, target)


def _written(source: ModelSource, target: Path) -> ExportMeta:
    pipeline = read_pipeline(source.folder)
    write_graph(pipeline, target)
    tokenizer = pipeline.tokenizer.to_str()
    (target / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    identity = ModelIdentity(
        source.name,
        source.fingerprint,
        pipeline.config.hidden_size,
        pipeline.max_tokens,
    )
    meta = ExportMeta(
        format=EXPORT_FORMATS["fp32"],
        identity=identity,
        precision="fp32",
        query_prompt=source.prompts.get("query", pipeline.query_prompt),
        passage_prompt=source.prompts.get("passage", pipeline.passage_prompt),
        inputs=INPUTS,
        pad_id=pipeline.pad_id,
        pad_left=False,
        difference=0.0,
        sha256=digests_of(target),
    )
    meta.write(target)
    return meta


def _proved(meta: ExportMeta, source: ModelSource, target: Path) -> ExportMeta:
    """Compare an export's vectors with the model's own, and write down how far they differ."""
    difference = largest_difference(target, _oracle(source))
    if not difference <= LARGEST_DIFFERENCE:  # so that NaN is refused as well
        raise NotExportable(
            f"{source.name} exported to ONNX gives vectors that differ by {difference:.1e} from "
            f"its own; at most {LARGEST_DIFFERENCE:.0e} is taken"
        )
    if StoredVectors.of(source.fingerprint) is None and not has_prompts(meta):
        log.warning(
            "%s names no prompts: a model that was trained with some, as e5 is with %r and %r, "
            "finds less without them; if its authors ask for prompts, write them into its "
            "config_sentence_transformers.json",
            source.name,
            *MULTILINGUAL_E5_SMALL.prompts.values(),
        )
    meta = meta.model_copy(update={"difference": difference})
    meta.write(target)
    return meta


def has_prompts(meta: ExportMeta) -> bool:
    """Whether anything is put in front of queries or passages."""
    return bool(meta.query_prompt or meta.passage_prompt)


def _oracle(source: ModelSource) -> Oracle:
    stored = StoredVectors.of(source.fingerprint)
    if stored is not None:
        return stored
    oracle: Oracle = deferred.torch_module().SentenceTransformerEncoder(
        source.folder,
        name=source.name,
        fingerprint=source.fingerprint,
        device="cpu",
        prompts=source.prompts,
    )
    return oracle
