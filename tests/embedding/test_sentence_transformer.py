import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from kbserver.embedding.export.graph import constants_of
from kbserver.embedding.export_meta import NotExportable
from kbserver.errors import IngestError

pytestmark = pytest.mark.xdist_group(
    "torch"
)  # one process for all tests that load torch


def test_rows_come_back_in_the_order_given_whatever_their_length(
    small_model: Path,
) -> None:
    from kbserver.embedding.sentence_transformer import SentenceTransformerEncoder

    texts = [f"passage {number} " + "word " * (number * 7 % 60) for number in range(70)]
    steps: list[int] = []
    with SentenceTransformerEncoder(
        small_model, name="small", fingerprint="f", device="cpu"
    ) as encoder:
        assert (encoder.identity.dim, encoder.identity.max_tokens, encoder.backend) == (
            32,
            256,
            "torch cpu",
        )
        together = encoder.embed_passages(texts, on_progress=steps.append)
        one_by_one = np.concatenate([encoder.embed_passages([text]) for text in texts])
        assert encoder.embed_queries([]).shape == (0, 32)
    np.testing.assert_allclose(together, one_by_one, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)
    assert (sum(steps), len(steps)) == (70, 3)


def test_a_passage_over_the_limit_is_refused_and_a_query_is_cut(
    small_model: Path,
) -> None:
    from kbserver.embedding.sentence_transformer import SentenceTransformerEncoder

    with SentenceTransformerEncoder(
        small_model, name="small", fingerprint="f", device="cpu"
    ) as encoder:
        with pytest.raises(
            IngestError,
            match="passage 1 .* is 304 tokens long, small reads at most 256",
        ):
            encoder.embed_passages(["fits", "word " * 300])
        cut, cut_further_on = encoder.embed_queries(["word " * 300, "word " * 400])
    np.testing.assert_array_equal(cut, cut_further_on)


def test_a_pipeline_that_the_export_does_not_carry_is_not_exported(
    small_model: Path, tmp_path: Path
) -> None:
    from kbserver.embedding.sentence_transformer import export_onnx

    pooling = json.loads((small_model / "1_Pooling" / "config.json").read_text())
    (small_model / "1_Pooling" / "config.json").write_text(
        json.dumps(pooling | {"include_prompt": False})
    )
    target = tmp_path / "export"
    target.mkdir()
    with pytest.raises(
        NotExportable,
        match=r"small exported to ONNX gives vectors that differ by .*; at most 1e-04",
    ):
        export_onnx(small_model, target, name="small", fingerprint="f")


def test_an_export_says_nothing_but_what_it_returns(
    small_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from kbserver.embedding.sentence_transformer import export_onnx

    target = tmp_path / "export"
    target.mkdir()
    meta = export_onnx(small_model, target, name="small", fingerprint="f")
    assert (meta.query_prompt, meta.passage_prompt) == ("query: ", "passage: ")
    assert meta.difference < 1e-5
    assert capfd.readouterr() == ("", "")


def test_an_export_works_nothing_out_that_follows_from_its_inputs(
    small_model: Path, tmp_path: Path
) -> None:
    from kbserver.embedding.sentence_transformer import export_onnx

    export_onnx(small_model, tmp_path, name="small", fingerprint="f")
    graph = onnx.load(tmp_path / "model.onnx", load_external_data=False).graph
    constants = constants_of(graph)
    assert all(
        node.input[1] in constants for node in graph.node if node.op_type == "Reshape"
    )
    of_a_mask_for_any_pattern = {"Range", "ConstantOfShape", "Where"}
    assert not of_a_mask_for_any_pattern & {node.op_type for node in graph.node}
