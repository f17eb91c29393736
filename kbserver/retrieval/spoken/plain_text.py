"""A passage as plain text: one line, without Markdown marks, HTML, bare URLs or table pipes.

Passages are cut out of documents, so a mark may have lost its partner and a table its header. That
is why this is a set of forgiving patterns and not a CommonMark parser: a parser takes `5 * 3`, half
a table or an unclosed `**` literally, and costs ten times as much.

Snapshots hold the results: raise `form.RULES` with every change of them.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import groupby, pairwise, zip_longest

_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Control characters, soft hyphen, zero-width and bidi marks, variation selectors, tags, lone
# surrogates. The two joiners stay inside Arabic and Indic words, where they decide how a word is
# read.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u180e\u200b\u200e\u200f\u061c"
    "\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![\u0600-\u06ff\u0900-\u0dff])[\u200c\u200d]"
)

_FENCE = re.compile(
    r"^[ \t]*(`{3,}+|~{3,}+)[^\n`]*\n(.*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_CODE = re.compile(r"(?<!`)(`++)([^`\n]+)\1")
_CODE_TAG = re.compile(r"</?([A-Za-z][\w .:-]*?) ?/?>")

_HTML_HIDDEN = re.compile(
    r"<(script|style|del|s|strike)\b[^<>]*>.*?</\1\s*>",
    re.DOTALL | re.IGNORECASE,
)
_BLOCK_TAGS = (
    "address|article|aside|blockquote|body|br|caption|dd|details|div|dl|dt"
    "|fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|li"
    "|main|nav|ol|option|p|pre|section|summary|table|tbody|td|tfoot|th|thead"
    "|title|tr|ul"
)
_INLINE_TAGS = (
    "a|abbr|b|bdi|bdo|big|button|center|cite|code|col|colgroup|data|del|dfn"
    "|em|font|i|iframe|img|input|ins|kbd|label|link|mark|meta|noscript|object"
    "|picture|q|s|samp|select|small|source|span|strike|strong|sub|sup|svg|time"
    "|tt|u|var|video|wbr"
)
_TAG = re.compile(
    rf"<(/?)({_BLOCK_TAGS}|{_INLINE_TAGS})(\s[^<>]*=[^<>]*)?\s*/?>", re.IGNORECASE
)
_BLOCK_TAG = re.compile(_BLOCK_TAGS)
_ALT = re.compile(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_SUP = re.compile(r"<sup>\[?(\d{1,3})\]?</sup>", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
# <https://…>, <branch name>
_ANGLED = re.compile(r"<((?:https?://|mailto:)?[A-Za-z][^<>\s=]*(?: [\w-]+)?)>")
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
    r"\[\^[^\[\]\s]+\]:?|(?<=[.,;:!?])\[\d{1,3}\]|\[[a-z]+ needed\]|[†‡]"
    r"|(?<=[a-z]{4})[¹²³⁰-⁹]+(?!\w)|(?<=[.,;!?])[¹²³⁰-⁹]+|[ ]?\{[#.][\w-]+\}"
)
_URL = re.compile(
    r"\b(?:(?:https?|ftp)://(?:[^\s/?#@]*@)?(?:www\.)?|(?<![@.])www\.)(?P<host>\w[\w.-]*\w)(?::\d+)?"
    r"(?:[/?#][^\s<>\"]*?)?(?=[.,;:!?)\]}'\"*_~|]*(?:[\s<\"]|$))",
    re.IGNORECASE,
)
_LINK_SCHEME = re.compile(r"\b(?:mailto:(?=[^\s@]+@)|tel:(?=\+?\d))")

# Emphasis opens before and closes after something that is read. Spaces or word characters outside
# keep 5 * 3, 2**3**4, £30* and snake_case as they are.
_STRUCK = re.compile(r"~~(?=[^\s~])[^~\n]*?(?<=[^\s~])~~")
_BOLD = re.compile(r"(?<![\d*])(\*{2,3})(?=[^\s*])([^*\n]*[^\s*])\1(?![\d*])")
_ITALIC = re.compile(
    r"(?<![\w*])\*(?=[\w\"'“‘(\[$£€])([^*\n]*[\w\"'”’)\].,!?:;%…])\*(?![\w*])"
)
_OPENING_UNDERSCORES = re.compile(r"(?<!\w)_{1,3}(?=[^\s_])")
_CLOSING_UNDERSCORES = re.compile(r"(?<=[^\s_])_{1,3}(?!\w|\.\w)")
# of a list that lost its line breaks
_INLINE_BULLET = re.compile(r"(?<=[.:;?!]) [*•·] (?=\S)")
_INLINE_DOT = re.compile(r" [•·] ")
# between a name and its price, or a line to write on
_LEADERS = re.compile(r"(?<!\s)\s*(?:(?:[.·…_]\s?){5,}|(?:\.\s){3,}\.?|…{2,})\s*")
_HALF_BOLD = re.compile(r"(?<!\S)\*\*(?=\w)|(?<=[\w.!?:,)])\*\*(?=[\s.,;:!?]|$)")
_ESCAPE = re.compile(r"(?<![:\\])\\([*_`#\[\]~<>.!()+\-&$])|(?<!\\)\\+(\|)")

_RULE = re.compile(r"([-=*_~])(?:\s*\1)+|[+|=:\-\s]*[-=]{3}[+|=:\-\s]*")
_LINE_MARK = re.compile(
    r"(?:(?:[-*•‣◦▪●○–]|#{1,6}|>(?!\s?\d)|\+(?!\s*\d)|\[[ xX]\])(?:\s+|$))+"
)
_HEADING_END = re.compile(r"(?<!\s)\s+#+$")
_NUMBERED = re.compile(r"\d{1,3}[.)]\s")
_TABLE_RULE = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?")
_PIPE = re.compile(r"(?<!\\)\|")
_NO_CELL = re.compile(r"[\s\-–—]*")
_LONGEST_END = 50  # characters that close a block
_CLOSED = re.compile(r"[.!?:;,…。！？।॥؟۔][)\]\"'’”»]*$")
# In characters; text is not wrapped narrower, so shorter lines end on purpose.
_WRAP_WIDTH = 45


def strip_markup(text: str) -> str:
    """Return the text on one line, without marks that are written but not said.

    Links become their text, images their alternative text, bare URLs their host name, a table row
    `Plan: Basic, Price: 30` (`Basic, 30` without a header), struck-out text nothing. Blocks are
    joined by sentence punctuation, wrapped lines by a space. Prose without marks comes back as it
    is.

    Returns:
        At most one line; "" if nothing is left. A second application changes nothing.
    """
    # ends: a round that changes something removes a mark, a pipe, a line break or an entity
    while True:
        line = _stripped_once(text)
        if line == text:
            return line
        text = line


def join_blocks(blocks: Iterable[str]) -> str:
    """Join blocks by sentence punctuation, where there is none yet; empty ones leave no trace."""
    text = ""
    for block in filter(None, blocks):
        if not text:
            text = block
        elif _CLOSED.search(text[-_LONGEST_END:]):
            text += f" {block}"
        else:
            text += f". {block}"
    return text


def _stripped_once(text: str) -> str:
    printable = text.isascii() and text.isprintable()
    if not printable:  # the two patterns are slow
        text = _LINE_BREAK.sub("\n", text)
        text = _INVISIBLE.sub("", text)
    text = _without_code_marks(text)
    text = _without_html(text)
    text = _without_inline_marks(text)
    return join_blocks(_blocks(text))


def _without_code_marks(text: str) -> str:
    if "`" in text or "~~~" in text:
        text = _FENCE.sub(_code_block, text)
        if "<" in text:
            text = _CODE.sub(lambda code: _CODE_TAG.sub(r"\1", code[2]), text)
        text = text.replace("`", "")
    return text


def _code_block(fence: re.Match[str]) -> str:
    code = _CODE_TAG.sub(r"\1", fence[2])
    return "\n\n" + code.replace("\n", "\n\n")


def _without_comments(text: str) -> str:
    """Leave out HTML comments; one that is not closed stays, and so do those behind it."""
    kept: list[str] = []
    at = 0
    while True:
        start = text.find("<!--", at)
        end = text.find("-->", start + 4)
        if start < 0 or end < 0:
            return " ".join([*kept, text[at:]])
        kept.append(text[at:start])
        at = end + 3


def _without_html(text: str) -> str:
    if "<" in text:
        text = _HTML_HIDDEN.sub(" ", _without_comments(text))
        text = _SUP.sub(lambda sup: sup[1].translate(_SUPERSCRIPTS), text)
        text = _TAG.sub(_tag, text)
        text = _ANGLED.sub(r"\1", text)
    if "&" in text:
        text = _ESCAPED_TAG.sub(r"\1", text)
        text = _ENTITY.sub(lambda entity: html.unescape(f"&{entity[1]};"), text)
    return text


def _tag(tag: re.Match[str]) -> str:
    """Return what stands for a tag: a break, the mark of a list item, the text of an image."""
    closes = bool(tag[1])
    name = tag[2].lower()
    if name == "img":
        return _alternative_text(tag[3] or "")
    if name in ("td", "th"):
        return " | " if closes else ""
    if name == "li" and not closes:
        return "\n- "
    if _BLOCK_TAG.fullmatch(name):
        return "\n\n"
    return ""


def _alternative_text(attributes: str) -> str:
    alt = _ALT.search(attributes)
    if alt is None:
        return ""
    return alt[1] or alt[2] or ""


def _without_inline_marks(text: str) -> str:
    if "...." in text or ". ." in text or "……" in text or "__" in text or "··" in text:
        text = _LEADERS.sub(_leader, text)
    if "[" in text:
        text = _REFERENCE.sub("", text)
        text = _WIKI_LINK.sub(r"\1", text)
        text = _LINK.sub(r"\1", text)
        text = _REFERENCE_LINK.sub(r"\1", text)
    if "[" in text or "{" in text or not text.isascii():
        text = _FOOTNOTE.sub("", text)
    if ":" in text or "www." in text or "WWW." in text:
        text = _URL.sub(r"\g<host>", text)
        text = _LINK_SCHEME.sub("", text)
    if "~~" in text:
        text = _STRUCK.sub("", text)
    if "*" in text:
        text = _ITALIC.sub(r"\1", text)
        text = _BOLD.sub(r"\2", text)
        text = _HALF_BOLD.sub("", text)
        text = _INLINE_BULLET.sub(" ", text)
    if "•" in text or "·" in text:
        text = _INLINE_BULLET.sub(" ", text)
        text = _INLINE_DOT.sub(", ", text)
    if "_" in text:
        text = "\n".join(map(_without_underscores, text.split("\n")))
    if "\\" in text:
        text = _ESCAPE.sub(r"\1\2", text)
    return text


def _without_underscores(line: str) -> str:
    """Leave out the underscores around what is emphasised: as many in front as behind.

    The closing ones are found once: a pattern that looks for them from each opening reads a long
    line as often as it has any.
    """
    ends: dict[str, list[int]] = {}
    for mark in _CLOSING_UNDERSCORES.finditer(line):
        ends.setdefault(mark[0], []).append(mark.start())
    if not ends:
        return line
    kept: list[str] = []
    at = 0
    for mark in _OPENING_UNDERSCORES.finditer(line):
        closing = ends.get(mark[0], [])
        following = bisect_right(closing, mark.end())
        if mark.start() < at or following == len(closing):
            continue
        end = closing[following]
        kept += [line[at : mark.start()], line[mark.end() : end]]
        at = end + len(mark[0])
    return "".join([*kept, line[at:]])


def _leader(leader: re.Match[str]) -> str:
    """Part what a row of dots parts by a colon; a row at the end of a line says nothing."""
    text = leader.string
    before = text[max(0, leader.start() - 1) : leader.start()]
    following = text[leader.end() : leader.end() + 1]
    if "\n" in leader[0] or not before or not following:
        return "\n" * leader[0].count("\n")
    if before.isalnum() or before in ")\"'”’":
        return ": "
    return " "


def _blocks(text: str) -> list[str]:
    """Cut into headings, list items, table rows and paragraphs.

    Each is on one line and without its line mark.
    """
    blocks: list[str] = []
    lines = [line.strip() for line in text.split("\n")]
    for kind, group in groupby(lines, _kind):
        if kind == "table":
            blocks += _rows(list(group))
        elif kind == "text":
            blocks += _paragraphs(group)
    return [" ".join(block.split()) for block in blocks]


def _kind(line: str) -> str:
    if "|" in line:
        return "table"
    if not line or _RULE.fullmatch(line):
        return "gap"
    return "text"


def _rows(lines: list[str]) -> list[str]:
    """Say the rows of a table, with the names of the columns if a rule sets off a header."""
    cells = [_cells(line) for line in lines]
    is_rule = [_TABLE_RULE.fullmatch(line) is not None for line in lines]
    rule = 0
    if True in is_rule:
        rule = is_rule.index(True)
    is_header = 0 < rule < len(lines) - 1
    if not is_header:
        rows = zip(cells, is_rule, strict=True)
        return [_row([], row) for row, is_a_rule in rows if not is_a_rule]
    header = [name.rstrip(":") for name in cells[rule - 1]]
    above = [_row([], row) for row in cells[: rule - 1]]
    below = [_row(header, row) for row in cells[rule + 1 :]]
    return above + below


def _cells(line: str) -> list[str]:
    row = _LINE_MARK.sub("", line, count=1).strip("|")
    return [cell.strip() for cell in _PIPE.split(row)]


def _row(header: list[str], row: list[str]) -> str:
    said: list[str] = []
    for name, cell in zip_longest(header, row, fillvalue=""):
        if _NO_CELL.fullmatch(cell):
            continue
        if name and name != cell:
            said.append(f"{name}: {cell}")
        else:
            said.append(cell)
    return ", ".join(said)


def _paragraphs(lines: Iterable[str]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        mark = ""
        match = _LINE_MARK.match(line)
        if match:
            mark = match[0]
        text = line[len(mark) :]
        quoted = mark.strip() == ">"
        begins_a_block = bool(mark) and not quoted
        if begins_a_block or not text or _NUMBERED.match(line):
            paragraphs.append([])
        if "#" in mark:
            heading = _HEADING_END.sub("", text)
            paragraphs += [[heading], []]
        elif text:
            paragraphs[-1].append(text)
    return [_unwrapped(paragraph) for paragraph in paragraphs if paragraph]


def _unwrapped(lines: list[str]) -> str:
    """Join wrapped lines by a space.

    By a comma where the next word would have fitted, as in an address.
    """
    width = max(_WRAP_WIDTH, *map(len, lines))
    text = lines[0]
    for line, following in pairwise(lines):
        word = following.split(maxsplit=1)[0]
        fits = len(line) + 1 + len(word) <= width
        begins_anew = word[0].isupper() or word[0].isdigit()
        if fits and begins_anew and not _CLOSED.search(line):
            text += ", "
        else:
            text += " "
        text += following
    return text
