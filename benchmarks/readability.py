"""How easily a package is read, by counts that hold for any Python package.

    python -m benchmarks.readability [PATH …]

PATH is a package's folder, or the name of an installed package; kbserver if none is given:

    python -m benchmarks.readability kbserver starlette httpx2 uvicorn
"""

import argparse
import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LONG = 100
"""Columns."""

PEOPLE = re.compile(r"\b(who|whoever|nobody|somebody|anybody)\b", re.IGNORECASE)
RERUN = re.compile(r"\bflaky\b|\breruns\b")


@dataclass(frozen=True)
class Readability:
    """Counts over all modules of a package."""

    lines: int
    """Lines that are not blank; comments and docstrings count."""
    characters: int
    """On these lines, without indentation."""
    long_lines: int
    """Of these lines, those over 100 columns."""
    conditionals: int
    """Conditional expressions: `a if b else c`."""
    people: int
    """Mentions of people in the place of things: who, whoever, nobody, somebody, anybody."""

    @property
    def characters_a_line(self) -> float:
        """Mean length of a line without its indentation."""
        return self.characters / max(self.lines, 1)

    @property
    def long_share(self) -> float:
        """Share of lines over 100 columns, in [0, 1]."""
        return self.long_lines / max(self.lines, 1)

    @property
    def conditionals_per_1000(self) -> float:
        """Conditional expressions in 1,000 lines."""
        return 1000 * self.conditionals / max(self.lines, 1)


def measure(files: list[Path]) -> Readability:
    """Count over modules; each must be valid Python."""
    lines = characters = long_lines = conditionals = people = 0
    for file in files:
        source = file.read_text(encoding="utf-8")
        filled = [line for line in source.splitlines() if line.strip()]
        lines += len(filled)
        characters += sum(len(line.strip()) for line in filled)
        long_lines += sum(len(line) > LONG for line in filled)
        nodes = list(ast.walk(ast.parse(source)))
        people += sum(len(PEOPLE.findall(text)) for text in _prose(source, nodes))
        conditionals += sum(isinstance(node, ast.IfExp) for node in nodes)
    return Readability(lines, characters, long_lines, conditionals, people)


def _prose(source: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Comments and docstrings; other strings are data, such as a caller's words."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def modules(package: Path) -> list[Path]:
    """Return all Python files below a folder, in order."""
    return sorted(package.rglob("*.py"))


def hard_dependencies(root: Path) -> int:
    """Count what an installation without extras asks for."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return len(project["project"]["dependencies"])


def without_a_test(package: Path, tests: Path) -> list[Path]:
    """Return the modules, relative to the package, without a test file at the mirrored place.

    `__init__.py` and `__main__.py` need none.
    """
    missing = []
    for file in modules(package):
        place = file.relative_to(package)
        test = tests / place.with_name(f"test_{place.name}")
        if not place.name.startswith("__") and not test.exists():
            missing.append(place)
    return missing


def marked_to_be_rerun(tests: Path) -> list[Path]:
    """Return the test files that ask to be repeated after a failure."""
    return [
        file
        for file in modules(tests)
        if RERUN.search(file.read_text(encoding="utf-8"))
    ]


def find_package(name: str) -> Path:
    """Return the folder that a path or the name of an installed package means.

    Raises:
        SystemExit: there is neither.
    """
    if Path(name).is_dir():
        return Path(name)
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"neither a folder nor an installed package: {name}")
    return Path(spec.submodule_search_locations[0])


def main() -> None:
    """Print a table, a row for each package, then what is counted for this project alone."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("packages", nargs="*", default=["kbserver"], metavar="PATH")
    packages = parser.parse_args().packages
    print(
        "| package | lines | characters a line | over 100 columns "
        "| conditionals per 1,000 | people |"
    )
    print("|---|--:|--:|--:|--:|--:|")
    for name in packages:
        found = measure(modules(find_package(name)))
        print(
            f"| {name} | {found.lines} | {found.characters_a_line:.1f} | {found.long_share:.1%} "
            f"| {found.conditionals_per_1000:.1f} | {found.people} |"
        )
    root = Path(__file__).parents[1]
    package, tests = root / "kbserver", root / "tests"
    print()
    print(f"hard dependencies: {hard_dependencies(root)}")
    print(f"modules: {len(modules(package))}")
    print(f"modules without a test file: {len(without_a_test(package, tests))}")
    print(f"test modules marked to be rerun: {len(marked_to_be_rerun(tests))}")


if __name__ == "__main__":
    main()
