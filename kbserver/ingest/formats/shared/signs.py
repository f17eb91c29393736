"""Signs that say yes or no: ticks, crosses, boxes and x marks, as words of the corpus.

A caller hears no tick. Without its sign, what is included and what is not sound alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from kbserver.ingest.cells import cells as words_of_cells
from kbserver.ingest.cells import truth

LABEL_CHARACTERS = 120
"""A longer text behind a box is no label; its box becomes a word before it."""

SIGN_FONTS = {
    "wingdings": str.maketrans("üûþýx¨o", "✓✗☑☒☒☐☐"),
    "wingdings 2": str.maketrans("PORQTS£*", "✓✗☑☒☒☒☐☐"),
    "webdings": str.maketrans("arc", "✓✗☐"),
    "marlett": str.maketrans("ab", "✓✓"),
}
"""What the letters of a font of signs look like, by its name in lower case."""

_WITHOUT_FONT = str.maketrans(
    "\uf0fc\uf0fb\uf0fe\uf0fd\uf078\uf0a8\uf06f\uf0b7\uf0a7\uf0d8\uf076\uf0e0",
    "✓✗☑☒☒☐☐•▪••→",
)
"""Letters of Wingdings and Symbol as they come without their font."""
_PRIVATE = re.compile("[\uf000-\uf0ff]")

_YES = frozenset("✓✔🗸✅☑☒🗹🗷⌧🗵")
"""Ticks, and boxes with anything in them."""
_NO = frozenset("✗✘❌✖❎🗴🗶☓☐🞎🞏▢⬜")
_BOXES = "☐☑☒🗹🗷⌧🗵🞎🞏▢⬜"
_ANY = "".join(sorted(_YES | _NO))
_SIGN = re.compile(f"[{_ANY}]\ufe0f?")
_TYPED_BOX = re.compile(r"^((?:[-*•] |\d+[.)] )?)\[([ xX✓✔])\] (?=\S)")
_NEGATED = re.compile(
    r"(?:no|not|never|without|cannot|can't|don't|doesn't|un\w+)\b", re.IGNORECASE
)
_ANSWERS = frozenset("yes no ja nein oui non sí si हाँ हां नहीं n/a".split())
_FULL_STOP = ".!"

_TICKED_X = frozenset("xX")
_DASHES = frozenset("-–—➖−")
_OPEN = _DASHES | {""}
_DOTS = {"●": True, "•": True, "○": False}
_MARKS = _YES | _NO | _TICKED_X | _DASHES | _DOTS.keys()
_LETTERS = {"y": True, "n": False, "true": True, "false": False}


def with_signs(text: str) -> str:
    """Return a text of the same length, letters of fonts of signs as what they show."""
    if text.isascii() or _PRIVATE.search(text) is None:
        return text
    return text.translate(_WITHOUT_FONT)


def is_sign(text: str) -> bool:
    """Return whether a text is one sign, x mark or dash."""
    text = text.strip().rstrip("\ufe0f")
    return text in _MARKS


def spoken_boxes(text: str) -> str:
    """Say of each ticked or empty box what it says: `☐ Kitchen` gives `Kitchen: no`.

    A tick before a text adds nothing and goes; a cross there is a `no`.
    """
    if text.isascii() and "[" not in text:
        return text
    lines = [_spoken_line(line) for line in text.split("\n")]
    return "\n".join(lines)


def spoken_marks(
    names: Sequence[str], rows: Sequence[Sequence[str]]
) -> list[Sequence[str]]:
    """Return the rows of a table with yes and no for its marks.

    An x is a yes, as in a list of what each plan includes; where ticks stand for that
    and no cell is left open, it is a no. A cell left open beside marks is a no.

    Args:
        names: of the columns; an x below no name stays what it is.
    """
    marked = _marked_columns(names, rows)
    lettered = [at for at, name in enumerate(names) if name and _is_lettered(at, rows)]
    cells = {row[at].strip() for row in rows for at in marked if at < len(row)}
    is_no = bool(cells & _YES) and not cells & _OPEN
    x_word = truth(not is_no)
    width = max(marked, default=-1) + 1
    spoken: list[Sequence[str]] = []
    for row in rows:
        words = list(map(_spoken_cell, row))
        for at in lettered:
            if at < len(row):
                words[at] = _truth_of(_LETTERS, row[at].strip().lower(), words[at])
        if any(_is_mark(row[at]) for at in marked if at < len(row)):
            words += [""] * (width - len(words))
            for at in marked:
                words[at] = _mark_word(words[at].strip(), x_word)
        spoken.append(words)
    return spoken


def _is_mark(cell: str) -> bool:
    text = cell.strip().rstrip("\ufe0f")
    return text in _MARKS


def _marked_columns(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> list[int]:
    """Return the named columns of marks; none if all there is is one x, or dashes."""
    marked = [
        at for at, name in enumerate(names) if at and name and _is_marked(at, rows)
    ]
    marks = [row[at].strip() for row in rows for at in marked if at < len(row)]
    marks = [mark for mark in marks if mark not in _OPEN and _is_mark(mark)]
    if not marks or (len(marks) == 1 and marks[0] in _TICKED_X):
        return []
    return marked


def _is_marked(
    at: int,
    rows: Sequence[Sequence[str]],
) -> bool:
    """Return whether at least half of a column's filled cells are marks."""
    cells = [row[at].strip() for row in rows if at < len(row)]
    marks = sum(map(_is_mark, cells))
    return marks > 0 and marks * 2 >= sum(map(bool, cells))


