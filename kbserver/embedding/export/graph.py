"""An exported graph: its files, and the values inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import external_data_helper, helper

from kbserver.embedding.export_meta import GRAPH
from kbserver.embedding.onnx import TokenIds, open_session

WEIGHTS = "weights.bin"

RUNTIME_DOMAIN = "com.microsoft"
"""Of ONNX Runtime's own operators."""

_MAPPED_BYTES = 1 << 20


def save_graph(model: onnx.ModelProto, folder: Path) -> None:
    """Write a graph, with its large weights in a file beside it.

    ONNX Runtime maps that file: only the rows of the word embeddings that are used are ever read,
    and no weight is in memory twice. That halves the time to open and its peak of memory.

    Args:
        model: is emptied of its large weights.
        folder: gets `model.onnx` and, if any weight is large, `weights.bin`.
    """
    external_data_helper.convert_model_to_external_data(
        model, location=WEIGHTS, size_threshold=_MAPPED_BYTES, convert_attribute=False
    )
    onnx.save(model, folder / GRAPH)
    weights = folder / WEIGHTS
    if weights.exists():
        # onnx lets no other user read it.
        weights.chmod((folder / GRAPH).stat().st_mode)


def values_of(
    model: onnx.ModelProto,
    names: Sequence[str],
    inputs: Iterable[Mapping[str, TokenIds]],
) -> Iterator[list[NDArray[Any]]]:
    """Run a graph; yield, for each of the inputs, the values of the given names.

    Args:
        model: has these for its outputs afterwards, and is emptied of its large weights.
        names: of values anywhere in the graph.
        inputs: each by the names of the graph's inputs.
    """
    del model.graph.output[:]
    # ONNX Runtime infers the types of outputs that are named only.
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names)
    )
    with TemporaryDirectory() as scratch:
        save_graph(model, Path(scratch))
        session = open_session(Path(scratch) / GRAPH)
        for feed in inputs:
            yield session.run(names, dict(feed))


def drop_unused(graph: onnx.GraphProto) -> None:
    """Remove the nodes and weights that no output depends on; ONNX Runtime would compute them."""
    used = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):  # a node stands behind those it reads from
        if used.intersection(node.output):
            used.update(_read_by(node))
            kept.append(node)
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:]
    del graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(weights)


def declare_runtime(model: onnx.ModelProto) -> None:
    """Declare the com.microsoft opset."""
    if all(opset.domain != RUNTIME_DOMAIN for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(RUNTIME_DOMAIN, 1))


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    """The names a node reads, those read by the branches and loops inside it among them."""
    yield from node.input
    for attribute in node.attribute:
        yield from (output.name for output in attribute.g.output)
        for inner in attribute.g.node:
            yield from _read_by(inner)
