"""The engine that reads pictures: RapidOCR, whose models lie in its package.

One model reads Latin letters with their accents, Chinese and Japanese.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import numpy.typing as npt
from rapidocr import RapidOCR
from rapidocr.ch_ppocr_rec.typings import WordInfo
from rapidocr.main import RapidOCRError

from kbserver.ingest.formats.ocr.found import Found, Pixels
from kbserver.ingest.formats.ocr.raised_digits import raised_digits
from kbserver.ingest.formats.shared.raised import raised as as_raised

NAME = f"rapidocr {version('rapidocr')}"

_LONGEST_SIDE = 1472
"""Pixels of a picture on which text is looked for; it is read at full size."""
_TALL = 1.5
"""Times its width; the engine turns such a piece before it reads it."""


class Engine:
    """Reads pictures; its models are loaded when the first one comes."""

    def __init__(self, threads: int) -> None:
        """Choose the number of threads with which one picture is read."""
        self._steps = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.return_word_box": True,
                "Det.limit_type": "max",
                "Det.limit_side_len": _LONGEST_SIDE,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, pixels: Pixels) -> list[Found]:
        """Return the pieces of text on a picture, about from top to bottom.

        The steps are taken one by one: with all of them at once a word gets the
        confidence of other characters than its own.
        """
        try:
            crops, detected = self._steps.detect_and_crop(pixels, {})
            texts = self._steps.recognize_txt(crops)
        except RapidOCRError:  # nothing was found
            return []
        pieces = zip(crops, detected.boxes, texts.txts, texts.word_results, strict=True)
        return [_found(*piece) for piece in pieces if piece[2].strip()]


def _found(
    crop: Pixels, box: npt.NDArray[np.float32], text: str, word: WordInfo
) -> Found:
    """Put together what the steps found out about a piece of text.

    Args:
        crop: the piece, held upright.
        box: its four corners on the picture, from the upper left clockwise.
        text: what stands there.
        word: the confidence of each character, and the columns of those that are no
            space.
    """
    places = [share * crop.shape[1] for share in _shares(text, word)]
    raised = raised_digits(crop, text, places)
    signs: list[str] = []
    confidences: list[float] = []
    for at, (sign, confidence) in enumerate(zip(text, word.confs, strict=True)):
        if at in raised.sure:
            sign = as_raised(sign)
        if at in raised.unsure:
            confidence = 0.0
        signs.append(sign)
        confidences.append(round(float(confidence), 3))
    width = np.linalg.norm(box[0] - box[1])
    height = np.linalg.norm(box[0] - box[3])
    return Found(
        "".join(signs),
        tuple(confidences),
        left=round(float(box[:, 0].min()), 1),
        top=round(float(box[:, 1].min()), 1),
        right=round(float(box[:, 0].max()), 1),
        bottom=round(float(box[:, 1].max()), 1),
        slope=round(float(box[1][1] - box[0][1]), 1),
        is_upright=bool(height < _TALL * width),
    )


def _shares(text: str, word: WordInfo) -> list[float]:
    """Return the middle of each character as a share of the piece's width."""
    columns = iter([at for columns in word.word_cols for at in columns])
    shares: list[float] = []
    share = 0.0
    for sign in text:
        if not sign.isspace():
            share = min((next(columns) + 0.5) / max(word.line_txt_len, 1.0), 1.0)
        shares.append(share)
    return shares
