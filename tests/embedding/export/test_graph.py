import stat
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from kbserver.embedding.export.graph import (
    RUNTIME_DOMAIN,
    declare_runtime,
    drop_unused,
    save_graph,
    values_of,
)

INT64 = TensorProto.INT64


def model_of(*nodes: onnx.NodeProto, **constants: object) -> onnx.ModelProto:
    """A graph from `ids` to `out`."""
    ids = helper.make_tensor_value_info("ids", INT64, ["texts", "tokens"])
    out = helper.make_tensor_value_info("out", INT64, None)
    numbers = [
        numpy_helper.from_array(np.array(value, np.int64), name)
        for name, value in constants.items()
    ]
    graph = helper.make_graph(list(nodes), "graph", [ids], [out], numbers)
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def test_values_anywhere_in_a_graph_can_be_had() -> None:
    model = model_of(
        helper.make_node("Add", ["ids", "one"], ["more"]),
        helper.make_node("Mul", ["more", "more"], ["out"]),
        one=1,
    )
    feeds = [{"ids": np.array([[1, 2]])}, {"ids": np.array([[3], [4]])}]
    first, second = values_of(model, ["out", "more"], feeds)
    assert [values.tolist() for values in first] == [[[4, 9]], [[2, 3]]]
    assert [values.tolist() for values in second] == [[[16], [25]], [[4], [5]]]


def test_large_weights_lie_in_a_file_that_others_may_read_as_the_graph(
    tmp_path: Path,
) -> None:
    table = np.arange(1 << 18)
    model = model_of(helper.make_node("Gather", ["table", "ids"], ["out"]), table=table)
    save_graph(model, tmp_path)
    weights, graph = tmp_path / "weights.bin", tmp_path / "model.onnx"
    assert weights.stat().st_size >= table.nbytes > 100 * graph.stat().st_size
    assert stat.S_IMODE(weights.stat().st_mode) == stat.S_IMODE(graph.stat().st_mode)
    feed = {"ids": np.array([[5, 70_000]])}
    loaded = onnx.load(graph)
    assert next(values_of(loaded, ["out"], [feed]))[0].tolist() == [[5, 70_000]]


def test_a_graph_of_small_weights_is_one_file(tmp_path: Path) -> None:
    save_graph(
        model_of(helper.make_node("Add", ["ids", "one"], ["out"]), one=1), tmp_path
    )
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_what_no_output_depends_on_is_dropped() -> None:
    model = model_of(
        helper.make_node("Add", ["ids", "one"], ["out"]),
        helper.make_node("Mul", ["ids", "two"], ["needed by none"]),
        one=1,
        two=2,
    )
    drop_unused(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Add"]
    assert [tensor.name for tensor in model.graph.initializer] == ["one"]


def test_what_a_branch_reads_from_around_it_is_kept() -> None:
    out = helper.make_tensor_value_info("out", INT64, None)
    branches = {
        name: helper.make_graph(
            [helper.make_node("Add", ["ids", from_around], ["out"])], name, [], [out]
        )
        for name, from_around in (("then_branch", "twice"), ("else_branch", "one"))
    }
    model = model_of(
        helper.make_node("Add", ["ids", "ids"], ["twice"]),
        helper.make_node("Mul", ["ids", "ids"], ["needed by none"]),
        helper.make_node("If", ["yes"], ["out"], **branches),
        one=[1],
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    drop_unused(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Add", "If"]
    assert {tensor.name for tensor in model.graph.initializer} == {"one", "yes"}


def test_the_operators_of_the_runtime_are_declared_once() -> None:
    model = model_of(helper.make_node("Identity", ["ids"], ["out"]))
    declare_runtime(model)
    declare_runtime(model)
    domains = [opset.domain for opset in model.opset_import]
    assert domains == ["", RUNTIME_DOMAIN]
