"""Characters that a reader does not see: a hiding place for text, and noise for search and speech."""

from __future__ import annotations

import re
import unicodedata

# Source: Unicode 16 categories Cc and Cf, the fillers and variation selectors that render as nothing, and the
# tag block, which can spell out whole sentences unseen (UTS #39; "ASCII smuggling"). Lone surrogates are no text.
_REPORTED = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff\U0001d173-\U0001d17a]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"  # needed inside Indic and Arabic words
)
_QUIET = re.compile(
    "[\u00ad\ufe00-\ufe0f]"
)  # soft hyphens and emoji presentation: everyday, worth no report
_LIGATURES = {
    ord(ligature): unicodedata.normalize("NFKC", ligature) for ligature in "ﬀﬁﬂﬃﬄﬅﬆ"
}


def strip_invisible(text: str) -> tuple[str, int]:
    """Return the text in NFC without invisible characters, and how many were taken out that ought not be there."""
    removed = 0
    if not text.isascii():
        text = unicodedata.normalize(
            "NFC", _QUIET.sub("", text).replace("\u00a0", " ")
        ).translate(_LIGATURES)
    if (
        not text.isprintable()
    ):  # C speed for the common case; newlines and tabs bring it here too
        text, removed = _REPORTED.subn("", text)
    return text, removed
