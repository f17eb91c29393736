"""The document that a gap asks for, begun: Markdown that an ingest reads."""

from __future__ import annotations

import json

from kbserver.record.gaps.grouping import Gap


def stub(gap: Gap) -> str:
    """Return Markdown with what callers said as `questions:`; the answer is left to be written.

    Until then an ingest skips the document: it holds no text.
    """
    title = gap.examples[0].strip().rstrip("?.! ").capitalize()
    questions = "".join(f"  - {_in_yaml(said)}\n" for said in gap.wordings)
    near = "Nothing came near."
    if gap.document is not None:
        near = f"Nearest so far: {_in_comment(gap.document)} ({gap.score:.2f})."
    return (
        f"---\ntitle: {_in_yaml(title)}\nquestions:\n{questions}---\n"
        f"# {as_text(title)}\n\n"
        f"<!-- Write the answer here, in sentences that can be said. {gap.calls} calls asked, "
        f"{gap.turns} times. {near} -->\n"
    )


def as_text(words: str) -> str:
    """Return words on one line that Markdown shows as they are."""
    for sign in "\\`*_[]<>#|":
        words = words.replace(sign, f"\\{sign}")
    return " ".join(words.split())


def _in_yaml(words: str) -> str:
    """Return words in quotes, as YAML reads them back, whatever they hold.

    Source: YAML 1.2, 5.7 Escaped Characters; JSON's own are among them, but not for what lies
    beyond 16 bits.
    """
    quoted = json.dumps(words, ensure_ascii=False)
    return "".join(map(_escaped, quoted))


def _escaped(sign: str) -> str:
    if sign.isprintable():
        return sign
    return f"\\U{ord(sign):08X}"


def _in_comment(words: str) -> str:
    return " ".join(words.replace("--", "‐‐").replace(">", "›").split())
