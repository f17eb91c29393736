"""Models whose graph is not written by hand, traced by torch."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from kbserver.embedding.export_meta import NotExportable
from kbserver.embedding.onnx import OnnxEncoder
from kbserver.embedding.source import ModelSource

TEXTS = ["how do i reset my pin", "ok", "The engineer calls before the visit. " * 20]


def test_further_modules_are_exported_whole(small_model: Path, tmp_path: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling

    from kbserver.embedding.export.traced import export_traced

    bert = SentenceTransformer(str(small_model), device="cpu")[0]
    torch.manual_seed(0)
    modules = [
        bert,
        Pooling(32, pooling_mode="cls"),
        Dense(32, 16),
    ]  # of no unit length
    model = SentenceTransformer(modules=modules, device="cpu")
    model.save(str(tmp_path / "model"))
    wanted = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    target = tmp_path / "export"
    target.mkdir()
    meta = export_traced(ModelSource("small", tmp_path / "model"), target)
    assert (meta.identity.dim, meta.identity.max_tokens) == (16, 256)
    with OnnxEncoder(target) as encoder:
        np.testing.assert_allclose(encoder.embed_queries(TEXTS), wanted, atol=1e-5)
        alone = [encoder.embed_queries([text])[0] for text in TEXTS]
        np.testing.assert_allclose(alone, wanted, atol=1e-5)


def test_another_architecture_is_exported(published: Path, tmp_path: Path) -> None:
    """RoBERTa counts its positions from the padding token on, and takes no token types."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import AutoTokenizer, RobertaConfig, RobertaModel

    from kbserver.embedding.export.traced import export_traced

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(published))
    config = RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        pad_token_id=tokenizer.pad_token_id,
    )
    tokenizer.save_pretrained(tmp_path / "roberta")
    RobertaModel(config).save_pretrained(tmp_path / "roberta")
    transformer = Transformer(str(tmp_path / "roberta"), max_seq_length=128)
    model = SentenceTransformer(modules=[transformer, Pooling(32)], device="cpu")
    model.save(str(tmp_path / "model"))
    wanted = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    target = tmp_path / "export"
    target.mkdir()
    export_traced(ModelSource("roberta", tmp_path / "model"), target)
    with OnnxEncoder(target) as encoder:
        np.testing.assert_allclose(encoder.embed_queries(TEXTS), wanted, atol=1e-5)


def test_an_export_says_nothing_but_what_it_returns(
    small_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from kbserver.embedding.export.traced import export_traced

    target = tmp_path / "export"
    target.mkdir()
    meta = export_traced(ModelSource("small", small_model), target)
    assert (meta.query_prompt, meta.passage_prompt) == ("query: ", "passage: ")
    assert {file.name for file in target.iterdir()} >= {"model.onnx", "tokenizer.json"}
    assert capfd.readouterr() == ("", "")


def test_a_torch_that_cannot_export_says_which_version_it_is(
    small_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from kbserver.embedding.export.traced import export_traced

    def export(*_: object, **options: object) -> None:
        raise TypeError("export() got an unexpected keyword argument 'dynamo'")

    monkeypatch.setattr(torch.onnx, "export", export)
    complaint = (
        rf"small cannot be exported to ONNX with torch {torch.__version__[:4]}.*dynamo"
    )
    with pytest.raises(NotExportable, match=complaint):
        export_traced(ModelSource("small", small_model), tmp_path)


def test_the_graph_takes_any_number_of_texts(small_model: Path, tmp_path: Path) -> None:
    from kbserver.embedding.export.traced import export_traced

    export_traced(ModelSource("small", small_model), tmp_path)
    graph = onnx.load(tmp_path / "model.onnx", load_external_data=False).graph
    for value in graph.input:
        sizes = [size.dim_param for size in value.type.tensor_type.shape.dim]
        assert sizes == ["texts", "tokens"]
