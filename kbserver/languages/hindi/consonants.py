"""The consonants of Devanagari in Latin letters: those that are heard for one another are one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

CONSONANTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "k": "कख",
        "g": "गघ",
        "X": "चछ",
        "j": "जझ",
        "t": "टठतथ",
        "d": "डढदध",
        "n": "ङञणनं",
        "p": "प",
        "f": "फ",
        "b": "बभ",
        "m": "म",
        "y": "य",
        "r": "रृऋ",
        "l": "लळ",
        "v": "व",
        "s": "शषस",
        "h": "ह",
    }
)
"""Signs by their sound; X is `ch`."""
