import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.models import (
    DEFAULT_MODEL,
    DEFAULT_WEIGHTS_SHA256,
    ModelSource,
    check_present,
    check_weights,
    open_encoder,
    resolve,
)
from kbserver.embedding.onnx import EXPORT_FORMATS, OnnxEncoder
from kbserver.errors import ModelError, SnapshotMismatch
from kbserver.types import FloatMatrix

FILES = {
    "model.safetensors": "weights",
    "config.json": "{}",
    "tokenizer.json": "{}",
    "vocab.txt": "words",
    "modules.json": '[{"path": ""}, {"path": "1_Pooling"}, {"path": "2_Normalize"}]',
    "1_Pooling/config.json": "{}",
    "config_sentence_transformers.json": "{}",
}
SENTENCES = "The engineer calls thirty minutes before the visit and brings a router, two filters and a cable. "


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The files of a model as far as resolving and fingerprinting look at them."""
    folder = tmp_path / "files"
    for file, text in FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return folder


def test_the_default_model_is_the_one_its_authors_published(encoder: Encoder) -> None:
    assert (
        encoder.identity.name,
        encoder.identity.dim,
        encoder.identity.max_tokens,
    ) == (
        DEFAULT_MODEL,
        384,
        256,
    )
    assert (
        resolve(f"sentence-transformers/{DEFAULT_MODEL}").fingerprint
        == encoder.identity.fingerprint
    )


def test_weights_that_are_not_the_published_ones_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"something else")
    with pytest.raises(
        ModelError,
        match=rf"model\.safetensors: SHA-256 .*[0-9a-f]{{64}}, published is {DEFAULT_WEIGHTS_SHA256}",
    ):
        check_weights(weights, DEFAULT_WEIGHTS_SHA256)


def test_a_folder_is_a_model_only_with_its_files(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="neither modules.json nor config.json"):
        resolve(str(tmp_path))
    with pytest.raises(ModelError, match="no such folder"):
        resolve("./nowhere/at/all")


def test_a_broken_module_list_is_named(files: Path) -> None:
    (files / "modules.json").write_text('{"not": "a list"}')
    with pytest.raises(ModelError, match=r"modules\.json: not a list of modules"):
        _ = resolve(str(files)).fingerprint


def test_a_hub_name_that_cannot_be_had_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"acme/no-such-model: .*give its path"):
        resolve("acme/no-such-model")


def test_a_hub_name_is_found_offline_in_the_hubs_own_cache(
    files: Path, tmp_path: Path
) -> None:
    revision = "0" * 39 + "1"
    repository = tmp_path / "models--sentence-transformers--a-small-model"
    shutil.copytree(files, repository / "snapshots" / revision)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(revision)
    program = (
        "from kbserver.embedding.models import resolve;"
        "source = resolve('a-small-model'); print(source.folder); print(source.fingerprint)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = [
        str(repository / "snapshots" / revision),
        ModelSource("x", files).fingerprint,
    ]
    assert ran.stdout.split() == found, ran.stderr


def test_the_fingerprint_is_the_same_wherever_the_model_lies(
    files: Path, tmp_path: Path
) -> None:
    before = ModelSource("x", files).fingerprint
    copy = tmp_path / "elsewhere"
    shutil.copytree(files, copy)
    (copy / "README.md").write_text("other words")
    (copy / "onnx").mkdir()
    (copy / "onnx" / "model.onnx").write_bytes(b"another format's weights")
    (copy / "pytorch_model.bin").write_bytes(b"the same weights, pickled")
    assert ModelSource("y", copy).fingerprint == before


@pytest.mark.parametrize("file", FILES)
def test_whatever_makes_the_vectors_makes_the_fingerprint(
    files: Path, file: str
) -> None:
    before = ModelSource("x", files).fingerprint
    with (files / file).open("ab") as stream:
        stream.write(b"\n")
    assert ModelSource("x", files).fingerprint != before


def test_a_name_that_now_stands_for_another_model_is_refused(
    encoder: Encoder, tmp_path: Path
) -> None:
    built_with = replace(encoder.identity, fingerprint="f" * 32)
    for look in (check_present, partial(open_encoder, for_queries=True)):
        with pytest.raises(
            SnapshotMismatch,
            match=rf"{'f' * 32}.*now holds {encoder.identity.fingerprint}",
        ):
            look(built_with, cache=tmp_path / "models")


def test_a_model_that_is_gone_is_missed_unless_its_export_is_there(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    moved = replace(encoder.identity, name="./model-that-was-deleted")
    check_present(moved, cache=cache)
    check_present(encoder.identity, cache=tmp_path / "models")
    for where, backend in ((tmp_path / "models", "auto"), (cache, "torch")):
        with pytest.raises(ModelError, match="no such folder"):
            check_present(moved, cache=where, backend=backend)


def test_a_snapshots_model_is_served_though_the_original_is_gone(
    encoder: Encoder, cache: Path
) -> None:
    moved = replace(encoder.identity, name="./model-that-was-deleted")
    with open_encoder(moved, cache=cache, for_queries=True) as opened:
        assert opened.identity == moved
        np.testing.assert_array_equal(
            opened.embed_queries(["hello"]), encoder.embed_queries(["hello"])
        )


def test_options_that_exclude_each_other_are_refused(cache: Path) -> None:
    with pytest.raises(ModelError, match="int8 is for queries only"):
        open_encoder(DEFAULT_MODEL, cache=cache, precision="int8", for_queries=False)
    with pytest.raises(ModelError, match="int8 needs the backend onnx"):
        open_encoder(
            DEFAULT_MODEL,
            cache=cache,
            precision="int8",
            backend="torch",
            for_queries=True,
        )
    with pytest.raises(ModelError, match="onnx runs on the CPU, found device cuda"):
        open_encoder(
            DEFAULT_MODEL, cache=cache, backend="onnx", device="cuda", for_queries=True
        )


def test_with_precision_auto_queries_are_embedded_with_rounded_weights_where_that_is_quicker(
    encoder: Encoder, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [
        "how do i reset my pin",
        "the light on my router is red",
        "what does a paper bill cost",
    ]
    model = encoder.identity
    shutil.copytree(cache / model.fingerprint, tmp_path / model.fingerprint)
    slow = "int8"
    embed = OnnxEncoder.embed_queries

    def embed_queries(self: OnnxEncoder, texts: Sequence[str]) -> FloatMatrix:
        time.sleep(0.02 if self.backend.endswith(slow) else 0.0)
        return embed(self, texts)

    monkeypatch.setattr(OnnxEncoder, "embed_queries", embed_queries)
    for trial in ("just made", "opened again"):
        with open_encoder(
            model, cache=tmp_path, precision="auto", for_queries=True
        ) as auto:
            assert auto.backend == "onnx fp32" and auto.identity == model, trial
            np.testing.assert_array_equal(
                auto.embed_queries(texts), encoder.embed_queries(texts)
            )
    shutil.rmtree(tmp_path / f"{model.fingerprint}-int8")
    slow = "fp32"
    with (
        open_encoder(model, cache=tmp_path, precision="auto", for_queries=True) as auto,
        open_encoder(
            model, cache=tmp_path, precision="int8", for_queries=True
        ) as rounded,
        open_encoder(
            model, cache=tmp_path, precision="auto", for_queries=False
        ) as for_passages,
    ):
        assert (
            auto.backend == rounded.backend == "onnx int8"
            and for_passages.backend == "onnx fp32"
        )
        assert auto.identity == rounded.identity == encoder.identity
        np.testing.assert_array_equal(
            auto.embed_queries(texts), rounded.embed_queries(texts)
        )


@pytest.mark.xdist_group("torch")
def test_an_ingest_prepares_the_rounded_weights_for_the_serving_to_come(
    small_model: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "models"
    with open_encoder(str(small_model), cache=cache, for_queries=False) as opened:
        model = opened.identity
    assert (cache / f"{model.fingerprint}-int8" / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (
            {"format": 1},
            f"exported in format 1, this version reads {EXPORT_FORMATS['int8']}; the export is made anew",
        ),
        (
            {
                "reference": {
                    "text": "of another processor",
                    "vector": [384**-0.5] * 384,
                }
            },
            "on this processor a vector is at a cosine of",
        ),
    ],
)
def test_rounded_weights_of_an_older_format_or_another_processor_are_made_anew(
    changed: dict[str, object],
    complaint: str,
    encoder: Encoder,
    cache: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = encoder.identity
    with open_encoder(model, cache=cache, precision="auto", for_queries=True):
        shutil.copytree(cache, tmp_path / "models")
    meta_file = tmp_path / "models" / f"{model.fingerprint}-int8" / "meta.json"
    meta = json.loads(meta_file.read_text())
    meta_file.write_text(json.dumps(meta | changed))
    with open_encoder(
        model, cache=tmp_path / "models", precision="int8", for_queries=True
    ) as opened:
        assert opened.backend == "onnx int8"
    assert complaint in caplog.text and "the export is made anew" in caplog.text
    made = json.loads(meta_file.read_text())
    assert (
        made | {"time_of_exact": 0.0} == meta | {"time_of_exact": 0.0}
        and 0.0 < made["time_of_exact"] < 1.0
    )


def test_a_model_that_cannot_be_rounded_is_embedded_with_exactly(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    model = encoder.identity
    shutil.copytree(cache / model.fingerprint, tmp_path / model.fingerprint)
    (tmp_path / f"{model.fingerprint}-int8.not-exported.txt").write_text(
        "it cannot be rounded\n"
    )
    with open_encoder(
        model, cache=tmp_path, precision="auto", for_queries=True
    ) as opened:
        assert opened.backend == "onnx fp32"
    with pytest.raises(
        ModelError,
        match=r"^it cannot be rounded; use precision fp32, or delete .*-int8\.not-exported",
    ):
        open_encoder(model, cache=tmp_path, precision="int8", for_queries=True)


@pytest.mark.xdist_group("torch")
def test_prompts_of_a_model_are_put_before_queries_and_passages(
    small_model: Path, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    oracle = SentenceTransformer(str(small_model), device="cpu")
    cache = tmp_path / "models"
    for backend in ("onnx", "torch"):
        with open_encoder(
            str(small_model), cache=cache, backend=backend, for_queries=True
        ) as encoder:
            query = oracle.encode(
                ["query: reset the pin"],
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            passage = oracle.encode(
                ["passage: reset the pin"],
                normalize_embeddings=True,
                show_progress_bar=False,
            )
            np.testing.assert_allclose(
                encoder.embed_queries(["reset the pin"]), query, atol=1e-5
            )
            np.testing.assert_allclose(
                encoder.embed_passages(["reset the pin"]), passage, atol=1e-5
            )
            assert (
                encoder.count_tokens("reset the pin") == 7
            )  # passage : reset the pin, two special tokens


@pytest.mark.xdist_group("torch")
def test_other_poolings_and_further_modules_are_exported_whole(
    small_model: Path, tmp_path: Path
) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Dense, Pooling

    bert = SentenceTransformer(str(small_model), device="cpu")[0]
    torch.manual_seed(0)
    modules = [
        bert,
        Pooling(32, pooling_mode="cls"),
        Dense(32, 16),
    ]  # and none that makes unit vectors
    cls_then_dense = SentenceTransformer(modules=modules, device="cpu")
    cls_then_dense.save(str(tmp_path / "model"))
    texts = ["how do i reset my pin", SENTENCES * 10]
    wanted = cls_then_dense.encode(
        texts, normalize_embeddings=True, show_progress_bar=False
    )
    with open_encoder(
        str(tmp_path / "model"),
        cache=tmp_path / "models",
        backend="onnx",
        for_queries=True,
    ) as encoder:
        assert encoder.identity.dim == 16
        np.testing.assert_allclose(encoder.embed_queries(texts), wanted, atol=1e-4)


@pytest.mark.xdist_group("torch")
def test_a_damaged_export_is_made_anew(
    small_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = tmp_path / "models"
    with open_encoder(str(small_model), cache=cache, for_queries=True) as first:
        vector = first.embed_queries(["hello"])
    (cache / first.identity.fingerprint / "tokenizer.json").write_text("{}")
    with (
        caplog.at_level(logging.WARNING, "kbserver"),
        open_encoder(first.identity, cache=cache, for_queries=True) as again,
    ):
        np.testing.assert_allclose(again.embed_queries(["hello"]), vector, atol=1e-6)
    assert "tokenizer.json: SHA-256" in caplog.text
    assert [file.name for file in cache.iterdir() if file.name != ".lock"] == [
        first.identity.fingerprint
    ]


@pytest.mark.xdist_group("torch")
def test_a_model_that_cannot_be_exported_runs_on_torch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(resolve(DEFAULT_MODEL).folder / "tokenizer.json"))
    table = (
        np.random.default_rng(0)
        .standard_normal((words.get_vocab_size(), 16))
        .astype(np.float32)
    )
    static = SentenceTransformer(
        modules=[StaticEmbedding(words, embedding_weights=table)], device="cpu"
    )
    static.save(str(tmp_path / "model"))
    cache = tmp_path / "models"
    for _ in range(2):
        caplog.clear()
        with (
            caplog.at_level(logging.INFO, "kbserver"),
            open_encoder(
                str(tmp_path / "model"), cache=cache, for_queries=True
            ) as encoder,
        ):
            assert encoder.backend == "torch cpu"
            wanted = static.encode(
                ["reset my pin"], normalize_embeddings=True, show_progress_bar=False
            )
            np.testing.assert_allclose(
                encoder.embed_queries(["reset my pin"]), wanted, atol=1e-5
            )
        assert "not token ids and a mask; it runs on torch" in caplog.text
    assert "preparing" not in caplog.text  # the second time nothing is tried again
    with pytest.raises(ModelError, match="not token ids and a mask; use backend torch"):
        open_encoder(
            str(tmp_path / "model"), cache=cache, backend="onnx", for_queries=True
        )


@pytest.mark.xdist_group("torch")
def test_a_folder_that_is_no_model_to_sentence_transformers_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no such type"}))
    with pytest.raises(
        ModelError, match="sentence-transformers cannot load this model"
    ):
        open_encoder(str(tmp_path), cache=tmp_path / "models", for_queries=True)


def test_a_cache_that_cannot_be_written_says_so(
    encoder: Encoder, tmp_path: Path
) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    with pytest.raises(ModelError, match="the exported model cannot be written here"):
        open_encoder(DEFAULT_MODEL, cache=tmp_path / "models", for_queries=True)
