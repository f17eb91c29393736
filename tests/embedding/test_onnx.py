import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.onnx import OnnxEncoder, _little_padded
from kbserver.errors import IngestError, ModelError
from kbserver.settings import DEFAULT_MODEL

SENTENCES = "The engineer calls thirty minutes before the visit and brings a router, two filters and a cable. "
TEXTS = [
    "how do i reset my pin",
    "",
    "Öffnungszeiten am Sonntag? 営業時間は何時ですか 🎉",
    SENTENCES
    * 10,  # 191 tokens: beyond the 128 that the published tokenizer.json cuts at
    "ok",
    SENTENCES * 3,
]


@pytest.mark.xdist_group("torch")
def test_vectors_are_those_of_sentence_transformers(
    encoder: Encoder, published: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    oracle = SentenceTransformer(str(published), device="cpu")
    over_long = SENTENCES * 40
    wanted = oracle.encode(
        [*TEXTS, over_long], normalize_embeddings=True, show_progress_bar=False
    )
    assert np.abs(encoder.embed_queries([*TEXTS, over_long]) - wanted).max() < 1e-4
    assert np.abs(encoder.embed_passages(TEXTS) - wanted[:-1]).max() < 1e-4


def test_text_after_the_first_128_tokens_counts(encoder: Encoder) -> None:
    start = SENTENCES * 7
    assert encoder.count_tokens(start) > 128
    one, other = encoder.embed_passages(
        [start + "It costs ten pounds.", start + "Bring a dog."]
    )
    assert one @ other < 0.999


def test_vectors_have_unit_length_and_single_precision(encoder: Encoder) -> None:
    vectors = encoder.embed_passages(TEXTS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_rows_come_back_in_the_order_given_whatever_their_length(
    encoder: Encoder,
) -> None:
    texts = [f"passage {number} " + "word " * (number * 7 % 60) for number in range(40)]
    one_by_one = np.concatenate([encoder.embed_passages([text]) for text in texts])
    np.testing.assert_allclose(encoder.embed_passages(texts), one_by_one, atol=1e-5)


def test_queries_asked_together_get_the_vectors_they_get_alone(
    encoder: Encoder,
) -> None:
    texts = [
        SENTENCES * 8,
        "ok",
        "how do i reset my pin",
        *(f"question {'x ' * number}" for number in range(9)),
        "",
    ]
    alone = np.concatenate([encoder.embed_queries([text]) for text in texts])
    np.testing.assert_allclose(encoder.embed_queries(texts), alone, atol=1e-5)


def test_queries_run_together_are_few_and_of_like_length() -> None:
    tokens = [np.zeros(size, np.int64) for size in (5, 30, 12, 11, 10, 9, 8, 250, 7, 6)]
    runs = list(_little_padded(tokens, most=4))
    assert sorted(row for run in runs for row in run) == list(range(10))
    assert [[tokens[row].size for row in run] for run in runs] == [
        [250],
        [30],
        [12, 11, 10, 9],
        [8, 7, 6, 5],
    ]


def test_nothing_in_gives_nothing_out(encoder: Encoder) -> None:
    assert encoder.embed_passages([]).shape == (0, 384)
    assert encoder.embed_queries([]).shape == (0, 384)


def test_a_passage_over_the_limit_is_refused_and_named(encoder: Encoder) -> None:
    tokens = encoder.count_tokens(SENTENCES * 20)
    with pytest.raises(
        IngestError,
        match=rf"passage 1 .*The engineer.* is {tokens} tokens long.* at most 256",
    ):
        encoder.embed_passages(["fits", SENTENCES * 20])


def test_a_passage_of_exactly_the_limit_is_taken(encoder: Encoder) -> None:
    text = "word " * 254  # and two special tokens
    assert encoder.count_tokens(text) == 256
    assert encoder.embed_passages([text]).shape == (1, 384)
    with pytest.raises(IngestError, match="257 tokens"):
        encoder.embed_passages([text + "word"])


def test_progress_adds_up_to_the_passages(encoder: Encoder) -> None:
    steps: list[int] = []
    encoder.embed_passages(
        [f"passage {number}" for number in range(400)], on_progress=steps.append
    )
    assert sum(steps) == 400
    assert len(steps) > 1


def test_lone_surrogates_are_embedded_as_question_marks(encoder: Encoder) -> None:
    odd = json.loads('"reset \\ud800 pin"')
    np.testing.assert_array_equal(
        encoder.embed_queries([odd]), encoder.embed_queries(["reset ? pin"])
    )
    assert encoder.count_tokens(odd) == encoder.count_tokens("reset ? pin")


def test_a_changed_byte_is_found_before_the_model_is_used(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    shutil.copytree(cache / encoder.identity.fingerprint, folder)
    weights = bytearray((folder / "model.onnx").read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / "model.onnx").write_bytes(weights)
    with pytest.raises(
        ModelError,
        match=r"model\.onnx: SHA-256 is [0-9a-f]{64}, its meta\.json says [0-9a-f]{64}",
    ):
        OnnxEncoder(folder)


def test_an_export_of_another_format_is_refused(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    meta = json.loads((cache / encoder.identity.fingerprint / "meta.json").read_text())
    (tmp_path / "meta.json").write_text(json.dumps(meta | {"format": 99}))
    with pytest.raises(ModelError, match=r"format 99, this version reads \d+"):
        OnnxEncoder(tmp_path)


def test_serving_opens_in_well_under_two_seconds_and_without_torch(
    encoder: Encoder, cache: Path
) -> None:
    program = f"""
import sys, time
from pathlib import Path
from kbserver.embedding.models import open_encoder
from kbserver.types import ModelIdentity
begun = time.process_time()
with open_encoder({encoder.identity!r}, cache=Path({str(cache)!r}), for_queries=True) as encoder:
    print(encoder.embed_queries(["how do i reset my pin"]).shape)
print(time.process_time() - begun < 1.5)
print(sorted(name for name in sys.modules if name in ("torch", "transformers", "sentence_transformers", "onnx")))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.splitlines() == ["(1, 384)", "True", "[]"], ran.stderr
    assert ran.stderr == ""
    assert encoder.identity.name == DEFAULT_MODEL
