"""Labels, tokens, scopes and generations against a model of their own: it knows what may be said.

Every document holds a word that stands in no other, so that each passage of an answer tells where
it is from. Labels are asked again and again, so that answers come from caches and lean on earlier
turns; generations change in between. `HOSTILE_ISOLATION=100000` runs more turns.
"""

import json
import os
import random
import time

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.index.store import Store
from kbserver.ingest.build import IngestOptions, ingest
from kbserver.settings import read_settings
from tests.conftest import write_documents
from tests.hostile.conftest import serving

TURNS = int(os.environ.get("HOSTILE_ISOLATION", "500"))
TURNS_A_SEED = 500
TURNS_A_GENERATION = 250
CORPORA = ("north", "south")
TENANTS = ("1", "2", "3")
TOPICS = ("pets", "parking", "breakfast")
GENERATIONS = ("old", "new")

ROUTES = {
    "all-{x}": {"corpora": CORPORA, "scope": None},
    "north-{id}": {"corpora": ("north",), "scope": "{id}"},
    "south-{id}": {"corpora": ("south",), "scope": "{id}"},
    "both-{id}": {"corpora": CORPORA, "scope": "{id}"},
}
STATIC = {
    "token-all": "*",
    "token-north": "north-*",
    "token-second": "*-2",
    "token-both": "both-*",
}
SIGNED = (
    {"label": "all-*", "corpora": ("north",)},
    {"label": "*", "scope": "3"},
    {"label": "both-1", "corpora": ("south",), "scope": "1"},
    {"label": "both-*", "scope": "2"},
    {"label": "north-*", "corpora": ("south",)},
)
QUESTIONS = (
    "are pets welcome",
    "where can i park and what does it cost",
    "when is breakfast served",
    "what about it",
    "and how much is that",
    "breakfast pets parking",
)


def mark(corpus: str, tenant: str, topic: str, generation: str) -> str:
    """The word of one document."""
    return f"zq{corpus}{tenant}{topic}{generation}"


MARKS = {
    mark(corpus, tenant, topic, generation): (corpus, tenant, generation)
    for corpus in CORPORA
    for tenant in TENANTS
    for topic in TOPICS
    for generation in GENERATIONS
}
LABELS = [
    f"{name.split('{')[0]}{tenant}" for name in ROUTES for tenant in (*TENANTS, "4", "")
]


class Served:
    """A server, the tokens it takes, and the generations that its corpora can have."""

    def __init__(self, port, store, generations, signed):
        self.store = store
        self.generations = generations
        """Names of the folders, by corpus and generation."""
        self.live = dict.fromkeys(CORPORA, "new")
        self.grants = {
            **{token: {"label": label} for token, label in STATIC.items()},
            **dict(zip(signed, SIGNED, strict=True)),
            "wrong": None,
        }
        self.client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60)

    def ask(self, label, query, token):
        """Return the status, and the words found in an answer."""
        body = {"session_label": label, "query": query}
        head = {"authorization": f"Bearer {token}"}
        answer = self.client.post("/kb", json=body, headers=head)
        said = json.dumps(answer.json())
        return answer.status_code, {word for word in MARKS if word in said}

    def change(self, corpus):
        """Make the other generation of a corpus live, and wait until it is served."""
        (other,) = set(GENERATIONS) - {self.live[corpus]}
        self.store.rollback(corpus, to=self.generations[corpus, other])
        self.live[corpus] = other
        ends = time.monotonic() + 60
        for number in range(10**6):
            query = f"{QUESTIONS[number % 3]} number {number}"
            _, found = self.ask(f"{corpus}-1", query, "token-all")
            if {MARKS[word][2] for word in found} == {other}:
                return
            assert time.monotonic() < ends, f"{corpus}: {other} is not taken over"


def documents(corpus, generation):
    return {
        f"{tenant}/{topic}.md": f"# {topic.title()}\n\nAbout {topic} at house {tenant}: "
        f"{mark(corpus, tenant, topic, generation)} is what we say.\n"
        for tenant in TENANTS
        for topic in TOPICS
    }


def issued(server, grant):
    scope = grant.get("scope")
    if scope is not None:
        scope = {"folder": scope}
    return server.issue_token(
        grant["label"], ttl_s=86_400, corpora=grant.get("corpora"), scope=scope
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("isolation")
    store = Store(folder / "store")
    generations = {}
    for corpus in CORPORA:
        for generation in GENERATIONS:
            write_documents(folder / corpus, documents(corpus, generation))
            ingest(
                [folder / corpus], store=store, corpus=corpus, options=IngestOptions()
            )
            generations[corpus, generation] = store.live(corpus)
    routes = []
    for label, route in ROUTES.items():
        values = {"label": label, "corpora": list(route["corpora"]), "min_score": 0.0}
        if route["scope"]:
            values["scope"] = {"folder": route["scope"]}
        routes.append(values)
    settings = read_settings(
        store=folder / "store",
        routes=routes,
        tokens=[{"value": value, "labels": [label]} for value, label in STATIC.items()],
        signing_key="isolation-" * 5,
        deadline_ms=10_000,
        top_k=9,
        reload_s=0.1,
    )
    server = KBServer(settings)
    signed = [issued(server, grant) for grant in SIGNED]
    with serving(server) as (port, _):
        served = Served(port, store, generations, signed)
        with served.client:
            yield served


def matches(pattern: str, label: str) -> bool:
    """Whether a token's pattern of one star, or of none, fits a label."""
    if "*" not in pattern:
        return pattern == label
    begin, end = pattern.split("*")
    fits = label.startswith(begin) and label.endswith(end)
    return fits and len(label) >= len(begin) + len(end)


def allowed(label: str, grant: dict | None, live: dict[str, str]) -> set[str]:
    """The words of all documents that a turn may be answered from."""
    if grant is None or not matches(grant["label"], label):
        return set()
    for name, route in ROUTES.items():
        begin = name.split("{")[0]
        rest = label.removeprefix(begin)
        if not label.startswith(begin) or not rest:
            continue
        tenants = set(TENANTS)
        if route["scope"]:
            tenants &= {rest}
        if "scope" in grant:
            tenants &= {grant["scope"]}
        corpora = set(route["corpora"]) & set(grant.get("corpora", CORPORA))
        return {
            word
            for word, (corpus, tenant, generation) in MARKS.items()
            if corpus in corpora and tenant in tenants and generation == live[corpus]
        }
    return set()


@pytest.mark.parametrize("seed", range(-(-TURNS // TURNS_A_SEED)))
def test_no_turn_is_answered_from_outside_its_label_token_scope_and_generation(
    served, seed
):
    chance = random.Random(seed)
    answered = 0
    tokens = list(served.grants)
    for number in range(TURNS_A_SEED):
        if number % TURNS_A_GENERATION == TURNS_A_GENERATION // 2:
            served.change(chance.choice(CORPORA))
        label = chance.choice([*LABELS, "nowhere", "north-1/..", "both-2 "])
        token = chance.choice(tokens)
        query = chance.choice(QUESTIONS)
        status, found = served.ask(label, query, token)
        grant = served.grants[token]
        if grant is None:
            assert status == 401
        else:
            assert status == 200
        assert found <= allowed(label, grant, served.live), (label, token, query, found)
        answered += bool(found)
    assert answered > 50  # the model is tried on turns that are answered, too
