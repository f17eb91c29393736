"""Speech: what a recogniser wrote down, turned into what a retriever should look for.

`hear` takes the noises of speaking out of a query: fillers, words said twice, the half that was taken back, the polite
run-up. `written_forms` gives the ways a document may write what was said in words (`twenty four seven` → `24`, `7`,
`247`; `double u p a two` → `wpa2`) and the words for what stands in digits. Forms are *extra* words for the lexical arm,
never a replacement: nobody knows which of the two the document uses.

Everything here is pure and works on whole words; a query with nothing to clean comes back word for word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from kbserver.retrieval.transcript.numbers import is_code, written_forms

_PUNCTUATION = '.,;:!?"()[]“”…'


_Phrases = dict[str, tuple[tuple[str, ...], ...]]


def _phrases(text: str) -> _Phrases:
    """Split `a b|c` into word tuples by their first word, longest first: the first match is the longest."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for phrase in sorted(
        (tuple(one.split()) for one in text.split("|")), key=len, reverse=True
    ):
        by_first.setdefault(phrase[0], []).append(phrase)
    return {first: tuple(phrases) for first, phrases in by_first.items()}


_FILLERS = frozenset(
    "uh uhh uhm um umm ummm er err erm ah ahh hm hmm hmmm mm mmm mhm ugh".split()
)
# After these it is a word that is asked about: "where is the er".
_BEFORE_A_NOUN = frozenset("the an your our their to in".split())
# "do you know if" and "as you know" mean something; "i want to you know cancel it" does not.
_BEFORE_YOU_KNOW = frozenset(
    "do don't did as if what how that because would should can may".split()
)

_QUESTION_WORDS = frozenset(
    "what what's which who who's whose whom when where where's why how how's".split()
)
# Grammar only: said twice they are a stumble, and a repair often starts again on one of them.
_FUNCTION_WORDS = _QUESTION_WORDS | frozenset(
    "a an the this these those my your our his her their its of in on at for from to with by about into as and"
    " or but if"
    " i i'm i've i'd we you he she it they is are was were am be do does did can could will would should has have"
    " there it's that's".split()
)

_OPENERS = _phrases(
    "ok|okay|alright|all right|so|well|yeah|yes|yep|oh|hey|hi|hello|hi there|hey there|great|perfect|awesome"
    "|cool|excellent|wonderful"
    "|good|thanks|thank you|thanks a lot|thank you so much|got it|sounds good|sounds great|that sounds good|that"
    " sounds great"
    "|no problem|excuse me|good morning|good afternoon|good evening|and|um"
)
_WRAPPERS = _phrases(
    "can you tell me|could you tell me|can you please tell me|could you please tell me|would you tell me|please"
    " tell me|tell me"
    "|can you let me know|could you let me know|let me know|i was wondering if you could tell me|i was wondering"
    " if you could help me with"
    "|i was wondering if you can tell me|i was wondering|i'm wondering|i wonder|i'd like to know|i would like to"
    " know|i want to know"
    "|i wanna know|i need to know|i wanted to know|i have a question about|i've got a question about|i'm calling about"
    "|i'm calling to ask|i wanted to ask|can i ask|could i ask|may i ask|can you help me with|could you help me"
    " with|do you know"
    "|do you happen to know|would you happen to know|can you check|could you check|can you explain to me"
)

# A repair is a run of cues: one strong cue, or two of any kind, and something was probably taken back. Alone, `no` and
# `sorry` count when what follows starts over; the others are ordinary words ("no wait time", "make that work").
_STRONG_CUES = _phrases(
    "or rather|no rather|or wait|oh wait|no wait|wait no|scratch that|strike that|no sorry|or sorry|oh sorry|sorry no"
    "|i mean|i meant|i meant to say|what i mean is|or actually|no actually|actually no|no no|or instead|let me rephrase"
)
_LONE_CUES = frozenset({("no",), ("sorry",)})
_WEAK_CUES = _phrases(
    "no|sorry|rather|actually|instead|oops|oh|well|or|wait|nope|make that"
)
_CUES_BEGIN = _STRONG_CUES.keys() | _WEAK_CUES.keys()
_AFTER_CUE = _phrases(
    "tell me|i want to know|let me ask|let me say|not that|that should be|that is|it's|but"
)


@dataclass(frozen=True)
class Heard:
    """One cleaned query.

    Attributes:
        text: the query to search for; equal to what came in, up to white space, when nothing was cleaned.
        taken_back: words the speaker replaced, in order; a weak lexical hint, because people correct one word and stay
            on the subject.
    """

    text: str
    taken_back: tuple[str, ...] = ()

    @cached_property
    def written(self) -> tuple[str, ...]:
        """Written and spoken forms of numbers, times, ordinals and spelled codes; extra lexical words, no duplicates.

        Worked out when the words are searched, while the model is at work: the model waits for what was heard.
        """
        return written_forms([bare(word) for word in self.text.split()])


@lru_cache(maxsize=256)  # a turn hears its query for both arms and for the memory
def hear(raw: str) -> Heard:
    """Clean one transcript: fillers → repetitions → repairs → opening words.

    Returns:
        `Heard`; its text is never empty unless `raw` is blank (a step that would leave nothing is skipped).
    """
    words = raw.split()
    steady = without_repeats(without_fillers(words))
    repaired, taken_back = repair(steady)
    asked = without_opening(repaired)
    return Heard(" ".join(asked), taken_back)


def as_said(raw: str) -> Heard:
    """Leave a transcript as it is."""
    return Heard(" ".join(raw.split()))


