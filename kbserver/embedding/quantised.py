"""Rounding an exported model to int8: faster queries, at a loss that is measured (benchmarks/encoders.py)."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import numpy as np
from onnxruntime.quantization import QuantType, quantize_dynamic

from kbserver.embedding.onnx import ExportMeta, OnnxEncoder, sha256
from kbserver.errors import ModelError

LEAST_COSINE = 0.95
"""Rounded vectors further away from the exact ones than this come from a broken graph, not from rounding."""

_SAMPLES = (
    "how do i reset my pin",
    "uh what time do you open on sundays",
    "my router keeps blinking red and there is no internet",
    "can i bring my dog and is there a fee for that",
)


def quantise(exported: Path, target: Path) -> ExportMeta:
    """Write the int8 twin of an exported model.

    Weights are rounded per output channel and to 7 bits: without that, instructions that add pairs of products
    in 16 bits overflow on CPUs without VNNI, and twice as many of the first ten hits change.

    Args:
        exported: an fp32 export.
        target: an empty folder.

    Raises:
        ModelError: the model cannot be rounded, or its vectors no longer point where they did.
    """
    meta = ExportMeta.read(exported)
    logging.disable(logging.WARNING)  # quantize_dynamic advises on the root logger what does not apply here
    try:
        quantize_dynamic(
            exported / "model.onnx",
            target / "model.onnx",
            weight_type=QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
        )
    except Exception as exc:  # onnxruntime does not say what it raises
        raise ModelError(f"{meta.identity.name} cannot be rounded to int8 ({exc}); use precision fp32") from exc
    finally:
        logging.disable(logging.NOTSET)
    shutil.copyfile(exported / "tokenizer.json", target / "tokenizer.json")
    digests = {file.name: sha256(file) for file in sorted(target.iterdir())}
    rounded = meta.model_copy(update={"precision": "int8", "sha256": digests})
    rounded.write(target)
    with OnnxEncoder(exported) as exact, OnnxEncoder(target) as coarse:
        wanted, found = exact.embed_queries(_SAMPLES), coarse.embed_queries(_SAMPLES)
    cosine = float((wanted * found).sum(axis=1).min())
    if not cosine >= LEAST_COSINE:  # so that NaN is refused as well
        raise ModelError(
            f"{meta.identity.name} rounded to int8 keeps a cosine of {cosine:.2f} to its exact vectors, "
            f"at least {LEAST_COSINE} is taken; use precision fp32"
        )
    rounded = rounded.model_copy(update={"difference": float(np.abs(wanted - found).max())})
    rounded.write(target)
    return rounded
