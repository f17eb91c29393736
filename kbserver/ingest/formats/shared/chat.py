"""Exported conversations: what was said, without names, times and bookkeeping."""

from __future__ import annotations

import re
from collections.abc import Mapping

_TIMES = ("ts", "timestamp", "date", "date_unixtime", "created_at")
_SPEAKERS = ("user", "from", "from_id", "author", "sender", "username")
_TEXTS = ("text", "content", "body", "message")
_LISTS = ("messages", "conversation")
_MOST_LINK = re.compile(r"<(?:https?|mailto):[^|<>]*\|([^<>]*)>")
_LINK = re.compile(r"<(https?:[^|<>]*)>")
_MENTION = re.compile(r"<[@#!][^<>|]*(?:\|([^<>]*))?>")
_EMOJI = re.compile(r"(?<!\S):[a-z0-9_+-]+:(?!\S)")


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
    text = _MOST_LINK.sub(r"\1", value)
    text = _LINK.sub(r"\1", text)
    text = _MENTION.sub(lambda found: found[1] or "", text)
    text = _EMOJI.sub("", text)
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text.strip()
