"""An exported graph: its files, and what goes on inside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import external_data_helper, helper

from kbserver.embedding.onnx import GRAPH, TokenIds, open_session

WEIGHTS = "weights.bin"

RUNTIME_DOMAIN = "com.microsoft"
"""Of the operators that are ONNX Runtime's own."""

_MAPPED_BYTES = 1 << 20


def save_graph(model: onnx.ModelProto, folder: Path) -> None:
    """Write a graph, and what is large in it into a file beside it.

    From there ONNX Runtime maps it: of the table of words only the rows that are used are ever read, and the weights are
    there once and not twice. all-MiniLM-L6-v2 opens in half of the time and takes 45 MB less, 84 MB at the peak.

    Args:
        model: is emptied of what is large.
        folder: gets `model.onnx` and, if anything is large, `weights.bin`.
    """
    external_data_helper.convert_model_to_external_data(
        model, location=WEIGHTS, size_threshold=_MAPPED_BYTES, convert_attribute=False
    )
    onnx.save(model, folder / GRAPH)
    if (folder / WEIGHTS).exists():
        (folder / WEIGHTS).chmod(
            (folder / GRAPH).stat().st_mode
        )  # onnx keeps it from everybody else


def values_of(
    model: onnx.ModelProto,
    names: Sequence[str],
    inputs: Iterable[Mapping[str, TokenIds]],
) -> Iterator[list[NDArray[Any]]]:
    """Run a graph, and give for each of the inputs what the given names stand for in it.

    Args:
        model: has these for its outputs afterwards, and is emptied of what is large.
        names: of values anywhere in the graph.
        inputs: each by the names of the graph's inputs.
    """
    del model.graph.output[
        :
    ]  # ONNX Runtime finds out by itself of which type the new ones are
    model.graph.output.extend(
        helper.make_empty_tensor_value_info(name) for name in dict.fromkeys(names)
    )
    with TemporaryDirectory() as scratch:
        save_graph(model, Path(scratch))
        session = open_session(Path(scratch) / GRAPH)
        for one in inputs:
            yield session.run(names, dict(one))


def constants_of(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """What a graph holds from the start, by name: weights, and numbers written into nodes of their own."""
    numbers = (
        node for node in graph.node if node.op_type == "Constant" and node.attribute
    )
    return {tensor.name: tensor for tensor in graph.initializer} | {
        node.output[0]: node.attribute[0].t for node in numbers
    }


def drop_unused(graph: onnx.GraphProto) -> None:
    """Take out the nodes and the weights that no output depends on: ONNX Runtime would work them out in every run."""
    used = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):  # each stands behind what it uses
        if used.intersection(node.output):
            used.update(_read_by(node))
            kept.append(node)
    weights = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(weights)


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    """What a node takes in, and what the branches and loops inside it take from around it."""
    yield from node.input
    for attribute in node.attribute:
        yield from (output.name for output in attribute.g.output)
        for inner in attribute.g.node:
            yield from _read_by(inner)


def know_runtime(model: onnx.ModelProto) -> None:
    """Let a graph hold operators of ONNX Runtime's own."""
    if all(opset.domain != RUNTIME_DOMAIN for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(RUNTIME_DOMAIN, 1))
