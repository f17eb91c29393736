"""Every page, empty and full, shows what the API answers; hostile words stay words."""

import pytest

from kbserver.console.pages import PAGES

from .conftest import NOW, TENANT, VIEW, silent, turn

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


def test_a_token_that_is_bound_to_labels_has_no_page_about_all(web):
    page = web("GET", "/", token=TENANT).text
    assert "Server:" not in page
