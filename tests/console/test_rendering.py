"""Whatever is shown is text."""

import pytest

from kbserver.console.rendering import FILTERS, Templates, digest_of, read_static


@pytest.fixture
def written():
    templates = Templates("/console")

    def write(text, **values):
        return templates._templates.from_string(text).render(values)

    return write


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ('" onclick="x', "&#34; onclick=&#34;x"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\x00b", "a\\x00b"),
        ("two\nlines", "two\nlines"),
        (3, "3"),
    ],
)
def test_a_text_from_anywhere_is_shown_as_text(written, value, shown):
    assert written("{{ value }}", value=value) == shown


def test_a_link_is_below_the_root_and_leaves_out_what_is_not_given(written):
    text = "{{ link('/turns/a b', since='1h', route=none, search='', x='a&b') }}"
    assert written(text) == "/console/turns/a%20b?since=1h&amp;x=a%26b"


def test_files_of_ours_are_read_and_no_others():
    assert b"--ground" in read_static("console.css")
    assert read_static("../app.py") is None
    assert len(digest_of("console.css")) == 12


@pytest.mark.parametrize(
    ("name", "values", "shown"),
    [
        ("ago", (100.0, 190.0), "2 min ago"),
        ("ago", (None, 1.0), "never"),
        ("ago", (0.0, 200_000.0), "2 d ago"),
        ("share", (1, 4), "25.0%"),
        ("share", (1, 0), "–"),
        ("score", (0.12345,), "0.123"),
        ("score", (None,), "–"),
        ("size", (1_500_000,), "1.5 MB"),
        ("count", (12345,), "12,345"),
        ("moment", (None,), "never"),
        (
            "moment",
            (0.0,),
            '<time datetime="1970-01-01T00:00:00+00:00">1970-01-01 00:00:00 Z</time>',
        ),
        (
            "command",
            ({"query": "it's", "label": "a b"},),
            "kbserver query --why 'it'\"'\"'s' --label 'a b'",
        ),
        ("command", ({"query": "reset", "label": None},), "kbserver query --why reset"),
        (
            "threshold",
            ({"searches": [{"corpus": "a", "min_score": 0.2}]}, "a"),
            0.2,
        ),
        ("threshold", ({"searches": []}, "a"), None),
    ],
)
def test_filters(name, values, shown):
    assert FILTERS[name](*values) == shown
