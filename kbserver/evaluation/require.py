"""What an evaluation has to reach: `ndcg@10>=0.7`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from kbserver.errors import SettingsError
from kbserver.evaluation.evaluate import Evaluation
from kbserver.evaluation.metrics import RANKING

SPOKEN = ("kept", "answered", "false_grounding", "false_smalltalk")
SPEED = ("p50_ms", "p95_ms", "p99_ms", "in_budget")
MEASURES = (*RANKING, *SPOKEN, *SPEED)
REPLAYED = ("gone", "changed", "silent", "newly_answered")
"""Of a replay: documents, and shares of the turns that were asked again."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_REQUIREMENT = re.compile(
    r"""\s*
    (?P<measure>[a-z0-9_]+(?:@\d+)?) \s*
    (?:\[(?P<kind>[^\]]+)\])? \s*
    (?P<op>>=|<=|>|<) \s*
    (?P<limit>\d+(?:\.\d+)?|\.\d+) \s*""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A measure, how it compares and with what; of all questions, or of one kind."""

    measure: str
    op: str
    limit: float
    kind: str | None = None

    def __str__(self) -> str:
        """As it was written."""
        of_kind = ""
        if self.kind:
            of_kind = f"[{self.kind}]"
        return f"{self.measure}{of_kind}{self.op}{self.limit:g}"

    def failure(self, evaluation: Evaluation, variant: str) -> str | None:
        """Say how an evaluation misses the requirement; None if it is met.

        A measure that was not taken is not met.
        """
        kinds = {question.kind for question in evaluation.dataset.questions}
        if self.kind is not None and self.kind not in kinds:
            return f"{self}: there are no questions of the kind {self.kind!r}"
        return self.missed_by(self._found(evaluation, variant))

    def missed_by(self, found: float | None) -> str | None:
        """Say how a value misses the requirement; None if it is met.

        Args:
            found: None for a measure that was not taken, which is not met.
        """
        if found is None:
            return f"{self}: was not measured; no question asks for it"
        if _COMPARE[self.op](found, self.limit):
            return None
        return f"{self}: found {found:.4g}"

    def _found(self, evaluation: Evaluation, variant: str) -> float | None:
        if self.measure in SPEED:
            return getattr(evaluation.latency, self.measure, None)
        return evaluation.summary(variant, self.kind).get(self.measure)


def read_release_requirement(text: str) -> Requirement:
    """Read what a replay has to reach: `gone<=0`, `changed<=0.05`, or a measure of an evaluation.

    Raises:
        SettingsError: it is something else; the message lists the measures.
    """
    parts = _REQUIREMENT.fullmatch(text)
    measures = (*REPLAYED, *RANKING, *SPOKEN)
    if parts is None or parts["measure"] not in measures or parts["kind"]:
        raise SettingsError(
            f"--require {text!r}: wanted a measure, one of >= <= > <, and a number, such as "
            f"'gone<=0' or 'changed<=0.05'. Of a replay: {', '.join(REPLAYED)}; of what was "
            f"judged: {', '.join((*RANKING, *SPOKEN))}"
        )
    return Requirement(parts["measure"], parts["op"], float(parts["limit"]))


def read_requirement(text: str) -> Requirement:
    """Read `measure op number` or `measure[kind] op number`; op is one of >= <= > <.

    Raises:
        SettingsError: it is something else; the message lists the measures.
    """
    parts = _REQUIREMENT.fullmatch(text)
    if parts is None or not _can_be_measured(parts["measure"], parts["kind"]):
        raise SettingsError(
            f"--require {text!r}: wanted a measure, one of >= <= > <, and a number, such as "
            "'ndcg@10>=0.7' or, for one kind of questions, 'recall@3[misheard]>=0.8'. Measures: "
            f"{', '.join(MEASURES)} (the last four have no kind)"
        )
    limit = float(parts["limit"])
    return Requirement(parts["measure"], parts["op"], limit, parts["kind"])


def _can_be_measured(measure: str, kind: str | None) -> bool:
    if measure in SPEED:
        return kind is None
    return measure in MEASURES
