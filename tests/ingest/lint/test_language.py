"""What an ingest says of documents in another language than their corpus's."""

import pytest

from kbserver.index.documents import DocumentEntry
from kbserver.ingest.lint.language import language_hints
from kbserver.ingest.spool import Prepared
from kbserver.types import Passage
from tests.languages.test_detection import SAMPLES


def hints(language, *texts):
    spool = [
        Prepared(Passage(str(at), text), text, text) for at, text in enumerate(texts)
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
