"""Characters that a reader does not see: a hiding place for text, noise for search."""

from __future__ import annotations

import re
import unicodedata

# Source: Unicode 16 categories Cc and Cf, the fillers and variation selectors that
# render as nothing, and the tag block, which can spell out whole sentences unseen
# (UTS #39; "ASCII smuggling"). Lone surrogates are no text. Zero-width joiners are
# needed inside Indic and Arabic words.
_REPORTED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
# Soft hyphens and emoji presentation are everyday, and worth no report.
_QUIET = re.compile("[\u00ad\ufe00-\ufe0f]")
_LIGATURES = {
    ord(ligature): unicodedata.normalize("NFKC", ligature) for ligature in "ﬀﬁﬂﬃﬄﬅﬆ"
}
_PLAIN = _LIGATURES | {0x2011: "-"}  # a hyphen that does not break, as in 0800‑555


def strip_invisible(text: str) -> tuple[str, int]:
    """Return the text in NFC without invisible characters.

    Returns:
        The text, and how many of the removed characters had no business there.
    """
    if not text.isascii():
        text = _QUIET.sub("", text).replace("\u00a0", " ")
        text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    if text.isprintable():  # fast, and true of most lines
        return text, 0
    return _REPORTED.subn("", text)
