"""The int8 twin of an exported model: cheaper queries, at a loss that is measured.

Every product with a matrix of weights becomes one of int8 numbers (`quantisation.py`), calibrated
with the activations of the exact model on `SENTENCES`.

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
from threadpoolctl import threadpool_limits

from kbserver.embedding.export.graph import (
    RUNTIME_DOMAIN,
    declare_runtime,
    drop_unused,
    save_graph,
    values_of,
)
from kbserver.embedding.export.quantisation import (
    BLOCK,
    Scheme,
    quantise_blockwise,
    quantise_per_channel,
)
from kbserver.embedding.export.sentences import SENTENCES
from kbserver.embedding.export_meta import (
    EXPORT_FORMATS,
    GRAPH,
    TOKENIZER,
    ExportMeta,
    NotExportable,
    Reference,
    digests_of,
)
from kbserver.embedding.onnx import LEAST_COSINE, OnnxEncoder
from kbserver.types import FloatMatrix, FloatVector

# The accuracy_level of MatMulNBits: activations are quantised to int8 as well.
_INT8_ACCURACY = 4
_TRIALS = 5
_TIMED = SENTENCES[:4]
_MANY_ROWS = 100_000  # of a table: smaller ones are not worth what rounding takes
_LARGEST_LEVEL = 127


def quantise(exported: Path, target: Path) -> ExportMeta:
    """Write the int8 twin of an exported model.

    Args:
        exported: an fp32 export.
        target: an empty folder.

    Raises:
        NotExportable: the model cannot be quantised, or its vectors no longer point where they did.
        OSError: the target cannot be written.
    """
    exact = ExportMeta.read(exported)
    try:
        # More BLAS threads than free cores wait for each other in loops, at many times the cost.
        with threadpool_limits(limits=1, user_api="blas"):
            _write_graph(exported, target)
    except (OSError, MemoryError):  # says nothing about the model
        raise
    except Exception as exc:  # neither onnx nor ONNX Runtime says what it raises
        raise NotExportable(
            f"{exact.identity.name} cannot be quantised to int8 ({exc})"
        ) from exc
    shutil.copyfile(exported / TOKENIZER, target / TOKENIZER)
    meta = exact.model_copy(
        update={
            "format": EXPORT_FORMATS["int8"],
            "precision": "int8",
            "sha256": digests_of(target),
        }
    )
    meta.write(target)
    meta = _measured(meta, exported, target)
    meta.write(target)
    return meta


def _write_graph(exported: Path, target: Path) -> None:
    activations = _activations(exported)
    model = onnx.load(exported / GRAPH)
    _quantise_products(model.graph, activations)
    _round_tables(model.graph)
    declare_runtime(model)
    save_graph(model, target)


def _measured(meta: ExportMeta, exported: Path, target: Path) -> ExportMeta:
    """Compare vectors and times with the exact model's, and add them to the meta data."""
    with OnnxEncoder(exported) as exact, OnnxEncoder(target) as quantised:
        wanted = exact.embed_queries(SENTENCES)
        found = quantised.embed_queries(SENTENCES)
        time_of_exact = _least_time(quantised) / _least_time(exact)
    cosines = (wanted * found).sum(axis=1)
    cosine = float(cosines.mean())
    if not cosine >= LEAST_COSINE:  # so that NaN is refused as well
        raise NotExportable(
            f"{meta.identity.name} quantised to int8 keeps a cosine of {cosine:.3f} to its exact "
            f"vectors, at least {LEAST_COSINE} is taken"
        )
    median = int(np.argsort(cosines)[len(SENTENCES) // 2])
    reference = Reference(text=SENTENCES[median], vector=tuple(wanted[median].tolist()))
    return meta.model_copy(
        update={
            "difference": float(np.abs(wanted - found).max()),
            "time_of_exact": time_of_exact,
            "reference": reference,
        }
    )


def _least_time(encoder: OnnxEncoder) -> float:
    """Seconds for some queries one by one: the least of several trials, as other load only adds."""
    times = []
    for _ in range(_TRIALS):
        begun = time.perf_counter()
        for text in _TIMED:
            encoder.embed_queries([text])
        times.append(time.perf_counter() - begun)
    return min(times)


def _activations(exported: Path) -> dict[str, FloatMatrix]:
    """What the exact model multiplies with weights on `SENTENCES`.

    By the name of the value, shape (tokens of all sentences, inner).
    """
    model = onnx.load(exported / GRAPH)
    names = list(_products(model.graph))
    with OnnxEncoder(exported) as exact:
        feeds = (exact.inputs_of(sentence) for sentence in SENTENCES)
        runs = list(values_of(model, names, feeds))
    activations = {}
    for name, values in zip(names, zip(*runs, strict=True), strict=True):
        rows = [value.reshape(-1, value.shape[-1]) for value in values]
        activations[name] = np.concatenate(rows)
    return activations


def _products(graph: onnx.GraphProto) -> dict[str, list[onnx.NodeProto]]:
    """The products with a matrix of weights, by the value that is multiplied.

    Queries, keys and values are products of the same value.
    """
    matrices = {tensor.name for tensor in graph.initializer if len(tensor.dims) == 2}
    products: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        if node.op_type != "MatMul":
            continue
        if node.input[1] in matrices and node.input[0] not in matrices:
            products[node.input[0]].append(node)
    if not products:
        raise ValueError("its graph multiplies with no weights")
    return products


def _biases(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """The nodes that add a vector of weights to a value read by them alone, by that value."""
    vectors = {
        tensor.name
        for tensor in graph.initializer
        if len(tensor.dims) == 1 and tensor.dims[0] > 1
    }
    uses = Counter(name for node in graph.node for name in node.input)
    biases = {}
    for node in graph.node:
        if node.op_type != "Add" or len(vectors.intersection(node.input)) != 1:
            continue
        for name in node.input:
            if name not in vectors and uses[name] == 1:
                biases[name] = node
    return biases


def _quantise_products(
    graph: onnx.GraphProto, activations: Mapping[str, FloatMatrix]
) -> None:
    """Replace each product with a matrix of weights by a quantised one."""
    weights = {tensor.name: tensor for tensor in graph.initializer}
    biases = _biases(graph)
    replacements: dict[str, list[onnx.NodeProto]] = {}
    for name, products in _products(graph).items():
        matrices = [_matrix(weights[node.input[1]]) for node in products]
        joined = np.concatenate(matrices, axis=1)
        scheme = Scheme.of(activations[name], joined)
        if scheme.is_blockwise:
            for node, matrix in zip(products, matrices, strict=True):
                replacements[node.output[0]] = [_blockwise(graph, node, matrix)]
            continue
        inputs = scheme.round_trip(activations[name])
        smoothed = joined * scheme.smoothing[:, np.newaxis]
        levels, scale = quantise_per_channel(smoothed, inputs)
        ends = np.cumsum([matrix.shape[1] for matrix in matrices])[:-1]
        parts = zip(np.split(levels, ends, axis=1), np.split(scale, ends), strict=True)
        for node, quantised in zip(products, parts, strict=True):
            bias = biases.get(node.output[0])
            product = _per_channel(graph, node, quantised, bias)
            replacements[node.output[0]] = [product]
            if bias is not None:
                replacements[bias.output[0]] = []
        replacements[products[0].output[0]][:0] = _quantise_input(graph, name, scheme)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        nodes += replacements.get(node.output[0], [node])
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph)


def _round_tables(graph: onnx.GraphProto) -> None:
    """Round each large table that rows are looked up in, to eight bits with one scale a row.

    The table of words of a model for many languages holds four fifths of its weights.
    """
    tables = {
        tensor.name: tensor
        for tensor in graph.initializer
        if len(tensor.dims) == 2 and tensor.dims[0] >= _MANY_ROWS
    }
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Gather" or node.input[0] not in tables:
            nodes.append(node)
            continue
        table, ids = node.input
        matrix = _matrix(tables[table])
        scale = np.abs(matrix).max(axis=1, keepdims=True) / np.float32(_LARGEST_LEVEL)
        scale[scale == 0] = 1.0
        levels = np.rint(matrix / scale).astype(np.int8)
        row, rounded, of_row = (
            f"{node.output[0]}.{part}" for part in ("levels", "float", "scale")
        )
        nodes += [
            helper.make_node(
                "Gather", [_keep(graph, f"{table}.int8", levels), ids], [row]
            ),
            helper.make_node("Cast", [row], [rounded], to=onnx.TensorProto.FLOAT),
            helper.make_node(
                "Gather", [_keep(graph, f"{table}.scale", scale), ids], [of_row]
            ),
            helper.make_node("Mul", [rounded, of_row], list(node.output), node.name),
        ]
    del graph.node[:]
    graph.node.extend(nodes)
    drop_unused(graph)


def _quantise_input(
    graph: onnx.GraphProto, name: str, scheme: Scheme
) -> list[onnx.NodeProto]:
    """The nodes that smooth and quantise the value of this name."""
    quantised = f"{name}.quantised"
    smoothing = _keep(graph, f"{quantised}.smoothing", 1 / scheme.smoothing)
    scale = _keep(graph, f"{quantised}.scale", np.array(scheme.scale, np.float32))
    zero_point = _keep(
        graph, f"{quantised}.zero_point", np.array(scheme.zero_point, np.uint8)
    )
    smooth = f"{quantised}.smooth"
    return [
        helper.make_node("Mul", [name, smoothing], [smooth]),
        helper.make_node("QuantizeLinear", [smooth, scale, zero_point], [quantised]),
    ]


def _per_channel(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    quantised: tuple[NDArray[np.int8], FloatVector],
    bias: onnx.NodeProto | None,
) -> onnx.NodeProto:
    """The product of what `_quantise_input` made with per-channel weights, and its bias."""
    source = f"{node.input[0]}.quantised"
    own = f"{node.output[0]}.weights"
    levels, scale = quantised
    inputs = [
        source,
        _keep(graph, own, levels),
        f"{source}.scale",
        _keep(graph, f"{own}.scale", scale),
        f"{source}.zero_point",
    ]
    output = node.output[0]
    if bias is not None:
        no_zero_point = ""  # the weights' zero point is 0
        vector = next(name for name in bias.input if name != node.output[0])
        inputs += [no_zero_point, vector]
        output = bias.output[0]
    return helper.make_node(
        "MatMulIntegerToFloat", inputs, [output], node.name, domain=RUNTIME_DOMAIN
    )


def _blockwise(
    graph: onnx.GraphProto, node: onnx.NodeProto, weights: FloatMatrix
) -> onnx.NodeProto:
    """The product with block-wise weights; it quantises its input itself."""
    own = f"{node.output[0]}.weights"
    levels, scale = quantise_blockwise(weights)
    inputs = [
        node.input[0],
        _keep(graph, own, levels),
        _keep(graph, f"{own}.scale", scale),
    ]
    inner, outer = weights.shape
    return helper.make_node(
        "MatMulNBits",
        inputs,
        list(node.output),
        node.name,
        domain=RUNTIME_DOMAIN,
        K=inner,
        N=outer,
        bits=8,
        block_size=BLOCK,
        accuracy_level=_INT8_ACCURACY,
    )


def _matrix(tensor: onnx.TensorProto) -> FloatMatrix:
    return numpy_helper.to_array(tensor).astype(np.float32)


def _keep(graph: onnx.GraphProto, name: str, values: NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name
