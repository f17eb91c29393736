"""Build the phonetic field of a corpus: a part of its snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from kbserver.index.lexical.build import build_lexical
from kbserver.languages.profile import Profile
from kbserver.retrieval.phonetic_field import (
    MAX_PASSAGES,
    MAX_SHARE,
    PARAMETERS,
    part_of,
)
from kbserver.retrieval.transcript.phonetics import phonetic_ngrams


def phonetic_parts(
    texts: Iterable[str], passages: int, profile: Profile
) -> dict[str, Callable[[Path], None]]:
    """Return the part of a snapshot that holds the phonetic field, for `write_snapshot`.

    Args:
        texts: what each passage is found by, in row order; read once, when the part is written.
        passages: how many there are.
        profile: of their language.

    Returns:
        Name of the part → function that makes and fills its folder; {} for a large corpus.
    """
    if passages > MAX_PASSAGES:
        return {}

    def write(folder: Path) -> None:
        folder.mkdir()
        build_lexical(
            texts,
            folder,
            PARAMETERS,
            analyse=partial(phonetic_ngrams, profile=profile),
            max_share=MAX_SHARE,
        )

    return {part_of(profile): write}
