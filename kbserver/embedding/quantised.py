"""Rounding an exported model to int8: cheaper queries, at a loss that is measured (benchmarks/encoders.py, quality.py).

Every product with a matrix of weights becomes one of rounded numbers (rounding.py), by what the exact model works with on
`SENTENCES`.

Source of the operators MatMulIntegerToFloat and MatMulNBits:
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from kbserver.embedding.graph import save_graph
from kbserver.embedding.onnx import (
    EXPORT_FORMATS,
    GRAPH,
    LEAST_COSINE,
    ExportMeta,
    NotExportable,
    OnnxEncoder,
    Reference,
    open_session,
    sha256,
)
from kbserver.embedding.rounding import BLOCK, Scheme, rounded_blocks, rounded_columns
from kbserver.embedding.sentences import SENTENCES
from kbserver.types import FloatMatrix

_OPERATORS = "com.microsoft"  # the domain of ONNX Runtime's own
_INT8_ARITHMETIC = 4  # MatMulNBits' accuracy level: what is multiplied with the weights is rounded as well
_TRIALS = 5


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
        values = _values(exported)
        model = onnx.load(exported / GRAPH)
        _round_products(model.graph, values)
        if all(opset.domain != _OPERATORS for opset in model.opset_import):
            model.opset_import.append(helper.make_opsetid(_OPERATORS, 1))
        save_graph(model, target)
    except (OSError, MemoryError):  # says nothing about the model
        raise
    except Exception as exc:  # neither onnx nor ONNX Runtime says what it raises
        raise NotExportable(f"{meta.identity.name} cannot be rounded to int8 ({exc})") from exc
    shutil.copyfile(exported / "tokenizer.json", target / "tokenizer.json")
    digests = {file.name: sha256(file) for file in sorted(target.iterdir())}
    rounded = meta.model_copy(update={"format": EXPORT_FORMATS["int8"], "precision": "int8", "sha256": digests})
    rounded.write(target)
    with OnnxEncoder(exported) as exact, OnnxEncoder(target) as coarse:
        wanted, found = exact.embed_queries(SENTENCES), coarse.embed_queries(SENTENCES)
        time_of_exact = _quickest(coarse) / _quickest(exact)
    cosines = (wanted * found).sum(axis=1)
    cosine = float(cosines.mean())
    if not cosine >= LEAST_COSINE:  # so that NaN is refused as well
        raise NotExportable(
            f"{meta.identity.name} rounded to int8 keeps a cosine of {cosine:.3f} to its exact vectors, "
            f"at least {LEAST_COSINE} is taken"
        )
    usual = int(np.argsort(cosines)[len(SENTENCES) // 2])
    rounded = rounded.model_copy(
        update={
            "difference": float(np.abs(wanted - found).max()),
            "time_of_exact": time_of_exact,
            "reference": Reference(text=SENTENCES[usual], vector=tuple(wanted[usual].tolist())),
        }
    )
    rounded.write(target)
    return rounded


def _quickest(encoder: OnnxEncoder) -> float:
    """Seconds for some sentences one by one: the least of some trials, as another load only adds to it."""

    def trial() -> float:
        begun = time.perf_counter()
        for text in SENTENCES[:4]:
            encoder.embed_queries([text])
        return time.perf_counter() - begun

    return min(trial() for _ in range(_TRIALS))


def _values(exported: Path) -> dict[str, FloatMatrix]:
    """Run the exact model on the sentences; what is multiplied with a matrix, by name, shape (tokens of all, inner)."""
    model = onnx.load(exported / GRAPH)
    names = list(_products(model.graph))
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    found: dict[str, list[FloatMatrix]] = defaultdict(list)
    with TemporaryDirectory() as scratch, OnnxEncoder(exported) as exact:
        save_graph(model, Path(scratch))
        session = open_session(Path(scratch) / GRAPH)
        for text in SENTENCES:
            for name, values in zip(names, session.run(names, exact.inputs_of(text)), strict=True):
                found[name].append(values.reshape(-1, values.shape[-1]))
    return {name: np.concatenate(values) for name, values in found.items()}


def _products(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """The nodes that multiply something with a matrix of weights, by what it is: queries, keys and values are made of one."""
    matrices = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 2}
    products: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in matrices and node.input[0] not in matrices:
            products[node.input[0]].append(node)
    if not products:
        raise ValueError("its graph multiplies with no weights")
    return products


def _round_products(graph: onnx.GraphProto, values: Mapping[str, FloatMatrix]) -> None:
    """Put a product of rounded numbers in the place of each with a matrix of weights."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    rounded: dict[str, list[onnx.NodeProto]] = {}
    for name, products in _products(graph).items():
        matrices = [numpy_helper.to_array(weights[node.input[1]]).astype(np.float32) for node in products]
        scheme = Scheme.of(values[name], np.concatenate(matrices, axis=1))
        if scheme.worth_blocks:
            for node, matrix in zip(products, matrices, strict=True):
                rounded[node.output[0]] = [_in_blocks(graph, node, matrix)]
            continue
        first, *others = [
            _in_columns(graph, node, matrix, scheme) for node, matrix in zip(products, matrices, strict=True)
        ]
        rounded[products[0].output[0]] = [*_to_steps(graph, name, scheme), first]
        rounded |= {node.output[0]: [product] for node, product in zip(products[1:], others, strict=True)}
    nodes = [new for node in graph.node for new in rounded.get(node.output[0], [node])]
    used = {name for node in nodes for name in node.input}
    kept: list[TensorProto] = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)


def _to_steps(graph: onnx.GraphProto, name: str, scheme: Scheme) -> list[onnx.NodeProto]:
    """The nodes that round what has this name."""
    at = f"{name}.rounded"
    smoothing = _keep(graph, f"{at}.smoothing", 1 / scheme.sizes)
    step = _keep(graph, f"{at}.step", np.array(scheme.step, np.float32))
    zero = _keep(graph, f"{at}.zero", np.array(scheme.zero, np.uint8))
    return [
        helper.make_node("Mul", [name, smoothing], [f"{at}.smooth"]),
        helper.make_node("QuantizeLinear", [f"{at}.smooth", step, zero], [at]),
    ]


def _in_columns(graph: onnx.GraphProto, node: onnx.NodeProto, weights: FloatMatrix, scheme: Scheme) -> onnx.NodeProto:
    """The product with weights that are rounded column by column, of what `_to_steps` has rounded."""
    at, own = f"{node.input[0]}.rounded", f"{node.output[0]}.weights"
    values, worth = rounded_columns(weights * scheme.sizes[:, np.newaxis])
    names = [_keep(graph, own, values), f"{at}.step", _keep(graph, f"{own}.steps", worth), f"{at}.zero"]
    return helper.make_node("MatMulIntegerToFloat", [at, *names], list(node.output), node.name, domain=_OPERATORS)


def _in_blocks(graph: onnx.GraphProto, node: onnx.NodeProto, weights: FloatMatrix) -> onnx.NodeProto:
    """The product with weights that are rounded block by block; it rounds the values itself."""
    own = f"{node.output[0]}.weights"
    values, worth = rounded_blocks(weights)
    names = [_keep(graph, own, values), _keep(graph, f"{own}.steps", worth)]
    inner, outer = weights.shape
    sizes = {"K": inner, "N": outer, "bits": 8, "block_size": BLOCK, "accuracy_level": _INT8_ARITHMETIC}
    return helper.make_node(
        "MatMulNBits", [node.input[0], *names], list(node.output), node.name, domain=_OPERATORS, **sizes
    )


def _keep(graph: onnx.GraphProto, name: str, values: NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name
