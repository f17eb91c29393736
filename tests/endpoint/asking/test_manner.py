from kbserver.endpoint.asking.manner import SPOKEN, UNLIMITED


def test_a_turn_in_this_process_is_spoken_and_has_no_bounds_of_its_own():
    assert (SPOKEN.limits, SPOKEN.written) == (UNLIMITED, False)
    assert (SPOKEN.deadline_ms, SPOKEN.top_k) == (None, None)
