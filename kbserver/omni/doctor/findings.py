"""What the doctor finds: one line a check, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Grade: TypeAlias = Literal["ok", "warn", "fail", "skip"]

LONGEST_TEXT = 2_000
"""Characters of what was found and of the next step: an endpoint may be quoted in both."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    """What was looked at, in a few words."""
    grade: Grade
    found: str
    """What is there."""
    next_step: str = ""
    """What to do about it; empty where there is nothing to do."""
    cause: str = ""
    """A stable word for what fails: `wrong_token`, `too_slow`, `redirects`, ..."""
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("found", "next_step"):
            text = getattr(self, name)
            if len(text) > LONGEST_TEXT:
                object.__setattr__(self, name, f"{text[:LONGEST_TEXT]}…")

    def as_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values."""
        return {
            "check": self.check,
            "grade": self.grade,
            "found": self.found,
            "next_step": self.next_step,
            "cause": self.cause,
            "figures": dict(self.figures),
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings about one endpoint, in the order they were made."""

    url: str | None
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that keep calls from being grounded."""
        return tuple(finding for finding in self.findings if finding.grade == "fail")

    @property
    def verdict(self) -> str:
        """`healthy`, or the cause of the first failure: later ones may follow from it."""
        if not self.failures:
            return "healthy"
        return self.failures[0].cause or "failed"

    @property
    def exit_code(self) -> int:
        """0 when healthy, warnings or not; else 1."""
        return int(bool(self.failures))

    def as_dict(self) -> dict[str, Any]:
        """Return the diagnosis as JSON values."""
        findings = [finding.as_dict() for finding in self.findings]
        return {"url": self.url, "verdict": self.verdict, "findings": findings}
