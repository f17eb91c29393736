"""Wikitext, what MediaWiki pages are written in, to HTML.

What only the wiki knows (a template's text, a picture, a formula) is left out and named;
a sentence that would miss a word by it goes as a whole.

Of the parsers there are, mwparserfromhell 0.7 knows the nodes of a text, not its lists,
paragraphs and table rows, which are what is needed here.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from kbserver.ingest.cells import truth
from kbserver.ingest.formats.exports.left_out import HOLE, LeftOut, without_holes
from kbserver.ingest.formats.shared import footnotes

DEEPEST = 20
"""Templates and links inside each other that are looked at."""

_KEPT = "\ue001"
_KEPT_END = "\ue002"
_NOT_OURS = dict.fromkeys(range(0xE000, 0xE004), "")

_COMMENT = re.compile(r"<!--(?:(?!-->).)*(?:-->|\Z)", re.S)
_TAKEN_OUT = "\ue003"
_EMPTIED_LINE = re.compile(rf"^[ \t]*{_TAKEN_OUT}[ \t{_TAKEN_OUT}]*\n", re.M)
"""A line with only a comment is none."""
_VERBATIM = re.compile(
    r"<(?P<tag>nowiki|pre|syntaxhighlight|source|math|chem|gallery|score|timeline|graph"
    r"|templatedata|includeonly|imagemap|indicator|categorytree|inputbox)"
    r"(?P<rest>(?:\s[^<>]*)?)>",
    re.I,
)
_PICTURED = {
    "math": "formula",
    "chem": "formula",
    "score": "score",
    "timeline": "drawing or query",
    "graph": "drawing or query",
    "imagemap": "picture",
    "categorytree": "drawing or query",
}
_WRAPPERS = re.compile(
    r"</?(?:noinclude|onlyinclude|section|languages|translate)\b[^<>]*>"
)
_REFERENCE = re.compile(
    r"<ref(?P<rest>(?:\s[^<>/]*(?:/(?!>)[^<>/]*)*)?)"
    r"(?:/>|>(?P<text>(?:(?!</?ref\b).)*)</ref\s*>)",
    re.S | re.I,
)
_REFERENCES = re.compile(r"</?references\b[^<>]*>", re.I)
_NAME = re.compile(r"""\bname\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'/>]+))""", re.I)
_SOURCE = re.compile(r"https?://|\bISBN\b|\bISSN\b|\bdoi\b|\bpp?\.\s?\d", re.I)

_BRACES = re.compile(r"\{\{+|\}\}+")
_MAGIC = re.compile(r"__[A-Z]{3,20}__")
_LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
_EXTERNAL = re.compile(r"\[(?:https?:|ftps?:)?//[^\s\[\]]+([^\[\]\n]*)\]")
_MAILTO = re.compile(r"\[(?:mailto|tel):[^\s\[\]]*([^\[\]\n]*)\]")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[a-z]+)?$")
_FRAMED = frozenset(("thumb", "thumbnail", "frame", "framed", "mini", "miniatur"))
_SETTING = re.compile(
    r"(?:\d*x?\d+ ?px|left|right|center|none|upright|border|frameless|baseline|middle"
    r"|links|rechts|zentriert|ohne|top|bottom|sub|super|text-top|text-bottom"
    r"|(?:alt|link|page|lang|class|start|end|thumbtime|upright)\s*=.*)",
    re.I | re.S,
)
_BOLD_ITALIC = re.compile(r"'''''(?=[^'])(.+?)'''''(?!')")
_BOLD = re.compile(r"'''(?=[^'])(.+?)'''(?!')")
_ITALIC = re.compile(r"''(?=[^'])(.+?)''(?!')")
_LIST = re.compile(r"[*#;:]+")
_BEFORE_SUBJECT = re.compile(rf"^(?:[ \t]*{HOLE})+[ \t]*(?=\'\'\')")
"""A box beside the text stands before the subject of its first sentence."""
_DEFINITION = re.compile(r"(?<!\s)(?:\s+:\s*|:\s+)(?=\S)")
_RULE = re.compile(r"-{4,}")
_ATTRIBUTE = re.compile(r"""([\w-]+)\s*=\s*("[^"<>]*"|'[^'<>]*'|[^\s"'<>|]+)""")
_TAGS = ("ul", "ol", "dl", "dl")
_LISTS = dict(zip("*#;:", _TAGS, strict=True))
_ITEMS = {"*": "li", "#": "li", ";": "dt", ":": "dd"}

