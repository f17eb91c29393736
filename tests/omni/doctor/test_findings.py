import json

from kbserver.omni.doctor.findings import LONGEST_TEXT, Diagnosis, Finding

OK = Finding("URL", "ok", "reachable")
WARNED = Finding("token", "warn", "short", "make a longer one")
LATE = Finding("time", "fail", "p95 900 ms", "move", "too_slow", {"p95_ms": 900.0})
BARE = Finding("settings", "fail", "unusable")


def test_warnings_alone_are_healthy():
    diagnosis = Diagnosis("https://kb.example.com/kb", (OK, WARNED))
    assert (diagnosis.verdict, diagnosis.exit_code) == ("healthy", 0)
    assert diagnosis.failures == ()


def test_the_first_failure_is_the_verdict():
    diagnosis = Diagnosis(None, (OK, LATE, BARE))
    assert (diagnosis.verdict, diagnosis.exit_code) == ("too_slow", 1)
    assert diagnosis.failures == (LATE, BARE)


def test_a_failure_without_a_word_of_its_own_is_one_all_the_same():
    assert Diagnosis(None, (BARE, LATE)).verdict == "failed"


def test_as_json_nothing_is_lost():
    shown = json.loads(json.dumps(Diagnosis(None, (LATE,)).as_dict()))
    assert shown["url"] is None
    assert shown["verdict"] == "too_slow"
    assert shown["findings"] == [
        {
            "check": "time",
            "grade": "fail",
            "found": "p95 900 ms",
            "next_step": "move",
            "cause": "too_slow",
            "figures": {"p95_ms": 900.0},
        }
    ]


def test_what_an_endpoint_makes_long_is_cut():
    finding = Finding("first turn", "fail", "x" * 90_000, "y" * 90_000)
    assert finding.found == "x" * LONGEST_TEXT + "…"
    assert finding.next_step == "y" * LONGEST_TEXT + "…"
    assert Finding("first turn", "ok", "x" * LONGEST_TEXT).found == "x" * LONGEST_TEXT
