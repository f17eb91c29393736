from kbserver.index.lexical.base import Bm25Parameters
from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.index.lexical.build import build_lexical
from kbserver.index.lexical.kin import PART_WEIGHT, SKELETON_WEIGHT, kin_of


def opened(texts, folder, language, form=2):
    build_lexical(texts, folder, Bm25Parameters(language=language, form=form))
    return Bm25Index.open(folder)


def kin(word, index):
    return kin_of(
        word,
        language=index.language,
        form=index.form,
        frequency=index.document_frequency,
    )


def test_a_part_finds_the_compound_at_half_weight(tmp_path):
    index = opened(["die Rechnungsadresse", "das Haus"], tmp_path, "german")
    assert kin("rechnung", index) == {"~rechnung": PART_WEIGHT}
    found = index.search(kin("rechnung", index), top_k=2)
    assert found.rows.tolist() == [0]


def test_a_compound_finds_its_parts(tmp_path):
    index = opened(["die Adresse", "das Haus"], tmp_path, "german")
    weights = kin("rechnungsadresse", index)
    assert weights["adress"] == PART_WEIGHT
    assert index.search(weights, top_k=2).rows.tolist() == [0]


def test_parts_do_not_make_a_passage_longer(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    texts = ["Rechnungsadresse ändern", "Hund"]
    plain = opened(texts, tmp_path / "a", "german", form=1)
    parted = opened(texts, tmp_path / "b", "german")
    same = {"rechnungsadress": 1.0}
    assert plain.search(same, top_k=1).scores == parted.search(same, top_k=1).scores
    assert kin("rechnung", plain) == {}


def test_latin_letters_find_hindi(tmp_path):
    index = opened(["राउटर रीसेट करना", "बिल का पता"], tmp_path, "hindi")
    assert kin("router", index) == {"~rtr": 1.0}
    assert index.search(kin("router", index), top_k=2).rows.tolist() == [0]
    assert kin("राउटर", index) == {"~rtr": SKELETON_WEIGHT}


def test_other_languages_have_no_kin(tmp_path):
    index = opened(["the invoice address"], tmp_path, "english")
    assert kin("address", index) == {}
