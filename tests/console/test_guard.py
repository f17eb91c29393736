"""What comes in and what does not: hosts, peers, origins, forms, cookies."""

from dataclasses import replace

import pytest

from kbserver.console.access import COOKIE, Doors
from kbserver.console.app import Console
from kbserver.console.guard import HEADERS, names_of

from .conftest import GRANTS, HOST, ORIGIN, TOKEN, form_token


def with_console(source, **keys):
    console = source.settings.console.model_copy(update=keys)
    settings = source.settings.model_copy(update={"console": console})
    return Console(replace(source, settings=settings), Doors(GRANTS))


def test_without_a_token_a_page_asks_for_one_and_the_api_says_so(web):
    page = web("GET", "/calls", token=None)
    assert page.status_code == 401 and 'type="password"' in page.text
    assert "Recording" not in page.text
    answer = web("GET", "/api/v1/calls", token="not-a-token-of-ours")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in")


def test_what_pages_load_needs_no_token_and_tells_nothing(web):
    found = web("GET", "/static/console.css", token=None)
    assert found.status_code == 200 and "immutable" in found.headers["cache-control"]
    assert web("GET", "/static/../app.py", token=None).status_code == 401
    assert web("GET", "/static/%2e%2e%2fapp.py", token=None).status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8090", 200),
        ("127.0.0.1", 200),
        ("[::1]:8090", 200),
        ("kb.example.com", 403),
        ("127.0.0.1.example.com", 403),
        ("", 403),
        ("[::1", 403),
    ],
)
def test_only_names_of_this_machine_are_answered(web, host, status):
    assert web("GET", "/", headers={"host": host}).status_code == status


def test_a_name_of_the_settings_is_answered(web, source):
    app = with_console(source, hosts=("kb.example.com",))
    answer = web("GET", "/", headers={"host": "kb.example.com"}, app=app)
    assert answer.status_code == 200


def test_the_address_that_is_listened_on_is_a_name():
    assert names_of("10.1.2.3", ("kb",)) == ("10.1.2.3", "kb")
    assert names_of("::", ("kb",)) == ("kb",)


def test_signing_in_gives_a_strict_cookie_and_another_token_none(web):
    headers = {"origin": ORIGIN}
    answer = web("POST", "/sign-in", token=None, headers=headers, data={"token": TOKEN})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303 and cookie.startswith(COOKIE)
    for flag in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert flag in cookie
    assert "Secure" not in cookie
    wrong = web("POST", "/sign-in", token=None, headers=headers, data={"token": "x"})
    assert wrong.status_code == 401 and "set-cookie" not in wrong.headers


def test_a_sign_in_that_another_page_sends_is_refused(web):
    for headers in (
        {},
        {"origin": "https://example.com"},
        {"origin": "null"},
        {"origin": "http://[x"},
    ):
        answer = web(
            "POST", "/sign-in", token=None, headers=headers, data={"token": TOKEN}
        )
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_the_link_opens_once(source, web):
    doors = Doors([])
    app = Console(source, doors)
    path = f"/open/{doors.link_code}"
    first = web("GET", path, token=None, app=app)
    assert first.status_code == 303 and COOKIE in first.headers["set-cookie"]
    second = web("GET", path, token=None, app=app)
    assert second.status_code == 401 and "was used already" in second.text


def test_signing_out_takes_the_cookie_away_and_ends_it(browser):
    send, other = browser(), browser()
    token = form_token(send("GET", "/"))
    assert send("GET", "/sign-out").status_code == 404
    answer = send(
        "POST", "/sign-out", headers={"origin": ORIGIN}, data={"form_token": token}
    )
    assert answer.status_code == 303 and "Max-Age=0" in answer.headers["set-cookie"]
    assert send("GET", "/").status_code == 401
    assert other("GET", "/").status_code == 200


@pytest.mark.parametrize(
    ("origin", "form", "code"),
    [
        (None, True, "origin"),
        ("https://example.com", True, "origin"),
        (f"http://{HOST}.example.com", True, "origin"),
        ("null", True, "origin"),
        (ORIGIN, False, "form"),
    ],
)
def test_a_form_that_is_not_ours_is_refused(browser, origin, form, code):
    send = browser()
    fields = {"verdict": "right"}
    if form:
        fields["form_token"] = form_token(send("GET", "/"))
    headers = {}
    if origin is not None:
        headers["origin"] = origin
    answer = send("POST", "/api/v1/judgements", headers=headers, data=fields)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, code)


def test_a_form_of_another_session_is_refused(browser):
    other = form_token(browser()("GET", "/"))
    answer = browser()(
        "POST",
        "/api/v1/judgements",
        headers={"origin": ORIGIN},
        data={"form_token": other},
    )
    assert answer.json()["error"]["code"] == "form"


def test_every_answer_says_what_a_browser_may_do_with_it(web):
    for path, token in (("/", TOKEN), ("/", None), ("/static/live.js", None)):
        answer = web("GET", path, token=token)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
    assert web("GET", "/").headers["cache-control"] == "no-store"
    assert "unsafe-inline" not in HEADERS["content-security-policy"]


def test_behind_a_proxy_other_peers_are_refused_and_cookies_are_secure(source, web):
    app = with_console(source, trusted_proxies=("10.0.0.0/8",), hosts=("kb",))
    for peer, status in (("192.0.2.7", 403), ("10.1.2.3", 200), ("127.0.0.1", 200)):
        assert web("GET", "/", app=app, peer=peer).status_code == status
    app = with_console(source, trusted_proxies=("127.0.0.1",), hosts=("kb",))
    headers = {"host": "kb", "origin": "https://kb", "x-forwarded-proto": "https"}
    answer = web(
        "POST",
        "/sign-in",
        token=None,
        headers=headers,
        data={"token": TOKEN},
        app=app,
    )
    assert "Secure" in answer.headers["set-cookie"]


def test_below_a_path_links_and_cookies_stay_below_it(source, web):
    app = with_console(source, root_path="/console")
    for path in ("/console/calls", "/calls"):  # the proxy may take it off, or not
        page = web("GET", path, app=app)
        assert page.status_code == 200 and 'href="/console/live"' in page.text
    answer = web(
        "POST",
        "/console/sign-in",
        token=None,
        headers={"origin": ORIGIN},
        data={"token": TOKEN},
        app=app,
    )
    assert answer.headers["location"] == "/console/"
    assert "Path=/console/" in answer.headers["set-cookie"]


def test_a_form_that_is_too_long_is_refused(web):
    answer = web(
        "POST",
        "/sign-in",
        token=None,
        headers={"origin": ORIGIN},
        data={"token": "x" * 70_000},
    )
    assert answer.status_code == 413
