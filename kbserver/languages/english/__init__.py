"""English."""

from __future__ import annotations

from kbserver.languages.english import words
from kbserver.languages.english.codes import as_written
from kbserver.languages.english.days_said import days_said
from kbserver.languages.english.numbers import is_code, written_forms
from kbserver.languages.english.verbalise import verbalise
from kbserver.languages.profile import (
    FollowUps,
    Noises,
    Numbers,
    Profile,
    Requests,
    Said,
    SmallTalk,
    Sounds,
    StopWords,
)
from kbserver.languages.tables import phrases
from kbserver.types import Cells

NOISES = Noises(
    fillers=words.FILLERS,
    noun_fillers=words.NOUN_FILLERS,
    before_a_noun=words.BEFORE_A_NOUN,
    abbreviations=frozenset({"er", "mm"}),
    hedges=frozenset({"like"}),
    asides=phrases("you know"),
    before_an_aside=words.BEFORE_YOU_KNOW,
    question_words=words.QUESTION_WORDS,
    function_words=words.FUNCTION_WORDS,
    openers=words.OPENERS,
    joining=frozenset({"and"}),
    wrappers=words.WRAPPERS,
    after_a_wrapper=frozenset({"if", "whether"}),
    strong_cues=words.STRONG_CUES,
    weak_cues=words.WEAK_CUES,
    lone_cues=words.LONE_CUES,
    after_cue=words.AFTER_CUE,
)
SMALL_TALK = SmallTalk(
    phrases=words.SMALL_TALK,
    loose_words=words.LOOSE_WORDS,
    named=words.NAMED,
    asking=words.ASKING,
    noises=words.NOISES,
    noise_letters=words.NOISE_LETTERS,
    after_noise=words.AFTER_NOISE,
)
FOLLOW_UPS = FollowUps(
    continues=words.CONTINUATIONS,
    subjectless=words.SUBJECTLESS_WORDS,
    pointers=words.POINTERS,
    alike=words.ALIKE,
    asking=words.ASKING_WORDS,
    it=frozenset({"it", "its"}),
    before_empty_it=words.BEFORE_EMPTY_IT,
    after_empty_it=words.EMPTY_IT,
    that=frozenset({"that", "this"}),
    before_that=words.BEFORE_THAT,
    after_that=words.AFTER_THAT,
    there=frozenset({"there"}),
    exists=words.EXISTS,
)

PROFILE = Profile(
    "english",
    "en",
    noises=NOISES,
    small_talk=SMALL_TALK,
    follow_ups=FOLLOW_UPS,
    requests=Requests(words.ACTIONS, words.MOMENTS),
    stop_words=StopWords(words.STOP_WORDS, words.SPOKEN_STOP_WORDS, words.WEEKDAYS),
    numbers=Numbers(written_forms, as_written, is_code),
    sounds=Sounds(words.SOUND_RULES, version=0),
    said=Said(verbalise, days_said, r"[ei]\.[ge]|vs|[DMN][ro]"),
    cells=Cells(),
)
