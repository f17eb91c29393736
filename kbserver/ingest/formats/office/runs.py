"""Runs of text with their marks to HTML, the model in which all formats of prose meet."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from mammoth.docx.dingbats import dingbats

from kbserver.ingest.formats.shared.raised import raised
from kbserver.ingest.formats.shared.signs import SIGN_FONTS, spoken_boxes

BREAK = "\n"
"""In the text of a run: a line ends, its paragraph goes on."""

_FONTS = {
    **{name: name for name in SIGN_FONTS},
    **{name.lower(): name for name, _ in dingbats},
}
"""Fonts of signs as mammoth knows them, by their name in lower case."""
_PRIVATE = range(0xF020, 0xF100)
"""Where Unicode has the letters of fonts of signs."""


@dataclass(frozen=True, slots=True)
class Marks:
    """How a run of text looks, as far as it says something."""

    bold: bool = False
    struck: bool = False
    raised: bool = False
    lowered: bool = False
    font: str = ""
    """A font of signs, in lower case; "" for one of letters."""


PLAIN = Marks()


def font_of_signs(name: str) -> str:
    """Return a font's name as `Marks` has it: "" for one of letters."""
    name = name.strip("\"' ").lower()
    return name if name in _FONTS else ""


def telling_bullet(text: str, font: str = "") -> str:
    """Return a bullet that says something, as a cross or a box does; "" for any other.

    Args:
        font: of signs, as `Marks` has it.
    """
    if font:
        text = "".join(_sign(one, font) for one in text)
    said = spoken_boxes(f"{text} a")
    if said in ("a", f"{text} a"):
        return ""
    return text


class Runs:
    """The runs of one paragraph, in which markup may stand between them."""

    def __init__(self) -> None:
        # (None, markup) or (marks, text)
        self._pieces: list[tuple[Marks | None, str]] = []

    def add(self, text: str, marks: Marks = PLAIN) -> None:
        """Append a text."""
        if not text:
            return
        if marks.font:
            text = "".join(_sign(one, marks.font) for one in text)
        if self._pieces and self._pieces[-1][0] == marks:
            text = self._pieces.pop()[1] + text
        self._pieces.append((marks, text))

    def add_markup(self, markup: str) -> None:
        """Append HTML."""
        if markup:
            self._pieces.append((None, markup))

    def html(self) -> str:
        """Return all of it as HTML; what is bold stays whole around line breaks."""
        return "".join(
            text if marks is None else _marked(text, marks)
            for marks, text in self._pieces
        )

    def shown(self) -> tuple[str, int]:
        """Return the text without what is struck out, and how often that is; no markup.

        Raised digits become raised characters.
        """
        parts: list[str] = []
        struck = 0
        for marks, text in self._pieces:
            if marks is None:
                continue
            if marks.struck:
                struck += bool(text.strip())
                continue
            is_raised = marks.raised and text.strip().isdecimal()
            parts.append(raised(text) if is_raised else text)
        return "".join(parts), struck

    def __bool__(self) -> bool:
        return bool(self._pieces)


def note_mark(number: int) -> str:
    """Return the mark of a footnote as HTML, as a Word document has it."""
    return f"<sup><a href='#footnote-{number}'>[{number}]</a></sup>"


def note_list(notes: list[str]) -> str:
    """Return the footnotes of a document, given as HTML, as the list at its end."""
    items = "".join(
        f"<li id='footnote-{number}'>{note}</li>"
        for number, note in enumerate(notes, start=1)
    )
    return f"<ol>{items}</ol>" if items else ""


def _sign(letter: str, font: str) -> str:
    """Return what a letter of a font of signs looks like."""
    if ord(letter) in _PRIVATE:
        letter = chr(ord(letter) - 0xF000)
    if ord(letter) in SIGN_FONTS.get(font, {}):
        return letter.translate(SIGN_FONTS[font])
    looks_like = dingbats.get((_FONTS[font], ord(letter)))
    if looks_like is None:
        return letter
    return chr(looks_like)


def _marked(text: str, marks: Marks) -> str:
    markup = escape(text, quote=False).replace(BREAK, "<br>")
    if not text.strip():
        return markup
    for is_on, tag in (
        (marks.raised, "sup"),
        (marks.lowered, "sub"),
        (marks.struck, "s"),
        (marks.bold, "strong"),
    ):
        if is_on:
            markup = f"<{tag}>{markup}</{tag}>"
    return markup
