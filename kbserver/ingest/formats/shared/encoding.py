"""Bytes to text: byte order marks, UTF-8, then a guess that is noted as one."""

from __future__ import annotations

import codecs
import logging

import charset_normalizer

from kbserver.errors import DocumentUnreadable

SAMPLE_BYTES = 64 * 1024
"""Enough to tell an encoding; detection takes about 1 ms a KiB."""
BAD_BYTES_PER_MILLE = 2
"""Up to this share of broken bytes, a text is UTF-8 with faults."""

# Longest first: UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Rarer encodings (cp775, mac_iceland, …) win only by accident on short texts.
_CANDIDATES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 iso8859_2 iso8859_5 iso8859_7 "
    "iso8859_9 koi8_r mac_roman shift_jis euc_jp gb18030 big5 euc_kr utf_16_le utf_16_be"
).split()
_WESTERN = "äöüßÄÖÜàâçéèêëîïôùûñáíóúÉÀÈãõåæøÅÆØìò€£§°«»“”‘’–—…•©®™½¼´\u00a0¿¡ªº"

logging.getLogger("charset_normalizer").setLevel(logging.CRITICAL)


def decode(
    data: bytes, source: str, *, declared: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """Return the text, newlines as they are, and notes on what was guessed or mended.

    Args:
        data: the whole file.
        source: named by the error.
        declared: the encoding that the file itself names (an HTML or XML declaration),
            tried after UTF-8.

    Raises:
        DocumentUnreadable: the bytes are no text in any encoding that is known here.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_marked(data[len(mark) :], encoding, source), ()
    text = _decoded(data, "utf-8")
    if text is not None and "\0" not in text:
        return text, ()
    if declared:
        text = _decoded(data, declared)
        if text is not None:
            return text, ()
    return _guess(data, source)


def _decode_marked(data: bytes, encoding: str, source: str) -> str:
    """Decode what follows a byte order mark."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as exc:
        reason = f"begins as {encoding} but is not: {exc.reason}"
        raise DocumentUnreadable(source, reason) from exc


def _decoded(data: bytes, encoding: str) -> str | None:
    """Return the text, or None if the bytes are not in an encoding or it is unknown."""
    try:
        return data.decode(encoding)
    except (LookupError, UnicodeDecodeError):
        return None


def _guess(data: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    """Decode by what the bytes look like."""
    sample = data[:SAMPLE_BYTES]
    if b"\0" not in sample:
        text, broken = _mended_utf8(data)
        if text is not None:
            return text, (f"{broken} broken UTF-8 characters",)
        if _reads_as_western(sample):
            return data.decode("cp1252", errors="replace"), ("read as cp1252",)
    found = charset_normalizer.from_bytes(sample, cp_isolation=list(_CANDIDATES))
    best = found.best()
    if best is None:
        reason = "binary data or an unknown encoding; save it as UTF-8"
        raise DocumentUnreadable(source, reason)
    try:
        return data.decode(best.encoding), (f"read as {best.encoding}",)
    except UnicodeDecodeError as exc:
        reason = (
            f"looks like {best.encoding} but byte {exc.start} is not; save it as UTF-8"
        )
        raise DocumentUnreadable(source, reason) from exc


def _mended_utf8(data: bytes) -> tuple[str | None, int]:
    """Return UTF-8 with faults as text, and the number of faults.

    None instead of the text if there are too many faults.
    """
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    start = text[:SAMPLE_BYTES]
    foreign = sum(character > "\x7f" for character in start)
    whole = foreign - start.count("\ufffd")
    if whole > broken and broken * 1000 <= len(data) * BAD_BYTES_PER_MILLE:
        return text, broken
    return None, broken


def _reads_as_western(sample: bytes) -> bool:
    """Return whether Latin-1 or cp1252 makes sense: mostly ASCII, accents in words.

    Statistical detection takes a short text with two or three accented letters for
    nearly anything.
    """
    text = _decoded(sample, "cp1252")
    if text is None:
        return False
    foreign = [character for character in text if character > "\x7f"]
    if len(foreign) * 3 > len(text):
        return False
    usual = sum(character in _WESTERN for character in foreign)
    return usual >= len(foreign) * 0.9
