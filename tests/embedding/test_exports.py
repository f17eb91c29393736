import json
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kbserver.embedding.base import Encoder
from kbserver.embedding.exports import (
    Exports,
    Refused,
    export_folders,
    user_cache,
)
from kbserver.errors import ModelError, SnapshotMismatch
from kbserver.settings import DEFAULT_MODEL
from kbserver.types import ModelIdentity


@pytest.fixture
def export(encoder: Encoder, cache: Path) -> Path:
    """The default model's export, not to be changed."""
    return cache / encoder.identity.fingerprint


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that cannot be written, whatever rights this process has."""
    file = tmp_path / "a-file"
    file.write_text("where a folder should be")
    yield file / "models"


def test_the_cache_of_a_user_follows_the_variables(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    at_home = tmp_path / "home" / ".cache" / "kbserver" / "models"
    assert user_cache() == at_home
    monkeypatch.setenv(
        "XDG_CACHE_HOME", "relative"
    )  # to be ignored, says the specification
    assert user_cache() == at_home
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert user_cache() == tmp_path / "xdg" / "kbserver" / "models"
    monkeypatch.setenv("KBSERVER_MODELS", str(tmp_path / "named"))
    assert user_cache() == tmp_path / "named"


def test_without_a_home_folder_exports_are_kept_in_the_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert user_cache() is None
    assert export_folders(None, tmp_path) == [tmp_path / ".models"]
    with pytest.raises(ModelError, match="there is no home folder"):
        Exports(export_folders(None, None), DEFAULT_MODEL).open("fp32", threads=1)


def test_the_users_cache_comes_before_the_store(tmp_path: Path) -> None:
    folders = export_folders(tmp_path / "cache", tmp_path / "store")
    assert folders == [tmp_path / "cache", tmp_path / "store" / ".models"]


def test_a_stores_own_export_is_used_and_left_alone(
    export: Path, encoder: Encoder, tmp_path: Path
) -> None:
    kept = tmp_path / "store" / ".models" / export.name
    shutil.copytree(export, kept)
    before = {file.name: file.stat().st_mtime_ns for file in kept.iterdir()}
    exports = Exports(
        export_folders(tmp_path / "cache", tmp_path / "store"), DEFAULT_MODEL
    )
    assert exports.are_there("fp32") and not exports.are_there("int8")
    with exports.open("fp32", threads=1) as opened:
        assert opened.folder == kept
        assert opened.identity == encoder.identity
    assert not (tmp_path / "cache").exists()
    assert {file.name: file.stat().st_mtime_ns for file in kept.iterdir()} == before


def test_a_stores_outdated_export_is_replaced_in_the_users_cache(
    export: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = tmp_path / "store" / ".models" / export.name
    shutil.copytree(export, kept)
    content = json.loads((kept / "meta.json").read_text()) | {"format": 1}
    (kept / "meta.json").write_text(json.dumps(content))
    exports = Exports(
        export_folders(tmp_path / "cache", tmp_path / "store"), DEFAULT_MODEL
    )
    with exports.open("fp32", threads=1) as opened:
        assert opened.folder == tmp_path / "cache" / export.name
    assert "format 1, this version reads 2; the export is made anew" in caplog.text
    assert json.loads((kept / "meta.json").read_text()) == content


def test_a_second_store_starts_with_the_export_of_the_first(
    export: Path, cache: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exports = Exports(export_folders(cache, tmp_path / "second"), DEFAULT_MODEL)
    with caplog.at_level(logging.INFO, "kbserver"), exports.open("fp32", 1) as opened:
        assert opened.folder == export
    assert "preparing" not in caplog.text
    assert not (tmp_path / "second").exists()


def test_a_cache_that_cannot_be_written_gives_way_to_the_store(
    locked: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    exports = Exports(export_folders(locked, tmp_path / "store"), DEFAULT_MODEL)
    with exports.open("fp32", threads=1) as opened:
        assert opened.folder.parent == tmp_path / "store" / ".models"
    assert f"{locked} cannot be written" in caplog.text
    assert "KBSERVER_MODELS names another folder" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_gives_way_as_well(tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    exports = Exports(
        export_folders(tmp_path / "cache", tmp_path / "store"), DEFAULT_MODEL
    )
    with exports.open("fp32", threads=1) as opened:
        assert opened.folder.parent == tmp_path / "store" / ".models"


def test_nowhere_to_write_is_an_error_that_names_the_variable(locked: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be written here .*KBSERVER_MODELS"):
        Exports([locked], DEFAULT_MODEL).open("fp32", threads=1)


def test_of_several_that_open_at_once_one_makes_the_export(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failed: list[Exception] = []

    def open_it() -> None:
        try:
            Exports([tmp_path], DEFAULT_MODEL).open("fp32", threads=1).close()
        except Exception as exc:
            failed.append(exc)

    threads = [threading.Thread(target=open_it) for _ in range(3)]
    with caplog.at_level(logging.INFO, "kbserver"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    assert caplog.text.count("preparing") == 1


def test_what_a_killed_export_left_is_not_built_on(
    export: Path, tmp_path: Path
) -> None:
    left = tmp_path / f".{export.name}.partial"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    with Exports([tmp_path], DEFAULT_MODEL).open("fp32", threads=1) as opened:
        assert opened.folder == tmp_path / export.name
    assert not left.exists()


def test_a_refusal_is_remembered_with_its_reason(
    export: Path, encoder: Encoder, tmp_path: Path
) -> None:
    shutil.copytree(export, tmp_path / "store" / ".models" / export.name)
    file = tmp_path / "store" / ".models" / f"{export.name}-int8.not-exported.txt"
    file.write_text("it cannot be quantised\n")
    exports = Exports(
        export_folders(tmp_path / "cache", tmp_path / "store"), encoder.identity
    )
    with pytest.raises(Refused, match="^it cannot be quantised$") as refused:
        exports.open("int8", threads=1)
    assert (refused.value.file, refused.value.precision) == (file, "int8")


def test_a_name_that_stands_for_another_model_is_refused(
    encoder: Encoder, tmp_path: Path
) -> None:
    wanted = ModelIdentity(DEFAULT_MODEL, "f" * 32, 384, 256)
    complaint = rf"{'f' * 32}.*now holds {encoder.identity.fingerprint}"
    with pytest.raises(SnapshotMismatch, match=complaint):
        Exports([tmp_path], wanted).open("fp32", threads=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fingerprint", ["../elsewhere", "f" * 31, "F" * 32, ""])
def test_what_is_no_fingerprint_is_not_looked_for(
    fingerprint: str, tmp_path: Path
) -> None:
    wanted = ModelIdentity(DEFAULT_MODEL, fingerprint, 384, 256)
    with pytest.raises(ModelError, match="no model's fingerprint"):
        Exports([tmp_path], wanted)


def test_an_export_of_another_model_under_this_ones_name_is_not_used(
    export: Path, encoder: Encoder, tmp_path: Path
) -> None:
    other = replace(encoder.identity, name="./gone", fingerprint="e" * 32)
    shutil.copytree(export, tmp_path / other.fingerprint)
    exports = Exports([tmp_path], other)
    assert exports.identity() is None
    with pytest.raises(ModelError, match="no such folder"):
        exports.open("fp32", threads=1)


def test_an_export_says_which_model_it_is_of(export: Path, encoder: Encoder) -> None:
    renamed = replace(encoder.identity, name="evil/model")
    assert Exports([export.parent], renamed).identity() == encoder.identity
    assert Exports([export.parent / "none"], renamed).identity() is None
