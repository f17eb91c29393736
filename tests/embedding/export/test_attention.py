import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from kbserver.embedding.export.attention import fuse_attention
from kbserver.embedding.export.graph import values_of

pytestmark = pytest.mark.xdist_group(
    "torch"
)  # one process for all tests that load torch


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node)


@pytest.mark.parametrize(("looks_back_only", "fused"), [(False, 1), (True, 0)])
def test_attention_is_one_operator_unless_its_mask_hides_more_than_the_padding(
    small_model: Path, tmp_path: Path, looks_back_only: bool, fused: int
) -> None:
    """The export compares the vectors, of texts of different lengths in one run, with the model's own."""
    from kbserver.embedding.sentence_transformer import export_onnx

    config = json.loads((small_model / "config.json").read_text())
    (small_model / "config.json").write_text(
        json.dumps(config | {"is_decoder": looks_back_only})
    )
    meta = export_onnx(small_model, tmp_path, name="small", fingerprint="f")
    found = operators(onnx.load(tmp_path / "model.onnx", load_external_data=False))
    assert (found["MultiHeadAttention"], found["Softmax"]) == (fused, 1 - fused)
    assert meta.difference < 1e-5


def spelled_out(
    mask: str = "padding", axis: int = -1, heads_of_keys: int = 2
) -> onnx.ModelProto:
    """One attention of two heads of two numbers, whose queries, keys and values are the ids themselves."""
    node = helper.make_node
    numbers = {
        "split": [0, 0, 2, 2],
        "keys_split": [0, 0, heads_of_keys, 4 // heads_of_keys],
        "join": [0, 0, 4],
        "at": [1, 2],
        "last": [2],
    }
    floats = {
        "four": np.ones((1, 1, 4)),
        "scale": np.array(0.5),
        "one": np.array(1.0),
        "least": np.array(-3e38),
    }
    nodes = [
        node("Cast", ["input_ids"], ["ids"], to=onnx.TensorProto.FLOAT),
        node("Unsqueeze", ["ids", "last"], ["ids_alone"]),
        node("Mul", ["ids_alone", "four"], ["whole"]),
        node("Cast", ["attention_mask"], ["kept"], to=onnx.TensorProto.FLOAT),
        node("Sub", ["one", "kept"], ["gone"]),
        node("Mul", ["gone", "least"], ["hidden"]),
        node("Unsqueeze", ["hidden", "at"], ["padding"]),
        node("Mul", ["padding", "one"], ["other"])
        if mask == "padding"
        else node("Neg", ["padding"], ["other"]),
        node("Reshape", ["whole", "split"], ["queries"]),
        node("Reshape", ["whole", "keys_split"], ["keys"]),
        node("Reshape", ["whole", "split"], ["values"]),
        node("Transpose", ["queries"], ["queries_turned"], perm=[0, 2, 1, 3]),
        node("Transpose", ["keys"], ["keys_turned"], perm=[0, 2, 3, 1]),
        node("Transpose", ["values"], ["values_turned"], perm=[0, 2, 1, 3]),
        node("MatMul", ["queries_turned", "keys_turned"], ["products"]),
        node("Mul", ["products", "scale"], ["scaled"]),
        node("Add", ["scaled", "other"], ["masked"]),
        node("Softmax", ["masked"], ["weights"], axis=axis),
        node("MatMul", ["weights", "values_turned"], ["weighted"]),
        node("Transpose", ["weighted"], ["turned"], perm=[0, 2, 1, 3]),
        node("Reshape", ["turned", "join"], ["result"]),
    ]
    constants = [
        numpy_helper.from_array(np.array(value, np.int64), name)
        for name, value in numbers.items()
    ]
    constants += [
        numpy_helper.from_array(value.astype(np.float32), name)
        for name, value in floats.items()
    ]
    inputs = [
        helper.make_tensor_value_info(name, onnx.TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    result = helper.make_tensor_value_info("result", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "attention", inputs, [result], constants)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


TRIAL = {
    "input_ids": np.array([[1, 2, 3], [2, 1, 0]], np.int64),
    "attention_mask": np.array([[1, 1, 1], [1, 1, 0]], np.int64),
}


def test_what_it_gives_stays_the_same() -> None:
    model = spelled_out()
    before = onnx.ModelProto()
    before.CopyFrom(model)
    fuse_attention(model, TRIAL)
    assert operators(model)["MultiHeadAttention"] == 1
    assert (
        not {"Softmax", "MatMul", "Transpose", "Reshape", "Sub"}
        & operators(model).keys()
    )
    unseen = {
        "input_ids": np.array([[0, 3, 1, 2], [4, 0, 0, 0]], np.int64),
        "attention_mask": np.array([[0, 1, 1, 1], [1, 0, 0, 0]], np.int64),
    }
    (wanted,), (found,) = (
        next(values_of(one, ["result"], [unseen])) for one in (before, model)
    )
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize(
    "otherwise", [{"mask": "something else"}, {"axis": 2}, {"heads_of_keys": 1}]
)
def test_what_is_spelled_out_otherwise_stays_as_it_is(
    otherwise: dict[str, object],
) -> None:
    model = spelled_out(**otherwise)
    before = model.SerializeToString(deterministic=True)
    fuse_attention(model, TRIAL)
    assert model.SerializeToString(deterministic=True) == before
