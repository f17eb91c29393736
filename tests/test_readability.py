"""How easily the code is read, by the counts of benchmarks/readability.py, held to limits."""

from pathlib import Path

from benchmarks.readability import (
    find_package,
    marked_to_be_rerun,
    measure,
    modules,
    without_a_test,
)

ROOT = Path(__file__).parents[1]
SAMPLE = '''\
"""Who calls."""

def first(values):
    return values[0] if values else None  # nobody else
'''


def test_the_package_stays_inside_the_limits():
    found = measure(modules(ROOT / "kbserver"))
    assert found.characters_a_line < 36
    assert found.long_share < 0.02
    assert found.conditionals_per_1000 < 12
    assert found.people == 0


def test_no_test_is_repeated_until_it_passes():
    others = [
        path for path in marked_to_be_rerun(ROOT / "tests") if path != Path(__file__)
    ]
    assert others == []


def test_a_sample_has_the_counts_that_can_be_read_off_it(tmp_path):
    (tmp_path / "sample.py").write_text(SAMPLE)
    found = measure([tmp_path / "sample.py"])
    assert (found.lines, found.conditionals, found.people) == (3, 1, 2)
    assert found.characters == sum(len(line.strip()) for line in SAMPLE.splitlines())
    assert found.long_lines == 0


def test_a_line_is_long_from_the_101st_column(tmp_path):
    (tmp_path / "sample.py").write_text(f"{'x' * 100}\n{'x' * 101}\n")
    found = measure([tmp_path / "sample.py"])
    assert (found.long_lines, found.long_share) == (1, 0.5)


def test_a_module_has_its_test_at_the_mirrored_place(tmp_path):
    for name in (
        "package/a/b.py",
        "package/a/__init__.py",
        "package/c.py",
        "tests/a/test_b.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    missing = without_a_test(tmp_path / "package", tmp_path / "tests")
    assert missing == [Path("c.py")]


def test_an_installed_package_is_found_by_its_name():
    assert (find_package("starlette") / "routing.py").exists()
