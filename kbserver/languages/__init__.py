"""What is known of each language: one folder a language, one frozen `Profile` for all steps.

A corpus's manifest names its language. `profile` gives what the steps that hear and speak read;
a language that is not here gets the neutral one, which changes nothing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from kbserver.languages import english, neutral
from kbserver.languages.profile import Profile

PROFILES: Final = MappingProxyType({one.name: one for one in (english.PROFILE,)})
"""By the name of the language, as in a manifest."""


def profile(language: str) -> Profile:
    """Return the profile of a corpus's language, the neutral one for any without a profile."""
    return PROFILES.get(language, neutral.PROFILE)
