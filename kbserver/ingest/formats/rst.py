"""reStructuredText: docutils renders it to HTML, whose structure becomes blocks."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from docutils import nodes
from docutils.core import publish_parts
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en

from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.exports.left_out import LeftOut
from kbserver.ingest.formats.exports.pictures import picture_notes
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.shared.frontmatter import (
    require_for_callers,
    split_front_matter,
)
from kbserver.ingest.formats.shared.header_lines import split_fields
from kbserver.ingest.formats.shared.marks import settle
from kbserver.ingest.formats.shared.markup import (
    name_admonitions,
    parse_html,
)
from kbserver.ingest.formats.shared.metadata import normalise, with_validity
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks

_SETTINGS = {
    # an error leaves a message in the document, and reading goes on
    "report_level": 3,
    "halt_level": 5,
    "warning_stream": False,
    # `include`, `csv-table :file:` and `raw` could read any file
    "file_insertion_enabled": False,
    "raw_enabled": False,
    "doctitle_xform": False,
    "initial_header_level": 1,
    "section_self_link": False,
    "embed_stylesheet": False,
    "stylesheet_path": None,
    "math_output": "LaTeX",
    "smart_quotes": False,
    # no docutils.conf of this machine
    "_disable_config": True,
}
_DIRECTIVE = re.compile(r"^[ \t]*\.\. +([A-Za-z][\w:.+-]*)::", re.MULTILINE)
# Bounded, since it may begin at every colon of a long run of words and colons.
_ROLE = re.compile(r":([A-Za-z][\w:.+-]{,100}):`")
_TARGET = re.compile(r"(?<!\s)\s*(?<!\\)<[^<>]*>\s*$", re.DOTALL)
_SILENT = frozenset(
    (
        "toctree",
        "index",
        "currentmodule",
        "module",
        "highlight",
        "tabularcolumns",
        "meta",
        "default-role",
        "default-domain",
        "title",
    )
)
"""Directives that hold no text for a reader."""
_UNSEEN = frozenset(("todo", "todolist", "ifconfig", "comment"))
"""Directives whose text a reader sees only if the site's settings say so."""
_ELSEWHERE = {
    "include": "include",
    "literalinclude": "include",
    "raw": "raw part",
    **dict.fromkeys(
        (
            "graphviz",
            "digraph",
            "graph",
            "mermaid",
            "plantuml",
            "uml",
            "inheritance-diagram",
        ),
        "drawing or query",
    ),
    **dict.fromkeys(
        (
            "automodule",
            "autoclass",
            "autofunction",
            "autosummary",
            "openapi",
            "program-output",
        ),
        "generated part",
    ),
}
"""Directives that show what stands in another file, or is drawn of what stands there."""
_SHOWN_TAGS = re.compile(
    r"(?:html|builder_\w+|format_html|not (?:latex|text|man|epub))$"
)
"""Conditions of `only` that are true of a web page."""
_FILE_TABLE = re.compile(
    r"^[ \t]*\.\. +csv-table::.*\n(?:[ \t]+:\w[^\n]*\n)*?[ \t]+:(?:file|url):[ \t]*(.*)$",
    re.MULTILINE,
)
_STRUCK_ROLES = frozenset(("strike", "strikethrough", "del", "deleted", "s"))
_CODE = frozenset(
    (
        "code",
        "code-block",
        "sourcecode",
        "doctest",
        "testcode",
        "testoutput",
        "prompt",
    )
)
"""Directives whose content is code; any option is accepted."""


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is that of the only top section.

    The directives and roles of Sphinx are read, too.
    """
    text, notes = file.text()
    metadata, body = split_front_matter(text, file.source)
    fields, body = split_fields(body)
    require_for_callers(file.source, fields)
    metadata = {**normalise(file.source, with_validity(fields)), **metadata}
    _register_unknown(body)
    left_out = LeftOut()
    for name in _FILE_TABLE.findall(body):
        left_out.add("include", name)
    settings = {**_SETTINGS, "left_out": left_out}
    parts = publish_parts(body, writer="html5", settings_overrides=settings)
    root = parse_html(str(parts["html_body"]))
    if root is None:
        return []
    for element in root.iter("span"):
        if not _STRUCK_ROLES.isdisjoint((element.get("class") or "").split()):
            element.tag = "s"
    notes = (*notes, *left_out.notes(), *settle(root), *picture_notes(root))
    name_admonitions(root)
    for sections in root.xpath("//section[contains(@class, 'system-messages')]"):
        sections.drop_tree()
    messages = root.xpath(
        "//*[contains(concat(' ', @class, ' '), ' system-message ')]/p"
    )
    for message in messages:
        message.drop_tree()
    title, blocks = title_of(html_blocks(root), str(metadata.get("title", "")))
    title = title or title_from(file.source)
    return [Document(file.source, title, tuple(blocks), metadata, notes)]


class _AnyOption(dict[str, Any]):
    """Accepts every option of a directive as it is."""

    def __getitem__(self, key: str) -> Any:
        return directives.unchanged

    def __bool__(self) -> bool:
        return True


class _Container(Directive):
    """A directive that docutils does not know: its argument and content are text."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = _AnyOption()

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the directive."""
        if self.name in _SILENT:
            return []
        left_out: LeftOut = self.state.document.settings.left_out
        argument = " ".join(self.arguments)
        if self.name in _ELSEWHERE:
            left_out.add(_ELSEWHERE[self.name], argument or self.name)
            return []
        is_hidden_only = self.name == "only" and not _SHOWN_TAGS.match(argument)
        if is_hidden_only or self.name in _UNSEEN:
            left_out.add("unpublished part", f"{self.name} {argument}")
            return []
        if self.name in _CODE:
            code = "\n".join(self.content)
            return [nodes.literal_block(code, code)]
        container = nodes.container()
        if self.arguments and self.name != "only":
            inline, messages = self.state.inline_text(self.arguments[0], self.lineno)
            container += nodes.paragraph(self.arguments[0], "", *inline)
            container += messages
        self.state.nested_parse(self.content, self.content_offset, container)
        return [container]


def _any_role(
    name: str,
    rawtext: str,
    text: str,
    lineno: int,
    inliner: object,
    options: object = None,
    content: object = None,
) -> tuple[list[Any], list[Any]]:
    """Read `:ref:`the prices <prices>`` as `the prices`."""
    shown = _TARGET.sub("", text) or text
    classes = [name] if name in _STRUCK_ROLES else []
    return [nodes.inline(rawtext, shown.removeprefix("~"), classes=classes)], []


def _register_unknown(text: str) -> None:
    """Register the directives and roles of a text that docutils lacks.

    It would drop their content as errors.
    """
    for directive in set(_DIRECTIVE.findall(text)):
        name = directive.lower()
        if name not in en.directives or name in _CODE or name in _ELSEWHERE:
            directives.register_directive(name, _Container)
    for role in set(_ROLE.findall(text)):
        name = role.lower()
        if name not in en.roles:
            roles.register_local_role(name, _any_role)
