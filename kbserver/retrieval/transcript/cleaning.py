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

from kbserver.languages import neutral
from kbserver.languages.letters import one_spelling, without_accents
from kbserver.languages.profile import Noises, Profile
from kbserver.languages.silence import without_annotations
from kbserver.languages.tables import Phrases
from kbserver.lru import remembered

_PUNCTUATION = '.,;:!?"()[]“”…«»¿¡।‹›„'
_LONGEST_REPEAT = 5  # words
_LONGEST_REPAIR = 6  # words that may be taken back
_FEWEST_WORDS = 3  # of a question, once its opening is gone
_WHOLE_QUESTION = 6  # words: with fewer, what joins it to the one before says more
_HEARD_BYTES = (
    2_000_000  # of some 1,000 queries: a turn hears its own for arms and memory
)
_WORDS_BYTES = 1_000_000  # of some 4,000 words: callers use few


@dataclass(frozen=True)
class Heard:
    """One cleaned query.

    Attributes:
        text: the query to search for. Equal to what came in, up to white space, when nothing was
            cleaned.
        taken_back: words the speaker replaced, in order. A weak lexical hint, because people
            correct one word and stay on the subject.
        codes: those of its words that are spelled codes; each names one thing.
        profile: of the language it was heard in.
    """

    text: str
    taken_back: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    profile: Profile = neutral.PROFILE

    @cached_property
    def written(self) -> tuple[str, ...]:
        """Other spellings of numbers, times, ordinals and spelled codes, without duplicates.

        Worked out when the words are searched, so that the model need not wait for it.
        """
        words = [bare(word) for word in self.text.split()]
        return self.profile.numbers.written_forms(words)


def hear(raw: str, profile: Profile) -> Heard:
    """Clean one transcript: fillers → repetitions → repairs → opening words.

    Its text is never empty unless the transcript is blank: a step that would leave nothing is
    skipped.
    """
    return _heard((raw, profile))


def _hear(key: tuple[str, Profile]) -> Heard:
    raw, profile = key
    noises = profile.noises
    words = without_annotations(raw).split() or raw.split()
    steady = without_repeats(without_fillers(words, noises), profile)
    repaired, taken_back = repair(steady, noises)
    asked = without_opening(repaired, noises)
    return Heard(" ".join(asked), taken_back, profile=profile)


def _size_of_heard(key: tuple[str, Profile], heard: Heard) -> int:
    return 10 * getsizeof(key[0])  # its words, cleaned, and their other spellings


_heard = remembered(_hear, most_bytes=_HEARD_BYTES, size_of=_size_of_heard)


def as_said(raw: str, profile: Profile) -> Heard:
    """Leave a transcript as it is."""
    return Heard(" ".join(raw.split()), profile=profile)


def understand(raw: str, profile: Profile, *, fillers: bool) -> Heard:
    """Clean one transcript if a route's `fillers` says so; else leave it as it is."""
    if fillers:
        return hear(raw, profile)
    return as_said(raw, profile)


def _bare(word: str) -> str:
    return one_spelling(word.strip(_PUNCTUATION).replace("’", "'").lower())


bare = remembered(_bare, most_bytes=_WORDS_BYTES)
"""Return a word as a recogniser writes it: lower case, straight apostrophes, no punctuation around.

Each step looks at every word again.
"""


def without_fillers(words: Sequence[str], noises: Noises) -> list[str]:
    """Drop uh, um, er, hmm …, `you know` in mid-sentence, and `like` beside another filler.

    Returns:
        The words that stay; all of them if none would.
    """
    plain = [bare(word) for word in words]
    noise = [_is_filler(plain, at, noises) for at in range(len(plain))]
    for at, word in enumerate(plain):
        typed_abbreviation = words[at].isupper()
        if word in noises.abbreviations and typed_abbreviation:
            noise[at] = False
        aside = _aside(plain, at, noises)
        if aside:
            ends_the_sentence = at + aside == len(plain)
            noise[at : at + aside] = [not ends_the_sentence] * aside
        if word in noises.hedges and _beside_a_filler(plain, at, noises):
            noise[at] = True
    kept = [word for word, drop in zip(words, noise, strict=True) if not drop]
    return kept or list(words)


def without_repeats(words: Sequence[str], profile: Profile) -> list[str]:
    """Collapse what was said twice in a row: one function word, or any run of two to five words.

    Runs of digits, number words and single letters stay: `seven seven`, `w w w` are content.
    """
    kept: list[str] = []
    plain: list[str] = []
    for word in words:
        kept.append(word)
        plain.append(bare(word))
        size = _repeat_at_the_end(plain, profile)
        if size:
            del kept[-size:], plain[-size:]
    return kept


