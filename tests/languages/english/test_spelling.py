"""American and British spelling meet; words that only look alike do not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.languages.english.spelling import common_spelling

PAIRS = """
    fibre fiber|fibres fibers|centre center|centred centered|litres liters|theatre theater
    kilometre kilometer|metres meters|cheque check|cheques checks|colour color
    coloured colored|colourful colorful|favourite favorite|neighbourhood neighborhood
    behaviour behavior|labour labor|honoured honored|licence license|licences licenses
    defence defense|offence offense|practise practice|practising practicing
    paediatric pediatric|paediatrician pediatrician|orthopaedic orthopedic
    anaesthetic anesthetic|anaemia anemia|gynaecology gynecology|diarrhoea diarrhea
    oestrogen estrogen|foetus fetus|haemoglobin hemoglobin|encyclopaedia encyclopedia
    organise organize|organised organized|organisation organization|realising realizing
    authorisations authorizations|customisable customizable|analyse analyze|analysed analyzed
    catalogue catalog|dialogues dialogs|analogue analog|travelling traveling
    traveller traveler|cancelled canceled|labelled labeled|modelling modeling
    fulfil fulfill|enrolment enrollment|instalment installment|skilful skillful|jewellery jewelry
    grey gray|tyre tire|kerb curb|mould mold|programme program|aluminium aluminum
    sulphate sulfate|enquiry inquiry|judgement judgment|acknowledgement acknowledgment
    yoghurt yogurt|maths math|manoeuvre maneuver|draught draft|disc disk
"""


@pytest.mark.parametrize(
    "pair", [pair.strip() for pair in PAIRS.replace("\n", "|").split("|")]
)
def test_the_spellings_of_a_word_become_one(pair: str) -> None:
    if pair:
        one, other = pair.split()
        assert common_spelling(one) == common_spelling(other)


def test_words_that_are_spelled_alike_stay_apart() -> None:
    apart = """four for hour your tour flour floor pour por sour size sise prize wise rise
        advice advise price prise meter matter fire four ogre acre more fare wine
        travel model all will wall install still poet does shoe canoe aerial"""
    folded = [common_spelling(word) for word in apart.split()]
    assert len(set(folded)) == len(set(apart.split()))


@settings(max_examples=30)
@given(st.text("aeiouylrnszmctgb", max_size=12))
def test_any_word_has_a_form(word: str) -> None:
    assert bool(common_spelling(word)) == bool(word)
