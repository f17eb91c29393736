"""A picture is looked at before it is decoded."""

import io

import numpy as np
import pytest

from tests.ingest.formats.ocr.scans import needs_engine

pytestmark = needs_engine


def test_size_and_pixels_are_those_of_the_file():
    from PIL import Image

    from kbserver.ingest.formats.ocr.pixels import pixels_in, size_of

    content = io.BytesIO()
    Image.new("RGBA", (3, 2), (255, 0, 0, 0)).save(content, "PNG")
    [pixels] = pixels_in(content.getvalue())
    assert size_of(content.getvalue()) == (3, 2)
    assert np.array_equal(pixels, np.full((2, 3, 3), 255, np.uint8))


def test_what_is_no_picture_is_an_error():
    from kbserver.ingest.formats.ocr.pixels import size_of

    with pytest.raises(OSError, match="cannot identify"):
        size_of(b"<svg/>")
