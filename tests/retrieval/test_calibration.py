import json
import logging
import os

import pytest

from kbserver.errors import StoreError
from kbserver.retrieval.calibration import (
    SCORE_VERSION,
    Calibration,
    CurvePoint,
    adopt_calibration,
    read_min_score,
    stored_calibration,
    write_calibration,
)


@pytest.fixture
def calibration() -> Calibration:
    point = CurvePoint(0.42, 0.95, 0.1)
    return Calibration(
        0.42,
        0.9,
        point,
        60,
        40,
        False,
        "g1",
        "f" * 32,
        "2026-01-01T00:00:00+00:00",
        (point,),
    )


def test_what_is_written_is_in_force(tmp_path, calibration):
    file = write_calibration(tmp_path, calibration)
    assert file == tmp_path / "calibration.json"
    assert read_min_score(tmp_path, "f" * 32) == 0.42
    assert json.loads(file.read_text())["curve"] == [
        {"min_score": 0.42, "kept": 0.95, "false_groundings": 0.1}
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.json"]


def test_without_a_calibration_there_is_no_score(tmp_path):
    assert read_min_score(tmp_path, "f" * 32) is None


def test_another_models_calibration_is_not_used(tmp_path, calibration, caplog):
    write_calibration(tmp_path, calibration)
    with caplog.at_level(logging.WARNING):
        assert read_min_score(tmp_path, "e" * 32) is None
    assert "kbserver calibrate" in caplog.text


def with_min_score(value: str) -> str:
    made_with = f'"score_version": {SCORE_VERSION}, "fingerprint": "f"'
    return f'{{{made_with}, "min_score": {value}}}'


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        ("[]", "found list"),
        ("{}", "score_version"),
        (f'{{"score_version": {SCORE_VERSION}}}', "fingerprint"),
        ("\x00", "Expecting value"),
        ("[" * 100_000, "RecursionError"),
        (" " * (1 << 20) + "{}", "more than the 1,048,576 bytes"),
        (with_min_score("NaN"), "min_score is nan"),
        (with_min_score("1e999"), "min_score is inf"),
        (with_min_score("-0.1"), "min_score is -0.1"),
        (with_min_score("2"), "min_score is 2"),
        (with_min_score("true"), "min_score is True"),
        (with_min_score('"0.4"'), "min_score is '0.4'"),
        (with_min_score("null"), "min_score is None"),
        (with_min_score("9" * 5000), "integer string"),
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path, damage, found):
    (tmp_path / "calibration.json").write_text(damage)
    with pytest.raises(StoreError, match="run kbserver calibrate again") as error:
        read_min_score(tmp_path, "f")
    assert found in str(error.value)
    assert len(str(error.value)) < 600


def test_a_pipe_or_a_folder_in_its_place_holds_nothing_up(tmp_path):
    file = tmp_path / "calibration.json"
    os.mkfifo(file)
    with pytest.raises(StoreError, match="no plain file"):
        read_min_score(tmp_path, "f")
    file.unlink()
    file.mkdir()
    with pytest.raises(StoreError, match="found a folder"):
        read_min_score(tmp_path, "f")
    with pytest.raises(StoreError, match="found a folder"):
        stored_calibration(tmp_path)


@pytest.mark.parametrize(("value", "wanted"), [("0", 0.0), ("1", 1.0), ("0.5", 0.5)])
def test_any_number_from_0_to_1_is_taken(tmp_path, value, wanted):
    (tmp_path / "calibration.json").write_text(with_min_score(value))
    assert read_min_score(tmp_path, "f") == wanted


def test_scores_of_another_version_are_not_used(tmp_path, calibration):
    file = write_calibration(tmp_path, calibration)
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | {"score_version": values["score_version"] + 1}))
    assert read_min_score(tmp_path, "f" * 32) is None


def test_a_folder_that_is_not_there_is_an_error_of_the_store(tmp_path, calibration):
    with pytest.raises(StoreError, match="cannot store the calibration"):
        write_calibration(tmp_path / "missing", calibration)


def test_a_calibration_from_elsewhere_is_stored_as_it_was(tmp_path, calibration):
    text = write_calibration(tmp_path, calibration).read_bytes()
    folder = tmp_path / "here"
    folder.mkdir()
    assert adopt_calibration(folder, text, "f" * 32) == 0.42
    assert (folder / "calibration.json").read_bytes() == text


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "e" * 32},
        {"score_version": SCORE_VERSION - 1},
        {"min_score": float("nan")},
        {"min_score": 1.5},
        {"at": {"min_score": 0.1, "kept": 7.0, "false_groundings": 0.0}},
        {"curve": [{"min_score": 0.1, "kept": 0.5}]},
        {"curve": "none"},
        None,
    ],
)
def test_a_calibration_from_elsewhere_that_cannot_be_used_is_not_stored(
    tmp_path, calibration, change
):
    values = json.loads(write_calibration(tmp_path, calibration).read_bytes())
    text = b"[" * 100_000
    if change is not None:
        text = json.dumps(values | change).encode()
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(StoreError, match="calibration cannot be used"):
        adopt_calibration(folder, text, "f" * 32)
    assert list(folder.iterdir()) == []
