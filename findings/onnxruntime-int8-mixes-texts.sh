#!/usr/bin/env bash
# onnxruntime 1.32.0 with onnx 1.23.2: in a model made by `quantize_dynamic` a text's vector
# depends on the texts that stand beside it in the batch.
#
# Expected: rows of a batch do not touch each other. Batching may round the last bit of a float.
# Found: the inputs of each product are rounded to 8 bits by one scale for the whole batch. Beside
#   texts with larger values the vector moves as far as from another wording: its cosine to itself
#   falls below 0.999, from above 0.9999999 in float32. So an index that is built in batches and
#   asked one query at a time compares two roundings, and a score changes with the load.
# Fails if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -qq onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cat >"$work/try.py" <<'PY'
import logging
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

DIMENSIONS = 64

random = np.random.default_rng(0)


def values(*shape):
    return random.standard_normal(shape).astype("float32")


weights = [
    numpy_helper.from_array(values(DIMENSIONS, DIMENSIONS) / 8, name) for name in ("w1", "w2")
]
nodes = [
    helper.make_node("MatMul", ["x", "w1"], ["a"]),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("MatMul", ["b", "w2"], ["y"]),
]
ends = [
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["texts", DIMENSIONS])] for name in "xy"
]
graph = helper.make_graph(nodes, "layers", *ends, weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.save(model, f"{sys.argv[1]}/float32.onnx")
logging.disable(logging.WARNING)
quantize_dynamic(
    f"{sys.argv[1]}/float32.onnx", f"{sys.argv[1]}/int8.onnx", weight_type=QuantType.QInt8
)
text, others = values(1, DIMENSIONS), 8 * values(7, DIMENSIONS)
for name in ("float32", "int8"):
    session = onnxruntime.InferenceSession(f"{sys.argv[1]}/{name}.onnx")
    alone = session.run(None, {"x": text})[0][0]
    beside = session.run(None, {"x": np.concatenate([text, others])})[0][0]
    cosine = alone @ beside / np.linalg.norm(alone) / np.linalg.norm(beside)
    print(f"{name}: over 0.99999: {cosine > 0.99999}, under 0.999: {cosine < 0.999}")
PY
found=$("$work/venv/bin/python" "$work/try.py" "$work" 2>/dev/null)
echo "$found"
wanted='float32: over 0.99999: True, under 0.999: False
int8: over 0.99999: False, under 0.999: True'
[ "$found" = "$wanted" ] || { echo "this is no longer so" >&2; exit 1; }
