"""What an ingest says of documents in another language than their corpus's."""

import pytest

from kbserver.index.documents import DocumentEntry
from kbserver.ingest.lint.language import language_hints
from kbserver.ingest.spool import Prepared
from kbserver.types import Passage
from tests.languages.test_detection import SAMPLES


def hints(language, *texts, said=()):
    """What is told of documents of one passage each; `said` is metadata of the first ones."""
    metadata = [*said, *[{}] * (len(texts) - len(said))]
    spool = [
        Prepared(Passage(str(at), text, metadata=metadata[at]), text, text)
        for at, text in enumerate(texts)
    ]
    entries = [DocumentEntry(f"{at}.md", "", at, 1) for at in range(len(texts))]
    return language_hints(language, spool, entries, [entry.source for entry in entries])


@pytest.mark.parametrize("language", ("english", "german", "none"))
def test_nothing_is_said_of_what_is_as_it_was_given(language):
    assert hints(language, *[SAMPLES.get(language, SAMPLES["german"])] * 3) == []


def test_another_language_is_named_with_what_to_do():
    assert hints("english", SAMPLES["german"], SAMPLES["german"]) == [
        "these documents look German, and the corpus is english: "
        "ingest them with --language german"
    ]


def test_a_document_of_another_language_is_named():
    assert hints("german", *[SAMPLES["german"]] * 4, SAMPLES["french"]) == [
        "1 document beside them in French (4.md): "
        "a corpus of their own in the same route finds and says them better"
    ]


@pytest.mark.parametrize("written", ("de", "de-AT", "DE_at", " German "))
@pytest.mark.parametrize("key", ("language", "lang", "locale"))
def test_what_a_document_says_of_itself_goes_before_what_it_looks_like(key, written):
    english = [SAMPLES["english"]] * 4
    assert hints("english", *english, said=[{key: written}]) == [
        "1 document beside them in German, as they say themselves (0.md): "
        "a corpus of their own in the same route finds and says them better"
    ]


def test_a_document_that_says_the_language_of_its_corpus_is_not_told_of():
    english = [SAMPLES["english"]] * 4
    assert hints("english", SAMPLES["french"], *english, said=[{"lang": "en"}]) == []


@pytest.mark.parametrize("written", ("dialect", "", 7, ["de", "en"], None))
def test_a_language_that_is_not_known_is_left_to_the_words(written):
    german = [SAMPLES["german"]] * 4
    said = [{"language": written}]
    assert hints("german", SAMPLES["french"], *german, said=said)[0].startswith(
        "1 document beside them in French (0.md)"
    )
