"""What a recogniser wrote down → what a retriever should look for.

`hear` takes the noises of speaking out of a query: fillers, words said twice, the half that was
taken back, the polite run-up. `Heard.written` adds the ways a document may write what was said in
words (`twenty four seven` → `24`, `7`, `247`). These are extra words for the lexical arm, never a
replacement: the document may use either.

Everything here is pure and works on whole words. A query with nothing to clean comes back word for
word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from sys import getsizeof

from kbserver.lru import remembered
from kbserver.retrieval.transcript import english, other_languages
from kbserver.retrieval.transcript.english import Phrases
from kbserver.retrieval.transcript.numbers import is_code, written_forms
from kbserver.retrieval.transcript.other_languages import without_accents

_PUNCTUATION = '.,;:!?"()[]“”…'
_LONGEST_REPEAT = 5  # words
_LONGEST_REPAIR = 6  # words that may be taken back
_FEWEST_WORDS = 3  # of a question, once its opening is gone
_HEARD_BYTES = (
    2_000_000  # of some 1,000 queries: a turn hears its own for arms and memory
)
_WORDS_BYTES = 1_000_000  # of some 4,000 words: callers use few
_OPENINGS = (english.OPENERS, other_languages.OPENERS, english.WRAPPERS)
_CUES_BEGIN = english.STRONG_CUES.keys() | english.WEAK_CUES.keys()


@dataclass(frozen=True)
class Heard:
    """One cleaned query.

    Attributes:
        text: the query to search for. Equal to what came in, up to white space, when nothing was
            cleaned.
        taken_back: words the speaker replaced, in order. A weak lexical hint, because people
            correct one word and stay on the subject.
        codes: those of its words that are spelled codes; each names one thing.
    """

    text: str
    taken_back: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @cached_property
    def written(self) -> tuple[str, ...]:
        """Other spellings of numbers, times, ordinals and spelled codes, without duplicates.

        Worked out when the words are searched, so that the model need not wait for it.
        """
        return written_forms([bare(word) for word in self.text.split()])


def _hear(raw: str) -> Heard:
    words = raw.split()
    steady = without_repeats(without_fillers(words))
    repaired, taken_back = repair(steady)
    asked = without_opening(repaired)
    return Heard(" ".join(asked), taken_back)


def _size_of_heard(raw: str, heard: Heard) -> int:
    return 10 * getsizeof(raw)  # its words, cleaned, and their other spellings


hear = remembered(_hear, most_bytes=_HEARD_BYTES, size_of=_size_of_heard)
"""Clean one transcript: fillers → repetitions → repairs → opening words.

Gives `Heard`. Its text is never empty unless the transcript is blank: a step that would leave
nothing is skipped.
"""


def as_said(raw: str) -> Heard:
    """Leave a transcript as it is."""
    return Heard(" ".join(raw.split()))


def understand(raw: str, *, fillers: bool) -> Heard:
    """Clean one transcript if a route's `fillers` says so; else leave it as it is."""
    if fillers:
        return hear(raw)
    return as_said(raw)


def _bare(word: str) -> str:
    return word.strip(_PUNCTUATION).replace("’", "'").lower()


bare = remembered(_bare, most_bytes=_WORDS_BYTES)
"""Return a word as a recogniser writes it: lower case, straight apostrophes, no punctuation around.

Each step looks at every word again.
"""


def without_fillers(words: Sequence[str]) -> list[str]:
    """Drop uh, um, er, hmm …, `you know` in mid-sentence, and `like` beside another filler.

    Returns:
        The words that stay; all of them if none would.
    """
    plain = [bare(word) for word in words]
    noise = [_is_filler(plain, at) for at in range(len(plain))]
    last = len(plain) - 1
    for at, word in enumerate(plain):
        typed_abbreviation = words[at].isupper()
        if word in ("er", "mm") and typed_abbreviation:
            noise[at] = False
        if _is_you_know(plain, at):
            ends_the_sentence = at + 1 == last
            noise[at] = noise[at + 1] = not ends_the_sentence
        if word == "like" and _beside_a_filler(plain, at):
            noise[at] = True
    kept = [word for word, drop in zip(words, noise, strict=True) if not drop]
    return kept or list(words)


def without_repeats(words: Sequence[str]) -> list[str]:
    """Collapse what was said twice in a row: one function word, or any run of two to five words.

    Runs of digits, number words and single letters stay: `seven seven`, `w w w` are content.
    """
    kept: list[str] = []
    plain: list[str] = []
    for word in words:
        kept.append(word)
        plain.append(bare(word))
        size = _repeat_at_the_end(plain)
        if size:
            del kept[-size:], plain[-size:]
    return kept


