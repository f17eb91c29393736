import pytest

from kbserver.omni.engine import Lookup, Result
from kbserver.omni.simulator.reply import MISS, UNGROUNDED, build_reply

CONTEXT = "- One.\n\n  • Two.\n* Three."
RESULTS = (Result("a", " First. "), Result("b", "  "), Result("c", "Second."))


def test_the_first_two_passages_are_said_without_their_bullets():
    lookup = Lookup("grounded", context=CONTEXT, results=RESULTS)
    assert build_reply(lookup, reads="context") == "One. Two."


def test_results_are_read_where_the_agent_reads_results():
    lookup = Lookup("grounded", context=CONTEXT, results=RESULTS)
    assert build_reply(lookup, reads="results") == "First. Second."


def test_a_miss_is_admitted():
    assert build_reply(Lookup("miss", "empty"), reads="context") == MISS


@pytest.mark.parametrize("outcome", ["late", "unreachable", "refused", "invalid"])
def test_a_lookup_that_failed_is_admitted(outcome):
    lookup = Lookup(outcome, context=CONTEXT)
    assert build_reply(lookup, reads="context") == UNGROUNDED


def test_small_talk_is_answered_without_knowledge():
    miss = Lookup("miss", "empty")
    said = {heard: build_reply(miss, reads="context", heard=heard) for heard in HEARD}
    assert said["got it thanks"] != MISS and said["goodbye"] == "Goodbye!"
    assert said["what is the capital of france"] == MISS


HEARD = ("got it thanks", "goodbye", "what is the capital of france")
