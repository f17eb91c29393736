"""The tree at the top of the module, held to the classes."""

import re

import pytest

from kbserver import errors
from kbserver.errors import (
    DocumentUnreadable,
    EmbedderUnavailable,
    ExtraMissing,
    KbServerError,
    Overloaded,
    RateLimited,
    WireError,
)

CLASSES = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, KbServerError)
}
LINE = re.compile(r"^ {4}(?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+) +(?P<numbers>.*)$")


def drawn():
    """(name, parent, exit code, HTTP status) of every class in the drawing."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = LINE.match(line)
        if found is None:
            continue
        depth = len(found["indent"]) // 4
        path[depth:] = [found["name"]]
        parent = path[depth - 1] if depth else None
        columns = re.split(r" {2,}", found["numbers"])
        numbers = [int(text) for text in columns if text.isdigit()]
        yield found["name"], parent, numbers


def test_the_drawing_shows_every_class():
    assert {name for name, _, _ in drawn()} == set(CLASSES)


@pytest.mark.parametrize(("name", "parent", "numbers"), list(drawn()))
def test_the_drawing_says_what_the_class_does(name, parent, numbers):
    kind = CLASSES[name]
    if parent is not None:
        assert kind.__bases__[0].__name__ == parent
    for number in numbers:
        known = {kind.exit_code}
        if issubclass(kind, WireError):
            known.add(kind.status)
        assert number in known


def test_every_refusal_of_the_wire_has_a_status_of_its_class():
    for kind in CLASSES.values():
        if issubclass(kind, WireError):
            refused = kind("no", code="not_so")
            assert 400 <= refused.status < 600
            assert (str(refused), refused.code) == ("no", "not_so")
            assert kind.type.endswith("error")


def test_the_facts_of_a_message_are_fields():
    unreadable = DocumentUnreadable("a.md", "not UTF-8")
    assert (unreadable.source, unreadable.reason) == ("a.md", "not UTF-8")
    assert str(unreadable) == "a.md: not UTF-8"
    missing = ExtraMissing(".xlsx", "office")
    assert missing.extra == "office"
    assert "pip install 'kbserver[office]'" in str(missing)
    assert str(EmbedderUnavailable("late")) == "embedder late"
    assert str(EmbedderUnavailable("failed", "boom")) == "embedder failed: boom"
    assert RateLimited("wait", retry_after_s=7).retry_after_s == 7
    assert Overloaded("full").code == "overloaded"
