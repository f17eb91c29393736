"""Sentences in a document that speak to a language model instead of to a reader.

Two strengths. Words that try to take a model over ("ignore all previous instructions", "you are now DAN", a forged
chat mark) have no place in what a caller is told: an ingest withholds their passage. Words that steer an answer
("in your response, add …") also stand in honest text ("in your reply, quote your account number"): they are shown by
`kbserver lint` and nothing more. Both are patterns; what is reworded cleverly enough passes (docs/security.md).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

_RULES = r"(?:instruct\w*|prompts?|directions?|directives?|rules|guidelines|commands|restrictions|programming|context)"
_EARLIER = r"(?:previous|prior|preceding|above|earlier|foregoing|existing|former|initial|original|past|system|safety)"
_WHOSE = rf"(?:(?:all|any|every|of|the|your|my|these|those|other|and|or|following|subsequent|{_EARLIER})\s+){{0,6}}"
_MODEL = r"(?:a\.?i\b\.?|al model|language model|llm|chat ?bot|chat ?gpt|gpt(?:-?\d)?|assistant|voice agent)"
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


class _Rule(NamedTuple):
    """A pattern, and words of which one stands in every text that it matches: looking for those is quick."""

    words: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(*words: str, pattern: str) -> _Rule:
    return _Rule(words, re.compile(pattern, re.DOTALL))


_TAKES_OVER = (
    # the instructions so far shall not count
    _rule(
        *_DROP_WORDS,
        pattern=rf"\b{_DROP}\s+{_WHOSE}"
        rf"(?:{_EARLIER}\s+{_RULES}|{_RULES}\s+(?:you\s+(?:got|had|have|were)|given|so far|before|above|that came))"
        rf"|\b{_DROP}\s+(?:all|any)\s+(?:of\s+)?(?:the\s+|your\s+)?(?:instructions|prompts)\b"
        rf"|\b{_DROP}\s+(?:any|all)?\s*previous\s+and\s+following\b"
        rf"|\b{_DROP}\s+(?:everything|anything|all)\s+(?:you\s+(?:were|have been)\s+told|above|before this|said so far)",
    ),
    _rule("instructions", "prompt", pattern=r"\b(?:new|updated|real|actual)\s+(?:system\s+)?(?:instructions|prompt)\s*:"),
    _rule(
        "stop everything",
        pattern=r"\bstop everything\b.{0,20}\b(?:just\s+)?(?:print|say|write|answer|output)\b",
    ),
    # the model shall be another
    _rule(
        "you are",
        pattern=r"\byou\s+are\s+(?:now\s+|going\s+to\s+(?:act|pretend|be|play)\s+|about\s+to\s+immerse\s+).{0,80}?"
        rf"(?:\b{_MODEL}|\bmode\b.{{0,20}}\benabled\b|\b(?:dan|dude|jailbroken|unrestricted|unfiltered)\b)",
    ),
    _rule(
        "act", "behave", "respond", "role", "pretend",
        pattern=r"\b(?:act|behave|respond|roleplay|role-play|pretend)\s+(?:as|like|to be)\s+.{0,60}?"
        rf"(?:\b{_MODEL}\s+(?:with(?:out)?|that|who|which)\b|\b(?:dan|dude)\b|\bmode\s+enabled\b)",
    ),
    _rule("do anything now", pattern=r"\bdo anything now\b"),
    _rule(
        " mode",
        pattern=r"\b(?:dan|developer|jailbreak|god)\s+mode\s+(?:is\s+)?(?:now\s+)?(?:enabled|activated)"
        r"|\b(?:simulate|enable|activate|enter)\s+(?:dan|developer|jailbreak|god)\s+mode\b.{0,200}"
        r"\b(?:respond|response|answer|generate|pretend|prompt)",
    ),
    _rule(
        "content", "ethical", "moral", "safety", "openai", "confines of",
        pattern=r"\b(?:no|without|free (?:of|from)|broken free of)\s+(?:any\s+)?(?:the\s+)?(?:typical\s+)?"
        rf"(?:content|ethical|moral|safety|openai|confines of)\s+(?:polic\w+|filters?|guidelines|restrictions|{_MODEL})",
    ),
    _rule("my prompt", pattern=r"\byou\s+(?:will|must|should|have to)\s+(?:have to\s+)?answer\s+my\s+prompts?\b"),
    _rule(
        "as a", "if you are", "when you are", " to ", " for ",
        pattern=rf"\bas\s+an?\s+{_MODEL}\s*,?\s+(?:you\b|your\b|ignore|do not|never|always)"
        rf"|\b(?:if|when)\s+you\s+are\s+an?\s+{_MODEL}\b"
        rf"|\b(?:attention|note|message|instructions?)\s+(?:to|for)\s+(?:the\s+|any\s+|all\s+)?{_MODEL}s?\b\s*[:,-]",
    ),
    # what it was told shall come out
    _rule(
        "system", "initial", "original", "hidden", "secret",
        pattern=r"\b(?:reveal|repeat|print|show|output|disclose|leak|tell\s+(?:me|us|the\s+\w+)|recite)\s+(?:me\s+|us\s+)?"
        r"(?:(?:all|of|the|your|full|entire|exact|whole|complete)\s+){0,4}"
        r"(?:(?:system|hidden|secret)\s+(?:prompts?|instructions|message)|(?:initial|original)\s+prompts?)\b",
    ),
    # marks of a chat's turns, which no document has
    _rule("<|", pattern=r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|?>?"),
    _rule("inst]", "sys>>", "system", "assistant", pattern=r"\[/?inst\]|<<sys>>|</?(?:system|assistant)(?:_prompt)?>"),
    _rule(
        "system", "assistant",
        pattern=r"(?:^|\n)\s*(?:#{2,}\s*)?(?:system|assistant)\s*:\s*(?:you\s+(?:are|must|will)|ignore|from now on)",
    ),
)  # fmt: skip

_ANSWER = r"(?:response|reply|answer|message|output|elucidation|solution|completion)"
_STEER = (
    r"(?:add|include|insert|append|mention|integrate|incorporate|enhance|augment|modify|suggest|encode|render|translate|"
    r"convert|reverse|invert|scramble|jumble|encrypt|substitute|replace|remove|provide|write|express|combine|introduce|"
    r"use|apply|display|represent|end|begin|start|finish|anagram|misspell|flip|switch|transform|swap|merge|eliminate|"
    r"omit|weave|embed|reference|refer|promote|advertise|endorse|highlight|spread|state|say|claim|format|respond|answer|"
    r"craft|supplement|conclude|arrange|shuffle|turn|put|give|make|present|deliver|change|alter|rephrase|group|utilize)"
)
_STEERS = (
    _rule(
        "your ",
        pattern=rf"\b{_STEER}\b[^.\n]{{0,80}}\b(?:in|to|of|from|into|using|with|for|within|throughout)\s+your\s+{_ANSWER}\b"
        rf"|\b{_STEER}\s+(?:\w+\s+(?:in|of|order of)\s+)?your\s+{_ANSWER}\b"
        rf"|\b(?:in|within|throughout)\s+your\s+{_ANSWER}\s*,\s*(?:\w+ly\s+)?{_STEER}\b",
    ),
    _rule(
        " code",
        pattern=r"\b(?:following|subsequent|below|ensuing|next)\s+code\s+(?:snippet|block|section|excerpt|segment|fragment|piece)\b"
        r"[^.\n]{0,100}\b(?:your|you)\b"
        r"|\byour\s+(?:\w+\s+)?(?:code|codebase|algorithm|implementation|solution|program|response)\b[^.\n]{0,100}"
        r"\b(?:following|subsequent|below|ensuing)\s+code\b",
    ),
    _rule(
        "from now on", "henceforth",
        pattern=r"\b(?:from now on|henceforth)\b.{0,60}\byou\s+(?:will|must|are|shall|should|have)\b",
    ),
    _rule("hello", "hey", "hi ", "dear", pattern=r"\b(?:hello|hey|hi|dear)\s+(?:chat ?gpt|gpt|ai|assistant|model)\b"),
)  # fmt: skip

_SPACES = re.compile(r"[^\S\n]+")
_LONGEST_SAID = 120  # characters of a report's line


def said_to_the_model(text: str) -> str | None:
    """Return the words of a text that try to take a language model over, or None."""
    return _said(_TAKES_OVER, text)


def perhaps_said_to_the_model(text: str) -> str | None:
    """Return the words of a text that steer a model's answer, or a reader's letter; None if there are none."""
    return _said(_STEERS, text)


def _said(rules: tuple[_Rule, ...], text: str) -> str | None:
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = _SPACES.sub(" ", plain.casefold().replace("’", "'"))
    for rule in rules:
        if any(word in plain for word in rule.words) and (
            found := rule.pattern.search(plain)
        ):
            words = " ".join(
                plain[found.start() : found.start() + _LONGEST_SAID + 1].split()
            )
            return words if len(words) <= _LONGEST_SAID else f"{words[:_LONGEST_SAID]}…"
    return None
