"""Bytes to text: byte order marks, UTF-8, then a guess that says that it is one."""

from __future__ import annotations

import codecs
import logging

import charset_normalizer

from kbserver.errors import DocumentUnreadable

SAMPLE_BYTES = 64 * 1024  # enough to tell an encoding; detection costs about 1 ms a KiB
BAD_BYTES_PER_MILLE = 2  # up to this share of broken bytes a text is UTF-8 with faults, not another encoding

# Longest first: UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What people's files are in. The long tail (cp775, mac_iceland, ...) only wins by accident on short texts.
_CANDIDATES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 iso8859_2 iso8859_5 iso8859_7 iso8859_9 koi8_r mac_roman "
    "shift_jis euc_jp gb18030 big5 euc_kr utf_16_le utf_16_be"
).split()

logging.getLogger("charset_normalizer").setLevel(logging.CRITICAL)


def decode(
    data: bytes, source: str, *, declared: str | None = None
) -> tuple[str, tuple[str, ...]]:
    """Return the text and what had to be guessed or mended, newlines as they are.

    Args:
        data: the whole file.
        source: for the error.
        declared: the encoding that the file itself names (an HTML or XML declaration), tried after UTF-8.

    Raises:
        DocumentUnreadable: the bytes are no text in any encoding that is known here.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), ()
            except UnicodeDecodeError as exc:
                raise DocumentUnreadable(
                    source, f"begins as {encoding} but is not: {exc.reason}"
                ) from exc
    try:
        text = data.decode("utf-8")
        if "\0" not in text:
            return text, ()
    except UnicodeDecodeError:
        pass
    if declared:
        try:
            return data.decode(declared), ()
        except (LookupError, UnicodeDecodeError):
            pass
    return _guess(data, source)


def _guess(data: bytes, source: str) -> tuple[str, tuple[str, ...]]:
    sample = data[:SAMPLE_BYTES]
    if b"\0" not in sample:
        text = data.decode("utf-8", errors="replace")
        broken = text.count("\ufffd")
        whole = sum(character > "\x7f" for character in text[:SAMPLE_BYTES]) - text[
            :SAMPLE_BYTES
        ].count("\ufffd")
        if whole > broken and broken * 1000 <= len(data) * BAD_BYTES_PER_MILLE:
            return text, (f"{broken} broken UTF-8 characters",)
        if _reads_as_western(sample):
            return data.decode("cp1252", errors="replace"), ("read as cp1252",)
    best = charset_normalizer.from_bytes(sample, cp_isolation=list(_CANDIDATES)).best()
    if best is None:
        raise DocumentUnreadable(
            source, "binary data or an unknown encoding; save it as UTF-8"
        )
    try:
        return data.decode(best.encoding), (f"read as {best.encoding}",)
    except UnicodeDecodeError as exc:
        raise DocumentUnreadable(
            source,
            f"looks like {best.encoding} but byte {exc.start} is not; save it as UTF-8",
        ) from exc


def _reads_as_western(sample: bytes) -> bool:
    """Whether Latin-1/cp1252 makes sense: ASCII for the most part, the rest accented letters inside words.

    Statistical detection takes a short text with two or three such letters for nearly anything.
    """
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    foreign = [at for at, character in enumerate(text) if character > "\x7f"]
    if len(foreign) * 3 > len(text):
        return False
    common = "äöüßÄÖÜàâçéèêëîïôùûñáíóúÉÀÈãõåæøÅÆØìò€£§°«»“”‘’–—…•©®™½¼´\u00a0¿¡ªº"
    usual = sum(text[at] in common for at in foreign)
    return usual >= len(foreign) * 0.9
