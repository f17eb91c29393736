"""The ONNX graph of a model of the BERT family, written from its weights.

Sources: of the model, Devlin et al., BERT, https://arxiv.org/abs/1810.04805, with the names of
transformers' `BertModel`; of the operators, https://onnx.ai/onnx/operators/ and, for
MultiHeadAttention and Gelu,
https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors import SafetensorError, safe_open

from kbserver.embedding.export.graph import RUNTIME_DOMAIN, declare_runtime, save_graph
from kbserver.embedding.export.pipeline import (
    BertConfig,
    BertPipeline,
    NotWritable,
    Pooling,
)

_IDS = "input_ids"
_MASK = "attention_mask"
_INT32_MASK = "attention_mask.int32"

INPUTS = (_IDS, _MASK)
OUTPUT = "embedding"

_OPSET = 17  # the first with LayerNormalization
_IR_VERSION = 8  # the one that belongs to this opset

_FLOATS = {"F64", "F32", "F16", "BF16"}  # in safetensors' words
_LEAST_NORM = 1e-12  # as in torch's normalize: a vector of zeros stays one
_PREFIX_WITH_HEAD = "bert."  # of the weights, if the model was saved with a head on it


def write_graph(pipeline: BertPipeline, target: Path) -> None:
    """Write the graph from token ids and their mask to unit vectors.

    Inputs are `INPUTS`, int64 of shape (texts, tokens); the output `embedding` is float32 of shape
    (texts, hidden size). Each text is one segment, so token types are no input.

    Args:
        pipeline: what the model's folder says.
        target: an empty folder; gets `model.onnx` and, if a weight is large, `weights.bin`.

    Raises:
        NotWritable: the weights are damaged, or not those that the configuration asks for.
        OSError: the target cannot be written.
    """
    try:
        with safe_open(str(pipeline.weights), framework="np") as file:
            model = _model(pipeline, _Weights(file))
    except SafetensorError as exc:
        raise NotWritable(f"{pipeline.weights.name} cannot be read: {exc}") from exc
    save_graph(model, target)


def _model(pipeline: BertPipeline, weights: _Weights) -> onnx.ModelProto:
    bert = _BertGraph(weights, pipeline.config)
    hidden = bert.write_transformer(pipeline.max_tokens)
    bert.write_pooling(pipeline.pooling, hidden)
    tokens = ["texts", "tokens"]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, tokens)
        for name in INPUTS
    ]
    output = helper.make_tensor_value_info(
        OUTPUT, TensorProto.FLOAT, ["texts", pipeline.config.hidden_size]
    )
    graph = helper.make_graph(bert.nodes, "embedder", inputs, [output], bert.constants)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    declare_runtime(model)
    return model


class _Weights:
    """The tensors of a safetensors file, as float32 whatever they are stored as."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._names = set(file.keys())
        self._prefix = ""
        if not any(name.startswith("embeddings.") for name in self._names):
            self._prefix = _PREFIX_WITH_HEAD

    def get(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Read one tensor of the shape wanted."""
        stored = self._prefix + name
        if stored not in self._names:
            raise NotWritable(f"the weights hold no {name}")
        described = self._file.get_slice(stored)
        if described.get_dtype() not in _FLOATS:
            raise NotWritable(f"{name} is stored as {described.get_dtype()}")
        if tuple(described.get_shape()) != shape:
            found = described.get_shape()
            raise NotWritable(f"{name} is of shape {found}, wanted {list(shape)}")
        # NumPy knows BF16 only through ml_dtypes, which onnx imports.
        tensor: NDArray[np.float32] = self._file.get_tensor(stored).astype(np.float32)
        return tensor


class _BertGraph:
    """The nodes and constants of a graph, each written behind those it reads from."""

    def __init__(self, weights: _Weights, config: BertConfig) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._weights = weights
        self._config = config

    def write_transformer(self, max_tokens: int) -> str:
        """Write the way to one vector a token, shape (texts, tokens, hidden size)."""
        # MultiHeadAttention takes the mask of keys as int32 of shape (texts, tokens).
        self._node("Cast", [_MASK], _INT32_MASK, to=TensorProto.INT32)
        hidden = self._embeddings(max_tokens)
        for number in range(self._config.num_hidden_layers):
            hidden = self._layer(f"encoder.layer.{number}", hidden)
        return hidden

    def write_pooling(self, pooling: Pooling, hidden: str) -> None:
        """Write the way from there to one unit vector a text, shape (texts, hidden size)."""
        if pooling == "mean":
            pooled = self._sum_of_tokens(hidden)
        else:
            pooled = self._first_token(hidden)
        least = self._constant("least_norm", np.array(_LEAST_NORM, np.float32))
        norm = self._node("ReduceL2", [pooled], "norm", axes=[-1], keepdims=1)
        divisor = self._node("Max", [norm, least], "divisor")
        self._node("Div", [pooled, divisor], OUTPUT)

    def _embeddings(self, max_tokens: int) -> str:
        config, name = self._config, "embeddings"
        size = config.hidden_size
        words, positions, types = (
            self._weights.get(f"{name}.{part}_embeddings.weight", count, size)
            for part, count in (
                ("word", config.vocab_size),
                ("position", config.max_position_embeddings),
                ("token_type", config.type_vocab_size),
            )
        )
        # Every token is of type 0, so its embedding is added to the positions here, once.
        places = positions[:max_tokens] + types[0]
        table = self._constant(f"{name}.words", words)
        ladder = self._constant(f"{name}.places", places)
        zero = self._constant("zero", np.array([0], np.int64))
        tokens = self._node("Shape", [_IDS], "tokens", start=1, end=2)
        word = self._node("Gather", [table, _IDS], f"{name}.word")
        place = self._node("Slice", [ladder, zero, tokens, zero], f"{name}.place")
        return self._normalised_sum(f"{name}.LayerNorm", word, place)

    def _layer(self, name: str, hidden: str) -> str:
        size, inner = self._config.hidden_size, self._config.intermediate_size
        attention = f"{name}.attention"
        projected = [
            self._linear(f"{attention}.self.{part}", hidden, size, size)
            for part in ("query", "key", "value")
        ]
        no_bias = ""
        attended = self._node(
            "MultiHeadAttention",
            [*projected, no_bias, _INT32_MASK],
            f"{attention}.self",
            domain=RUNTIME_DOMAIN,
            num_heads=self._config.num_attention_heads,
            scale=float(self._config.head_size) ** -0.5,
        )
        mixed = self._linear(f"{attention}.output.dense", attended, size, size)
        hidden = self._normalised_sum(f"{attention}.output.LayerNorm", mixed, hidden)

        wide = self._linear(f"{name}.intermediate.dense", hidden, size, inner)
        active = self._node(
            "Gelu", [wide], f"{name}.intermediate", domain=RUNTIME_DOMAIN
        )
        narrow = self._linear(f"{name}.output.dense", active, inner, size)
        return self._normalised_sum(f"{name}.output.LayerNorm", narrow, hidden)

    def _linear(self, name: str, source: str, inputs: int, outputs: int) -> str:
        """A dense layer, whose weight torch stores as (outputs, inputs)."""
        weight = self._weights.get(f"{name}.weight", outputs, inputs)
        bias = self._weights.get(f"{name}.bias", outputs)
        matrix = self._constant(f"{name}.weight", weight.T)
        vector = self._constant(f"{name}.bias", bias)
        product = self._node("MatMul", [source, matrix], f"{name}.product")
        return self._node("Add", [product, vector], name)

    def _normalised_sum(self, name: str, one: str, other: str) -> str:
        size = self._config.hidden_size
        scale, shift = (
            self._constant(f"{name}.{part}", self._weights.get(f"{name}.{part}", size))
            for part in ("weight", "bias")
        )
        total = self._node("Add", [one, other], f"{name}.sum")
        return self._node(
            "LayerNormalization",
            [total, scale, shift],
            name,
            axis=-1,
            epsilon=self._config.layer_norm_eps,
        )

    def _sum_of_tokens(self, hidden: str) -> str:
        """The direction of the mean: its length, and so the count, is divided out at the end."""
        last = self._constant("last_axis", np.array([-1], np.int64))
        second = self._constant("second_axis", np.array([1], np.int64))
        mask = self._node("Cast", [_MASK], "mask.float32", to=TensorProto.FLOAT)
        column = self._node("Unsqueeze", [mask, last], "mask.column")
        masked = self._node("Mul", [hidden, column], "masked")
        return self._node("ReduceSum", [masked, second], "pooled", keepdims=0)

    def _first_token(self, hidden: str) -> str:
        """The token [CLS], which stands first since padding stands behind."""
        first = self._constant("first", np.array(0, np.int64))
        return self._node("Gather", [hidden, first], "pooled", axis=1)

    def _node(
        self, operator: str, inputs: list[str], output: str, **attributes: Any
    ) -> str:
        """Add an operator with one output; return the output's name."""
        self.nodes.append(
            helper.make_node(operator, inputs, [output], output, **attributes)
        )
        return output

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        self.constants.append(numpy_helper.from_array(values, name))
        return name
