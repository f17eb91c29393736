"""Every page, empty and full, shows what the API answers; hostile words stay words."""

import pytest

from kbserver.console.pages import PAGES
from kbserver.record.database import changing
from kbserver.record.releases.replays import add

from .conftest import NOW, TENANT, VIEW, candidate, silent, turn

HOSTILE = '<script>alert(1)</script>" onload=x \u202egpj'
PLAIN = [page.path for page in PAGES if "{" not in page.path]


@pytest.mark.parametrize("path", PLAIN)
def test_a_page_without_anything_to_show_teaches_what_to_do(web, path):
    page = web("GET", path)
    assert page.status_code == 200, page.text
    assert "<h1>" in page.text


@pytest.mark.parametrize("path", PLAIN)
def test_hostile_words_are_shown_as_text(web, fill, path):
    fill(turn(1, at=NOW - 60, query=HOSTILE, label=HOSTILE), silent(2, at=NOW - 50))
    page = web("GET", path)
    assert page.status_code == 200
    assert "<script>alert" not in page.text and "\u202e" not in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/documents?corpus=support",
        "/documents/support/router/reset.md",
        "/server",
        "/try?corpus=support",
        "/try?question=how+do+i+reset+the+router&corpus=support&min_score=0.2",
        "/try?question=x&corpus=nothing",
        "/suspects?sign=barely",
        "/releases",
        "/comparisons/support",
    ],
)
def test_a_page_over_a_store(web, source, library, fill, path):
    barely = (candidate(score=0.16), candidate("p2", score=0.1, answered=False))
    fill(
        turn(1, at=NOW - 60, query="reset it", candidates=barely),
        turn(2, at=NOW - 50, route=""),
    )
    page = web("GET", path)
    assert page.status_code == 200, page.text
    source.generations.close()


def test_a_passage_is_shown_as_spoken_and_as_written(web, library):
    page = web("GET", "/documents/support/billing/dates.md").text
    path = page.split('href="/passages/')[1].split('"')[0]
    found = web("GET", f"/passages/{path}".replace("&amp;", "&")).text
    assert "£2.25 a month" in found and "2 pounds and 25 pence" in found


def test_a_call_is_a_conversation(web, fill):
    fill(turn(1, at=NOW - 60, query=HOSTILE, label="x"), silent(2, at=NOW - 50))
    key = web("GET", "/api/v1/calls?limit=1&search=script").json()["calls"][0]["call"]
    page = web("GET", f"/calls/{key}").text
    assert "&lt;script&gt;alert(1)" in page and "router/reset.md" in page
    assert web("GET", f"/turns/{1:020x}").status_code == 200
    assert web("GET", f"/turns/{9:020x}").status_code == 404


def test_a_page_has_forms_for_a_browser_that_may_use_them(browser, fill):
    fill(turn(1, at=NOW - 60, query="reset it"))
    path = f"/turns/{1:020x}"
    assert ">Wrong</button>" in browser()("GET", path).text
    assert ">Wrong</button>" not in browser(VIEW)("GET", path).text


def test_a_token_that_is_bound_to_labels_has_no_page_about_all(web, library, fill):
    theirs = candidate("p1", document="hotels/7/pets.md")._replace(corpus="hotels")
    fill(
        turn(1, at=NOW - 60),
        turn(2, at=NOW - 50, route="hotel-{id}", candidates=(theirs,)),
    )
    page = web("GET", "/", token=TENANT).text
    assert "Server:" not in page
    tried = web("GET", "/try", token=TENANT).text
    assert "hotels" in tried and "support" not in tried
    for page in PAGES:
        if "{" not in page.path:
            status = web("GET", page.path, token=TENANT).status_code
            assert status == (403 if page.sees_all else 200), page.path


@pytest.mark.parametrize("path", ["/?since=999999d", "/turns?since=30d&cursor=nan~x"])
def test_odd_parameters_have_a_page(web, fill, path):
    fill(turn(1, at=NOW - 60))
    assert web("GET", path).status_code == 200


def test_a_gap_shows_the_document_it_asks_for_as_text(web, fill):
    fill(silent(1, at=NOW - 60, query=HOSTILE, embedding=bytes([100] * 8)))
    (gap,) = web("GET", "/api/v1/gaps").json()["gaps"]
    page = web("GET", f"/gaps/{gap['id']}").text
    assert "questions:" in page and "<script>alert" not in page
    assert f"/gaps/{gap['id']}" in web("GET", "/gaps").text


def test_a_replay_shows_what_would_change_as_text(web, fill, folder):
    fill(turn(1, at=NOW - 60, query=HOSTILE))
    with changing(folder / ".record") as connection:
        number = add(connection, report_of(HOSTILE), at=NOW)
    page = web("GET", f"/replays/{number}").text
    assert "1 documents gone" in page and "Required and not so: gone&lt;=0" in page
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page
    assert "held back" in web("GET", "/releases").text


def report_of(words):
    answer = {"documents": [words], "score": 0.5}
    kinds = dict.fromkeys(("same", "gone", "silent", "changed", "answered"), 0)
    return {
        "corpus": "support",
        "before": "000001-a",
        "after": "000002-b",
        "held": True,
        "required": ["gone<=0"],
        "failed": ["gone<=0: found 1"],
        "measures": {"gone": 1, "silent": 0.5},
        "asked": {"source": "recorded", "turns": 1, "distinct": 1, "left_out": 2},
        "kinds": kinds | {"gone": 1},
        "documents": {"gone": [{"document": words, "questions": 1}]},
        "judged": {"after": {"ndcg@10": 0.5}},
        "questions": [
            {
                "kind": "gone",
                "question": words,
                "behind": [],
                "origin": "recorded",
                "key": f"{1:020x}",
                "turns": 1,
                "before": answer,
                "after": {"documents": [], "score": None},
            }
        ],
        "questions_left_out": 3,
    }