@lru_cache(
    maxsize=4096
)  # each step looks at every word again, and people use few: .06 instead of .35 µs
def bare(word: str) -> str:
    """Return the word as a recogniser writes it: lower case, no surrounding punctuation, straight apostrophes."""
    return word.strip(_PUNCTUATION).replace("’", "'").lower()


def without_fillers(words: Sequence[str]) -> list[str]:
    """Drop uh, um, er, hmm …, `you know` in mid-sentence, and `like` beside another filler."""
    plain = [bare(word) for word in words]
    noise = [
        word in _FILLERS
        and not (
            at and plain[at - 1] in _BEFORE_A_NOUN and plain[at] in ("er", "ah", "mm")
        )
        for at, word in enumerate(plain)
    ]
    for at, word in enumerate(plain):
        if (
            word in ("er", "mm") and words[at].isupper()
        ):  # an abbreviation somebody typed
            noise[at] = False
        if (
            plain[at : at + 2] == ["you", "know"]
            and at
            and plain[at - 1] not in _BEFORE_YOU_KNOW
        ):
            noise[at] = at + 1 < len(plain) - 1
            noise[min(at + 1, len(plain) - 1)] = noise[at]
        if word == "like" and any(
            0 <= near < len(plain) and plain[near] in _FILLERS
            for near in (at - 1, at + 1)
        ):
            noise[at] = True
    kept = [word for word, drop in zip(words, noise, strict=True) if not drop]
    return kept or list(words)


def without_repeats(words: Sequence[str]) -> list[str]:
    """Collapse what was said twice in a row: single function words, and any run of two to five words.

    Runs of digits, number words and single letters stay: `seven seven`, `w w w` are content.
    """
    kept: list[str] = []
    plain: list[str] = []
    for word in words:
        kept.append(word)
        plain.append(bare(word))
        for size in range(min(5, len(kept) // 2), 0, -1):
            if (
                plain[-1] != plain[-1 - size]
            ):  # tells nearly all of them apart, without a slice
                continue
            again = plain[-size:]
            if again != plain[-2 * size : -size] or any(is_code(one) for one in again):
                continue
            if size > 1 or again[0] in _FUNCTION_WORDS:
                del kept[-size:], plain[-size:]
                break
    return kept


def repair(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Resolve self-repairs: `in paris no sorry venice` → `in venice`, with `paris` taken back.

    What follows the cue decides how far back it reaches: a question word restarts the question, any other word goes back
    to the same word a few places before (`the … tower or wait the … center`), and a new content word replaces one word.
    When none fits, everything stays: the cue may have been an ordinary word.

    Returns:
        (words to search for, words taken back). The first equals the input when there is no cue.
    """
    kept = list(words)
    taken_back: list[str] = []
    at = 1
    plain = [bare(word) for word in kept]
    while at < len(kept) - 1:
        if plain[at] not in _CUES_BEGIN:  # nearly always
            at += 1
            continue
        end, strong = _cue(plain, at)
        if end == at or end >= len(kept):
            at += 1
            continue
        start = _reparandum(plain, at, end, strong=strong)
        if start == at:
            at = end
            continue
        taken_back += kept[start:at]
        del kept[start:end], plain[start:end]
        at = max(start, 1)
    return kept, tuple(taken_back)


def without_opening(words: Sequence[str]) -> list[str]:
    """Drop acknowledgements and polite run-ups at the front as long as at least three words remain.

    `ok great can you tell me when check in is` → `when check in is`.
    """
    rest = list(words)
    while True:
        plain = [bare(word) for word in rest]
        size = max(_starts_with(_OPENERS, plain, 0), _starts_with(_WRAPPERS, plain, 0))
        if size and plain[size : size + 1] in (["if"], ["whether"]):
            size += 1
        if not size or len(rest) - size < 3:
            return rest
        rest = rest[size:]


def _starts_with(phrases: _Phrases, words: Sequence[str], at: int) -> int:
    """Return how many words the longest phrase at this place has, 0 when none starts here."""
    if at >= len(words):
        return 0
    for phrase in phrases.get(words[at], ()):
        if tuple(words[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _cue(words: Sequence[str], at: int) -> tuple[int, bool]:
    """Return (end of the run of repair cues that starts here, whether the run is certain); (at, False) when none does."""
    end, cues, strong = at, 0, False
    while end < len(words):
        size = _starts_with(_STRONG_CUES, words, end)
        strong = strong or bool(size)
        size = size or _starts_with(_WEAK_CUES, words, end)
        if not size:
            break
        end, cues = end + size, cues + 1
    strong = strong or cues > 1
    if not strong and tuple(words[at:end]) not in _LONE_CUES:
        return at, False
    return end + (_starts_with(_AFTER_CUE, words, end) if strong else 0), strong


def _reparandum(words: Sequence[str], at: int, end: int, *, strong: bool) -> int:
    """Return where the part taken back begins; `at` when nothing before the cue can be told to be wrong."""
    first, repair_size = words[end], len(words) - end
    if first in _QUESTION_WORDS:
        for start in range(at):
            if words[start] in _QUESTION_WORDS:
                return start if at - start <= max(repair_size, 3) else at
        return at
    for start in range(at - 1, max(at - 6, -1), -1):
        if words[start] == first:
            return start
    swapped = (
        strong and first not in _FUNCTION_WORDS and words[at - 1] not in _FUNCTION_WORDS
    )
    return at - 1 if swapped else at
