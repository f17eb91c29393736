"""What an engine finds on a picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""A picture, shape (height, width, 3)."""


class Found(NamedTuple):
    """A piece of text on one baseline; a wide gap ends it. Lengths in pixels."""

    text: str
    confidences: tuple[float, ...]
    """Of each character, in [0, 1]."""
    left: float
    top: float
    """From the picture's upper edge, as the bottom."""
    right: float
    bottom: float
    slope: float
    """How far it sinks from its left end to its right end."""
    is_upright: bool = True
    """Whether it runs across the picture, and not up or down."""
