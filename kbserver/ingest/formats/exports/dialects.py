"""What site generators and note programs add to Markdown, brought into plain Markdown.

MkDocs, Docusaurus, MDX, Obsidian, Hugo, Jekyll, GitBook, MyST and WordPress. A titled
note, tab or component becomes a `<details>` with its title, so that text and title stay
together. Private comments go. What only the site's own program knows (a value, an
include, a condition) is left out and named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import dropwhile

from kbserver.ingest.formats.exports.jsx import without_jsx
from kbserver.ingest.formats.exports.left_out import HOLE, LeftOut, without_holes
from kbserver.ingest.formats.exports.shortcodes import with_sections

_TERM_END = "\ue003"
"""Stands between a term and its definition."""
_TERM = re.compile(rf"\n{{0,2}}{_TERM_END}")
_NOT_OURS = dict.fromkeys(range(0xE000, 0xE004), "")
_MOST_TITLE_CHARACTERS = 200

_FENCE = re.compile(r"^[ \t>]*(?P<marks>`{3,}|~{3,})[ \t]*(?P<info>.*)$")
_DRAWN = frozenset(
    "mermaid plantuml dot graphviz dataview dataviewjs query tasks".split()
)
"""Languages of code that its program shows as something else."""
_MYST = re.compile(r"\{(?P<kind>[\w-]+)\}[ \t]*(?P<title>.*)")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^`\n]+(?<!`)\1(?!`)")

_COMMENT = re.compile(
    r"(?<![\d%])(?<!\d )%%(?!%)[^%]*(?:%(?!%)[^%]*)*%%|\{#[^#{}\n]*#\}"
)
_COMMENTS = (
    (re.compile(r"\{%-?\s*comment\b"), re.compile(r"endcomment\s*-?%\}")),
    (re.compile(r"\{\{[<%]?\s*/\*"), re.compile(r"\*/\s*[>%]?\}\}")),
    (re.compile(r"\{\s*/\*"), re.compile(r"\*/\s*\}")),
    (re.compile(r"\{::comment\}"), re.compile(r"\{:/(?:comment)?\}")),
    (re.compile(r"\{>>"), re.compile(r"<<\}")),
)
_DELETED = (re.compile(r"\{--"), re.compile(r"--\}"))
_REPLACED = re.compile(r"\{~~[^{}~]*~>([^{}~]*)~~\}")
_ADDED = re.compile(r"\{(?:\+\+([^{}]*)\+\+|==([^{}]*)==)\}")

_CONDITION = re.compile(
    r"\{%-?\s*(if|unless|case|for|ifversion)\b[^%]*%\}(?:(?!\{%-?\s*(?:if|unless|case|for)"
    r"\b).)*?\{%-?\s*end\1\s*-?%\}",
    re.DOTALL,
)
_MOST_CONDITIONS_DEEP = 5
_TAG = re.compile(r"\{%-?\s*(?P<end>end|/)?(?P<name>[\w-]*)(?![\w-])(?P<rest>[^%]*)%\}")
_SHORTCODE = re.compile(
    r"\{\{[<%]-?\s*(?:(?P<end>/)\s*)?(?P<name>[\w.-]+)(?![\w.-])(?P<rest>[^>%{}]*)"
    r"[>%]\}\}"
)
_VALUE = re.compile(r"\{\{(?P<name>[^{}]*)\}\}")
_ARGUMENT = re.compile(
    r"""(?:(?<![\w-])(?P<name>[\w-]+)\s*=\s*)?["'](?P<value>[^"']*)["']"""
)
_TITLES = ("title", "summary", "header", "heading", "label", "name", "tab", "question")
_SILENT_TAGS = frozenset(
    "raw highlight code-block "
    "tabs hint highlight "
    "assign capture stepper "
    "step columns "
    "column content-ref tab "
    "block details expand".split()
)
_NOTICES = frozenset(
    "note warning caution "
    "danger attention important "
    "tip info success "
    "error hint "
    "question example failure".split()
)
_TITLED_BY_ARGUMENT = frozenset(
    "details expand tab collapse accordion accordion-item toggle spoiler".split()
)

_ADMONITION = re.compile(
    r"^(?P<indent>[ \t]*)(?P<mark>!!!|\?\?\?\+?|===[!+]?)[ \t]+(?P<rest>\S.*)$"
)
_KIND = re.compile(r"[\w -]*")
_CONTAINER = re.compile(
    r"^(?P<indent>[ \t]*):::+[ \t]*(?:\{?[.]?(?P<kind>[A-Za-z][\w-]*)(?P<rest>.*))?$"
)
_CALLOUT = re.compile(
    r"^(?P<indent>[ ]*)>[ \t]*\[!(?P<kind>[\w-]+)(?![\w-])[^\]]*\][+-]?(?P<title>.*)$"
)
_QUOTED = re.compile(r"^[ ]*>[ ]?")
_IMPORT = re.compile(r"""^import\s(?:.*\sfrom\s+)?['"][^'"]*['"];?\s*$""")
_EXPORT = re.compile(r"^export\s+(?:const|let|var|default|function|async)\b")
_DEFINITION = re.compile(r"^[ ]{0,3}:[ \t]{1,3}(?=\S)")
_ABBREVIATION = re.compile(r"^\*\[[^\]\n]+\]:.*$")
_INCLUDE = re.compile(
    r"^[ \t]*(?:-+8<-+[ \t]*\S.*|;?-+8<-+|\{!.*!\}|<<<[ \t]*@.*|[@!]include\b.*"
    r"|\{\{#\w+[^}]*\}\})[ \t]*$"
)
_TOC = re.compile(r"^(?:\[TOC\]|\[\[_?TOC_?\]\]|[*-][ \t]+TOC|\\newpage)[ \t]*$", re.I)
_ATTRIBUTES = re.compile(r"(?:(?<![ \t])[ \t]+)?\{(?::[^{}\n]*|[#.][\w-][^{}\n]*)\}")
_EMBED = re.compile(r"!\[\[([^\[\]\n]+)\]\]")
_WIKI_LINK = re.compile(r"\[\[([^\[\]|\n]+)(?:\|([^\[\]\n]+))?\]\]")
_MARKED = re.compile(r"(?<![=\w])==(?=[^\s=])([^=\n]+?)(?<=[^\s=])==(?![=\w])")
_RAISED = re.compile(r"(?<=[^\s^])\^([^\s^~\[\]]{1,12})\^(?!\^)")
_LOWERED = re.compile(r"(?<=[A-Za-z])~(\d{1,3})~(?!~)")
"""Of Pandoc and MkDocs: `9^99^`, `H~2~O`."""
_BLOCK_ID = re.compile(r"(?<!\S)\^[0-9-]*[A-Za-z][A-Za-z0-9-]*$")
_ONLY_TAGS = re.compile(r"^[ \t]*(?:#[^\W\d][\w/-]*[ \t]*)+$")
_INLINE_TAG = re.compile(r"(?<!\S)#(?=[^\W\d][\w/-]*)")
_FIELD = re.compile(r"(?<=[\w)])::(?=[ \t])")
_FIELD_IN_BRACKETS = re.compile(r"[\[(]([^\W\d][\w -]*)::[ \t]*([^\[\]()\n]+)[\])]")
_ICON = re.compile(r"(?<!\S):(?:material|fontawesome|octicons|simple)-[\w-]+:")
_EMOJI = {
    **dict.fromkeys(
        (
            "white_check_mark",
            "heavy_check_mark",
            "ballot_box_with_check",
            "check_mark",
        ),
        "✓",
    ),
    **dict.fromkeys(
        (
            "x",
            "cross_mark",
            "heavy_multiplication_x",
            "negative_squared_cross_mark",
            "no_entry",
            "no_entry_sign",
        ),
        "✗",
    ),
}
"""Short names of signs that say yes or no, as GitHub and Slack write them."""
_SHORT_NAME = re.compile(rf"(?<![\w:]):({'|'.join(_EMOJI)}):(?![\w:])")


def plain_markdown(
    text: str, metadata: Mapping[str, object]
) -> tuple[str, tuple[str, ...]]:
    """Return a Markdown text without its dialect, and notes on what was left out.

    Args:
        metadata: the front matter, whose values a page may name.
    """
    if not _DIALECT.search(text):
        return text, ()
    page = _Page(metadata)
    body = page.prose(text.replace("\r\n", "\n"))
    return body, page.notes()


def without_templates(
    text: str, metadata: Mapping[str, object]
) -> tuple[str, tuple[str, ...]]:
    """Return a page of HTML without template code, and notes on what was left out."""
    if "{%" not in text and "{{" not in text:
        return text, ()
    page = _Page(metadata)
    lines = page.templates(text.translate(_NOT_OURS)).split("\n")
    return "\n".join(map(without_holes, lines)), page.notes()


_DIALECT = re.compile(
    r"[{%:]\S|!!!|\?\?\?|===|\[\[|\[!|==\S|::|^[ ]*#\w|<[A-Z]|^import |^\*\[|8<|\[TOC"
    r"|^(?:`{3,}|~{3,})[ \t]*\w|\^\w|\w~\d|\[/?[a-z]|^:[ \t]",
    re.MULTILINE,
)
"""Is found in every text that could change."""


class _Page:
    def __init__(self, metadata: Mapping[str, object]) -> None:
        self._metadata = metadata
        self._left_out = LeftOut()
        # the shortcodes that have an end, and so a text inside
        self._closed: set[str] = set()

    def notes(self) -> tuple[str, ...]:
        return self._left_out.notes()

    def prose(self, text: str) -> str:
        """Return a text; code in it stays as it is."""
        kept: list[str] = []

        def keep(code: str) -> str:
            kept.append(code)
            return f"\ue001{len(kept) - 1}\ue002"

        text = text.translate(_NOT_OURS)
        text = "\n".join(self._without_fences(text, keep))
        text = _CODE_SPAN.sub(lambda found: keep(found[0]), text)
        text = self._inline(text)
        text = "\n".join(self._blocks(text.split("\n")))
        text = _TERM.sub(": ", text)
        text = without_jsx(text, self._left_out.add)
        text = "\n".join(map(without_holes, text.split("\n")))
        return re.sub("\ue001(\\d+)\ue002", lambda found: kept[int(found[1])], text)

    def _without_fences(self, text: str, keep: Callable[[str], str]) -> Iterator[str]:
        """Yield lines, a fenced code as one; a fence of MyST is a note."""
        lines = iter(text.split("\n"))
        for line in lines:
            fence = _FENCE.match(line)
            if fence is None:
                yield line
                continue
            marks, info = fence["marks"], fence["info"].strip()
            inside: list[str] = []
            end = ""
            for inner in lines:
                closing = inner.lstrip(" \t>").rstrip()
                if closing.startswith(marks) and not closing.strip(marks[0]):
                    end = inner
                    break
                inside.append(inner)
            myst = _MYST.fullmatch(info)
            language = re.split(r"[\s{:,]", info.lower(), maxsplit=1)[0]
            if language in _DRAWN:
                self._left_out.add("drawing or query", language)
            elif myst is not None and myst["kind"].lower() in _NOTICES | {"dropdown"}:
                options = [one for one in inside if not re.match(r":[\w-]+:", one)]
                yield from _section(myst["kind"], myst["title"], options, "")
            else:
                yield keep("\n".join((line, *inside, end)))

    def _inline(self, text: str) -> str:
        """Take out comments, template code and marks inside lines."""
        text = _COMMENT.sub(lambda _: self._left_out.add("comment"), text)
        for opening, closing in _COMMENTS:
            text, number = _without(text, opening, closing)
            for _ in range(number):
                self._left_out.add("comment")
        text, _ = _without(text, *_DELETED)
        text = _REPLACED.sub(r"\1", text)
        text = _ADDED.sub(lambda found: found[1] or found[2] or "", text)
        if "{%" in text or "{{" in text:
            text = self.templates(text)
        if "[" in text:
            text = self._brackets(text)
        text = _RAISED.sub(r"<sup>\1</sup>", text)
        text = _LOWERED.sub(r"<sub>\1</sub>", text)
        text = _MARKED.sub(r"\1", text)
        text = _ICON.sub(_icon, text)
        text = _SHORT_NAME.sub(lambda found: _EMOJI[found[1]], text)
        return _FIELD.sub(":", text)

    def templates(self, text: str) -> str:
        """Return a text without conditions, shortcodes, tags and values."""
        for _ in range(_MOST_CONDITIONS_DEEP):
            text, number = _CONDITION.subn(self._condition, text)
            if not number:
                break
        self._closed = {
            found["name"] for found in _SHORTCODE.finditer(text) if found["end"]
        }
        text = _SHORTCODE.sub(self._shortcode, text)
        text = _TAG.sub(self._tag, text)
        return _VALUE.sub(self._value, text)

    def _condition(self, found: re.Match[str]) -> str:
        opening = found[0].split("%}", 1)[0].strip("{%- ")
        return self._left_out.add("conditional part of a template", opening)

    def _shortcode(self, found: re.Match[str]) -> str:
        name, rest = found["name"], found["rest"].strip(" /\t\n-")
        if found["end"]:
            return "\n\n</details>\n\n" if name in _TITLED_BY_ARGUMENT else ""
        if name in ("param", "var"):
            return self._known(rest.strip("\"' "))
        if name in _TITLED_BY_ARGUMENT:
            return _opening(_title(rest))
        title = _title(rest, only_named=True)
        kind = next((word for word in re.findall(r"\w+", rest) if word in _NOTICES), "")
        kind = name if name in _NOTICES else kind
        if kind:
            return f"{title or kind.capitalize()}: " if title != kind else ""
        if name not in self._closed:
            self._left_out.add("shortcode", name)
        return ""

    def _tag(self, found: re.Match[str]) -> str:
        name, rest = found["name"], found["rest"]
        if found["end"]:
            return "\n\n</details>\n\n" if name in ("tab", "details") else ""
        if name in ("tab", "details"):
            return _opening(_title(rest))
        if name in _SILENT_TAGS or not name or name.startswith("end"):
            return ""
        return self._left_out.add("template tag", f"{name} {rest}")

    def _value(self, found: re.Match[str]) -> str:
        return self._known(found["name"].strip())

    def _known(self, name: str) -> str:
        """Return a value of the front matter, or a hole."""
        key = re.sub(r"^(?:page|frontmatter|\.Params|\$frontmatter)\.", "", name)
        for values in (self._metadata, self._metadata.get("params")):
            value = values.get(key) if isinstance(values, Mapping) else None
            if isinstance(value, str | int | float):
                return str(value)
        self._left_out.add("templated sentence", name)
        return HOLE

    def _brackets(self, text: str) -> str:
        text = _EMBED.sub(
            lambda found: self._left_out.add("embedded note", found[1]), text
        )
        text = _WIKI_LINK.sub(_link_words, text)
        text = _FIELD_IN_BRACKETS.sub(r"\1: \2", text)
        return with_sections(text, self._left_out.add)

    def _blocks(self, lines: list[str]) -> Iterator[str]:
        """Yield lines without the dialect's blocks."""
        at = 0
        while at < len(lines):
            line = lines[at]
            at += 1
            if note := _admonition(line):
                indent, kind, title = note
                width = len(indent.expandtabs(4)) + 4
                end = _indented(lines, at, width)
                content = [one.expandtabs(4)[width:] for one in lines[at:end]]
                yield from _section(kind, title, list(self._blocks(content)), indent)
                at = end
            elif found := _CALLOUT.match(line):
                end = at
                while end < len(lines) and _QUOTED.match(lines[end]):
                    end += 1
                content = [_QUOTED.sub("", one) for one in lines[at:end]]
                inner = list(self._blocks(content))
                yield from _section(
                    found["kind"], found["title"], inner, found["indent"]
                )
                at = end
            elif found := _CONTAINER.match(line):
                yield from _container(found)
            elif _IMPORT.match(line) or _EXPORT.match(line):
                while _EXPORT.match(line) and at < len(lines) and lines[at].strip():
                    at += 1
            else:
                yield from self._line(line)

    def _line(self, line: str) -> Iterator[str]:
        if _INCLUDE.match(line):
            self._left_out.add("include", line.strip())
        elif _ABBREVIATION.match(line) or _TOC.match(line):
            return
        elif _ONLY_TAGS.match(line) and line.islower():
            yield ""
        elif _DEFINITION.match(line):
            yield _TERM_END + _DEFINITION.sub("", line)
        else:
            line = _ATTRIBUTES.sub("", line)
            line = _BLOCK_ID.sub("", line.rstrip(" ") if "^" in line else line)
            yield _INLINE_TAG.sub("", line)


