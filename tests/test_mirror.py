"""Every module has a test file of its name at the mirrored place, or a reason why not."""

from pathlib import Path

from benchmarks.readability import without_a_test

ROOT = Path(__file__).parents[1]

PROTOCOL = "a protocol; each implementation has its tests"
COMMANDS = "tests/evaluation/test_commands.py runs them over judged questions"
TEXTS = "sentences alone; what is made of them is tested"

EXCEPTIONS = {
    "cli/calibrate.py": COMMANDS,
    "cli/evaluate.py": COMMANDS,
    "embedding/base.py": PROTOCOL,
    "embedding/export/samples.py": TEXTS,
    "embedding/export/sentences.py": TEXTS,
    "http_protocol.py": "tests/hostile/test_heads.py sends it raw bytes",
    "ingest/formats/ocr/found.py": "facts alone; test_engine.py and test_lines.py have them",
    "index/lexical/base.py": PROTOCOL,
}


def test_every_module_has_a_test_file_of_its_name():
    missing = {
        path.as_posix() for path in without_a_test(ROOT / "kbserver", ROOT / "tests")
    }
    assert missing - EXCEPTIONS.keys() == set()


def test_every_exception_is_still_one():
    missing = {
        path.as_posix() for path in without_a_test(ROOT / "kbserver", ROOT / "tests")
    }
    assert EXCEPTIONS.keys() - missing == set()
