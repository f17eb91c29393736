import pytest

from kbserver.endpoint.tokens.static import (
    EVERYTHING,
    Grant,
    TokenTable,
    bearer_token,
)
from kbserver.errors import SettingsError, Unauthorized
from kbserver.labels import LabelPattern
from kbserver.settings import StaticToken


def bearer(header):
    return {"authorization": header}


def test_every_live_token_is_good_while_one_is_rotated_out():
    table = TokenTable(
        [StaticToken("old-token", ["*"]), StaticToken("new-token", ["*"])]
    )
    assert table.check(bearer("Bearer old-token")).allows("anything")
    assert table.check(bearer("bearer   new-token")).allows(None)


@pytest.mark.parametrize(
    ("header", "code"),
    [
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
        TokenTable([StaticToken("old-token", ["*"])]).check(bearer(header))
    assert caught.value.code == code
    assert "old-token" not in str(caught.value)


def test_a_token_is_good_for_its_labels_only():
    table = TokenTable(
        [StaticToken("t1", ["billing-*", "support"]), StaticToken("t2", ["*"])]
    )
    grant = table.check(bearer("Bearer t1"))
    assert grant.allows("billing-eu")
    assert grant.allows("support")
    assert not grant.allows("hotel-7")
    assert not grant.allows(None)


def test_a_server_without_a_token_must_be_declared_open():
    with pytest.raises(SettingsError, match="KB_TOKEN"):
        TokenTable([])
    assert TokenTable([], open_to_all=True).check({}).allows("x")


def test_a_token_that_cannot_travel_is_refused():
    with pytest.raises(SettingsError, match="header"):
        TokenTable([StaticToken("naïve", ["*"])])


def test_a_request_without_the_header_has_no_token():
    with pytest.raises(Unauthorized) as caught:
        bearer_token({"x-other": "Bearer t1"})
    assert caught.value.code == "missing_token"


def test_an_open_server_still_binds_a_known_token_to_its_labels():
    table = TokenTable([StaticToken("t1", ["support"])], open_to_all=True)
    assert not table.check(bearer("Bearer t1")).allows("billing")
    for header in ("", "Bearer wrong", "Basic x"):
        assert table.check(bearer(header)) is EVERYTHING


def test_only_a_token_of_three_parts_is_checked_as_a_signed_one():
    grant = Grant(labels=())
    asked = []

    def signed(token):
        asked.append(token)
        return grant

    table = TokenTable([StaticToken("t1", ["*"])], signed=signed)
    assert table.check(bearer("Bearer a.b.c")) is grant
    with pytest.raises(Unauthorized):
        table.check(bearer("Bearer a.b"))
    table.check(bearer("Bearer t1"))
    assert asked == ["a.b.c"]
    with pytest.raises(Unauthorized):
        table.check_static(bearer("Bearer a.b.c"))


def test_an_open_server_counts_no_turns_of_a_token():
    grant = Grant((LabelPattern("support"),), turns=object(), kind="signed")
    for is_open in (True, False):
        table = TokenTable([], signed=lambda token: grant, open_to_all=is_open)
        found = table.check(bearer("Bearer a.b.c"))
        assert found.allows("support") and not found.allows("billing")
        assert (found.turns is None) == is_open


def test_a_door_may_find_the_token_elsewhere():
    table = TokenTable([StaticToken("t1", ["support"])])
    headers = {"x-vapi-secret": "t1", "authorization": "Bearer wrong"}
    grant = table.check(headers, lambda given: given["x-vapi-secret"])
    assert grant.allows("support")


def test_a_token_for_some_doors_is_none_at_the_others():
    table = TokenTable([StaticToken("t1", ["*"], ("mcp", "dify"))])
    assert table.check(bearer("Bearer t1"), door="dify").doors == ("mcp", "dify")
    with pytest.raises(Unauthorized) as caught:
        table.check(bearer("Bearer t1"))
    assert caught.value.code == "wrong_door"
    with pytest.raises(Unauthorized):  # nor does it open the metrics
        table.check_static(bearer("Bearer t1"))
