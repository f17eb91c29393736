import numpy as np

from kbserver.index.store import Store
from kbserver.languages.english import PROFILE
from kbserver.retrieval.phonetic_field import PARAMETERS, open_phonetic_field
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams

from .small import SmallSnapshot


def test_an_ingest_leaves_a_field_with_one_row_a_passage(store):
    with Store(store).open("support") as snapshot:
        field = open_phonetic_field(snapshot)
        assert (field.size, field.parameters) == (snapshot.size, PARAMETERS)


def test_a_snapshot_without_the_part_has_no_field(tmp_path):
    assert open_phonetic_field(SmallSnapshot(tmp_path)) is None


def test_a_field_beside_the_words_is_opened(tmp_path):
    snapshot = SmallSnapshot(tmp_path)
    snapshot.add_sounds()
    field = open_phonetic_field(snapshot)
    ngrams = dict.fromkeys(phonetic_ngrams("cooper netties", profile=PROFILE), 1.0)
    np.testing.assert_array_equal(field.search(ngrams, top_k=1).rows, [3])