def _without(
    text: str, opening: re.Pattern[str], closing: re.Pattern[str]
) -> tuple[str, int]:
    """Return a text without what stands between two marks, and how often it did."""
    parts: list[str] = []
    at = number = 0
    while found := opening.search(text, at):
        end = closing.search(text, found.end())
        if end is None:
            break
        parts.append(text[at : found.start()])
        at = end.end()
        number += 1
    return "".join((*parts, text[at:])), number


def _admonition(line: str) -> tuple[str, str, str] | None:
    """Return indentation, kind and title of `!!! note "Title"`; None if it is none."""
    found = _ADMONITION.match(line)
    if found is None:
        return None
    kind, _, title = found["rest"].rstrip().partition('"')
    is_tab = found["mark"].startswith("=")
    if not _KIND.fullmatch(kind) or (is_tab and not title):
        return None
    if title and not title.endswith('"'):
        return None
    return found["indent"], kind, title.rstrip('"')


def _link_words(found: re.Match[str]) -> str:
    """Return what a reader sees of `[[Policies/Returns#Damaged goods|alias]]`."""
    if found[2]:
        return found[2]
    page, *places = found[1].split("#")
    name = page.rsplit("/", 1)[-1].removesuffix(".md")
    return ", ".join(one.lstrip("^") for one in (name, *places) if one)


