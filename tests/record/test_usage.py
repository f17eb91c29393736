import pytest

from kbserver.record.usage import Usage, began, usage_of

from .conftest import NOON, candidate, turn


@pytest.fixture
def filled(rows, connection):
    near = candidate("p3", answered=False, document="billing.md")
    rows.add([turn(1, candidates=(candidate(), near)), turn(2, at=NOON + 5)], [])
    return connection


def test_the_usage_of_each_document_of_a_corpus(filled):
    assert usage_of(filled, "support") == {
        "billing.md": Usage(0, 0, None, 1),
        "router/reset.md": Usage(2, 2, NOON + 5, 1),
    }
    assert usage_of(filled, "hotels") == {}


def test_the_record_began_with_its_oldest_turn(filled):
    assert began(filled) == NOON


def test_an_empty_record_has_not_begun(connection):
    assert began(connection) is None


def test_figures_began_before_turns_that_went_for_want_of_room(filled):
    filled.execute("DELETE FROM turns WHERE at = ?", (NOON,))
    assert began(filled) == NOON
