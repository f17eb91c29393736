from dataclasses import replace

from kbserver.types import Hit, Passage, SpokenForm

PASSAGE = Passage("a", "It costs £30.")
FORM = SpokenForm(PASSAGE, "It costs £30.", "", "It costs 30 pounds.")


def test_a_hit_uses_the_spoken_form_of_its_very_passage():
    assert Hit(PASSAGE, 0.5, spoken_form=FORM).own_spoken_form is FORM


def test_a_hit_whose_passage_was_replaced_has_no_spoken_form():
    hit = Hit(PASSAGE, 0.5, spoken_form=FORM)
    assert replace(hit, passage=replace(PASSAGE)).own_spoken_form is None
    assert Hit(PASSAGE, 0.5).own_spoken_form is None


def test_hits_are_compared_without_their_spoken_forms():
    assert Hit(PASSAGE, 0.5, spoken_form=FORM) == Hit(PASSAGE, 0.5)
    assert "spoken_form" not in repr(Hit(PASSAGE, 0.5, spoken_form=FORM))
