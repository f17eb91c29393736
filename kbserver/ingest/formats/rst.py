"""reStructuredText: docutils renders it to HTML, whose structure becomes blocks."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from docutils import nodes
from docutils.core import publish_parts
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.languages import en

from kbserver.ingest.blocks import Document, title_from
from kbserver.ingest.formats.markdown import title_of
from kbserver.ingest.formats.shared.markup import (
    name_admonitions,
    parse_html,
    remove_hidden,
)
from kbserver.ingest.formats.shared.metadata import normalise
from kbserver.ingest.formats.shared.source import SourceFile
from kbserver.ingest.formats.shared.structure import html_blocks

_SETTINGS = {
    "report_level": 3,  # an error leaves a message in the document that holds what could not be parsed
    "halt_level": 5,  # and reading goes on
    "warning_stream": False,
    "file_insertion_enabled": False,  # `include` and `csv-table :file:` could read any file
    "raw_enabled": False,
    "doctitle_xform": False,
    "initial_header_level": 1,
    "section_self_link": False,
    "embed_stylesheet": False,
    "stylesheet_path": None,
    "math_output": "LaTeX",
    "smart_quotes": False,
    "_disable_config": True,  # no docutils.conf of this machine
}
_DIRECTIVE = re.compile(r"^\s*\.\. +([A-Za-z][\w:.+-]*)::", re.MULTILINE)
_ROLE = re.compile(r":([A-Za-z][\w:.+-]*):`")
_TARGET = re.compile(r"\s*(?<!\\)<[^<>]*>\s*$", re.DOTALL)
_FIELD = re.compile(r"\A\s*((?::[A-Za-z][\w -]*:.*\n?)+)")
_META = frozenset(
    ("title", "valid_from", "valid_until", "supersedes", "questions", "pinned", "tags")
)
# Sphinx directives that hold no text for a reader.
_SILENT = frozenset(
    (
        "toctree",
        "index",
        "currentmodule",
        "module",
        "highlight",
        "tabularcolumns",
        "meta",
        "include",
    )
)
_CODE = frozenset(
    ("code", "code-block", "sourcecode", "doctest", "testcode", "testoutput", "prompt")
)  # any option


def convert(file: SourceFile) -> list[Document]:
    """Return one document; its title is that of the only top section. Sphinx's directives and roles are read too."""
    text, notes = file.text()
    given, body = _docinfo(text)
    metadata = normalise(file.source, given)
    _learn(body)
    parts = publish_parts(body, writer="html5", settings_overrides=_SETTINGS)
    root = parse_html(str(parts["html_body"]))
    if root is None:
        return []
    remove_hidden(root)
    name_admonitions(root)
    for message in root.xpath(
        "//*[contains(concat(' ', @class, ' '), ' system-message ')]"
    ):
        for words in message.xpath("./p"):
            words.drop_tree()
    blocks = html_blocks(root)
    title, blocks = title_of(blocks, str(metadata.get("title", "")))
    return [
        Document(
            file.source,
            title or title_from(file.source),
            tuple(blocks),
            metadata,
            notes,
        )
    ]


def _docinfo(text: str) -> tuple[dict[str, object], str]:
    """Fields at the very top (`:valid_until: 2026-12-31`) are the front matter of this format."""
    found = _FIELD.match(text.replace("\r\n", "\n"))
    if not found:
        return {}, text
    fields = {
        name.strip().lower().replace("-", "_").replace(" ", "_"): value.strip()
        for name, value in re.findall(
            r"^:([A-Za-z][\w -]*):(.*)$", found[1], re.MULTILINE
        )
    }
    known = {key: value for key, value in fields.items() if key in _META}
    return (known, text.replace("\r\n", "\n")[found.end() :]) if known else ({}, text)


class _Container(Directive):
    """Any directive that docutils does not know: its argument and content are text."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    class _AnyOption(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            return directives.unchanged

        def __bool__(self) -> bool:
            return True

    option_spec: ClassVar[dict[str, Any]] = _AnyOption()

    def run(self) -> list[nodes.Node]:
        if self.name in _SILENT:
            return []
        if self.name in _CODE:
            code = "\n".join(self.content)
            return [nodes.literal_block(code, code)]
        container = nodes.container()
        if self.arguments:
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
    """`:ref:`the prices <prices>`` reads as `the prices`."""
    shown = _TARGET.sub("", text) or text
    return [nodes.inline(rawtext, shown.removeprefix("~"))], []


def _learn(text: str) -> None:
    """Register the directives and roles of a text that docutils lacks; it would drop their content as errors."""
    for name in set(_DIRECTIVE.findall(text)):
        if name.lower() not in en.directives or name.lower() in _CODE:
            directives.register_directive(name.lower(), _Container)
    for name in set(_ROLE.findall(text)):
        if name.lower() not in en.roles:
            roles.register_local_role(name.lower(), _any_role)
