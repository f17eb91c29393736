"""What a query asks for beside a look into documents: to be seen in its words alone.

A passage may answer all the same ("please change my booking" → how to change one), so that a
request weighs against a passage and never silences it; see `fusion`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from kbserver.languages import PROFILES, neutral
from kbserver.languages.letters import without_accents
from kbserver.languages.profile import Profile

Request: TypeAlias = Literal["action", "moment"]
"""action: something is to be done. moment: this very moment is asked about."""

_PATTERNS: Final[Mapping[Profile, Mapping[Request, re.Pattern[str]]]] = {
    profile: {
        "action": re.compile(profile.requests.actions),
        "moment": re.compile(profile.requests.moments),
    }
    for profile in (neutral.PROFILE, *PROFILES.values())
}
_SIGNS: Final = re.compile(r"[?.!,;:]+(?= |$)")


def requests_in(query: str, profile: Profile) -> tuple[Request, ...]:
    """Return what a query asks for that documents hardly hold; () for a plain question.

    Args:
        query: cleaned.
        profile: of the language that it was heard in.
    """
    plain = _SIGNS.sub("", without_accents(query.replace("’", "'").lower()))
    return tuple(
        request
        for request, pattern in _PATTERNS[profile].items()
        if pattern.search(plain)
    )
