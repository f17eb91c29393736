"""Rounding an exported model to int8: cheaper queries, at a loss that is measured (benchmarks/encoders.py, quality.py).

Every product with a matrix of weights becomes one of rounded numbers (rounding.py), by what the exact model works with on
`SENTENCES`.

Source of the operators MatMulIntegerToFloat and MatMulNBits:
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from kbserver.embedding.export.graph import (
    RUNTIME_DOMAIN,
    drop_unused,
    know_runtime,
    save_graph,
    values_of,
)
from kbserver.embedding.export.quantisation import (
    BLOCK,
    Scheme,
    rounded_blocks,
    rounded_columns,
)
from kbserver.embedding.export.sentences import SENTENCES
from kbserver.embedding.onnx import (
    EXPORT_FORMATS,
    GRAPH,
    LEAST_COSINE,
    ExportMeta,
    NotExportable,
    OnnxEncoder,
    Reference,
    sha256,
)
from kbserver.types import FloatMatrix, FloatVector

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
        know_runtime(model)
        save_graph(model, target)
    except (OSError, MemoryError):  # says nothing about the model
        raise
    except Exception as exc:  # neither onnx nor ONNX Runtime says what it raises
        raise NotExportable(
            f"{meta.identity.name} cannot be rounded to int8 ({exc})"
        ) from exc
    shutil.copyfile(exported / "tokenizer.json", target / "tokenizer.json")
    digests = {file.name: sha256(file) for file in sorted(target.iterdir())}
    rounded = meta.model_copy(
        update={
            "format": EXPORT_FORMATS["int8"],
            "precision": "int8",
            "sha256": digests,
        }
    )
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
            "reference": Reference(
                text=SENTENCES[usual], vector=tuple(wanted[usual].tolist())
            ),
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
    with OnnxEncoder(exported) as exact:
        runs = list(values_of(model, names, map(exact.inputs_of, SENTENCES)))
    return {
        name: np.concatenate([values.reshape(-1, values.shape[-1]) for values in found])
        for name, found in zip(names, zip(*runs, strict=True), strict=True)
    }


def _additions(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """The nodes that add a vector to a product and to nothing else, by the product's name."""
    vectors = {
        tensor.name
        for tensor in graph.initializer
        if len(tensor.dims) == 1 and tensor.dims[0] > 1
    }
    uses = Counter(name for node in graph.node for name in node.input)
    additions = (
        node
        for node in graph.node
        if node.op_type == "Add" and len(vectors.intersection(node.input)) == 1
    )
    return {
        name: node
        for node in additions
        for name in node.input
        if name not in vectors and uses[name] == 1
    }


def _products(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """The nodes that multiply something with a matrix of weights, by what it is: queries, keys and values are made of one."""
    matrices = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 2}
    products: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        if (
            node.op_type == "MatMul"
            and node.input[1] in matrices
            and node.input[0] not in matrices
        ):
            products[node.input[0]].append(node)
    if not products:
        raise ValueError("its graph multiplies with no weights")
    return products


def _round_products(graph: onnx.GraphProto, values: Mapping[str, FloatMatrix]) -> None:
    """Put a product of rounded numbers in the place of each with a matrix of weights."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    additions = _additions(graph)
    rounded: dict[str, list[onnx.NodeProto]] = {}
    for name, products in _products(graph).items():
        matrices = [
            numpy_helper.to_array(weights[node.input[1]]).astype(np.float32)
            for node in products
        ]
        scheme = Scheme.of(values[name], np.concatenate(matrices, axis=1))
        if scheme.worth_blocks:
            for node, matrix in zip(products, matrices, strict=True):
                rounded[node.output[0]] = [_in_blocks(graph, node, matrix)]
            continue
        for node, matrix in zip(products, matrices, strict=True):
            columns = rounded_columns(
                matrix * scheme.sizes[:, np.newaxis], scheme.rounded(values[name])
            )
            addition = additions.get(node.output[0])
            rounded[node.output[0]] = [_in_columns(graph, node, columns, addition)]
            if addition is not None:
                rounded[addition.output[0]] = []
        rounded[products[0].output[0]][:0] = _to_steps(graph, name, scheme)
    nodes = [new for node in graph.node for new in rounded.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph)


def _to_steps(
    graph: onnx.GraphProto, name: str, scheme: Scheme
) -> list[onnx.NodeProto]:
    """The nodes that round what has this name."""
    at = f"{name}.rounded"
    smoothing = _keep(graph, f"{at}.smoothing", 1 / scheme.sizes)
    step = _keep(graph, f"{at}.step", np.array(scheme.step, np.float32))
    zero = _keep(graph, f"{at}.zero", np.array(scheme.zero, np.uint8))
    return [
        helper.make_node("Mul", [name, smoothing], [f"{at}.smooth"]),
        helper.make_node("QuantizeLinear", [f"{at}.smooth", step, zero], [at]),
    ]


def _in_columns(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    columns: tuple[NDArray[np.int8], FloatVector],
    addition: onnx.NodeProto | None,
) -> onnx.NodeProto:
    """The product with weights that are rounded column by column, of what `_to_steps` has rounded; and what is added to it."""
    at, own = f"{node.input[0]}.rounded", f"{node.output[0]}.weights"
    values, worth = columns
    names = [
        at,
        _keep(graph, own, values),
        f"{at}.step",
        _keep(graph, f"{own}.steps", worth),
        f"{at}.zero",
    ]
    if addition is not None:
        names += [
            "",
            *(name for name in addition.input if name != node.output[0]),
        ]  # "": the weights' zero is 0
    result = (addition or node).output
    return helper.make_node(
        "MatMulIntegerToFloat", names, list(result), node.name, domain=RUNTIME_DOMAIN
    )


def _in_blocks(
    graph: onnx.GraphProto, node: onnx.NodeProto, weights: FloatMatrix
) -> onnx.NodeProto:
    """The product with weights that are rounded block by block; it rounds the values itself."""
    own = f"{node.output[0]}.weights"
    values, worth = rounded_blocks(weights)
    names = [_keep(graph, own, values), _keep(graph, f"{own}.steps", worth)]
    inner, outer = weights.shape
    sizes = {
        "K": inner,
        "N": outer,
        "bits": 8,
        "block_size": BLOCK,
        "accuracy_level": _INT8_ARITHMETIC,
    }
    return helper.make_node(
        "MatMulNBits",
        [node.input[0], *names],
        list(node.output),
        node.name,
        domain=RUNTIME_DOMAIN,
        **sizes,
    )


def _keep(graph: onnx.GraphProto, name: str, values: NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name