_SHOWN = {
    **dict.fromkeys(
        "small big nowrap nobr nowrap1 nobold normal sic center left right bold strong em"
        " italic highlight mark ins u resize plainlist flatlist hlist ubl align"
        " abbr tooltip hover abbrlink".split(),
        0,
    ),
    **dict.fromkeys("lang color colour font span-style transl".split(), 1),
}
"""Templates that only dress a text, with the place of that text among their arguments."""
_TAGGED = {
    **dict.fromkeys("s strike del strikethrough deleted".split(), "s"),
    **dict.fromkeys(("sup", "superscript"), "sup"),
    **dict.fromkeys(("sub", "subscript"), "sub"),
}
_TRUE = frozenset("yes y ja check tick aye".split())
_FALSE = frozenset("no n nein cross nay".split())
_WORDS = {
    **dict.fromkeys("nbsp space thinsp snd spaces".split(), " "),
    "n/a": "n/a",
    "!": "|",
    "=": "=",
    "ndash": "–",
    "mdash": "—",
    "spaced ndash": " – ",
    "br": "<br>",
}
"""Templates whose text is the same in every wiki; with an argument, that is the text."""
_NOTES = frozenset("efn refn note fn footnote".split())
_SILENT = frozenset(
    "- clear clr toc reflist references notelist sfn cite citation see main anchor"
    " displaytitle defaultsort citation needed".split()
) | {"citation needed", "short description", "see also", "toc right", "main article"}
_NOT_MEANT = frozenset(
    "draft drafts underconstruction obsolete outdated deprecated archived archive"
    " internal internalonly confidential deleted delete speedydelete superseded"
    " entwurf veraltet archiv intern vertraulich löschen".split()
)
"""Templates, categories and subpages of pages that are not meant for callers."""

Names = Mapping[str, int]
"""Number of each namespace by its name and aliases, in lower case."""
FILE, CATEGORY = 6, 14