def _title(rest: str, *, only_named: bool = False) -> str:
    """Return the title among a tag's arguments, else its first text, else ""."""
    texts = [(one["name"], one["value"]) for one in _ARGUMENT.finditer(rest)]
    for name, value in texts:
        if name in _TITLES:
            return value
    if only_named:
        return ""
    return next((value for name, value in texts if not name), "")


def _opening(title: str) -> str:
    if not title:
        return "\n\n<details>\n\n"
    return f"\n\n<details><summary>{title}</summary>\n\n"


def _section(
    kind: str, title: str | None, content: list[str], indent: str
) -> Iterator[str]:
    """Yield a note under its title; one without a title says what it is."""
    title = (title or "").strip()[:_MOST_TITLE_CHARACTERS]
    content = list(dropwhile(lambda line: not line.strip(), content))
    yield ""
    if title:
        yield f"{indent}<details><summary>{title}</summary>"
        yield ""
        yield from (indent + one for one in content)
        yield ""
        yield f"{indent}</details>"
    else:
        name = kind.strip().replace("-", " ").capitalize()
        if content and content[0][:1].isalnum() and name:
            content[0] = f"{name}: {content[0]}"
        yield from (indent + one for one in content)
    yield ""


def _container(found: re.Match[str]) -> Iterator[str]:
    """Yield the tags of a line of `:::`; what stands between is read as it is."""
    indent, kind = found["indent"], found["kind"]
    if not kind:
        yield from ("", f"{indent}</details>", "")
        return
    rest = found["rest"].strip().strip("}")
    title = _title(rest, only_named=True) or rest.strip("[] ")
    if "=" in title or title.startswith((".", "#")):
        title = ""
    name = kind.removeprefix("callout-").replace("-", " ").capitalize()
    if kind in ("details", "tabs", "tab", "columns", "column") and not title:
        name = ""
    summary = f"<summary>{title or name}</summary>" if title or name else ""
    yield from ("", f"{indent}<details>{summary}", "")


def _indented(lines: list[str], at: int, width: int) -> int:
    """Return where the lines indented by so many columns end."""
    end = at
    for position in range(at, len(lines)):
        line = lines[position].expandtabs(4)
        if not line.strip():
            continue
        if len(line) - len(line.lstrip()) < width:
            break
        end = position + 1
    return end


def _icon(found: re.Match[str]) -> str:
    name = found[0]
    if "check" in name:
        return "✓"
    if "close" in name or "xmark" in name or "cancel" in name:
        return "✗"
    return ""
