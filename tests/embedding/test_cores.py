import os
from pathlib import Path

from kbserver.embedding.cores import usable_cores


def quota(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "cpu.max"
    file.write_text(text)
    return file


def test_without_a_quota_the_affinity_counts(tmp_path: Path) -> None:
    allowed = len(os.sched_getaffinity(0))
    assert usable_cores(tmp_path / "missing") == allowed
    assert usable_cores(quota(tmp_path, "max 100000\n")) == allowed
    assert usable_cores(quota(tmp_path, "not a quota")) == allowed


def test_a_container_of_one_core_is_one_core(tmp_path: Path) -> None:
    assert usable_cores(quota(tmp_path, "100000 100000\n")) == 1


def test_a_fraction_of_a_core_is_one_thread(tmp_path: Path) -> None:
    assert usable_cores(quota(tmp_path, "25000 100000\n")) == 1


def test_a_quota_above_the_affinity_adds_nothing(tmp_path: Path) -> None:
    assert usable_cores(quota(tmp_path, "99000000 100000\n")) == len(os.sched_getaffinity(0))
