import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbserver.endpoint.asking.ask import Ask, session_of
from kbserver.errors import InvalidRequest

names = st.none() | st.text(
    st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=5
)


@given(names, names, names, names)
def test_no_two_conversations_have_one_key(label, session, other_label, other_session):
    key = Ask("x", label, session).memory_key
    other = Ask("x", other_label, other_session).memory_key
    assert (key is None) == (session is None)
    same = (label, session) == (other_label, other_session)
    if key is not None and not same:
        assert key != other or (label, other_label) in ((None, ""), ("", None))


def test_a_session_comes_from_its_header_within_the_limits_of_a_label():
    assert session_of({}) is None
    assert session_of({"x-kbserver-session": "room-1"}) == "room-1"
    with pytest.raises(InvalidRequest) as caught:
        session_of({"x-kbserver-session": "x" * 257})
    assert caught.value.code == "invalid_session"
