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
    own = profiles or (english.PROFILE,)
    if len(own) == 1 and own[0] is neutral.PROFILE:
        return own[0]
    lower = one_spelling(text.replace("’", "'").lower())
    words = {word.strip(_EDGES) for word in lower.split()}
    counts = {one: _words_of_grammar(one, words) for one in (*own, *_KNOWN)}
    best = max(own, key=counts.__getitem__)
    if neutral.PROFILE in own:
        return best
    most = max(_KNOWN, key=counts.__getitem__)
    if counts[most] >= counts[best] + LEAD:
        return most
    return best


def _words_of_grammar(one: Profile, words: set[str]) -> int:
    return len(words & one.noises.function_words)


def understood(profiles: Sequence[Profile]) -> tuple[Profile, ...]:
    """Return the profiles whose small talk counts: the corpora's own, then all others.

    Callers switch language for a thank-you. The others are left out beside a language without a
    profile: what is small talk in one may ask something in that.
    """
    if neutral.PROFILE in profiles:
        return tuple(profiles)
    return tuple(dict.fromkeys((*profiles, *_KNOWN)))