def _is_lettered(
    at: int,
    rows: Sequence[Sequence[str]],
) -> bool:
    """Return whether all of a column's cells are Y and N, or TRUE and FALSE."""
    cells = {row[at].strip() for row in rows if at < len(row)} - {""}
    return bool(cells) and (cells <= {"Y", "N"} or cells <= {"TRUE", "FALSE"})


def _mark_word(
    word: str,
    x_word: str,
) -> str:
    if word in _TICKED_X:
        return x_word
    if word in _OPEN:
        return truth(False)
    return _truth_of(_DOTS, word, word)


def _truth_of(table: Mapping[str, bool], mark: str, otherwise: str) -> str:
    """Return the word for a mark of a table, or another."""
    if mark in table:
        return truth(table[mark])
    return otherwise


def _spoken_cell(cell: str) -> str:
    """Return a cell with a word for the sign it is or begins with."""
    if cell.isascii():
        return spoken_boxes(cell) if "[" in cell else cell
    text = cell.strip()
    sign = _SIGN.match(text)
    if sign is None or (text[0] in _BOXES and len(text) > len(sign[0])):
        return spoken_boxes(cell)
    word = _word(text[0])
    rest = text[len(sign[0]) :].strip()
    if not rest:
        return word
    if rest.casefold() in _ANSWERS or rest.startswith("("):
        return f"{word} {rest}" if rest.startswith("(") else rest
    return f"{word}, {rest}"


def _word(sign: str) -> str:
    return truth(sign in _YES)


def _spoken_line(line: str) -> str:
    line = _TYPED_BOX.sub(_typed_box, line)
    signs = [sign[0] for sign in _SIGN.findall(line)]
    if not signs:
        return line
    marker, rest = _without_marker(line)
    if len(signs) == 1 and signs[0] not in _BOXES:
        if rest[0] != signs[0]:
            return line
        label = _SIGN.sub("", rest).strip()
        if label and signs[0] in _YES:
            return marker + label
    return marker + _choices(rest)


def _typed_box(found: re.Match[str]) -> str:
    box = "☑"
    if found[2] == " ":
        box = "☐"
    return f"{found[1]}{box} "


def _without_marker(line: str) -> tuple[str, str]:
    marker = re.match(r"(?:[-*•] |\d+[.)] )?", line)
    end = marker.end() if marker else 0
    return line[:end], line[end:]


def _choices(line: str) -> str:
    """Return the labels of a line of boxes, each with its word."""
    lead, pairs = _labelled(line)
    labels = {label.casefold().strip(" .,;") for _, label in pairs}
    ticked = [label.strip(" ,;") for sign, label in pairs if sign in _YES]
    if len(pairs) > 1 and labels <= _ANSWERS:
        answer = ", ".join(ticked) or words_of_cells().not_answered
        return f"{lead} {answer}".strip()
    said = [_said(sign, label) for sign, label in pairs]
    return f"{lead} {' '.join(_joined(said))}".strip()


def _labelled(line: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the text before the boxes, and each box with its label.

    Labels stand behind their boxes unless the line ends with a box.
    """
    signs = [sign[0] for sign in _SIGN.findall(line)]
    texts = [text.strip() for text in _SIGN.split(line)]
    if not texts[-1].strip(" .;,") and texts[0]:
        return "", list(zip(signs, texts[:-1], strict=True))
    return texts[0], list(zip(signs, texts[1:], strict=True))


def _said(
    sign: str,
    label: str,
) -> str:
    word = _word(sign)
    text = label.rstrip(" ,;")
    if not text:
        return word
    end = text[-1] if text[-1] in _FULL_STOP else ""
    bare = text.rstrip(f"{_FULL_STOP}: ")
    if sign not in _BOXES and sign not in _YES and _NEGATED.match(bare):
        return text
    if len(bare) > LABEL_CHARACTERS:
        return f"({word}) {text}"
    return f"{bare}: {word}{end}"


def _joined(said: Sequence[str]) -> Iterator[str]:
    for at, text in enumerate(said):
        if at < len(said) - 1 and text[-1] not in _FULL_STOP:
            text += ";"
        yield text
