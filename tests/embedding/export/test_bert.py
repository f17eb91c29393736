"""Graphs that are written by hand, against sentence-transformers on the same folder."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file, save_file

from kbserver.embedding.base import Encoder
from kbserver.embedding.export.bert import write_graph
from kbserver.embedding.export.exact import export_exact
from kbserver.embedding.export.pipeline import NotWritable, read_pipeline
from kbserver.embedding.export.samples import SAMPLES
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.embedding.source import ModelSource
from kbserver.types import FloatMatrix
from tests.embedding.conftest import E5_PROMPTS, MakeModel

CLS = {
    "pooling_mode_cls_token": True,
    "pooling_mode_mean_tokens": False,
    "pooling_mode_max_tokens": False,
}
MODELS: dict[str, dict[str, Any]] = {
    "one layer": {},
    "cls pooling": {"pooling": CLS},
    "cls pooling, as saved today": {
        "pooling": {"pooling_mode": "cls", "include_prompt": True}
    },
    "prompts of e5": {"prompts": E5_PROMPTS},
    "other sizes": {
        "hidden_size": 48,
        "num_attention_heads": 6,
        "num_hidden_layers": 3,
        "intermediate_size": 80,
        "layer_norm_eps": 1e-5,
    },
    "one head": {"num_attention_heads": 1},
    "one token type": {"type_vocab_size": 1},
    "fp16 weights": {"dtype": "float16"},
    "bf16 weights": {"dtype": "bfloat16"},
}


def by_the_oracle(folder: Path, texts: list[str], prompt: str = "") -> FloatMatrix:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(folder), device="cpu", model_kwargs={"dtype": torch.float32}
    )
    vectors: FloatMatrix = model.encode(
        [prompt + text for text in texts],
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    return vectors


def written(folder: Path, target: Path) -> OnnxEncoder:
    """Open the export of a model; it was not traced by torch, which needs three inputs."""
    target.mkdir()
    meta = export_exact(ModelSource("small", folder), target)
    assert meta.inputs == ("input_ids", "attention_mask")
    return OnnxEncoder(target)


def test_the_default_model_gives_the_vectors_of_sentence_transformers(
    encoder: Encoder, published: Path
) -> None:
    wanted = by_the_oracle(published, list(SAMPLES))
    assert np.abs(encoder.embed_queries(SAMPLES) - wanted).max() < 1e-5
    fitting = [
        row for row, text in enumerate(SAMPLES) if encoder.count_tokens(text) <= 256
    ]
    passages = encoder.embed_passages([SAMPLES[row] for row in fitting])
    assert len(fitting) == len(SAMPLES) - 1
    assert np.abs(passages - wanted[fitting]).max() < 1e-5


@pytest.mark.parametrize("kind", MODELS)
def test_models_of_the_family_give_the_vectors_of_sentence_transformers(
    kind: str, make_model: MakeModel, tmp_path: Path
) -> None:
    folder = make_model(**MODELS[kind])
    prompts = MODELS[kind].get("prompts", {})
    with written(folder, tmp_path / "export") as encoder:
        queries = by_the_oracle(folder, list(SAMPLES), prompts.get("query", ""))
        assert np.abs(encoder.embed_queries(SAMPLES) - queries).max() < 1e-5
        passages = by_the_oracle(folder, list(SAMPLES[:6]), prompts.get("passage", ""))
        assert np.abs(encoder.embed_passages(SAMPLES[:6]) - passages).max() < 1e-5


def test_weights_saved_with_a_head_are_found(
    make_model: MakeModel, tmp_path: Path
) -> None:
    folder = make_model()
    weights = load_file(folder / "model.safetensors")
    wanted = by_the_oracle(folder, list(SAMPLES))
    renamed = {f"bert.{name}": values for name, values in weights.items()}
    renamed["cls.predictions.bias"] = np.zeros(3, np.float32)
    save_file(renamed, folder / "model.safetensors", {"format": "pt"})
    with written(folder, tmp_path / "export") as encoder:
        assert np.abs(encoder.embed_queries(SAMPLES) - wanted).max() < 1e-5


def test_lower_case_and_the_limit_come_from_the_folder(
    make_model: MakeModel, tmp_path: Path
) -> None:
    folder = make_model()
    (folder / "sentence_bert_config.json").write_text(
        '{"max_seq_length": 20, "do_lower_case": true}'
    )
    wanted = by_the_oracle(folder, list(SAMPLES))
    with written(folder, tmp_path / "export") as encoder:
        assert encoder.identity.max_tokens == 20
        assert np.abs(encoder.embed_queries(SAMPLES) - wanted).max() < 1e-5


def test_a_padded_text_gets_the_vector_it_gets_alone(
    make_model: MakeModel, tmp_path: Path
) -> None:
    texts = ["reset the pin", "reset the pin of the phone please"]
    for name, pooling in (("mean", None), ("cls", CLS)):
        folder = make_model(name, pooling=pooling)
        with written(folder, tmp_path / f"{name}-export") as encoder:
            together = encoder.embed_queries(texts)
            alone = [encoder.embed_queries([text])[0] for text in texts]
        np.testing.assert_allclose(together, alone, atol=1e-6)


def test_the_graph_holds_one_operator_for_attention_and_no_other_input(
    make_model: MakeModel, tmp_path: Path
) -> None:
    write_graph(read_pipeline(make_model(num_hidden_layers=2)), tmp_path)
    model = onnx.load(tmp_path / "model.onnx")
    operators = [node.op_type for node in model.graph.node]
    assert operators.count("MultiHeadAttention") == operators.count("Gelu") == 2
    assert not {"Softmax", "Transpose", "Reshape", "Erf"}.intersection(operators)
    assert [value.name for value in model.graph.input] == [
        "input_ids",
        "attention_mask",
    ]
    onnx.checker.check_model(model)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("remove", "the weights hold no encoder.layer.0.output.dense.bias"),
        ("cut", r"encoder.layer.0.output.dense.bias is of shape \[31\], wanted \[32\]"),
        ("whole numbers", "encoder.layer.0.output.dense.bias is stored as I64"),
    ],
)
def test_weights_that_do_not_fit_the_configuration_are_refused(
    change: str, complaint: str, make_model: MakeModel, tmp_path: Path
) -> None:
    folder = make_model()
    weights = load_file(folder / "model.safetensors")
    bias = weights.pop("encoder.layer.0.output.dense.bias")
    if change == "cut":
        weights["encoder.layer.0.output.dense.bias"] = bias[:-1]
    if change == "whole numbers":
        weights["encoder.layer.0.output.dense.bias"] = bias.astype(np.int64)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(NotWritable, match=complaint):
        write_graph(read_pipeline(folder), tmp_path)


def test_a_damaged_weights_file_is_refused(
    make_model: MakeModel, tmp_path: Path
) -> None:
    folder = make_model()
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(NotWritable, match="model.safetensors cannot be read"):
        write_graph(read_pipeline(folder), tmp_path)
