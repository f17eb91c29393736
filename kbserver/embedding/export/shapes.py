"""Shapes that an exported graph works out anew in every run, though they follow from what comes in.

torch writes down how it found the shape of everything it folds: some seven operators a shape, 170 of the 570 of
all-MiniLM-L6-v2's graph. With a query that is alone each of them costs as much as a small product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx
from onnx import numpy_helper

from kbserver.embedding.export.graph import constants_of, drop_unused, values_of
from kbserver.embedding.onnx import TokenIds

Shape = tuple[int, ...]


def settle_shapes(
    model: onnx.ModelProto, trials: Sequence[Mapping[str, TokenIds]]
) -> None:
    """Have every Reshape name its shape outright: each dimension a number, or 0 for the one that what it folds has there.

    Args:
        model: changed where all trials agree.
        trials: inputs, no two of them with the same number of texts or of tokens; what follows for the shapes of other
            inputs is not proved by them, so that the vectors have to be compared afterwards.
    """
    graph = model.graph
    settled = constants_of(graph)
    open_ones = [
        node
        for node in graph.node
        if node.op_type == "Reshape" and node.input[1] not in settled
    ]
    if not open_ones:
        return
    names = [name for node in open_ones for name in (node.input[0], node.output[0])]
    tried = onnx.ModelProto()
    tried.CopyFrom(model)
    shapes = [
        [values.shape for values in found] for found in values_of(tried, names, trials)
    ]
    for place, node in enumerate(open_ones):
        target = _common([(found[2 * place], found[2 * place + 1]) for found in shapes])
        if target is not None:
            node.input[1] = f"{node.output[0]}.shape"
            graph.initializer.append(
                numpy_helper.from_array(np.array(target, np.int64), node.input[1])
            )
    drop_unused(graph)


def _common(found: Iterable[tuple[Shape, Shape]]) -> list[int] | None:
    """What gives each second shape from its first one; None if nothing does.

    Source: the operator Reshape, https://onnx.ai/onnx/operators/onnx__Reshape.html
    """
    before, after = zip(*found, strict=True)
    if len({len(shape) for shape in after}) != 1:
        return None
    target = []
    for place, sizes in enumerate(zip(*after, strict=True)):
        if len(set(sizes)) == 1:
            target.append(sizes[0])
        elif sizes == tuple(
            shape[place] if place < len(shape) else -1 for shape in before
        ):
            target.append(0)
        else:
            return None
    return target
