"""Session labels: what a label may be, and the patterns that routes and tokens are written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from kbserver.errors import SettingsError

MAX_LABEL_CHARACTERS = 256  # Omni's own limit

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PIECE = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<star>\*)|(?P<bad>[{}])")


# Stand for any text in a label: characters for private use, which no pattern holds.
_NAME = "\ue000"
_STARS = ("", "\ue001", "\ue001/\ue002")


def label_problem(label: str) -> str | None:
    """Say what is wrong with a session label, or None.

    A label has at most 256 characters, none of them control characters.
    """
    if len(label) > MAX_LABEL_CHARACTERS:
        return (
            f"the session label has {len(label)} characters; "
            f"at most {MAX_LABEL_CHARACTERS} are allowed"
        )
    if _CONTROL.search(label):
        return "the session label holds a control character; use printable ones"
    return None


@dataclass(frozen=True)
class LabelPattern:
    """A pattern for session labels: `support`, `billing-*`, `hotel-{id}`, `*`.

    `*` matches any run of characters, the empty one too; `{name}` matches one or more characters
    other than `/` and hands them on as a parameter. Everything else is literal; case matters.
    """

    pattern: str

    def __post_init__(self) -> None:
        names: list[str] = []
        for piece in _PIECE.finditer(self.pattern):
            if piece["bad"]:
                raise SettingsError(
                    f"label pattern {self.pattern!r}: a brace that is not part of {{name}}; "
                    "write it like hotel-{id}"
                )
            if piece["name"] in names:
                raise SettingsError(
                    f"label pattern {self.pattern!r}: "
                    f"the parameter {piece['name']!r} is named twice"
                )
            if piece["name"]:
                names.append(piece["name"])

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names in braces, in order."""
        return tuple(
            piece["name"] for piece in _PIECE.finditer(self.pattern) if piece["name"]
        )

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        parts: list[str] = []
        at = 0
        for piece in _PIECE.finditer(self.pattern):
            parts.append(re.escape(self.pattern[at : piece.start()]))
            if piece["name"]:
                parts.append(f"(?P<{piece['name']}>[^/]+?)")
            else:
                parts.append(".*")
            at = piece.end()
        parts.append(re.escape(self.pattern[at:]))
        return re.compile("".join(parts), re.DOTALL)

    def match(self, label: str) -> dict[str, str] | None:
        """Return the parameters of a label that fits the whole pattern; None if it does not fit."""
        if len(self._pieces) > MOST_PIECES_BY_REGEX:
            return _match_pieces(self._pieces, label)
        found = self._regex.fullmatch(label)
        if found is None:
            return None
        return found.groupdict()

    def covers(self, other: LabelPattern) -> bool:
        """Whether every label that fits another pattern fits this one, too."""
        return all(self.match(other._filled(star)) is not None for star in _STARS)

    def _filled(self, star: str) -> str:
        """Return a label that fits: with `star` for each star, and a character for a name."""

        def text_of(piece: re.Match[str]) -> str:
            if piece["star"]:
                return star
            return _NAME

        return _PIECE.sub(text_of, self.pattern)

    @cached_property
    def _pieces(self) -> tuple[_Piece, ...]:
        """The pattern's stars and names, each with the literal text after it, behind its begin."""
        pieces: list[_Piece] = []
        wildcard: str | None = None
        at = 0
        for found in _PIECE.finditer(self.pattern):
            pieces.append(_Piece(wildcard, self.pattern[at : found.start()]))
            wildcard = found["name"] or "*"
            at = found.end()
        pieces.append(_Piece(wildcard, self.pattern[at:]))
        return tuple(pieces)


MOST_PIECES_BY_REGEX = 3
"""The begin and two wildcards; with more of them a regular expression may try for seconds."""


class _Piece(NamedTuple):
    """A wildcard and the literal text that follows it."""

    wildcard: str | None
    """A name, `*`, or None for the begin of a pattern."""
    literal: str


def _match_pieces(pieces: Sequence[_Piece], label: str) -> dict[str, str] | None:
    """Match as the regular expression does: names as short, stars as long as possible.

    The work is the label's length times the number of pieces.
    """
    # fits[n][at]: whether the pieces from the n-th on fit the label from `at` to its end
    fits = [[False] * (len(label) + 1) for _ in range(len(pieces))]
    fits.append([at == len(label) for at in range(len(label) + 1)])
    for number in range(len(pieces) - 1, -1, -1):
        _fill(fits[number], pieces[number], fits[number + 1], label)
    if not fits[0][0]:
        return None

    found: dict[str, str] = {}
    at = 0
    for number, piece in enumerate(pieces):
        end = _end_of_wildcard(piece, label, at, fits[number + 1])
        if piece.wildcard not in (None, "*"):
            found[str(piece.wildcard)] = label[at:end]
        at = end + len(piece.literal)
    return found


def _fill(fits: list[bool], piece: _Piece, rest: list[bool], label: str) -> None:
    """Set where a piece may begin, so that the rest fits after it."""
    literal = piece.literal
    can_end = False  # the wildcard at a place right of this one, which it may run on to
    for at in range(len(label), -1, -1):
        after = at + len(literal)
        here = after <= len(label) and rest[after] and label.startswith(literal, at)
        if piece.wildcard is None:
            fits[at] = here
        elif piece.wildcard == "*":
            can_end = can_end or here
            fits[at] = can_end
        else:
            if label[at : at + 1] == "/":
                can_end = False
            fits[at] = can_end
            can_end = can_end or here


def _end_of_wildcard(piece: _Piece, label: str, at: int, rest: list[bool]) -> int:
    """Where the wildcard of a piece ends that begins at `at` and is known to fit."""
    places: Iterable[int] = (at,)
    if piece.wildcard == "*":
        places = range(len(label), at - 1, -1)
    elif piece.wildcard is not None:
        places = range(at + 1, len(label) + 1)
    for end in places:
        after = end + len(piece.literal)
        if after <= len(label) and rest[after] and label.startswith(piece.literal, end):
            return end
    raise AssertionError("a piece that fits has an end")
