"""What was found is kept, and found again for the same picture only."""

import os

import numpy as np

from kbserver.ingest.formats.ocr.cache import FoundCache, shorten
from kbserver.ingest.formats.ocr.found import Found

PIXELS = np.zeros((4, 5, 3), np.uint8)
FOUND = [Found("£1", (0.9, 0.8), 1.0, 2.0, 3.0, 4.0, 0.5)]


def test_what_was_found_comes_back(tmp_path):
    cache = FoundCache(tmp_path / "a", "engine 1")
    assert cache.get(PIXELS) is None
    cache.put(PIXELS, FOUND)
    assert cache.get(PIXELS) == FOUND
    assert cache.get(PIXELS + 1) is None
    assert cache.get(PIXELS.reshape(5, 4, 3)) is None
    assert FoundCache(tmp_path / "a", "engine 2").get(PIXELS) is None


def test_a_damaged_file_is_as_good_as_none(tmp_path):
    cache = FoundCache(tmp_path, "engine")
    cache.put(PIXELS, FOUND)
    [file] = tmp_path.iterdir()
    file.write_text("[[1]]")
    assert cache.get(PIXELS) is None


def test_what_was_not_used_for_longest_goes(tmp_path):
    for number in range(3):
        file = tmp_path / f"{number}.json"
        file.write_bytes(b"x" * 10)
        os.utime(file, (number, number))
    shorten(tmp_path, most_bytes=20)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.json", "2.json"]
    shorten(tmp_path / "none")
