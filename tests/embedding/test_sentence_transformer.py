from pathlib import Path

import numpy as np
import pytest

from kbserver.errors import IngestError, ModelError
from tests.embedding.conftest import MakeModel

# Torch is imported in the tests: collecting, both processes would load it.


def test_rows_come_back_in_the_order_given_whatever_their_length(
    small_model: Path,
) -> None:
    from kbserver.embedding.sentence_transformer import SentenceTransformerEncoder

    texts = [f"passage {number} " + "word " * (number * 7 % 60) for number in range(70)]
    steps: list[int] = []
    with SentenceTransformerEncoder(
        small_model, name="small", fingerprint="f", device="cpu"
    ) as encoder:
        assert (encoder.identity.dim, encoder.identity.max_tokens) == (32, 256)
        assert encoder.backend == "torch cpu"
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

    complaint = "passage 1 .* is 304 tokens long, small reads at most 256"
    with SentenceTransformerEncoder(
        small_model, name="small", fingerprint="f", device="cpu"
    ) as encoder:
        with pytest.raises(IngestError, match=complaint):
            encoder.embed_passages(["fits", "word " * 300])
        cut, cut_further_on = encoder.embed_queries(["word " * 300, "word " * 400])
    np.testing.assert_array_equal(cut, cut_further_on)


@pytest.mark.parametrize(
    ("prompts", "wanted"),
    [
        ({}, ("", "")),
        ({"query": "q: ", "passage": "p: "}, ("q: ", "p: ")),
        ({"query": "q: ", "document": "d: ", "passage": "p: "}, ("q: ", "d: ")),
    ],
)
def test_the_prompts_are_those_that_a_written_export_has(
    prompts: dict[str, str], wanted: tuple[str, str], make_model: MakeModel
) -> None:
    from kbserver.embedding.export.pipeline import read_pipeline
    from kbserver.embedding.sentence_transformer import load_model, prompts_of

    folder = make_model(prompts=prompts)
    pipeline = read_pipeline(folder)
    assert prompts_of(load_model(folder, "cpu")) == wanted
    assert (pipeline.query_prompt, pipeline.passage_prompt) == wanted


def test_weights_stored_as_halves_are_embedded_with_in_single_precision(
    make_model: MakeModel,
) -> None:
    import torch

    from kbserver.embedding.sentence_transformer import load_model

    model = load_model(make_model(dtype="float16"), "cpu")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}


def test_a_device_that_is_not_there_says_what_to_do(small_model: Path) -> None:
    from kbserver.embedding.sentence_transformer import load_model

    with pytest.raises(ModelError, match="has no hpu, say --device cpu"):
        load_model(small_model, "hpu")


def test_other_packages_keep_quiet_and_speak_again_afterwards() -> None:
    import logging
    import warnings

    from kbserver.embedding.sentence_transformer import quiet

    logger = logging.getLogger("transformers")
    before = logger.level
    with quiet():
        assert logger.level == logging.ERROR
        warnings.warn("of another package", DeprecationWarning, stacklevel=1)
    assert logger.level == before
    with pytest.warns(DeprecationWarning):
        warnings.warn("heard again", DeprecationWarning, stacklevel=1)
