"""Imports point down: every import of every module against the levels in docs/architecture.md."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import kbserver

PACKAGE = Path(kbserver.__file__).parent
LEVELS = {
    "types": 0, "errors": 0, "deadline": 0, "labels": 0,
    "urls": 0, "lru": 0, "priority": 0,
    "settings": 1,
    "index": 2, "embedding": 2,
    "retrieval": 3,
    "endpoint": 4, "ingest": 4, "omni": 4,
    "evaluation": 5,
    "cli": 6,
}  # fmt: skip
ONLY_IN = {  # what is slow or heavy to import stands behind one door
    "torch": {"embedding/sentence_transformer.py"},
    "sentence_transformers": {"embedding/sentence_transformer.py"},
    "faiss": {"index/vectors/faiss.py"},
    "uvicorn": {"endpoint/serve.py", "omni/serving.py"},
}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part_of(module: str) -> str | None:
    """`kbserver.index.vectors.faiss` → `index`; None for the package itself."""
    return module.split(".")[1] if "." in module else None


def imports_of(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import hides where it points"
            found += [
                f"{node.module}.{alias.name}"
                if node.module == "kbserver"
                else node.module
                for alias in node.names
            ]
    return found


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_a_module_imports_only_from_layers_below(path):
    relative = path.relative_to(PACKAGE)
    mine = relative.parts[0].removesuffix(".py")
    if mine in ("__init__", "__main__"):
        return  # the public names, gathered from everywhere
    for module in imports_of(path):
        other = part_of(module) if module.split(".")[0] == "kbserver" else None
        if other is None or other == mine:
            continue
        allowed = LEVELS[mine] > LEVELS[other] or LEVELS[mine] == LEVELS[other] == 0
        assert allowed, (
            f"{relative} (level {LEVELS[mine]}) imports {module} (level {LEVELS[other]})"
        )


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix()
)
def test_heavy_imports_stand_behind_one_door(path):
    relative = path.relative_to(PACKAGE).as_posix()
    for module in imports_of(path):
        doors = ONLY_IN.get(module.split(".")[0])
        assert doors is None or relative in doors, (
            f"{relative} imports {module}; only {doors} may"
        )


def test_every_module_is_on_a_level():
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in MODULES}
    assert parts - {"__init__", "__main__"} == set(LEVELS)


def test_no_module_imports_itself_by_way_of_others():
    names = {
        f"kbserver.{path.relative_to(PACKAGE).with_suffix('').as_posix().replace('/', '.')}": path
        for path in MODULES
    }
    imports = {
        name: {other for other in imports_of(path) if other in names and other != name}
        for name, path in names.items()
        if path.name not in ("__init__.py", "__main__.py")
    }
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
