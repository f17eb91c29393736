"""Questions for a calibration where nobody wrote any: from titles and headings, and about other things altogether."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kbserver.evaluation.dataset import Dataset, Question
from kbserver.index.snapshot import Snapshot
from kbserver.types import Passage

DRAWN = 200  # questions of either kind; a share of 5 % is then ten of them


def answerable(snapshot: Snapshot) -> Dataset:
    """Make questions that a corpus answers: what its documents say they are asked (`questions:`), titles and headings.

    Returns:
        At most `DRAWN` questions, evenly spaced over the corpus, judged by the documents they come from. They are
        easier than what callers ask: the words are the documents' own.
    """
    origins: dict[str, dict[str, int]] = {}
    for phrase, source in _phrases(snapshot):
        origins.setdefault(phrase, {})[source] = 1
    questions = [
        Question(f"drawn-{number}", phrase) for number, phrase in enumerate(origins)
    ]
    qrels = {question.id: origins[question.text] for question in questions}
    return Dataset(tuple(questions), qrels).sample(DRAWN)


def unanswerable(snapshot: Snapshot, others: Iterable[Snapshot]) -> Dataset:
    """Make questions that a corpus does not answer: everyday questions, and titles and headings of other corpora.

    What the corpus has a title or heading for itself is left out. That is not enough for corpora that are alike: "opening
    hours" of one shop finds those of another, and rightly, so the others are the user's choice.

    Returns:
        At most `DRAWN` questions from the others, evenly spaced, and those of `EVERYDAY`.
    """
    own = {phrase for phrase, _ in _phrases(snapshot)}
    foreign = dict.fromkeys(
        phrase for other in others for phrase, _ in _phrases(other) if phrase not in own
    )
    drawn = Dataset(
        tuple(_nothing(number, phrase) for number, phrase in enumerate(foreign))
    )
    everyday = (
        _nothing(number, phrase)
        for number, phrase in enumerate(EVERYDAY, start=len(foreign))
    )
    return Dataset((*drawn.sample(DRAWN).questions, *everyday))


def _nothing(number: int, phrase: str) -> Question:
    return Question(f"foreign-{number}", phrase, kind="unanswerable")


def _phrases(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """(what could be asked, document it comes from), as a caller would say it: no capitals, no punctuation."""
    for entry in snapshot.documents():
        for questions in entry.extra.get("questions", {}).values():
            for question in questions:
                yield _said(question), entry.source
    for passage in snapshot.passages:
        if phrase := _said(_heading(passage)):
            yield phrase, passage.source


def _heading(passage: Passage) -> str:
    nearest = passage.heading_path[-1] if passage.heading_path else ""
    return (
        f"{passage.title} {nearest}"
        if nearest.casefold() != passage.title.casefold()
        else passage.title
    )


def _said(text: str) -> str:
    kept = (
        sign if sign.isalnum() or sign in "'’-" else " " for sign in text.casefold()
    )
    return " ".join("".join(kept).split())


# Things people ask, thirty fields of life, none twice in a row: a corpus is about one or two of them.
EVERYDAY = (
    "what is the capital of mongolia", "how do i bake a sourdough bread", "who won the world cup in ninety eight",
    "how far is the moon from the earth", "what does a blue whale eat", "how do you prune a rose bush",
    "when was the printing press invented", "how do i tie a bow tie", "what's the tallest mountain in africa",
    "who painted the starry night", "how long do you boil an egg", "why is the sky blue",
    "what language do they speak in brazil", "how do i change the strings on a guitar",
    "what's the difference between a crocodile and an alligator", "how many players are on a rugby team",
    "when did the berlin wall come down", "how do i train a puppy to sit", "what is a black hole made of",
    "who wrote pride and prejudice", "how do i get a red wine stain out of a carpet", "what causes an earthquake",
    "which planet has the most moons", "how do you make sushi rice", "what year did the titanic sink",
    "how do i knit a scarf", "what is the boiling point of mercury", "who was the first woman in space",
    "how do bees make honey", "what are the rules of chess", "how deep is the pacific ocean",
    "how do i grow tomatoes on a balcony", "who composed the four seasons", "what is photosynthesis",
    "how do you say thank you in japanese", "when do swallows fly south", "what is the square root of two hundred",
    "how do i fold a paper crane", "who discovered penicillin", "what is the longest river in europe",
    "how does a diesel engine work", "what do pandas eat", "when was the first marathon run",
    "how do i sharpen a kitchen knife", "what is the plot of hamlet", "how many bones are in the human hand",
    "which country has the most islands", "how do i remove a splinter", "what's a good recipe for lentil soup",
    "why do cats purr", "what is the currency of hungary", "how do i learn to juggle",
    "who was the emperor of rome after augustus", "how are diamonds formed", "what makes popcorn pop",
    "how do i wax a pair of skis", "when is the next solar eclipse", "what instruments are in a string quartet",
    "how do i build a birdhouse", "who invented the telescope", "what is the smallest bird in the world",
    "how do you play backgammon",
)  # fmt: skip
