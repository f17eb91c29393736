import json

import pytest

from kbserver.endpoint.doors.base import Sent
from kbserver.endpoint.doors.search import key_of, parse, render
from kbserver.errors import Unauthorized


def test_a_query_in_and_snippets_out(context, fixed):
    question = parse(Sent(b'{"query": "reset"}', {}, "support"))
    assert (question.ask.query, question.ask.label) == ("reset", "support")
    assert json.loads(render(question, context)) == [
        {"snippet": "Hold the button.", "uri": "https://example.com/reset"},
        {"snippet": "Bills cost £2.", "uri": "bills.txt"},
    ]
    assert json.loads(render(question, fixed)) == [
        {"snippet": "Please call us.", "uri": "fallback"}
    ]


def test_the_key_stands_in_a_header_of_its_own_or_is_a_bearer_token():
    assert key_of({"x-api-key": " key "}) == "key"
    assert key_of({"authorization": "Bearer token"}) == "token"
    with pytest.raises(Unauthorized):
        key_of({"x-api-key": " "})
