import numpy as np
import onnx
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from kbserver.embedding.export.graph import drop_unused, values_of
from kbserver.embedding.export.shapes import settle_shapes

TRIALS = [
    {"ids": np.ones((texts, tokens), np.int64)}
    for texts, tokens in ((1, 7), (2, 5), (3, 11))
]


def folding(*nodes: onnx.NodeProto, **constants: object) -> onnx.ModelProto:
    """A graph of `ids` to `folded`."""
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["texts", "tokens"])
    folded = helper.make_tensor_value_info("folded", TensorProto.INT64, None)
    numbers = [
        numpy_helper.from_array(np.array(value, np.int64), name)
        for name, value in constants.items()
    ]
    graph = helper.make_graph(list(nodes), "folding", [ids], [folded], numbers)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def test_dimensions_that_are_those_of_the_input_are_named_and_what_found_them_is_gone() -> (
    None
):
    model = folding(
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["texts"]),
        helper.make_node("Unsqueeze", ["texts", "first"], ["texts_alone"]),
        helper.make_node("Concat", ["texts_alone", "rest"], ["target"], axis=0),
        helper.make_node("Reshape", ["ids", "target"], ["folded"]),
        zero=0,
        first=[0],
        rest=[-1, 1],
    )
    before = onnx.ModelProto()
    before.CopyFrom(model)
    settle_shapes(model, TRIALS)
    assert [node.op_type for node in model.graph.node] == ["Reshape"]
    assert {
        tensor.name: numpy_helper.to_array(tensor).tolist()
        for tensor in model.graph.initializer
    } == {"folded.shape": [0, 0, 1]}
    unseen = [{"ids": np.arange(24, dtype=np.int64).reshape(4, 6)}]
    np.testing.assert_array_equal(
        next(values_of(model, ["folded"], unseen)),
        next(values_of(before, ["folded"], unseen)),
    )


def test_a_shape_that_follows_from_nothing_known_stays_as_it_is() -> None:
    model = folding(
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("ReduceProd", ["shape"], ["all"], keepdims=1),
        helper.make_node("Reshape", ["ids", "all"], ["folded"]),
    )
    settle_shapes(model, TRIALS)
    assert [node.op_type for node in model.graph.node] == [
        "Shape",
        "ReduceProd",
        "Reshape",
    ]


@given(st.permutations(["texts", "tokens", "one"]))
def test_an_input_turned_round_is_never_mistaken_for_itself(order: list[str]) -> None:
    """A dimension is named only where the input has it in the same place."""
    model = folding(
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("Split", ["shape"], ["texts", "tokens"], axis=0),
        helper.make_node("Concat", order, ["target"], axis=0),
        helper.make_node("Reshape", ["ids", "target"], ["folded"]),
        one=[1],
    )
    settle_shapes(model, TRIALS)
    settled = model.graph.node[-1].input[1] == "folded.shape"
    assert settled == (order == ["texts", "tokens", "one"])
    unseen = {"ids": np.arange(20, dtype=np.int64).reshape(4, 5)}
    sizes = {"texts": 4, "tokens": 5, "one": 1}
    folded = next(values_of(model, ["folded"], [unseen]))[0]
    assert folded.shape == tuple(sizes[name] for name in order)


def test_a_graph_that_folds_nothing_stays_as_it_is() -> None:
    model = folding(helper.make_node("Identity", ["ids"], ["folded"]))
    settle_shapes(model, TRIALS)
    assert [node.op_type for node in model.graph.node] == ["Identity"]


def test_what_a_branch_reads_from_around_it_is_kept() -> None:
    out = helper.make_tensor_value_info("out", TensorProto.INT64, None)
    branches = {
        name: helper.make_graph(
            [helper.make_node("Add", ["ids", from_around], ["out"])], name, [], [out]
        )
        for name, from_around in (("then_branch", "twice"), ("else_branch", "one"))
    }
    model = folding(
        helper.make_node("Add", ["ids", "ids"], ["twice"]),
        helper.make_node("Mul", ["ids", "ids"], ["needed by none"]),
        helper.make_node("If", ["yes"], ["folded"], **branches),
        one=[1],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    drop_unused(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Add", "If"]
    assert {tensor.name for tensor in model.graph.initializer} == {"one", "yes"}
