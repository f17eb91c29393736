"""What is shown on slides and cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kbserver.ingest.blocks import counted, not_spoken

MAX_GROUP_DEPTH = 20
"""Of groups of shapes in groups."""

_LOGO_SLIDES = 3
"""With the same picture at the same place."""
_PICTURE_SHARE = 0.02
"""Of a slide; smaller pictures are signs and ornaments."""


class SlideLosses:
    """What the slides of one file show and do not say, and what of it is left out."""

    def __init__(self, slide_area: float) -> None:
        """Begin before the first slide.

        Args:
            slide_area: of one slide, in the unit of the places that `add` gets, squared.
        """
        self.hidden = 0
        """Hidden slides."""
        self.noted = 0
        """Slides with speaker notes."""
        self.struck = 0
        """Texts that are struck out."""
        self._slide_area = max(slide_area, 1)
        # (number of a slide, kind, place)
        self._things: list[tuple[int, str, tuple[float, ...]]] = []
        self._slide = 0

    def on(self, slide: int) -> SlideLosses:
        """Go on to a slide, counted from 1."""
        self._slide = slide
        return self

    def add(self, kind: str, place: Sequence[float]) -> None:
        """Remember a shape; a small picture is no loss.

        Args:
            place: left, top, width and height.
        """
        is_small = place[2] * place[3] < _PICTURE_SHARE * self._slide_area
        if kind != "picture" or not is_small:
            self._things.append((self._slide, kind, tuple(place)))

    def notes(self) -> list[str]:
        """Return a note for each kind; what is at one place on three slides is a logo."""
        often = Counter((kind, place) for _, kind, place in self._things)
        slides: dict[str, list[int]] = {}
        for slide, kind, place in self._things:
            if kind != "picture" or often[kind, place] < _LOGO_SLIDES:
                slides.setdefault(kind, []).append(slide)
        notes: list[str] = []
        for kind, numbers in sorted(slides.items()):
            where = ", ".join(map(str, dict.fromkeys(numbers)))
            what = f"{counted(len(numbers), kind)} (slide {where})"
            notes.append(not_spoken(what, "write on the slide what callers need of it"))
        if self.struck:
            notes.append(f"left out {counted(self.struck, 'struck-out text')}")
        if self.hidden:
            notes.append(f"left out {counted(self.hidden, 'hidden slide')}")
        if self.noted:
            notes.append(
                f"left out the speaker notes of {counted(self.noted, 'slide')}"
            )
        return notes
