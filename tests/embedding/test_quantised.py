import json
import logging
import shutil
from pathlib import Path

import onnx
import pytest
from onnx import numpy_helper

from kbserver.embedding.base import Encoder
from kbserver.embedding.onnx import sha256
from kbserver.embedding.quantised import quantise
from kbserver.errors import ModelError


def test_a_graph_that_cannot_be_rounded_says_so(encoder: Encoder, cache: Path, tmp_path: Path) -> None:
    exported, target = tmp_path / "exported", tmp_path / "target"
    shutil.copytree(cache / encoder.identity.fingerprint, exported)
    target.mkdir()
    (exported / "model.onnx").write_bytes(b"no graph")
    meta = json.loads((exported / "meta.json").read_text())
    meta["sha256"]["model.onnx"] = sha256(exported / "model.onnx")
    (exported / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(ModelError, match="cannot be rounded to int8 .*use precision fp32"):
        quantise(exported, target)
    assert logging.root.manager.disable == logging.NOTSET


def test_weights_that_rounding_destroys_are_refused(encoder: Encoder, cache: Path, tmp_path: Path) -> None:
    exported, target = tmp_path / "exported", tmp_path / "target"
    shutil.copytree(cache / encoder.identity.fingerprint, exported)
    target.mkdir()
    graph = onnx.load(exported / "model.onnx")
    for weights in graph.graph.initializer:
        values = numpy_helper.to_array(weights).copy()
        if values.ndim == 2 and values.shape == (384, 384):  # one outlier an output leaves the rest a step or none
            values[0, :] = 60.0
            weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(graph, exported / "model.onnx")
    meta = json.loads((exported / "meta.json").read_text())
    meta["sha256"]["model.onnx"] = sha256(exported / "model.onnx")
    (exported / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(ModelError, match=r"keeps a cosine of -?0\.\d\d to its exact vectors, at least 0.95"):
        quantise(exported, target)