def repair(words: Sequence[str], noises: Noises) -> tuple[list[str], tuple[str, ...]]:
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
    strong, weak = noises.strong_cues, noises.weak_cues
    at = 1
    while at < len(kept) - 1:
        if plain[at] not in strong and plain[at] not in weak:  # nearly always
            at += 1
            continue
        end, certain = _cue(plain, at, noises)
        if end == at or end >= len(kept):
            at += 1
            continue
        start = _reparandum(plain, at, end, noises, certain=certain)
        if start == at:
            at = end
            continue
        taken_back += kept[start:at]
        del kept[start:end], plain[start:end]
        at = max(start, 1)
    return kept, tuple(taken_back)


def without_opening(words: Sequence[str], noises: Noises) -> list[str]:
    """Drop acknowledgements and polite run-ups in front while at least three words remain.

    An `and` stays in front of a short question: the follow-ups tell by it what it goes on from.

    `ok great can you tell me when check in is` → `when check in is`.
    """
    plain = [without_accents(bare(word)) for word in words]
    begin = 0
    while True:
        opener = phrase_size(noises.openers, plain, begin)
        end = begin + max(opener, phrase_size(noises.wrappers, plain, begin))
        if begin < end < len(plain) and plain[end] in noises.after_a_wrapper:
            end += 1
        left = len(words) - end
        if end == begin or left < _FEWEST_WORDS:
            return list(words[begin:])
        if plain[begin] in noises.joining and left < _WHOLE_QUESTION:
            return list(words[begin:])
        begin = end


def _is_filler(plain: Sequence[str], at: int, noises: Noises) -> bool:
    word = plain[at]
    if word not in noises.fillers:
        return False
    before = plain[at - 1] if at else ""
    is_noun = word in noises.noun_fillers and before in noises.before_a_noun
    return not is_noun


def _aside(plain: Sequence[str], at: int, noises: Noises) -> int:
    """Return how many words an aside has that means nothing; 0 if none is here, or in front."""
    if at == 0 or plain[at] not in noises.asides:
        return 0
    if plain[at - 1] in noises.before_an_aside:
        return 0
    return phrase_size(noises.asides, plain, at)


def _beside_a_filler(plain: Sequence[str], at: int, noises: Noises) -> bool:
    beside = plain[max(at - 1, 0) : at + 2]
    return any(word in noises.fillers for word in beside)


def _repeat_at_the_end(plain: Sequence[str], profile: Profile) -> int:
    """Return how many words at the end repeat those before them; 0 if they are no stumble."""
    longest = min(_LONGEST_REPEAT, len(plain) // 2)
    for size in range(longest, 0, -1):
        if plain[-1] != plain[-1 - size]:  # tells nearly all apart, without a slice
            continue
        again = plain[-size:]
        if again != plain[-2 * size : -size]:
            continue
        if any(map(profile.numbers.is_code, again)):
            continue
        if size > 1 or again[0] in profile.noises.function_words:
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


def _cue(words: Sequence[str], at: int, noises: Noises) -> tuple[int, bool]:
    """Return (end of the run of repair cues that starts here, whether the run is certain).

    (at, False) when no run starts here.
    """
    end = at
    cues = 0
    certain = False
    while end < len(words):
        size = phrase_size(noises.strong_cues, words, end)
        if size:
            certain = True
        else:
            size = phrase_size(noises.weak_cues, words, end)
        if not size:
            break
        end += size
        cues += 1
    if cues > 1:
        certain = True
    if certain:
        return end + phrase_size(noises.after_cue, words, end), True
    if tuple(words[at:end]) in noises.lone_cues:
        return end, False
    return at, False


def _reparandum(
    words: Sequence[str], at: int, end: int, noises: Noises, *, certain: bool
) -> int:
    """Return where the part taken back begins; `at` when nothing can be told to be wrong."""
    first = words[end]
    if first in noises.question_words:
        return _restart(words, at, end, noises)
    for start in range(at - 1, max(at - _LONGEST_REPAIR, -1), -1):
        if words[start] == first:
            return start
    function_words = noises.function_words
    two_content_words = (
        first not in function_words and words[at - 1] not in function_words
    )
    if certain and two_content_words:
        return at - 1
    return at


def _restart(words: Sequence[str], at: int, end: int, noises: Noises) -> int:
    """Return where the question begins that is asked again from `end` on; `at` if it is too far."""
    repair_size = len(words) - end
    for start in range(at):
        if words[start] in noises.question_words:
            if at - start <= max(repair_size, 3):
                return start
            break
    return at
