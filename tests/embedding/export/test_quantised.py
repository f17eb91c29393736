import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from kbserver.embedding.base import Encoder
from kbserver.embedding.export.quantised import quantise
from kbserver.embedding.export_meta import sha256
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.errors import ModelError

QUESTIONS = [
    "pin",
    "how do i reset my pin",
    "the light on my router is red",
    "uh what does a paper bill cost if i am already paying for the other one every month",
]


@pytest.fixture
def exported(encoder: Encoder, cache: Path, tmp_path: Path) -> Path:
    """A copy of the default model's export, to be changed at will."""
    return Path(
        shutil.copytree(cache / encoder.identity.fingerprint, tmp_path / "exported")
    )


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def test_a_rounded_vector_is_near_the_exact_one_whoever_else_is_in_its_run(
    encoder: Encoder, exported: Path, target: Path
) -> None:
    meta = quantise(exported, target)
    assert meta.precision == "int8" and 1e-4 < meta.difference < 2e-2
    with OnnxEncoder(target) as rounded, OnnxEncoder(exported) as exact:
        assert rounded.backend == "onnx int8"
        alone = np.concatenate([rounded.embed_queries([text]) for text in QUESTIONS])
        np.testing.assert_allclose(rounded.embed_queries(QUESTIONS), alone, atol=1e-5)
        cosines = (alone * exact.embed_queries(QUESTIONS)).sum(axis=1)
    assert (cosines > 0.998).all() and (cosines < 0.99999).all()
    assert {file.stat().st_mode & 0o777 for file in target.iterdir()} == {
        (target / "model.onnx").stat().st_mode & 0o777
    }


def test_a_processor_that_makes_other_vectors_of_it_is_found_out(
    exported: Path, target: Path
) -> None:
    quantise(exported, target)
    meta = json.loads((target / "meta.json").read_text())
    meta["reference"]["text"] = "something else"
    (target / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(
        ModelError,
        match=r"on this processor a vector is at a cosine of -?0\.\d{3} to the exact one",
    ):
        OnnxEncoder(target)


def test_a_graph_that_cannot_be_rounded_says_so(exported: Path, target: Path) -> None:
    (exported / "model.onnx").write_bytes(b"no graph")
    vouch_for(exported)
    with pytest.raises(ModelError, match="cannot be rounded to int8"):
        quantise(exported, target)


def test_a_full_disk_is_not_held_against_the_model(
    exported: Path, target: Path
) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (1 << 22, before[1])
    )  # no file may be larger
    try:
        with pytest.raises(OSError, match="too large"):
            quantise(exported, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_weights_that_rounding_destroys_are_refused(
    exported: Path, target: Path
) -> None:
    random = np.random.default_rng(5)
    graph = onnx.load(exported / "model.onnx")
    for weights in graph.graph.initializer:
        values = numpy_helper.to_array(weights).copy()
        if values.ndim == 2 and values.shape == (
            384,
            384,
        ):  # an outlier a column leaves the rest a step or none
            values[random.integers(0, 384, 384), np.arange(384)] = 60.0
            weights.CopyFrom(numpy_helper.from_array(values, weights.name))
    onnx.save(graph, exported / "model.onnx")
    vouch_for(exported)
    with pytest.raises(
        ModelError,
        match=r"keeps a cosine of -?0\.\d{3} to its exact vectors, at least 0.995",
    ):
        quantise(exported, target)


def vouch_for(exported: Path) -> None:
    """Write what its graph now is into `meta.json`."""
    meta = json.loads((exported / "meta.json").read_text())
    meta["sha256"]["model.onnx"] = sha256(exported / "model.onnx")
    (exported / "meta.json").write_text(json.dumps(meta))
