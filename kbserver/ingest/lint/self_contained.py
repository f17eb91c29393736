"""Passages that cannot stand alone: heard without their neighbours, they say nothing.

The list of pronouns is short on purpose: "This plan includes …" names its plan, "They
must …" names nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kbserver.ingest.lint.findings import Finding, around, shortened
from kbserver.types import Passage

_DANGLING = re.compile(
    r"^[-*•\d.) ]*(?:"
    r"(?:he|she|they|them|these|those)\b(?! (?:who|that|with|are the))"
    r"|(?:it|this|that)\s+(?:is|was|does|has|had|can|may|must|should|will|would|also"
    r"|means|happens|applies|includes|costs|takes)\b"
    r"|(?:however|therefore|otherwise|moreover|furthermore|instead|nevertheless|thus"
    r"|hence|consequently)\b,?"
    r"|(?:the (?:former|latter)|as (?:mentioned|described|shown|stated|noted|explained)"
    r" (?:above|below|before|earlier))\b"
    r")",
    re.I,
)
_ELSEWHERE = re.compile(
    r"\b(?:see|as (?:shown|described|listed|explained|mentioned)(?: in)?"
    r"|shown in|refer to|listed)\s+"
    r"(?:the\s+)?(?:(?:table|figure|picture|image|diagram|screenshot|map|chart|section"
    r"|page|link|list|box)\s+)?"
    r"(?:above|below|overleaf|opposite|on the (?:left|right)"
    r"|(?:figure|fig\.|table)\s+\d+)"
    r"|\b(?:click|tap|press)\s+(?:here|below|the (?:link|button) (?:below|above))\b",
    re.I,
)
_PERSON = re.compile(r"^[-*•\d.) ]*(?:he|she)\b", re.I)


def dangling(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Yield a finding for each passage that needs the one before it, or points elsewhere.

    A beginning counts where nothing stands before it: a heading that names the thing
    ("Late fees": "They are …") explains a plural, but not a person.
    """
    for passage in passages:
        if _begins_dangling(passage):
            words = shortened(passage.text)
        elif pointing := _ELSEWHERE.search(passage.text):
            words = around(passage.text, *pointing.span())
        else:
            continue
        yield Finding("cannot stand alone", passage.source, words, passage=passage.id)


def _begins_dangling(passage: Passage) -> bool:
    if not _DANGLING.match(passage.text):
        return False
    if passage.position == 0 and passage.title:
        return False
    return not passage.heading_path or _PERSON.match(passage.text) is not None
