"""The README's examples run as they stand there."""

import re
from pathlib import Path

import httpx2
import pytest

from tests.endpoint.conftest import serving

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(
    r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL
)


def block(containing: str) -> str:
    [found] = [block for block in BLOCKS if containing in block]
    return found


@pytest.fixture
def at_a_store(store, tmp_path, monkeypatch):
    (tmp_path / "store").symlink_to(store, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KB_TOKEN", "readme-token")
    monkeypatch.setenv("KBSERVER_DEADLINE_MS", "5000")


def test_the_frame_of_the_readme_is_a_configure_frame():
    names: dict[str, object] = {}
    code = block("configure_frame").replace('"…"', '"something"')
    exec(code, names)  # noqa: S102  our own README
    assert names["data"][:1] == b"\x03"
    assert b'"type":"configure"' in names["data"]


def test_the_handler_of_the_readme_answers_hits_or_a_text(at_a_store):
    names: dict[str, object] = {"__name__": "readme"}
    exec(block("@server.route"), names)  # noqa: S102  our own README
    headers = {"Authorization": "Bearer readme-token"}
    with (
        serving(names["server"]) as url,
        httpx2.Client(base_url=url, headers=headers) as client,
    ):
        found = client.post(
            "/kb",
            json={"session_label": "vip-ann", "query": "how do i reset the router"},
        ).json()
        assert len(found["results"]) == 1 and "ten seconds" in found["context"]


def test_every_link_to_a_file_leads_somewhere():
    targets = re.findall(
        r"\]\((?!https?:|#)([^)#]+)", README.read_text(encoding="utf-8")
    )
    assert targets
    assert [target for target in targets if not (README.parent / target).exists()] == []
