"""Faults as they are written."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.errors import OmniError
from kbserver.omni.simulator.faults import FAULTS, Fault, FaultKind, parse_fault


def test_every_fault_is_described_and_can_be_asked_for() -> None:
    assert set(FAULTS) == set(get_args(FaultKind))
    for kind in FAULTS:
        assert parse_fault(kind) == Fault(kind)  # type: ignore[arg-type]


def test_a_fault_may_name_the_turn_it_strikes() -> None:
    fault = parse_fault("drop@2")
    assert [turn for turn in range(1, 5) if fault.strikes(turn)] == [2]
    assert [turn for turn in range(1, 5) if parse_fault("kb-slow").strikes(turn)] == [
        1,
        2,
        3,
        4,
    ]
    assert not any(parse_fault("4429").strikes(turn) for turn in range(1, 5))


@pytest.mark.parametrize(
    "text", ["", "slow", "drop@0", "drop@", "drop@x", "drop@1 ", "DROP", "4401@1", "@1"]
)
def test_anything_else_is_an_error_that_helps(text: str) -> None:
    with pytest.raises(OmniError, match="fault"):
        parse_fault(text)


@given(text=st.text(max_size=20))
def test_no_text_makes_reading_it_fail_otherwise(text: str) -> None:
    try:
        assert parse_fault(text).kind in FAULTS
    except OmniError:
        pass
