from kbserver.notes import new_id


def test_ids_of_turns_are_distinct_and_in_the_order_of_time():
    ids = [new_id(1_800_000_000.0 + n / 1000.0) for n in range(100)]
    assert ids == sorted(ids)
    assert len({new_id(1_800_000_000.0) for _ in range(1000)}) == 1000
    assert {len(one) for one in ids} == {20}
    assert int(ids[0][:12], 16) == 1_800_000_000_000
