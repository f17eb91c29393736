import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from kbserver.embedding.base import Encoder
from kbserver.embedding.export.quantised import quantise
from kbserver.embedding.export.sentences import SENTENCES
from kbserver.embedding.export_meta import ExportMeta, NotExportable, sha256
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
    source = cache / encoder.identity.fingerprint
    return Path(shutil.copytree(source, tmp_path / "exported"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def twin(
    encoder: Encoder, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The default model quantised; not to be changed."""
    folder = tmp_path_factory.mktemp("twin")
    quantise(cache / encoder.identity.fingerprint, folder)
    return folder


def test_a_quantised_vector_is_near_the_exact_one_alone_and_in_a_batch(
    encoder: Encoder, cache: Path, twin: Path
) -> None:
    meta = ExportMeta.read(twin)
    assert meta.precision == "int8"
    assert 1e-4 < meta.difference < 2e-2
    source = cache / encoder.identity.fingerprint
    with OnnxEncoder(twin) as quantised, OnnxEncoder(source) as exact:
        assert quantised.backend == "onnx int8"
        alone = np.concatenate([quantised.embed_queries([text]) for text in QUESTIONS])
        together = quantised.embed_queries(QUESTIONS)
        np.testing.assert_allclose(together, alone, atol=1e-5)
        cosines = (alone * exact.embed_queries(QUESTIONS)).sum(axis=1)
        assert (cosines > 0.998).all()
        assert (cosines < 0.99999).all()
        calibrated = quantised.embed_queries(SENTENCES) * exact.embed_queries(SENTENCES)
        assert calibrated.sum(axis=1).mean() > 0.999
    modes = {file.stat().st_mode & 0o777 for file in twin.iterdir()}
    assert modes == {(twin / "model.onnx").stat().st_mode & 0o777}


def test_every_product_with_weights_is_quantised(twin: Path) -> None:
    graph = onnx.load(twin / "model.onnx", load_external_data=False).graph
    operators = [node.op_type for node in graph.node]
    assert "MatMul" not in operators
    products = ("MatMulIntegerToFloat", "MatMulNBits")
    assert sum(operators.count(product) for product in products) == 36
    assert operators.count("MatMulNBits") == 4  # behind activation functions


def test_a_processor_that_gives_other_vectors_is_found_out(
    twin: Path, tmp_path: Path
) -> None:
    target = Path(shutil.copytree(twin, tmp_path / "twin"))
    meta = json.loads((target / "meta.json").read_text())
    meta["reference"]["text"] = "something else"
    (target / "meta.json").write_text(json.dumps(meta))
    complaint = (
        r"on this processor a vector is at a cosine of -?0\.\d{3} to the exact one"
    )
    with pytest.raises(ModelError, match=complaint):
        OnnxEncoder(target)


def test_a_graph_that_cannot_be_quantised_says_so(exported: Path, target: Path) -> None:
    (exported / "model.onnx").write_bytes(b"no graph")
    vouch_for(exported)
    with pytest.raises(NotExportable, match="cannot be quantised to int8"):
        quantise(exported, target)


def test_a_full_disk_is_not_held_against_the_model(
    exported: Path, target: Path
) -> None:
    resource = pytest.importorskip("resource")  # not on Windows
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    largest_file = 1 << 22
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            quantise(exported, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_weights_that_quantisation_destroys_are_refused(
    exported: Path, target: Path
) -> None:
    random = np.random.default_rng(5)
    model = onnx.load(exported / "model.onnx")
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).copy()
        if values.shape != (384, 384):
            continue
        # An outlier a column leaves the other weights one level, or none.
        values[random.integers(0, 384, 384), np.arange(384)] = 60.0
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, exported / "model.onnx")
    vouch_for(exported)
    complaint = r"keeps a cosine of -?0\.\d{3} to its exact vectors, at least 0.995"
    with pytest.raises(NotExportable, match=complaint):
        quantise(exported, target)


def vouch_for(exported: Path) -> None:
    """Write the digest of the graph as it now is into `meta.json`."""
    meta = json.loads((exported / "meta.json").read_text())
    meta["sha256"]["model.onnx"] = sha256(exported / "model.onnx")
    (exported / "meta.json").write_text(json.dumps(meta))
