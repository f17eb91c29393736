"""Tokens, roles, cookies and the link: what opens, what does not, and for how long."""

import pytest

from kbserver.console.access import (
    SESSION_S,
    Doors,
    Grant,
    Visitor,
    grants_of,
    visible,
)
from kbserver.errors import SettingsError
from kbserver.settings import read_settings

TOKEN = "a-token-of-the-console"


class Clock:
    now = 1_000_000.0

    def __call__(self):
        return self.now


def test_each_role_may_do_what_those_before_it_may():
    judge = Visitor(Grant("judge"))
    assert [judge.may(role) for role in ("view", "judge", "publish")] == [
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        (("*",), ["", "*", "hotel-7", "hotel-{id}", "web-*"]),
        (("hotel-*",), ["hotel-7", "hotel-{id}"]),
        (("hotel-7",), ["hotel-7"]),
        (("hotel-7", "web-*"), ["hotel-7", "web-*"]),
    ],
)
def test_a_visitor_sees_routes_inside_its_labels_alone(labels, seen):
    routes = ["", "*", "hotel-7", "hotel-{id}", "web-*"]
    visitor = Visitor(Grant("view", labels))
    assert [route for route in routes if visitor.sees(route)] == seen
    assert (visible(routes, visitor) or routes) == seen


def test_a_token_opens_and_its_cookie_does_until_it_is_too_old():
    clock = Clock()
    doors = Doors([(TOKEN, Grant("judge"))], clock=clock)
    cookie = doors.session_of_token(TOKEN)
    assert doors.by_token(TOKEN) == doors.by_cookie(cookie).grant == Grant("judge")
    clock.now += SESSION_S + 1
    assert doors.by_cookie(cookie) is None
    assert doors.session_of_token("another-token-at-all") is None
    assert doors.by_token("") is None


def test_a_cookie_that_was_ended_opens_nothing_and_is_remembered_no_longer_than_it_was_good():
    clock = Clock()
    doors = Doors([(TOKEN, Grant("view"))], clock=clock)
    first, second = doors.session_of_token(TOKEN), doors.session_of_token(TOKEN)
    doors.end(first)
    doors.end("none of ours")
    assert doors.by_cookie(first) is None and doors.by_cookie(second) is not None
    clock.now += SESSION_S + 1
    doors.end(doors.session_of_token(TOKEN))
    assert len(doors._ended) == 1


def test_a_cookie_that_was_changed_or_is_of_another_console_opens_nothing():
    doors = Doors([(TOKEN, Grant("view")), (TOKEN[::-1], Grant("publish"))])
    cookie = doors.session_of_token(TOKEN)
    payload, _, mac = cookie.partition(".")
    other = doors.session_of_token(TOKEN[::-1]).partition(".")[0]
    for wrong in (f"{other}.{mac}", f"{payload}.{mac[:-1]}x", payload, "", ".", "ü.ü"):
        assert doors.by_cookie(wrong) is None
    assert Doors([(TOKEN, Grant("view"))]).by_cookie(cookie) is None


def test_two_sessions_have_other_form_tokens():
    doors = Doors([(TOKEN, Grant("view"))])
    first, second = (
        doors.by_cookie(doors.session_of_token(TOKEN)).form_token for _ in range(2)
    )
    assert first and first != second


def test_without_a_token_a_link_opens_once():
    doors = Doors([])
    code = doors.link_code
    assert not doors.has_tokens and doors.session_of_link("wrong") is None
    cookie = doors.session_of_link(code)
    assert doors.by_cookie(cookie).may("publish")
    assert doors.session_of_link(code) is None
    assert doors.session_of_link("") is None


def test_with_a_token_there_is_no_link():
    assert Doors([(TOKEN, Grant("view"))]).link_code == ""


def test_the_tokens_of_the_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("KB_CONSOLE_TOKEN", TOKEN)
    content = tmp_path / "content"
    content.write_text("b" * 20)
    tokens = [{"file": content, "role": "judge", "labels": ["billing-*"]}]
    settings = read_settings(store=tmp_path, console={"tokens": tokens})
    assert grants_of(settings) == [
        (TOKEN, Grant("publish")),
        ("b" * 20, Grant("judge", ("billing-*",))),
    ]
    assert TOKEN not in repr(settings)


@pytest.mark.parametrize(
    ("console", "endpoint", "said"),
    [("short", "x", "has 5 characters"), (TOKEN, TOKEN, "opens the endpoint as well")],
)
def test_a_token_that_can_be_guessed_or_opens_the_endpoint_is_refused(
    monkeypatch, tmp_path, console, endpoint, said
):
    monkeypatch.setenv("KB_CONSOLE_TOKEN", console)
    monkeypatch.setenv("KB_TOKEN", endpoint)
    with pytest.raises(SettingsError, match=said) as caught:
        grants_of(read_settings(store=tmp_path))
    assert TOKEN not in str(caught.value)


def test_a_token_that_publishes_is_bound_to_no_labels(tmp_path):
    tokens = [{"value": TOKEN, "role": "publish", "labels": ["hotel-*"]}]
    with pytest.raises(SettingsError, match="every caller of a corpus"):
        read_settings(store=tmp_path, console={"tokens": tokens})
