"""Label, token and scope against a model of their own: what may be answered is known beforehand.

Every document holds a word that stands in no other, so that each passage of an answer tells where
it is from. `KBSERVER_ISOLATION=100000` runs more turns.
"""

import json
import os
import random

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import read_settings
from tests.conftest import write_documents
from tests.hostile.conftest import serving

TURNS = int(os.environ.get("KBSERVER_ISOLATION", "1500"))
CORPORA = ("north", "south")
TENANTS = ("1", "2", "3")
TOPICS = ("pets", "parking", "breakfast")

ROUTES = {
    "all-{x}": {"corpora": CORPORA, "scope": None},
    "north-{id}": {"corpora": ("north",), "scope": "{id}"},
    "south-{id}": {"corpora": ("south",), "scope": "{id}"},
    "both-{id}": {"corpora": CORPORA, "scope": "{id}"},
}
TOKENS = {
    "token-all": ("*", None),
    "token-north": ("north-*", None),
    "token-second": ("*-2", None),
    "token-both": ("both-*", None),
    "wrong": (None, None),
}
QUESTIONS = (
    "are pets welcome",
    "where can i park and what does it cost",
    "when is breakfast served",
    "what about it",
    "and how much is that",
    "breakfast pets parking",
)


def mark(corpus: str, tenant: str, topic: str) -> str:
    """The word of one document."""
    return f"zq{corpus}{tenant}{topic}"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isolation")
    for corpus in CORPORA:
        documents = {
            f"{tenant}/{topic}.md": f"# {topic.title()}\n\n"
            f"About {topic} at house {tenant}: {mark(corpus, tenant, topic)} is what we say.\n"
            for tenant in TENANTS
            for topic in TOPICS
        }
        write_documents(folder / corpus, documents)
        ingest([folder / corpus], store=Store(folder / "store"), corpus=corpus)
    routes = []
    for label, route in ROUTES.items():
        values = {"label": label, "corpora": list(route["corpora"]), "min_score": 0.0}
        if route["scope"]:
            values["scope"] = {"folder": route["scope"]}
        routes.append(values)
    tokens = [
        {"value": token, "labels": [label]}
        for token, (label, _) in TOKENS.items()
        if label
    ]
    settings = read_settings(
        store=folder / "store", routes=routes, tokens=tokens, deadline_ms=5000, top_k=9
    )
    with serving(KBServer(settings)) as (port, _):
        yield port


def matches(pattern: str, label: str) -> bool:
    """Whether a token's pattern of one star, or of none, fits a label."""
    if "*" not in pattern:
        return pattern == label
    begin, end = pattern.split("*")
    fits = label.startswith(begin) and label.endswith(end)
    return fits and len(label) >= len(begin) + len(end)


def allowed(label: str, token: str) -> set[str]:
    """The words of all documents that a turn may be answered from."""
    pattern, _ = TOKENS[token]
    if pattern is None or not matches(pattern, label):
        return set()
    for name, route in ROUTES.items():
        begin = name.split("{")[0]
        rest = label.removeprefix(begin)
        if not label.startswith(begin) or not rest:
            continue
        tenants = TENANTS if route["scope"] is None else (rest,)
        return {
            mark(corpus, tenant, topic)
            for corpus in route["corpora"]
            for tenant in tenants
            for topic in TOPICS
        }
    return set()


EVERY_MARK = [mark(c, t, p) for c in CORPORA for t in TENANTS for p in TOPICS]
LABELS = [
    f"{name.split('{')[0]}{tenant}" for name in ROUTES for tenant in (*TENANTS, "4", "")
]


@pytest.mark.parametrize("seed", range(-(-TURNS // 500)))
def test_no_turn_is_answered_from_outside_its_label_token_and_scope(port, seed):
    chance = random.Random(seed)
    answered = 0
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        for _ in range(500):
            label = chance.choice([*LABELS, "nowhere", "north-1/..", "both-2 "])
            token = chance.choice(list(TOKENS))
            body = {"session_label": label, "query": chance.choice(QUESTIONS)}
            answer = client.post(
                "/kb", json=body, headers={"authorization": f"Bearer {token}"}
            )
            if token == "wrong":
                assert answer.status_code == 401
            said = json.dumps(answer.json())
            found = {word for word in EVERY_MARK if word in said}
            assert found <= allowed(label, token), (body, token, found)
            answered += bool(found)
    assert answered > 50  # the model is tried on turns that are answered, too
