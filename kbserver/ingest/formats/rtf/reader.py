"""Walks the tokens of an RTF file once and keeps what a reader of the document sees."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kbserver.ingest.formats.office.losses import CONTENTS, Losses
from kbserver.ingest.formats.office.runs import (
    Marks,
    Runs,
    font_of_signs,
    note_list,
    note_mark,
    telling_bullet,
)
from kbserver.ingest.formats.rtf.body import Body, Paragraph, RowLayout
from kbserver.ingest.formats.rtf.tokens import Token, tokens

MAX_GROUPS = 1_000
"""One in another."""

_DEFAULT_PAGE = "cp1252"
# Source: Rich Text Format specification 1.9.1, "Font Table" (fcharset).
_PAGES = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 134: "gbk", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256",
    186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 255: "cp850",
}  # fmt: skip
_PAGE_WORDS = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850"}
_HEADING = re.compile(r"heading ([1-9])\b", re.IGNORECASE)
_TITLE = re.compile(r"title$", re.IGNORECASE)

_TEXT, _SKIPPED = "text", "skipped"
_MARGINS = {
    f"{kind}{pages}": kind
    for kind in ("header", "footer")
    for pages in ("", "l", "r", "f")
}
_KEPT_APART = {
    **dict.fromkeys(_MARGINS, "margin"),
    "footnote": "note",
    "listtext": "label",
    "pntext": "label",
    "fonttbl": "fonts",
    "stylesheet": "styles",
    "fldinst": "instruction",
    "formfield": "form",
    "sv": "value",
}
"""Groups with a meaning of their own."""
_SKIPPED_GROUPS = frozenset(
    "colortbl info pict nonshppict object pn upr mmath nonesttables sn shprslt xe tc tcn "
    "rxe annotation atnid atnauthor atndate atnref atrfstart atrfend atntime atnicn "
    "atnparent private ftnsep ftnsepc ftncn aftnsep aftnsepc aftncn template "
    "operator author title subject comment keywords filetbl revtbl listtable bkmkstart "
    "bkmkend".split()
)
_SHOWN_THOUGH_STARRED = frozenset(
    "shpinst shppict shptxt nesttableprops ud formfield pntext shpgrp background".split()
)
"""Of the groups that programs may pass over; all others are passed over here, too."""
_MARK_WORDS: dict[str, Callable[[Marks, bool], Marks]] = {
    "b": lambda marks, is_on: replace(marks, bold=is_on),
    "strike": lambda marks, is_on: replace(marks, struck=is_on),
    "striked": lambda marks, is_on: replace(marks, struck=is_on),
    "super": lambda marks, is_on: replace(marks, raised=is_on, lowered=False),
    "sub": lambda marks, is_on: replace(marks, raised=False, lowered=is_on),
    "nosupersub": lambda marks, is_on: replace(marks, raised=False, lowered=False),
}
_UNREAD = {"pict": "picture", "object": "embedded object", "mmath": "equation"}
_BULLET = "•"
_LETTER_BULLET = "o"
"""What Word writes for the bullets of the second level."""
_CHECKBOX = 1
_CHECKBOX_AS_SET = 25
"""The state of a box that still is as its maker set it."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a group inherits and cannot change for the text behind it."""

    group: str = _TEXT
    marks: Marks = Marks()
    font: int = -1
    is_hidden: bool = False
    is_deleted: bool = False
    fallback: int = 1
    """Characters that stand for a Unicode character in old programs."""
    table_depth: int = 0
    style: int = 0
    outline: int = -1
    list_level: int = 0
    list_number: int = 0
    """0 outside any."""


@dataclass
class _Font:
    page: str = ""
    name: str = ""


@dataclass
class _Story:
    """The text that paragraphs go to: the document's or a footnote's."""

    body: Body = field(default_factory=Body)
    runs: Runs = field(default_factory=Runs)
    label: str = ""


@dataclass
class _Form:
    """A field of a form, as far as it is known."""

    kind: int = -1
    state: int = _CHECKBOX_AS_SET
    as_set: int = 0


