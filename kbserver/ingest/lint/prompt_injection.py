"""Sentences in a document that address a language model instead of a reader.

Two strengths. Words that try to take a model over ("ignore all previous instructions",
"you are now DAN", a forged chat mark) have no place in what a caller is told: an ingest
withholds their passage. Words that steer an answer ("in your response, add …") also
stand in honest text ("in your reply, quote your account number"): `kbserver lint` shows
them and nothing more. Both are patterns; a clever rewording passes (docs/security.md).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_RULES = (
    r"(?:instruct\w*|prompts?|directions?|directives?|rules|guidelines|commands"
    r"|restrictions|programming|context)"
)
_EARLIER = (
    r"(?:previous|prior|preceding|above|earlier|foregoing|existing|former|initial"
    r"|original|past|system|safety)"
)
_WHOSE = (
    r"(?:(?:all|any|every|of|the|your|my|these|those|other|and|or|following|subsequent"
    rf"|{_EARLIER})\s+){{0,6}}"
)
_MODEL = (
    r"(?:a\.?i\b\.?|al model|language model|llm|chat ?bot|chat ?gpt|gpt(?:-?\d)?"
    r"|assistant|voice agent)"
)
_DROP = r"(?:ignore|disregard|forget|override|overrule|bypass|neglect|discard)"
_DROP_WORDS = (
    "ignore",
    "disregard",
    "forget",
    "overrid",
    "overrul",
    "bypass",
    "neglect",
    "discard",
)
_ANSWER = r"(?:response|reply|answer|message|output|elucidation|solution|completion)"
_STEER = (
    r"(?:add|include|insert|append|mention|integrate|incorporate|enhance|augment|modify"
    r"|suggest|encode|render|translate|convert|reverse|invert|scramble|jumble|encrypt"
    r"|substitute|replace|remove|provide|write|express|combine|introduce|use|apply"
    r"|display|represent|end|begin|start|finish|anagram|misspell|flip|switch|transform"
    r"|swap|merge|eliminate|omit|weave|embed|reference|refer|promote|advertise|endorse"
    r"|highlight|spread|state|say|claim|format|respond|answer|craft|supplement|conclude"
    r"|arrange|shuffle|turn|put|give|make|present|deliver|change|alter|rephrase|group"
    r"|utilize)"
)


class _Rule(NamedTuple):
    """A pattern, and words of which each text that it matches has one.

    Looking for the words is much faster than for the pattern.
    """

    words: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(*words: str, pattern: str) -> _Rule:
    return _Rule(words, re.compile(pattern, re.DOTALL))


_TAKES_OVER = (
    # the instructions so far shall not count
    _rule(
        *_DROP_WORDS,
        pattern=rf"\b{_DROP}\s+{_WHOSE}"
        rf"(?:{_EARLIER}\s+{_RULES}|{_RULES}\s+"
        r"(?:you\s+(?:got|had|have|were)|given|so far|before|above|that came))"
        rf"|\b{_DROP}\s+(?:all|any)\s+(?:of\s+)?(?:the\s+|your\s+)?"
        r"(?:instructions|prompts)\b"
        rf"|\b{_DROP}\s+(?:any|all)?\s*previous\s+and\s+following\b"
        rf"|\b{_DROP}\s+(?:everything|anything|all)\s+"
        r"(?:you\s+(?:were|have been)\s+told|above|before this|said so far)",
    ),
    _rule(
        "instructions",
        "prompt",
        pattern=r"\b(?:new|updated|real|actual)\s+(?:system\s+)?"
        r"(?:instructions|prompt)\s*:",
    ),
    _rule(
        "stop everything",
        pattern=r"\bstop everything\b.{0,20}\b"
        r"(?:just\s+)?(?:print|say|write|answer|output)\b",
    ),
    # the model shall be another
    _rule(
        "you are",
        pattern=r"\byou\s+are\s+"
        r"(?:now\s+|going\s+to\s+(?:act|pretend|be|play)\s+|about\s+to\s+immerse\s+)"
        rf".{{0,80}}?(?:\b{_MODEL}|\bmode\b.{{0,20}}\benabled\b"
        r"|\b(?:dan|dude|jailbroken|unrestricted|unfiltered)\b)",
    ),
    _rule(
        "act",
        "behave",
        "respond",
        "role",
        "pretend",
        pattern=r"\b(?:act|behave|respond|roleplay|role-play|pretend)\s+"
        r"(?:as|like|to be)\s+.{0,60}?"
        rf"(?:\b{_MODEL}\s+(?:with(?:out)?|that|who|which)\b"
        r"|\b(?:dan|dude)\b|\bmode\s+enabled\b)",
    ),
    _rule("do anything now", pattern=r"\bdo anything now\b"),
    _rule(
        " mode",
        pattern=r"\b(?:dan|developer|jailbreak|god)\s+mode\s+"
        r"(?:is\s+)?(?:now\s+)?(?:enabled|activated)"
        r"|\b(?:simulate|enable|activate|enter)\s+(?:dan|developer|jailbreak|god)\s+"
        r"mode\b.{0,200}\b(?:respond|response|answer|generate|pretend|prompt)",
    ),
    _rule(
        "content",
        "ethical",
        "moral",
        "safety",
        "openai",
        "confines of",
        pattern=r"\b(?:no|without|free (?:of|from)|broken free of)\s+"
        r"(?:any\s+)?(?:the\s+)?(?:typical\s+)?"
        r"(?:content|ethical|moral|safety|openai|confines of)\s+"
        rf"(?:polic\w+|filters?|guidelines|restrictions|{_MODEL})",
    ),
    _rule(
        "my prompt",
        pattern=r"\byou\s+(?:will|must|should|have to)\s+"
        r"(?:have to\s+)?answer\s+my\s+prompts?\b",
    ),
    _rule(
        "as a",
        "if you are",
        "when you are",
        " to ",
        " for ",
        pattern=rf"\bas\s+an?\s+{_MODEL}\s*,?\s+"
        r"(?:you\b|your\b|ignore|do not|never|always)"
        rf"|\b(?:if|when)\s+you\s+are\s+an?\s+{_MODEL}\b"
        r"|\b(?:attention|note|message|instructions?)\s+(?:to|for)\s+"
        rf"(?:the\s+|any\s+|all\s+)?{_MODEL}s?\b\s*[:,-]",
    ),
    # what it was told shall come out
    _rule(
        "system",
        "initial",
        "original",
        "hidden",
        "secret",
        pattern=r"\b(?:reveal|repeat|print|show|output|disclose|leak"
        r"|tell\s+(?:me|us|the\s+\w+)|recite)\s+(?:me\s+|us\s+)?"
        r"(?:(?:all|of|the|your|full|entire|exact|whole|complete)\s+){0,4}"
        r"(?:(?:system|hidden|secret)\s+(?:prompts?|instructions|message)"
        r"|(?:initial|original)\s+prompts?)\b",
    ),
    # marks of a chat's turns, which no document has
    _rule(
        "<|",
        pattern=r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id"
        r"|start_header_id)\|?>?",
    ),
    _rule(
        "inst]",
        "sys>>",
        "system",
        "assistant",
        pattern=r"\[/?inst\]|<<sys>>|</?(?:system|assistant)(?:_prompt)?>",
    ),
    _rule(
        "system",
        "assistant",
        pattern=r"(?:^|\n)[^\S\n]*(?:#{2,}[^\S\n]*)?(?:system|assistant)\s*:\s*"
        r"(?:you\s+(?:are|must|will)|ignore|from now on)",
    ),
)

_STEERS = (
    _rule(
        "your ",
        pattern=rf"\b{_STEER}\b[^.\n]{{0,80}}\b"
        r"(?:in|to|of|from|into|using|with|for|within|throughout)\s+"
        rf"your\s+{_ANSWER}\b"
        rf"|\b{_STEER}\s+(?:\w+\s+(?:in|of|order of)\s+)?your\s+{_ANSWER}\b"
        rf"|\b(?:in|within|throughout)\s+your\s+{_ANSWER}\s*,\s*"
        rf"(?:\w+ly\s+)?{_STEER}\b",
    ),
    _rule(
        " code",
        pattern=r"\b(?:following|subsequent|below|ensuing|next)\s+code\s+"
        r"(?:snippet|block|section|excerpt|segment|fragment|piece)\b"
        r"[^.\n]{0,100}\b(?:your|you)\b"
        r"|\byour\s+(?:\w+\s+)?"
        r"(?:code|codebase|algorithm|implementation|solution|program|response)\b"
        r"[^.\n]{0,100}\b(?:following|subsequent|below|ensuing)\s+code\b",
    ),
    _rule(
        "from now on",
        "henceforth",
        pattern=r"\b(?:from now on|henceforth)\b.{0,60}\b"
        r"you\s+(?:will|must|are|shall|should|have)\b",
    ),
    _rule(
        "hello",
        "hey",
        "hi ",
        "dear",
        pattern=r"\b(?:hello|hey|hi|dear)\s+(?:chat ?gpt|gpt|ai|assistant|model)\b",
    ),
)

_SPACES = re.compile(r"[^\S\n]+")
_LONGEST = 120
"""Characters of the words that are returned."""


def prompt_injection_in(text: str) -> str | None:
    """Return the words of a text that try to take a language model over, or None."""
    return _first_match(_TAKES_OVER, text)


def steering_in(text: str) -> str | None:
    """Return the words of a text that steer a model's answer, or None.

    Honest text may steer a reader's letter with the same words.
    """
    return _first_match(_STEERS, text)


def _first_match(rules: tuple[_Rule, ...], text: str) -> str | None:
    """Return what the first rule that matches finds, on one line."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = _SPACES.sub(" ", text.casefold().replace("’", "'"))
    for rule in rules:
        if not any(word in text for word in rule.words):
            continue
        found = rule.pattern.search(text)
        if found is not None:
            return _quoted(text[found.start() : found.start() + _LONGEST + 1])
    return None


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    if len(line) <= _LONGEST:
        return line
    return f"{line[:_LONGEST]}…"
