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

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_REQUIREMENT = re.compile(
    r"\s*(?P<measure>[a-z0-9_]+(?:@\d+)?)\s*(?:\[(?P<kind>[^\]]+)\])?\s*(?P<op>>=|<=|>|<)\s*(?P<limit>\d+(?:\.\d+)?|\.\d+)\s*"
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
        return f"{self.measure}{f'[{self.kind}]' if self.kind else ''}{self.op}{self.limit:g}"

    def failure(self, evaluation: Evaluation, variant: str) -> str | None:
        """Say how far an evaluation is from it; None if it is met. What was not measured is not met."""
        if self.kind is not None and self.kind not in {
            question.kind for question in evaluation.dataset.questions
        }:
            return f"{self}: there are no questions of the kind {self.kind!r}"
        if self.measure in SPEED:
            found = getattr(evaluation.latency, self.measure, None)
        else:
            found = evaluation.summary(variant, self.kind).get(self.measure)
        if found is None:
            return f"{self}: was not measured; no question asks for it"
        return (
            None
            if _COMPARE[self.op](found, self.limit)
            else f"{self}: found {found:.4g}"
        )


def read_requirement(text: str) -> Requirement:
    """Read `measure op number` or `measure[kind] op number`; op is one of >= <= > <.

    Raises:
        SettingsError: it is something else; the message lists the measures.
    """
    parts = _REQUIREMENT.fullmatch(text)
    if (
        parts is None
        or parts["measure"] not in MEASURES
        or (parts["kind"] and parts["measure"] in SPEED)
    ):
        raise SettingsError(
            f"--require {text!r}: wanted a measure, one of >= <= > <, and a number, such as 'ndcg@10>=0.7' or, for one "
            f"kind of questions, 'recall@3[misheard]>=0.8'. Measures: {', '.join(MEASURES)} (the last four have no kind)"
        )
    return Requirement(
        parts["measure"], parts["op"], float(parts["limit"]), parts["kind"]
    )
