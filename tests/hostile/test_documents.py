"""Damaged files and files that took time with their square: all are read or named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kbserver.ingest.conversion import Conversion, ConversionLimits
from kbserver.ingest.load import FORMATS
from kbserver.ingest.walk import FoundFile
from tests.hostile.documents import (
    CORPORA,
    ingested,
    real_files,
    unexplained,
    write_mutations,
    written,
)
from tests.ingest.formats.odf.files import flat

MUTATIONS = 3
"""Of each format; `python -m tests.hostile.documents` takes more."""

MANY = 300_000


def _wiki(text: str) -> str:
    return (
        "<mediawiki><page><title>A</title><ns>0</ns><revision><text>"
        f"Open. {text}</text></revision></page></mediawiki>"
    )


def _blog(content: str) -> str:
    return (
        '<rss xmlns:wp="http://wordpress.org/export/1.2/" xmlns:c="c"><channel><item>'
        "<title>A</title><wp:status>publish</wp:status><wp:post_type>page</wp:post_type>"
        f"<c:encoded><![CDATA[Open. {content}]]></c:encoded></item></channel></rss>"
    )


GROWING: dict[str, Callable[[int], str]] = {
    "blanks.md": lambda n: f"a{' ' * n}b",
    "marks.md": lambda n: f"x [^a]\n\n[^a]: y\n\n{'[^a' * (n // 5)}",
    "item.txt": lambda n: "- a\n" + "  b\n" * (3 * n),
    "lines.rst": lambda n: "a" + "\n" * n + "b",
    "caption.csv": lambda n: "a\n" * n + "a,b\n",
    "wide.csv": lambda n: f"question,answer{',' * n}\n" + "a,b\n" * (n // 10),
    "tickets.csv": lambda n: "question,answer\n" + "Printer jam,b\n" * (n // 10),
    "tickets.jsonl": lambda n: '{"title": "Printer jam", "text": "a"}\n' * (n // 10),
    "item.html": lambda n: "<main><ul><li>" + f"<p>{'a' * 100}" * (n // 3),
    "groups.rtf": lambda n: "{\\rtf1 " + "{\\b a}{\\f9\\u8364?}" * (n // 10),
    "cells.rtf": lambda n: "{\\rtf1 " + "\\intbl a\\cell" * (n // 10) + "\\row",
    "rows.rtf": lambda n: (
        "{\\rtf1 " + "\\trowd\\clvmrg\\cellx9\\intbl a\\cell\\row" * (n // 20)
    ),
    "mails.mbox": lambda n: (
        "From a@b Mon May  4 10:00:00 2026\nSubject: a\n\nb\n\n" * (n // 50)
    ),
    "spans.fodt": lambda n: flat(
        "text", "<text:p>" + "<text:span>a</text:span>" * (n // 5) + "</text:p>"
    ).decode(),
    "shapes.fodp": lambda n: flat(
        "presentation",
        f"<draw:page>{'<draw:rect/>' * (n // 5)}a</draw:page>"
        "<draw:page><draw:rect><text:p>a</text:p></draw:rect></draw:page>",
    ).decode(),
    "columns.fods": lambda n: flat(
        "spreadsheet",
        "<table:table>"
        + "<table:table-column/>" * (n // 10)
        + '<table:table-row><table:table-cell office:value-type="string"><text:p>a</text:p>'
        "</table:table-cell></table:table-row>" * (n // 100) + "</table:table>",
    ).decode(),
    "lists.html": lambda n: (
        f"<main><p>{'a' * n}</p>" + "<ul></ul>" * (n // 10) + "<p>b"
    ),
    "header.html": lambda n: (
        "<main><table><tr>" + "<th>a" * (n // 10) + "<tr><th>a" * (n // 10)
    ),
    "templates.xml": lambda n: _wiki("{{a|" * (n // 40) + "[[a|" * (n // 40)),
    "tags.xml": lambda n: _wiki("&lt;pre&gt;&lt;ref&gt;&lt;!--\n" * (n // 40)),
    "blocks.xml": lambda n: _blog("<!-- wp:a " * (n // 20) + "[a b=c]" * (n // 20)),
    "stars.txt": lambda n: "a* b\n" * (n // 10) + "* c\n",
    "dots.txt": lambda n: "a" + " ." * n + "\n\nb" + "~~a" * n,
    "header.txt": lambda n: "Title: a\n" * (n // 10),
}
"""Each takes a second or two where time grows with the file, else over 20."""


def test_every_mutated_file_is_read_or_named(tmp_path):
    (tmp_path / "written").mkdir()
    written(tmp_path / "written")
    real = real_files([CORPORA, tmp_path / "written"])
    names = {FORMATS[suffix].name for suffix in real}
    assert names == {form.name for form in FORMATS.values()}
    folder = tmp_path / "mutated"
    write_mutations(folder, real, range(MUTATIONS), seed=17)
    report, files = ingested(folder, tmp_path / "store")
    assert unexplained(folder, report, files) == set()
    assert "whole.md" in files
    reasons = [skipped.reason for skipped in report.skipped]
    assert reasons and all(reasons)
    assert not [one for one in reasons if re.search("Traceback|crashed|exit", one)]


@pytest.fixture(scope="module")
def conversion():
    with Conversion(ConversionLimits(seconds=20.0, patience=100.0)) as conversion:
        yield conversion


@pytest.mark.parametrize("name", GROWING)
def test_processor_time_grows_with_the_file(tmp_path, conversion, name):
    path = tmp_path / name
    path.write_text(GROWING[name](MANY), encoding="utf-8")
    file = FoundFile(Path(path), name, path.stat().st_size, 0)
    assert conversion.convert(file).result()
