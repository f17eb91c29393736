"""Questions for a calibration without questions: from titles and headings, and everyday ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kbserver.evaluation.dataset import Dataset, Question
from kbserver.index.snapshot import Snapshot
from kbserver.types import Passage

DRAWN = 200  # questions of either sort: a share of 5 % is then ten of them


def answerable(snapshot: Snapshot) -> Dataset:
    """Make questions that a corpus answers, from its titles, headings and written-down questions.

    Returns:
        At most `DRAWN` questions, evenly spaced over the corpus, judged by the documents they
        come from. They are easier than callers' questions: their words are the documents' own.
    """
    origins: dict[str, dict[str, int]] = {}
    for phrase, source in _phrases(snapshot):
        origins.setdefault(phrase, {})[source] = 1
    questions = []
    qrels = {}
    for number, (phrase, sources) in enumerate(origins.items()):
        question = Question(f"drawn-{number}", phrase)
        questions.append(question)
        qrels[question.id] = sources
    return Dataset(tuple(questions), qrels).sample(DRAWN)


def unanswerable(snapshot: Snapshot, others: Iterable[Snapshot]) -> Dataset:
    """Make questions that a corpus does not answer: everyday ones, and headings of other corpora.

    Titles and headings that the corpus has itself are left out. That is not enough for corpora
    that are alike: "opening hours" of one shop finds those of another, and rightly, so the user
    chooses the others.

    Returns:
        At most `DRAWN` questions from the others, evenly spaced, and those of `EVERYDAY`.
    """
    own = {phrase for phrase, _ in _phrases(snapshot)}
    foreign: dict[str, None] = {}  # an ordered set
    for other in others:
        for phrase, _ in _phrases(other):
            if phrase not in own:
                foreign[phrase] = None
    drawn = Dataset(tuple(_numbered(foreign, first=0))).sample(DRAWN)
    everyday = _numbered(EVERYDAY, first=len(foreign))
    return Dataset((*drawn.questions, *everyday))


def _numbered(phrases: Iterable[str], first: int) -> Iterator[Question]:
    for number, phrase in enumerate(phrases, start=first):
        yield Question(f"foreign-{number}", phrase, kind="unanswerable")


def _phrases(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """(what could be asked, document it comes from), as a caller would say it."""
    for entry in snapshot.documents():
        for questions in entry.extra.get("questions", {}).values():
            for question in questions:
                yield _as_spoken(question), entry.source
    for passage in snapshot.passages:
        phrase = _as_spoken(_heading(passage))
        if phrase:
            yield phrase, passage.source


def _heading(passage: Passage) -> str:
    """The title, and the nearest heading if it says something else."""
    if not passage.heading_path:
        return passage.title
    nearest = passage.heading_path[-1]
    if nearest.casefold() == passage.title.casefold():
        return passage.title
    return f"{passage.title} {nearest}"


def _as_spoken(text: str) -> str:
    """The text without capitals and punctuation."""
    kept = ""
    for sign in text.casefold():
        if sign.isalnum() or sign in "'’-":
            kept += sign
        else:
            kept += " "
    return " ".join(kept.split())


# Everyday questions of thirty fields, of which a corpus is about one or two.
EVERYDAY = (
    "what is the capital of mongolia",
    "how do i bake a sourdough bread",
    "who won the world cup in ninety eight",
    "how far is the moon from the earth",
    "what does a blue whale eat",
    "how do you prune a rose bush",
    "when was the printing press invented",
    "how do i tie a bow tie",
    "what's the tallest mountain in africa",
    "who painted the starry night",
    "how long do you boil an egg",
    "why is the sky blue",
    "what language do they speak in brazil",
    "how do i change the strings on a guitar",
    "what's the difference between a crocodile and an alligator",
    "how many players are on a rugby team",
    "when did the berlin wall come down",
    "how do i train a puppy to sit",
    "what is a black hole made of",
    "who wrote pride and prejudice",
    "how do i get a red wine stain out of a carpet",
    "what causes an earthquake",
    "which planet has the most moons",
    "how do you make sushi rice",
    "what year did the titanic sink",
    "how do i knit a scarf",
    "what is the boiling point of mercury",
    "who was the first woman in space",
    "how do bees make honey",
    "what are the rules of chess",
    "how deep is the pacific ocean",
    "how do i grow tomatoes on a balcony",
    "who composed the four seasons",
    "what is photosynthesis",
    "how do you say thank you in japanese",
    "when do swallows fly south",
    "what is the square root of two hundred",
    "how do i fold a paper crane",
    "who discovered penicillin",
    "what is the longest river in europe",
    "how does a diesel engine work",
    "what do pandas eat",
    "when was the first marathon run",
    "how do i sharpen a kitchen knife",
    "what is the plot of hamlet",
    "how many bones are in the human hand",
    "which country has the most islands",
    "how do i remove a splinter",
    "what's a good recipe for lentil soup",
    "why do cats purr",
    "what is the currency of hungary",
    "how do i learn to juggle",
    "who was the emperor of rome after augustus",
    "how are diamonds formed",
    "what makes popcorn pop",
    "how do i wax a pair of skis",
    "when is the next solar eclipse",
    "what instruments are in a string quartet",
    "how do i build a birdhouse",
    "who invented the telescope",
    "what is the smallest bird in the world",
    "how do you play backgammon",
)
