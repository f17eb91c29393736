"""Rounding an exported model to int8: cheaper queries, at a loss that is measured (benchmarks/encoders.py, quality.py).

Weights are rounded in blocks of `BLOCK`, each with a scale of its own, and ONNX Runtime rounds what they are multiplied
with in the same blocks. One scale for a whole matrix and for all that is multiplied with it, as `quantize_dynamic` makes
it, is a sixth faster and keeps .89 of the ten nearest passages where this keeps .96; and a vector depends on which other
texts are in its run.

Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulnbits
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from kbserver.embedding.graph import save_graph
from kbserver.embedding.onnx import EXPORT_FORMATS, GRAPH, ExportMeta, NotExportable, OnnxEncoder, sha256
from kbserver.types import FloatMatrix

BLOCK = 128
"""Weights with one scale. Blocks of 32 keep .98 of the ten nearest instead of .96, and take a fifth longer."""

LEAST_COSINE = 0.995
"""A model whose rounded vectors are further away from its exact ones is not rounded: all-MiniLM-L6-v2 has .999, and keeps .96
of the ten nearest passages; with .990, one scale a matrix, it kept .89."""

_BITS = 8
_ZERO = 1 << (_BITS - 1)  # what a rounded weight of 0 is
_INT8_ARITHMETIC = 4  # the operator's accuracy level: what is multiplied with the weights is rounded as well
_TRIALS = 5
_SAMPLES = (
    "how do i reset my pin",
    "uh what time do you open on sundays",
    "my router keeps blinking red and there is no internet",
    "can i bring my dog and is there a fee for that",
)


def quantise(exported: Path, target: Path) -> ExportMeta:
    """Write the int8 twin of an exported model.

    Args:
        exported: an fp32 export.
        target: an empty folder.

    Raises:
        NotExportable: the model cannot be rounded, or its vectors no longer point where they did.
        OSError: the target cannot be written.
    """
    meta = ExportMeta.read(exported)
    try:
        model = onnx.load(exported / GRAPH)
        _round_weights(model.graph)
        if all(opset.domain != "com.microsoft" for opset in model.opset_import):
            model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        save_graph(model, target)
    except (OSError, MemoryError):  # says nothing about the model
        raise
    except Exception as exc:  # onnx does not say what it raises
        raise NotExportable(f"{meta.identity.name} cannot be rounded to int8 ({exc})") from exc
    shutil.copyfile(exported / "tokenizer.json", target / "tokenizer.json")
    digests = {file.name: sha256(file) for file in sorted(target.iterdir())}
    rounded = meta.model_copy(update={"format": EXPORT_FORMATS["int8"], "precision": "int8", "sha256": digests})
    rounded.write(target)
    with OnnxEncoder(exported) as exact, OnnxEncoder(target) as coarse:
        wanted, found = exact.embed_queries(_SAMPLES), coarse.embed_queries(_SAMPLES)
        time_of_exact = _quickest(coarse) / _quickest(exact)
    cosine = float((wanted * found).sum(axis=1).min())
    if not cosine >= LEAST_COSINE:  # so that NaN is refused as well
        raise NotExportable(
            f"{meta.identity.name} rounded to int8 keeps a cosine of {cosine:.3f} to its exact vectors, "
            f"at least {LEAST_COSINE} is taken"
        )
    difference = float(np.abs(wanted - found).max())
    rounded = rounded.model_copy(update={"difference": difference, "time_of_exact": time_of_exact})
    rounded.write(target)
    return rounded


def _quickest(encoder: OnnxEncoder) -> float:
    """Seconds for the samples one by one: the least of some trials, as another load only adds to it."""

    def trial() -> float:
        begun = time.perf_counter()
        for text in _SAMPLES:
            encoder.embed_queries([text])
        return time.perf_counter() - begun

    return min(trial() for _ in range(_TRIALS))


def _round_weights(graph: onnx.GraphProto) -> None:
    """Put rounded weights in the place of every matrix that something is multiplied with."""
    matrices = {tensor.name: tensor for tensor in graph.initializer if len(tensor.dims) == 2}
    nodes = []
    for node in graph.node:
        weights = matrices.get(node.input[1]) if node.op_type == "MatMul" else None
        if weights is None:
            nodes.append(node)
            continue
        values, scales = rounded_blocks(numpy_helper.to_array(weights).astype(np.float32))
        names = [f"{weights.name}.int8", f"{weights.name}.scales"]
        graph.initializer.append(numpy_helper.from_array(values, names[0]))
        graph.initializer.append(numpy_helper.from_array(scales, names[1]))
        inner, outer = weights.dims
        sizes = {"K": inner, "N": outer, "bits": _BITS, "block_size": BLOCK, "accuracy_level": _INT8_ARITHMETIC}
        nodes.append(
            helper.make_node(
                "MatMulNBits", [node.input[0], *names], list(node.output), node.name, domain="com.microsoft", **sizes
            )
        )
    if not any(node.op_type == "MatMulNBits" for node in nodes):
        raise ValueError("its graph multiplies with no weights")
    used = {name for node in nodes for name in node.input}
    kept: list[TensorProto] = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)


def rounded_blocks(weights: FloatMatrix) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Round a matrix block by block along its first axis.

    Args:
        weights: shape (inner, outer), float32.

    Returns:
        The rounded weights, shape (outer, blocks, `BLOCK`), `_ZERO` for 0 and filled up with it; and the scale of each
        block, shape (outer, blocks): what one step is worth.
    """
    inner, outer = weights.shape
    count = -(-inner // BLOCK)
    blocks = np.zeros((outer, count * BLOCK), np.float32)
    blocks[:, :inner] = weights.T
    blocks = blocks.reshape(outer, count, BLOCK)
    scales = np.abs(blocks).max(axis=2) / (_ZERO - 1)
    steps = np.rint(blocks / np.where(scales > 0, scales, 1.0)[:, :, None])
    return (steps + _ZERO).astype(np.uint8), scales.astype(np.float32)
