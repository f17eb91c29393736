"""Every module has a test file of its name at the mirrored place, or a reason why not."""

from pathlib import Path

from benchmarks.readability import without_a_test

ROOT = Path(__file__).parents[1]

PROTOCOL = "a protocol; each implementation has its tests"
COMMANDS = "tests/evaluation/test_commands.py runs them over judged questions"
TEXTS = "sentences alone; what is made of them is tested"
REPLAYED = "tests/evaluation/test_replay.py asks and reports with it"
GATED = "tests/cli/releases/test_replay.py holds releases back and lets them go with it"
PROFILES = "tests/languages/test_languages.py runs over the profile of every language"
HEARD = "tests/languages/test_heard.py holds what callers of every language say"
SAID = "tests/languages/test_signs.py holds what is written and said in every language"

EXCEPTIONS = {
    "cli/calibrate.py": COMMANDS,
    "cli/evaluate.py": COMMANDS,
    "embedding/base.py": PROTOCOL,
    "embedding/export/samples.py": TEXTS,
    "embedding/export/sentences.py": TEXTS,
    "http_protocol.py": "tests/hostile/test_heads.py sends it raw bytes",
    "ingest/formats/ocr/found.py": "facts alone; test_engine.py and test_lines.py have them",
    "index/lexical/base.py": PROTOCOL,
    "cli/releases/gate.py": GATED,
    "embedding/known.py": "tests/embedding/test_hub.py takes the model from the hub's cache",
    "evaluation/dialogues.py": REPLAYED,
    "evaluation/gate.py": GATED,
    "evaluation/replay_report.py": REPLAYED,
    "ingest/formats/office/sheet_parts.py": "tests/ingest/formats/test_xlsx.py reads them",
    "ingest/neutral_questions.py": TEXTS,
    "languages/cardinals.py": HEARD,
    "languages/hindi/consonants.py": "tests/index/lexical/test_skeletons.py meets them",
    "languages/letters.py": PROFILES,
    "languages/neutral.py": PROFILES,
    "languages/profile.py": PROFILES,
    "languages/silence.py": PROFILES,
    "languages/tables.py": PROFILES,
    **{
        f"languages/{language}/{module}.py": reason
        for language in ("french", "german", "hindi", "spanish")
        for module, reason in (("heard", HEARD), ("numbers", HEARD), ("said", SAID))
    },
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
