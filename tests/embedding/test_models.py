import json
import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.export_meta import EXPORT_FORMATS
from kbserver.embedding.models import (
    check_present,
    is_exported,
    open_encoder,
    recognise,
)
from kbserver.embedding.source import DEFAULT_IDENTITY, resolve
from kbserver.errors import ModelError, SnapshotMismatch
from kbserver.settings import DEFAULT_MODEL
from kbserver.types import ModelIdentity

TEXTS = [
    "how do i reset my pin",
    "the light on my router is red",
    "what does a paper bill cost",
]
RUN_COMMAND = """
import runpy, sys
sys.argv = ["kbserver", *sys.argv[1:]]
try:
    runpy.run_module("kbserver", run_name="__main__")
finally:
    names = ("torch", "transformers", "sentence_transformers")
    print("IMPORTED", [name for name in names if name in sys.modules])
"""


def test_the_default_model_is_the_one_its_authors_published(encoder: Encoder) -> None:
    identity = encoder.identity
    assert identity.name == DEFAULT_MODEL
    assert (identity.dim, identity.max_tokens) == (384, 256)
    assert identity.fingerprint == resolve(DEFAULT_MODEL).fingerprint


def test_the_default_commands_never_import_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KBSERVER_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pin.md").write_text(
        "# PIN\n\nReset the PIN in the settings.\n"
    )
    commands = [
        ("ingest", "docs"),
        ("query", "how do i reset my pin"),
        ("export", "docs", "docs.kb"),
        ("import", "docs.kb", "--store", "other"),
        ("query", "how do i reset my pin", "--store", "other"),
    ]
    for command in commands:
        ran = subprocess.run(
            [sys.executable, "-c", RUN_COMMAND, *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stdout.endswith("IMPORTED []\n"), (command, ran.stdout, ran.stderr)
        assert "Traceback" not in ran.stderr
        said = "is prepared for this user when it is first served"
        assert said not in ran.stderr
    assert "PIN" in ran.stdout
    assert not list(tmp_path.glob("*/.models"))  # the second store needed no export


def test_an_import_says_if_the_model_must_be_prepared_first(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KBSERVER_MODELS", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path)
    for command in (
        ("export", "support", "support.kb", "--store", str(store)),
        ("import", "support.kb", "--store", "other"),
    ):
        ran = subprocess.run(
            [sys.executable, "-m", "kbserver", *command],
            capture_output=True,
            text=True,
            check=True,
        )
    assert (
        f"{DEFAULT_MODEL} is prepared for this user when it is first served"
        in ran.stderr
    )


def test_a_name_that_now_stands_for_another_model_is_refused(
    encoder: Encoder, tmp_path: Path
) -> None:
    built_with = replace(encoder.identity, fingerprint="f" * 32)
    complaint = rf"{'f' * 32}.*now holds {encoder.identity.fingerprint}"
    for look in (check_present, partial(open_encoder, for_queries=True)):
        with pytest.raises(SnapshotMismatch, match=complaint):
            look(built_with, cache=tmp_path / "models")


def test_a_model_that_is_gone_is_missed_unless_its_export_is_there(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    moved = replace(encoder.identity, name="./model-that-was-deleted")
    check_present(moved, cache=cache)
    check_present(encoder.identity, cache=tmp_path / "models")
    with pytest.raises(ModelError, match="no such folder"):
        check_present(moved, cache=tmp_path / "models")
    with pytest.raises(ModelError, match="no such folder"):
        check_present(moved, cache=cache, backend="torch")


def test_an_int8_export_is_enough_unless_fp32_is_wanted(
    encoder: Encoder, tmp_path: Path
) -> None:
    (tmp_path / f"{encoder.identity.fingerprint}-int8").mkdir()
    assert is_exported(encoder.identity, cache=tmp_path, precision="auto")
    assert is_exported(encoder.identity, cache=tmp_path, precision="int8")
    assert not is_exported(encoder.identity, cache=tmp_path)


def test_a_snapshots_model_is_served_though_the_original_is_gone(
    encoder: Encoder, cache: Path
) -> None:
    moved = replace(encoder.identity, name="./model-that-was-deleted")
    with open_encoder(moved, cache=cache, for_queries=True) as opened:
        assert opened.identity == moved
        np.testing.assert_array_equal(
            opened.embed_queries(["hello"]), encoder.embed_queries(["hello"])
        )


@pytest.mark.parametrize(
    ("time_of_exact", "wanted"), [(0.5, "onnx int8"), (0.95, "onnx fp32")]
)
def test_with_precision_auto_queries_run_at_int8_where_that_is_quicker(
    time_of_exact: float, wanted: str, encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    model = encoder.identity
    open_encoder(model, cache=cache, precision="auto", for_queries=True).close()
    shutil.copytree(cache, tmp_path / "models")
    meta_file = tmp_path / "models" / f"{model.fingerprint}-int8" / "meta.json"
    meta = json.loads(meta_file.read_text())
    meta_file.write_text(json.dumps(meta | {"time_of_exact": time_of_exact}))
    auto = partial(open_encoder, model, cache=tmp_path / "models", precision="auto")
    with auto(for_queries=True) as opened:
        assert opened.backend == wanted
        assert opened.identity == model
        cosines = (opened.embed_queries(TEXTS) * encoder.embed_queries(TEXTS)).sum(
            axis=1
        )
    assert (cosines > 0.99).all()
    with auto(for_queries=False) as for_passages:
        assert for_passages.backend == "onnx fp32"


def test_an_ingest_prepares_the_int8_export_for_serving(
    encoder: Encoder, cache: Path
) -> None:
    with open_encoder(DEFAULT_MODEL, cache=cache, for_queries=False) as opened:
        assert opened.backend == "onnx fp32"
    folder = cache / f"{encoder.identity.fingerprint}-int8"
    assert (folder / "model.onnx").is_file()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (
            {"format": 1},
            f"exported in format 1, this version reads {EXPORT_FORMATS['int8']}",
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
def test_an_int8_export_of_an_older_format_or_another_processor_is_made_anew(
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
    assert complaint in caplog.text
    assert "the export is made anew" in caplog.text
    measured = {"time_of_exact": 0.0}
    assert json.loads(meta_file.read_text()) | measured == meta | measured


def test_a_model_that_cannot_be_quantised_is_embedded_with_exactly(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    model = encoder.identity
    shutil.copytree(cache / model.fingerprint, tmp_path / model.fingerprint)
    refusal = tmp_path / f"{model.fingerprint}-int8.not-exported.txt"
    refusal.write_text("it cannot be quantised\n")
    with open_encoder(
        model, cache=tmp_path, precision="auto", for_queries=True
    ) as opened:
        assert opened.backend == "onnx fp32"
    complaint = (
        r"^it cannot be quantised; use precision fp32, or delete .*-int8\.not-exported"
    )
    with pytest.raises(ModelError, match=complaint):
        open_encoder(model, cache=tmp_path, precision="int8", for_queries=True)


def test_prompts_of_a_model_are_put_before_queries_and_passages(
    small_model: Path, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    oracle = SentenceTransformer(str(small_model), device="cpu")
    query, passage = oracle.encode(
        ["query: reset the pin", "passage: reset the pin"],
        normalize_embeddings=True,
        show_progress_bar=False,
    )
    for backend in ("onnx", "torch"):
        with open_encoder(
            str(small_model),
            cache=tmp_path / "models",
            backend=backend,
            for_queries=True,
        ) as encoder:
            assert encoder.backend.startswith(backend)
            (of_query,) = encoder.embed_queries(["reset the pin"])
            (of_passage,) = encoder.embed_passages(["reset the pin"])
            np.testing.assert_allclose(of_query, query, atol=1e-5)
            np.testing.assert_allclose(of_passage, passage, atol=1e-5)
            # "passage", ":", three words and two special tokens
            assert encoder.count_tokens("reset the pin") == 7


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
    files = [file.name for file in cache.iterdir() if file.name != ".lock"]
    assert files == [first.identity.fingerprint]


def test_a_model_that_cannot_be_exported_runs_on_torch(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    words = Tokenizer.from_file(str(resolve(DEFAULT_MODEL).folder / "tokenizer.json"))
    random = np.random.default_rng(0)
    table = random.standard_normal((words.get_vocab_size(), 16)).astype(np.float32)
    static = SentenceTransformer(
        modules=[StaticEmbedding(words, embedding_weights=table)], device="cpu"
    )
    folder, cache = str(tmp_path / "model"), tmp_path / "models"
    static.save(folder)
    wanted = static.encode(
        ["reset my pin"], normalize_embeddings=True, show_progress_bar=False
    )
    for _ in range(2):
        caplog.clear()
        with (
            caplog.at_level(logging.INFO, "kbserver"),
            open_encoder(folder, cache=cache, for_queries=True) as encoder,
        ):
            assert encoder.backend == "torch cpu"
            found = encoder.embed_queries(["reset my pin"])
        np.testing.assert_allclose(found, wanted, atol=1e-5)
        assert "not token ids and a mask; it runs on torch" in caplog.text
    assert "preparing" not in caplog.text  # the second time nothing is tried again
    with pytest.raises(ModelError, match="not token ids and a mask; use backend torch"):
        open_encoder(folder, cache=cache, backend="onnx", for_queries=True)


def test_a_folder_that_is_no_model_to_sentence_transformers_is_named(
    tmp_path: Path,
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "no such type"}))
    complaint = "sentence-transformers cannot load this model"
    with pytest.raises(ModelError, match=complaint):
        open_encoder(str(tmp_path), cache=tmp_path / "models", for_queries=True)


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    complaint = "the exported model cannot be written here"
    with pytest.raises(ModelError, match=complaint):
        open_encoder(DEFAULT_MODEL, cache=tmp_path / "models", for_queries=True)


def test_the_default_model_is_known_by_its_fingerprint(
    encoder: Encoder, tmp_path: Path
) -> None:
    renamed = replace(encoder.identity, name="evil/model")
    assert recognise(renamed, cache=tmp_path) == encoder.identity == DEFAULT_IDENTITY


def test_a_model_is_known_once_it_is_exported_here(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    shutil.copytree(cache / encoder.identity.fingerprint, tmp_path / ("e" * 32))
    meta_file = tmp_path / ("e" * 32) / "meta.json"
    meta = json.loads(meta_file.read_text())
    meta["identity"] |= {"fingerprint": "e" * 32, "name": "mine"}
    meta_file.write_text(json.dumps(meta))
    mine = replace(encoder.identity, fingerprint="e" * 32, name="mine")
    assert recognise(replace(mine, name="theirs"), cache=tmp_path) == mine


@pytest.mark.parametrize("trusted", [None, "other", "evil/model "])
def test_an_unknown_model_needs_the_users_word(
    trusted: str | None, tmp_path: Path
) -> None:
    unknown = ModelIdentity("evil/model", "e" * 32, 384, 256)
    with pytest.raises(ModelError, match="not known.*--trust-model evil/model"):
        recognise(unknown, cache=tmp_path, trusted=trusted)
    assert recognise(unknown, cache=tmp_path, trusted="evil/model") == unknown


def test_a_model_that_is_known_by_other_vectors_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="length 384.*found 16"):
        recognise(replace(DEFAULT_IDENTITY, dim=16), cache=tmp_path)
