"""The store's own commands, run as a user runs them, on a copy of a real store."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from kbserver.cli import store as store_commands
from kbserver.embedding.source import DEFAULT_IDENTITY
from kbserver.errors import (
    KbServerError,
    ModelError,
    SettingsError,
    SnapshotCorrupt,
    StoreError,
    StoreMissing,
)
from kbserver.files import replace_text
from kbserver.index.manifest import read_manifest, write_manifest
from kbserver.index.store import Store


@pytest.fixture
def folder(store: Path, tmp_path: Path) -> Path:
    """A store of one's own with the corpora `support` and `hotels`."""
    return shutil.copytree(
        store, tmp_path / "store", ignore=shutil.ignore_patterns(".models")
    )


class Runner:
    """Runs a command on a store and returns its output; the exit code of the last one is kept."""

    def __init__(self, folder: Path) -> None:
        self._app = typer.Typer(pretty_exceptions_enable=False)
        self._app.callback()(lambda: None)
        store_commands.register(self._app)
        self._folder = folder
        self.exit_code = 0

    def __call__(self, *arguments: str, where: Path | None = None) -> str:
        store = where or self._folder
        result = CliRunner().invoke(self._app, [*arguments, "--store", str(store)])
        if isinstance(result.exception, KbServerError):
            raise result.exception
        self.exit_code = result.exit_code
        return result.output


@pytest.fixture
def run(folder: Path) -> Runner:
    return Runner(folder)


def test_the_listing_names_every_generation(run, folder):
    output = run("corpora")
    assert run.exit_code == 0
    for word in (
        "support",
        "hotels",
        "●",
        "english",
        "all-MiniLM-L6-v2",
        Store(folder).live("support"),
    ):
        assert word in output
    listing = json.loads(run("corpora", "--json"))
    assert [one["corpus"] for one in listing] == ["hotels", "support"]
    assert {one["documents"] for one in listing} == {3, 4} and all(
        one["live"] for one in listing
    )
    assert all(one["bytes"] > 1000 and one["created_at"] for one in listing)
    assert {one["language"] for one in listing} == {"english"}


def test_a_generation_that_cannot_be_read_is_listed_with_the_reason(run, folder):
    manifest = folder / "support" / Store(folder).live("support") / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"support", b"supp0rt"))
    assert "SHA-256" in run("corpora")
    assert "SHA-256" in json.loads(run("corpora", "--json"))[1]["problem"]


