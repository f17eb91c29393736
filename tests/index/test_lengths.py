import numpy as np
import pytest

from kbserver.index.lengths import (
    FILE,
    MOST,
    LengthWriter,
    check_lengths,
    open_lengths,
)


def test_the_words_of_each_passage_are_kept_up_to_the_most_that_fit(tmp_path):
    writer = LengthWriter()
    for text in ("", "Opening hours\nwe are  open", "word " * 1000):
        writer.add(text)
    writer.write(tmp_path)
    lengths = open_lengths(tmp_path)
    assert lengths.tolist() == [0, 5, MOST]
    check_lengths(lengths, 3)


def test_a_generation_from_before_has_no_lengths(tmp_path):
    assert open_lengths(tmp_path) is None


@pytest.mark.parametrize(
    "column", (np.zeros(2, np.uint8), np.zeros(3), np.zeros((3, 1), np.uint8))
)
def test_a_column_of_another_kind_is_refused(column):
    with pytest.raises(ValueError, match=FILE):
        check_lengths(column, 3)
