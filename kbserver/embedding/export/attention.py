"""Attention as one operator of ONNX Runtime, where an exported graph spells it out in a dozen.

Source: MultiHeadAttention, https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from kbserver.embedding.export.graph import (
    RUNTIME_DOMAIN,
    constants_of,
    drop_unused,
    know_runtime,
    values_of,
)
from kbserver.embedding.onnx import TokenIds

_PADDING = "attention_mask"
_PADDING_AS_INT32 = "attention_mask.int32"
_TURNED, _KEYS_TURNED = (
    [0, 2, 1, 3],
    [0, 2, 3, 1],
)  # heads before tokens; and the numbers of each before the tokens


def fuse_attention(model: onnx.ModelProto, trial: Mapping[str, TokenIds]) -> None:
    """Put one operator in the place of every attention that looks at all of a text and leaves out nothing but the padding.

    Args:
        model: changed in place where attention is spelled out as transformers' plain one is; its shapes must be settled.
        trial: inputs of texts of different lengths: what the masks make of their padding decides.
    """
    found = _Reader(model.graph).attentions()
    if not found:
        return
    tried = onnx.ModelProto()
    tried.CopyFrom(model)
    masks = next(values_of(tried, [one.mask for one in found], [trial]))
    fused = {
        one.result: helper.make_node(
            "MultiHeadAttention",
            [one.queries, one.keys, one.values, "", _PADDING_AS_INT32],
            [one.result],
            domain=RUNTIME_DOMAIN,
            num_heads=one.heads,
            scale=one.scale,
        )
        for one, mask in zip(found, masks, strict=True)
        if _hides_padding_only(mask, trial[_PADDING])
    }
    if not fused:
        return
    nodes = [fused.get(node.output[0], node) for node in model.graph.node]
    del model.graph.node[:]
    model.graph.node.append(
        helper.make_node("Cast", [_PADDING], [_PADDING_AS_INT32], to=TensorProto.INT32)
    )
    model.graph.node.extend(nodes)
    know_runtime(model)
    drop_unused(model.graph)


def _hides_padding_only(mask: NDArray[np.float32], padding: TokenIds) -> bool:
    """Whether what is added to the scores is nothing, or for padding next to minus infinity: the same for all who look."""
    wanted = padding[:, np.newaxis, np.newaxis, :] == 0
    return mask.shape == wanted.shape and bool(
        ((mask == 0) == ~wanted).all() and (mask[wanted] < -1e30).all()
    )


class _Attention(NamedTuple):
    queries: str
    """Of all heads side by side, shape (texts, tokens, heads x size), as are keys, values and the result."""
    keys: str
    values: str
    mask: str
    heads: int
    scale: float
    result: str


class _OtherwiseError(Exception):
    """It is not spelled out this way."""


class _Reader:
    """Reads how attention is spelled out."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._made = {name: node for node in graph.node for name in node.output}
        self._users: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self._users[name].append(node)
        self._numbers = constants_of(graph)

    def attentions(self) -> list[_Attention]:
        """Those of the graph that are spelled out as softmax(queries · keys · scale + mask) · values."""
        found = []
        for node in self._graph.node:
            if node.op_type == "Softmax":
                try:
                    found.append(self._attention(node))
                except _OtherwiseError:
                    continue
        return found

    def _attention(self, softmax: onnx.NodeProto) -> _Attention:
        if _attribute(softmax, "axis", -1) not in (-1, 3):
            raise _OtherwiseError
        scaled, mask = self._inputs(softmax.input[0], "Add")
        products, scale = self._inputs(scaled, "Mul")
        queries, keys = self._inputs(products, "MatMul")
        weighted = self._user(softmax.output[0], "MatMul")
        turned = self._user(weighted.output[0], "Transpose")
        joined = self._user(turned.output[0], "Reshape")
        queries, *of_queries = self._split(queries, _TURNED)
        keys, *of_keys = self._split(keys, _KEYS_TURNED)
        values, *of_values = self._split(weighted.input[1], _TURNED)
        heads, size = of_queries
        alike = of_queries == of_keys == of_values
        side_by_side = _attribute(turned, "perm") == _TURNED and self._number(
            joined.input[1]
        ) == [
            0,
            0,
            heads * size,
        ]
        factor = self._number(scale)
        if not (alike and side_by_side and isinstance(factor, float)):
            raise _OtherwiseError
        return _Attention(queries, keys, values, mask, heads, factor, joined.output[0])

    def _split(self, name: str, order: Sequence[int]) -> tuple[str, int, int]:
        """What was split into heads and turned round to give this; how many heads, and their size."""
        turned = self._made.get(name)
        if (
            turned is None
            or turned.op_type != "Transpose"
            or _attribute(turned, "perm") != order
        ):
            raise _OtherwiseError
        whole, target = self._inputs(turned.input[0], "Reshape")
        shape = self._number(target)
        if not isinstance(shape, list) or len(shape) != 4 or shape[:2] != [0, 0]:
            raise _OtherwiseError
        return whole, int(shape[2]), int(shape[3])

    def _inputs(self, name: str, operator: str) -> tuple[str, str]:
        """The two inputs of the operator that gives this."""
        node = self._made.get(name)
        if node is None or node.op_type != operator or len(node.input) != 2:
            raise _OtherwiseError
        return node.input[0], node.input[1]

    def _user(self, name: str, operator: str) -> onnx.NodeProto:
        """The one operator that takes this."""
        users = self._users[name]
        if len(users) != 1 or users[0].op_type != operator:
            raise _OtherwiseError
        return users[0]

    def _number(self, name: str) -> list[int] | float:
        """A constant as Python's own."""
        if name not in self._numbers:
            raise _OtherwiseError
        found: list[int] | float = numpy_helper.to_array(self._numbers[name]).tolist()
        return found


def _attribute(node: onnx.NodeProto, name: str, default: object = None) -> object:
    return next(
        (helper.get_attribute_value(one) for one in node.attribute if one.name == name),
        default,
    )
