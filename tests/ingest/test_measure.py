import numpy as np
import pytest

from kbserver.ingest.measure import measured, reading_warning
from kbserver.ingest.neutral_questions import neutral_questions
from kbserver.ingest.spool import Prepared
from kbserver.retrieval.reading import Reading
from kbserver.types import Passage
from tests.ingest.stubs import StubEncoder, vector_of


class Letters(StubEncoder):
    """Cuts every word into its letters, and has all texts at a cosine of .8 to one another."""

    def pieces(self, text):
        return list(text)

    def embed_queries(self, texts):
        common = np.zeros(8, np.float32)
        common[0] = 2.0
        near = [common + vector_of(text) for text in texts]
        return np.stack([one / np.linalg.norm(one) for one in near])


class Unlike(StubEncoder):
    """Has every question at a right angle to the first unit vector."""

    def embed_queries(self, texts):
        return np.eye(8, dtype=np.float32)[[1] * len(texts)]


def prepared(texts):
    return [
        Prepared(Passage(f"p{row}", text, source="a.md"), text, text)
        for row, text in enumerate(texts)
    ]


TEXTS = [f"передача данных номер {number}" for number in range(30)]


def test_words_in_letters_are_unread():
    encoder = Letters("1" * 32)
    vectors = encoder.embed_queries(TEXTS)
    found = measured(prepared(TEXTS), vectors, encoder, "russian")
    assert found.unread == 1.0
    assert found.pieces == pytest.approx(19 / 3)
    assert found.trust == 0.0


def test_the_background_is_the_cosine_with_questions_about_something_else():
    encoder = Letters("1" * 32)
    vectors = encoder.embed_queries(TEXTS)
    found = measured(prepared(TEXTS), vectors, encoder, "german")
    questions = encoder.embed_queries(neutral_questions("german"))
    assert found.background == pytest.approx(float((questions @ vectors.T).mean()))
    assert found.gain == pytest.approx(1 / (1 - found.background))
    pairs = vectors @ vectors.T
    others = pairs[~np.eye(30, dtype=bool)]
    assert found.alike == pytest.approx(float(others.mean()), abs=1e-5)


def test_cosines_around_zero_stay_as_they_are():
    encoder = Unlike("u" * 32)
    vectors = np.eye(8, dtype=np.float32)[:1]
    found = measured(prepared(TEXTS[:1]), vectors, encoder, "english")
    assert (found.background, found.gain, found.alike) == (0.0, 1.0, 0.0)
    assert found.trust == 1.0


def test_a_model_that_cannot_read_is_named_with_what_to_do():
    assert reading_warning(Reading(), "m") is None
    some = reading_warning(Reading(unread=0.12, pieces=2.9), "m")
    assert some is not None
    assert "m was not made for this language" in some
    assert "counts for 1" in some
    none = reading_warning(Reading(unread=0.97, pieces=5.5), "m")
    assert none is not None
    assert "words alone" in none
    assert "--model multilingual-e5-small" in none


def test_every_language_has_as_many_questions_of_its_own():
    own = {neutral_questions(name) for name in ("english", "german", "hindi")}
    assert {len(questions) for questions in own} == {32}
    assert len(neutral_questions("finnish")) == 40


def test_neutral_questions_are_embedded_once_for_a_model_and_a_language():
    asked = []

    class Counting(StubEncoder):
        def embed_queries(self, texts):
            asked.append(len(texts))
            return super().embed_queries(texts)

    vectors = StubEncoder().embed_queries(TEXTS)
    for fingerprint, language in (("c", "german"), ("c", "hindi"), ("c", "german")):
        encoder = Counting(fingerprint * 32)
        measured(prepared(TEXTS), vectors, encoder, language)
    assert len(asked) == 2
