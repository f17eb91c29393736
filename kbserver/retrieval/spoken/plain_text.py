"""A passage as plain text: one line, without Markdown marks, HTML, bare URLs or table pipes.

Passages are pieces cut out of documents, so a mark may have lost its partner and a table its header. That is
why this is a handful of forgiving patterns and not a CommonMark parser: a parser reads `5 * 3`, half a table
or an unclosed `**` by the letter, and costs ten times as much.

Snapshots hold what it gives: whoever changes that raises `form.RULES`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from itertools import groupby, pairwise, zip_longest

_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters, soft hyphen, zero-width and bidi marks, variation selectors, tags, lone surrogates. The two
# joiners stay inside Arabic and Indic words, where they decide how a word is read.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u061c\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffc\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![\u0600-\u06ff\u0900-\u0dff])[\u200c\u200d]"
)

_FENCE = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[^\n`]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"(`+)([^`\n]+)\1")
_CODE_TAG = re.compile(r"</?([A-Za-z][\w .:-]*?) ?/?>")

_HTML_HIDDEN = re.compile(
    r"<!--.*?-->|<(script|style|del|s|strike)\b[^<>]*>.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
_BLOCK_TAGS = (
    "address|article|aside|blockquote|body|br|caption|dd|details|div|dl|dt|fieldset|figcaption|figure|footer|form"
    "|h[1-6]|head|header|hr|html|li|main|nav|ol|option|p|pre|section|summary|table|tbody|td|tfoot|th|thead|title|tr|ul"
)
_INLINE_TAGS = (
    "a|abbr|b|bdi|bdo|big|button|center|cite|code|col|colgroup|data|del|dfn|em|font|i|iframe|img|input|ins|kbd|label"
    "|link|mark|meta|noscript|object|picture|q|s|samp|select|small|source|span|strike|strong|sub|sup|svg|time|tt|u"
    "|var|video|wbr"
)
_TAG = re.compile(
    rf"<(/?)({_BLOCK_TAGS}|{_INLINE_TAGS})(\s[^<>]*=[^<>]*)?\s*/?>", re.IGNORECASE
)
_BLOCK_TAG = re.compile(_BLOCK_TAGS)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_SUP = re.compile(r"<sup>\[?(\d{1,3})\]?</sup>", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_ANGLED = re.compile(
    r"<((?:https?://|mailto:)?[A-Za-z][^<>\s=]*(?: [\w-]+)?)>"
)  # <https://…>, <branch name>
_ESCAPED_TAG = re.compile(r"&lt;/?([A-Za-z][\w -]*?) ?/?&gt;")
_ENTITY = re.compile(
    r"&(?:amp;)*(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
)

_REFERENCE = re.compile(
    r"^[ \t]*\[(?!\^)[^\]\n]+\]:[ \t]*<?(?:https?://|mailto:|[/#.])\S*(?:[ \t]+[\"'(][^\n]*)?$",
    re.MULTILINE,
)
_WIKI_LINK = re.compile(r"!?\[\[(?! )(?:[^\[\]|\n]*\|)?([^\[\]\n]+)\]\]")
_LINK = re.compile(
    r"!?\[((?:[^\[\]]|\[[^\[\]]*\]){0,400})\]"
    r"\((?:<[^<>\n]*>|(?:[^()\s]|\([^()\s]*\)){0,1000})(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
_REFERENCE_LINK = re.compile(
    r"!?(?<![\w\])])\[([^\[\]\n]*[A-Za-z][^\[\]\n]*)\]\[[^\[\]\n]*\]"
)
_FOOTNOTE = re.compile(
    r"\[\^[^\]\s]+\]:?|(?<=[.,;:!?])\[\d{1,3}\]|\[[a-z]+ needed\]|[†‡]"
    r"|(?<=[a-z]{4})[¹²³⁰-⁹]+(?!\w)|(?<=[.,;!?])[¹²³⁰-⁹]+|[ ]?\{[#.][\w-]+\}"
)
_URL = re.compile(
    r"\b(?:(?:https?|ftp)://(?:[^\s/?#@]*@)?(?:www\.)?|(?<![@.])www\.)(?P<host>\w[\w.-]*\w)(?::\d+)?"
    r"(?:[/?#][^\s<>\"]*?)?(?=[.,;:!?)\]}'\"*_~|]*(?:[\s<\"]|$))",
    re.IGNORECASE,
)
_LINK_SCHEME = re.compile(r"\b(?:mailto:(?=[^\s@]+@)|tel:(?=\+?\d))")

# Emphasis opens before and closes after something that is read; spaces or word characters outside keep 5 * 3,
# 2**3**4, £30* and snake_case as they are.
_STRUCK = re.compile(r"~~(?=[^\s~])[^~\n]*?(?<=[^\s~])~~")
_BOLD = re.compile(r"(?<![\d*])(\*{2,3})(?=[^\s*])([^*\n]*[^\s*])\1(?![\d*])")
_ITALIC = re.compile(
    r"(?<![\w*])\*(?=[\w\"'“‘(\[$£€])([^*\n]*[\w\"'”’)\].,!?:;%…])\*(?![\w*])"
)
_UNDERSCORED = re.compile(r"(?<![\w])(_{1,3})(?=[^\s_])([^\n]*?[^\s_])\1(?!\w|\.\w)")
_INLINE_BULLET = re.compile(
    r"(?<=[.:;?!]) [*•·] (?=\S)"
)  # of a list that lost its line breaks
_INLINE_DOT = re.compile(r" [•·] ")
_HALF_BOLD = re.compile(r"(?<!\S)\*\*(?=\w)|(?<=[\w.!?:,)])\*\*(?=[\s.,;:!?]|$)")
_ESCAPE = re.compile(r"(?<![:\\])\\([*_`#\[\]~<>.!()+\-&$])|\\+(\|)")

_RULE = re.compile(r"([-=*_~])(?:\s*\1)+|[+|=:\-\s]*[-=]{3}[+|=:\-\s]*")
_LINE_MARK = re.compile(
    r"(?:(?:[-*•‣◦▪●○–]|#{1,6}|>(?!\s?\d)|\+(?!\s*\d)|\[[ xX]\])(?:\s+|$))+"
)
_HEADING_END = re.compile(r"\s+#+$")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s")
_TABLE_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_PIPE = re.compile(r"(?<!\\)\|")
_NO_CELL = re.compile(r"[\s\-–—]*")
_CLOSED = re.compile(r"[.!?:;,…。！？][)\]\"'’”»]*$")
_WRAP_WIDTH = 45  # characters; text is not wrapped narrower, so a shorter line was ended on purpose


def plain(text: str) -> str:
    """Return the text on one line, without marks that are written but not said.

    Links become their text, images their alternative text, bare URLs their host name, a table row `Plan: Basic,
    Price: 30` (`Basic, 30` without a header), struck-out text nothing. Lines that stood apart are joined by
    sentence punctuation, wrapped lines by a space. Prose without marks comes back as it is.

    Returns:
        Never longer in lines than one; "" if nothing is left. `plain(plain(text)) == plain(text)`.
    """
    while True:  # ends: every round that changes something removes a mark, a pipe, a line break or an entity
        printable = (
            text.isascii() and text.isprintable()
        )  # holds on most rounds, and spares two slow patterns
        lines = text if printable else _INVISIBLE.sub("", _LINE_BREAK.sub("\n", text))
        line = join_blocks(
            _blocks(_without_inline_marks(_without_html(_without_code_marks(lines))))
        )
        if line == text:
            return line
        text = line


def join_blocks(blocks: Iterable[str]) -> str:
    """Join what stood apart by sentence punctuation, where there is none yet; empty blocks leave no trace."""
    text = ""
    for block in filter(None, blocks):
        text += ("" if not text else " " if _CLOSED.search(text) else ". ") + block
    return text


def _without_code_marks(text: str) -> str:
    if "`" in text or "~~~" in text:
        text = _FENCE.sub(
            lambda fence: "\n\n" + _CODE_TAG.sub(r"\1", fence[2]).replace("\n", "\n\n"),
            text,
        )
        text = _CODE.sub(lambda code: _CODE_TAG.sub(r"\1", code[2]), text).replace(
            "`", ""
        )
    return text


def _without_html(text: str) -> str:
    if "<" in text:
        text = _SUP.sub(
            lambda sup: sup[1].translate(_SUPERSCRIPTS), _HTML_HIDDEN.sub(" ", text)
        )
        text = _ANGLED.sub(r"\1", _TAG.sub(_tag, text))
    if "&" in text:
        text = _ENTITY.sub(
            lambda entity: html.unescape(f"&{entity[1]};"),
            _ESCAPED_TAG.sub(r"\1", text),
        )
    return text


def _tag(tag: re.Match[str]) -> str:
    name = tag[2].lower()
    if name == "img":
        alt = _ALT.search(tag[3] or "")
        return (alt[1] or alt[2] or "") if alt else ""
    if name in ("td", "th"):
        return " | " if tag[1] else ""
    if name == "li" and not tag[1]:
        return "\n- "
    return "\n\n" if _BLOCK_TAG.fullmatch(name) else ""


def _without_inline_marks(text: str) -> str:
    if "[" in text:
        text = _REFERENCE.sub("", text)
        text = _REFERENCE_LINK.sub(r"\1", _LINK.sub(r"\1", _WIKI_LINK.sub(r"\1", text)))
    if "[" in text or "{" in text or not text.isascii():
        text = _FOOTNOTE.sub("", text)
    if ":" in text or "www." in text or "WWW." in text:
        text = _LINK_SCHEME.sub("", _URL.sub(r"\g<host>", text))
    if "~~" in text:
        text = _STRUCK.sub("", text)
    if "*" in text:
        text = _INLINE_BULLET.sub(
            " ", _HALF_BOLD.sub("", _BOLD.sub(r"\2", _ITALIC.sub(r"\1", text)))
        )
    if "•" in text or "·" in text:
        text = _INLINE_DOT.sub(", ", _INLINE_BULLET.sub(" ", text))
    if "_" in text:
        text = _UNDERSCORED.sub(r"\2", text)
    return _ESCAPE.sub(r"\1\2", text) if "\\" in text else text


def _blocks(text: str) -> list[str]:
    """Cut into headings, list items, table rows and paragraphs, each on one line and without its line mark."""
    blocks: list[str] = []
    for kind, lines in groupby(map(str.strip, text.split("\n")), _kind):
        if kind == "table":
            blocks += _rows(list(lines))
        elif kind == "text":
            blocks += _paragraphs(lines)
    return [" ".join(block.split()) for block in blocks]


def _kind(line: str) -> str:
    if "|" in line:
        return "table"
    return "text" if line and not _RULE.fullmatch(line) else "gap"


def _rows(lines: list[str]) -> list[str]:
    cells = [
        [
            cell.strip()
            for cell in _PIPE.split(_LINE_MARK.sub("", line, count=1).strip("|"))
        ]
        for line in lines
    ]
    rule = next((at for at, line in enumerate(lines) if _TABLE_RULE.fullmatch(line)), 0)
    if not rule or rule == len(lines) - 1:
        return [
            _row([], row)
            for row, line in zip(cells, lines, strict=True)
            if not _TABLE_RULE.fullmatch(line)
        ]
    header = [name.rstrip(":") for name in cells[rule - 1]]
    return [_row([], row) for row in cells[: rule - 1]] + [
        _row(header, row) for row in cells[rule + 1 :]
    ]


def _row(header: list[str], row: list[str]) -> str:
    named = zip_longest(header, row, fillvalue="")
    said = (
        f"{name}: {cell}" if name and name != cell else cell
        for name, cell in named
        if not _NO_CELL.fullmatch(cell)
    )
    return ", ".join(said)


def _paragraphs(lines: Iterable[str]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        mark = _LINE_MARK.match(line)
        text = line[mark.end() :] if mark else line
        quoted = mark is not None and mark[0].strip() == ">"
        if (mark and not quoted) or not text or _NUMBERED.match(line):
            paragraphs.append([])
        if mark and "#" in mark[0]:
            paragraphs += [[_HEADING_END.sub("", text)], []]
        elif text:
            paragraphs[-1].append(text)
    return [_unwrapped(paragraph) for paragraph in paragraphs if paragraph]


def _unwrapped(lines: list[str]) -> str:
    """Join wrapped lines by a space, and by a comma where the next word had fitted, as in an address."""
    width = max(_WRAP_WIDTH, *map(len, lines))
    text = lines[0]
    for line, following in pairwise(lines):
        word = following.split(maxsplit=1)[0]
        wrapped = len(line) + 1 + len(word) > width or not (
            word[0].isupper() or word[0].isdigit()
        )
        text += (" " if wrapped or _CLOSED.search(line) else ", ") + following
    return text