class Wikitext:
    """One page: its HTML, its categories, and what was left out of it."""

    def __init__(
        self,
        text: str,
        title: str,
        names: Names,
    ) -> None:
        """Read a page.

        Args:
            title: of the page, which it may name.
        """
        self.categories: list[str] = []
        self.withheld = ""
        """The template or category by which the page is not meant for callers."""
        self._title = title
        self._names = names
        self._left_out = LeftOut()
        self._kept: list[str] = []
        self._references: dict[str, str] = {}
        self._long_notes: list[str] = []
        self.html = self._rendered(text.replace("\r\n", "\n"))

    def notes(self) -> tuple[str, ...]:
        """Return notes on what was left out."""
        return self._left_out.notes()

    def _rendered(self, text: str) -> str:
        text = text.translate(_NOT_OURS)
        text = _EMPTIED_LINE.sub("", _COMMENT.sub(_TAKEN_OUT, text))
        text = "".join(self._without_verbatim(text.replace(_TAKEN_OUT, "")))
        text = _WRAPPERS.sub("", text)
        text = self._without_templates(text)
        text = self._without_references(text)
        text = _REFERENCES.sub("", _MAGIC.sub("", text))
        for _ in range(DEEPEST):
            text, number = _LINK.subn(self._link, text)
            if not number:
                break
        text = _MAILTO.sub(r"\1", text)
        text = _EXTERNAL.sub(r"\1", text)
        lines = [_with_emphasis(_without_holes(line)) for line in text.split("\n")]
        lines += [line for note in self._long_notes for line in ("", note)]
        markup = "\n".join(_Lines(lines).rendered())
        kept = re.compile(f"{_KEPT}(\\d+){_KEPT_END}")
        return kept.sub(lambda found: self._kept[int(found[1])], markup)

    def _keep(self, markup: str) -> str:
        self._kept.append(markup)
        return f"{_KEPT}{len(self._kept) - 1}{_KEPT_END}"

    def _without_verbatim(self, text: str) -> Iterator[str]:
        """Yield a text whose code, formulas and the like are put aside."""
        never_closed: set[str] = set()
        at = 0
        while found := _VERBATIM.search(text, at):
            yield text[at : found.start()]
            at = found.end()
            tag, rest = found["tag"].lower(), found["rest"]
            if rest.endswith("/"):
                continue
            end = None
            if tag not in never_closed:
                end = re.compile(rf"</{tag}\s*>", re.I).search(text, at)
            if end is None:
                never_closed.add(tag)
                yield html.escape(found[0])
            else:
                yield self._verbatim(tag, rest, text[at : end.start()])
                at = end.end()
        yield text[at:]

    def _verbatim(self, tag: str, rest: str, text: str) -> str:
        if tag == "nowiki":
            return self._keep(html.escape(text, quote=False))
        if tag in ("pre", "syntaxhighlight", "source"):
            code = text.replace("<nowiki>", "").replace("</nowiki>", "")
            code = html.escape(html.unescape(code), quote=False)
            if "inline" in rest:
                return self._keep(f"<code>{code}</code>")
            return f"\n{self._keep(f'<pre>{code}</pre>')}\n"
        if tag == "gallery":
            return self._gallery(text)
        if tag in _PICTURED:
            self._left_out.add(_PICTURED[tag])
            return HOLE if tag in ("math", "chem") else ""
        return ""

    def _gallery(self, text: str) -> str:
        """Return the captions of a gallery as a list; its pictures are named."""
        captions: list[str] = []
        for line in text.strip().split("\n"):
            name, _, caption = line.strip().partition("|")
            if name:
                self._left_out.add("picture", name.partition(":")[2] or name)
            if caption.strip():
                captions.append(f"* {caption.strip()}")
        return "\n" + "\n".join(captions) + "\n"

    def _without_templates(self, text: str) -> str:
        """Replace templates and parameters, the innermost first."""
        parts: list[list[str]] = [[]]
        opened: list[int] = []
        at = 0
        for found in _BRACES.finditer(text):
            parts[-1].append(text[at : found.start()])
            at = found.end()
            left = len(found[0])
            if found[0][0] == "{":
                if len(opened) >= DEEPEST:
                    parts[-1].append(found[0])
                    continue
                opened.append(left)
                parts.append([])
                continue
            while left >= 2 and opened:
                left = self._close(parts, opened, left)
            parts[-1].append("}" * left)
        parts[-1].append(text[at:])
        while opened:  # never closed: a text with braces
            inside = "".join(parts.pop())
            parts[-1].append("{" * opened.pop() + inside)
        return "".join(parts[0])

    def _close(
        self,
        parts: list[list[str]],
        opened: list[int],
        closing: int,
    ) -> int:
        """Close what was opened last; return how many braces are left to close more."""
        width = 2
        if opened[-1] >= 3 and closing >= 3 and opened[-1] != 4:
            width = 3
        inside = "".join(parts.pop())
        replaced = self._parameter(inside) if width == 3 else self._template(inside)
        opened[-1] -= width
        if opened[-1] >= 2:
            parts.append([replaced])
        else:
            parts[-1].append("{" * opened.pop() + replaced)
        return closing - width

    def _parameter(self, inside: str) -> str:
        """Return the default of `{{{name|default}}}`."""
        _, bar, default = inside.partition("|")
        return default if bar else ""

    def _template(self, inside: str) -> str:
        name, *arguments = _arguments(inside)
        name = " ".join(name.replace("_", " ").split())
        key = name.casefold().removeprefix("template:")
        plain = [one.strip() for one in map(_unnumbered, arguments)]
        plain = [one for one in plain if not re.match(r"[\w -]+=", one)]
        if _is_not_meant(key):
            self.withheld = self.withheld or f"{{{{{name}}}}}"
            return ""
        if key in ("pagename", "fullpagename", "subpagename", "basepagename"):
            return self._title
        if key in _TRUE or key in _FALSE:
            return plain[0] if plain and plain[0] else truth(key in _TRUE)
        if key in _WORDS:
            return plain[0] if plain and plain[0] else _WORDS[key]
        if key in _SHOWN and plain:
            return plain[min(_SHOWN[key], len(plain) - 1)]
        if key in _TAGGED and plain:
            return f"<{_TAGGED[key]}>{plain[0]}</{_TAGGED[key]}>"
        if key in _NOTES and plain:
            return f"<ref>{plain[0]}</ref>"
        kind = key.partition(":")[0]
        if kind in _SILENT or key.startswith(("cite ", "sfn", "defaultsort", "ref ")):
            return ""
        self._left_out.add("template", f"{{{{{name}}}}}")
        return HOLE

    def _without_references(self, text: str) -> str:
        """Put each footnote where its mark is; a mere source says nothing to a caller."""
        for found in _REFERENCE.finditer(text):
            name = _name_in(found["rest"])
            if name and (found["text"] or "").strip():
                self._references.setdefault(name, found["text"])
        return _REFERENCE.sub(self._reference, text)

    def _reference(self, found: re.Match[str]) -> str:
        note = found["text"] or self._references.get(_name_in(found["rest"]), "")
        if not note.strip() or HOLE in note or _SOURCE.search(note):
            return ""
        said = " ".join(_plain(_LINK.sub(self._link, note)).split())
        if len(said) <= footnotes.FOOTNOTE_CHARACTERS:
            return footnotes.mark(said)
        if said not in self._long_notes:
            self._long_notes.append(said)
        return ""

    def _link(self, found: re.Match[str]) -> str:
        """Return what a reader sees of a link; pictures and categories are named."""
        target, *shown = found[1].split("|")
        target = target.strip()
        prefix, colon, rest = target.partition(":")
        number = self._names.get(prefix.strip().lower()) if colon else None
        if number == FILE:
            self._left_out.add("picture", rest)
            return _caption(shown)
        if number == CATEGORY:
            return self._category(rest.strip())
        if colon and number is None and not shown and _LANGUAGE.fullmatch(prefix):
            return ""  # the page in another language
        if shown:
            return "|".join(shown).strip() or target
        return target.removeprefix(":").replace("_", " ").removeprefix("#")

    def _category(self, name: str) -> str:
        if name and name not in self.categories:
            self.categories.append(name)
        if _is_not_meant(name):
            self.withheld = self.withheld or f"category {name}"
        return ""


