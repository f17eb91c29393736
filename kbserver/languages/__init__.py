"""What is known of each language: one folder a language, one frozen `Profile` for all steps.

A corpus's manifest names its language. `profile` gives what the steps that hear and speak read;
a language that is not here gets the neutral one, which changes nothing. `spoken` tells when a
caller speaks another language than the corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final

from kbserver.languages import english, french, german, hindi, neutral, spanish
from kbserver.languages.letters import one_spelling
from kbserver.languages.profile import Profile
from kbserver.lru import bytes_of, remembered

_KNOWN: Final = (
    english.PROFILE,
    french.PROFILE,
    german.PROFILE,
    hindi.PROFILE,
    spanish.PROFILE,
)
PROFILES: Final = MappingProxyType({one.name: one for one in _KNOWN})
"""By the name of the language, as in a manifest."""

LEAD: Final = 2
"""Words of grammar that another language must have more than the corpus's own to be the spoken one:
short questions of one language are often made of words of two."""

_SPOKEN_BYTES = 500_000
"""Of some 1,000 queries: the memory of a session and each corpus ask for the same one."""

_EDGES = '.,;:!?"()[]“”…«»¿¡।'


def profile(language: str) -> Profile:
    """Return the profile of a corpus's language, the neutral one for any without a profile."""
    return PROFILES.get(language, neutral.PROFILE)


def spoken(text: str, profiles: Sequence[Profile]) -> Profile:
    """Return the profile of the language that is spoken in a query.

    Args:
        text: as the recogniser wrote it.
        profiles: of the corpora that are searched; English if there is none.

    Returns:
        The one of `profiles` that has most of the query's words of grammar, the first if several
        have; another language's if that has `LEAD` more. A language without a profile is never
        taken for another one.
    """
    return _known_spoken((text, tuple(profiles) or (english.PROFILE,)))


def _spoken(key: tuple[str, tuple[Profile, ...]]) -> Profile:
    text, own = key
    if own == (neutral.PROFILE,):
        return neutral.PROFILE
    lower = one_spelling(text.replace("’", "'").lower())
    words = {word.strip(_EDGES) for word in lower.split()}

    def words_of_grammar(one: Profile) -> int:
        return len(words & one.noises.function_words)

    best = max(own, key=words_of_grammar)
    if neutral.PROFILE in own:
        return best
    most = max(_KNOWN, key=words_of_grammar)
    if words_of_grammar(most) >= words_of_grammar(best) + LEAD:
        return most
    return best


def _size_of_spoken(key: tuple[str, tuple[Profile, ...]], _: Profile) -> int:
    text, own = key
    return bytes_of(text, own)


_known_spoken = remembered(_spoken, most_bytes=_SPOKEN_BYTES, size_of=_size_of_spoken)


def understood(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """Return the profiles whose small talk counts: the corpora's own, then all others.

    Callers switch language for a thank-you. The others are left out beside a language without a
    profile: what is small talk in one may ask something in that.
    """
    if neutral.PROFILE in profiles:
        return tuple(profiles)
    return tuple(dict.fromkeys((*profiles, *_KNOWN)))
