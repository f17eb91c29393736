import json
import logging

import pytest

from kbserver.errors import StoreError
from kbserver.retrieval.calibration import (
    Calibration,
    CurvePoint,
    read_min_score,
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


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", '{"score_version": 1, "fingerprint": "f"}', "\x00"]
)
def test_a_damaged_file_is_not_used_and_said(tmp_path, damage, caplog):
    (tmp_path / "calibration.json").write_text(damage)
    with caplog.at_level(logging.WARNING):
        assert read_min_score(tmp_path, "f") is None
    assert "run kbserver calibrate again" in caplog.text


def test_scores_of_another_version_are_not_used(tmp_path, calibration):
    file = write_calibration(tmp_path, calibration)
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | {"score_version": values["score_version"] + 1}))
    assert read_min_score(tmp_path, "f" * 32) is None


def test_a_folder_that_is_not_there_is_an_error_of_the_store(tmp_path, calibration):
    with pytest.raises(StoreError, match="cannot store the calibration"):
        write_calibration(tmp_path / "missing", calibration)
