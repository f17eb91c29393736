"""Each door as its client meets it: open, closed, with another token."""

import httpx2
import pytest

from kbserver.cli.at_doors.probe import PROBES, _speaks, probe
from kbserver.endpoint.app import KBServer
from kbserver.errors import OmniError
from tests.endpoint.conftest import TOKEN, serving
from tests.endpoint.doors.test_init import QUERY, settings_with_doors


@pytest.fixture(scope="module")
def url(store):
    tokens = [{"value": TOKEN}, {"value": "omni-token", "doors": ["omni"]}]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOORS_TEST_SECRET", "secret")
        server = KBServer(settings_with_doors(store, tokens=tokens))
    with serving(server) as url:
        yield url


@pytest.mark.parametrize("door", PROBES)
def test_an_open_door_is_healthy(url, door):
    findings = list(probe(door, url, "support", QUERY, TOKEN))
    assert {finding.grade for finding in findings} == {"ok"}, findings
    assert findings[1].found.endswith("passages")
    unknown = list(probe(door, url, "nowhere", QUERY, TOKEN))
    assert [f.cause for f in unknown if f.grade == "warn"] == ["empty"]


@pytest.mark.parametrize("door", PROBES)
def test_what_is_wrong_is_found_with_what_to_do(url, door):
    wrong = list(probe(door, url, "support", QUERY, "omni-token"))
    assert [finding.cause for finding in wrong] == ["wrong_token"]
    closed = list(probe(door, f"{url}/elsewhere/x/y", "support", QUERY, TOKEN))
    assert {"closed", "empty"} & {finding.cause for finding in closed}
    nowhere = list(probe(door, "http://127.0.0.1:9", "support", QUERY, TOKEN))
    assert [finding.cause for finding in nowhere] == ["unreachable"]


def test_a_token_that_no_header_can_carry_is_said(url):
    with pytest.raises(OmniError, match="non-ASCII"):
        next(probe("mcp", url, "support", QUERY, "ключ"))


def test_an_answer_of_another_form_is_found_whatever_it_is():
    for said in (["x"], {"result": []}, {"result": {"capabilities": None}}, 7):
        finding = _speaks("protocol", httpx2.Response(200, json=said))
        assert (finding.grade, finding.cause) == ("fail", "answer")


def test_the_doctor_takes_a_door(run, url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KB_TOKEN", TOKEN)
    result = run("doctor", url, "--door", "mcp", "-l", "support", "--query", QUERY)
    assert (result.exit_code, "healthy" in result.stderr) == (0, True)
    assert "protocol 2026-07-28" in result.stdout


def test_the_routes_list_the_open_doors(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kbserver.toml").write_text("[doors.mcp]\n")
    listed = run("routes", "--doors").stdout
    assert "http://127.0.0.1:8080/LABEL/mcp" in listed and "/kb" in listed
    assert "vapi" not in listed
