"""What a client says of a call is read, or refused with what was wanted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.doors.feedback import Feedback, parse
from kbserver.errors import InvalidRequest


def test_a_call_or_one_of_its_turns_is_meant():
    call = parse(b'{"session_label": "call-42", "verdict": "handed_over", "more": 1}')
    assert (call.label, call.verdict, call.turn) == ("call-42", "handed_over", None)
    turn = parse(b'{"session_label": "a", "verdict": "wrong", "turn": "01a22cd5"}')
    assert turn.turn == "01a22cd5"


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        (b"", None, "no JSON object"),
        (b"[]", None, "no JSON object"),
        (b'{"verdict": "right"}', "session_label", "is missing"),
        (b'{"session_label": "a"}', "verdict", "is missing"),
        (
            b'{"session_label": "a", "verdict": "good"}',
            "verdict",
            "one of right, wrong",
        ),
        (b'{"session_label": "", "verdict": "right"}', "session_label", "not empty"),
        (b'{"session_label": 7, "verdict": "right"}', "session_label", "not empty"),
        (
            b'{"session_label": "a", "verdict": "right", "turn": "%s"}' % (b"1" * 21),
            "turn",
            "x-kbserver-turn",
        ),
        (
            b'{"session_label": "a\\u0007", "verdict": "right"}',
            "session_label",
            "control",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_was_wanted(body, param, said):
    with pytest.raises(InvalidRequest, match=said) as refused:
        parse(body)
    assert refused.value.param == param


@given(st.binary(max_size=200))
def test_no_body_does_more_than_be_refused(body):
    try:
        assert isinstance(parse(body), Feedback)
    except InvalidRequest as exc:
        assert len(str(exc)) < 300
