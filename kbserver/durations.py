"""Durations as people write them: 90s, 15m, 1h, 7d."""

from __future__ import annotations

import re

from kbserver.errors import SettingsError

_UNITS_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")


def duration_s(text: str) -> int:
    """Return the seconds of a duration such as 90s, 15m, 1h or 7d.

    Raises:
        SettingsError: it is not a whole number and one of the letters s, m, h, d.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise SettingsError(
            f"{text!r} is not a duration; write a whole number and a unit: 90s, 15m, 1h, 7d"
        )
    return int(found[1]) * _UNITS_S[found[2]]
