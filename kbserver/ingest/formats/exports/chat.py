"""Exported conversations: what was said, without names, times and bookkeeping."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TIMES = ("ts", "timestamp", "date", "date_unixtime", "created_at")
_SPEAKERS = ("user", "from", "from_id", "author", "sender", "username")
_TEXTS = ("text", "content", "body", "message")
_LISTS = ("messages", "conversation")
_LINE = re.compile(
    r"^\u200e?\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? \d{1,2}:\d{2}(?::\d{2})?"
    r"(?:[ \u202f]?[AaPp]\.?[Mm]\.?)?(?:\]| -) (?P<rest>.*)$"
)
_FEWEST_LINES = 3
_SHARE = 0.5
"""Of the lines that begin with a time; the others go on with a message."""
_LINK_WITH_TEXT = re.compile(r"<(?:https?|mailto):[^|<>]*\|([^<>]*)>")
_LINK = re.compile(r"<(https?:[^|<>]*)>")
_MENTION = re.compile(r"<[@#!][^<>|]*(?:\|([^<>]*))?>")
_EMOJI = re.compile(r"(?<!\S):[a-z0-9_+-]+:(?!\S)")


def transcript(text: str) -> str | None:
    """Return what was said in a chat saved as text (WhatsApp), a paragraph a message.

    None if the text is no such thing.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    said = [_LINE.match(line) for line in lines]
    if len(lines) < _FEWEST_LINES or sum(map(bool, said)) < _SHARE * len(lines):
        return None
    parts: list[str] = []
    for line, found in zip(lines, said, strict=True):
        words = line
        if found is not None:
            _, colon, words = found["rest"].partition(": ")
            if not colon or words.startswith(("<Media", "<attached", "\u200e")):
                continue
        parts.append(words.strip())
    return "\n\n".join(parts)


def conversation(data: object) -> list[str] | None:
    """Return the texts of a chat's messages (Slack, Discord, Telegram and their kin).

    None if the data is no such thing. What the program wrote itself (`joined the
    channel`) is left out.
    """
    messages = data
    if isinstance(data, dict):
        messages = next((data[name] for name in _LISTS if name in data), None)
    if not isinstance(messages, list) or not messages:
        return None
    if not all(isinstance(one, dict) and _is_message(one) for one in messages):
        return None
    texts = [_text(one) for one in messages if not _is_notice(one)]
    return [text for text in texts if text]


def _is_message(one: Mapping[str, object]) -> bool:
    has_time = any(name in one for name in _TIMES)
    has_speaker = any(name in one for name in (*_SPEAKERS, "actor", "bot_id"))
    is_titled = any(name in one for name in ("title", "question", "subject"))
    return has_time and has_speaker and not is_titled


def _is_notice(one: Mapping[str, object]) -> bool:
    if one.get("type") == "service":
        return True
    return str(one.get("subtype", "")).startswith(("channel_", "group_"))


def _text(message: Mapping[str, object]) -> str:
    """Return what a message says, its links and mentions as words."""
    value = next((message[name] for name in _TEXTS if message.get(name)), "")
    if isinstance(value, list):
        parts = [one.get("text", "") if isinstance(one, dict) else one for one in value]
        value = "".join(str(part) for part in parts)
    if not isinstance(value, str):
        return ""
    text = _LINK_WITH_TEXT.sub(r"\1", value)
    text = _LINK.sub(r"\1", text)
    text = _MENTION.sub(lambda found: found[1] or "", text)
    text = _EMOJI.sub("", text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text.strip()
