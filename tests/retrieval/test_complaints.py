from kbserver.retrieval.complaints import Complaints


def test_each_kind_of_failure_is_said_once(caplog):
    complain = Complaints("support")
    for exc in (ValueError("first"), ValueError("second"), OSError("third")):
        complain("the dense search", exc)
    complain("the lexical search", ValueError("fourth"))
    assert [record.getMessage() for record in caplog.records] == [
        "corpus support: the dense search failed",
        "corpus support: the dense search failed",
        "corpus support: the lexical search failed",
    ]
    assert [str(record.exc_info[1]) for record in caplog.records] == [
        "first",
        "third",
        "fourth",
    ]
