"""Requests are answered by what the tables name; where a form goes back to is ours."""

import asyncio
from collections import defaultdict

import httpx2
import pytest

from kbserver.console.app import Console, _below
from kbserver.console.pages import Page
from kbserver.console.resources import Action, Resource

from .conftest import JUDGE, ORIGIN, TOKEN, VIEW, form_token

GAP = defaultdict(int, examples=["a"], wordings=["a"], id="a", state="new", stub="")


@pytest.fixture
def noted():
    return []


@pytest.fixture
def app(source, console, noted):
    def note(asked):
        noted.append(dict(asked.values))
        return {"noted": len(noted)}

    action = Action("notes/{id}", note, "Notes something", "judge", done="Noted.")
    read = Resource("notes", lambda asked: {"notes": noted}, "Notes", rows="notes")
    return Console(source, console.doors, actions=[action], resources=[read])


def test_a_script_does_something_with_json(web, app, noted):
    answer = web("POST", "/api/v1/notes/7", token=JUDGE, json={"n": 1.5}, app=app)
    assert answer.json() == {"noted": 1} and noted == [{"n": "1.5", "id": "7"}]
    assert web("POST", "/api/v1/notes/7", app=app).json() == {"noted": 2}


def test_an_empty_form_is_a_body_that_was_read(web, app, noted):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = web("POST", "/api/v1/notes/7", headers=headers, app=app)
    assert answer.json() == {"noted": 1} and noted == [{"id": "7"}]


def test_text_that_utf_8_cannot_write_is_replaced(web, app, noted):
    web("POST", "/api/v1/notes/7", content='{"a": "\\ud800"}', app=app)
    assert noted == [{"a": "?", "id": "7"}]


def test_a_page_of_an_odd_name_is_gone_back_to(browser, source, console):
    page = Page("/documents/{name}", "", "gap.html", lambda asked: {"gap": GAP})
    app = Console(source, console.doors, pages=[page])
    path = "/documents/100%25%3F%23.md"
    assert f'name="back" value="{path}"' in browser()("GET", path, app=app).text
    assert _below(path, "x") == f"{path}?done=x"


@pytest.mark.parametrize("body", ["[]", "{", '{"a": []}', '{"a": {}}', "[" * 9999])
def test_a_body_that_is_no_object_of_values_is_refused(web, app, noted, body):
    answer = web("POST", "/api/v1/notes/7", content=body, app=app)
    assert answer.status_code == 400 and noted == []


def test_a_role_that_is_too_small_does_nothing(web, app, noted):
    answer = web("POST", "/api/v1/notes/7", token=VIEW, app=app)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "role")
    assert noted == []


def test_a_form_goes_back_to_its_page_which_says_what_was_done(browser, app, noted):
    send = browser()
    fields = {"form_token": form_token(send("GET", "/", app=app)), "back": "/calls?a=1"}
    answer = send(
        "POST",
        "/api/v1/notes/7",
        headers={"origin": ORIGIN},
        data=fields,
        app=app,
    )
    assert answer.status_code == 303 and len(noted) == 1
    assert answer.headers["location"] == "/calls?a=1&done=notes/%7Bid%7D"
    page = send("GET", "/calls?done=notes/%7Bid%7D", app=app)
    assert "Noted." in page.text


@pytest.mark.parametrize(
    ("back", "location"),
    [
        ("/calls", "/calls?done=x"),
        ("/calls?a=1&done=y", "/calls?a=1&done=x"),
        ("https://example.com/a", "/https://example.com/a?done=x"),
        ("//[", "/[?done=x"),
        ("//example.com/a", "/example.com/a?done=x"),
        ("/\\example.com", "/example.com?done=x"),
        ("", "/?done=x"),
    ],
)
def test_the_way_back_never_leads_elsewhere(back, location):
    assert _below(back, "x") == location


def test_a_fault_of_our_own_is_a_page_that_tells_nothing_of_it(source, console):
    def broken(asked):
        raise ZeroDivisionError("a caller's words")

    page = Page("/broken", "Broken", "today.html", broken)
    app = Console(source, console.doors, pages=[page])

    async def ask():
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {TOKEN}"}
        async with httpx2.AsyncClient(transport=transport, headers=headers) as client:
            return await client.get(f"{ORIGIN}/broken")

    answer = asyncio.run(ask())
    assert answer.status_code == 500 and "fault of the console" in answer.text
    assert "a caller" not in answer.text and "policy" in str(answer.headers)
