"""Every file of a generation damaged in every way, before a start and while it is served.

`HOSTILE_DAMAGE=50` tries so many places in each file instead of one.
"""

import json
import os
import random
import re
import shutil
import time

import httpx2
import pytest

from kbserver.endpoint.app import KBServer
from kbserver.errors import SnapshotCorrupt, SnapshotMismatch
from kbserver.index.store import Store
from kbserver.ingest.build import ingest
from kbserver.settings import read_settings
from tests.conftest import write_documents
from tests.hostile.conftest import serving

PLACES = int(os.environ.get("HOSTILE_DAMAGE", "1"))
TENANTS = ("1", "2", "3")


def mark(tenant, topic):
    """A word that stands in one document only."""
    return f"zq{tenant}{topic}"


@pytest.fixture(scope="module")
def own_store(tmp_path_factory, store):
    """A store whose passages say whose they are, with dates."""
    folder = tmp_path_factory.mktemp("damage")
    documents = {
        f"{tenant}/{topic}.md": f"---\nvalid_until: 2099-01-01\n---\n# About {topic}\n\n"
        f"About {topic} at house {tenant}: {mark(tenant, topic)} is what we say.\n"
        for tenant in TENANTS
        for topic in ("pets", "parking", "breakfast")
    }
    write_documents(folder / "documents", documents)
    ingest([folder / "documents"], store=Store(folder / "store"), corpus="houses")
    (folder / "store" / ".models").symlink_to(store / ".models")
    return folder / "store"


def generation_of(store):
    return store / "houses" / Store(store).live("houses")


def files_of(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def flipped(content, chance):
    at = chance.randrange(len(content))
    return (
        content[:at]
        + bytes([content[at] ^ 1 << chance.randrange(8)])
        + content[at + 1 :]
    )


def damages(file, others, chance):
    """The file's content after each damage, by what was done; None: there is no file."""
    content = file.read_bytes()
    other = chance.choice([one for one in others if one.read_bytes() != content])
    return {
        "truncated": content[: chance.randrange(len(content))],
        "emptied": b"",
        "flipped": flipped(content, chance),
        "grown": content + chance.randbytes(chance.randrange(1, 5000)),
        "swapped": other.read_bytes(),
        "removed": None,
    }


def all_damages(folder):
    chance = random.Random(11)
    files = files_of(folder)
    assert len(files) > 20
    for file in files:
        for _ in range(PLACES):
            for how, content in damages(file, files, chance).items():
                yield file, how, content


def put(file, content):
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)  # in place, as an editor or a failing disk does


def test_a_generation_with_a_damaged_file_is_not_opened(own_store):
    store = Store(own_store)
    for file, how, damaged in all_damages(generation_of(own_store)):
        whole = file.read_bytes()
        put(file, damaged)
        try:
            with pytest.raises((SnapshotCorrupt, SnapshotMismatch)) as refused:
                store.open("houses")
            name = file.relative_to(generation_of(own_store)).as_posix()
            told = str(refused.value)
            assert name.replace("sha256", "") in told or "manifest" in name, (how, told)
            assert "kbserver ingest PATH --corpus houses" in told
            report = store.verify("houses")
            assert not report.ok, (name, how)
        finally:
            file.write_bytes(whole)
    store.open("houses", verify=True).close()


@pytest.mark.parametrize("name", ["manifest.json", "scopes.rows.npy"])
def test_a_server_does_not_start_from_damage_and_says_which(
    kbserver, own_store, tmp_path, name
):
    shutil.copytree(own_store, tmp_path / "store", symlinks=True)
    file = generation_of(tmp_path / "store") / name
    file.write_bytes(flipped(file.read_bytes(), random.Random(1)))
    for command in (["serve", "--open", "--port", "0"], ["verify"]):
        ran = kbserver(*command, "--store", tmp_path / "store")
        assert ran.returncode == 3
        assert file.name in ran.stderr and "kbserver ingest PATH" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_a_generation_damaged_while_it_is_served_goes_on_being_served(
    own_store, tmp_path
):
    shutil.copytree(own_store, tmp_path / "store", symlinks=True)
    routes = [
        {"label": "house-{id}", "corpora": ["houses"], "scope": {"folder": "{id}"}}
    ]
    settings = read_settings(
        store=tmp_path / "store",
        routes=routes,
        open=True,
        deadline_ms=10_000,
        reload_s=0.05,
    )
    server = KBServer(settings)
    chance = random.Random(7)
    with serving(server) as (port, _), httpx2.Client(timeout=60) as client:
        while client.get(f"http://127.0.0.1:{port}/readyz").status_code != 200:
            time.sleep(0.02)
        every = list(all_damages(generation_of(tmp_path / "store")))
        if PLACES == 1:
            every = every[::4]  # each file, and each way on some
        for file, how, damaged in every:
            whole = file.read_bytes()
            put(file, damaged)
            tenant = chance.choice(TENANTS)
            topic = chance.choice(("pets", "parking", "breakfast"))
            body = {
                "session_label": f"house-{tenant}",
                "query": f"about {topic} {chance.randrange(10**6)}",
            }
            answer = client.post(f"http://127.0.0.1:{port}/kb", json=body)
            said = set(re.findall(r"zq\w+", json.dumps(answer.json())))
            assert answer.status_code == 200, (file.name, how)
            assert mark(tenant, topic) in said, (file.name, how)
            assert all(word.startswith(f"zq{tenant}") for word in said), (
                file.name,
                how,
            )
            file.write_bytes(whole)
