import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.onnx import OnnxEncoder, _little_padded, without_surrogates
from kbserver.errors import IngestError, ModelError

SENTENCES = (
    "The engineer calls thirty minutes before the visit and brings a router, two filters and a "
    "cable. "
)
TEXTS = [
    "how do i reset my pin",
    "",
    "Öffnungszeiten am Sonntag? 営業時間は何時ですか 🎉",
    SENTENCES
    * 10,  # 191 tokens: beyond the 128 that the published tokenizer.json cuts at
    "ok",
    SENTENCES * 3,
]
OPEN_AND_EMBED = """
import sys
from pathlib import Path
from kbserver.embedding.models import open_encoder
from kbserver.types import ModelIdentity
identity = ModelIdentity(sys.argv[1], sys.argv[2], 384, 256)
with open_encoder(identity, cache=Path(sys.argv[3]), for_queries=True) as encoder:
    print(encoder.embed_queries(["how do i reset my pin"]).shape)
heavy = ("torch", "transformers", "sentence_transformers", "onnx")
print(sorted(name for name in sys.modules if name in heavy))
"""


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
    sizes = [[tokens[row].size for row in run] for run in runs]
    assert sizes == [[250], [30], [12, 11, 10, 9], [8, 7, 6, 5]]
    assert sorted(row for run in runs for row in run) == list(range(10))


def test_nothing_in_gives_nothing_out(encoder: Encoder) -> None:
    assert encoder.embed_passages([]).shape == (0, 384)
    assert encoder.embed_queries([]).shape == (0, 384)


def test_an_over_long_query_is_cut_where_the_model_ends(encoder: Encoder) -> None:
    cut, cut_further_on = encoder.embed_queries(["word " * 300, "word " * 400])
    np.testing.assert_allclose(cut, cut_further_on, atol=1e-6)


def test_a_passage_over_the_limit_is_refused_and_named(encoder: Encoder) -> None:
    tokens = encoder.count_tokens(SENTENCES * 20)
    complaint = rf"passage 1 .*The engineer.* is {tokens} tokens long.* at most 256"
    with pytest.raises(IngestError, match=complaint):
        encoder.embed_passages(["fits", SENTENCES * 20])


def test_a_passage_of_exactly_the_limit_is_taken(encoder: Encoder) -> None:
    text = "word " * 254  # and two special tokens
    assert encoder.count_tokens(text) == 256
    assert encoder.embed_passages([text]).shape == (1, 384)
    with pytest.raises(IngestError, match="257 tokens"):
        encoder.embed_passages([text + "word"])


def test_progress_adds_up_to_the_passages(encoder: Encoder) -> None:
    steps: list[int] = []
    texts = [f"passage {number}" for number in range(400)]
    encoder.embed_passages(texts, on_progress=steps.append)
    assert sum(steps) == 400
    assert len(steps) > 1


def test_an_interrupted_call_leaves_the_encoder_usable(encoder: Encoder) -> None:
    def interrupt(passages: int) -> None:
        raise KeyboardInterrupt

    texts = [f"passage {number}" for number in range(400)]
    with pytest.raises(KeyboardInterrupt):
        encoder.embed_passages(texts, on_progress=interrupt)
    assert encoder.embed_passages(texts[:3]).shape == (3, 384)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("reset \ud800 pin", "reset ? pin"),
        ("\udfff", "?"),
        ("grüße 🎉", "grüße 🎉"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_lone_surrogates_become_question_marks(text: str, wanted: str) -> None:
    assert without_surrogates(text) == wanted


def test_lone_surrogates_are_embedded_as_question_marks(encoder: Encoder) -> None:
    odd = json.loads('"reset \\ud800 pin"')
    found = encoder.embed_queries([odd])
    np.testing.assert_array_equal(found, encoder.embed_queries(["reset ? pin"]))
    assert encoder.count_tokens(odd) == encoder.count_tokens("reset ? pin")


def test_a_graph_that_cannot_be_loaded_is_named(
    encoder: Encoder, cache: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "export"
    shutil.copytree(cache / encoder.identity.fingerprint, folder)
    meta = json.loads((folder / "meta.json").read_text())
    del meta["sha256"]["model.onnx"]
    (folder / "meta.json").write_text(json.dumps(meta))
    (folder / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="cannot be loaded .*; delete that folder"):
        OnnxEncoder(folder)


def test_serving_opens_without_torch_and_without_onnx(
    encoder: Encoder, cache: Path
) -> None:
    identity = encoder.identity
    arguments = [identity.name, identity.fingerprint, str(cache)]
    ran = subprocess.run(
        [sys.executable, "-c", OPEN_AND_EMBED, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.splitlines() == ["(1, 384)", "[]"], ran.stderr
    assert ran.stderr == ""