def is_not_meant(title: str) -> bool:
    """Return whether a page is by its title none for callers: `Prices/Archive`."""
    _, slash, last = title.rpartition("/")
    return bool(slash) and _is_not_meant(last)


def _is_not_meant(name: str) -> bool:
    return re.sub(r"[\W_]+", "", name).casefold() in _NOT_MEANT


def _arguments(inside: str) -> list[str]:
    """Cut a template at its bars, those in links left alone."""
    parts = [""]
    depth = 0
    for piece in re.split(r"(\[\[|\]\]|\|)", inside):
        depth += (piece == "[[") - (piece == "]]" and depth > 0)
        if piece == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _unnumbered(argument: str) -> str:
    """Return an argument without its number: `1=nine` is `nine`."""
    return re.sub(r"^\s*\d+\s*=", "", argument)


def _name_in(attributes: str) -> str:
    found = _NAME.search(attributes)
    if found is None:
        return ""
    return (found[1] or found[2] or found[3] or "").strip()


def _plain(text: str) -> str:
    """Return a text without quotes of emphasis and without tags."""
    text = re.sub(r"'{2,5}", "", text)
    text = _EXTERNAL.sub(r"\1", text)
    return html.unescape(re.sub(r"<[^<>]*>", " ", text))


def _caption(shown: Sequence[str]) -> str:
    """Return the text below a framed picture; a mere picture shows none."""
    words = [one.strip() for one in shown]
    texts = [one for one in words if one and not _SETTING.fullmatch(one)]
    texts = [one for one in texts if one.lower() not in _FRAMED]
    is_framed = not _FRAMED.isdisjoint(word.lower() for word in words)
    if not is_framed or not texts:
        return ""
    return f"<p>{texts[-1]}</p>"


def _heading_level(line: str) -> int:
    """Return how high `== Fees ==` is, 0 if a line is no heading."""
    before = len(line) - len(line.lstrip("="))
    behind = len(line) - len(line.rstrip("="))
    level = min(before, behind, 6)
    if len(line) <= 2 * level:
        return 0
    return level


def _without_holes(line: str) -> str:
    """Leave out the sentences of a line that miss a value; its marks stay."""
    if HOLE not in line:
        return line
    stripped = line.strip()
    if _heading_level(stripped):
        return line.replace(HOLE, "")
    line = _BEFORE_SUBJECT.sub("", line)
    marks = _LIST.match(line)
    start = marks[0] if marks else ""
    rest = without_holes(line[len(start) :])
    return f"{start} {rest.strip()}" if start and rest else rest


def _with_emphasis(line: str) -> str:
    if "''" not in line:
        return line
    line = _BOLD_ITALIC.sub(r"<b><i>\1</i></b>", line)
    line = _BOLD.sub(r"<b>\1</b>", line)
    return _ITALIC.sub(r"<i>\1</i>", line)


