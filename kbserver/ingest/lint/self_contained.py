"""Passages that cannot stand alone: heard without what comes before or beside them, they say nothing.

The pronoun list is short on purpose: "This plan includes …" names its plan, "They must …" names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kbserver.ingest.lint.findings import Finding, around, shortened
from kbserver.types import Passage

_DANGLING = re.compile(
    r"^[-*•\d.) ]*(?:"
    r"(?:he|she|they|them|these|those)\b(?! (?:who|that|with|are the))"
    r"|(?:it|this|that)\s+(?:is|was|does|has|had|can|may|must|should|will|would|also|means|happens|applies|includes|costs|takes)\b"
    r"|(?:however|therefore|otherwise|moreover|furthermore|instead|nevertheless|thus|hence|consequently)\b,?"
    r"|(?:the (?:former|latter)|as (?:mentioned|described|shown|stated|noted|explained) (?:above|below|before|earlier))\b"
    r")",
    re.I,
)
_ELSEWHERE = re.compile(
    r"\b(?:see|as (?:shown|described|listed|explained|mentioned)(?: in)?|shown in|refer to|listed)\s+"
    r"(?:the\s+)?(?:(?:table|figure|picture|image|diagram|screenshot|map|chart|section|page|link|list|box)\s+)?"
    r"(?:above|below|overleaf|opposite|on the (?:left|right)|(?:figure|fig\.|table)\s+\d+)"
    r"|\b(?:click|tap|press)\s+(?:here|below|the (?:link|button) (?:below|above))\b",
    re.I,
)
_PERSON = re.compile(r"^[-*•\d.) ]*(?:he|she)\b", re.I)


def dangling(passages: Iterable[Passage]) -> Iterator[Finding]:
    """Yield a finding for each passage that begins with what only the one before it explains, or points elsewhere.

    A beginning counts where nothing stands before it: a heading that names the thing ("Late fees": "They are …")
    explains a plural, not a person.
    """
    for passage in passages:
        start = _DANGLING.match(passage.text)
        if (
            start
            and (passage.position > 0 or not passage.title)
            and not _explained(passage)
        ):
            yield Finding(
                "cannot stand alone",
                passage.source,
                shortened(passage.text),
                passage=passage.id,
            )
        elif pointing := _ELSEWHERE.search(passage.text):
            said = around(passage.text, *pointing.span())
            yield Finding(
                "cannot stand alone", passage.source, said, passage=passage.id
            )


def _explained(passage: Passage) -> bool:
    return bool(passage.heading_path) and not _PERSON.match(passage.text)