def test_a_store_that_is_missing_or_empty_says_what_to_do(run, tmp_path):
    with pytest.raises(StoreMissing, match="kbserver ingest"):
        run("corpora", where=tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "kbserver ingest" in run("corpora", where=tmp_path / "empty")
    with pytest.raises(StoreMissing, match="no corpus to verify"):
        run("verify", where=tmp_path / "empty")


def test_verify_is_content_with_a_whole_store(run):
    assert run("verify").count("ok ") == 2 and run.exit_code == 0
    answer = json.loads(run("verify", "support", "--json"))
    assert answer["ok"] and [one["corpus"] for one in answer["generations"]] == [
        "support"
    ]
    assert answer["generations"][0]["sampled"] == answer["generations"][0]["found"] > 0


def test_verify_finds_a_flipped_byte_and_exits_with_3(run, folder):
    file = folder / "hotels" / Store(folder).live("hotels") / "embeddings.npy"
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    output = run("verify")
    assert run.exit_code == 3 and "BAD" in output and "embeddings.npy" in output
    answer = json.loads(run("verify", "--every", "--json").split("error:")[0])
    assert not answer["ok"] and [one["ok"] for one in answer["generations"]] == [
        False,
        True,
    ]


def test_verify_looks_at_the_record_of_turns_as_well(run, tmp_path):
    record = tmp_path / "record"
    record.mkdir()
    (record / "record.sqlite").write_bytes(b"no database " * 400)
    config = tmp_path / "kbserver.toml"
    config.write_text('[record]\nfolder = "record"\n')
    output = run("verify", "--config", config)
    assert "record.sqlite: cannot be read" in output and run.exit_code == 3
    run("verify", "support", "--config", config)
    assert run.exit_code == 0


def test_verify_of_what_is_not_there(run):
    with pytest.raises(StoreMissing, match="no corpus 'nope'"):
        run("verify", "nope")
    with pytest.raises(SettingsError, match="--generation goes with"):
        run("verify", "--generation", "x")


def test_a_corpus_travels_as_one_file(run, folder, tmp_path):
    file = tmp_path / "support.kb"
    assert str(file) in run("export", "support", str(file))
    other = tmp_path / "other"
    output = run("import", str(file), where=other)
    assert "is live" in output and Store(other).verify("support").ok
    assert "its model is all-MiniLM-L6-v2, known on this machine" in output
    with pytest.raises(StoreError, match="already"):
        run("import", str(file), where=other)
    third = json.loads(
        run("import", str(file), "--no-publish", "--json", where=tmp_path / "third")
    )
    assert third == {
        "corpus": "support",
        "generation": Store(folder).live("support"),
        "published": False,
        "model": "all-MiniLM-L6-v2",
        "fingerprint": DEFAULT_IDENTITY.fingerprint,
    }
    with pytest.raises(StoreMissing, match="no generation is live"):
        Store(tmp_path / "third").live("support")


def test_a_model_that_is_not_known_is_named_and_needs_consent(run, folder, tmp_path):
    live = folder / "support" / Store(folder).live("support")
    manifest = read_manifest(live)
    unknown = replace(manifest.model, name="evil/model", fingerprint="e" * 32)
    write_manifest(replace(manifest, model=unknown), live)
    file, other = tmp_path / "support.kb", tmp_path / "other"
    run("export", "support", str(file))
    with pytest.raises(ModelError, match="'evil/model'.*--trust-model evil/model"):
        run("import", str(file), where=other)
    with pytest.raises(ModelError):
        run("import", str(file), "--trust-model", "other", where=other)
    assert not other.exists()
    output = run("import", str(file), "--trust-model", "evil/model", where=other)
    assert "its model is evil/model, trusted as you say" in output


def test_a_changed_file_is_not_imported(run, tmp_path):
    file = tmp_path / "support.kb"
    run("export", "support", str(file))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(SnapshotCorrupt):
        run("import", str(file), where=tmp_path / "other")
    with pytest.raises(StoreMissing):
        run("verify", "support", where=tmp_path / "other")


@pytest.fixture
def three(folder: Path, tmp_path: Path, store: Path) -> list[str]:
    """`support` with three generations, the newest live."""
    from kbserver.embedding.models import open_encoder
    from kbserver.ingest.build import ingest
    from kbserver.settings import DEFAULT_MODEL
    from tests.conftest import DOCUMENTS, write_documents

    docs = write_documents(tmp_path / "docs", DOCUMENTS["support"])
    with open_encoder(
        DEFAULT_MODEL, cache=store / ".models", for_queries=False
    ) as encoder:
        for word in ("one", "two"):
            (docs / "new.md").write_text(f"# New\n\nThis is page {word}.\n")
            ingest([docs], store=Store(folder), corpus="support", encoder=encoder)
    return Store(folder).generations("support")


def test_rollback_goes_one_back_or_where_it_is_told(run, folder, three):
    assert (
        three[1] in run("rollback", "support")
        and Store(folder).live("support") == three[1]
    )
    assert (
        json.loads(run("rollback", "support", "--to", three[2], "--json"))["generation"]
        == three[2]
    )
    with pytest.raises(StoreMissing, match="no generation 'x'"):
        run("rollback", "support", "--to", "x")
    assert Store(folder).live("support") == three[2]


def test_rollback_with_nothing_before_and_of_nothing(run, folder):
    with pytest.raises(StoreMissing, match="no generation before the live one"):
        run("rollback", "hotels")
    with pytest.raises(StoreMissing, match="no corpus 'nope'"):
        run("rollback", "nope")
    assert not (folder / "nope").exists()


def test_prune_leaves_the_live_one_and_the_newest(run, folder, three):
    run("rollback", "support", "--to", three[0])
    assert json.loads(run("prune", "support", "--keep", "2", "--json")) == {
        "support": [three[1]]
    }
    assert Store(folder).generations("support") == [three[0], three[2]]
    assert "nothing to remove" in run("prune", "--all")
    assert json.loads(run("prune", "--all", "--keep", "1", "--json")) == {
        "hotels": [],
        "support": [three[2]],
    }
    with pytest.raises(SettingsError, match="--all"):
        run("prune")


def test_a_pointer_to_nothing_is_reported_and_can_be_mended(run, folder):
    live = Store(folder).live("support")
    replace_text(folder / "support" / "LIVE", "gone\n")
    output = run("verify")
    assert run.exit_code == 3 and "kbserver rollback" in output
    assert (
        "●"
        not in [line for line in run("corpora").splitlines() if "support" in line][0]
    )
    run("rollback", "support")
    assert Store(folder).live("support") == live


def tampered(folder: Path, name: str, content: bytes) -> None:
    """Change a file of the live generation of `support`, and have its manifest agree."""
    generation = folder / "support" / Store(folder).live("support")
    (generation / name).write_bytes(content)
    manifest = json.loads((generation / "manifest.json").read_bytes())
    digest = hashlib.sha256(content).hexdigest()
    manifest["files"][name] = {"bytes": len(content), "sha256": digest}
    text = json.dumps(manifest).encode()
    (generation / "manifest.json").write_bytes(text)
    line = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n"
    (generation / "manifest.sha256").write_text(line)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("passages.jsonl", b"[" * 100_000),
        ("passages.jsonl", b""),
        ("passages.offsets.npy", b"\x93NUMPY\x01\x00\xff\xff"),
        ("embeddings.npy", b"\x93NUMPY\x01\x00\x00\x20" + b"(" * 8192),
        ("embeddings.npy", b""),
    ],
)
def test_verify_says_in_a_sentence_what_is_wrong(run, folder, name, content):
    tampered(folder, name, content)
    output = run("verify")
    assert run.exit_code == 3
    assert "ok   hotels" in output and "BAD  support" in output
    assert "Traceback" not in output
    [said] = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "kbserver ingest PATH" in said or "kbserver ingest PATH" in output
    report = json.loads(run("verify", "--json"))
    assert run.exit_code == 3 and not report["ok"]


@pytest.mark.parametrize("content", [b"\xff\xfe", b"", b"0" * 1_000_000, b"../hotels"])
def test_one_corpus_without_a_pointer_does_not_hide_the_others(run, folder, content):
    (folder / "hotels" / "LIVE").write_bytes(content)
    output = run("verify")
    assert run.exit_code == 3
    assert "ok   support" in output and "error: " in output
    assert len(json.loads(run("corpora", "--json"))) == 2
    with pytest.raises(StoreMissing, match="hotels"):
        run("prune", "--all", "--keep", "1")
    run("rollback", "hotels")
    run("verify")
    assert run.exit_code == 0


def test_a_manifest_may_say_any_name_and_date(run, folder):
    generation = folder / "support" / Store(folder).live("support")
    manifest = json.loads((generation / "manifest.json").read_bytes())
    manifest["model"]["name"] = "[/red][link"
    manifest["created_at"] = "in spring"
    text = json.dumps(manifest).encode()
    (generation / "manifest.json").write_bytes(text)
    line = f"{hashlib.sha256(text).hexdigest()}  manifest.json\n"
    (generation / "manifest.sha256").write_text(line)
    assert "support" in run("corpora")
    assert run.exit_code == 0