class _Lines:
    """The blocks of a page, line by line."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._lists = ""
        self._in_paragraph = False
        # by table that is open: whether a row and a cell of it are
        self._tables: list[list[str]] = []

    def rendered(self) -> Iterator[str]:
        """Yield the HTML of all lines."""
        for line in self._lines:
            yield from self._line(line)
        yield from self._end_paragraph()
        while self._tables:
            yield from self._end_table()

    def _line(self, line: str) -> Iterator[str]:
        stripped = line.strip()
        if stripped.startswith("{|"):
            yield from self._end_paragraph()
            yield f"<table{_attributes(stripped[2:])}>"
            self._tables.append([])
        elif self._tables and stripped[:1] in ("|", "!"):
            yield from self._end_paragraph()
            yield from self._table_line(stripped)
        elif not stripped:
            yield from self._end_paragraph()
        elif level := _heading_level(stripped):
            yield from self._end_paragraph()
            yield f"<h{level}>{stripped[level:-level].strip()}</h{level}>"
        elif _RULE.match(line):
            yield from self._end_paragraph()
            yield from self._line(line.lstrip("-"))
        elif found := _LIST.match(line):
            yield from self._item(found[0], line[found.end() :].strip())
        else:
            yield from self._text(line)

    def _text(self, line: str) -> Iterator[str]:
        if self._lists:
            yield from self._end_paragraph()
        if not self._in_paragraph:
            yield "<p>"
            self._in_paragraph = True
        yield f"{line}<br>" if line.startswith(" ") else line

    def _item(self, marks: str, text: str) -> Iterator[str]:
        """Yield an item; the lists that it does not stand in end before it."""
        if self._in_paragraph:
            yield from self._end_paragraph()
        same = _common(self._lists, marks)
        for mark in reversed(self._lists[same:]):
            yield f"</{_ITEMS[mark]}></{_LISTS[mark]}>"
        if same == len(marks):
            mark = marks[-1]
            yield f"</{_ITEMS[self._lists[same - 1]]}><{_ITEMS[mark]}>"
        elif same and marks[same - 1] != self._lists[same - 1]:
            yield f"</{_ITEMS[self._lists[same - 1]]}><{_ITEMS[marks[same - 1]]}>"
        for mark in marks[same:]:
            yield f"<{_LISTS[mark]}><{_ITEMS[mark]}>"
        self._lists = marks
        if marks[-1] == ";":
            term, *definition = _DEFINITION.split(text, maxsplit=1)
            if definition:
                yield f"{term}</dt><dd>{definition[0]}"
                self._lists = f"{marks[:-1]}:"
                return
        yield text

    def _end_paragraph(self) -> Iterator[str]:
        if self._in_paragraph:
            yield "</p>"
            self._in_paragraph = False
        for mark in reversed(self._lists):
            yield f"</{_ITEMS[mark]}></{_LISTS[mark]}>"
        self._lists = ""

    def _table_line(self, line: str) -> Iterator[str]:
        opened = self._tables[-1]
        if line.startswith("|}"):
            yield from self._end_table()
            if rest := line[2:].strip():
                yield from self._line(rest)
        elif line.startswith("|+"):
            yield from self._end_row()
            yield "<caption>"
            opened.append("caption")
            yield from self._text(_after_attributes(line[2:])[1])
        elif line.startswith("|-"):
            yield from self._end_row()
            yield f"<tr{_attributes(line[2:])}>"
            opened.append("tr")
        else:
            if opened[:1] == ["caption"]:
                yield from self._end_row()
            if not opened:
                yield "<tr>"
                opened.append("tr")
            yield from self._cells(line)

    def _cells(self, line: str) -> Iterator[str]:
        """Yield the cells of one line: `| a || b` or `! a !! b`."""
        opened = self._tables[-1]
        tag = "th" if line[0] == "!" else "td"
        between = r"\|\|" if tag == "td" else r"\|\||!!"
        for text in re.split(between, line[1:]):
            yield from self._end_paragraph()
            if len(opened) > 1:
                yield f"</{opened.pop()}>"
            attributes, content = _after_attributes(text)
            yield f"<{tag}{attributes}>"
            opened.append(tag)
            if content.strip():
                yield from self._line(content.strip())

    def _end_row(self) -> Iterator[str]:
        opened = self._tables[-1]
        while opened:
            yield f"</{opened.pop()}>"

    def _end_table(self) -> Iterator[str]:
        yield from self._end_row()
        self._tables.pop()
        yield "</table>"


def _common(one: str, other: str) -> int:
    """Return how many lists two items share; a term and its definition share one."""
    pairs = zip(one.replace(";", ":"), other.replace(";", ":"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _after_attributes(cell: str) -> tuple[str, str]:
    """Return the attributes of a cell, as HTML, and its content."""
    before, bar, content = cell.partition("|")
    if not bar or "[[" in before or _KEPT in before:
        return "", cell
    return _attributes(before), content


def _attributes(text: str) -> str:
    found = _ATTRIBUTE.findall(text)
    return "".join(f" {name}={value}" for name, value in found)
