import pytest

from kbserver.console.asking import MOST_OPEN, Generations
from kbserver.errors import StoreError
from kbserver.index.store import Store
from kbserver.settings import read_settings


def test_few_generations_are_open_at_once_and_none_that_is_not_there(store):
    settings = read_settings(store=store)
    generations = Generations(settings)
    live = Store(store).live("hotels")
    wanted = {"settings": settings.turn_settings(), "scope": {}, "min_score": None}
    hits, turn = generations.ask("hotels", live, "are dogs welcome", **wanted)
    assert "15 dollars" in turn.context.text
    assert {hit.corpus for hit in hits} == {"hotels"}
    scoped = wanted | {"scope": {"folder": "hotels/8"}}
    hits, _ = generations.ask("hotels", live, "are dogs welcome", **scoped)
    assert {hit.passage.source for hit in hits} == {"hotels/8/pets.md"}
    with pytest.raises(StoreError):
        generations.ask("hotels", "000009-20260101T000000-aaaaaa", "x", **wanted)
    assert len(generations._open) <= MOST_OPEN
    generations.close()
    assert not generations._open
