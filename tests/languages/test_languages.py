"""The profile of a corpus, the language that a caller speaks, and what holds for every profile."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbserver.languages import PROFILES, neutral, profile, spoken
from kbserver.languages.letters import without_accents
from kbserver.languages.profile import Profile
from kbserver.languages.silence import is_credit, without_annotations
from kbserver.retrieval.transcript.cleaning import bare, hear
from kbserver.retrieval.transcript.followup import dependence
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams
from kbserver.retrieval.transcript.small_talk import gate

ALL = [*PROFILES.values(), neutral.PROFILE]
LANGUAGES = pytest.mark.parametrize("one", ALL, ids=lambda one: str(one.name))


@pytest.mark.parametrize("language", ["italian", "russian", "none", "arabic"])
@pytest.mark.parametrize(
    "asked",
    [
        "um halb vier kann er das uh das",
        "la factura no la he recibido",
        "mi sono iscritto no anzi mi sono registrato",
        "спасибо",
        "no no grazie uh",
        "и что что это стоит",
    ],
)
def test_a_language_without_a_profile_is_left_alone(language: str, asked: str) -> None:
    own = profile(language)
    assert hear(asked, own).text == asked
    assert gate(asked, (own,)) is None
    assert dependence(asked, own) == 0.0
    assert own.numbers.written_forms(asked.split()) == ()
    assert spoken(asked, (own,)) is own
    assert not any(
        ngram.startswith("~") for ngram in phonetic_ngrams(asked, profile=own)
    )


@pytest.mark.parametrize(
    "empty", ["", " ", "…", "[BLANK_AUDIO]", "(silence)", "♪♪", "[ Musik ]"]
)
@LANGUAGES
def test_what_is_written_for_silence_is_empty_in_every_language(
    empty: str, one: Profile
) -> None:
    assert gate(empty, (one,)) == "empty"


def test_an_annotation_is_not_searched_for_but_brackets_of_words_are() -> None:
    english = profile("english")
    assert hear("[BLANK_AUDIO] when do you open", english).text == "when do you open"
    assert hear("what is a plan (basic)", english).text == "what is a plan (basic)"
    assert hear("[MUSIC]", english).text == "[MUSIC]"
    assert without_annotations("room [2] (music) and *3*") == "room [2]   and *3*"
    assert not is_credit("is there a video for watching")


@pytest.mark.parametrize(
    "asked",
    [
        "subtitles by default are on how do i turn them off",
        "Untertitel, wie schalte ich die ein?",
        "untertitelung für gehörlose wo finde ich die",
        "sous-titres par défaut comment les changer",
        "sous titrage pour malentendants",
        "los subtítulos por defecto cómo los quito",
        "subtítulos por defecto",
    ],
)
def test_a_question_about_subtitles_is_no_line_of_them(asked: str) -> None:
    assert gate(asked, (profile("english"),)) is None


@pytest.mark.parametrize(
    "written",
    [
        "Untertitelung. BR 2018",
        "Untertitelung im Auftrag des ZDF, 2021",
        "Untertitelung aufgrund der Amara.org-Community",
        "Copyright WDR 2021",
        "Sous-titrage ST' 501",
        "Sous-titres par la communauté d'Amara.org",
        "Sous-titres faits par la communauté d'Amara.org",
        "Subtitles by the Amara.org community",
        "Subtítulos por la comunidad de Amara.org",
    ],
)
def test_a_line_of_subtitles_asks_nothing(written: str) -> None:
    assert gate(written, (profile("english"),)) == "empty"


@pytest.mark.parametrize(
    ("asked", "own", "language"),
    [
        ("when do you open", "english", "english"),
        ("und was kostet das am wochenende", "english", "german"),
        ("et pour les enfants c'est combien", "english", "french"),
        ("y cuánto cuesta la entrada para los niños", "english", "spanish"),
        ("इसका कितना पैसा लगेगा", "english", "hindi"),
        ("mera bill kab tak aayega aur kitna hai", "english", "hindi"),
        ("how much is it for the children", "german", "english"),
        ("was ist das", "german", "german"),
        ("no me la he", "spanish", "spanish"),
        ("wlan", "german", "german"),
        ("und sonntags", "english", "english"),
    ],
)
def test_a_caller_may_speak_another_language_than_the_corpus(
    asked: str, own: str, language: str
) -> None:
    assert spoken(asked, (profile(own),)) is profile(language)


def test_of_the_corpora_of_a_route_the_one_that_knows_the_words_is_spoken() -> None:
    both = (profile("english"), profile("german"))
    assert spoken("und sonntags", both) is both[1]
    assert spoken("and on sundays", both) is both[0]
    assert spoken("wlan", both) is both[0]
    beside_italian = (neutral.PROFILE, profile("english"))
    assert spoken("what is it", beside_italian) is beside_italian[1]
    assert (
        spoken("quanto costa la camera per le due", beside_italian) is neutral.PROFILE
    )


def test_small_talk_of_any_language_counts_unless_a_corpus_has_none() -> None:
    english, italian = profile("english"), profile("italian")
    assert gate("vielen dank", (english,)) == "thanks"
    assert gate("धन्यवाद", (profile("german"),)) == "thanks"
    assert gate("vielen dank", ()) == "thanks"
    assert gate("thank you", (italian, english)) == "thanks"
    assert gate("gracias", (italian, english)) is None
    assert gate("thank you", (italian,)) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("À bientôt", "A bientot"),
        ("tschüß", "tschuss"),
        ("mañana", "manana"),
        ("", ""),
        ("हिन्दी", "हिंदी"),
        ("फ़ाइबर", "फाइबर"),
        ("हाँ", "हां"),
        ("रि\u200dचार्ज", "रिचार्ज"),
        ("Ελλάδα", "Ελλαδα"),
    ],
)
def test_words_are_compared_in_plain_letters(text: str, plain: str) -> None:
    assert without_accents(text) == plain


@LANGUAGES
def test_every_table_is_written_as_it_is_compared(one: Profile) -> None:
    talk = one.small_talk
    patterns = [*talk.phrases.values(), one.follow_ups.continues]
    patterns += [talk.loose_words, talk.asking, talk.noises, talk.named]
    for pattern in patterns:
        assert pattern == without_accents(pattern)
        assert not re.search(r"\\s|\n|  |\|\||^\||\|$|\(\?:\||\|\)", pattern)
        assert re.compile(pattern).match("") is None
    for phrases in (one.noises.openers, one.noises.wrappers):
        for first, group in phrases.items():
            assert first == without_accents(first) == first.lower()
            assert all(phrase[0] == first for phrase in group)
    for phrases in (one.noises.strong_cues, one.noises.weak_cues, one.noises.after_cue):
        for group in phrases.values():
            assert all(word == bare(word) for phrase in group for word in phrase)
    for words in (one.noises.fillers, one.noises.function_words, one.stop_words.spoken):
        assert all(word == bare(word) for word in words)


DIGITS = st.integers(0, 99_999).map(str)
AROUND = st.sampled_from(
    "no nein nee sorry perdón pardon um äh euh eh अम्म सॉरी the die la le और und y et "
    "eins uno deux zwei तीन euro komma coma halb y media demie साढ़े सौ hundert".split()
)


@LANGUAGES
@settings(max_examples=40)
@given(words=st.lists(st.one_of(DIGITS, AROUND), min_size=1, max_size=12))
def test_no_profile_invents_or_drops_a_digit(one: Profile, words: list[str]) -> None:
    heard = hear(" ".join(words), one)
    kept = " ".join((heard.text, *heard.taken_back)).split()
    numbers = sorted(word for word in words if word.isdigit())
    assert sorted(word for word in kept if word.isdigit()) == numbers


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("german", "halb ፩ drei"),
        ("german", f"halb {'9' * 5_000} drei"),
        ("german", f"drei hundert{'einundzwanzig' * 40}x"),
        ("hindi", "teen sadhe ፩"),
        ("hindi", f"teen sadhe {'9' * 400}"),
    ],
)
def test_what_is_no_number_is_read_as_none(language: str, said: str) -> None:
    forms = profile(language).numbers.written_forms(said.split())
    assert forms == ("3",)


@LANGUAGES
@settings(max_examples=10)
@given(words=st.lists(st.sampled_from("la der the तो était größe".split()), max_size=8))
def test_words_without_numbers_have_no_forms(one: Profile, words: list[str]) -> None:
    assert one.numbers.written_forms(words) == ()


@pytest.mark.parametrize("language", ["german", "french", "spanish", "hindi"])
def test_numbers_up_to_ninety_nine_are_read_as_they_are_counted(language: str) -> None:
    small = profile(language).numbers
    counted = COUNTED[language].split("|")
    for value, said in enumerate(counted, 20):
        assert small.written_forms(said.strip().split())[:1] == (str(value),), said


COUNTED = {
    "german": """zwanzig|einundzwanzig|zweiundzwanzig|dreiundzwanzig|vierundzwanzig
        |fünfundzwanzig|sechsundzwanzig|siebenundzwanzig|achtundzwanzig|neunundzwanzig
        |dreißig|einunddreißig""",
    "french": "vingt|vingt et un|vingt-deux|vingt trois|vingt-quatre|vingt cinq",
    "spanish": "veinte|veintiuno|veintidós|veintitrés|veinticuatro|veinticinco",
    "hindi": "बीस|इक्कीस|बाईस|तेईस|चौबीस|पच्चीस|छब्बीस|सत्ताईस|अट्ठाईस|उनतीस|तीस|इकतीस",
}