class Reader:
    """Reads one RTF file."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._page = _DEFAULT_PAGE
        self._default_font = -1
        self._fonts: dict[int, _Font] = {}
        self._styles: dict[int, str] = {}
        self._stack: list[_State] = []
        self._state = _State()
        self._stories = [_Story()]
        self._notes: list[str] = []
        # characters that wait for the rest of theirs: code page bytes, or halves of one
        self._bytes = bytearray()
        self._half = ""
        self._skip = 0
        self._is_starred = False
        self._begins_group = False
        self._gathered: list[str] = []
        self._defined = 0
        self._form = _Form()
        self._layout = RowLayout()
        self._margin = ""
        self._deleted = False
        """Whether deleted text has just been passed."""

    def html(self, data: bytes) -> str:
        """Return what the document says.

        Raises:
            RecursionError: groups are nested too deeply.
        """
        for token in tokens(data):
            self._token(token)
        self._flush()
        self._end_paragraph()
        self._count_deleted()
        body = self._stories[0].body.html()
        return f"<html><body>{body}{note_list(self._notes)}</body></html>"

    def _token(self, token: Token) -> None:
        if token.kind == "bytes":
            self._code_page_bytes(token)
            self._begins_group = False
            return
        if self._skip and token.kind == "text":
            self._skip -= 1
            return
        if token.kind != "word" or token.word != "u":
            self._flush()
        match token.kind:
            case "open":
                self._open()
            case "close":
                self._close()
            case "star":
                self._is_starred = True
            case "text":
                self._text(token.word)
            case "word":
                self._word(token.word, token.number)
        if token.kind not in ("open", "star"):
            self._begins_group = self._is_starred = False

    def _open(self) -> None:
        if len(self._stack) >= MAX_GROUPS:
            raise RecursionError
        self._stack.append(self._state)
        self._begins_group = True
        self._is_starred = False
        self._skip = 0

    def _close(self) -> None:
        """End a group; what it gathered goes where it belongs."""
        self._skip = 0
        if not self._stack:
            return
        ended, self._state = self._state.group, self._stack.pop()
        if ended in ("fonts", "styles"):
            self._define(ended, "".join(self._gathered))
            self._gathered = []
        elif ended != self._state.group:
            self._end_apart(ended, "".join(self._gathered).strip())

    def _end_apart(self, group: str, text: str) -> None:
        match group:
            case "margin":
                self._losses.margin(self._margin, text)
            case "note":
                self._end_note()
            case "label":
                is_number = text != _LETTER_BULLET and any(map(str.isalnum, text))
                if is_number or telling_bullet(text):
                    self._stories[-1].label = text
            case "form":
                self._end_form()

    def _word(self, word: str, number: int | None) -> None:
        if self._begins_group and self._began(word):
            return
        if word in ("uc", "u"):
            self._unicode(word, number)
        elif self._state.group == "fonts":
            self._font_word(word, number)
        elif self._state.group == "styles":
            if word == "s":
                self._defined = number or 0
        elif self._state.group == "form":
            self._form_word(word, number or 0)
        elif self._state.group != _SKIPPED:
            self._document_word(word, number)

    def _began(self, word: str) -> bool:
        """Note what the group is that begins with a word; return whether it is one."""
        group = self._state.group
        if word == "pict" and group in (_TEXT, "value", "note"):
            self._losses.unread("picture")
        elif word in ("object", "mmath") and group in (_TEXT, "note"):
            self._losses.unread(_UNREAD[word])
        elif word == "annotation" and group in (_TEXT, "note"):
            self._losses.left_out("comment")
        if group == _SKIPPED:
            is_unicode = word == "ud"
            if is_unicode:
                self._state = replace(self._state, group=_TEXT)
            return is_unicode
        if word in _KEPT_APART:
            self._begin_apart(word)
            return True
        is_unknown = self._is_starred and word not in _SHOWN_THOUGH_STARRED
        if word in _SKIPPED_GROUPS or is_unknown:
            self._state = replace(self._state, group=_SKIPPED)
            return True
        return False

    def _begin_apart(self, word: str) -> None:
        group = _KEPT_APART[word]
        if group == "note":
            state = self._state
            # in a header, or a footnote of a footnote
            is_apart = state.group != _TEXT
            if is_apart or state.is_hidden or state.is_deleted:
                self._state = replace(self._state, group=_SKIPPED)
                return
            self._stories.append(_Story())
            self._state = _State(group="note", fallback=self._state.fallback)
            return
        if group == "margin":
            self._margin = _MARGINS[word]
        if group == "form":
            self._form = _Form()
        self._gathered = []
        self._state = replace(self._state, group=group, is_hidden=False)

    def _document_word(self, word: str, number: int | None) -> None:
        is_on = number != 0
        if word in _MARK_WORDS:
            self._mark(_MARK_WORDS[word](self._state.marks, is_on))
            return
        match word:
            case "par" | "sect" | "page" | "column":
                self._end_paragraph()
            case "cell":
                self._end_cell(1)
            case "row":
                self._end_row(1)
            case "nestcell":
                self._end_cell(max(self._state.table_depth, 2))
            case "nestrow":
                self._end_row(max(self._state.table_depth, 2))
            case "plain":
                self._mark(Marks())
                self._font(self._default_font)
                self._state = replace(self._state, is_hidden=False, is_deleted=False)
            case "v":
                self._state = replace(self._state, is_hidden=is_on)
            case "deleted":
                self._state = replace(self._state, is_deleted=is_on)
            case "f":
                self._font(number or 0)
            case _:
                self._layout_word(word, number)

    def _layout_word(self, word: str, number: int | None) -> None:
        """Take a word on paragraphs, or on more than one."""
        state = self._state
        match word:
            case "pard":
                self._state = replace(
                    state, table_depth=0, style=0, outline=-1, list_number=0
                )
            case "intbl":
                self._state = replace(state, table_depth=max(state.table_depth, 1))
            case "itap":
                self._state = replace(state, table_depth=max(number or 0, 0))
            case "s":
                self._state = replace(state, style=number or 0)
            case "outlinelevel":
                self._state = replace(state, outline=number or 0)
            case "ls":
                self._state = replace(state, list_number=number or 0)
            case "ilvl":
                self._state = replace(state, list_level=max(number or 0, 0))
            case _:
                self._file_word(word, number)

    def _file_word(self, word: str, number: int | None) -> None:
        """Take a word on the row of a table, or on the whole file."""
        match word:
            case "trowd":
                self._layout = RowLayout()
            case "trhdr":
                self._layout.is_header = True
            case "clmrg":
                self._layout.goes_on = "left"
            case "clvmrg":
                self._layout.goes_on = "above"
            case "cellx":
                self._layout.end_cell(number or 0)
            case "ansicpg":
                self._page = _known_page(f"cp{number}")
            case "mac" | "pc" | "pca":
                self._page = _PAGE_WORDS[word]
            case "deff":
                self._default_font = number or 0

    def _mark(self, marks: Marks) -> None:
        self._state = replace(self._state, marks=marks)

    def _font(self, number: int) -> None:
        name = self._fonts.get(number, _Font()).name
        marks = replace(self._state.marks, font=font_of_signs(name))
        self._state = replace(self._state, font=number, marks=marks)

    def _unicode(self, word: str, number: int | None) -> None:
        if word == "uc":
            self._state = replace(self._state, fallback=max(number or 0, 0))
            return
        self._flush_bytes()
        character = chr((number or 0) % 0x10000)
        self._skip = self._state.fallback
        if "\ud800" <= character <= "\udbff":
            self._half = character
            return
        if self._half and "\udc00" <= character <= "\udfff":
            pair = (self._half + character).encode("utf-16-le", "surrogatepass")
            character = pair.decode("utf-16-le")
        self._half = ""
        self._text(character)

    def _code_page_bytes(self, token: Token) -> None:
        data = token.data
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        self._bytes += data[skipped:]

    def _flush(self) -> None:
        self._flush_bytes()
        self._half = ""

    def _flush_bytes(self) -> None:
        if not self._bytes:
            return
        data = bytes(self._bytes)
        self._bytes.clear()
        if self._state.group != _SKIPPED:
            page = self._fonts.get(self._state.font, _Font()).page or self._page
            self._text(data.decode(page, "replace"))

    def _text(self, text: str) -> None:
        """Take some text of the document, or of a group with a meaning of its own."""
        if self._state.group not in (_TEXT, "note"):
            is_sign = self._state.group == "label" and self._state.marks.font
            if is_sign and text.strip():
                text = telling_bullet(text, self._state.marks.font) or _BULLET
            if self._state.group != _SKIPPED and not self._state.is_hidden:
                self._gathered.append(text)
            return
        if self._state.is_deleted:
            self._deleted = self._deleted or bool(text.strip())
            return
        self._count_deleted()
        if self._state.is_hidden:
            self._losses.hidden += len(text)
            return
        self._stories[-1].runs.add(text, self._state.marks)

    def _count_deleted(self) -> None:
        """Count a text that was deleted, however many runs it was in."""
        self._losses.left_out("deleted text", int(self._deleted))
        self._deleted = False

    def _end_paragraph(self, least_depth: int = 0) -> None:
        if self._state.group not in (_TEXT, "note"):
            if self._state.group != _SKIPPED:
                self._gathered.append(" ")
            return
        story = self._stories[-1]
        name = self._styles.get(self._state.style, "")
        if not CONTENTS.match(name):
            paragraph = self._paragraph(story, name)
            depth = max(self._state.table_depth, least_depth)
            story.body.paragraph(paragraph, depth)
        story.runs, story.label = Runs(), ""

    def _paragraph(self, story: _Story, style: str) -> Paragraph:
        html = story.runs.html()
        heading = _HEADING.match(style)
        level = self._state.outline + 1
        if heading is not None:
            level = int(heading[1])
        if _TITLE.match(style):
            return Paragraph(html, "title")
        if 1 <= level <= 9 and html.strip():
            return Paragraph(html, f"h{min(level, 6)}", story.label)
        if story.label or self._state.list_number:
            depth = self._state.list_level + 1
            number = self._state.list_number
            return Paragraph(html, "li", story.label, depth, number)
        return Paragraph(html)

    def _end_cell(self, depth: int) -> None:
        if self._state.group in (_TEXT, "note"):
            self._end_paragraph(depth)
            self._stories[-1].body.end_cell(depth)

    def _end_row(self, depth: int) -> None:
        if self._state.group in (_TEXT, "note"):
            self._stories[-1].body.end_row(depth, self._layout)

    def _end_note(self) -> None:
        """Put a footnote to the others, and its mark where it stood."""
        state = self._state
        self._state = _State(group="note")
        self._end_paragraph()
        self._state = state
        note = self._stories.pop()
        self._notes.append(note.body.html())
        self._stories[-1].runs.add_markup(note_mark(len(self._notes)))

    def _font_word(self, word: str, number: int | None) -> None:
        match word:
            case "f":
                self._defined = number or 0
                self._fonts[self._defined] = _Font()
            case "fcharset":
                page = _PAGES.get(number or 0, "")
                self._fonts.setdefault(self._defined, _Font()).page = page
            case "cpg":
                page = _known_page(f"cp{number}")
                self._fonts.setdefault(self._defined, _Font()).page = page

    def _define(self, table: str, text: str) -> None:
        """Take the name of a font or style, for which its group says the rest."""
        name = text.strip().rstrip(";")
        if not name:
            return
        if table == "styles":
            self._styles[self._defined] = name
            self._defined = 0
        else:
            self._fonts.setdefault(self._defined, _Font()).name = name

    def _form_word(self, word: str, number: int) -> None:
        match word:
            case "fftype":
                self._form.kind = number
            case "ffres":
                self._form.state = number
            case "ffdefres":
                self._form.as_set = number

    def _end_form(self) -> None:
        if self._form.kind != _CHECKBOX:
            return
        state = self._form.state
        if state == _CHECKBOX_AS_SET:
            state = self._form.as_set
        self._stories[-1].runs.add("☑ " if state else "☐ ")


def _known_page(name: str) -> str:
    """Return the name of a code page, the usual one if there is none of this name."""
    try:
        codecs.lookup(name)
    except LookupError:
        return _DEFAULT_PAGE
    return name
