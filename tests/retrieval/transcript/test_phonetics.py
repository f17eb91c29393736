"""Rare words of the corpus are found from what the recogniser made of them."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.index.lexical.bm25 import Bm25Index
from kbserver.ingest.phonetic_part import phonetic_parts
from kbserver.languages.english import PROFILE
from kbserver.retrieval.phonetic_field import PART
from kbserver.retrieval.transcript import phonetics

sound = phonetics.sound_of(PROFILE)
phonetic_ngrams = partial(phonetics.phonetic_ngrams, profile=PROFILE)

PASSAGES = {
    "kubernetes": "Restart the Kubernetes cluster from the control panel.",
    "router": "Reset the router with the button at its back.",
    "keycloak": "Keycloak signs people in; restart it after a change of its realm.",
    "postgres": "Postgres keeps the data of every account and is backed up at night.",
    "ansible": "Ansible installs the machines; its playbooks lie in the repository.",
    "grafana": "Grafana draws the curves of the last thirty days.",
    "wireguard": "WireGuard is the tunnel for people who work from home.",
    "nomad": "Nomad places the jobs on machines that have room for them.",
    "bluharbor": "The Blue Harbor is a hotel with a pool and rooms that look at the sea.",
    "immune": "Immunodeficiency makes infections more likely.",
}


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Bm25Index:
    folder = tmp_path_factory.mktemp("snapshot") / PART
    phonetic_parts(PASSAGES.values(), len(PASSAGES), PROFILE)[PART](folder)
    return Bm25Index.open(folder)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("restart the cooper netties cluster", "kubernetes"),
        ("how do i uh reset the rooter", "router"),
        ("key cloke", "keycloak"),
        ("where does post grass keep it", "postgres"),
        ("what does antsible do", "ansible"),
        ("open graphana", "grafana"),
        ("is the wire gard on", "wireguard"),
        ("jobs on no mad", "nomad"),
        ("the hotel bluharber", "bluharbor"),
        ("immune oh deficiency", "immune"),
    ],
)
def test_a_misheard_name_is_found(field: Bm25Index, heard: str, meant: str) -> None:
    found = field.search(dict.fromkeys(phonetic_ngrams(heard), 1.0), top_k=1)
    assert list(PASSAGES)[int(found.rows[0])] == meant


@pytest.mark.parametrize("word", PASSAGES)
def test_a_name_that_was_heard_right_is_found_as_well(
    field: Bm25Index, word: str
) -> None:
    found = field.search(dict.fromkeys(phonetic_ngrams(PASSAGES[word]), 1.0), top_k=1)
    assert list(PASSAGES)[int(found.rows[0])] == word


def test_words_that_sound_alike_sound_the_same() -> None:
    for one, other in [
        ("router", "rooter"),
        ("phone", "fone"),
        ("knight", "night"),
        ("cite", "site"),
    ]:
        assert sound(one) == sound(other) != ""


def test_pieces_of_sound_cross_word_boundaries() -> None:
    heard, meant = (
        {piece for piece in phonetic_ngrams(text) if piece.startswith("~")}
        for text in ("cooper netties", "kubernetes")
    )
    assert len(heard & meant) >= 0.8 * len(meant)


@given(st.text(max_size=60))
def test_any_text_can_be_cut_into_pieces_of_five(text: str) -> None:
    assert all(len(piece.removeprefix("~")) == 5 for piece in phonetic_ngrams(text))


@given(st.text(max_size=40))
def test_any_text_has_a_sound(text: str) -> None:
    assert set(sound(text)) <= set("aefhklmnprstuwxXY")


@given(st.text(max_size=40))
def test_case_changes_neither_sound_nor_pieces(text: str) -> None:
    lower = text.lower()
    assert sound(lower) == sound(text)
    assert phonetic_ngrams(lower) == phonetic_ngrams(text)
