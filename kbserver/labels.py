"""Session labels: what a label may be, and the patterns that routes and tokens are written in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from kbserver.errors import SettingsError

MAX_LABEL_CHARACTERS = 256  # Omni's own limit

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_PIECE = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|(?P<star>\*)|(?P<bad>[{}])")


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
        found = self._regex.fullmatch(label)
        if found is None:
            return None
        return found.groupdict()