def repair(words: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Resolve self-repairs: `in paris no sorry venice` → `in venice`, with `paris` taken back.

    What follows the cue decides how far back it reaches. A question word restarts the question.
    Any other word goes back to the same word a few places before (`the … tower or wait the …
    center`). A new content word replaces one word. When none fits, everything stays: the cue may
    have been an ordinary word.

    Returns:
        (words to search for, words taken back). The first equals the input when there is no cue.
    """
    kept = list(words)
    plain = [bare(word) for word in kept]
    taken_back: list[str] = []
    at = 1
    while at < len(kept) - 1:
        if plain[at] not in _CUES_BEGIN:  # nearly always
            at += 1
            continue
        end, certain = _cue(plain, at)
        if end == at or end >= len(kept):
            at += 1
            continue
        start = _reparandum(plain, at, end, certain=certain)
        if start == at:
            at = end
            continue
        taken_back += kept[start:at]
        del kept[start:end], plain[start:end]
        at = max(start, 1)
    return kept, tuple(taken_back)


def without_opening(words: Sequence[str]) -> list[str]:
    """Drop acknowledgements and polite run-ups in front while at least three words remain.

    `ok great can you tell me when check in is` → `when check in is`.
    """
    plain = [without_accents(bare(word)) for word in words]
    begin = 0
    while True:
        sizes = (phrase_size(phrases, plain, begin) for phrases in _OPENINGS)
        end = begin + max(sizes)
        if end > begin and plain[end : end + 1] in (["if"], ["whether"]):
            end += 1
        if end == begin or len(words) - end < _FEWEST_WORDS:
            return list(words[begin:])
        begin = end


def _is_filler(plain: Sequence[str], at: int) -> bool:
    word = plain[at]
    if word not in english.FILLERS:
        return False
    before = plain[at - 1] if at else ""
    is_noun = word in english.NOUN_FILLERS and before in english.BEFORE_A_NOUN
    return not is_noun


def _is_you_know(plain: Sequence[str], at: int) -> bool:
    """Tell whether a `you know` that means nothing starts at this place, after another word."""
    if at == 0 or plain[at : at + 2] != ["you", "know"]:
        return False
    return plain[at - 1] not in english.BEFORE_YOU_KNOW


def _beside_a_filler(plain: Sequence[str], at: int) -> bool:
    beside = plain[max(at - 1, 0) : at + 2]
    return any(word in english.FILLERS for word in beside)


def _repeat_at_the_end(plain: Sequence[str]) -> int:
    """Return how many words at the end repeat those before them; 0 if they are no stumble."""
    longest = min(_LONGEST_REPEAT, len(plain) // 2)
    for size in range(longest, 0, -1):
        if plain[-1] != plain[-1 - size]:  # tells nearly all apart, without a slice
            continue
        again = plain[-size:]
        if again != plain[-2 * size : -size]:
            continue
        if any(is_code(word) for word in again):
            continue
        if size > 1 or again[0] in english.FUNCTION_WORDS:
            return size
    return 0


def phrase_size(phrases: Phrases, words: Sequence[str], at: int) -> int:
    """Return how many words the longest phrase at this place has, 0 when none starts here."""
    if at >= len(words):
        return 0
    for phrase in phrases.get(words[at], ()):
        if tuple(words[at : at + len(phrase)]) == phrase:
            return len(phrase)
    return 0


def _cue(words: Sequence[str], at: int) -> tuple[int, bool]:
    """Return (end of the run of repair cues that starts here, whether the run is certain).

    (at, False) when no run starts here.
    """
    end = at
    cues = 0
    certain = False
    while end < len(words):
        size = phrase_size(english.STRONG_CUES, words, end)
        if size:
            certain = True
        else:
            size = phrase_size(english.WEAK_CUES, words, end)
        if not size:
            break
        end += size
        cues += 1
    if cues > 1:
        certain = True
    if certain:
        return end + phrase_size(english.AFTER_CUE, words, end), True
    if tuple(words[at:end]) in english.LONE_CUES:
        return end, False
    return at, False


def _reparandum(words: Sequence[str], at: int, end: int, *, certain: bool) -> int:
    """Return where the part taken back begins; `at` when nothing can be told to be wrong."""
    first = words[end]
    if first in english.QUESTION_WORDS:
        return _restart(words, at, end)
    for start in range(at - 1, max(at - _LONGEST_REPAIR, -1), -1):
        if words[start] == first:
            return start
    function_words = english.FUNCTION_WORDS
    two_content_words = (
        first not in function_words and words[at - 1] not in function_words
    )
    if certain and two_content_words:
        return at - 1
    return at


def _restart(words: Sequence[str], at: int, end: int) -> int:
    """Return where the question begins that is asked again from `end` on; `at` if it is too far."""
    repair_size = len(words) - end
    for start in range(at):
        if words[start] in english.QUESTION_WORDS:
            if at - start <= max(repair_size, 3):
                return start
            break
    return at
