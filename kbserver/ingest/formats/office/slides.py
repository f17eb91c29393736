"""What is shown on slides and cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from kbserver.ingest.blocks import Block, counted, not_spoken
from kbserver.ingest.formats.ocr.embedded import Crop, Embedded

MAX_GROUP_DEPTH = 20
"""Of groups of shapes in groups."""

_LOGO_SLIDES = 3
"""With the same picture at the same place."""
_PICTURE_SHARE = 0.02
"""Of a slide; smaller pictures are signs and ornaments."""


class SlideLosses:
    """What the slides of one file show and do not say, and what of it is left out."""

    def __init__(self, slide_area: float, pictures: Embedded | None = None) -> None:
        """Begin before the first slide.

        Args:
            slide_area: of one slide, in the unit of the places that `add` gets, squared.
            pictures: reads those of the file; None if they are not read.
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
        self._pictures = pictures
        # slides with a picture at a place
        self._shown_at: Counter[tuple[float, ...]] = Counter()

    def foresee(self, places: Iterable[Sequence[float]]) -> None:
        """Learn where one slide shows pictures, before any is read: logos come again."""
        self._shown_at.update(set(map(tuple, places)))

    def picture(
        self,
        content: Callable[[], bytes | None],
        place: Sequence[float],
        *,
        crop: Crop,
        lead_in: str,
    ) -> list[Block]:
        """Return what is written on a picture; remember it if that is not read.

        Args:
            content: returns its file.
            place: left, top, width and height.
            crop: what of it is not shown.
            lead_in: what introduces it.
        """
        blocks = None
        is_logo = self._shown_at[tuple(place)] >= _LOGO_SLIDES
        if self._pictures is not None and not is_logo and not self._is_small(place):
            name = f"slide {self._slide}"
            blocks = self._pictures.blocks(content, name, crop=crop, lead_in=lead_in)
        if blocks is None:
            self.add("picture", place)
        return blocks or []

    def on(self, slide: int) -> SlideLosses:
        """Go on to a slide, counted from 1."""
        self._slide = slide
        return self

    def add(self, kind: str, place: Sequence[float]) -> None:
        """Remember a shape; a small picture is no loss.

        Args:
            place: left, top, width and height.
        """
        if kind != "picture" or not self._is_small(place):
            self._things.append((self._slide, kind, tuple(place)))

    def notes(self) -> list[str]:
        """Return a note for each kind; what is at one place on three slides is a logo."""
        often = Counter((kind, place) for _, kind, place in self._things)
        slides: dict[str, list[int]] = {}
        for slide, kind, place in self._things:
            if kind != "picture" or often[kind, place] < _LOGO_SLIDES:
                slides.setdefault(kind, []).append(slide)
        notes: list[str] = []
        if self._pictures is not None:
            notes += self._pictures.notes()
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

    def _is_small(self, place: Sequence[float]) -> bool:
        return place[2] * place[3] < _PICTURE_SHARE * self._slide_area
