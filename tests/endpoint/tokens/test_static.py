import pytest

from kbserver.endpoint.tokens.static import TokenTable
from kbserver.errors import SettingsError, Unauthorized


def test_every_live_token_is_good_while_one_is_rotated_out():
    table = TokenTable([("old-token", ["*"]), ("new-token", ["*"])])
    assert table.check("Bearer old-token").allows("anything")
    assert table.check("bearer   new-token").allows(None)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "missing_token"),
        ("", "missing_token"),
        ("Bearer", "missing_token"),
        ("Bearer ", "missing_token"),
        ("Basic c2VjcmV0", "missing_token"),
        ("Bearer wrong", "invalid_token"),
        ("Bearer old-token x", "invalid_token"),
        ("Bearer old-toke\udcff", "invalid_token"),
    ],
)
def test_anything_else_is_unauthorized(header, code):
    with pytest.raises(Unauthorized) as caught:
        TokenTable([("old-token", ["*"])]).check(header)
    assert caught.value.code == code
    assert "old-token" not in str(caught.value)


def test_a_token_is_good_for_its_labels_only():
    grant = TokenTable([("t1", ["billing-*", "support"]), ("t2", ["*"])]).check(
        "Bearer t1"
    )
    assert grant.allows("billing-eu")
    assert grant.allows("support")
    assert not grant.allows("hotel-7")
    assert not grant.allows(None)


def test_without_a_token_it_must_be_said_aloud():
    with pytest.raises(SettingsError, match="KB_TOKEN"):
        TokenTable([])
    assert TokenTable([], open_to_all=True).check(None).allows("x")


def test_a_token_that_cannot_travel_is_refused():
    with pytest.raises(SettingsError, match="header"):
        TokenTable([("naïve", ["*"])])
